"""Limits of parameters: they lie where the likelihood says, whatever its shape."""

import numpy as np
import pandas as pd
import pytest
from scipy import optimize, stats

from metrics import PurchaseModel, SpendModel, fit_purchases, fit_spend
from metrics.clv.estimates import profile_limits
from metrics.clv.newton import maximum

FEW = pd.DataFrame({
    "frequency": [0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 6, 12], "recency": [0, 0, 0, 3.0, 9, 20, 5, 30, 12, 35, 38, 39],
    "T": [39.0, 35, 30, 39, 39, 28, 39, 39, 39, 36, 39, 39], "n": [300, 280, 250, 90, 40, 50, 40, 30, 30, 30, 20, 10],
})  # fmt: skip
FALL = stats.chi2.ppf(0.95, 1) / 2  # how far the log-likelihood has fallen at a limit of 95 %


def best(of, start):
    """Highest value over logarithms, by a method without derivatives."""
    options = {"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000, "maxfev": 4000}
    return -optimize.minimize(lambda at: -of(np.exp(at)), np.log(start), method="Nelder-Mead", options=options).fun


@pytest.mark.parametrize(("model", "held"), [("nbd", "r"), ("nbd", "alpha"), ("mbgnbd", "b"), ("bgnbd", "a")])
def test_at_a_limit_the_best_of_the_others_is_just_significantly_worse(model, held):
    fit = fit_purchases(FEW, model=model, weights="n", unit="week")
    row, at = fit.table.set_index("parameter").loc[held], dict(fit.model.parameters)
    others = [name for name in at if name != held]
    for limit in (row["low"], row["high"]):

        def of(values, limit=limit):
            some = dict(zip(others, values, strict=True)) | {held: limit}
            return PurchaseModel(model, unit="week", **some).log_likelihood(FEW, weights="n")

        assert fit.log_likelihood - best(of, [at[name] for name in others]) == pytest.approx(FALL, abs=1e-4)
    assert row["low"] < row["estimate"] < row["high"]


def test_limits_of_spend_are_those_of_its_likelihood_too():
    g = np.random.default_rng(5)
    x = g.integers(1, 6, 120)
    table = pd.DataFrame({"frequency": x, "monetary_value": g.gamma(6 * x) / x * 15 / g.gamma(3.7, size=120)})
    fit = fit_spend(table)
    high = fit.table.set_index("parameter").loc["q", "high"]
    worse = best(lambda v: SpendModel(p=v[0], q=high, gamma=v[1]).log_likelihood(table), [fit.model.p, fit.model.gamma])
    assert fit.log_likelihood - worse == pytest.approx(FALL, abs=1e-4)


def test_where_the_likelihood_is_a_parabola_the_limits_are_the_familiar_ones():
    bend = np.array([[4.0, 1.0], [1.0, 9.0]])
    top = maximum(lambda at: (-at @ bend @ at / 2, -bend @ at, -bend), np.array([1.0, 1.0]))
    low, high = profile_limits(lambda at: (-at @ bend @ at / 2, -bend @ at, -bend), top, 0.95)
    half = stats.norm.ppf(0.975) * np.sqrt(np.diag(np.linalg.inv(bend)))
    assert high == pytest.approx(half)
    assert low == pytest.approx(-half)


def test_what_the_likelihood_does_not_bound_has_no_limit_on_that_side():
    def flat(at):  # falls to the left, and by no more than 1 to the right
        fall = np.where(at > 0, 1 - np.exp(-(at**2) / 2), at**2 / 2)
        slope = np.where(at > 0, at * np.exp(-(at**2) / 2), at)
        bend = np.where(at > 0, (1 - at**2) * np.exp(-(at**2) / 2), 1.0)
        return -float(fall.sum()), -slope, -np.diag(bend)

    low, high = profile_limits(flat, maximum(flat, np.array([0.1])), 0.95)
    assert low == pytest.approx([-stats.norm.ppf(0.975)])
    assert high.tolist() == [np.inf]


def test_a_ridge_without_an_end_bounds_nothing():
    # Two parameters that only their difference binds: one may grow as far as the other does.
    def ridge(at):
        d, u = at[0] - 0.6 * at[1], max(at[1], 0.0)
        bend = np.array([[100.0, -60.0], [-60.0, 36.0]])
        fall = 1 - np.exp(-(u**2) / 2) if u else at[1] ** 2 / 2
        slope, curve = (u * np.exp(-(u**2) / 2), (1 - u**2) * np.exp(-(u**2) / 2)) if u else (at[1], 1.0)
        return -50 * d**2 - fall, -100 * d * np.array([1, -0.6]) - [0, slope], -bend - np.diag([0, curve])

    low, high = profile_limits(ridge, maximum(ridge, np.array([0.1, 0.1])), 0.95)
    assert np.isfinite(low).all()
    assert high.tolist() == [np.inf, np.inf]


def test_limits_move_with_the_unit_and_not_with_the_order_or_the_gathering_of_rows():
    weeks = fit_purchases(FEW, model="mbgnbd", weights="n", unit="week").table.set_index("parameter")
    each = FEW.loc[FEW.index.repeat(FEW["n"])].sample(frac=1, random_state=1)
    days = fit_purchases(
        each.assign(recency=7 * each["recency"], T=7 * each["T"]), model="mbgnbd", unit="day"
    ).table.set_index("parameter")
    days.loc["alpha"] /= 7
    for limit in ("low", "high"):
        assert days[limit].tolist() == pytest.approx(weeks[limit].tolist(), rel=1e-6)


def test_at_an_edge_there_are_no_limits_and_those_of_the_rest_stand():
    g = np.random.default_rng(3)
    T = np.full(300, 40.0)
    x = g.poisson(g.gamma(1.5, 0.2, 300) * T)
    table = pd.DataFrame({"frequency": x, "recency": np.where(x > 0, T * g.beta(np.maximum(x, 1), 1), 0.0), "T": T})
    edge = fit_purchases(table, model="bgnbd", unit="day").table.set_index("parameter")
    floor = fit_purchases(table, model="nbd", unit="day").table.set_index("parameter")
    assert edge.loc["a", ["std_error", "low", "high"]].isna().all()
    assert edge.loc["r", ["low", "high"]].tolist() == pytest.approx(floor.loc["r", ["low", "high"]].tolist(), rel=1e-3)


def test_a_row_that_stands_for_nobody_changes_nothing():
    more = pd.concat([FEW, pd.DataFrame({"frequency": [9], "recency": [1.0], "T": [2.0], "n": [0]})])
    without, beside = (fit_purchases(t, model="nbd", weights="n", unit="week") for t in (FEW, more))
    assert beside.distinct_rows == without.distinct_rows == len(FEW)
    assert beside.log_likelihood == without.log_likelihood


def test_limits_can_be_left_out():
    assert "low" not in fit_purchases(FEW, model="bgnbd", weights="n", unit="week", confidence=None).table
