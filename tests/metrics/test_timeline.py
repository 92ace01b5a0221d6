"""What happened to one customer, with something on every edge."""

import pandas as pd
import pytest

from metrics import customer_timeline
from metrics.display import headline, show
from metrics.plots import plot_customer_timeline

AS_OF = pd.Timestamp("2026-04-01", tz="UTC")
DAY, INSTANT = pd.Timedelta(days=1), pd.Timedelta(microseconds=1)


def at(*texts):
    return pd.to_datetime(pd.Series(list(texts), dtype=object), utc=True, format="ISO8601")


PAID = pd.DataFrame({
    "customer_id": ["ann"] * 5 + ["ben"], "mrr": [10, 10, 30, 30, 30, 99],
    "status": ["trialing", "active", "past_due", "active", "paused", "active"],
    "start": at("2026-01-01", "2026-01-15", "2026-02-01", "2026-02-05", "2026-03-01", "2026-01-01"),
    "end": at("2026-01-15", "2026-02-01", "2026-02-05", "2026-03-01", AS_OF, None),
    "currency": "EUR",
})  # fmt: skip


def told(kind, customer="ann", **more):
    table = customer_timeline(PAID, **{"customer_id": customer, "as_of": AS_OF, **more})
    rows = table[table["kind"] == kind]
    return [(f"{row.at:%m-%d}", None if pd.isna(row.detail) else row.detail, row.value) for row in rows.itertuples()]


def test_money_is_told_from_each_change_on_and_a_trial_is_none():
    assert told("mrr") == [
        ("01-15", "active", 10), ("02-01", "past due", 30), ("02-05", "active", 30), ("03-01", "paused", 0),
    ]  # fmt: skip
    assert told("mrr", as_of=AS_OF + INSTANT)[-1] == ("04-01", "left", 0)  # the end is done now


def test_what_held_when_the_time_begins_is_told_from_there():
    assert told("mrr", last="45 days")[0] == ("02-15", "active", 30)
    assert told("mrr", last="28 days") == [("03-04", "paused", 0)]


def test_weeks_are_local_and_those_without_use_are_there():
    events = pd.DataFrame({
        "user_id": ["ann", "ann", "ann", "ben", None],
        "timestamp": at("2026-01-18T23:30Z", "2026-01-19T12:00Z", AS_OF, "2026-01-19", "2026-01-19"),
    })  # fmt: skip
    weeks = told("use", events=events, as_of="2026-02-03", tz="Europe/Berlin")
    assert weeks == [("01-12", None, 0), ("01-19", None, 2), ("01-26", None, 0), ("02-02", None, 0)]
    utc = told("use", events=events, as_of="2026-02-03")
    assert [value for _, _, value in utc] == [1, 1, 0, 0]
    assert len(told("use", events=events[:0], as_of="2026-02-03")) == 4


def test_tickets_say_what_they_were_and_whether_they_are_open():
    tickets = pd.DataFrame({
        "customer_id": ["ann", "ann", "ann", "ben"], "created_at": at("2026-02-01", "2026-02-02", AS_OF, "2026-02-01"),
        "solved_at": at("2026-02-03", AS_OF, None, None), "topic": ["sync", None, "sync", "sync"],
        "is_complaint": [True, False, True, True],
    })  # fmt: skip
    rows = told("ticket", tickets=tickets)
    assert rows[0] == ("02-01", "sync, complaint", 2)
    assert rows[1][:2] == ("02-02", "ticket, open")
    assert pd.isna(rows[1][2])
    assert len(rows) == 2


def test_answers_have_their_band_and_invoices_are_told_if_they_were_late():
    answers = pd.DataFrame({"account_id": ["ann"] * 4, "score": [6, 7, 9, 11], "answered_at": at(*["2026-02-01"] * 4)})
    assert [(d, v) for _, d, v in told("answer", responses=answers)] == [
        ("detractor", 6), ("passive", 7), ("promoter", 9),
    ]  # fmt: skip
    invoices = pd.DataFrame({
        "customer_id": "ann", "due_at": at("2026-02-01T08:00Z", "2026-02-02", "2026-02-03", "2026-02-04", AS_OF),
        "paid_at": at("2026-02-01T23:00Z", "2026-02-05", None, AS_OF, None),
    })  # fmt: skip
    rows = told("invoice", invoices=invoices)
    assert [(day, words) for day, words, _ in rows] == [
        ("02-02", "paid late"), ("02-03", "not paid"), ("02-04", "not paid"),
    ]  # fmt: skip
    assert rows[0][2] == 3
    assert told("invoice", invoices=invoices, tz="Asia/Tokyo")[0][:2] == ("02-01", "paid late")  # the day after there


def test_somebody_who_is_not_there_is_refused():
    with pytest.raises(ValueError, match=r"'bem' is not a customer of subscriptions.*Did you mean 'ben'"):
        told("mrr", customer="bem")


def test_the_figure_has_a_lane_for_each_table_and_says_what_is_bad():
    tickets = pd.DataFrame({"customer_id": ["ann"], "created_at": at("2026-02-01"), "solved_at": at(None)})
    events = pd.DataFrame({"user_id": ["ann"], "timestamp": at("2026-02-02")})
    table = customer_timeline(PAID, customer_id="ann", as_of=AS_OF, tickets=tickets, events=events)
    words = [text.get_text() for text in plot_customer_timeline(table).texts]
    assert [word for word in words if word in ("MRR", "Events a week", "Tickets", "Answers")] == [
        "MRR", "Events a week", "Tickets",
    ]  # fmt: skip
    html = show(plot_customer_timeline(table), "x").html
    assert "ann over time. MRR: 2026-01-15 active 10, 2026-02-01 past due 30" in html
    assert "an open ticket" in html
    assert headline(table) == "1 event of ann in the 365 days before, 1 ticket."
    later = customer_timeline(PAID, customer_id="ben", as_of=AS_OF, last="1 day")
    assert "EUR 99" in show(plot_customer_timeline(later), "x").html
