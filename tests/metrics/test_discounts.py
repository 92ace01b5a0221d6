"""Customers whom a discount brought beside all others, with somebody on every edge of the time after a purchase."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_ind

from metrics import EventTableError, discount_retention, headline, lead_conversion, show
from metrics.display.footnotes import footnotes
from metrics.intervals import newcombe
from tests.metrics.test_revenue import log

ORDERS = pd.DataFrame(
    [("ann", "2026-01-01", 9.0, 10), ("ann", "2026-03-31 23:59:59.999", 20.0, 0),  # in the last moment
     ("ben", "2026-01-01", 9.0, 10), ("ben", "2026-04-01", 20.0, 0),  # a moment too late
     ("cat", "2026-01-01", 10.0, 0), ("cat", "2026-01-01", 5.0, 0), ("cat", "2026-01-03", -15.0, 0),  # given back
     ("dan", "2026-01-01", 10.0, 0), ("dan", "2026-02-01", 9.0, 10),  # the second one only
     ("eve", "2026-05-01", 9.0, 10)],  # has time
    columns=["user_id", "timestamp", "net", "discount_percent"],
).assign(timestamp=lambda t: pd.to_datetime(t["timestamp"], format="ISO8601", utc=True), currency="EUR")  # fmt: skip


def sides(purchases=ORDERS, as_of="2026-06-01", **options):
    return discount_retention(purchases, as_of=as_of, **{"min_n": 1, **options})


def test_the_first_purchase_decides_and_what_came_in_the_time_after_it_counts():
    table = sides().set_index("first_purchase")
    assert table["customers"].to_dict() == {"full_price": 2, "discounted": 2}
    assert table["retained"].to_dict() == {"full_price": 1, "discounted": 1}  # dan; ann
    assert table["too_recent"].to_dict() == {"full_price": 0, "discounted": 1}
    assert table["value_per_customer"].to_dict() == {"full_price": 9.5, "discounted": 19.0}
    low, high = newcombe(np.array([1.0]), np.array([2.0]), np.array([1.0]), np.array([2.0]), 0.95)
    assert table.loc["discounted", ["difference_low", "difference_high"]].tolist() == [low[0], high[0]]
    assert table.loc["full_price", "reason"] == "difference: control; value_difference: control"
    assert set(table["label"]) == {"association"}


def test_a_table_that_was_sorted_put_together_or_cut_is_told_by_its_keys():
    whole = discount_retention(ORDERS.assign(plan="pro"), by="plan", min_n=1, as_of="2026-06-01")
    for told in (whole[::-1], pd.concat([whole[:1], whole[1:].reset_index(drop=True)])):
        told.attrs = whole.attrs
        assert str(headline(told)) == str(headline(whole))
        assert footnotes(told) == footnotes(whole)
    cut = whole[whole["first_purchase"] == "discounted"]
    cut.attrs = whole.attrs
    assert headline(cut) == (
        "– whether a discount brings customers who stay is not known: the table is not whole, it lacks those at the "
        "full price."
    )
    assert "no difference exists" in show(cut).html


def test_the_difference_of_money_has_the_limits_of_welch():
    rng = np.random.default_rng(7)
    orders = pd.DataFrame({"user_id": [f"u{k}" for k in range(60)], "net": rng.gamma(2, 10, 60).round(2)})
    orders = orders.assign(timestamp=ORDERS["timestamp"][0], discount_amount=np.arange(60) % 3)
    row = sides(orders).iloc[1]
    less, full = (orders.loc[(orders["discount_amount"] > 0) == side, "net"] for side in (True, False))
    limits = ttest_ind(less, full, equal_var=False).confidence_interval(0.95)
    assert row["value_difference_low"] == pytest.approx(limits.low, rel=1e-12)
    assert row["value_difference_high"] == pytest.approx(limits.high, rel=1e-12)


def test_subscribers_are_kept_while_they_have_mrr():
    rows = log("""
        ann  a  2026-01-01  2026-01-15  10  status=trialing discount_percent=50
        ann  a  2026-01-15  -           10  discount_percent=0
        ben  b  2026-01-15  2026-04-15  20  discount_percent=20   # ends with the time: just before, it ran
        cat  c  2026-01-15  2026-04-14  20  discount_percent=20
        dan  d  2026-01-15  -           30  discount_percent=0
        eve  e  2026-05-15  -           30  discount_percent=20
    """)
    table = sides(rows).set_index("first_purchase")
    assert table["retained"].to_dict() == {"full_price": 2, "discounted": 1}
    assert table["customers"].to_dict() == {"full_price": 2, "discounted": 2}
    assert table["value_per_customer"].to_dict() == {"full_price": 20.0, "discounted": 10.0}
    assert table["too_recent"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("column", "discounted"),
    [
        (["SPRING", None, "", "none", "SPRING", None, None, None, None, None], 2),
        ([True, False, False, False, True, False, False, False, False, False], 2),
        (["10", "0", "0", "0", "1.5", "0", "0", "0", "0", "0"], 2),
        ([-10, 0, 0, None, -1.5, 0, 0, 0, 0, -0.0], 2),  # what was taken off
    ],
)
def test_a_column_of_ones_own_may_be_a_code_a_mark_or_a_number(column, discounted):
    orders = ORDERS.drop(columns="discount_percent").assign(coupon=column)
    table = sides(orders, discount="coupon").set_index("first_purchase")
    assert table.loc["discounted", "customers"] == discounted
    assert (
        sides(orders.rename(columns={"coupon": "discount_code"}))["customers"].tolist() == table["customers"].tolist()
    )


def test_money_of_two_currencies_is_never_added():
    two = pd.concat([ORDERS, ORDERS.assign(user_id="x" + ORDERS["user_id"], currency="USD")])
    table = sides(two)
    assert table["currency"].tolist() == ["EUR", "EUR", "USD", "USD"]
    assert table["value_per_customer"].tolist() == [9.5, 19.0, 9.5, 19.0]
    dollars = ORDERS.assign(currency=ORDERS["currency"].mask(ORDERS.index == 1, "USD"))
    assert sides(dollars).loc[1, ["retained", "value_per_customer"]].tolist() == [1, 9.0]
    assert sides(ORDERS.drop(columns="currency"))["currency"].isna().all()


def test_groups_ranges_and_what_is_too_early():
    by = sides(ORDERS.assign(shop=ORDERS["user_id"].where(ORDERS["user_id"] == "ann")), by="shop")
    assert by["shop"].fillna("?").tolist() == ["ann", "ann", "?", "?"]
    assert by["customers"].tolist() == [0, 1, 2, 1]
    assert sides(since="2026-02-01")["reason"][1].startswith("retention_rate: immature; difference: immature")
    assert sides(until="2026-01-01")["customers"].tolist() == [0, 0]
    assert sides(min_n=3)["reason"][1].count("below_min_n") == 4


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"purchases": ORDERS.drop(columns="discount_percent")}, "no column says whether there was a discount"),
        ({"discount": "cupon"}, "'cupon'"),
        ({"by": "shop"}, "'shop'"),
        ({"purchases": ORDERS.drop(columns="user_id")}, "'user_id'"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "is not before"),
        ({"follow_up": "3"}, "follow_up: '3'"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        sides(**options)


def test_it_is_said_to_be_an_association():
    said = str(headline(sides())).replace("\u202f", " ")
    assert said.startswith("50 % of 2 customers whom a discount brought bought again within 90 days (9 to 91): ")
    assert said.endswith("An association, not an effect.")
    assert "1 / 2 = 50.0\u202f% \u2212 1 / 2 = 50.0\u202f%" in footnotes(sides())[1]
    assert "Left out: 1 who still have time." in footnotes(sides())[1]
    assert "EUR a customer" in show(sides()).html
    assert ">Currency<" not in show(sides()).html
    two = pd.concat([ORDERS, ORDERS.assign(user_id="x" + ORDERS["user_id"], currency="USD")])
    assert ">Currency<" in show(sides(two)).html
    assert "too few to say" in str(headline(sides(min_n=9)))
    assert "Too few on a side" in footnotes(sides(min_n=9))[1]
    paid = log("ann a 2026-01-15 - 10 discount_percent=5\nben b 2026-01-15 - 10 discount_percent=0")
    assert "still paid 90 days later" in str(headline(sides(paid)))


@pytest.mark.parametrize("seed", range(3))
def test_random_orders_are_counted_as_one_by_one(seed):
    rng = np.random.default_rng(seed)
    day, first = pd.Timedelta(days=1), pd.Timestamp("2026-01-01", tz="UTC")
    orders = pd.DataFrame({"user_id": [f"u{k}" for k in rng.integers(0, 60, 300)]})
    orders["timestamp"] = first + pd.to_timedelta(rng.integers(0, 190, 300), unit="D")
    orders = orders.assign(net=rng.choice([5.0, 8.25, -3.0], 300), discount_percent=rng.choice([0, 10], 300))
    table = sides(orders, "2026-06-30", follow_up="40 days").set_index("first_purchase")
    end, counted = first + 180 * day, {side: [0, 0, 0.0] for side in table.index}
    for _, mine in orders[orders["timestamp"] < end].groupby("user_id"):
        bought = mine[mine["net"] > 0]
        if bought.empty or bought["timestamp"].min() + 40 * day > end:
            continue
        start = bought["timestamp"].min()
        inside = mine[(mine["timestamp"] >= start) & (mine["timestamp"] < start + 40 * day)]
        less = (bought.loc[bought["timestamp"] == start, "discount_percent"] > 0).any()
        found = counted["discounted" if less else "full_price"]
        found[0] += 1
        found[1] += ((inside["net"] > 0) & (inside["timestamp"] > start)).any()
        found[2] += inside["net"].sum()
    for side, (customers, retained, value) in counted.items():
        assert table.loc[side, ["customers", "retained"]].tolist() == [customers, retained]
        assert table.loc[side, "value_per_customer"] == pytest.approx(value / customers)


@pytest.mark.parametrize(("net", "words"), [(None, "1 of 2 rows have no net"), ("9 EUR", "first: row 1, '9 EUR'")])
def test_an_order_without_an_amount_is_no_silent_refund(net, words):
    orders = pd.DataFrame({
        "user_id": ["ann", "ann"], "timestamp": pd.to_datetime(["2026-01-01", "2026-01-05"], utc=True),
        "net": [10, net], "discount_percent": [0, 0],
    })  # fmt: skip
    with pytest.raises(EventTableError, match=words):
        discount_retention(orders, as_of="2026-07-01")
    leads = pd.DataFrame({"customer_id": ["ann"], "signup_at": pd.to_datetime(["2026-01-01"], utc=True)})
    with pytest.raises(EventTableError, match=words):
        lead_conversion(leads, orders=orders, loyal="2 orders", as_of="2026-07-01")


def test_a_discount_of_all_the_price_is_one():
    free = ORDERS.assign(net=ORDERS["net"].mask(ORDERS.index == 0, 0.0), discount_percent=[100, *[0] * 9])
    assert sides(free).set_index("first_purchase")["customers"].to_dict() == {"full_price": 3, "discounted": 1}


def test_no_per_cent_is_no_discount_and_a_currency_has_one_name():
    words = ["10 %", "0%", "0 %", "-", "0.0%", "n/a", "0,00 €", "$0.00", "EUR 0", "-0,0 %"]
    table = sides(ORDERS.assign(discount_percent=words, currency=["EUR", "eur"] * 5))
    assert table["currency"].tolist() == ["EUR", "EUR"]
    assert table["customers"].tolist() == [3, 1]
    assert table.loc[1, "value_per_customer"] != 9  # both of ann's orders count


def test_a_missing_group_is_one_however_it_is_written():
    shop = pd.Series([None, np.nan, np.nan, pd.NA, *["a"] * 6], dtype=object)
    assert sides(ORDERS.assign(shop=shop), by="shop")["shop"].isna().tolist() == [False, False, True, True]


def test_of_two_currencies_the_sentence_says_whose_customers_it_counts():
    dollars = ORDERS.assign(currency="USD", user_id="x" + ORDERS["user_id"])[:4]
    said = str(headline(sides(pd.concat([ORDERS, dollars]))))
    assert "of 2 customers who pay in EUR whom a discount brought" in said
    assert "who pay in" not in str(headline(sides()))
