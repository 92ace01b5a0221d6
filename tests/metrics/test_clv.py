import numpy as np
import pandas as pd
import pytest

from metrics import customer_lifetime_value, orders_summary, simple_lifetime_value


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


# --- value


def value(table=SHOP, **options):
    return customer_lifetime_value(table, **({"as_of": "2026-01-16", "annual_discount": 0} | options))


def test_what_was_paid_is_a_fact_and_labelled_as_revenue_without_a_margin():
    table = value().set_index("customer_id")
    assert table["historical_value"].to_dict() == {"a": 34, "b": 7}
    assert set(table["basis"]) == {"revenue"}
    assert table["rank"].to_dict() == {"a": 1, "b": 2}
    assert pd.isna(table.loc["a", "flags"])
    assert table.loc["b", "flags"] == "one_time_buyer"


def test_the_simple_formula_is_alike_for_all_and_counts_purchases_by_time():
    table = value(horizon="210 days")
    # 3 purchases in 15 + 6 customer-days, 41 of revenue
    assert table["expected_purchases"].tolist() == [pytest.approx(3 / 21 * 210)] * 2
    assert table["expected_value"].tolist() == [pytest.approx(41 / 3)] * 2
    assert table["clv"].tolist() == [pytest.approx(410)] * 2


def test_a_margin_turns_revenue_into_value_and_a_discount_lowers_what_is_later():
    plain, kept = value(), value(margin=0.4)
    assert kept["historical_value"].tolist() == pytest.approx([0.4 * x for x in plain["historical_value"]])
    assert set(kept["basis"]) == {"margin"}
    later = value(annual_discount=0.1, horizon="1 year")
    assert later["clv"][0] == pytest.approx(plain["clv"][0] * (1 - 1 / 1.1) / np.log(1.1))


def test_on_cdnow_the_simple_formula_overshoots_the_next_39_weeks_by_191_per_cent():
    table = customer_lifetime_value(CDNOW, as_of="1997-10-01", horizon="39 weeks", annual_discount=0, **COLUMNS)
    later = CDNOW[CDNOW["date"] > "1997-09-30"]["amount"].sum()
    assert table["clv"].sum() / later - 1 == pytest.approx(1.91, abs=0.03)


def test_all_refunded_is_flagged():
    table = value(orders("a 2026-01-01 10\na 2026-01-02 -10"))
    assert table["flags"].item() == "one_time_buyer, no_value"


@pytest.mark.parametrize(("options", "message"), [({"margin": 40}, "Write 40 % as 0.4"), ({"horizon": 12}, "horizon")])
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
