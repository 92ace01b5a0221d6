"""From lead to customer to loyal customer, with somebody on every edge of the time for each part of the way."""

import numpy as np
import pandas as pd
import pytest

from metrics import EventTableError, headline, lead_conversion, plot_lead_conversion, read_customers, show
from metrics.display.footnotes import footnotes
from metrics.plots.style import DRAWN
from tests.metrics.test_revenue import log


def instants(*texts):
    return pd.to_datetime(list(texts), format="ISO8601", utc=True)


LEADS = pd.DataFrame({
    "customer_id": ["ann", "ben", "cat", "dan", "eve", "fay", "gus"],
    "signup_at": instants(*["2026-01-01"] * 5, "2026-05-20", "2026-04-01"),
    "source": ["ads", "ads", "ads", None, "ads", "search", "search"],
})  # fmt: skip
ORDERS = pd.DataFrame(
    [("ann", "2026-01-01", 10.0), ("ann", "2026-02-01", 10.0), ("ann", "2026-02-01", 5.0), ("ann", "2026-02-03", -10.0),
     ("ann", "2026-03-31 23:59:59.999", 10.0),  # the third one, at the last moment
     ("ben", "2026-01-30 23:59:59.999", 10.0), ("ben", "2026-02-09", 10.0), ("ben", "2026-04-30 23:59:59.999", 10.0),
     ("cat", "2026-01-31", 10.0),  # too late to be a customer
     ("eve", "2025-12-31", 10.0), ("eve", "2026-01-02", 10.0),  # was one before
     ("fay", "2026-05-21", 10.0), ("gus", "2026-04-02", 10.0)],
    columns=["user_id", "timestamp", "net"],
).assign(timestamp=lambda t: instants(*t["timestamp"]))  # fmt: skip


def stages(leads=LEADS, as_of="2026-06-01", **options):
    given = {"orders": ORDERS, "loyal": "3 orders", "min_n": 1}
    return lead_conversion(leads, as_of=as_of, **{**given, **options})


def test_everybody_has_the_same_time_for_each_part_of_the_way():
    table = stages()
    assert table["from_stage"].tolist() == ["lead", "customer", "lead"]
    assert table["to_stage"].tolist() == ["customer", "loyal customer", "loyal customer"]
    assert table["entered"].tolist() == [6, 4, 6]  # eve was a customer before
    assert table["followed"].tolist() == [5, 2, 4]  # fay has until 19 June, gus until 1 July
    assert table["reached"].tolist() == [3, 1, 1]
    assert table["too_recent"].tolist() == [1, 2, 2]
    assert table["conversion_rate"].tolist() == [0.6, 0.5, 0.25]
    assert table.loc[0, "median_days"] == 1
    settings = table.attrs["settings"]
    assert (settings["customers_before"], settings["too_late"]) == (1, 1)


def test_the_last_moment_of_each_time_is_too_late():
    later = ORDERS.assign(timestamp=ORDERS["timestamp"].where(
        ~ORDERS["timestamp"].dt.microsecond.gt(0), ORDERS["timestamp"] + pd.Timedelta(milliseconds=1)
    ))  # fmt: skip
    assert stages(orders=later)["reached"].tolist() == [2, 0, 0]
    assert stages(as_of="2026-06-19")["followed"].tolist()[0] == 6
    assert stages(as_of="2026-06-18T23:59:59.999")["followed"].tolist()[0] == 5


def test_orders_of_one_instant_are_one_and_refunds_none():
    assert stages(loyal="4 orders")["reached"].tolist() == [3, 0, 0]
    assert stages(loyal="2 orders")["reached"].tolist() == [3, 2, 2]


def test_who_pays_is_loyal_once_the_time_has_passed():
    rows = log("""
        ann  a  2026-01-02  2026-01-16  10  status=trialing
        ann  a  2026-01-16  2026-04-16  10              # ends when the 90 days have passed: just before, it ran
        ben  b  2026-01-16  2026-04-15  10
        cat  c  2026-01-16  -            0              # a free plan
        dan  d  2026-01-16  2026-02-16  10
        dan  d  2026-02-16  -           10  status=paused
        fay  f  2026-05-21  -           10
    """)
    table = stages(orders=None, subscriptions=rows, loyal="90 days")
    assert table["entered"].tolist() == [7, 4, 7]
    assert table["followed"].tolist() == [6, 3, 5]
    assert table["reached"].tolist() == [3, 1, 1]
    assert table.loc[1, "median_days"] == 90


def test_each_group_has_its_rows_and_a_missing_value_is_one():
    table = stages(by="source")
    assert table["source"].fillna("?").tolist() == ["ads"] * 3 + ["search"] * 3 + ["?"] * 3
    assert table.groupby("to_stage")["entered"].sum().to_dict() == {"customer": 6, "loyal customer": 10}
    assert stages(since="2026-04-01", until="2026-05-20").loc[0, "entered"] == 1
    assert stages(LEADS[LEADS["customer_id"] == "fay"])["reason"].tolist() == ["immature"] * 3
    assert stages(min_n=3)["reason"].fillna("").tolist() == ["", "below_min_n", ""]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loyal": "90 days"}, "needs subscriptions"),
        ({"loyal": "1 order"}, "above 1"),
        ({"orders": None}, "one of them"),
        ({"subscriptions": log("ann a 2026-01-02 - 10")}, "one of them"),
        ({"orders": None, "subscriptions": log("ann a 2026-01-02 - 10")}, "needs orders"),
        ({"orders": ORDERS.drop(columns="net")}, "'net'"),
        ({"leads": LEADS.drop(columns="signup_at")}, "'signup_at'"),
        ({"by": "offer"}, "'offer'"),
        ({"since": "2026-02-01", "until": "2026-01-01"}, "is not before"),
        ({"within": "2 months"}, "within: '2 months'"),
    ],
)
def test_what_cannot_be_asked_is_refused(options, words):
    with pytest.raises(ValueError, match=words):
        stages(**options)


def test_a_lead_without_a_name_or_time_or_twice_is_bad_data():
    for wrong, words in (
        (LEADS.assign(customer_id="ann"), "name a customer_id again"),
        (LEADS.assign(customer_id=LEADS["customer_id"].mask(LEADS.index == 1)), "1 of 7 rows have no customer_id"),
        (LEADS.assign(signup_at=LEADS["signup_at"].mask(LEADS.index == 1)), "1 of 7 rows have no signup_at"),
        (
            LEADS.assign(signup_at=LEADS["signup_at"].dt.tz_localize(None)),
            "times in .signup_at. have no zone. Declare it",
        ),
    ):
        with pytest.raises(EventTableError, match=words):
            stages(wrong)


def test_the_way_is_told_and_drawn():
    said = str(headline(stages())).replace("\u202f", " ")
    assert said.startswith(
        "60 % of 5 leads became customers within 30 days (23 to 88); of 2 customers, 50 % became loyal"
    )
    assert "3 / 5 = 60.0\u202f%, lead to customer." in footnotes(stages())[1]
    assert (
        footnotes(stages())[2] == "Customers before they were leads, left out: 1. Bought later than within 30 days: 1."
    )
    by = stages(by="source")
    assert str(headline(by)).startswith("100\u202f% of leads with source search became customers")
    drawn = plot_lead_conversion(by)
    assert "ads, to loyal customer" in [t.get_text() for t in drawn.texts]
    assert "next stage" in DRAWN[drawn].plot.legend(by)
    assert "Got there" in show(by).html
    few = stages(min_n=9)
    assert "too few to say" in str(headline(few))
    assert "no rate exists" in footnotes(few)[1]


def test_leads_are_read_from_a_file(tmp_path):
    file = tmp_path / "leads.csv"
    file.write_text("lead_id,created_at,lead_source\nann,2026-01-01T00:00Z,ads\n")
    assert stages(read_customers(file), by="source").loc[0, ["source", "reached"]].tolist() == ["ads", 1]


@pytest.mark.parametrize("seed", range(3))
def test_random_leads_are_counted_as_one_by_one(seed):
    rng = np.random.default_rng(seed)
    day, first = pd.Timedelta(days=1), pd.Timestamp("2026-01-01", tz="UTC")
    leads = pd.DataFrame({"customer_id": [f"u{k}" for k in range(80)]})
    leads["signup_at"] = first + pd.to_timedelta(rng.integers(0, 150, 80), unit="D")
    orders = pd.DataFrame({"user_id": [f"u{k}" for k in rng.integers(0, 90, 500)]})
    orders["timestamp"] = first + pd.to_timedelta(rng.integers(0, 200, 500), unit="D")
    orders["net"] = rng.choice([5.0, 8.0, -3.0], 500)
    end = first + 180 * day
    table = stages(leads, "2026-06-30", orders=orders, within="20 days", loyal_within="40 days")
    counted = np.zeros((3, 3), int)
    for lead in leads[leads["signup_at"] < end].itertuples():
        mine = orders[(orders["user_id"] == lead.customer_id) & (orders["net"] > 0) & (orders["timestamp"] < end)]
        times = sorted(set(mine["timestamp"]))
        if times and times[0] < lead.signup_at:
            continue
        bought = bool(times) and times[0] < lead.signup_at + 20 * day
        loyal = bought and len(times) > 2 and times[2] < times[0] + 40 * day
        for row, (enters, over, done) in enumerate([
            (True, lead.signup_at + 20 * day <= end, bought),
            (bought, bought and times[0] + 40 * day <= end, loyal),
            (True, lead.signup_at + 60 * day <= end, loyal),
        ]):  # fmt: skip
            counted[row] += [enters, enters and over, enters and over and done]
    assert table[["entered", "followed", "reached"]].to_numpy().tolist() == counted.tolist()


def test_a_missing_group_is_one_however_it_is_written_and_values_of_two_kinds_are_told_apart():
    kinds = pd.Series(["ads", None, np.nan, pd.NA, 1, 1, "ads"], dtype=object)
    table = stages(LEADS.assign(source=kinds), by="source")
    assert table["entered"].tolist()[::3] == [1, 2, 3] or table["entered"].tolist()[::3] == [2, 1, 3]
    assert table["source"].isna().tolist() == [False] * 6 + [True] * 3
    drawn = [text.get_text() for text in plot_lead_conversion(table).texts]
    assert "(missing), to customer" in drawn
    hidden = stages(LEADS.assign(_at="x", _name="y"), by=["_at", "_name"])
    assert hidden[["_at", "_name"]].to_numpy().tolist() == [["x", "y"]] * 3


def test_an_argument_is_refused_by_its_own_name():
    with pytest.raises(ValueError, match="loyal_within: '3 months'"):
        stages(loyal_within="3 months")


def test_what_an_offer_made_free_was_bought():
    free = ORDERS.assign(net=ORDERS["net"].mask(ORDERS["user_id"] == "gus", 0.0))
    pd.testing.assert_frame_equal(stages(orders=free), stages())
