"""An export checked in pieces is told as one that is loaded at once."""

import itertools

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metrics import check_events, load_events
from metrics.events.checking import check_chunks
from metrics.files import pieces
from metrics.store import loading
from metrics.store.checking import check_export

USERS = ["ann", "ben", "null", "12.0", "1e5"]
MOMENTS = [f"2026-01-{day:02} 0{hour}:00" for day in (1, 2, 5) for hour in (0, 1)]


def log(rows):
    table = pd.DataFrame(rows, columns=["user_id", "event", "timestamp", "received_at"])
    for name in ("timestamp", "received_at"):
        table[name] = pd.to_datetime(table[name], utc=True, format="ISO8601")
    return table.sort_values("timestamp", kind="stable", ignore_index=True)


def cut(table, sizes):
    """The table in chunks of these sizes, which begin anew when they are at their end."""
    place = 0
    for size in itertools.cycle(sizes):
        if place >= len(table):
            return
        yield table.iloc[place : place + size].reset_index(drop=True)
        place += size


row = st.tuples(st.sampled_from(USERS), st.sampled_from(["visit", "buy"]), *[st.sampled_from(MOMENTS)] * 2)


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(row, max_size=14), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4))
def test_chunks_of_any_size_tell_what_the_whole_table_tells(rows, sizes):
    table = log(rows)
    pd.testing.assert_frame_equal(check_chunks(cut(table, sizes)), check_events(table))


def test_a_day_that_is_cut_off_is_seen_over_chunks():
    start = pd.Timestamp("2026-01-01", tz="UTC")
    stamps = [start + pd.Timedelta(minutes=30 * k) for k in range(3 * 48 + 5)]  # the fourth day until two o'clock
    table = pd.DataFrame({"user_id": [f"u{k}" for k in range(len(stamps))], "event": "visit", "timestamp": stamps})
    whole = check_events(table)
    assert whole["problem"].tolist() == ["last day cut"]
    pd.testing.assert_frame_equal(check_chunks(cut(table, [50])), whole)


@pytest.mark.parametrize("size", [2**24, 4_000], ids=["at once", "in pieces"])
def test_an_export_is_checked_as_it_is_loaded(tmp_path, monkeypatch, size):
    monkeypatch.setattr(pieces, "SIZE", size)
    monkeypatch.setattr(loading, "ROWS", 60)
    many = 400
    rows = [
        f"u{k % 97},visit,2026-01-{1 + k % 9:02}T{k % 24:02}:{k % 60:02}:00Z,{'' if k % 5 else k}" for k in range(many)
    ]
    rows += [rows[0], rows[1], ",visit,2026-01-03T10:00:00Z,1", "null,visit,2026-01-04T10:00:00Z,2"]
    path = tmp_path / "events.csv"
    path.write_text("\n".join(["user_id,event,timestamp,items", *rows]) + "\n")
    whole = load_events(path, max_refused=1)
    found = check_export(path, max_refused=1)
    assert (found.rows, found.format) == (len(whole.events), whole.format)
    pd.testing.assert_frame_equal(found.account, whole.account)
    told = check_events(whole.events)
    assert not told.empty
    pd.testing.assert_frame_equal(found.problems, told)
