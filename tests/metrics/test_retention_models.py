import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import beta as beta_function
from scipy.special import hyp2f1

from metrics import EventTableError, RetentionModel, fit_retention, project_retention
from metrics.survival.likelihood import log_likelihood
from tests.metrics.catalogue import quick

# Customers of 1,000 still there by year: Fader & Hardie (2007), table 1.
REGULAR = [1000, 631, 468, 382, 326, 289, 262, 241, 223, 207, 194, 183, 173]
HIGH_END = [1000, 869, 743, 653, 593, 551, 517, 491, 468, 445, 427, 409, 394]


def estimates(fit):
    return fit.table["estimate"].tolist()


@pytest.mark.parametrize(
    ("active", "model", "published"),
    [
        (REGULAR[:8], "sbg", [0.704, 1.182]),
        (HIGH_END[:8], "sbg", [0.668, 3.806]),
        (HIGH_END[:5], "bdw", [0.259, 1.722, 1.584]),
        ([10_000, 8_000, 6_480, 5_307, 4_391], "sbg", [3.791, 15.161]),  # 3.80, 15.19 before the counts were rounded
    ],
)
def test_published_fits_come_out_to_the_last_printed_digit(active, model, published):
    fit = fit_retention(active, model=model, unit="year")
    assert fit.status == "ok"
    assert estimates(fit) == pytest.approx(published, abs=0.0006 if model == "bdw" else 0.0005)


def test_the_likelihood_of_the_published_fits():
    assert fit_retention(REGULAR[:8], unit="year").log_likelihood == pytest.approx(-1680.265188, abs=1e-5)
    assert fit_retention(HIGH_END[:8], unit="year").log_likelihood == pytest.approx(-1611.158147, abs=1e-5)
    assert fit_retention(HIGH_END[:8], model="bdw", unit="year").log_likelihood == pytest.approx(-1605.314213, abs=1e-5)


def test_the_likelihood_is_climbed_to_its_end_where_all_leave_at_once():
    fit = fit_retention([20, 20, 20, 18], model="bdw", unit="year")  # as if all leaving were of the third year
    assert fit.log_likelihood == pytest.approx(2 * np.log(0.1) + 18 * np.log(0.9), abs=0.002)


def test_more_years_ahead_sbg_loses_too_many_and_bdw_does_not():
    errors = {}
    for model in ("sbg", "bdw"):
        ahead = project_retention(HIGH_END[:8], model=model, unit="year")["survival"].iloc[8:]
        errors[model] = np.mean(np.abs(1000 * ahead / HIGH_END[8:] - 1))
    assert errors["sbg"] == pytest.approx(0.02832, abs=1e-4)
    assert errors["bdw"] == pytest.approx(0.01266, abs=1e-4)


def test_one_average_rate_is_what_was_kept_of_what_could_be():
    fit = fit_retention([100, 80, 60, 50], model="geometric", unit="month")
    assert estimates(fit) == [190 / 240]
    assert fit.aic == pytest.approx(2 - 2 * fit.log_likelihood)
    assert fit.bic == pytest.approx(np.log(100) - 2 * fit.log_likelihood)


def test_rates_rise_although_nobody_changes():
    sbg = RetentionModel("sbg", unit="year", alpha=0.704, beta=1.182)
    t = np.arange(1, 11)
    assert sbg.retention_rate(10).tolist() == pytest.approx(((1.182 + t - 1) / (0.704 + 1.182 + t - 1)).tolist())
    assert sbg.survival(10)[10] == pytest.approx(0.1912161304)
    assert sbg.survival(10).index.tolist() == list(range(11))
    assert sbg.retention_rate(10).index.tolist() == list(range(1, 11))


def test_the_same_first_renewal_may_be_worth_four_or_ten_more():
    # Fader & Hardie (2010): both cases renew 80 % first, and differ in how alike the customers are.
    alike = RetentionModel("sbg", unit="year", alpha=3.80, beta=15.19)
    mixed = RetentionModel("sbg", unit="year", alpha=0.067, beta=0.267)
    assert round(alike.discounted_lifetime(annual_discount=0.1, renewal=5), 2) == 3.84
    assert round(mixed.discounted_lifetime(annual_discount=0.1, renewal=5), 2) == 10.19


@pytest.mark.parametrize("unit", ["day", "month", "year"])
@pytest.mark.parametrize(("alpha", "beta"), [(3.8, 15.19), (0.067, 0.267), (0.704, 1.182), (12.0, 40.0)])
def test_discounted_lifetimes_equal_the_hypergeometric_series(unit, alpha, beta):
    periods = {"day": 365.25, "month": 12, "year": 1}[unit]
    v = 1.1 ** (-1 / periods)
    sbg = RetentionModel("sbg", unit=unit, alpha=alpha, beta=beta)
    new = hyp2f1(1, beta, alpha + beta, v)
    assert sbg.discounted_lifetime(annual_discount=0.1) == pytest.approx(new, rel=1e-8)
    third = (beta + 2) / (alpha + beta + 2) * hyp2f1(1, beta + 3, alpha + beta + 3, v)
    assert sbg.discounted_lifetime(annual_discount=0.1, renewal=3) == pytest.approx(third, rel=1e-8)


def test_without_a_discount_payments_may_have_no_end():
    assert np.isnan(RetentionModel("sbg", unit="year", alpha=0.9, beta=2).discounted_lifetime(annual_discount=0))
    ends = RetentionModel("sbg", unit="year", alpha=3, beta=2)
    assert ends.discounted_lifetime(annual_discount=0) == pytest.approx(2)
    kept = RetentionModel("geometric", unit="year", retention_rate=0.8)
    assert kept.discounted_lifetime(annual_discount=0) == pytest.approx(5)
    assert kept.discounted_lifetime(annual_discount=0, renewal=1) == pytest.approx(4)  # the first is not certain
    assert np.isnan(RetentionModel("geometric", unit="year", retention_rate=1).discounted_lifetime(annual_discount=0))


def test_bdw_with_c_of_one_is_sbg():
    sbg = RetentionModel("sbg", unit="month", alpha=0.7, beta=1.2)
    bdw = RetentionModel("bdw", unit="month", alpha=0.7, beta=1.2, c=1)
    assert bdw.survival(24).tolist() == pytest.approx(sbg.survival(24).tolist())
    assert bdw.discounted_lifetime(annual_discount=0.2) == pytest.approx(sbg.discounted_lifetime(annual_discount=0.2))


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 2.0), (30.0, 70.0), (80.0, 4.0), (1e8, 3e8)])
def test_survival_is_a_ratio_of_beta_functions_and_keeps_its_digits(alpha, beta):
    survival = RetentionModel("bdw", unit="year", alpha=alpha, beta=beta, c=1.3).survival(4)
    if alpha < 1e6:
        spent = np.arange(5) ** 1.3
        np.testing.assert_allclose(survival, beta_function(alpha, beta + spent) / beta_function(alpha, beta), rtol=1e-9)
    else:  # all customers are alike
        np.testing.assert_allclose(survival, 0.75 ** (np.arange(5) ** 1.3), rtol=1e-6)


@pytest.mark.parametrize(
    ("active", "model", "status", "reason"),
    [
        ([100, 100, 100], "sbg", "not_identified", "nobody_lost"),
        ([100, 100, 100], "geometric", "boundary", "nobody_lost"),
        ([100, 0, 0], "bdw", "not_identified", "nobody_left"),
        ([100, 0], "geometric", "boundary", "nobody_left"),
        ([100, 50], "sbg", "not_identified", "too_few_periods"),
        ([100, 80, 70], "bdw", "not_identified", "too_few_periods"),
        ([100], "geometric", "not_identified", "too_few_periods"),
        ([], "sbg", "not_identified", "too_few_customers"),
        ([0, 0, 0], "sbg", "not_identified", "too_few_customers"),
        ([100, 50, 25, 12], "sbg", "boundary", "no_difference_between_customers"),
        ([1000, 900, 700, 400, 100], "sbg", "boundary", "no_difference_between_customers"),
        ([1000, 900, 700, 400, 100], "bdw", "boundary", "no_difference_between_customers"),
        ([100, 60, 60, 60], "sbg", "boundary", "nobody_lost_later"),
    ],
)
def test_counts_that_cannot_tell_give_a_status_and_no_nonsense(active, model, status, reason):
    fit = fit_retention(active, model=model, unit="month")
    assert (fit.status, fit.reason) == (status, reason)
    ahead = project_retention(active, model=model, unit="month", periods=6)
    limits = ["survival_low", "survival_high", "retention_rate_low", "retention_rate_high"]
    if status == "not_identified":
        assert fit.model is None
        assert fit.table[["estimate", "std_error", "low", "high"]].isna().all(axis=None)
        assert np.isnan(fit.log_likelihood)
        assert ahead[["survival", "retention_rate", *limits]].isna().all(axis=None)
        assert ahead["reason"].eq(reason).all()
    else:
        assert np.isfinite(fit.table["estimate"]).all()
        assert np.isfinite(fit.log_likelihood)
        assert fit.table.loc[fit.table["parameter"] != "c", "std_error"].isna().all()
        assert ahead["survival"].between(0, 1).all()
        assert ahead["reason"].isna().all()


def test_a_model_with_one_kind_of_customer_foretells_what_the_average_rate_does():
    active = [1000, 900, 700, 400, 100]  # they leave faster and faster: no mixture of constant rates can
    sbg, flat = (project_retention(active, model=model, unit="month", periods=8) for model in ("sbg", "geometric"))
    np.testing.assert_allclose(sbg["survival"], flat["survival"], rtol=1e-6)
    np.testing.assert_allclose(sbg["survival_high"], flat["survival_high"], atol=0.005)


def test_projections_hold_what_was_seen_and_what_is_to_come():
    ahead = project_retention(HIGH_END[:8], unit="year", periods=9)
    assert ahead["period"].tolist() == list(range(10))
    assert ahead["active"].tolist()[:8] == HIGH_END[:8]
    assert ahead["active"].iloc[8:].isna().all()
    assert ahead.loc[0, ["survival", "survival_low", "survival_high"]].tolist() == [1, 1, 1]
    assert np.isnan(ahead.loc[0, "retention_rate"])
    assert len(project_retention(HIGH_END, unit="year", periods=3)) == 4
    bare = project_retention(HIGH_END, unit="year", confidence=None)
    assert list(bare.columns) == ["period", "active", "survival", "retention_rate", "reason"]


def test_a_table_of_periods_may_come_in_any_order():
    table = pd.DataFrame({"period": range(8), "active": HIGH_END[:8]})
    shuffled = table.sample(frac=1, random_state=1)
    assert estimates(fit_retention(shuffled, unit="year")) == estimates(fit_retention(HIGH_END[:8], unit="year"))


@pytest.mark.parametrize(
    ("active", "message"),
    [
        ([100, 110, 90], "more than in the period before: period 1"),
        ([100, None, 90], "missing or endless: period 1"),
        ([100, -1], "below 0: period 1"),
        (pd.DataFrame({"period": [0, 2], "active": [5, 4]}), r"the periods are \[0, 2\]"),
        (pd.DataFrame({"month": [0, 1]}), "active has no"),
    ],
)
def test_impossible_counts_are_refused(active, message):
    with pytest.raises(EventTableError, match=message):
        fit_retention(active, unit="month")


def test_wrong_arguments_are_refused():
    with pytest.raises(ValueError, match="model: 'weibull' is not known"):
        fit_retention([10, 5, 3], model="weibull", unit="month")
    with pytest.raises(ValueError, match="unit: 'fortnight' is not known"):
        fit_retention([10, 5, 3], unit="fortnight")
    with pytest.raises(ValueError, match=r"sbg has the parameters \['alpha', 'beta'\]"):
        RetentionModel("sbg", unit="year", alpha=1)
    with pytest.raises(ValueError, match="alpha: -1 is impossible"):
        RetentionModel("sbg", unit="year", alpha=-1, beta=1)
    with pytest.raises(ValueError, match=r"retention_rate: 1\.2 is impossible"):
        RetentionModel("geometric", unit="year", retention_rate=1.2)
    model = RetentionModel("sbg", unit="year", alpha=1, beta=1)
    with pytest.raises(ValueError, match="periods: 0"):
        model.survival(0)
    with pytest.raises(ValueError, match=r"annual_discount: -0.1"):
        model.discounted_lifetime(annual_discount=-0.1)
    with pytest.raises(ValueError, match="renewal: -1"):
        model.discounted_lifetime(annual_discount=0.1, renewal=-1)


@quick
@given(losses=st.lists(st.integers(0, 40), min_size=3, max_size=7), left=st.integers(0, 60))
def test_no_neighbour_of_a_fit_is_more_likely(losses, left):
    active = np.r_[np.cumsum(np.r_[left, losses[::-1]])[::-1]]
    fit = fit_retention(active, unit="month")
    if fit.model is None:
        return
    m = np.log(fit.model.parameters["alpha"] / fit.model.parameters["beta"])
    total = np.log(sum(fit.model.parameters.values()))
    lost = -np.diff(active).astype(float)
    for shift in ([0.1, 0], [-0.1, 0], [0, -1], [0, 1], [0.3, -2], [0, -4]):
        point = np.array([m, total]) + shift
        if abs(point[1]) < 20:
            assert log_likelihood(point, lost, float(left)) <= fit.log_likelihood + 1e-5


@pytest.mark.slow
@pytest.mark.parametrize("model", ["sbg", "bdw"])
def test_limits_hold_the_truth_as_often_as_they_say(model):
    given = {"alpha": 0.8, "beta": 2.5} | ({"c": 1.3} if model == "bdw" else {})
    truth = RetentionModel(model, unit="month", **given)
    share, rng = truth.survival(12).to_numpy(), np.random.default_rng(11)
    inside, ahead, tries = np.zeros(len(given)), 0, 120
    for _ in range(tries):
        lost = rng.multinomial(2000, np.r_[-np.diff(share[:9]), share[8]])
        active = 2000 - np.r_[0, np.cumsum(lost[:-1])]
        table = fit_retention(active, model=model, unit="month").table
        inside += (table["low"] <= list(given.values())) & (table["high"] >= list(given.values()))
        last = project_retention(active, model=model, unit="month", periods=12).iloc[-1]
        ahead += last["survival_low"] <= share[12] <= last["survival_high"]
    assert (inside / tries > 0.9).all()
    assert 0.9 < ahead / tries < 0.99
