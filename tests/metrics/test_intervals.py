"""Published values, independent packages, edges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from metrics import difference_interval, proportion_interval
from metrics.intervals import log_log


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_values_that_newcombe_printed(successes, n, low, high):
    row = proportion_interval(successes=successes, n=n).iloc[0]
    assert row["proportion_low"] == pytest.approx(low, abs=5e-5)
    assert row["proportion_high"] == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("a", "n_a", "b", "n_b", "low", "high"),
    [
        (56, 70, 48, 80, 0.0524, 0.3339),
        (9, 10, 3, 10, 0.1705, 0.8090),
        (6, 7, 2, 7, 0.0582, 0.8062),
        (5, 56, 0, 29, -0.0381, 0.1926),
        (0, 10, 0, 20, -0.1611, 0.2775),
        (10, 10, 0, 20, 0.6791, 1.0),
    ],
)
def test_differences_give_the_values_that_newcombe_printed(a, n_a, b, n_b, low, high):
    row = difference_interval(successes_a=a, n_a=n_a, successes_b=b, n_b=n_b).iloc[0]
    assert row["difference_low"] == pytest.approx(low, abs=5e-5)
    assert row["difference_high"] == pytest.approx(high, abs=5e-5)


COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(COUNTS, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_limits_agree_with_statsmodels(counts, confidence):
    successes, n = counts
    for mine, theirs in (("wilson", "wilson"), ("clopper_pearson", "beta"), ("wald", "normal")):
        row = proportion_interval(successes=successes, n=n, method=mine, confidence=confidence).iloc[0]
        want = proportion_confint(successes, n, alpha=1 - confidence, method=theirs)
        got = (row["proportion_low"], row["proportion_high"])
        assert got == pytest.approx(np.nan_to_num(np.clip(want, 0, 1), nan=[0.0, 1.0][int(successes > 0)]), abs=1e-9)


@given(COUNTS, COUNTS)
def test_differences_agree_with_statsmodels(a, b):
    row = difference_interval(successes_a=a[0], n_a=a[1], successes_b=b[0], n_b=b[1]).iloc[0]
    want = confint_proportions_2indep(*a, *b, method="newcomb")
    assert (row["difference_low"], row["difference_high"]) == pytest.approx(want, abs=1e-9)


def test_at_nobody_and_at_everybody_the_limit_is_exact():
    table = proportion_interval(successes=[0, 7], n=[7, 7])
    assert table["proportion_low"][0] == 0.0
    assert table["proportion_high"][1] == 1.0


def test_without_trials_there_is_no_rate_and_a_reason():
    row = proportion_interval(successes=0, n=0).iloc[0]
    assert np.isnan([row["proportion"], row["proportion_low"], row["proportion_high"]]).all()
    assert row["reason"] == "zero_denominator"
    assert difference_interval(successes_a=1, n_a=2, successes_b=0, n_b=0)["reason"].item() == "zero_denominator"


@pytest.mark.parametrize(("successes", "n"), [(3, 2), (-1, 2), (1, -2), ([1, 2], [3])])
def test_impossible_counts_are_refused(successes, n):
    with pytest.raises(ValueError, match="successes"):
        proportion_interval(successes=successes, n=n)


@pytest.mark.parametrize("confidence", [0, 1, 95, "0.95"])
def test_confidence_lies_between_0_and_1(confidence):
    with pytest.raises(ValueError, match=r"confidence.*0\.95"):
        proportion_interval(successes=1, n=2, confidence=confidence)


def test_the_log_log_limits_stay_within_0_and_1_and_hold_the_share():
    low, high = log_log(np.array([0.02, 0.5, 0.98]), np.array([0.1, 0.1, 0.1]))
    assert ((low > 0) & (low < [0.02, 0.5, 0.98]) & (high > [0.02, 0.5, 0.98]) & (high < 1)).all()
