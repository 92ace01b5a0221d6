"""Presence: where a store keeps who was there in which quarter of an hour, answers are those of all rows."""

import shutil
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metrics
from metrics import event_log
from metrics.engine.query import Query
from metrics.store import open_events, write_events
from tests.metrics.catalogue import ROWS, quick, table_of

VISITS = event_log("""
    2026-01-05 09:00     ann  visit
    2026-01-05 09:14:59  ann  buy
    2026-01-05 09:15     ann  visit
    2026-01-05 18:14     ben  visit
    2026-01-05 18:15     ben  visit
    2026-01-06 09:07     ann  visit
    2026-01-07 23:59:59  cat  sign_up
""")
ASKED = {
    "cohort_retention": lambda e, **at: metrics.cohort_retention(e, period="day", periods=2, **at),
    "cohort_retention by sign-up": lambda e, **at: metrics.cohort_retention(e, start_event="a", periods=2, **at),
    "active_users": metrics.active_users,
    "stickiness": lambda e, **at: metrics.stickiness(e, since="2026-01-04", until=at.pop("as_of"), **at),
    "lifecycle": metrics.lifecycle,
    "churn_rate": lambda e, **at: metrics.churn_rate(e, inactive_for="1 day", period="day", min_n=1, **at),
    "churn_rate by event": lambda e, **at: metrics.churn_rate(e, event="a", inactive_for="9 days", min_n=1, **at),
    "user_days": lambda e, **at: days_of(metrics.user_days(e, tell_apart=["a"], **at)),
}


def days_of(days):
    """What is held, as a table; ids of users differ between sources, so that only their days are compared."""
    held = zip(np.split(days.cell, days.first[1:]), np.split(days.kind, days.first[1:]), strict=True)
    kept = sorted([*map(tuple, np.stack(both, axis=1).tolist())] for both in held)
    return pd.DataFrame({"days": kept, "users": days.users, "all": days.days})


def presence(source):
    """User and time of each quarter of an hour, as text."""
    with source.reading() as con:
        query = f"SELECT user_id, strftime(timestamp, '%d %H:%M') FROM {source.presence} ORDER BY timestamp, user_id"
        return con.execute(query).fetchall()


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_events(VISITS[:5], tmp_path / "store")
    write_events(VISITS[5:], tmp_path / "store", append=True)
    return tmp_path / "store"


def test_a_user_stands_once_for_each_quarter_of_an_hour(store):
    assert presence(open_events(store)) == [
        ("ann", "05 09:00"), ("ann", "05 09:15"), ("ben", "05 18:00"), ("ben", "05 18:15"), ("ann", "06 09:00"),
        ("cat", "07 23:45"),
    ]  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
@settings(quick, max_examples=4)
@given(rows=ROWS, minutes=st.integers(0, 59), tz=st.sampled_from(["UTC", "Asia/Kathmandu", "Australia/Lord_Howe"]))
def test_a_store_has_the_answers_of_the_table(name, rows, minutes, tz, tmp_path_factory):
    events = table_of(rows)
    events["timestamp"] += pd.Timedelta(minutes=minutes, seconds=7)
    folder = tmp_path_factory.mktemp("events") / "store"
    write_events(events, folder)
    asked = {"tz": tz, "as_of": "2026-03-05"}
    source = open_events(folder)
    assert source.presence
    mine, theirs = ASKED[name](source, **asked), ASKED[name](events, **asked)
    assert mine.attrs == theirs.attrs
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)


def test_days_are_read_from_presence_and_rows_only_of_the_events_told_apart(store, monkeypatch):
    read = []
    packed = Query.packed

    def seen(query, *asked):
        read.append(query.connection.execute(f"SELECT count(*) FROM {query.relation}").fetchall()[0][0])
        return packed(query, *asked)

    monkeypatch.setattr(Query, "packed", seen)
    metrics.active_users(open_events(store), as_of="2026-01-09")
    metrics.user_days(open_events(store), tell_apart=["sign_up"], as_of="2026-01-09")
    metrics.active_users(open_events(store), as_of="2026-01-09", event="visit")
    metrics.active_users(open_events(store), as_of="2026-01-05 09:07")
    assert read == [6, 6 + 1, 7, 7]


def test_users_are_named_from_presence(store):
    funnel = {"steps": ["visit", "buy"], "as_of": "2026-01-09"}
    mine, theirs = (metrics.funnel_users(events, **funnel) for events in (open_events(store), VISITS))
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    orders = VISITS.assign(net=[1.0, 2, 4, 8, -16, 32, 64])
    write_events(orders, store.with_name("orders"))
    mine = metrics.orders_summary(open_events(store.with_name("orders")))
    pd.testing.assert_frame_equal(mine, metrics.orders_summary(orders), check_exact=True)


def test_as_of_within_a_quarter_of_an_hour_reads_the_rows(store):
    for as_of, users in (("2026-01-05 18:14", [1]), ("2026-01-05 18:14:01", [2]), ("2026-01-05 18:15", [2])):
        assert metrics.active_users(open_events(store), as_of=as_of)["daily"].tolist() == users


def test_what_was_changed_replaced_or_copied_alone_is_read_itself(store, tmp_path):
    file = store / "2026-01-06_2026-01-07.parquet"
    write_events(VISITS[5:6].assign(user_id="dan"), store, append=True, replace="days")
    assert ("dan", "06 09:00") in presence(open_events(store))
    pq.write_table(pq.read_table(file).slice(1), file)
    changed = open_events(store)
    assert (changed.presence, changed.clean) == ("", True)
    assert metrics.active_users(changed, as_of="2026-01-08")["daily"].tolist() == [2, 0, 1]
    shutil.copy(store / "2026-01-05.parquet", tmp_path / "alone.parquet")
    assert open_events(tmp_path / "alone.parquet").presence == ""


def test_a_damaged_presence_is_none(store):
    (found,) = store.glob(".2026-01-05.presence")
    found.write_bytes(b"PAR1")
    assert open_events(store).presence == ""


def test_other_readers_do_not_meet_it(store):
    assert duckdb.sql(f"SELECT count(*) FROM '{store}/*.parquet'").fetchall() == [(7,)]
    assert len(pd.read_parquet(store)) == 7


def test_another_user_or_renamed_columns_are_read_from_the_rows(store):
    assert open_events(store, rename={"event": "user_id", "user_id": "event"}).presence == ""
    source = open_events(store)
    counted = metrics.active_users(source, unit="event", as_of="2026-01-08")
    assert counted["daily"].tolist() == [2, 1, 1]
