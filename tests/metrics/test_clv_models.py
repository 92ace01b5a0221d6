"""Models of buying and of spend: published figures, other packages, and what must hold whatever the data."""

import copy
import itertools
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, special, stats

from benchmarks.lifetime_value.cohorts import cohort
from metrics import EventTableError, PurchaseModel, SpendModel, fit_purchases, fit_spend, orders_summary
from metrics.clv.customers import distinct, read_customers
from metrics.clv.fitting import Likelihood
from metrics.clv.models import FAMILIES
from metrics.clv.models.bgnbd import coins
from metrics.clv.newton import highest, maximum

LOG = pd.read_csv("data/cdnow.csv", dtype={"customer_id": str}, parse_dates=["date"])
COLUMNS = {"customer": "customer_id", "time": "date", "amount": "amount"}
CDNOW = orders_summary(LOG, end="1997-09-30", **COLUMNS)
TIMED = ["bgnbd", "mbgnbd", "pareto_nbd", "nbd"]
PUBLISHED = {
    "bgnbd": PurchaseModel("bgnbd", unit="week", r=0.243, alpha=4.414, a=0.793, b=2.426),
    "mbgnbd": PurchaseModel("mbgnbd", unit="week", r=0.525, alpha=6.183, a=0.891, b=1.614),
    "pareto_nbd": PurchaseModel("pareto_nbd", unit="week", r=0.553, alpha=10.578, s=0.606, beta=11.669),
    "nbd": PurchaseModel("nbd", unit="week", r=0.385, alpha=12.072),
}
# Donors of 1995 and the six years after: frequency, recency, seasons, donors (Fader, Hardie & Shang 2010, table 1).
DONORS = """0 0 6 3464  1 1 6 1091  1 2 6 277  1 3 6 129  1 4 6 78  1 5 6 119  1 6 6 129  2 2 6 613  2 3 6 255
2 4 6 155  2 5 6 173  2 6 6 234  3 3 6 322  3 4 6 181  3 5 6 225  3 6 6 357  4 4 6 240  4 5 6 284  4 6 6 512
5 5 6 335  5 6 6 728  6 6 6 1203"""
DONORS = pd.DataFrame(np.array(DONORS.split(), int).reshape(-1, 4), columns=["frequency", "recency", "T", "donors"])


def customers(*rows):
    return pd.DataFrame(rows, columns=["frequency", "recency", "T"])


def estimates(fit):
    return dict(zip(fit.table["parameter"], fit.table["estimate"], strict=True))


# --- published figures


@pytest.mark.parametrize(
    ("model", "parameters", "log_likelihood"),
    [
        ("bgnbd", {"r": 0.243, "alpha": 4.414, "a": 0.793, "b": 2.426}, -9582.4292),  # Fader, Hardie & Lee 2005
        ("pareto_nbd", {"r": 0.553, "alpha": 10.578, "s": 0.606, "beta": 11.669}, -9594.97618),  # the same
        ("mbgnbd", {"r": 0.525, "alpha": 6.183, "a": 0.891, "b": 1.614}, -9582.1357),  # printed by BTYDplus
        ("nbd", {"r": 0.385, "alpha": 12.072}, -9763.657615),
    ],
)
def test_cdnow_gives_the_published_parameters(model, parameters, log_likelihood):
    fit = fit_purchases(CDNOW, model=model)
    assert {name: round(value, 3) for name, value in estimates(fit).items()} == parameters
    assert fit.log_likelihood == pytest.approx(log_likelihood, abs=1e-4)
    assert (fit.status, fit.reason, fit.unit, fit.customers, fit.distinct_rows) == ("ok", None, "week", 2357, 1016)
    assert fit.model.log_likelihood(CDNOW) == pytest.approx(fit.log_likelihood, abs=1e-7)


def test_standard_errors_are_those_of_other_programs():
    # CLVTools 0.12.1 prints .04763, .84272, .18726, 6.2105 after a numerical Hessian.
    errors = fit_purchases(CDNOW, model="pareto_nbd").table["std_error"]
    assert errors.tolist() == pytest.approx([0.04763, 0.84272, 0.18728, 6.2111], rel=1e-4)


def test_donors_give_the_published_parameters_of_seasons():
    fit = fit_purchases(DONORS, model="bgbb", weights="donors", unit="year")
    assert {k: round(v, 3) for k, v in estimates(fit).items()} == {
        "alpha": 1.204, "beta": 0.750, "gamma": 0.657, "delta": 2.783,
    }  # fmt: skip
    assert fit.log_likelihood == pytest.approx(-33225.58, abs=0.005)
    assert fit.customers == 11104
    # BTYD walkthrough: 3.179805, 0.1302169, 3.627858; the authors' workbook: 12884.2 in all.
    model = PurchaseModel("bgbb", unit="year", alpha=1.203528, beta=0.749726, gamma=0.6567808, delta=2.783796)
    assert model.expected_purchases(horizon="10 years") == pytest.approx(3.179805, abs=1e-5)
    expected = model.expected_purchases(customers((0, 0, 6), (4, 5, 6)), horizon="10 years")
    assert expected.tolist() == pytest.approx([0.1302169, 3.627858], abs=1e-5)
    total = (DONORS["donors"] * model.expected_purchases(DONORS, horizon="5 years")).sum()
    assert total == pytest.approx(12884.2, abs=0.4)


def test_single_customers_have_the_published_forecasts():
    first = customers((2, 30.43, 38.86))
    assert PUBLISHED["bgnbd"].expected_purchases(first, horizon="39 weeks").item() == pytest.approx(1.226, abs=5e-4)
    busy = customers((26, 30.857142857, 31))  # customer 1516 of the BTYD walkthrough
    model = PurchaseModel("bgnbd", unit="week", r=0.2425982, alpha=4.4136842, a=0.7929899, b=2.4261667)
    assert model.expected_purchases(busy, horizon="52 weeks").item() == pytest.approx(25.75659, abs=1e-4)
    assert model.p_alive(busy).item() == pytest.approx(0.9688523, abs=1e-6)
    new = [PUBLISHED["bgnbd"].expected_purchases(horizon=f"{t} weeks") for t in (1, 39, 104)]
    assert new == pytest.approx([0.05326789117, 1.196723193, 2.202805114], rel=1e-9)


def test_customers_that_overflow_elsewhere_are_finite():
    model = PurchaseModel("bgnbd", unit="week", r=0.24259452, alpha=4.41360202, a=0.79292202, b=2.42590678)
    busy = customers(*[(x, 38, 39) for x in (50, 100, 300, 1000)])
    wanted = [10.16692741, 19.67322507, 16.41756666, 2.015483594e-05]
    assert model.expected_purchases(busy, horizon="10 weeks").tolist() == pytest.approx(wanted, rel=1e-8)
    model = PurchaseModel("pareto_nbd", unit="week", r=0.5143, alpha=2.8845, s=0.2856, beta=14.1087)
    rows = [(221, 103.42857, 103.57143), (254, 97.14286, 97.28571), (161, 94.71429, 98.0), (204, 98.57143, 99.42857)]
    wanted = [0.9995960523, 0.9995582261, 0.7494877523, 0.9942550796]
    assert model.p_alive(customers(*rows)).tolist() == pytest.approx(wanted, abs=1e-7)


def test_the_probability_to_buy_is_one_less_the_ratio_of_likelihoods():
    row, later = customers((2, 30.43, 38.86)), customers((2, 30.43, 77.86))
    for name, wanted in {"bgnbd": 0.5546271379, "mbgnbd": 0.5599940908, "pareto_nbd": 0.5919372764}.items():
        model = PUBLISHED[name]
        assert model.p_buy(row, horizon="39 weeks").item() == pytest.approx(wanted, abs=1e-9)
        ratio = np.exp(model.log_likelihood(later) - model.log_likelihood(row))
        assert model.p_buy(row, horizon="39 weeks").item() == pytest.approx(1 - ratio, abs=1e-9)


def test_every_one_time_buyer_of_bgnbd_is_alive_by_definition():
    once = customers((0, 0, 38.86))
    assert PUBLISHED["bgnbd"].p_alive(once).item() == 1
    assert PUBLISHED["mbgnbd"].p_alive(once).item() == pytest.approx(0.3897350809, abs=1e-9)
    assert PUBLISHED["nbd"].p_alive(once).item() == 1


def test_a_covariate_of_cdnow_moves_the_likelihood_as_published():
    days = LOG.groupby(["customer_id", "date"], as_index=False)["quantity"].sum().sort_values("date")
    first = days.drop_duplicates("customer_id").set_index("customer_id")["quantity"] >= 2
    table = CDNOW.assign(z=CDNOW["customer_id"].map(first).astype(int))
    fit = fit_purchases(table, model="pareto_nbd", covariates=["z"])
    got = estimates(fit)
    assert got["purchase[z]"] == pytest.approx(0.3636074575, abs=1e-5)
    assert got["dropout[z]"] == pytest.approx(-0.2011597689, abs=1e-4)
    assert fit.log_likelihood == pytest.approx(-9580.886038, abs=1e-4)
    assert fit.model.covariates == {"z": (got["purchase[z]"], got["dropout[z]"])}


# --- what must hold whatever the data


@pytest.mark.parametrize("name", [*TIMED, "bgbb"])
def test_derivatives_are_those_of_the_likelihood(name):
    rows = read_customers(DONORS, weights="donors", whole_times=True) if name == "bgbb" else read_customers(CDNOW)
    of = Likelihood(FAMILIES[name], rows, ())
    at, step = np.log([0.7, 8.0, 0.5, 3.0][: of.size]), 1e-5
    _, gradient, hessian = of(at)
    moves = step * np.eye(of.size)
    by_hand = [(of(at + move)[0] - of(at - move)[0]) / (2 * step) for move in moves]
    assert gradient == pytest.approx(by_hand, rel=1e-6, abs=1e-4)
    by_hand = np.array([(of(at + move)[1] - of(at - move)[1]) / (2 * step) for move in moves])
    assert hessian == pytest.approx(by_hand, rel=1e-6, abs=1e-4 * abs(hessian).max())


@pytest.mark.parametrize("name", ["bgnbd", "mbgnbd", "pareto_nbd"])
def test_derivatives_by_covariates_are_those_of_the_likelihood(name):
    table = CDNOW.assign(z=np.arange(len(CDNOW)) % 3, y=np.arange(len(CDNOW)) % 2)
    of = Likelihood(FAMILIES[name], read_customers(table, covariates=["z", "y"]), ["z", "y"])
    at, step = np.array([*np.log([0.7, 8.0, 0.5, 3.0]), 0.1, -0.2, 0.3, 0.05]), 1e-5
    _, gradient, hessian = of(at)
    moves = step * np.eye(8)
    by_hand = [(of(at + move)[0] - of(at - move)[0]) / (2 * step) for move in moves]
    assert gradient == pytest.approx(by_hand, rel=1e-6, abs=1e-3)
    by_hand = np.array([(of(at + move)[1] - of(at - move)[1]) / (2 * step) for move in moves])
    assert hessian == pytest.approx(by_hand, rel=1e-6, abs=1e-4 * abs(hessian).max())


@pytest.mark.parametrize("model", TIMED)
@pytest.mark.parametrize("unit", ["second", "year"])
def test_another_unit_changes_no_forecast(model, unit):
    other = orders_summary(LOG, end="1997-09-30", unit=unit, **COLUMNS)
    here, there = fit_purchases(CDNOW, model=model).model, fit_purchases(other, model=model).model
    for method, options in {
        "expected_purchases": {"horizon": "39 weeks"}, "p_buy": {"horizon": "2 months"},
        "discounted_purchases": {"annual_discount": 0.15},
    }.items():  # fmt: skip
        one, two = getattr(here, method)(CDNOW, **options), getattr(there, method)(other, **options)
        np.testing.assert_allclose(two, one, rtol=1e-6)


@pytest.mark.parametrize("model", TIMED)
def test_the_order_of_rows_and_equal_rows_gathered_or_split_change_nothing(model):
    whole = fit_purchases(CDNOW, model=model)
    mixed = fit_purchases(CDNOW.sample(frac=1, random_state=1), model=model)
    assert estimates(mixed) == estimates(whole)
    gathered = CDNOW.groupby(["frequency", "recency", "T"]).size().reset_index(name="n")
    halves = pd.concat([gathered, gathered], ignore_index=True).assign(n=lambda t: t["n"] / 2)
    for table in (gathered, halves):
        fit = fit_purchases(table, model=model, weights="n", unit="week")
        assert fit.log_likelihood == pytest.approx(whole.log_likelihood, abs=1e-6)
        assert estimates(fit) == pytest.approx(estimates(whole), rel=1e-6)


@pytest.mark.parametrize("name", ["bgnbd", "mbgnbd", "pareto_nbd"])
def test_what_is_expected_is_the_integral_of_the_rate_of_those_alive(name):
    model, row = PUBLISHED[name], customers((2, 30.0, 39.0))
    r, alpha, s, scale = model.parameters.values()
    g = np.random.default_rng(5)
    n = 400_000
    rate = g.gamma(r + 2, 1 / (alpha + 39), n)
    if name == "pareto_nbd":
        gone = g.gamma(s, 1 / (scale + 39), n)
    else:
        gone = rate * g.beta(s, scale + 2 + (name == "mbgnbd"), n)
    mean = np.mean(rate / gone * -np.expm1(-gone * 52))
    got = model.expected_purchases(row, horizon="52 weeks").item() / model.p_alive(row).item()
    assert got == pytest.approx(mean, rel=0.01)
    rate_year = np.log1p(0.1) * 7 / 365.25
    later = np.mean(rate / (gone + rate_year) * -np.expm1(-(gone + rate_year) * 52))
    got = model.discounted_purchases(row, annual_discount=0.1, horizon="52 weeks").item() / model.p_alive(row).item()
    assert got == pytest.approx(later, rel=0.01)
    forever = np.mean(rate / (gone + rate_year))
    got = model.discounted_purchases(row, annual_discount=0.1).item() / model.p_alive(row).item()
    assert got == pytest.approx(forever, rel=0.01)


def test_pareto_nbd_agrees_with_the_integral_taken_by_quadrature():
    r, alpha, s, beta = 0.553, 10.578, 0.606, 11.669
    for x, recency, T in [(0, 0.0, 38.86), (2, 30.43, 38.86), (9, 3.0, 39.0)]:
        inner, _ = integrate.quad(
            lambda y, k: s * (alpha + y) ** -k * (beta + y) ** -(s + 1), recency, T, args=(r + x,), epsrel=1e-12
        )
        alive = (alpha + T) ** -(r + x) * (beta + T) ** -s
        got = PUBLISHED["pareto_nbd"].p_alive(customers((x, recency, T))).item()
        assert got == pytest.approx(alive / (alive + inner), abs=1e-11)


def test_purchases_of_each_week_count_at_its_end_and_the_last_week_at_the_horizon():
    model, row = PUBLISHED["bgnbd"], customers((2, 30.43, 38.86))
    yearly = 1.001 ** (365.25 / 7) - 1  # 0.1 % a week
    upto = [model.expected_purchases(row, horizon=f"{t} weeks").item() for t in (1, 2, 2.5)]
    wanted = upto[0] / 1.001 + (upto[1] - upto[0]) / 1.001**2 + (upto[2] - upto[1]) / 1.001**2.5
    got = model.discounted_purchases(row, annual_discount=yearly, horizon="2.5 weeks", period="1 week").item()
    assert got == pytest.approx(wanted, rel=1e-12)
    free = model.discounted_purchases(row, annual_discount=0, horizon="2.5 weeks").item()
    assert free == pytest.approx(upto[2], rel=1e-12)
    with pytest.raises(ValueError, match="need an annual_discount above 0"):
        model.discounted_purchases(row, annual_discount=0)


def test_covariates_of_a_model_shift_its_parameters():
    shifts = {"z": (0.5, -0.3)}
    plain = PUBLISHED["pareto_nbd"].parameters
    model = PurchaseModel("pareto_nbd", unit="week", covariates=shifts, **plain)
    by_hand = PurchaseModel("pareto_nbd", unit="week", **(
        plain | {"alpha": plain["alpha"] * np.exp(-0.5), "beta": plain["beta"] * np.exp(0.3)}
    ))  # fmt: skip
    row = customers((2, 30.43, 38.86))
    got = model.expected_purchases(row.assign(z=1.0), horizon="1 year").item()
    assert got == pytest.approx(by_hand.expected_purchases(row, horizon="1 year").item(), rel=1e-12)
    many = pd.concat([row] * 40, ignore_index=True).assign(z=np.linspace(0, 1, 40))  # more kinds than are grouped
    for name, a, b in (("bgnbd", "a", "b"), ("mbgnbd", "a", "b")):
        plain = PUBLISHED[name].parameters
        model = PurchaseModel(name, unit="week", covariates=shifts, **plain)
        by_hand = PurchaseModel(name, unit="week", **(plain | {
            "alpha": plain["alpha"] * np.exp(-0.5), a: plain[a] * np.exp(-0.3), b: plain[b] * np.exp(-0.3),
        }))  # fmt: skip
        assert model.expected_purchases(many, horizon="1 year").iloc[-1] == pytest.approx(
            by_hand.expected_purchases(row, horizon="1 year").item(), rel=1e-9
        )


rows = st.lists(st.tuples(st.integers(0, 60), st.floats(0, 1), st.floats(0.01, 80)), min_size=1, max_size=8)


@settings(max_examples=25, deadline=None)
@given(drawn=rows, name=st.sampled_from(TIMED))
def test_forecasts_are_possible_for_any_customer(drawn, name):
    table = customers(*[(x, share * T if x else 0.0, T) for x, share, T in drawn])
    model = PUBLISHED[name]
    alive, buy = model.p_alive(table), model.p_buy(table, horizon="1 year")
    expected = model.expected_purchases(table, horizon="1 year")
    later = model.discounted_purchases(table, annual_discount=0.1, horizon="1 year")
    assert alive.between(0, 1 + 1e-12).all()
    assert buy.between(-1e-12, 1).all()
    assert (buy <= alive + 1e-9).all()
    assert (later <= expected * (1 + 1e-9)).all()
    assert (expected >= buy - 1e-9).all()  # at least one purchase is expected of who buys
    assert np.isfinite(model.log_likelihood(table))


@pytest.mark.filterwarnings("ignore")  # lifetimes is no longer kept
def test_lifetimes_finds_the_same_maxima():
    from lifetimes import BetaGeoFitter, ModifiedBetaGeoFitter

    for name, other in (("bgnbd", BetaGeoFitter()), ("mbgnbd", ModifiedBetaGeoFitter())):
        other.fit(CDNOW["frequency"], CDNOW["recency"], CDNOW["T"])
        mine = fit_purchases(CDNOW, model=name)
        assert list(estimates(mine).values()) == pytest.approx(other.params_.tolist(), rel=2e-3)
        theirs = other.conditional_expected_number_of_purchases_up_to_time(
            39, CDNOW["frequency"], CDNOW["recency"], CDNOW["T"]
        )
        model = PurchaseModel(name, unit="week", **other.params_.to_dict())
        np.testing.assert_allclose(model.expected_purchases(CDNOW, horizon="39 weeks"), theirs, rtol=1e-7)


def test_far_ahead_and_wide_apart_nothing_is_lost():
    model, t = PUBLISHED["bgnbd"], 40 * 365.25 / 7  # weeks, nearly 500 times alpha
    r, alpha, a, b = model.parameters.values()
    left = (alpha / (alpha + t)) ** r * special.hyp2f1(r, b, a + b - 1, t / (alpha + t))
    expected = (a + b - 1) / (a - 1) * (1 - left)  # Fader, Hardie & Lee 2005, equation 9
    assert model.expected_purchases(horizon="40 years") == pytest.approx(expected, rel=1e-7)
    for row in ((3, 0.5, 400.0), (12, 1.0, 900.0), (40, 6.0, 2000.0), (2, 300.0, 5000.0)):
        exact = by_quadrature(PUBLISHED["pareto_nbd"].parameters, *row)
        assert PUBLISHED["pareto_nbd"].log_likelihood(customers(row)) == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("a", [1e-3, 0.8, 30.0, 200.0, 7e5])
@pytest.mark.parametrize("b", [1e-2, 2.4, 60.0, 3e5])
def test_coins_have_their_mean_however_alike_they_are_and_far_ahead(a, b):
    for reach in (1.0, 30.0, 70.0, 1e5):
        chance, share = coins(a, np.array([b]), reach)
        assert share.sum() == pytest.approx(1)
        assert (chance * share).sum() == pytest.approx(a / (a + b), rel=1e-6)
        # A customer who stays as long as all coins say: P(no stop in 9 throws) is B(a, b + 9) / B(a, b).
        left = np.exp(sum(np.log(b + j) - np.log(a + b + j) for j in range(9)))
        assert ((1 - chance) ** 9 * share).sum() == pytest.approx(left, rel=1e-6, abs=1e-12)


def by_quadrature(p, x, recency, T):
    """Log-likelihood of Pareto/NBD with its integral taken adaptively, in three pieces."""
    r, alpha, s, beta = p.values()

    def fallen(y):
        return ((alpha + y) / (alpha + recency)) ** -(r + x) * ((beta + y) / (beta + recency)) ** -(s + 1)

    pieces = itertools.pairwise([recency, recency + 5, recency + 50, T])
    gone = sum(integrate.quad(fallen, *piece, epsabs=0, epsrel=1e-12, limit=200)[0] for piece in pieces)
    alive = fallen(T) * (beta + T)
    start = -(r + x) * np.log(alpha + recency) - (s + 1) * np.log(beta + recency)
    rates = special.gammaln(r + x) - special.gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return rates + start + np.log(alive + s * gone)


# --- edges and refusals


def test_the_model_with_the_lowest_bic_is_chosen_and_all_are_shown():
    fit = fit_purchases(CDNOW)
    assert fit.name == fit.model.name == "mbgnbd"
    assert fit.compared["model"].tolist() == ["bgnbd", "mbgnbd", "pareto_nbd"]
    assert fit.compared["bic"].min() == fit.bic
    assert fit.bic == pytest.approx(-2 * fit.log_likelihood + 4 * np.log(2357))


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (customers((0, 0, 5), (0, 0, 9), *[(0, 0, 7)] * 9), "no_repeat_purchases"),
        (customers((1, 3, 5), (0, 0, 9)), "too_few_customers"),
        (customers(), "too_few_customers"),
    ],
)
@pytest.mark.parametrize("model", [*TIMED, "auto"])
def test_with_nothing_to_learn_there_are_no_numbers_but_a_reason(table, reason, model):
    fit = fit_purchases(table.astype(float), model=model, unit="week")
    assert (fit.status, fit.reason, fit.model) == ("not_identified", reason, None)
    assert fit.table["estimate"].isna().all()
    assert np.isnan(fit.log_likelihood)


@pytest.mark.parametrize("model", TIMED)
def test_a_fit_needs_more_customers_than_parameters(model):
    many = len(FAMILIES[model].names)
    rows = [(k + 1, 4.0 + k, 9.0 + k) for k in range(many + 1)]
    assert fit_purchases(customers(*rows[:-1]), model=model, unit="week").reason == "too_few_customers"
    assert fit_purchases(customers(*rows), model=model, unit="week").status != "not_identified"


@pytest.mark.parametrize(("model", "second"), [("bgnbd", "a"), ("mbgnbd", "a"), ("pareto_nbd", "s")])
def test_without_dropout_the_maximum_lies_at_the_edge_and_is_that_of_nbd(model, second):
    g = np.random.default_rng(3)
    rate, T = g.gamma(1.5, 0.2, 400), np.full(400, 40.0)
    x = g.poisson(rate * T)
    last = np.where(x > 0, T * g.beta(np.maximum(x, 1), 1), 0.0)
    table = pd.DataFrame({"frequency": x, "recency": last, "T": T})
    fit, floor = fit_purchases(table, model=model, unit="day"), fit_purchases(table, model="nbd", unit="day")
    assert fit.status == "boundary"
    assert fit.reason == "no_dropout_seen"
    assert fit.log_likelihood == pytest.approx(floor.log_likelihood, abs=1e-3)
    errors = fit.table.set_index("parameter")["std_error"]
    assert np.isnan(errors[second])
    assert errors["r"] == pytest.approx(floor.table["std_error"][0], rel=1e-2)
    assert fit.model.p_alive(table).min() > 0.99


def test_where_the_first_start_leads_up_a_lower_hill_the_fit_stands_on_the_higher_one():
    table = cohort("pareto_nbd", 40, np.random.default_rng(29), r=0.05, alpha=5.0)
    rows, family = read_customers(table), FAMILIES["pareto_nbd"]
    rate = float(rows.weight @ rows.x) / float(rows.weight @ rows.T)
    lower = maximum(Likelihood(family, rows, ()), family.starts(rate, rows)[0])
    fit = fit_purchases(table, model="pareto_nbd", unit="week")
    assert fit.log_likelihood > lower.value + 1
    assert fit.status == "boundary"


def test_the_highest_of_several_hills_is_taken_and_the_first_of_equal_ones():
    def hills(at):  # tops at -3, 0 and 3, the middle one the lowest
        x = float(at[0])
        value = -(x**2) * (x**2 - 9) ** 2 / 100 - 0.5 * np.exp(-(x**2))
        slope = -(2 * x * (x**2 - 9) * (3 * x**2 - 9)) / 100 + x * np.exp(-(x**2))
        bend = -(30 * x**4 - 216 * x**2 + 162) / 100 + (1 - 2 * x**2) * np.exp(-(x**2))
        return value, np.array([slope]), np.array([[bend]])

    assert highest(hills, [np.array([0.2]), np.array([2.5]), np.array([-2.5])]).at == pytest.approx([3], abs=1e-3)


def test_one_kind_of_customer_is_an_edge():
    g = np.random.default_rng(1)
    T = np.full(300, 30.0)
    x = g.poisson(3.0, 300)
    x[x > 8] = 3
    table = pd.DataFrame({"frequency": x, "recency": np.where(x > 0, 29.0, 0), "T": T})
    fit = fit_purchases(table, model="nbd", unit="week")
    assert (fit.status, fit.reason) == ("boundary", "no_difference_between_customers")
    assert fit.model.expected_purchases(horizon="30 weeks") == pytest.approx(x.mean(), rel=1e-3)


def test_impossible_rows_are_refused_all_at_once():
    table = customers((1, 9, 5), (0, 2, 9), (-1, 0, 7), (1.5, 1, 7), (2, None, 7))
    with pytest.raises(EventTableError) as refused:
        fit_purchases(table, model="bgnbd", unit="week")
    assert refused.value.problems["reason"].tolist() == [
        "missing or infinite numbers", "negative counts or times", "a frequency that is no whole number",
        "recency above T", "recency without a repeat",
    ]  # fmt: skip
    assert refused.value.problems["rows"].tolist() == [1, 1, 1, 1, 1]
    with pytest.raises(EventTableError, match="more purchases than seasons"):
        fit_purchases(customers((3, 2, 5)), model="bgbb", unit="year")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fit_purchases(customers((1, 3, 5)), model="bgnbd"), "Give unit='week'"),
        (lambda: fit_purchases(CDNOW, model="bgnbd", unit="day"), "the summary is in weeks"),
        (lambda: fit_purchases(CDNOW, model="bg"), "'bg' is not known"),
        (lambda: fit_purchases(CDNOW, model="bgnbd", covariates=["age"]), "'age' is not a column of the summary"),
        (lambda: fit_purchases(CDNOW, model="bgnbd", covariates="T"), "no list"),
        (lambda: fit_purchases(CDNOW, confidence=95), "between 0 and 1"),
        (lambda: fit_purchases(CDNOW.drop(columns="T"), model="nbd"), "'T' is not a column"),
        (lambda: PurchaseModel("bgnbd", unit="week", r=1, alpha=1), "has the parameters r, alpha, a, b"),
        (lambda: PurchaseModel("nbd", unit="week", r=0, alpha=1), "above 0"),
        (lambda: PurchaseModel("nbd", unit="weeks", r=1, alpha=1), "'weeks' is not known"),
        (lambda: PUBLISHED["nbd"].p_buy(CDNOW, horizon=39), "39 is not a span of time"),
        (lambda: PUBLISHED["nbd"].p_buy(CDNOW, horizon="0 weeks"), "no time"),
        (lambda: PUBLISHED["nbd"].discounted_purchases(CDNOW, annual_discount=-0.1), "Write 10 % as 0.1"),
    ],
)
def test_wrong_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_model_refuses_a_summary_in_another_unit():
    # Days scored by a model of weeks would make customer 1 worth four times as much.
    days = orders_summary(LOG, end="1997-09-30", unit="day", **COLUMNS)
    with pytest.raises(ValueError, match="summary is in days and the model in weeks"):
        PUBLISHED["bgnbd"].expected_purchases(days, horizon="1 year")


def test_a_model_can_be_copied_and_compared_and_not_changed():
    model = PUBLISHED["bgnbd"]
    assert pickle.loads(pickle.dumps(model)) == copy.deepcopy(model) == model
    assert hash(copy.copy(model)) == hash(model)
    with pytest.raises(AttributeError):
        model.unit = "day"
    with pytest.raises(TypeError):
        model.parameters["r"] = 1


def test_rows_of_one_key_are_told_apart_by_their_values():
    columns = [np.array([1.0, -0.0, 1.0, 0.0]), np.array([5.0, 2.0, 5.0, 2.0])]
    first, place = distinct(columns)
    assert place.tolist() == [1, 0, 1, 0]
    assert first.tolist() == [1, 0]


# --- spend


def test_spend_of_cdnow_gives_the_published_parameters():
    # Fader & Hardie 2013, note 025.
    fit = fit_spend(CDNOW)
    assert {k: round(v, 2) for k, v in estimates(fit).items()} == {"p": 6.25, "q": 3.74, "gamma": 15.44}
    assert fit.log_likelihood == pytest.approx(-4055.9177, abs=1e-4)
    assert (fit.customers, fit.status, fit.reason, fit.warning) == (946, "ok", None, None)
    assert fit.excluded["customers"].tolist() == [1411, 0]
    again = CDNOW[CDNOW["frequency"] > 0]
    assert fit.spearman == pytest.approx(stats.spearmanr(again["frequency"], again["monetary_value"])[0])
    assert fit.model.population_mean == pytest.approx(35.17, abs=0.005)
    by_number = CDNOW.sort_values("customer_id", key=lambda ids: ids.astype(int))
    first = fit.model.expected_value(by_number[:10]).round(2).tolist()
    assert first == [24.65, 18.91, 35.17, 35.17, 35.17, 71.46, 18.91, 35.17, 27.28, 35.17]


@pytest.mark.filterwarnings("ignore")  # lifetimes is no longer kept
def test_lifetimes_finds_the_same_spend():
    from lifetimes import GammaGammaFitter

    again = CDNOW[CDNOW["frequency"] > 0]
    theirs = GammaGammaFitter().fit(again["frequency"], again["monetary_value"])
    mine = fit_spend(CDNOW)
    assert list(estimates(mine).values()) == pytest.approx(theirs.params_.tolist(), rel=2e-3)
    model = SpendModel(**dict(zip(["p", "q", "gamma"], theirs.params_, strict=True)))
    np.testing.assert_allclose(
        model.expected_value(again),
        theirs.conditional_expected_average_profit(again["frequency"], again["monetary_value"]),
    )


def test_money_in_cents_and_the_order_of_rows_change_no_value():
    plain, cents = fit_spend(CDNOW), fit_spend(CDNOW.assign(monetary_value=100 * CDNOW["monetary_value"])[::-1])
    assert cents.model.gamma == pytest.approx(100 * plain.model.gamma, rel=1e-6)
    assert cents.model.q == pytest.approx(plain.model.q, rel=1e-6)
    gathered = CDNOW.groupby(["frequency", "monetary_value"], dropna=False).size().reset_index(name="n")
    weighted = fit_spend(gathered, weights="n")
    assert weighted.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-7)
    assert weighted.spearman == pytest.approx(plain.spearman)


def test_where_q_is_at_most_1_there_is_no_mean_and_a_reason():
    model = SpendModel(p=2, q=0.9, gamma=10)
    assert np.isnan(model.population_mean)
    assert model.reason == "no_population_mean"
    values = model.expected_value(pd.DataFrame({"frequency": [0, 1, 2], "monetary_value": [np.nan, 30.0, -4.0]}))
    assert values.isna().tolist() == [True, False, True]
    assert values[1] == pytest.approx(2 * (10 + 30) / (2 + 0.9 - 1))


def test_value_that_goes_with_frequency_is_warned_of():
    g = np.random.default_rng(2)
    x = g.integers(1, 30, 200)
    table = pd.DataFrame({"frequency": x, "monetary_value": x * g.gamma(10, 1, 200)})
    with pytest.warns(UserWarning, match="rank correlation 0.8"):
        fit = fit_spend(table)
    assert "independent" in fit.warning
    with pytest.warns(UserWarning, match="rank correlation -0.8"):
        fit_spend(table.assign(monetary_value=1000 / table["monetary_value"]))


def test_customers_who_all_spend_alike_are_an_edge_or_nothing_to_learn():
    same = pd.DataFrame({"frequency": [1, 2, 3, 4, 5], "monetary_value": [10.0] * 5})
    assert fit_spend(same).reason == "no_difference_between_customers"
    g = np.random.default_rng(4)
    x = g.integers(1, 6, 300)
    table = pd.DataFrame({"frequency": x, "monetary_value": g.gamma(4 * x, 2.5 / x)})
    fit = fit_spend(table)
    assert fit.status in ("ok", "boundary")
    assert fit.model.population_mean == pytest.approx(10, rel=0.05)


def test_rows_that_cannot_be_are_refused_by_spend_too():
    with pytest.raises(EventTableError, match="1 have a negative frequency; 1 have a repeat but no value"):
        fit_spend(pd.DataFrame({"frequency": [-1, 2, 1], "monetary_value": [1.0, np.nan, 2.0]}))
    with pytest.raises(ValueError, match="above 0"):
        SpendModel(p=1, q=-1, gamma=1)
