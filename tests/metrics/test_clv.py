import numpy as np
import pandas as pd
import pytest

from metrics import (
    EventTableError,
    PurchaseModel,
    SpendModel,
    customer_lifetime_value,
    fit_purchases,
    fit_spend,
    forecast_customers,
    forecast_total,
    holdout_check,
    holdout_tracking,
    open_events,
    orders_summary,
    project_retention,
    simple_lifetime_value,
    unit_economics,
)
from metrics.clv.models.dice import Dice
from metrics.clv.uncertain import Buying, lives
from metrics.display import headline, numbers, show
from metrics.display.footnotes import footnotes


def orders(text):
    """Lines of: customer, time, amount."""
    rows = [line.split() for line in text.strip().splitlines()]
    frame = pd.DataFrame(rows, columns=["user_id", "timestamp", "net"])
    stamps = pd.to_datetime(frame["timestamp"], utc=True, format="ISO8601").dt.as_unit("us")
    return frame.assign(timestamp=stamps, net=frame["net"].astype(float))


SHOP = orders("""
    a  2026-01-01T10:00  10
    a  2026-01-08T09:00  20
    a  2026-01-08T23:59  4
    b  2026-01-10T00:00  7
    c  2026-02-01T00:00  5
""")
CDNOW = pd.read_csv("data/cdnow.csv", dtype={"customer_id": str}, parse_dates=["date"])
COLUMNS = {"customer": "customer_id", "time": "date", "amount": "amount"}


def summary(table=SHOP, **options):
    return orders_summary(table, **({"end": "2026-01-15"} | options)).set_index("customer_id")


def test_orders_of_one_day_are_one_purchase_and_the_first_is_no_repeat():
    table = summary()
    assert table["frequency"].to_dict() == {"a": 1, "b": 0}  # c buys after the end
    assert table.loc["a", ["recency", "T"]].tolist() == [1, 2]  # weeks
    assert table.loc["a", "monetary_value"] == 24
    assert np.isnan(table.loc["b", "monetary_value"])
    assert table.loc["a", ["orders", "merged_orders", "revenue"]].tolist() == [3, 1, 34]


def test_days_are_cut_in_the_zone_and_the_last_day_is_included():
    table = summary(end="2026-01-31", tz="Europe/Berlin", unit="day")
    assert table.loc["a", "frequency"] == 2  # 23:59 in London is the next day in Berlin
    assert "c" not in table.index
    assert "c" in summary(end="2026-02-01", tz="Europe/Berlin").index


def test_the_last_day_is_that_of_the_last_order_unless_told():
    assert orders_summary(SHOP).attrs["end"] == "2026-02-01"
    assert orders_summary(SHOP, as_of="2026-01-16").attrs["end"] == "2026-01-15"
    with pytest.raises(ValueError, match="Give one"):
        orders_summary(SHOP, end="2026-01-15", as_of="2026-01-16")


def test_whole_weeks_may_be_merged_and_orders_may_stand_alone():
    week = summary(merge="week")
    assert week.loc["a", ["frequency", "recency", "T"]].tolist() == [1, 1, 2]
    each = summary(merge=None, unit="day")
    assert each.loc["a", "frequency"] == 2
    assert each.loc["a", "T"] == pytest.approx(14 + 14 / 24)  # the last day counts in full
    assert each.loc["a", "recency"] == pytest.approx(7 + (13 * 60 + 59) / 1440)
    assert each.loc["a", "monetary_value"] == 12


@pytest.mark.parametrize("merge", ["day", None])
def test_a_refund_lowers_its_day_and_is_no_purchase(merge):
    table = orders("""
        a  2026-01-01T10:00  10
        a  2026-01-05T08:00  -3
        a  2026-01-05T12:00  20
        a  2026-01-09T08:00  -5
    """)
    row = summary(table, merge=merge).loc["a"]
    assert row["frequency"] == 1
    assert row["monetary_value"] == 17
    assert row[["orders", "refunds", "merged_orders", "revenue"]].tolist() == [4, 2, 0, 22]
    with pytest.raises(ValueError, match=r"2 orders have a negative amount \(rows \[1, 3\]\)"):
        summary(table, refunds="error")


def test_the_holdout_is_what_comes_after_the_end():
    table = summary(end="2026-01-05", holdout_end="2026-01-31", unit="day")
    assert table.loc["a", ["frequency", "holdout_frequency", "holdout_T"]].tolist() == [0, 1, 26]
    assert table.loc["a", "holdout_monetary_value"] == 24
    with pytest.raises(ValueError, match="not after end"):
        summary(holdout_end="2026-01-15")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"net": None}, "5 have no net"),
        ({"user_id": None}, "5 have no user_id"),
        ({"currency": ["EUR", "EUR", "USD", "EUR", None]}, "several currencies"),
    ],
)
def test_orders_that_cannot_be_used_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        orders_summary(SHOP.assign(**change))


def test_no_orders_are_no_customers():
    assert len(orders_summary(SHOP[:0], end="2026-01-01")) == 0
    assert len(customer_lifetime_value(SHOP[:0], as_of="2026-01-01")) == 0


def test_cdnow_has_the_published_totals():
    table = orders_summary(CDNOW, end="1997-09-30", **COLUMNS)
    assert len(table) == 2357
    assert table["frequency"].sum() == 2457
    assert (table["frequency"] > 0).sum() == 946
    assert table["monetary_value"].mean() == pytest.approx(35.07784753)
    assert table["T"].mean() == pytest.approx(32.71586157)
    assert table["recency"].mean() == pytest.approx(6.845808837)


@pytest.mark.filterwarnings("ignore")  # lifetimes is no longer kept
def test_cdnow_agrees_customer_by_customer_with_the_summary_of_its_authors():
    from lifetimes.datasets import load_cdnow_summary_data_with_monetary_value

    mine = orders_summary(CDNOW, end="1997-09-30", **COLUMNS)
    theirs = load_cdnow_summary_data_with_monetary_value()
    mine = mine.set_index(mine["customer_id"].astype(int)).sort_index()
    assert (mine["frequency"].to_numpy() == theirs["frequency"].to_numpy()).all()
    assert np.allclose(mine["recency"], theirs["recency"], atol=0.005)
    assert np.allclose(mine["T"], theirs["T"], atol=0.005)
    assert np.allclose(mine["monetary_value"].fillna(0), theirs["monetary_value"], atol=0.005)


def test_the_holdout_value_is_a_mean_over_purchases_as_in_the_calibration():
    # lifetimes averages rows in the holdout: 416.67 for customer 1 (its issue 208).
    table = orders("""
        2  2017-01-01  110
        2  2017-01-05  120
        1  2017-11-19  100
        1  2017-11-19  150
        1  2017-12-19  200
        1  2017-12-19  300
        1  2017-12-20  250
        3  2018-01-01  150
        1  2018-01-01  500
        1  2018-01-01  700
        1  2018-02-01  50
        2  2018-09-01  125
        2  2018-09-02  100
    """)
    got = summary(table, end="2017-12-31", holdout_end="2018-09-25", unit="day")
    assert got.index.tolist() == ["1", "2"]
    assert got.loc["1", ["frequency", "recency", "T", "monetary_value"]].tolist() == [2, 31, 42, 375]
    assert got.loc["2", ["frequency", "recency", "T", "monetary_value"]].tolist() == [1, 4, 364, 120]
    assert got["holdout_monetary_value"].tolist() == [625, 112.5]
    assert got["holdout_T"].tolist() == [268, 268]


def test_the_week_of_the_end_counts_whole_where_weeks_are_merged():
    # lifetimes merges weeks when asked for weeks: 2,248 repeat purchases in place of 2,457.
    assert orders_summary(CDNOW, end="1997-09-30", merge="week", **COLUMNS)["frequency"].sum() == 2248


def test_amounts_that_are_no_cents_are_added_up_alike_in_any_order():
    table = SHOP.assign(net=[0.1234567, 1 / 3, 1e-7, 2 / 7, 5])
    pd.testing.assert_frame_equal(summary(table), summary(table[::-1]))


def test_stored_orders_give_the_same_summary(tmp_path):
    stored = SHOP.assign(event="order").astype({"user_id": "str", "event": "str"})
    stored.to_parquet(tmp_path / "orders.parquet")
    source = open_events(tmp_path / "orders.parquet")
    for options in (
        {},
        {"merge": None, "unit": "day"},
        {"merge": "week"},
        {"tz": "Europe/Berlin", "end": "2026-01-31"},
    ):
        pd.testing.assert_frame_equal(summary(source, **options), summary(**options))
    held = {"end": "2026-01-05", "holdout_end": "2026-01-31"}
    pd.testing.assert_frame_equal(summary(source, **held), summary(**held))
    assert orders_summary(source).attrs["end"] == "2026-02-01"
    with pytest.raises(ValueError, match="cannot be chosen here"):
        orders_summary(source, time="date")
    stored.assign(net=[1, None, 2, 3, 4]).to_parquet(tmp_path / "holes.parquet")
    with pytest.raises(EventTableError, match="1 row has no net"):
        orders_summary(open_events(tmp_path / "holes.parquet"))


# --- forecasts

MODEL = PurchaseModel("bgnbd", unit="week", r=0.243, alpha=4.414, a=0.793, b=2.426)
SPEND = SpendModel(p=6.25, q=3.74, gamma=15.44)
CUSTOMERS = orders_summary(CDNOW, end="1997-09-30", **COLUMNS)
FIT = fit_purchases(CUSTOMERS, model="bgnbd")
SPENT = fit_spend(CUSTOMERS)


def one(number, **options):
    table = forecast_customers(CUSTOMERS[CUSTOMERS["customer_id"] == number], **options)
    return table.iloc[0]


def test_the_value_of_52_weeks_is_that_of_another_program():
    # clvkit 0.2.1: purchases of each week discounted at its end by 0.1 %, margin 1.
    year = forecast_customers(
        CUSTOMERS, purchases=FIT, spend=SPENT, horizon="52 weeks", period="1 week", margin=1.0,
        annual_discount=1.001 ** (365.25 / 7) - 1, confidence=None,
    )  # fmt: skip
    assert year["expected_purchases"].sum() == pytest.approx(2089.398707, rel=2e-4)
    assert year["discounted_purchases"].sum() == pytest.approx(2039.325856, rel=2e-4)
    assert year["clv"].sum() == pytest.approx(73894.71892, rel=2e-4)
    assert not [name for name in year if name.endswith(("_low", "_high"))]


def test_a_weekly_model_is_not_scored_in_days():
    # A quickstart in print values customer 1 at $140.10, with 30 weeks taken for a month.
    month = {
        "horizon": f"{12 * 4.345} weeks",
        "period": "4.345 weeks",
        "annual_discount": 1.01 ** (365.25 / 30.415) - 1,
    }
    assert one("1", purchases=FIT, spend=SPENT, **month)["clv"] == pytest.approx(36.274, abs=0.02)


def test_value_is_margin_times_value_times_discounted_purchases_and_says_its_basis():
    row = one("1", purchases=MODEL, spend=SPEND, margin=0.4)
    assert row["clv"] == pytest.approx(0.4 * row["expected_value"] * row["discounted_purchases"])
    assert row["basis"] == "margin"
    assert one("1", purchases=MODEL, spend=SPEND)["basis"] == "revenue"


def test_all_future_purchases_need_no_horizon():
    row = one("1", purchases=MODEL, spend=SPEND, horizon=None)
    assert row[["p_buy", "expected_purchases", "expected_purchases_low"]].isna().all()
    ever = MODEL.discounted_purchases(CUSTOMERS[CUSTOMERS["customer_id"] == "1"], annual_discount=0.1).item()
    assert row["discounted_purchases"] == pytest.approx(ever)
    assert row["clv_low"] <= row["clv"] <= row["clv_high"]
    assert row["clv"] > one("1", purchases=MODEL, spend=SPEND, horizon="10 years")["clv"]


@pytest.mark.parametrize("name", ["bgnbd", "mbgnbd", "pareto_nbd", "nbd"])
def test_drawn_lives_have_the_mean_and_the_spread_that_are_exact(name):
    model = fit_purchases(CUSTOMERS, model=name).model
    row = pd.DataFrame({"frequency": [3], "recency": [20.0], "T": [22.0]})
    c, dice = model.customers(row), Dice(20_000, parameters=7)
    drawn = lives(
        Buying.of(model), c, dice, horizon=39.0, rate=0.0, chosen=np.array([0]), shape=np.ones(20_000)
    )[0]  # fmt: skip
    expected = model.expected_purchases(row, horizon="39 weeks").item()
    p = list(model.parameters.values())
    pairs = model.family.alive_pairs(p, c.x, c.T, np.zeros(1), np.array([39.0]))[0, 0] * model.p_alive(row).item()
    assert drawn.mean() == pytest.approx(expected, rel=0.03)
    assert drawn.var() == pytest.approx(pairs + expected - expected**2, rel=0.08)


@pytest.mark.parametrize(("name", "unit", "parameters"), [
    ("nbd", "week", {"r": 5, "alpha": 60}), ("bgnbd", "week", {"r": 2, "alpha": 20, "a": 0.5, "b": 5}),
    ("mbgnbd", "week", {"r": 2, "alpha": 20, "a": 0.5, "b": 5}),
    ("pareto_nbd", "week", {"r": 3, "alpha": 20, "s": 2.5, "beta": 200}),
    ("bgbb", "year", {"alpha": 2, "beta": 20, "gamma": 0.5, "delta": 6}),
])  # fmt: skip
def test_all_that_drawn_lives_ever_pay_has_the_mean_that_is_exact(name, unit, parameters):
    model, shape = PurchaseModel(name, unit=unit, **parameters), 2.5
    row = pd.DataFrame({"frequency": [3], "recency": [7.0], "T": [8.0]})
    dice, rate = Dice(20_000, parameters=7), np.log(1.1) * (7 / 365.25 if unit == "week" else 1)
    found = lives(
        Buying.of(model), model.customers(row), dice, horizon=None, rate=rate,
        chosen=np.array([0]), shape=np.full(20_000, shape),
    )[0]  # fmt: skip
    assert found.mean() == pytest.approx(shape * model.discounted_purchases(row, annual_discount=0.1).item(), rel=0.03)


def test_all_that_drawn_lives_ever_pay_has_the_spread_of_purchases_and_of_their_amounts():
    """Of a Poisson process of amounts: E[rate] x E[amount²] / 2d, and what the rate itself leaves open."""
    model, shape, d = PurchaseModel("nbd", unit="year", r=5, alpha=10), 2.5, np.log(1.1)
    row = pd.DataFrame({"frequency": [3], "recency": [7.0], "T": [8.0]})
    dice = Dice(20_000, parameters=7)
    found = lives(
        Buying.of(model), model.customers(row), dice, horizon=None, rate=d, chosen=np.array([0]),
        shape=np.full(20_000, shape),
    )[0]  # fmt: skip
    spread = 8 / 18 * shape * (shape + 1) / (2 * d) + (shape / d) ** 2 * 8 / 18**2
    assert found.var() == pytest.approx(spread, rel=0.06)


def test_limits_of_all_future_hold_what_single_customers_bring():
    """Donors of the next seasons, each drawn by itself: without their luck 58 % of them lay in limits of 80 %."""
    rng, discount = np.random.default_rng(1), 0.1
    row = pd.DataFrame({"customer_id": ["a"], "frequency": [2], "recency": [6.0], "T": [8.0], "monetary_value": [22.0]})
    model = PurchaseModel("bgbb", unit="year", alpha=2, beta=20, gamma=0.1, delta=6)
    told = forecast_customers(row, purchases=model, spend=SPEND, horizon=None, annual_discount=discount).iloc[0]
    alive = rng.random(3000) < model.p_alive(row).item()
    buys, leaves = rng.beta(4, 26, 3000), rng.beta(0.1, 14, 3000)
    scale = rng.gamma(SPEND.q + SPEND.p * 2, 1, 3000) / (SPEND.gamma + 2 * 22)
    season = np.arange(1, 300)
    left = np.where(alive, rng.geometric(np.maximum(leaves, 1e-12)) - 1, 0)[:, None]
    bought = (season <= left) & (rng.random((3000, 299)) < buys[:, None])
    paid = (bought * rng.gamma(SPEND.p, 1, (3000, 299)) * (1 + discount) ** -season).sum(axis=1) / scale
    assert 0.76 < np.mean((told["clv_low"] <= paid) & (paid <= told["clv_high"])) < 0.84


def test_limits_of_single_customers_hold_numbers_of_purchases_and_the_estimate():
    table = forecast_customers(CUSTOMERS, purchases=FIT, spend=SPENT, horizon="39 weeks")
    for name in ("expected_purchases", "clv"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[f"{name}_high"] >= table[name]).all()
    whole = table["expected_purchases_high"] > table["expected_purchases"]
    assert (table.loc[whole, "expected_purchases_high"] % 1 == 0).all()
    again = forecast_customers(CUSTOMERS[:7][::-1], purchases=FIT, spend=SPENT, horizon="39 weeks")
    assert again["clv_high"][::-1].tolist() == pytest.approx(table["clv_high"][:7].tolist())


def test_what_a_customer_brings_is_discounted_at_its_limits_too():
    busy = CUSTOMERS.nlargest(5, "frequency")
    now, later = (forecast_customers(busy, purchases=MODEL, spend=SPEND, annual_discount=rate) for rate in (0.0, 0.5))
    share = later["discounted_purchases"] / now["discounted_purchases"]
    assert (later["clv_high"] / now["clv_high"]).tolist() == pytest.approx(share.tolist())
    assert share.max() < 0.95


def test_uncertain_parameters_widen_the_limits_of_a_busy_customer():
    few = CUSTOMERS.sample(80, random_state=1)
    fit, busy = fit_purchases(few, model="nbd"), CUSTOMERS.nlargest(3, "frequency")
    known, told = (forecast_customers(busy, purchases=p, horizon="39 weeks") for p in (fit.model, fit))
    widths = [t["expected_purchases_high"] - t["expected_purchases_low"] for t in (known, told)]
    assert (widths[1] >= widths[0]).all()
    assert widths[1].sum() > widths[0].sum()


def test_customers_with_hundreds_of_purchases_have_limits_of_their_size():
    # 3,000 purchases in 30 weeks, for ever at that rate: 100 a week, give or take 10 and what the rate leaves open.
    row = pd.DataFrame({"customer_id": ["x"], "frequency": [3000], "recency": [30.0], "T": [30.0]})
    nbd = PurchaseModel("nbd", unit="week", r=1, alpha=1)
    ahead = forecast_customers(row, purchases=nbd, horizon="10 weeks").iloc[0]
    spread = 1.2816 * (1000 * (1 + 10 / 31)) ** 0.5
    assert ahead["expected_purchases"] == pytest.approx(3001 / 31 * 10)
    assert ahead["expected_purchases_high"] - ahead["expected_purchases"] == pytest.approx(spread, rel=0.15)


def test_more_confidence_is_a_wider_interval_and_certain_parameters_a_narrower_one():
    options = {"horizon": "39 weeks", "period": "39 weeks"}
    total = [forecast_total(CUSTOMERS, purchases=FIT, confidence=c, **options).iloc[0] for c in (0.5, 0.8, 0.95)]
    widths = [row["expected_purchases_high"] - row["expected_purchases_low"] for row in total]
    assert widths[0] < widths[1] < widths[2]
    bare = forecast_total(CUSTOMERS, purchases=FIT.model, **options).iloc[0]
    assert bare["expected_purchases_high"] - bare["expected_purchases_low"] < widths[1]


def test_the_total_of_customers_is_the_sum_of_its_periods():
    total = forecast_total(CUSTOMERS, purchases=FIT, spend=SPENT, horizon="10 weeks", period="3 weeks")
    assert total["period"].tolist() == [1, 2, 3, 4]
    assert total["expected_purchases"].cumsum().tolist() == pytest.approx(total["cumulative_purchases"].tolist())
    each = forecast_customers(CUSTOMERS, purchases=FIT, spend=SPENT, horizon="10 weeks", confidence=None)
    assert total["cumulative_purchases"].iloc[-1] == pytest.approx(each["expected_purchases"].sum())
    assert total["cumulative_revenue"].iloc[-1] == pytest.approx(
        (each["expected_purchases"] * each["expected_value"]).sum()
    )
    first = total.iloc[0]
    assert first["expected_purchases_low"] == pytest.approx(first["cumulative_purchases_low"])
    widths = total["cumulative_purchases_high"] - total["cumulative_purchases_low"]
    apart = (total["expected_purchases_high"] - total["expected_purchases_low"]).cumsum()
    assert (widths[1:] < apart[1:]).all()  # limits of a sum are not the sum of limits


def in_groups(**settings):
    """The customers of the fit in two groups and one without a name, in no order of theirs."""
    plan = np.where(CUSTOMERS["frequency"] > 2, "paid", "free").astype(object)
    plan[:3] = None
    mixed = CUSTOMERS.assign(plan=plan).sample(frac=1, random_state=1)
    options = {"purchases": FIT, "spend": SPENT, "horizon": "10 weeks", "period": "5 weeks", "by": "plan"}
    return mixed, forecast_total(mixed, **(options | settings))


def test_the_total_of_a_group_is_that_of_its_customers_alone():
    mixed, table = in_groups()
    assert table["plan"].fillna("-").tolist() == ["free"] * 2 + ["paid"] * 2 + ["-"] * 2
    counts = mixed["plan"].fillna("-").value_counts()
    assert table["customers"].tolist() == [counts[plan] for plan in table["plan"].fillna("-")]
    for plan, part in table.groupby("plan"):
        own = mixed[mixed["plan"] == plan]
        alone = forecast_total(own, purchases=FIT, spend=SPENT, horizon="10 weeks", period="5 weeks")
        columns = alone.columns.tolist()
        pd.testing.assert_frame_equal(part[columns].reset_index(drop=True), alone, check_names=False)


def test_groups_add_up_to_all_and_the_limits_of_all_are_narrower_than_theirs_added():
    mixed, table = in_groups(period="10 weeks")
    whole = forecast_total(mixed, purchases=FIT, spend=SPENT, horizon="10 weeks", period="10 weeks").iloc[0]
    for name in ("cumulative_purchases", "cumulative_revenue"):
        assert table[name].sum() == pytest.approx(whole[name])
        widths = (table[f"{name}_high"] - table[f"{name}_low"]).sum()
        assert whole[f"{name}_high"] - whole[f"{name}_low"] < widths


def test_the_sentence_tells_what_a_customer_of_a_group_will_bring():
    _, table = in_groups()
    last = table[table["period"] == 2].set_index(table[table["period"] == 2]["plan"].fillna("(missing)"))
    each = last["cumulative_revenue"] / last["customers"]
    said = str(headline(table))
    assert f"expected of a customer of {each.idxmax()} in 10 weeks" in said
    assert "the most of 3 groups" in said
    one = table[table["plan"] == table["plan"].iloc[0]]
    twins = pd.concat([one.assign(plan="a"), one.assign(plan="b")], ignore_index=True)
    twins.attrs = table.attrs
    assert " as of b at " in headline(twins)  # not as of a itself
    assert f"of {each.idxmin()} at" in said
    assert said.startswith(numbers.plain(each.max(), 1)[:2])
    assert "One model of all groups." in " ".join(footnotes(table))
    bare = in_groups(spend=None, confidence=None)[1]
    assert "purchases are expected of a customer of paid" in str(headline(bare))


def test_a_table_of_one_period_shows_it_once():
    once, twice = (show(in_groups(period=period)[1], "x").html for period in ("10 weeks", "5 weeks"))
    assert "Up to its end" in twice
    assert "Up to its end" not in once
    assert once.count("<th scope=") == 4 + 3  # group, customers and two sums; a row for each of three groups


def test_groups_that_the_summary_lacks_are_refused_and_nobody_is_in_none():
    with pytest.raises(ValueError, match="'country' is not a column of the summary"):
        forecast_total(CUSTOMERS, purchases=FIT, horizon="10 weeks", by="country")
    mixed, table = in_groups()
    empty = forecast_total(mixed[:0], purchases=FIT, spend=SPENT, horizon="10 weeks", by="plan")
    assert len(empty) == 0
    assert list(empty.columns) == list(table.columns)
    assert str(headline(empty)) == "– no purchases can be forecast."


def test_flags_say_what_is_odd_about_a_customer():
    table = pd.DataFrame({
        "customer_id": list("abcde"), "frequency": [0, 0, 2, 200, 5], "recency": [0, 0, 9.0, 30, 20], "T": 30.0,
        "monetary_value": [np.nan, np.nan, -3.0, 10, 10], "merged_orders": [0, 1, 0, 0, 2],
    })  # fmt: skip
    found = forecast_customers(table, purchases=MODEL, spend=SPEND, horizon="1 year")
    assert found["flags"].fillna("").tolist() == [
        "one_time_buyer", "one_time_buyer, same_day_only", "no_value", "extreme_frequency", "",
    ]  # fmt: skip
    assert found["reason"].fillna("").tolist() == ["", "", "no_value", "", ""]
    assert np.isnan(found["clv"][2])
    assert found["rank"].tolist()[2] == 5
    assert found[["clv_low", "clv_high"]].isna().all(axis=1).tolist() == [False, False, True, False, False]


def test_without_a_mean_of_spend_one_time_buyers_have_no_value_and_a_reason():
    endless = SpendModel(p=2, q=0.8, gamma=10)
    row = one("3", purchases=MODEL, spend=endless)
    assert np.isnan(row["clv"])
    assert row["reason"] == "no_population_mean"
    total = forecast_total(CUSTOMERS, purchases=MODEL, spend=endless, horizon="1 week")
    assert total["expected_revenue"].isna().all()
    assert one("1", purchases=MODEL)["reason"] == "no_value"


def test_what_is_not_identified_has_no_forecast_and_the_fits_reason():
    once = CUSTOMERS[CUSTOMERS["frequency"] == 0]
    fit = fit_purchases(once, model="bgnbd")
    table = forecast_customers(once, purchases=fit, spend=SPEND)
    assert table[["p_alive", "expected_purchases", "clv"]].isna().all(axis=None)
    assert set(table["reason"]) == {"no_repeat_purchases"}
    assert forecast_total(once, purchases=fit, horizon="2 weeks")["expected_purchases"].isna().all()


# --- holdout


def check(**options):
    return holdout_check(CDNOW, **({"split": "1997-09-30"} | COLUMNS | options))


def test_on_cdnow_the_models_miss_by_12_per_cent_and_the_simple_rules_by_far_more():
    table = check().set_index("model")
    assert set(table["actual_purchases"]) == {1882}
    error = {name: round(100 * value, 1) for name, value in table["error"].dropna().items()}
    assert error == {"bgnbd": -12.1, "mbgnbd": -16.2, "pareto_nbd": -11.5, "rate": 55.7, "aov_x_frequency": 204.9}
    assert table.loc["pareto_nbd", "correlation"] == pytest.approx(0.6302225072, abs=1e-4)
    assert table.loc["pareto_nbd", "mse"] == pytest.approx(2.56912171, abs=1e-3)
    assert table["auc"].round(3).to_dict() == pytest.approx(
        {
            "bgnbd": 0.757,
            "mbgnbd": 0.760,
            "pareto_nbd": 0.771,
            "recency": 0.771,
            "rate": 0.760,
            "aov_x_frequency": np.nan,
        },
        nan_ok=True,
    )
    assert table["brier"].dropna().round(3).tolist() == [0.161, 0.161, 0.162]
    assert table["predicted_buyers"].dropna()[:3].round().tolist() == [617, 566, 523]
    assert table.loc["aov_x_frequency", "revenue_error"] == pytest.approx(1.91, abs=0.005)
    assert table.loc["bgnbd", "revenue_error"] == pytest.approx(-0.156, abs=5e-4)
    assert table.loc["recency", "reason"] == "ranking_only"
    low, high = table.loc["bgnbd", ["predicted_purchases_low", "predicted_purchases_high"]]
    assert low < 1653 < high < 1882  # the miss is shown, not hidden


def test_groups_by_frequency_are_those_in_print():
    # BTYD walkthrough, Pareto/NBD: 0.138 0.600 1.196 1.714 2.399 2.907 3.819 6.403 a customer.
    table = check(by="frequency", models=("pareto_nbd",), baselines=())
    assert table["customers"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    mean = table["predicted_purchases"] / table["customers"]
    assert mean.tolist() == pytest.approx([0.138, 0.600, 1.196, 1.714, 2.398, 2.907, 3.819, 6.403], abs=1e-3)
    assert table["actual_purchases"].sum() == 1882


def test_tenths_hold_all_customers_best_first():
    table = check(by="tenth")
    assert set(table["model"]) == {"bgnbd", "mbgnbd", "pareto_nbd", "recency", "rate"}
    sums = table.groupby("model")[["customers", "actual_purchases"]].sum()
    assert (sums == [2357, 1882]).all(axis=None)
    best = table[table["tenth"] == 1].set_index("model")["actual_purchases"]
    assert (best > 1882 / 3).all()


def test_without_a_split_the_time_observed_is_halved():
    # CDNOW's 78 weeks, from 1 January 1997 to 30 June 1998: the calibration of the papers.
    given, halved = (
        holdout_check(CDNOW, split=split, as_of="1998-07-01", models=("nbd",), baselines=(), **COLUMNS)
        for split in ("1997-09-30", None)
    )
    assert halved.attrs["settings"]["split"] == "1997-09-30"
    assert halved.attrs["settings"]["end"] == "1998-06-30"
    pd.testing.assert_frame_equal(given, halved)
    tracked = holdout_tracking(CDNOW, as_of="1998-07-01", models=("nbd",), **COLUMNS)
    assert tracked.attrs["settings"]["split"] == "1997-09-30"
    assert tracked["cumulative_actual"].iloc[-1] == 4339


def test_an_odd_day_belongs_to_the_holdout():
    days = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"], utc=True)
    table = pd.DataFrame({"user_id": "a", "timestamp": days, "net": 1.0})
    for last, split in ((3, "2026-01-01"), (4, "2026-01-02"), (5, "2026-01-02")):
        check = holdout_check(table, end=f"2026-01-0{last}", models=(), baselines=("rate",))
        assert check.attrs["settings"]["split"] == split


def test_a_span_that_cannot_be_split_is_refused():
    with pytest.raises(ValueError, match="Give one: the last day, or the first one after it"):
        holdout_check(CDNOW, end="1998-06-30", as_of="1998-07-01", **COLUMNS)
    with pytest.raises(ValueError, match="up to 1997-01-01 there is no time that could be halved"):
        holdout_check(CDNOW, as_of="1997-01-02", **COLUMNS)


def test_tracking_follows_the_published_figure():
    table = holdout_tracking(CDNOW, split="1997-09-30", **COLUMNS)
    rows = {name: part.set_index("period") for name, part in table.groupby("model")}
    assert rows["bgnbd"]["cumulative_actual"].loc[[39, 52, 78]].tolist() == [2457, 3183, 4339]
    wanted = {"bgnbd": 4160.609, "mbgnbd": 4049.954, "pareto_nbd": 4270.041}
    for name, value in wanted.items():
        assert rows[name]["cumulative_expected"].loc[78] == pytest.approx(value, abs=0.01)
    assert table["complete"].all()
    cut = holdout_tracking(CDNOW, split="1997-09-30", end="1998-06-28", models=("nbd",), **COLUMNS)
    assert cut["complete"].tolist() == [True] * 77 + [False]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"split": "1996-12-31"}, "nobody has bought"),
        ({"split": "1998-06-30"}, "split 1998-06-30 is not before the last day, 1998-06-30"),
        ({"split": "1998-06-29", "merge": "week"}, "the week of which counts whole"),
        ({"models": ("bg",)}, "'bg' is not known"), ({"models": "bgnbd"}, "Give a list"),
        ({"baselines": ("luck",)}, "'luck' is not known"), ({"by": "plan"}, "'plan' is not known"),
    ],
)  # fmt: skip
def test_wrong_arguments_of_a_check_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        check(**options)


# --- value


def value(table=CDNOW, **options):
    return customer_lifetime_value(table, **({"as_of": "1998-07-01"} | COLUMNS | options))


def test_one_call_says_the_value_of_each_customer_the_model_and_its_holdout_error():
    table = value(model="bgnbd", margin=0.3)
    assert list(table.columns) == [
        "customer_id", "p_alive", "p_buy", "expected_purchases", "expected_purchases_low", "expected_purchases_high",
        "expected_value", "discounted_purchases", "clv", "clv_low", "clv_high", "basis", "rank", "flags", "reason",
        "model", "holdout_error",
    ]  # fmt: skip
    assert len(table) == 2357
    assert set(table["model"]) == {"bgnbd"}
    assert set(table["holdout_error"].round(3)) == {-0.121}  # the second half of the 78 weeks, from the first
    assert table["clv"].is_monotonic_decreasing
    settings = table.attrs["settings"]
    assert (settings["split"], settings["no_repeat"], settings["merged_orders"]) == ("1997-09-30", 1218, 223)
    assert settings["mean_low"] < table["clv"].mean() < settings["mean_high"]
    assert "missed the purchases since by -12.1 %" in table.attrs["definition"]


def test_one_call_chooses_the_model_and_leaves_limits_out_if_asked():
    table = value(confidence=None)
    assert set(table["model"]) == {"mbgnbd"}
    assert "clv_low" not in table


def test_too_few_customers_have_no_value_but_a_reason():
    table = customer_lifetime_value(SHOP, as_of="2026-01-16")
    assert set(table["reason"]) == {"too_few_customers"}
    assert table[["clv", "holdout_error"]].isna().all(axis=None)


@pytest.mark.parametrize(
    ("options", "message"),
    [({"margin": 40}, "Write 40 % as 0.4"), ({"horizon": 12}, "horizon"), ({"annual_discount": -0.1}, "yearly rate"),
     ({"model": "arima"}, "'arima' is not known")],
)  # fmt: skip
def test_wrong_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        value(**options)


# --- formula


def test_50_every_three_months_for_five_years_is_1000_and_not_500():
    row = simple_lifetime_value(average_order_value=50, months_between_orders=3, lifetime_years=5).iloc[0]
    assert row[["orders_per_year", "orders", "revenue"]].tolist() == [4, 20, 1000]
    assert np.isnan(row["margin_value"])
    assert row["reason"] == "no_margin"
    half = simple_lifetime_value(average_order_value=50, months_between_orders=6, lifetime_years=5)
    assert half["revenue"].item() == 500


def test_margin_and_discount_in_arrears():
    row = simple_lifetime_value(
        average_order_value=50, orders_per_year=4, lifetime_years=5, margin=0.4, annual_discount=0.1
    ).iloc[0]
    assert row["margin_value"] == 400
    assert row["discounted_margin_value"] == pytest.approx(303.26, abs=0.005)


def test_a_part_of_a_year_is_paid_at_its_end():
    row = simple_lifetime_value(
        average_order_value=10, orders_per_year=1, lifetime_years=1.5, margin=1, annual_discount=0.21
    ).iloc[0]
    assert row["discounted_margin_value"] == pytest.approx(10 / 1.21 + 5 / 1.21**1.5)


@pytest.mark.parametrize(
    "frequency", [{}, {"orders_per_year": 4, "months_between_orders": 3}, {"months_between_orders": 0}]
)
def test_exactly_one_frequency_is_needed(frequency):
    with pytest.raises(ValueError, match="orders"):
        simple_lifetime_value(average_order_value=50, lifetime_years=5, **frequency)


# --- unit economics


def channels(**columns):
    given = {"channel": ["ads"], "ltv": [561.0], "cac": [50.0], "margin_per_month": [15.583333]}
    return pd.DataFrame(given | columns)


def test_value_against_cost_and_the_months_that_pay_it_back():
    row = unit_economics(channels()).iloc[0]
    assert row["ltv_cac"] == pytest.approx(11.22)
    assert row["payback_months"] == pytest.approx(3.2085562, rel=1e-5)
    assert row["channel"] == "ads"
    assert np.isnan(row["payback_months_survival"])


@pytest.mark.parametrize(
    ("columns", "reason"),
    [({"cac": [None]}, "no_cac"), ({"cac": [0.0]}, "zero_denominator"),
     ({"margin_per_month": [0.0]}, "never_pays_back"), ({"margin_per_month": [None]}, "no_margin"),
     ({"ltv": [None]}, "no_value")],
)  # fmt: skip
def test_what_is_missing_is_said(columns, reason):
    assert unit_economics(channels(**columns).astype(dict.fromkeys(columns, float)))["reason"].item() == reason


def test_payback_by_survival_counts_payments_of_those_still_there():
    # 10 a month, half leave each month: 10, 15, 17.5, 18.75 …: never 20.
    stay = pd.DataFrame({"period": range(40), "survival": 0.5 ** np.arange(40)})
    table = channels(cac=[17.5], margin_per_month=[10.0])
    assert unit_economics(table, survival=stay)["payback_months_survival"].item() == 3
    late = unit_economics(channels(cac=[20.5], margin_per_month=[10.0]), survival=stay)
    assert np.isnan(late["payback_months_survival"].item())
    assert late["reason"].item() == "never_pays_back"
    curve = pd.DataFrame({"time": [0.4, 1.5, 3.0], "survival": [0.9, 0.6, 0.3]})  # months 0, 1, 2, 3: 1, .9, .6, .3
    assert (
        unit_economics(channels(cac=[25.0], margin_per_month=[10.0]), survival=curve)["payback_months_survival"].item()
        == 3
    )


@pytest.mark.parametrize(
    ("stay", "message"),
    [({"period": [0, 1], "survival": [1.0, 80.0]}, "not per cent"),
     ({"period": [0, 0], "survival": [1.0, 1.0]}, "one row"), ({"month": [0], "survival": [1.0]}, "needed are")],
)  # fmt: skip
def test_a_survival_that_is_none_is_refused(stay, message):
    with pytest.raises(ValueError, match=message):
        unit_economics(channels(), survival=pd.DataFrame(stay))


def test_payback_takes_what_a_model_of_retention_projects():
    stay = project_retention([1000, 631, 468, 382], unit="month", periods=24)
    row = unit_economics(channels(), survival=stay).iloc[0]
    assert row["payback_months_survival"] >= row["payback_months"]


def test_a_negative_cost_is_refused():
    with pytest.raises(ValueError, match="negative"):
        unit_economics(channels(cac=[-1.0]))
