"""The store: what is opened is what read_events would read, and what is written is whole."""

import gzip
import json
import multiprocessing
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from metrics.events import EventTableError, load_events, read_events
from metrics.store import EventSource, open_events, write_events
from metrics.store import folder as folders
from metrics.store import session as sessions
from metrics.store import staging as stagings
from metrics.store.columns import quoted, whole_microseconds
from metrics.store.source import explained

LOG = """user_id,event,timestamp,country,amount,note
007,visit,2026-01-05T09:00:00Z,de,3,
ann,buy,2026-01-05T10:00:00.25+01:00,,4.5,"a, ""b""
c"
Zoë, visit ,2026-01-06 00:00:00Z,us,,#
"""


def event_table(rows: str) -> pd.DataFrame:
    """User, event, time (UTC) of each line."""
    found = [line.split(maxsplit=2) for line in rows.strip().splitlines()]
    table = pd.DataFrame(found, columns=["user_id", "event", "timestamp"], dtype="str")
    return table.assign(timestamp=pd.to_datetime(table["timestamp"], utc=True).dt.as_unit("us"))


WEEK = event_table("""
    ann  visit  2026-01-05 09:00
    bob  visit  2026-01-05 23:30
    ann  buy    2026-01-06 10:00
    cid  visit  2026-01-07 08:00
""")


def rows(source: EventSource, *columns: str) -> list[tuple[Any, ...]]:
    """Rows as DuckDB sees them, times as text in UTC."""
    chosen = columns or tuple(source.columns)
    with source.reading() as con:
        picked = ", ".join(f"CAST({quoted(c)} AS VARCHAR)" if c == "timestamp" else quoted(c) for c in chosen)
        return con.execute(f"SELECT {picked} FROM {source.sql()} ORDER BY timestamp, user_id").fetchall()


def names(folder: Path) -> list[str]:
    """Names of the files in it, but for hidden ones, which say who was there when."""
    return sorted(file.name for file in folder.glob("[!.]*"))


def table(source: EventSource) -> pd.DataFrame:
    """The event table that a source stands for."""
    with source.reading() as con:
        frame = sessions.arrow_reader(con, f"FROM {source.sql()} ORDER BY timestamp, user_id").read_all().to_pandas()
    return frame.assign(timestamp=frame["timestamp"].dt.tz_convert("UTC").dt.as_unit("us"))


def assert_same(ours: pd.DataFrame, theirs: pd.DataFrame) -> None:
    """Equal but for the types in which values are held."""
    plain = [one.astype(object).where(one.notna(), None) for one in (ours, theirs)]
    pd.testing.assert_frame_equal(plain[0], plain[1], check_dtype=False)


def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(
        pa.table({name: pa.array(*given) if isinstance(given, tuple) else given for name, given in columns.items()}),
        path,
    )
    return path


def at(*texts: str, zone: str | None = "UTC", unit: str = "us") -> pa.Array:
    return pa.array([None if text == "" else pd.Timestamp(text) for text in texts], pa.timestamp(unit, zone))


# Opening


def test_csv_is_read_as_read_events_reads_it(tmp_path: Path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    source = open_events(path)
    assert source.columns == {
        "user_id": "VARCHAR",
        "event": "VARCHAR",
        "timestamp": "TIMESTAMP WITH TIME ZONE",
        "country": "VARCHAR",
        "amount": "DOUBLE",
        "note": "VARCHAR",
    }
    assert_same(table(source), read_events(path))
    assert not source.clean
    assert source.kind == "csv"


@pytest.mark.parametrize("packed", ["plain.csv", "packed.csv.gz", "misnamed.txt", "packed.zst"])
def test_what_a_file_is_is_told_by_its_content(tmp_path: Path, packed: str):
    path = tmp_path / packed
    data = LOG.encode()
    if packed.endswith("zst"):
        data = _zstd(data)
    elif packed != "plain.csv":
        data = gzip.compress(data)
    path.write_bytes(data)
    assert [row[0] for row in rows(open_events(path))] == ["007", "ann", "Zoë"]


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("form", ["lines", "array"])
def test_json_is_read_as_read_events_reads_it(tmp_path: Path, form: str):
    records = [
        {"user_id": 12345678901234567, "event": "visit", "ts": "2026-01-05T09:00Z", "properties": {"a/b": 1, "n": 2.5}},
        {"user_id": "ann", "event": "buy", "ts": "2026-01-05T10:00Z", "properties": {'it\'s "x"': True}, "plan": "pro"},
    ]
    path = tmp_path / "log.json"
    path.write_text(json.dumps(records) if form == "array" else "\n".join(map(json.dumps, records)) + "\n")
    source = open_events(path)
    ours, theirs = table(source), read_events(path)
    assert (
        source.columns | {"a/b": "BIGINT", "n": "DOUBLE", 'it\'s "x"': "BOOLEAN", "plan": "VARCHAR"} == source.columns
    )
    assert sorted(ours) == sorted(theirs)
    assert_same(ours[list(theirs)], theirs)


@pytest.mark.parametrize("nested", [False, True])
def test_blank_properties_of_json_stay_as_they_are(tmp_path: Path, nested: bool):
    path = tmp_path / "log.jsonl"
    properties = [{"plan": plan} for plan in ("", "  ", "pro", None)] + [{}]
    at = {"user_id": "ann", "event": "v", "ts": "2026-01-05T09:00Z"}
    path.write_text(
        "\n".join(
            json.dumps(at | {"ts": f"2026-01-05T09:0{minute}Z"} | ({"properties": one} if nested else one))
            for minute, one in enumerate(properties)
        )
    )
    source = open_events(path)
    assert_same(table(source), read_events(path))
    assert [plan for (plan,) in rows(source, "plan")] == ["", "  ", "pro", None, None]
    late = "".join(json.dumps(at | {"plan": plan}) + "\n" for plan in [1] * 1_001 + [""])
    path.write_text(late)
    with pytest.raises(EventTableError, match="'plan' holds , not BIGINT as its first rows"):
        rows(open_events(path))


def test_parquet_needs_no_row_to_be_known_as_clean(tmp_path: Path):
    path = parquet(
        tmp_path / "log",
        user_id=["ann", "bob"],
        event=["visit", "öffnen"][:1] * 2,
        timestamp=at("2026-01-05", "2026-01-07"),
    )
    source = open_events(path)
    assert (source.clean, source.rows, source.kind) == (True, 2, "parquet")
    assert source.span == (pd.Timestamp("2026-01-05", tz="UTC"), pd.Timestamp("2026-01-07", tz="UTC"))
    assert repr(source) == (
        f"EventSource: {path} (parquet), 2 rows, 2026-01-05 to 2026-01-07 UTC, columns user_id, event, timestamp"
    )


def test_a_row_that_lacks_something_is_shown_never_dropped(tmp_path: Path):
    bad = parquet(
        tmp_path / "bad.parquet",
        user_id=["ann", " ", None, "dan", "eve", "ö"],
        event=["visit", "visit", "visit", "\u00a0", "visit", "öffnen"],
        timestamp=at("2026-01-05", "2026-01-06", "2026-01-07", "2026-01-08", "", "1970-01-01"),
    )
    source = open_events(bad)
    assert not source.clean
    assert [tuple(value is not None for value in row) for row in rows(source)] == [
        (True, True, True),
        (False, True, True),
        (False, True, True),
        (True, False, True),
        (True, True, False),
        (True, True, False),
    ]
    csv = tmp_path / "bad.csv"
    good = "ann,visit,2026-01-05T09:00Z\n"
    csv.write_text(
        "user_id,event,timestamp\n"
        + good * 2_000
        + ",visit,2026-01-06T09:00Z\neve, ,infinity\nann,visit,2026-01-07 09:00\n"
    )
    assert rows(open_events(csv))[2_000:] == [
        (None, "visit", "2026-01-06 09:00:00+00"),
        ("ann", "visit", None),
        ("eve", None, None),
    ]


@pytest.mark.parametrize(
    "fault",
    [
        {"user_id": None},
        {"event": None},
        {"timestamp": ""},
        {"user_id": ""},
        {"event": "\t"},
        {"timestamp": "2100-01-01"},
    ],
)
def test_one_fault_alone_keeps_a_file_from_being_clean(tmp_path: Path, fault: dict[str, Any]):
    last = {"user_id": "bob", "event": "visit", "timestamp": "2026-01-06"} | fault
    path = parquet(
        tmp_path / "log.parquet",
        user_id=["ann", last["user_id"]],
        event=["visit", last["event"]],
        timestamp=at("2026-01-05", last["timestamp"]),
    )
    source = open_events(path)
    assert not source.clean
    assert source.span is None
    assert sum(value is None for row in rows(source) for value in row) == 1


def test_files_are_united_by_the_names_of_their_columns(tmp_path: Path):
    folder = tmp_path / "a folder, it's [1] *"
    (folder / "deep").mkdir(parents=True)
    (folder / "1.csv").write_text("event,User ID,time,plan\nvisit,ann,2026-01-05T09:00Z,7\n")
    (folder / "deep" / "2.csv").write_text("\ufeffuser_id;event;timestamp;amount\nbob;buy;2026-01-06T09:00Z;1.000,50\n")
    (folder / ".partial.csv").write_text("no export")
    expected = [("ann", 7, None), ("bob", None, 1000.5)]
    for path in (folder, [folder / "1.csv", folder / "deep" / "2.csv"]):
        assert rows(open_events(path), "user_id", "plan", "amount") == expected
    many = tmp_path / "many"
    many.mkdir()
    parquet(many / "1.parquet", user_id=["ann"], event=["visit"], timestamp=at("2026-01-05"), x=[1])
    parquet(many / "2.parquet", event=["visit"], user_id=["bob"], timestamp=at("2026-01-06"), y=['"q"'])
    source = open_events(f"{many}/*.parquet")
    assert rows(source, "user_id", "x", "y") == [("ann", 1, None), ("bob", None, '"q"')]
    assert source.clean


def test_columns_alike_but_for_capitals_are_refused_across_files(tmp_path: Path):
    for name, plan in (("a", "Plan"), ("b", "plan")):
        (tmp_path / f"{name}.csv").write_text(f"user_id,event,timestamp,{plan}\nann,v,2026-01-05T09:00Z,1\n")
    with pytest.raises(EventTableError, match=r"'Plan' and 'plan', alike but for capitals"):
        open_events(tmp_path)
    assert "plan" in open_events(tmp_path, rename={"Plan": "plan_before"}).columns
    (tmp_path / "a.csv").write_text("USER_ID,Event,TimeStamp,plan\nann,v,2026-01-05T09:00Z,1\n")
    assert len(rows(open_events(tmp_path))) == 2


def test_ids_are_text_and_never_pass_through_floats(tmp_path: Path):
    big = 2**63 - 1
    whole = parquet(
        tmp_path / "i.parquet", user_id=[big, 7], event=["v", "v"], timestamp=at("2026-01-05", "2026-01-06")
    )
    assert [row[0] for row in rows(open_events(whole))] == [str(big), "7"]
    floats = parquet(
        tmp_path / "f.parquet", user_id=[1.0, None], event=["v", "v"], timestamp=at("2026-01-05", "2026-01-06")
    )
    with pytest.raises(EventTableError, match=r"'user_id' holds decimal numbers \(double\), not ids"):
        open_events(floats)
    mixed = parquet(tmp_path / "s.parquet", user_id=["a"], event=["v"], timestamp=at("2026-01-05"))
    with pytest.raises(EventTableError, match="user_id' is string here, and int64 before"):
        open_events([whole, mixed])
    lines = tmp_path / "l.jsonl"
    lines.write_text(
        "".join(f'{{"user_id": {user}, "event": "v", "timestamp": "2026-01-05T09:00Z"}}\n' for user in (7, 7.0))
    )
    assert rows(open_events(lines), "user_id") == [("7",), (None,)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_any_unit_and_zone_are_the_same_instants(tmp_path: Path, unit: str):
    path = parquet(
        tmp_path / "t.parquet",
        user_id=["ann"],
        event=["v"],
        timestamp=at("2026-01-05 09:00", zone="Europe/Berlin", unit=unit),
    )
    source = open_events(path)
    assert source.columns["timestamp"] == "TIMESTAMP WITH TIME ZONE"
    assert rows(source, "timestamp") == [("2026-01-05 09:00:00+00",)]


@pytest.mark.parametrize("zone", ["UTC", None])
def test_nanoseconds_are_cut_off_and_never_rounded(tmp_path: Path, zone: str | None):
    path = parquet(
        tmp_path / "t.parquet",
        user_id=["ann", "bob"],
        event=["v", "v"],
        timestamp=at("2026-01-31 23:59:59.9999997", "1995-01-01 00:00:00.0000019", zone=zone, unit="ns"),
        early=at("1969-12-31 23:59:59.9999997", "1969-12-31 23:59:59.999999", unit="ns"),
    )
    assert_same(
        table(open_events(path, timezone="Europe/Berlin"))[["user_id", "timestamp"]],
        read_events(path, timezone="Europe/Berlin")[["user_id", "timestamp"]],
    )
    with sessions.standard_session() as con:
        query = f"SELECT {whole_microseconds('early')} FROM read_parquet('{path}')"
        assert con.execute(query).fetchall() == [(-1,), (-1,)]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_times_without_a_zone_need_one_and_mean_what_read_events_says(tmp_path: Path, kind: str):
    clock = ["2024-10-27 02:30", "2024-10-27 03:30", "2024-03-31 02:30", "2024-03-31 03:00", "2024-07-01 12:00"]
    path = tmp_path / f"naive.{kind}"
    if kind == "parquet":
        parquet(path, user_id=list("abcde"), event=["v"] * 5, timestamp=at(*clock, zone=None))
    else:
        path.write_text(
            "user_id,event,timestamp\n" + "".join(f"{u},v,{t}\n" for u, t in zip("abcde", clock, strict=True))
        )
    with pytest.raises(EventTableError, match=r"no zone.*timezone='Europe/Berlin'"):
        open_events(path)
    assert rows(open_events(path, timezone="UTC"), "timestamp")[0] == ("2024-03-31 02:30:00+00",)
    for zone in ("Europe/Berlin", "Australia/Lord_Howe", "America/New_York"):
        load = load_events(path, timezone=zone, max_refused=1)
        expected = dict(zip(load.events["user_id"], load.events["timestamp"].astype("int64"), strict=True))
        source = open_events(path, timezone=zone)
        with source.reading() as con:
            found = dict(con.execute(f"SELECT user_id, epoch_us(timestamp) FROM {source.sql()}").fetchall())
        assert {user: time for user, time in found.items() if time is not None} == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user,event,timestamp\nann,v,1767600000\n", r"not ISO 8601 \(such as '1767600000'\). Write it to a store"),
        ("user,event,timestamp\nann,v,31.03.2026 14:00Z\n", "not ISO 8601"),
        ("user,what,timestamp\nann,v,2026-01-05T09:00Z\n", r"no event column. Its columns are \['user', 'what'"),
        ("user_id,event\nann,v\n", "has no timestamp column"),
        ("<!doctype html>", "is a web page"),
        ("", "is empty"),
        (
            "user_id,event,timestamp,Plan,plan\nann,v,2026-01-05T09:00Z,1,2\n",
            "'Plan' and 'plan', alike but for capitals",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_when_it_is_opened(tmp_path: Path, text: str, message: str):
    path = tmp_path / "log.csv"
    path.write_text(text)
    with pytest.raises(EventTableError, match=message):
        open_events(path)


def test_paths_and_arguments_that_mean_nothing_are_refused(tmp_path: Path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    with pytest.raises(EventTableError, match="Did you mean"):
        open_events(tmp_path / "lgo.csv")
    with pytest.raises(EventTableError, match="the list of paths is empty"):
        open_events([])
    with pytest.raises(EventTableError, match="is given twice"):
        open_events([path, path])
    other = parquet(tmp_path / "x", user_id=["a"], event=["v"], timestamp=at("2026-01-05"))
    with pytest.raises(EventTableError, match=r"is Parquet, and .* is delimited text"):
        open_events([path, other])
    with pytest.raises(EventTableError, match="rename: 'kunde' is not a column"):
        open_events(path, rename={"kunde": "user_id"})
    with pytest.raises(ValueError, match="memory: 'much' is not an amount"):
        open_events(path, memory="much")
    with pytest.raises(ValueError, match="threads: 0"):
        open_events(path, threads=0)
    with pytest.raises(ValueError, match="timezone"):
        open_events(path, timezone="Mars")


def test_columns_are_renamed_as_told(tmp_path: Path):
    path = tmp_path / "log.csv"
    path.write_text('kunde,"an ""odd"" one",was,wann\nann,1,v,2026-01-05T09:00Z\n')
    for rename in (
        {"kunde": "user_id", "was": "event", "wann": "timestamp"},
        ["kunde=user_id", "was=event", "wann=timestamp"],
    ):
        assert rows(open_events(path, rename=rename)) == [("ann", "v", "2026-01-05 09:00:00+00", 1)]


def test_a_property_that_turns_out_to_be_something_else_is_an_error_where_it_is_read(tmp_path: Path):
    path = tmp_path / "log.csv"
    start = "user_id,event,timestamp,amount\n" + "ann,v,2026-01-05T09:00Z,3\n" * 2_000
    path.write_text(start + "ann,v,2026-01-05T09:00Z,3.5\n")
    source = open_events(path)
    assert len(rows(source, "user_id")) == 2_001
    with pytest.raises(EventTableError, match=r"column 'amount' holds 3.5, not BIGINT"):
        rows(source, "amount")
    path.write_text(start + "ann,v\n")
    with pytest.raises(EventTableError, match=r"Line: 2002.*metrics.load_events"):
        rows(open_events(path))


def test_what_duckdb_says_is_told_without_our_sql(tmp_path: Path):
    path = parquet(tmp_path / "x.parquet", user_id=["a"], event=["v"], timestamp=at("2026-01-05"), n=["one"])
    with (
        pytest.raises(EventTableError, match=r"Could not convert string 'one' to INT64") as raised,
        open_events(path).reading() as con,
    ):
        con.execute(f"SELECT CAST(n AS BIGINT) FROM {open_events(path).sql()}").fetchall()
    assert "LINE 1" not in str(raised.value)
    assert "SELECT" not in str(raised.value)


def test_a_file_that_is_gone_is_said_to_be_gone(tmp_path: Path):
    path = parquet(tmp_path / "x.parquet", user_id=["a"], event=["v"], timestamp=at("2026-01-05"))
    source = open_events(path)
    path.unlink()
    with pytest.raises(EventTableError, match=r"x.parquet: was there when it was opened, and is gone now"):
        rows(source)
    with pytest.raises(EventTableError, match=r"is gone now. Open the events again\."):
        source.check_unchanged()


@pytest.mark.parametrize("change", ["longer", "later"])
def test_a_file_that_was_changed_is_not_read(tmp_path: Path, change: str):
    (tmp_path / "a.csv").write_text(LOG)
    path = tmp_path / "b.csv"
    path.write_text(LOG)
    source = replace(open_events(tmp_path), clean=True)
    source.check_unchanged()
    assert "versions" not in repr(source)
    if change == "longer":
        path.write_text(LOG + "ann,visit,2026-01-07T09:00:00Z,de,3,\n")
        os.utime(path, ns=(source.versions[1][1],) * 2)
    else:
        os.utime(path, ns=(source.versions[1][1] + 1_000,) * 2)
    with pytest.raises(EventTableError, match=r"b.csv: was changed since it was opened. Open the events again\."):
        source.check_unchanged()
    with pytest.raises(EventTableError, match="was changed since"):
        rows(source)
    with pytest.raises(EventTableError, match="was changed since"):
        write_events(source, tmp_path / "store")
    rows(open_events(tmp_path))


def test_a_file_that_changes_while_it_is_read_is_noticed(tmp_path: Path):
    path = tmp_path / "a.csv"
    path.write_text(LOG)
    source = open_events(path)
    with pytest.raises(EventTableError, match="was changed since"), source.reading():
        path.write_text(LOG * 2)
    source = open_events(path)
    with (
        pytest.raises(EventTableError, match="was changed since"),
        explained(source.files, source.memory, source.versions),
        source.connect() as con,
    ):
        con.execute(f"SELECT * FROM {_spoiled(path, source)}").fetchall()


def _spoiled(path: Path, source: EventSource) -> str:
    path.write_text(LOG + "xxx")
    return source.sql()


# Sessions


def test_memory_and_threads_reach_duckdb_and_nothing_comes_from_a_network(tmp_path: Path):
    path = parquet(tmp_path / "x.parquet", user_id=["a"], event=["v"], timestamp=at("2026-01-05"))
    source = open_events(path, memory="300 MB", threads=1)
    names = ["memory_limit", "threads", "TimeZone", "enable_progress_bar", "autoinstall_known_extensions"]
    with source.reading() as con:
        found = con.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in names)).fetchall()[0]
    assert found == ("286.1 MiB", 1, "UTC", False, False)
    assert (source.memory, source.threads) == (300_000_000, 1)
    usual = open_events(path)
    assert 2**28 <= usual.memory == open_events(path).memory
    assert usual.threads == len(os.sched_getaffinity(0))


def test_a_control_group_limits_memory(monkeypatch: pytest.MonkeyPatch):
    allowed = {"/sys/fs/cgroup/memory.max": 2**30, "/sys/fs/cgroup/memory.current": 2**29}
    monkeypatch.setattr(sessions, "_number", allowed.get)
    assert sessions.free_memory.__wrapped__() == 2**29


def _count(source: EventSource, answer: Any) -> None:
    answer.put(len(rows(source)))


def test_a_source_works_after_a_fork_and_in_threads(tmp_path: Path):
    path = parquet(tmp_path / "x.parquet", user_id=["a"], event=["v"], timestamp=at("2026-01-05"))
    source = open_events(path)
    assert len(rows(source)) == 1
    fork = multiprocessing.get_context("fork")
    answer = fork.SimpleQueue()
    child = fork.Process(target=_count, args=(source, answer))
    child.start()
    child.join(20)
    assert child.exitcode == 0
    assert answer.get() == 1
    counts: list[int] = []
    threads = [threading.Thread(target=lambda: counts.append(len(rows(source)))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts == [1, 1, 1, 1]


# Writing


def test_a_store_is_the_event_table_again_in_time_order(tmp_path: Path):
    events = WEEK.assign(
        amount=[1.5, np.nan, 2, 3], plan=pd.Categorical(["a", "b", "a", None]), n=pd.array([1, None, 2, 3]), empty=None
    )
    account = write_events(events.sample(frac=1, random_state=1), tmp_path / "store")
    assert account.groupby("stage")["rows"].sum().to_dict() == {
        "read": 4, "kept": 4, "duplicate": 0, "system": 0, "rejected": 0,
    }  # fmt: skip
    source = open_events(tmp_path / "store")
    assert (source.clean, source.rows) == (True, 4)
    assert_same(table(source)[list(WEEK)], WEEK)
    assert rows(source, "amount", "plan", "n", "empty")[1] == (None, "b", None, None)
    assert names(tmp_path / "store") == ["2026-01-05_2026-01-07.parquet"]
    assert [file.name for file in tmp_path.iterdir()] == ["store"]
    written = pq.read_schema(tmp_path / "store" / "2026-01-05_2026-01-07.parquet")
    assert written.field("timestamp").type == pa.timestamp("us", "UTC")
    assert written.metadata[b"metrics.events"] == b"1"


def test_text_of_an_event_table_stays_text(tmp_path: Path):
    events = WEEK.assign(
        event=["1", "2", "3", "4"], code="007", mixed=pd.Series([1, "x", None, {"a": 1}], dtype=object)
    )
    write_events(events, tmp_path / "store")
    source = open_events(tmp_path / "store")
    assert rows(source, "event", "code", "mixed")[3] == ("4", "007", '{"a": 1}')
    with pytest.raises(EventTableError, match="'Plan' and 'plan', alike but for capitals"):
        write_events(WEEK.assign(Plan=1, plan=2), tmp_path / "other")


def test_exports_are_written_as_load_events_loads_them(tmp_path: Path):
    path = tmp_path / "log.csv"
    path.write_text("event_id,user,event,ts\n1,ann,v,1767600000\n1,ann,v,1767600000\n2,,v,1767600000\n")
    account = write_events(path, tmp_path / "store", max_refused=0.5)
    pd.testing.assert_frame_equal(account, load_events(path, max_refused=0.5).account)
    assert rows(open_events(tmp_path / "store"), "user_id", "event_id") == [("ann", "1")]


def test_a_source_is_written_without_its_bad_rows_and_they_are_counted(tmp_path: Path):
    path = tmp_path / "log.csv"
    path.write_text(
        "user_id,event,timestamp,amount\nbob,v,2026-01-06T09:00Z,2\nann,v,2026-01-05T09:00Z,1\n"
        ",v,2026-01-05T09:00Z,1\nann,,2026-01-05T09:00Z,1\nann,v,soon,1\n"
    )
    path.write_text(path.read_text().replace("soon", "2026-01-05T09:00:99Z"))
    with pytest.raises(EventTableError, match="3 of 5 rows refused: 1 no event; 1 no user_id; 1 no time, or"):
        write_events(open_events(path), tmp_path / "store")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["log.csv"]
    account = write_events(open_events(path), tmp_path / "store", max_refused=0.6)
    assert account.loc[account["stage"] == "rejected", ["reason", "rows"]].values.tolist() == [
        ["no event", 1], ["no time, or one that cannot be read", 1], ["no user_id", 1],
    ]  # fmt: skip
    assert rows(open_events(tmp_path / "store"), "user_id", "amount") == [("ann", 1), ("bob", 2)]


def test_days_are_added_and_never_twice(tmp_path: Path):
    store = tmp_path / "store"
    day = WEEK["timestamp"].dt.day
    write_events(WEEK[day == 5], store)
    write_events(WEEK[day == 7].assign(plan="pro"), store, append=True)
    write_events(WEEK[day == 6], store, append=True)
    before = {file.name: file.stat().st_mtime_ns for file in store.iterdir()}
    assert names(store) == ["2026-01-05.parquet", "2026-01-06.parquet", "2026-01-07.parquet"]
    with pytest.raises(EventTableError, match=r"has 2026-01-06 already \(in 2026-01-06.parquet\).*replace='days'"):
        write_events(WEEK[day >= 6], store, append=True)
    assert {file.name: file.stat().st_mtime_ns for file in store.iterdir()} == before
    assert rows(open_events(store), "user_id", "plan")[-1] == ("cid", "pro")
    with pytest.raises(EventTableError, match=r"is there already. Say append=True"):
        write_events(WEEK, store)


def test_replacing_days_leaves_the_other_days_of_a_file(tmp_path: Path):
    store = tmp_path / "store"
    write_events(WEEK, store)
    new = event_table("dan  late  2026-01-06 12:00\neve  first  2026-01-09 12:00")
    account = write_events(new.assign(plan="pro"), store, append=True, replace="days")
    assert account.loc[account["stage"].isin(["read", "kept", "replaced"]), ["stage", "rows"]].values.tolist() == [
        ["read", 2], ["kept", 2], ["replaced", 1],
    ]  # fmt: skip
    assert rows(open_events(store), "user_id", "plan") == [
        ("ann", None), ("bob", None), ("dan", "pro"), ("cid", None), ("eve", "pro"),
    ]  # fmt: skip
    assert names(store) == ["2026-01-05_2026-01-07.parquet", "2026-01-09.parquet"]
    assert open_events(store).clean


def test_a_large_replacement_stays_in_the_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(folders, "FILE_ROWS", 2)
    monkeypatch.setattr(folders, "ROW_GROUP", 2)
    store = tmp_path / "store"
    write_events(WEEK, store)
    files = ["2026-01-05.parquet", "2026-01-06_2026-01-07.parquet"]
    assert names(store) == files
    account = write_events(pd.concat([WEEK] * 3), store, append=True, replace="days")
    assert account["rows"].iloc[-1] == 4
    assert names(store) == files
    assert open_events(store).rows == 12


def test_days_are_those_of_the_zone_of_the_store(tmp_path: Path):
    store = tmp_path / "store"
    write_events(WEEK[:1], store, tz="Europe/Berlin")
    write_events(WEEK[1:], store, append=True)  # bob's 23:30 UTC is the next day in Berlin
    assert names(store) == ["2026-01-05.parquet", "2026-01-06_2026-01-07.parquet"]
    with pytest.raises(EventTableError, match="Say tz='Europe/Berlin'"):
        write_events(WEEK, store, append=True, tz="UTC")


def test_a_column_keeps_its_type(tmp_path: Path):
    store = tmp_path / "store"
    write_events(WEEK[:2].assign(amount=1, plan=None), store)
    with pytest.raises(EventTableError, match="'amount' is int64 in the store, and string in the new rows"):
        write_events(WEEK[2:].assign(amount="much"), store, append=True)
    write_events(WEEK[2:3].assign(amount=2.5, plan="pro"), store, append=True)
    write_events(WEEK[3:].assign(amount=None), store, append=True)
    source = open_events(store)
    assert [source.columns[name] for name in ("amount", "plan")] == ["DOUBLE", "VARCHAR"]
    assert rows(source, "amount", "plan") == [(1, None), (1, None), (2.5, "pro"), (None, None)]


def test_one_file_takes_the_place_of_the_one_before(tmp_path: Path):
    path = tmp_path / "events.parquet"
    write_events(WEEK[:1], path)
    write_events(WEEK, path)
    assert open_events(path).rows == 4
    assert [file.name for file in tmp_path.iterdir()] == ["events.parquet"]
    with pytest.raises(ValueError, match="is one file"):
        write_events(WEEK, path, append=True)


def test_a_crash_leaves_the_store_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    store = tmp_path / "store"
    write_events(WEEK[:1], store)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(stagings.os, "replace", crash)
    monkeypatch.setattr(stagings.shutil, "rmtree", lambda *_, **__: None)  # killed: nothing is cleared
    for target, append in ((store, True), (tmp_path / "new", False), (tmp_path / "one.parquet", False)):
        with pytest.raises(KeyboardInterrupt):
            write_events(WEEK[2:], target, append=append)
    monkeypatch.undo()
    assert open_events(store).rows == open_events(tmp_path).rows == 1
    write_events(WEEK[2:], store, append=True)
    assert open_events(tmp_path).rows == 3


def test_two_writers_do_not_write_at_once(tmp_path: Path):
    with stagings.staging(tmp_path / "store"), pytest.raises(EventTableError, match="being written by another process"):
        write_events(WEEK, tmp_path / "store")
    write_events(WEEK, tmp_path / "store")


def test_without_flock_a_file_keeps_a_second_writer_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(stagings, "fcntl", None)
    real = os.open

    def no_folders(path: Any, *args: Any, **more: Any) -> int:
        if Path(path).is_dir() and "dir_fd" not in more:  # with that, `rmtree` asks
            raise PermissionError(13, "a folder cannot be opened on Windows", str(path))
        return real(path, *args, **more)

    monkeypatch.setattr(stagings.os, "open", no_folders)
    store = tmp_path / "store"
    write_events(WEEK[:1], store)
    write_events(WEEK[2:], store, append=True)
    lock = tmp_path / ".store.lock"
    with stagings.staging(store), pytest.raises(EventTableError, match=r"written by another process.*\.store\.lock"):
        write_events(WEEK, store, append=True, replace="days")
    assert not lock.exists()
    lock.touch()
    with pytest.raises(EventTableError, match="delete"):
        write_events(WEEK, store, append=True, replace="days")
    lock.unlink()
    assert open_events(store).rows == 3
    assert [file.name for file in tmp_path.iterdir()] == ["store"]


def test_statistics_let_readers_skip_what_they_do_not_need(tmp_path: Path):
    n = 300_000
    time = pd.to_datetime(np.arange(n) * 1_000_000 + 1_767_225_600_000_000, unit="us", utc=True)
    events = pd.DataFrame({"user_id": np.char.mod("u%d", np.arange(n) % 1_000), "event": "v", "timestamp": time})
    write_events(events, tmp_path / "store")
    (file,) = (tmp_path / "store").glob("*.parquet")
    found = pq.ParquetFile(file).metadata
    groups = [found.row_group(i) for i in range(found.num_row_groups)]
    assert [group.num_rows for group in groups] == [131_072, 131_072, 37_856]
    highs = [group.column(2).statistics.max for group in groups]
    assert [group.column(2).statistics.min > high for group, high in zip(groups[1:], highs, strict=False)] == [
        True,
        True,
    ]
    assert {group.column(1).compression for group in groups} == {"ZSTD"}
    source = open_events(tmp_path / "store")
    with source.reading() as con:
        query = f"SELECT count(*) FROM {source.sql()} WHERE timestamp < TIMESTAMPTZ '2026-01-01 00:00:10+00'"
        assert con.execute(query).fetchall() == [(10,)]


def test_users_whose_hashes_meet_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = sessions.session

    def weak(memory: int, threads: int) -> duckdb.DuckDBPyConnection:
        con = real(memory, threads)
        con.execute("CREATE OR REPLACE TEMP MACRO hash(text) AS length(text)")
        return con

    monkeypatch.setattr(sessions, "session", weak)
    with pytest.raises(EventTableError, match="2 of 3 users have ids whose 64-bit hashes are those of others"):
        write_events(WEEK, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_arguments_that_contradict_each_other_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="replace: 'days' cannot be done"):
        write_events(WEEK, tmp_path / "store", replace="days")
    with pytest.raises(ValueError, match="timezone: belongs to paths"):
        write_events(WEEK, tmp_path / "store", timezone="UTC")
    with pytest.raises(ValueError, match="max_refused"):
        write_events(WEEK, tmp_path / "store", max_refused=2)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("x")
    with pytest.raises(EventTableError, match=r"holds 'notes.txt', which no store has"):
        write_events(WEEK, tmp_path / "other", append=True)
