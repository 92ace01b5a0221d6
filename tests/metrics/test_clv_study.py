"""Simulated customers: no fit raises or stops short, and limits hold what they say. `make study` runs all of it."""

import pytest

from benchmarks.lifetime_value import coverage, stress


@pytest.mark.slow
def test_no_hard_customer_base_makes_a_fit_raise_or_stop_short_of_the_best_of_20_starts():
    failed, worst = stress.study(90)
    assert failed == 0
    assert worst < 1e-3


@pytest.mark.slow
def test_limits_of_parameters_and_of_totals_hold_what_they_say():
    shares = coverage.parameters("bgnbd", 2357, 100)
    assert all(88 <= share <= 100 for name, share in shares.items() if name != "edge")
    total, single = coverage.totals("bgnbd", 2357, 40)
    assert 65 <= total <= 95
    assert single >= 80
