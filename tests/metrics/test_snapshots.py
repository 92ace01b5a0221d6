"""What was known at a cut-off, and nothing that came after it."""

import numpy as np
import pandas as pd
import pytest

from metrics import EventTableError, customer_snapshots, health_measures
from metrics.samples.fieldnote import simulate

TZ = "Europe/Berlin"
INSTANT, DAY = pd.Timedelta(microseconds=1), pd.Timedelta(days=1)
CUT = pd.Timestamp("2026-03-01", tz="UTC")


def at(*texts):
    return pd.to_datetime(pd.Series(list(texts), dtype=object), utc=True, format="ISO8601")


def lines(*rows):
    table = pd.DataFrame(rows, columns=["customer_id", "start", "end", "status"])
    table = table.assign(subscription_id=table["customer_id"], currency="EUR", mrr=10.0)
    return table.assign(start=at(*table["start"]), end=at(*table["end"]))


def snapshot(subscriptions, **more):
    more = {"as_of": "2026-06-01", "cutoffs": [CUT], "horizon": "30 days", **more}
    return customer_snapshots(subscriptions, **more).set_index("customer_id")


def test_who_is_here_at_the_cut_off_and_not_at_its_end_has_churned():
    until = CUT + 30 * DAY
    paid = lines(
        ("stays", "2026-01-01", None, "active"),
        ("leaves with the last instant", "2026-01-01", until - INSTANT, "active"),
        ("leaves as it ends", "2026-01-01", until, "active"),  # here just before
        ("left with the cut-off", "2026-01-01", CUT, "active"),  # here just before it, gone after
        ("left before", "2026-01-01", CUT - INSTANT, "active"),
        ("not yet", CUT, None, "active"),
        ("on trial", "2026-01-01", None, "trialing"),
        ("pauses", "2026-01-01", "2026-03-05", "active"),
        ("pauses", "2026-03-05", None, "paused"),
        ("back in time", "2026-01-01", "2026-03-05", "active"),
        ("back in time", "2026-03-20", None, "active"),
    )
    assert snapshot(paid)["churned"].to_dict() == {
        "stays": False, "leaves with the last instant": True, "leaves as it ends": False,
        "left with the cut-off": True, "pauses": False, "back in time": False,
    }  # fmt: skip


def test_cut_offs_go_back_from_as_of_by_local_days_and_their_horizon_is_over():
    paid = lines(("a", "2026-01-31T12:00Z", None, "active"))
    table = customer_snapshots(paid, as_of="2026-04-30", horizon="30 days", tz=TZ)
    assert table["cutoff"].dt.tz_convert(TZ).dt.strftime("%m-%d %H:%M").tolist() == ["03-01 00:00", "03-31 00:00"]
    assert (table["until"].iloc[:-1].array == table["cutoff"].iloc[1:].array).all()
    often = customer_snapshots(paid, as_of="2026-04-30", horizon="30 days", every="10 days", tz=TZ)
    assert len(often) == 6  # 31 January 12:00 lies before the cut-off of 9 February
    assert often["churned"].notna().all()


def test_what_is_not_decided_yet_is_missing():
    paid = lines(("a", "2026-01-01", None, "active"))
    open_ = snapshot(paid, as_of=CUT + 30 * DAY - INSTANT)
    assert open_["churned"].isna().all()
    assert snapshot(paid, as_of=CUT + 30 * DAY)["churned"].tolist() == [False]
    with pytest.raises(ValueError, match="lies after as_of"):
        snapshot(paid, as_of=CUT - INSTANT)


def test_signals_are_counted_up_to_the_cut_off_and_from_the_first_instant_of_their_time():
    paid = lines(*((name, "2026-01-30", None, "active") for name in ("ann", "ben", "new")))
    week = 7 * DAY
    events = pd.DataFrame({
        "user_id": ["ann", "ann", "ann", "ann", "ben", "ben", None],
        "timestamp": [
            CUT, CUT - INSTANT, CUT - week, CUT - week - INSTANT, CUT - 4 * week, CUT - 4 * week - INSTANT, CUT,
        ],
    })  # fmt: skip
    tickets = pd.DataFrame({
        "customer_id": ["ann", "ann", "ann", "ben"],
        "created_at": [CUT - 90 * DAY, CUT - 90 * DAY - INSTANT, CUT, CUT - DAY],
        "solved_at": [CUT, None, None, CUT - INSTANT],
    }).astype({"solved_at": "datetime64[us, UTC]"})  # fmt: skip
    invoices = pd.DataFrame({
        "customer_id": ["ann", "ann", "ann", "ben"],
        "due_at": [CUT - INSTANT, CUT, CUT - 90 * DAY - INSTANT, CUT - 90 * DAY],
        "paid_at": [None, None, None, CUT - INSTANT],
    }).astype({"paid_at": "datetime64[us, UTC]"})  # fmt: skip
    answers = pd.DataFrame({"account_id": ["ann", "ann"], "score": [3, 9], "answered_at": [CUT - INSTANT, CUT]})
    table = snapshot(paid, events=events, tickets=tickets, invoices=invoices, responses=answers)
    ann, ben, new = (table.loc[name] for name in ("ann", "ben", "new"))
    assert (ann["active_weeks"], ann["days_since_active"]) == (2, 1)  # its last instant, and the first of two weeks
    assert (ben["active_weeks"], ben["days_since_active"]) == (1, 28)
    assert (new["active_weeks"], new["days_since_active"], new["tenure_days"]) == (0, 30, 30)
    assert (ann["tickets_90d"], ann["open_tickets"]) == (1, 2)
    assert (ben["tickets_90d"], ben["open_tickets"]) == (1, 0)
    assert (ann["invoices_overdue"], ben["invoices_overdue"]) == (1, 0)
    assert ann["nps_score"] == 3
    assert pd.isna(ben["nps_score"])


def test_a_table_that_is_not_given_has_no_column_and_nobody_is_an_answer():
    table = customer_snapshots(lines(("a", "2026-01-01", None, "active"))[:0], as_of="2026-06-01")
    assert len(table) == 0
    assert list(table) == ["cutoff", "until", "customer_id", "tenure_days", "mrr", "paused", "churned"]


def known_by(tables, moment):
    """The tables as they stood just before a moment: later rows are not there, later ends and answers not known."""

    def cut(name, begins, *ends):
        rows = tables[name]
        rows = rows[rows[begins].isna() | (rows[begins] < moment)]
        return rows.assign(**{end: rows[end].where(rows[end] < moment) for end in ends})

    return {
        "subscriptions": cut("subscriptions", "start", "end"),
        "events": cut("events", "timestamp"),
        "invoices": cut("invoices", "due_at", "paid_at"),
        "tickets": cut("tickets", "created_at", "first_reply_at", "solved_at"),
        "responses": cut("survey_responses", "answered_at"),
    }


def test_a_row_is_the_same_when_nothing_after_its_cut_off_is_known():
    tables = simulate(seed=4, users=250)
    tables["events"] = tables["events"].dropna(subset=["user_id"])
    whole = known_by(tables, pd.Timestamp("2026-07-01", tz=TZ))
    moments = [pd.Timestamp(day, tz=TZ) for day in ("2026-03-10", "2026-05-20")]
    told = customer_snapshots(whole.pop("subscriptions"), as_of="2026-07-01", cutoffs=moments, tz=TZ, **whole)
    assert told["churned"].any()
    for moment in moments:
        then = known_by(tables, moment)
        row = customer_snapshots(then.pop("subscriptions"), as_of=moment, cutoffs=[moment], tz=TZ, **then)
        same = told[told["cutoff"] == moment].drop(columns="churned").reset_index(drop=True)
        pd.testing.assert_frame_equal(row.drop(columns="churned"), same, check_flags=False)


def test_measures_are_points_that_can_be_counted():
    known = pd.DataFrame({
        "cutoff": CUT, "customer_id": ["a", "b", "c"], "active_weeks": [4, 1, 0], "open_tickets": [0, 2, 3],
        "tickets_90d": [0, 3, 1], "invoices_overdue": [0, 2, None], "nps_score": [10, None, 0],
    })  # fmt: skip
    table = health_measures(known).pivot_table("score", "customer_id", "measure", dropna=False)
    assert table["usage"].tolist() == [100, 25, 0]
    assert table["support"].tolist() == [100, 10, 0]  # 100 - 2 x 40 - 10; never below 0
    assert table["payment"].fillna(-1).tolist() == [100, 0, -1]
    assert table["sentiment"].fillna(-1).tolist() == [100, -1, 0]
    assert health_measures(known)["measure"].tolist()[:4] == ["usage", "support", "payment", "sentiment"]


def test_snapshots_without_any_measure_are_refused():
    with pytest.raises(ValueError, match="none of active_weeks"):
        health_measures(pd.DataFrame({"cutoff": [CUT], "customer_id": ["a"]}))
    with pytest.raises(EventTableError, match="those of another row"):
        health_measures(pd.DataFrame({"cutoff": [CUT] * 2, "customer_id": ["a", "a"], "active_weeks": [1, 1]}))
    assert np.isnan(
        health_measures(pd.DataFrame({"cutoff": [CUT], "customer_id": ["a"], "active_weeks": [np.nan]}))["score"].item()
    )
