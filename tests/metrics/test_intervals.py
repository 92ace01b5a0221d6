"""Published values, independent packages, edges."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import fisher_exact
from statsmodels.stats.contingency_tables import Table2x2
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint, proportions_ztest

from metrics import difference_interval, proportion_interval
from metrics.intervals import adjust_p_values, log_log, odds_ratio, relative_lift, two_rates_test


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


unhurried = settings(deadline=None)  # the other package may be slow
COUNTS = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@unhurried
@given(COUNTS, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_limits_agree_with_statsmodels(counts, confidence):
    successes, n = counts
    for mine, theirs in (("wilson", "wilson"), ("clopper_pearson", "beta"), ("wald", "normal")):
        row = proportion_interval(successes=successes, n=n, method=mine, confidence=confidence).iloc[0]
        want = proportion_confint(successes, n, alpha=1 - confidence, method=theirs)
        got = (row["proportion_low"], row["proportion_high"])
        assert got == pytest.approx(np.nan_to_num(np.clip(want, 0, 1), nan=[0.0, 1.0][int(successes > 0)]), abs=1e-9)


@unhurried
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


# --- ratios


def inside(n):
    """Counts with successes and failures."""
    return st.tuples(st.integers(1, n - 1), st.just(n))


INSIDE = st.integers(2, 400).flatmap(inside)


@unhurried
@given(INSIDE, INSIDE, st.sampled_from([0.8, 0.95]))
def test_the_limits_of_a_lift_are_those_of_katz(a, b, confidence):
    lift = relative_lift(*a, *b, confidence)
    low, high = confint_proportions_2indep(*a, *b, compare="ratio", method="log", alpha=1 - confidence)
    assert lift.value == pytest.approx((a[0] / a[1]) / (b[0] / b[1]) - 1)
    assert (lift.low, lift.high) == pytest.approx((low - 1, high - 1), abs=1e-9)


@pytest.mark.parametrize("edge", [(0, 20), (20, 20)])
def test_a_lift_from_nobody_or_everybody_has_a_width_and_agrees_with_the_difference(edge):
    lift = relative_lift(*edge, 10, 20)
    assert lift.low <= lift.value <= lift.high
    assert lift.high - lift.low > 0.2
    row = difference_interval(successes_a=edge[0], n_a=edge[1], successes_b=10, n_b=20).iloc[0]
    assert np.sign([lift.low, lift.high]).tolist() == np.sign([row["difference_low"], row["difference_high"]]).tolist()


def test_two_rates_of_everybody_differ_by_what_wilson_leaves_open():
    lift = relative_lift(20, 20, 20, 20)
    low = proportion_interval(successes=20, n=20)["proportion_low"].item()
    assert (lift.value, lift.low, lift.high) == pytest.approx((0, low - 1, 1 / low - 1))


def test_the_limits_at_the_edge_solve_the_equation_of_donner_and_zou():
    (a, n_a), (b, n_b) = (0, 25), (3, 200)  # the upper Wilson limit of b is more than twice b
    lift = relative_lift(a, n_a, b, n_b)
    rates = proportion_interval(successes=[a, b], n=[n_a, n_b])
    up, down = rates["proportion_high"][0], 3 / 200 - rates["proportion_low"][1]
    high = lift.high + 1
    assert high * 3 / 200 == pytest.approx(np.hypot(up, high * down))  # a is 0
    assert lift.low == -1


def test_over_a_rate_of_0_there_is_no_lift():
    for counts in ((3, 10, 0, 10), (0, 10, 0, 10), (0, 0, 3, 10), (3, 10, 0, 0)):
        assert np.isnan(relative_lift(*counts)).all()


@unhurried
@given(INSIDE, INSIDE, st.sampled_from([None, 0, 1, 0.5]))
def test_odds_ratios_agree_with_statsmodels(a, b, smoothing):
    table = np.array([[a[0], a[1] - a[0]], [b[0], b[1] - b[0]]]) + (smoothing or 0)
    want = Table2x2(table, shift_zeros=False)
    got = odds_ratio(*a, *b, smoothing=smoothing)
    assert got.value == pytest.approx(want.oddsratio)
    assert (got.low, got.high) == pytest.approx(want.oddsratio_confint(), rel=1e-9)


def test_a_half_is_added_only_where_a_count_is_0():
    got = odds_ratio([5, 5], 10, [0, 1], 10)
    assert got.value.tolist() == pytest.approx([(5.5 * 10.5) / (5.5 * 0.5), 9.0])
    want = Table2x2(np.array([[5, 5], [0, 10]]) + 0.5)
    assert (got.low[0], got.high[0]) == pytest.approx(want.oddsratio_confint())
    assert np.isnan(odds_ratio(5, 10, 0, 10, smoothing=0)).all()  # 0 or infinite without it


def test_what_all_or_none_did_tells_nothing_of_the_odds():
    for counts in ((10, 10, 5, 5), (0, 10, 0, 5), (0, 0, 3, 5), (3, 5, 0, 0)):
        assert np.isnan(odds_ratio(*counts)).all()
        assert np.isnan(odds_ratio(*counts, smoothing=1)).all()


# --- tests


@unhurried
@given(INSIDE, INSIDE)
def test_two_rates_are_tested_as_statsmodels_and_scipy_do(a, b):
    z, p = (float(x) for x in two_rates_test(*a, *b))
    table = np.array([[a[0], a[1] - a[0]], [b[0], b[1] - b[0]]])
    expected = table.sum(axis=1)[:, None] * table.sum(axis=0) / table.sum()
    want_z, want_p = proportions_ztest([a[0], b[0]], [a[1], b[1]])
    assert z == pytest.approx(want_z, abs=1e-9)
    assert p == pytest.approx(fisher_exact(table).pvalue if expected.min() < 5 else want_p, abs=1e-9)
    assert two_rates_test(*a, *b, test="z_pooled").p_value == pytest.approx(want_p, abs=1e-9)
    assert two_rates_test(*a, *b, test="fisher").p_value == pytest.approx(fisher_exact(table).pvalue, abs=1e-9)


def test_an_expected_count_of_exactly_5_is_enough():
    # 10 of 20 and 0 of 20 expect 5 each of 20; with one less of 40 the exact test speaks.
    _, p = two_rates_test([10, 9], 20, [0, 0], 20)
    assert p[0] == pytest.approx(proportions_ztest([10, 0], [20, 20])[1])
    assert p[1] == pytest.approx(fisher_exact([[9, 11], [0, 20]]).pvalue)


@pytest.mark.parametrize(("n_a", "n_b", "rate"), [(50, 80, 0.3), (400, 300, 0.02), (35, 35, 0.5), (1000, 40, 0.9)])
def test_where_nothing_differs_p_is_below_5_percent_at_most_about_as_often(n_a, n_b, rate):
    rng = np.random.default_rng(5)
    a, b = rng.binomial(n_a, rate, 4000), rng.binomial(n_b, rate, 4000)
    _, p = two_rates_test(a, n_a, b, n_b)
    assert (p < 0.05).mean() < 0.06  # the exact test stays below
    lift, odds = relative_lift(a, n_a, b, n_b), odds_ratio(a, n_a, b, n_b)
    assert ((lift.low > 0) | (lift.high < 0)).mean() < 0.08  # log limits of a few dozen near 1 are a little short
    assert ((odds.low > 1) | (odds.high < 1)).mean() < 0.06


def test_without_variance_there_is_no_test():
    z, p = two_rates_test([0, 10, 0], [10, 10, 0], [0, 8, 1], [10, 8, 4])
    assert np.isnan([z, p]).all()


@pytest.mark.parametrize(
    ("method", "want"),
    [
        ("holm", [0.03, 0.06, 0.06, 0.02]),
        ("benjamini_hochberg", [0.02, 0.04, 0.04, 0.02]),
        ("bonferroni", [0.04, 0.16, 0.12, 0.02]),
    ],
)
def test_tests_are_adjusted_together_in_the_order_given(method, want):
    table = adjust_p_values([0.01, 0.04, 0.03, 0.005], method=method)
    assert table["p_value"].tolist() == [0.01, 0.04, 0.03, 0.005]
    assert table["p_adjusted"].tolist() == pytest.approx(want)


METHODS = {"holm": "holm", "benjamini_hochberg": "fdr_bh", "bonferroni": "bonferroni"}


@pytest.mark.slow
@unhurried
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.sampled_from(sorted(METHODS)))
def test_adjusted_p_values_agree_with_statsmodels(p_values, method):
    want = multipletests(p_values, method=METHODS[method])[1]
    assert adjust_p_values(p_values, method=method)["p_adjusted"].tolist() == pytest.approx(want)


def test_what_was_not_tested_is_not_counted_as_a_test():
    table = adjust_p_values(pd.Series([0.01, None, 0.5], index=[7, 8, 9]))
    assert table["p_adjusted"].tolist() == pytest.approx([0.02, np.nan, 0.5], nan_ok=True)
    assert list(table.index) == [0, 1, 2]
    assert adjust_p_values([]).empty
    assert adjust_p_values([np.nan])["p_adjusted"].isna().all()


@pytest.mark.parametrize(
    ("p_values", "options", "message"),
    [
        ([0.1, 1.2], {}, "p_values: 1.2 is not a probability"),
        ([-0.1], {}, "p_values: -0.1 is not a probability"),
        ([0.1], {"method": "bh"}, "method: 'bh' is not known"),
    ],
)
def test_what_is_no_p_value_is_refused(p_values, options, message):
    with pytest.raises(ValueError, match=message):
        adjust_p_values(p_values, **options)


@pytest.mark.parametrize(("few", "loaded"), [("400", "False"), ("4", "True")], ids=["many", "few"])
def test_the_slow_half_of_scipy_is_loaded_only_where_users_are_few(few, loaded):
    code = (
        "import sys; from metrics.intervals import two_rates_test;"
        f"two_rates_test(2, {few}, 3, {few}) if {few} < 9 else two_rates_test(90, {few}, 80, {few});"
        "print('scipy.stats' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == loaded
