"""Each customer in a row, with somebody on every edge."""

import pandas as pd
import pytest

from metrics import EventTableError, churn_alerts, customer_status
from metrics.display import headline, show
from metrics.display.footnotes import footnotes

AS_OF = pd.Timestamp("2026-04-01", tz="UTC")
DAY, INSTANT = pd.Timedelta(days=1), pd.Timedelta(microseconds=1)


def at(*texts):
    return pd.to_datetime(pd.Series(list(texts), dtype=object), utc=True, format="ISO8601")


def table(columns, *rows):
    made = pd.DataFrame(list(rows), columns=columns.split())
    return made.assign(**{c: at(*made[c]) for c in made if c in TIMES})


TIMES = ("start", "end", "renews_at", "due_at", "paid_at", "created_at", "solved_at", "timestamp", "answered_at")
LINE = "customer_id mrr start end status renews_at"
PAID = table(
    LINE,
    ("ann", 100, "2025-10-01", "2026-02-15", "active", None),
    ("ann", 120, "2026-02-15", None, "past_due", "2026-05-15"),
    ("ben", 50, AS_OF - 90 * DAY, None, "active", "2026-05-31T12:00"),  # began 90 days ago: nothing was paid before
    ("cat", 50, AS_OF - 90 * DAY - INSTANT, None, "active", "2026-06-01"),
    ("dan", 80, "2025-01-01", "2026-03-01", "active", "2026-04-20"),  # left
    ("eve", 80, "2025-01-01", AS_OF, "active", "2026-03-31"),  # leaves now, which is not yet done
    ("fay", 70, "2025-01-01", "2026-03-20", "active", None),
    ("fay", 70, "2026-03-20", None, "paused", "2026-04-20"),
    ("gus", 70, "2026-03-20", None, "trialing", "2026-04-03"),  # is no customer yet
    ("hal", 70, AS_OF, None, "active", None),  # comes with the first instant not observed
)


def status(subscriptions=PAID, **more):
    return customer_status(subscriptions, **{"as_of": AS_OF, **more}).set_index("customer_id")


def test_money_and_days_are_those_just_before_as_of():
    rows = status()
    assert rows.index.tolist() == ["ann", "ben", "cat", "dan", "eve", "fay"]
    assert rows["tenure_days"].tolist() == [182, 90, 91, 424, 455, 443]  # who left or paused: until then
    assert rows["mrr"].tolist() == [120, 50, 50, 0, 80, 0]
    assert rows["mrr_change_90d"].round(9).tolist()[0] == 0.2
    assert rows["mrr_change_90d"].isna().tolist() == [False, True, False, False, False, False]
    assert rows["mrr_change_90d"].tolist()[2:] == [0, -1, 0, -1]
    assert rows.loc["ben", "reason"] == "mrr_change_90d: zero_denominator"
    assert rows["reason"].notna().sum() == 1


def test_ninety_days_ago_is_a_date_also_where_the_clocks_changed_since():
    # 90 days before 1 May is 31 January, which begins at 23:00 in UTC; 90 times 24 hours before, the clocks say 23:00.
    raised = table(
        LINE,
        ("ann", 50, "2025-01-01", "2026-01-30T22:30Z", "active", None),
        ("ann", 75, "2026-01-30T22:30Z", None, "active", None),
    )
    rows = status(raised, as_of="2026-05-01", tz="Europe/Berlin")
    assert rows["mrr_change_90d"].tolist() == [0]


def test_a_renewal_is_the_next_one_of_who_pays_and_flagged_to_the_last_day_of_its_time():
    rows = status()
    assert rows["days_to_renewal"].fillna(-9).tolist() == [44, 60, 61, -9, -9, -9]
    assert rows["flags"].dropna().to_dict() == dict.fromkeys(["ann", "ben"], "renewal_within_60_days")
    shorter = status(renewal_within="44 days")["flags"].dropna()
    assert shorter.to_dict() == {"ann": "renewal_within_44_days"}
    today = status(PAID.assign(renews_at=AS_OF))
    assert today.loc["ann", "days_to_renewal"] == 0
    assert status(PAID.drop(columns="renews_at"))["days_to_renewal"].isna().all()


def test_an_invoice_and_a_ticket_are_open_until_they_are_done_before_as_of():
    times = [
        ("ann", AS_OF - INSTANT, None),
        ("ann", AS_OF - DAY, AS_OF),  # done too late to be seen
        ("ben", AS_OF - DAY, AS_OF - INSTANT),
        ("cat", AS_OF, None),
        ("zoe", AS_OF - DAY, None),  # has no subscription
    ]
    invoices = table("customer_id due_at paid_at", *times)
    tickets = table("customer_id created_at solved_at", *times)
    rows = status(invoices=invoices, tickets=tickets)
    for column in ("invoices_overdue", "open_tickets"):
        assert rows[column].tolist() == [2, 0, 0, 0, 0, 0]
    assert rows.loc["ann", "flags"] == "overdue_invoice, renewal_within_60_days"
    found = customer_status(PAID, as_of=AS_OF, invoices=invoices, tickets=tickets)
    assert found.attrs["settings"]["outside"] == 2


def test_the_last_answer_gives_the_band():
    answers = table(
        "account_id score answered_at",
        ("ann", 6, "2026-02-01"), ("ann", 9, "2026-01-01"), ("ben", 7, "2026-02-01"), ("cat", 8, "2026-02-01"),
        ("dan", 9, "2026-02-01"), ("dan", 0, AS_OF), ("eve", 11, "2026-02-01"),
    )  # fmt: skip
    rows = status(responses=answers)
    assert rows["nps_band"].fillna("").tolist() == ["detractor", "passive", "passive", "promoter", "", ""]
    assert rows.loc["ann", "flags"] == "nps_detractor, renewal_within_60_days"


def test_days_since_active_are_from_date_to_date_in_the_zone():
    events = table("user_id timestamp", ("ann", "2026-03-18T23:59Z"), ("ben", AS_OF - INSTANT), ("cat", AS_OF))
    assert status(events=events)["days_since_active"].fillna(-9).tolist()[:3] == [14, 1, -9]
    # There it is 19 March, and as_of is 22:00 UTC.
    berlin = status(events=events, as_of="2026-04-01", tz="Europe/Berlin")
    assert berlin["days_since_active"].fillna(-9).tolist()[:3] == [13, -9, -9]


def uses(who, *weeks):
    begins = [AS_OF - 7 * DAY * (len(weeks) - k) for k in range(len(weeks))]
    rows = [(who, begin + n * INSTANT) for begin, many in zip(begins, weeks, strict=True) for n in range(many)]
    return pd.DataFrame(rows, columns=["user_id", "timestamp"])


def test_a_drop_of_use_is_flagged_last_and_as_it_is_alerted():
    events = pd.concat([
        uses("ann", 20, 22, 18, 20, 10), uses("cat", 10, 10, 10, 10, 6), uses("dan", 9, 9, 9, 9, 0),
        uses("eve", 5, 5, 5, 4, 0), uses("fay", 9, 9, 9, 9, 0),
    ])  # fmt: skip
    rows = status(events=events)
    assert rows["flags"].fillna("").tolist() == [
        "renewal_within_60_days, usage_drop", "renewal_within_60_days", "", "", "", "",
    ]  # fmt: skip
    alerts = churn_alerts(as_of=AS_OF, rules=["usage_drop"], events=events, subscriptions=PAID)
    assert alerts["customer_id"].tolist() == ["ann"]


def test_what_is_not_given_is_missing_and_what_is_empty_is_0():
    bare = status()
    unknown = ["days_since_active", "nps_band", "open_tickets", "invoices_overdue"]
    assert bare[unknown].isna().all(axis=None)
    empty = status(
        invoices=table("customer_id due_at paid_at"), tickets=table("customer_id created_at solved_at"),
        events=table("user_id timestamp"), responses=table("account_id score answered_at"),
    )  # fmt: skip
    assert (empty[["open_tickets", "invoices_overdue"]] == 0).all(axis=None)
    assert empty[["days_since_active", "nps_band"]].isna().all(axis=None)


def test_two_currencies_are_never_added_nor_compared():
    paid = PAID[PAID["customer_id"].isin(["ann", "cat"])].assign(currency=["EUR", "USD", "EUR"])
    rows = status(paid)
    assert rows.loc["ann", ["mrr", "reason"]].tolist() == [120, "mrr_change_90d: mixed_currencies"]
    both = status(paid.assign(end=pd.NaT))
    assert both.loc["ann", "reason"] == "mrr: mixed_currencies; mrr_change_90d: mixed_currencies"
    assert both.loc[["ann"], ["mrr", "mrr_change_90d"]].isna().all(axis=None)
    assert both.loc["cat", "mrr"] == 50


def test_priced_subscriptions_are_read_as_money_a_month():
    priced = table("customer_id start end", ("ann", "2026-01-01", None)).assign(
        interval="year", unit_amount_minor=12_000, currency="EUR"
    )
    assert status(priced)["mrr"].tolist() == [10]


@pytest.mark.parametrize(
    ("more", "error", "match"),
    [
        ({"tickets": pd.DataFrame({"customer_id": []})}, ValueError, "tickets: 'created_at' is not a column"),
        ({"renewal_within": "2 months"}, ValueError, "renewal_within: '2 months' is not a span"),
        ({"subscriptions": PAID.drop(columns="start")}, ValueError, "'start' is not a column"),
        ({"subscriptions": PAID.assign(end=PAID["start"] - DAY)}, EventTableError, "end before they start"),
    ],
)
def test_what_cannot_be_read_is_refused(more, error, match):
    with pytest.raises(error, match=match):
        status(**more)


def test_nobody_is_an_answer():
    found = customer_status(PAID[:0], as_of=AS_OF)
    assert len(found) == 0
    assert headline(found) == "– there is no customer."


def test_the_sentence_counts_who_is_to_be_heeded_and_the_foot_says_when():
    found = customer_status(PAID, as_of=AS_OF)
    assert headline(found) == "2 of 6 customers have something to heed: renewal within 60 days 2."
    assert footnotes(found)[0].startswith("As it stood just before 2026-04-01")
    html = show(found, "x").html
    assert "In 90 days, %" in html
    assert "With us, days" in html


def test_one_customer_is_told_as_among_all_and_in_a_sentence_of_their_own():
    events = uses("ann", 20, 22, 18, 20, 10)
    one = customer_status(PAID, as_of=AS_OF, customer_id="ann", events=events)
    assert one.equals(customer_status(PAID, as_of=AS_OF, events=events).iloc[:1])
    assert headline(one) == (
        "182 days is ann with us, paying 120 a month, last active 7 days ago; to heed: renewal within 60 days, "
        "usage drop."
    )
    cat = customer_status(PAID, as_of=AS_OF, customer_id="cat")
    assert headline(cat) == "91 days is cat with us, paying 50 a month; nothing to heed."
    with pytest.raises(ValueError, match="Did you mean 'ann'"):
        customer_status(PAID, as_of=AS_OF, customer_id="anne")


def test_five_events_in_a_mean_week_are_enough_and_little_money_is_money():
    rows = status(events=uses("cat", 5, 5, 5, 5, 2))
    assert rows.loc["cat", "flags"] == "usage_drop"
    small = table(
        LINE, ("a", 0.5, "2025-01-01", "2026-02-01", "active", None), ("a", 0.75, "2026-02-01", None, "active", None)
    )
    assert status(small)["mrr_change_90d"].tolist() == [0.5]


def test_a_currency_in_which_nothing_is_paid_is_no_second_one():
    paid = table(LINE, ("a", 10, "2025-01-01", None, "active", None), ("a", 0, "2025-01-01", None, "active", None))
    rows = status(paid.assign(currency=["USD", "EUR"]))
    assert rows["mrr"].tolist() == [10]


def test_one_invoice_that_waits_is_enough_to_be_heeded():
    rows = status(invoices=table("customer_id due_at paid_at", ("cat", AS_OF - DAY, None)))
    assert (rows.loc["cat", "flags"], rows.loc["cat", "invoices_overdue"]) == ("overdue_invoice", 1)
