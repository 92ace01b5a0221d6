"""One kernel, any source of rows: whoever delivers them, in however many pieces, the answers are identical."""

import io
import string
import sys
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import metrics
from metrics import EventTableError, Step, event_log
from metrics.engine import Mark, Reading, by_user, frames, local, progress, rows_of
from metrics.engine.pieces import Pieces
from metrics.engine.reading import Kinds
from metrics.engine.rows import Rows, sorted_rows
from metrics.store import open_events
from tests.metrics.catalogue import METRICS, OF_EVENTS, ROWS, quick, table_of

LOG = event_log("""
    2026-01-01 10:00  ann  visit  plan=pro
    2026-01-01 10:00  ann  buy
    2026-01-02        ben  visit
    2026-01-03        ann  visit
    2026-01-04        cat  buy    plan=free
""")


@contextmanager
def changed(module, **values):
    """A module's numbers, smaller for a while."""
    before = {name: getattr(module, name) for name in values}
    for name, value in values.items():
        setattr(module, name, value)
    try:
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)


def identical(left, right):
    assert left.attrs == right.attrs
    pd.testing.assert_frame_equal(left, right, check_exact=True)


@pytest.mark.parametrize("name", OF_EVENTS)
@quick
@given(rows=ROWS)
def test_a_large_table_read_by_duckdb_in_pieces_has_the_answers_of_a_small_one(name, rows):
    events = table_of(rows)
    small = METRICS[name](events)
    with changed(frames, MANY=0), changed(local, ROWS_A_PIECE=5):
        identical(METRICS[name](events), small)


@pytest.mark.parametrize("name", OF_EVENTS)
@settings(quick, max_examples=6)
@given(rows=ROWS, kind=st.sampled_from(["clean", "unclean", "folder", "spilled"]))
def test_files_have_the_answers_of_the_table(name, rows, kind, tmp_path_factory):
    events = table_of(rows).astype({"plan": "str"})
    folder = tmp_path_factory.mktemp("events")
    half = len(events) // 2
    parts = [events[:half], events[half:]] if kind == "folder" and half else [events]
    for number, part in enumerate(parts):
        part.to_parquet(folder / f"{number}.parquet", index=False)
    source = replace(open_events(folder), clean=kind == "clean")
    memory = 64 if kind == "spilled" else 2**30
    with changed(local, ROWS_A_PIECE=5, Pieces=lambda bits, _: Pieces(bits, memory)):
        identical(METRICS[name](source), METRICS[name](events))


@pytest.mark.parametrize("tz", ["Europe/Berlin", "Australia/Lord_Howe"])
def test_days_of_a_zone_whose_clocks_change_are_the_same_from_files(tz, tmp_path):
    times = pd.date_range("2026-03-27", "2026-04-06", freq="73min", tz="UTC").as_unit("us")
    users = [f"u{k % 7}" for k in range(len(times))]
    events = pd.DataFrame({"user_id": users, "event": "a", "timestamp": times}).astype({"event": "str"})
    events.to_parquet(tmp_path / "log.parquet", index=False)
    for period in ("hour", "day"):
        asked = {"period": period, "tz": tz, "as_of": "2026-04-06"}
        identical(metrics.lifecycle(open_events(tmp_path / "log.parquet"), **asked), metrics.lifecycle(events, **asked))


def test_where_units_may_share_a_hash_of_fewer_bits_all_of_it_is_read(tmp_path):
    events = table_of([("ann", "a", pd.Timestamp("2026-01-05 10:00", tz="UTC"), "pro", 3.0)])
    events.to_parquet(tmp_path / "log.parquet", index=False)
    with changed(local, SURE=0):
        for name in ("active_users", "lifecycle", "churn_rate"):
            identical(METRICS[name](open_events(tmp_path / "log.parquet")), METRICS[name](events))


def test_each_sort_of_file_has_the_answers_of_the_table(tmp_path):
    events = table_of([("ann", "a", pd.Timestamp("2026-01-05 10:00", tz="UTC"), "pro", 3.0)])
    events.to_csv(tmp_path / "log.csv", index=False)
    events.to_json(tmp_path / "log.jsonl", orient="records", lines=True, date_format="iso", date_unit="us")
    wanted = METRICS["conversion_funnel"](events)
    for name in ("log.csv", "log.jsonl"):
        identical(METRICS["conversion_funnel"](open_events(tmp_path / name)), wanted)


def kernel(rows, add=0):
    first = rows.first_of_unit(rows.meets(0))
    return {
        "id": rows.ids[rows.unit[first]],
        "time": rows.time[first] + add,
        "plan": rows.groups["plan"][first] if "plan" in rows.groups else rows.unit[first],
    }


READING = Reading(marks=(Mark(Step("visit"), "event"),), before=2**60, groups=("plan",))


def test_a_kernel_sees_each_unit_in_the_order_of_time_and_its_answer_knows_the_names():
    answer = by_user(LOG, READING, kernel, add=1)
    found = pd.DataFrame(answer.columns)
    found["name"] = answer.labels(found["id"].to_numpy())
    found = found.set_index("name")
    assert sorted(found.index) == ["ann", "ben"]
    assert found.loc["ann", "time"] == pd.Timestamp("2026-01-01 10:00", tz="UTC").value // 1000 + 1
    assert answer.value_of("plan", found["plan"].to_numpy()).tolist().count("pro") == 1
    assert found.loc["ben", "plan"] == -1


def test_rows_without_a_mark_are_left_out_unless_everything_is_read():
    def count(rows):
        return {"rows": np.array([len(rows)])}

    assert by_user(LOG, READING, count).columns["rows"].sum() == 3
    assert by_user(LOG, replace(READING, everything=True), count).columns["rows"].sum() == 5


@pytest.mark.parametrize(
    ("reading", "message"),
    [
        (replace(READING, unit=("account",)), "unit: 'account' is not a column"),
        (replace(READING, groups=("plam",)), "by: 'plam' is not a column .* Did you mean 'plan'"),
        (replace(READING, numbers=("net",)), "value: 'net' is not a column"),
        (replace(READING, marks=(Mark(Step("visit", where={"os": 1}), "steps"),)), "steps: 'os' is not a column"),
        (replace(READING, marks=(Mark(Step("vist"), "steps", needed=True),)), "'vist' is not in the event table"),
    ],
)
def test_what_is_not_there_is_refused_by_its_name(reading, message):
    with pytest.raises(ValueError, match=message):
        by_user(LOG, reading, kernel)


def test_a_value_that_no_row_has_is_spoken_of():
    with pytest.warns(UserWarning, match="no row has plan = 'gold'"):
        by_user(LOG, replace(READING, marks=(Mark(Step("visit", where={"plan": "gold"}), "steps"),)), kernel)


@pytest.mark.parametrize("column", ["user_id", "event", "timestamp"])
@pytest.mark.parametrize("blank", [None, " \u2003"])
def test_bad_rows_of_a_file_are_counted_and_refused(tmp_path, column, blank):
    if column == "timestamp" and blank:
        return
    events = LOG.copy()
    events.loc[1, column] = blank
    events.to_parquet(tmp_path / "bad.parquet", index=False)
    with pytest.raises(EventTableError, match="1 row has no user_id, no event or no time"):
        metrics.conversion_funnel(open_events(tmp_path / "bad.parquet"), ["visit", "buy"], as_of="2026-02-01")
    with changed(frames, MANY=0), pytest.raises(EventTableError, match=f"1 of 5 rows have no {column}"):
        metrics.conversion_funnel(events, ["visit", "buy"], as_of="2026-02-01")


def test_the_rows_of_one_unit_come_from_any_source(tmp_path):
    LOG.to_parquet(tmp_path / "log.parquet", index=False)
    end = pd.Timestamp("2026-01-03", tz="UTC").value // 1000
    for events in (LOG, open_events(tmp_path / "log.parquet")):
        rows = rows_of(events, unit="user_id", value="ann", before=end)
        assert rows["event"].tolist() == ["visit", "buy"]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_long_work_shows_a_bar_where_somebody_watches(monkeypatch):
    for stream, is_shown in ((Terminal(), True), (io.StringIO(), False)):
        monkeypatch.setattr(progress, "PATIENCE", 0.0)
        monkeypatch.setattr("sys.stderr", stream)
        with changed(frames, MANY=0):
            by_user(LOG, READING, kernel)
        assert ("Reading events" in stream.getvalue()) is is_shown
    monkeypatch.setattr("sys.stderr", Terminal())
    monkeypatch.setattr(progress, "PATIENCE", 2.0)
    by_user(LOG, READING, kernel)
    assert not sys.stderr.getvalue()


ids = st.sampled_from([0, 1, 2, 2**16, 2**33, 2**48, 2**48 + 1, 2**63, 2**64 - 1, 2**64 - 2])


@given(rows=st.lists(st.tuples(ids, st.integers(0, 6)), max_size=40), in_order=st.booleans(), noise=st.integers(0, 9))
def test_rows_are_sorted_by_unit_time_and_class_however_they_come(rows, in_order, noise):
    rows = sorted(rows, key=lambda row: row[1] >> 1) if in_order else rows
    if noise and in_order and rows:
        rows = [*rows, (7, 0)]  # one that comes too late
    batch = {"id": np.array([i for i, _ in rows], np.uint64), "key": np.array([k for _, k in rows], np.int64)}
    found = sorted_rows(batch, np.zeros((1, 2), bool), 1)
    back = list(
        zip(found.ids.view(np.uint64)[found.unit].tolist(), (found.time * 2 + found.kind).tolist(), strict=True)
    )
    assert sorted(back) == sorted(rows)
    assert len(set(found.ids.tolist())) == len(found.ids)
    keys = list(zip(found.unit.tolist(), found.time.tolist(), found.kind.tolist(), strict=True))
    assert keys == sorted(keys)


def test_pieces_hold_each_id_once_also_where_they_were_written_to_disk():
    rng = np.random.default_rng(3)
    batches = [{"id": rng.integers(0, 2**64, 50, np.uint64), "key": np.arange(50)} for _ in range(4)]
    with Pieces(3, memory=1000) as pieces:
        for batch in batches:
            pieces.add(batch)
        found = [pieces.piece(number) for number in pieces.numbers()]
        folder = pieces._folder
        assert folder is not None
    assert not folder.exists()
    together = np.concatenate([piece["id"] for piece in found])
    assert sorted(together) == sorted(np.concatenate([batch["id"] for batch in batches]))
    for number, piece in enumerate(found):
        assert (piece["id"] >> np.uint64(61) == number).all()
    once = dict.fromkeys(together, 0)
    for batch in batches:
        for id_, key in zip(batch["id"], batch["key"], strict=True):
            once[id_] = key
    assert all(once[id_] == key for piece in found for id_, key in zip(piece["id"], piece["key"], strict=True))


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["a", "b", None]),
        st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from([1, 2, None]), max_size=2),
    ),
    min_size=1,
    max_size=5,
)


VALUES = st.tuples(*[st.sampled_from(values) for values in ("abc", [1, 2, 3, None], [1, None])])


@given(steps=STEPS, rows=st.lists(VALUES, min_size=1))
def test_the_class_of_a_row_says_which_marks_it_meets(steps, rows):
    table = pd.DataFrame(rows, columns=["event", "x", "y"]).astype({"event": "str", "x": "Float64", "y": "Float64"})
    number = frames._kinds(table, Reading(tuple(Mark(step, "steps") for step in steps), 0))
    kinds = Kinds.of(steps)
    for seen in (np.unique(number), np.arange(kinds.count)):
        classes = kinds.classes(seen)
        of_row = classes.of_kind[np.searchsorted(classes.kinds, number)]
        assert not classes.met[:, 0].any()
        for mark, step in enumerate(steps):
            same = (
                np.ones(len(table), bool) if step.event is None else (table["event"] == step.event).to_numpy(copy=True)
            )
            for column, value in step.where.items():
                same &= (table[column].isna() if value is None else table[column] == value).to_numpy(
                    bool, na_value=False
                )
            assert (classes.met[mark][of_row] == same).all()


@pytest.mark.filterwarnings("ignore:steps. no row has")
def test_a_value_counts_as_pandas_compares_it_whatever_its_type(tmp_path):
    events = pd.concat([LOG] * 2, ignore_index=True).assign(
        text=["1", "a", None, "x", "1"] * 2,
        number=[1, 2, 3, 1, 2] * 2,
        share=[0.5, np.nan, 1.0, 0.5, 1.0] * 2,
        flag=[True, False, True, True, False] * 2,
        day=pd.to_datetime(["2026-01-01", None, "2026-01-02", "2026-01-01", "2026-01-03"] * 2),
    )
    events.to_parquet(tmp_path / "log.parquet", index=False)
    source = open_events(tmp_path / "log.parquet")
    values = {
        "text": ["1", 1, None, "a"], "number": [1, 1.0, "1", True, 2.5], "share": [0.5, None, 1, True, "1"],
        "flag": [True, 1, 0, 0.5, "True"], "day": [pd.Timestamp("2026-01-01"), None, "2026-01-03", 5],
    }  # fmt: skip

    for column, asked in values.items():
        for value in asked:
            reading = replace(READING, marks=(Mark(Step(None, where={column: value}), "steps"),), groups=())
            found = [len(by_user(given, reading, instants).columns["time"]) for given in (events, source)]
            with changed(frames, MANY=0):
                found.append(len(by_user(events, reading, instants).columns["time"]))
            assert found[0] == found[1] == found[2], (column, value, found)


def instants(rows):
    return {"time": rows.time}


def odd_log():
    """Columns whose names the engine might use itself, or that SQL cannot tell apart."""
    rng, n = np.random.default_rng(1), 60
    stamps = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 50, n), unit="h")
    log = pd.DataFrame({
        "user_id": rng.choice(["u0", "u1", "u2", "u3"], n), "event": rng.choice(list("abc"), n), "timestamp": stamps,
        "time": rng.choice(["s1", "s2"], n), "plan": rng.choice(["r", "s"], n), "value": rng.integers(0, 5, n) / 2,
        "code": rng.integers(0, 3, n), "kind": rng.integers(0, 3, n), "id": rng.choice(list("xy"), n),
        "class": rng.choice(list("cde"), n), 'q"x': rng.choice(list("kl"), n),
        "share": rng.choice([1.5, np.nan, -0.0, 0.0], n),
    })  # fmt: skip
    return log.astype({"user_id": "str", "event": "str", "timestamp": "datetime64[us, UTC]"})


KINDS = range(60)
ODD = {
    "unit time": lambda e: metrics.conversion_funnel(e, ["a", "b"], as_of="2026-03-01", unit="time"),
    "by value and code": lambda e: metrics.conversion_funnel(
        e, [Step("a", {"code": 1}), "b"], as_of="2026-03-01", by=["value", "id"]
    ),
    "value by plan": lambda e: metrics.cohort_retention(e, value="value", by="plan", as_of="2026-03-01"),
    "held": lambda e: metrics.funnel_users(e, ["a", "b"], as_of="2026-03-01", hold_constant=["share", "time"]),
    "unit share": lambda e: metrics.conversion_funnel(e, ["a", "b"], as_of="2026-03-01", unit="share", by='q"x'),
    "quoted": lambda e: metrics.conversion_funnel(e, [Step("a", {'q"x': "k"}), "b"], as_of="2026-03-01", by='q"x'),
    "many kinds": lambda e: metrics.conversion_funnel(
        e,
        ["a", *(Step(None, {"class": c}) for c in string.ascii_lowercase), *(Step(None, {"kind": k}) for k in KINDS)],
        as_of="2026-03-01",
    ),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:steps. ")
@pytest.mark.parametrize("name", ODD)
def test_a_column_may_have_any_name(name, tmp_path):
    log = odd_log()
    log.to_parquet(tmp_path / "log.parquet", index=False)
    small = ODD[name](log)
    identical(ODD[name](open_events(tmp_path / "log.parquet")), small)
    with changed(frames, MANY=0):
        identical(ODD[name](log), small)


def test_columns_alike_but_for_capitals_are_two_columns():
    log = odd_log().assign(Plan=lambda e: e["plan"].where(e["code"] > 0, "other"), Event="x")
    for options in ({"by": ["Plan", "plan"]}, {"hold_constant": ["Plan", "plan"]}, {"unit": "Event"}):
        small = metrics.conversion_funnel(log, ["a", "b"], as_of="2026-03-01", **options)
        with changed(frames, MANY=0):
            identical(metrics.conversion_funnel(log, ["a", "b"], as_of="2026-03-01", **options), small)


def test_whole_numbers_stay_whole_beside_a_missing_one(tmp_path):
    log = event_log("2026-01-01 ann a\n2026-01-02 ann b\n2026-01-01 ben a")
    log["account"] = pd.array([2**53, 2**53 + 1, None], dtype="Int64")
    log.to_parquet(tmp_path / "log.parquet", index=False)
    for events in (log, open_events(tmp_path / "log.parquet")):
        options = {"by": "account", "attribution": "step", "attribution_step": 2}
        table = metrics.conversion_funnel(events, ["a", "b"], as_of="2026-03-01", **options)
        assert table["account"].dropna().unique().tolist() == [2**53 + 1]


def test_a_value_that_two_steps_ask_for_in_different_words_is_refused():
    log = event_log("2026-01-01 ann a\n2026-01-02 ann b").assign(day=pd.Timestamp("2026-01-01"))
    steps = [Step("a", {"day": pd.Timestamp("2026-01-01")}), Step("b", {"day": "2026-01-01"})]
    with pytest.raises(ValueError, match="'day' has a value that equals both"):
        metrics.conversion_funnel(log, steps, as_of="2026-03-01")


def test_a_bad_row_of_another_user_is_refused_also_where_one_is_asked_about(tmp_path):
    log = event_log("2026-01-01 ann a\n2026-01-02 ann b\n2026-01-01 ben a")
    log.loc[2, "user_id"] = " "
    log.to_parquet(tmp_path / "log.parquet", index=False)
    for many, events in ((0, log), (300_000, log), (300_000, open_events(tmp_path / "log.parquet"))):
        with changed(frames, MANY=many), pytest.raises(EventTableError, match="no user_id"):
            metrics.explain_funnel(events, ["a", "b"], user_id="ann", as_of="2026-03-01")


def test_all_rows_of_the_first_instant_of_a_unit_are_its_first():
    rows = Rows(
        unit=np.array([0, 0, 0, 1]), time=np.array([5, 5, 6, 5]), kind=np.zeros(4, np.int16),
        met=np.ones((1, 1), bool), ids=np.array([7, 8]),
    )  # fmt: skip
    assert rows.first_of_unit(np.array([True, True, True, True])).tolist() == [True, True, False, True]
    assert rows.first_of_unit(np.array([False, True, True, True])).tolist() == [False, True, False, True]
    assert rows.first_of_unit(np.array([False, False, True, False])).tolist() == [False, False, True, False]
