"""Flat JSON lines read in blocks mean what they mean read one by one."""

import json

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import metrics
from metrics.files import json_lines, json_records
from metrics.files.times import read_times
from metrics.files.values import read_ids, tidy

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.integers(-5, 5), st.floats(), st.text(max_size=6),
    st.sampled_from(["2026-01-05T09:00:00Z", "2026-01-05", "2026-01-05 09:00:00", "7", "007", "", "true", "\ud800"]),
)  # fmt: skip
NAMES = st.sampled_from(["user_id", "event", "timestamp", "a", "b", "properties", "properties.a"])
VALUES = (
    SCALARS
    | st.dictionaries(st.sampled_from(["a", "c", "timestamp"]), SCALARS, max_size=2)
    | st.lists(SCALARS, max_size=2)
)
RECORDS = st.lists(st.dictionaries(NAMES, VALUES, max_size=5), min_size=1, max_size=6)
ALIKE = st.lists(  # what Arrow can read: the same types all the way down
    st.fixed_dictionaries(
        {"user_id": st.text(min_size=1, max_size=3), "at": st.sampled_from(["2026-01-05T09:00:00Z", "2026-01-05", ""])},
        optional={
            "n": st.integers(-(2**40), 2**40) | st.none(), "x": st.floats(-1e6, 1e6), "b": st.booleans(),
            "properties": st.fixed_dictionaries({}, optional={"p": st.text(max_size=3), "q": st.integers(0, 9)}),
        },
    ),
    min_size=2, max_size=8,
)  # fmt: skip


def slow(data):
    records, lines, broken = json_records.read_objects(data, "x")
    return json_records.table_of(records, lines, broken, "x.json")


def meaning(raw):
    """What later steps make of a table: each column as ids and in its plainest type."""
    columns = {}
    for name in sorted(raw.frame.columns):
        column = raw.frame[name].reset_index(drop=True)
        try:
            ids = read_ids(column, "x").tolist()
        except metrics.EventTableError:
            ids = "refused"
        plain = tidy(column)
        columns[name] = (str(ids), str(plain.dtype), str(plain.astype(object).where(plain.notna(), None).tolist()))
    return columns, raw.lines.tolist(), raw.nested


@pytest.fixture
def always(monkeypatch):
    monkeypatch.setattr(json_lines, "SMALL", 0)


@pytest.mark.parametrize("rows", [RECORDS, ALIKE], ids=["anything", "alike"])
def test_both_readers_mean_the_same(always, rows):
    seen = {"fast": 0}

    @settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
    @given(rows)
    def check(records):
        data = "\n".join(json.dumps(record) for record in records).encode()
        fast = json_lines.read_flat_lines(data)
        if fast is not None:
            seen["fast"] += 1
            assert meaning(fast) == meaning(slow(data))

    check()
    assert seen["fast"] > 0 or rows is RECORDS


ROW = b'{"user_id":"u%d","event":"visit","timestamp":"2026-01-05T09:%02d:00Z","n":%d}\n'
LINES = b"".join(ROW % (i % 7, i % 60, i) for i in range(20_000))


@pytest.mark.parametrize(
    ("last", "fast"),
    [
        (b'{"user_id":"u","event":"visit","timestamp":"2026-01-05T09:00:00Z","n":1}', True),
        (b'{"user_id":"u","event":"visit","timestamp":"2026-01-05T09:00:00Z","later":"2026-01-05"}', True),
        (b'\n{"user_id":"u","event":"visit","timestamp":"2026-01-05T09:00:00Z"}', False),  # a blank line
        (b'{"user_id":"u","event":"visit"', False),
        (b'{"user_id":7,"event":"visit","timestamp":"2026-01-05T09:00:00Z"}', False),
        (b'{"user_id":"u","event":"visit","timestamp":"2026-01-05T09:00:00Z","n":"text"}', False),
        (b'{"user_id":"u","event":"visit","timestamp":"2026-01-05T09:00:00Z","list":[1]}', False),
        (b"[]", False),
    ],
)
def test_what_the_blocks_cannot_tell_is_read_one_by_one_and_the_load_is_the_same(tmp_path, monkeypatch, last, fast):
    data = LINES + last
    assert (json_lines.read_flat_lines(data) is not None) == fast
    path = tmp_path / "x.jsonl"
    path.write_bytes(data)
    quick = metrics.load_events(path)
    monkeypatch.setattr(json_records, "read_flat_lines", lambda data, texts, known, lines: None)
    pd.testing.assert_frame_equal(metrics.load_events(path).events, quick.events)
    pd.testing.assert_frame_equal(metrics.load_events(path).rejected, quick.rejected)


@pytest.mark.parametrize("last", ["7.5", "null", '"text"', '"2026-01-05"', "true", '{"a":1}', "99999999999999999999"])
@pytest.mark.parametrize("first", ["7", "null", '"text"', '"2026-01-05"'])
def test_what_comes_after_the_head_of_a_file_counts_as_much(monkeypatch, first, last):
    monkeypatch.setattr(json_lines, "BLOCK", 1 << 12)
    monkeypatch.setattr(json_lines, "HEAD", 1 << 9)
    row = '{"n":%s,"user_id":"u%d","properties":{"%s":%s,"p":"x"}}\n'
    data = "".join([row % (first, i, "q", first) for i in range(400)] + [row % (last, 7, "r", last)]).encode()
    quick = json_lines.read_flat_lines(data, least=0)
    is_of_one_kind = first == last or "null" in (first, last) or (first[0], last[0]) in {("7", "7"), ('"', '"')}
    assert (quick is not None) == (is_of_one_kind and last not in ('{"a":1}', "99999999999999999999"))
    if quick is not None:
        assert meaning(quick) == meaning(slow(data))
        assert list(quick.frame) == list(slow(data).frame)


def test_many_small_files_are_read_together_and_each_row_knows_its_file(tmp_path, monkeypatch):
    folder = tmp_path / "many"
    folder.mkdir()
    for n in range(30):
        rows = [ROW % (i % 7, n, i) for i in range(800)]
        if n == 20:
            rows[5] = b'{"user_id":"u","event":"","timestamp":"2026-01-05T09:00:00Z","n":1}\n'
        (folder / f"{n:02d}.jsonl").write_bytes(b"".join(rows).rstrip(b"\n" if n % 2 else b""))
    batched = metrics.load_events(folder)
    assert batched.rejected[["file", "line", "reason"]].to_numpy().tolist() == [
        [str(folder / "20.jsonl"), 6, "no event"]
    ]
    monkeypatch.setattr("metrics.files.small.FEWEST", 1_000)
    single = metrics.load_events(folder)
    pd.testing.assert_frame_equal(batched.events, single.events)
    pd.testing.assert_frame_equal(batched.account, single.account)
    pd.testing.assert_frame_equal(batched.rejected, single.rejected)


def test_a_small_file_that_is_wrong_is_named_among_many(tmp_path):
    for n in range(30):
        (tmp_path / f"{n:02d}.jsonl").write_bytes(b"".join(ROW % (1, n, i) for i in range(800)))
    (tmp_path / "15.jsonl").write_text('{"user": "ann"}\n')
    with pytest.raises(metrics.EventTableError, match=r"15\.jsonl.* has no event and no timestamp"):
        metrics.load_events(tmp_path)


@pytest.mark.parametrize("hours", ["2026-01-05T09+01:00", "2026-01-05T09Z", "2026-01-05 09+0100"])
def test_a_time_of_hours_alone_is_no_instant(hours):
    whole = "2026-01-05T09:00:00.000000Z"
    times = read_times(pd.Series([whole, hours], dtype="str"), timezone=None, time_format=None, file="x")
    assert times.reason.tolist() == [None, "time that cannot be read"]


@pytest.mark.parametrize("blank", ["", " ", "\t", "\u00a0", "\u3000"])
def test_blanks_around_an_id_are_no_part_of_it(blank):
    column = pd.Series([f"ann{blank}", f"{blank}bob", blank, "a b"], dtype="str")
    assert read_ids(column, "x").fillna("none").tolist() == ["ann", "bob", "none", "a b"]
    assert read_ids(column[1:2], "x").tolist() == ["bob"]
    assert read_ids(column[3:], "x").tolist() == ["a b"]
