"""An export read in pieces, however small, is loaded as it is at once: the same rows, account and rejected rows."""

import gzip
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import metrics
from metrics.exports import formats
from metrics.files import json_lines, pieces
from metrics.store import loading
from metrics.store.writing import write
from tests.metrics.exports.reading import lines
from tests.metrics.exports.test_events import amplitude, mixpanel
from tests.metrics.exports.test_fuzz import HEADS, KEYS, TEXT, VALUES


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "SIZE", 400)
    monkeypatch.setattr(pieces, "ROWS", 3)
    monkeypatch.setattr(loading, "ROWS", 4)


def plain(table):
    """Values without what Parquet leaves open: gaps, whole numbers with gaps; columns that hold nothing left out."""
    filled = table[[name for name in table if table[name].notna().any()]].reset_index(drop=True)
    return filled.astype(object).where(filled.notna(), None).map(_plain)


def _plain(value):
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return float(value) if is_number else value


def loaded_alike(export, target, **options):
    """The load at once and the load in pieces, which are the same; None where both refuse it."""
    options = {"max_refused": 1.0, **options}
    try:
        whole = metrics.load_events(export, **options)
    except metrics.EventTableError:
        with pytest.raises(metrics.EventTableError):
            write(export, target, **options)
        return None
    written = write(export, target, **options)
    pd.testing.assert_frame_equal(written.account, whole.account)
    pd.testing.assert_frame_equal(plain(written.rejected), plain(whole.rejected), check_like=True)
    pd.testing.assert_frame_equal(plain(pd.read_parquet(target)), plain(whole.events), check_like=True)
    assert (written.rows, written.format) == (len(whole.events), whole.format)
    return whole


ROW = {"user_id": "ann", "event": "visit", "timestamp": "2026-01-05T09:00:00Z"}


def at(minute):
    return f"2026-01-05T09:{minute:02d}:00Z"


def test_records_of_text_are_cut_outside_of_quotes_and_keep_their_lines(tmp_path):
    rows = [f'u{i % 5},visit,{at(i)},e{i % 17},"a ""word"",\nand {i} more"' for i in range(40)]
    rows[20], rows[30] = "broken,line", f",visit,{at(30)},x,nobody"
    path = tmp_path / "x.csv"
    path.write_text("user_id,event,timestamp,event_id,note\n" + "\n".join(rows) + "\n")
    whole = loaded_alike(path, tmp_path / "o.parquet")
    assert whole.rejected["line"].tolist() == [42, 61]


def test_stray_quotes_are_followed_record_by_record(tmp_path):
    rows = [f'u{i % 5},visit,{at(i)},5" pipe,"two\nlines {i}"' for i in range(40)]
    path = tmp_path / "x.csv"
    path.write_text("user_id,event,timestamp,size,note\n" + "\n".join(rows) + "\n")
    assert len(loaded_alike(path, tmp_path / "o.parquet").events) == 40


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "cp1252"])
def test_encodings(tmp_path, encoding):
    path = tmp_path / "x.csv"
    path.write_bytes(("user,event,time\n" + "".join(f"jürgen{i},kauf,{at(i)}\n" for i in range(50))).encode(encoding))
    how = {"encoding": encoding} if encoding == "cp1252" else {}
    assert len(loaded_alike(path, tmp_path / "o.parquet", **how).events) == 50


@pytest.mark.parametrize(
    ("values", "plainest"),
    [
        (["1", "2", "3.5"], "float64"), (["1", "2", "x"], "str"), (["1.50", "2", "x"], "str"),
        (["true", "false", "TRUE"], "bool"),
        (["TRUE", "x", "false"], "str"), (["", "", "7"], "Int64"), (["1", "12345678901234567", "0.5"], None),
    ],
)  # fmt: skip
def test_a_property_has_the_type_that_fits_all_of_its_pieces(tmp_path, values, plainest):
    column = [values[0]] * 20 + [values[1]] * 20 + [values[2]] * 20
    path = tmp_path / "x.csv"
    path.write_text(
        "user,event,time,value\n" + "".join(f"u,visit,{at(i % 60)},{one}\n" for i, one in enumerate(column))
    )
    whole = loaded_alike(path, tmp_path / "o.parquet")
    assert plainest is None or str(whole.events["value"].dtype) == plainest


@pytest.mark.parametrize("last", ["1.234,5", "n/a"])
def test_decimal_commas_are_those_of_the_whole_file(tmp_path, last):
    path = tmp_path / "x.csv"
    values = ["1.234"] * 20 + ["7"] * 20 + [last]
    path.write_text("user;event;time;net\n" + "".join(f"u;buy;{at(i)};{one}\n" for i, one in enumerate(values)))
    whole = loaded_alike(path, tmp_path / "o.parquet")
    assert whole.events["net"].iloc[0] == (1234 if last == "1.234,5" else "1.234")


@pytest.mark.parametrize(
    "later",
    [
        {"user": "bob"},  # another name of the user, so that neither is sure
        {"user_id": 7}, {"user_id": 7.5}, {"n": "text"}, {"n": 7.25}, {"n": [1]}, {"n": None}, {"more": True},
        {"properties": {"n": 1}}, {"properties": {"n": "x"}}, {"properties": "text"}, {"timestamp": 1767603600},
        {"received_at": at(1)}, {"received_at": "soon"}, {"event": None}, {"anonymous_id": "phone", "user_id": None},
    ],
    ids=json.dumps,
)  # fmt: skip
@pytest.mark.parametrize("smallest", [pytest.param(0, marks=pytest.mark.slow), 2**20], ids=["in blocks", "one by one"])
def test_what_a_later_piece_shows_holds_for_the_earlier_ones(tmp_path, monkeypatch, smallest, later):
    monkeypatch.setattr(json_lines, "SMALL", smallest)
    rows = [{**ROW, "n": i, "received_at": at(i), "event_id": f"e{i % 20}"} for i in range(30)]
    rows += [{"user_id": "ann", "event": "buy", "timestamp": at(40), **later}]
    loaded_alike(lines(tmp_path / "x.json", rows), tmp_path / "o.parquet")
    more = [{**row, "properties": {"n": i}} for i, row in enumerate(rows)] + rows[-1:]
    loaded_alike(lines(tmp_path / "y.json", more), tmp_path / "o.parquet")


def test_a_row_of_nobody_says_nothing_of_the_type_of_a_property(tmp_path):
    rows = [{**GOOD["delighted"], "id": f"s{i}", "score": i % 11} for i in range(20)]
    rows.insert(9, {**rows[0], "id": "s99", "person": None, "person_properties": None, "score": "nine"})
    whole = loaded_alike(lines(tmp_path / "x.json", rows), tmp_path / "o.parquet")
    assert whole.rejected[["line", "reason"]].to_numpy().tolist() == [[10, "no user_id"]]
    assert whole.events["score"].tolist() == [i % 11 for i in range(20)]
    rows = [{**ROW, "n": i, "anonymous_id": None} for i in range(20)]
    rows.insert(9, {**ROW, "user_id": " ", "anonymous_id": "", "n": "nine"})
    whole = loaded_alike(lines(tmp_path / "y.json", rows), tmp_path / "o.parquet")
    assert whole.events["n"].tolist() == list(range(20))


def test_units_of_time_may_not_change_in_the_middle_of_a_file(tmp_path):
    rows = [{"user": "u", "event": "e", "time": 1767603600 * (1000 if i > 40 else 1)} for i in range(60)]
    with pytest.raises(metrics.EventTableError, match=r"mixes units of time: 41 seconds .* milliseconds"):
        write(lines(tmp_path / "x.json", rows), tmp_path / "o.parquet")


def test_parquet_comes_in_batches_of_rows(tmp_path):
    table = {
        "user": ["ann", None, "bob"] * 5,
        "event": "visit",
        "time": pd.date_range("2026-01-05", periods=15, tz="UTC"),
    }
    pq.write_table(pa.Table.from_pandas(pd.DataFrame(table)), tmp_path / "x.parquet", row_group_size=4)
    whole = loaded_alike(tmp_path / "x.parquet", tmp_path / "o.parquet")
    assert whole.rejected["line"].tolist() == [2, 5, 8, 11, 14]


def test_duplicates_and_strangers_are_found_across_pieces(tmp_path):
    rows = [amplitude("visit", f"05 09:{i:02d}:00.000000", insert=f"i{i % 25}", device=f"d{i % 3}") for i in range(50)]
    rows[30:30] = [amplitude("$identify", "05 09:20:00.000000", "ann", device="d1")]
    rows += [amplitude("visit", "14 09:00:00.000000", "bob", insert="i1", device="d1")]  # more than seven days later
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for n in range(3):
            text = "\n".join(json.dumps(row) for row in rows[n::3])
            archive.writestr(f"{n}.json.gz", gzip.compress(text.encode()))
    for how in ({}, {"dedupe": False}, {"stitch": False}):
        loaded_alike(path, tmp_path / "o.parquet", **how)
    assert set(metrics.load_events(path).events["user_id"]) == {"ann", "bob", "d0", "d2"}


def test_of_two_rows_in_two_pieces_the_one_processed_last_is_kept(tmp_path):
    rows = [mixpanel("visit", 1767603600 + i % 20, distinct_id="ann", insert=f"i{i % 20}") for i in range(40)]
    for i, row in enumerate(rows):
        row["properties"]["mp_processing_time_ms"] = i * (-1 if i % 2 else 1)
        row["properties"]["round"] = i // 20
    loaded_alike(lines(tmp_path / "x.json", rows), tmp_path / "o.parquet")


def test_a_store_takes_an_export_in_pieces_day_by_day(tmp_path):
    rows = [{**ROW, "timestamp": f"2026-01-{i % 9 + 1:02d}T09:00:00Z", "n": i} for i in range(60)]
    metrics.write_events(lines(tmp_path / "x.json", rows), tmp_path / "store")
    assert len(list((tmp_path / "store").glob("*.parquet"))) == 1
    found = pd.read_parquet(tmp_path / "store")
    assert found["n"].tolist() == metrics.load_events(tmp_path / "x.json").events["n"].tolist()


def test_nothing_is_left_where_a_load_is_refused(tmp_path):
    rows = [ROW] * 40 + [{**ROW, "event": ""}] * 40
    with pytest.raises(metrics.EventTableError, match="40 of 80 rows refused: no event"):
        metrics.write_events(lines(tmp_path / "in" / "x.json", rows), tmp_path / "out" / "o.parquet")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    "last",
    [
        {"event_id": [None], "event": {}, "timestamp": []},
        {"user_id": {"a": 1}, "properties": {"": [1, None]}, "received_at": None, "n": None},
        {"user_id": {"a": 1}, "properties": {"00": [1.5, None]}, "received_at": None, "n": None},
    ],
)
def test_columns_without_values_and_properties_without_a_name_are_loaded_alike(tmp_path, last):
    rows = [ROW, ROW, {**ROW, **last}]
    loaded_alike(lines(tmp_path / "x.json", rows), tmp_path / "o.parquet", format="generic")


@pytest.mark.parametrize("odd", ["text", ["a"], 7])
def test_a_load_ends_where_properties_are_an_object_here_and_none_there(tmp_path, odd):
    row = {"user_id": "ann", "event_type": "visit", "event_time": "2026-01-05 09:00:00"}
    rows = [{**row, "$insert_id": f"i{i}", "event_properties": {"a": i} if i < 20 else odd} for i in range(40)]
    whole = loaded_alike(lines(tmp_path / "x.json", rows), tmp_path / "o.parquet", format="amplitude")
    assert len(whole.events) == 40


GOOD = {  # a record of each format, of which a part is replaced by anything
    "amplitude": {
        "event_type": "visit", "$insert_id": "i1", "amplitude_id": 7, "event_time": "2026-01-05 09:00:00",
        "user_id": "ann", "device_id": "d1", "event_properties": {"n": 1},
    },
    "segment": {
        "messageId": "m1", "type": "track", "timestamp": at(0), "userId": "ann", "anonymousId": "a1", "event": "visit",
        "properties": {"n": 1},
    },
    "mixpanel": {"event": "visit", "properties": {"time": 1767603600, "distinct_id": "ann", "$insert_id": "i1"}},
    "posthog": {
        "uuid": "p1", "distinct_id": "ann", "event": "visit", "timestamp": at(0), "properties": {"$device_id": "d1"},
    },
    "ga4": {
        "event_name": "visit", "event_timestamp": "1767603600000000", "user_pseudo_id": "a1", "user_id": "ann",
        "event_date": "20260105", "event_params": [{"key": "page", "value": {"string_value": "x"}}],
    },
    "stripe_events": {
        "object": "event", "livemode": True, "id": "evt_1", "type": "invoice.paid", "created": 1767603600,
        "data": {"object": {"id": "in_1", "customer": "cus_1"}},
    },
    "delighted": {
        "id": "s1", "survey_type": "nps", "score": 9, "person": {"id": "p1", "email": "a@example.com"},
        "person_properties": {"plan": "pro"}, "created_at": 1767603600, "updated_at": 1767603600,
    },
    "customerio": {
        "metric": "opened", "object_type": "email", "event_id": "c1", "timestamp": 1767603600,
        "data": {"customer_id": "ann", "campaign_id": 3, "delivery_id": "d1"},
    },
    "mailchimp": {"a@example.com": [{"action": "open", "timestamp": "2026-01-05 09:00:00"}]},
    "chargebee": {
        "subscription_id": "s1", "mrr": 4900, "record_start_at": 1767603600, "record_recorded_at": 1767603600,
        "status": "active", "currency_code": "EUR",
    },
    "zendesk": {
        "id": 1, "requester_id": 7, "satisfaction_rating": {"score": "good"}, "created_at": at(0), "tags": ["a"],
        "metric_set": {"solved_at": at(9)}, "status": "solved",
    },
    "generic": ROW,
}  # fmt: skip
SURE = {
    "stripe_csv": "sub_1,cus_1,active,2026-01-05 09:00,,,,19.00,eur,month,1",
    "shopify": "#1,a@example.com,paid,19.00,2026-01-05 09:00:00 +0100,1,0.00,1001,EUR",
    "typeform": "t1,9,ann,completed,2026-01-05 09:00:00,n1",
    "heap": "123,7,visits,2026-01-05 09:00:00",
    "snowplow_table": "web,2026-01-05 09:00:00,2026-01-05 09:00:00,page_view,page_view,e1,ann,d1,",
    "generic": "ann,visit,2026-01-05T09:00:00Z,e1,d1",
}
CELLS = st.one_of(TEXT, st.sampled_from(["1", "2.5", "true", "", '"', "a\nb", "2026-01-05 09:00", "1.234,5"]))
IDS = st.sampled_from(["i1", "i2", "ann", "bob", "d1", at(1), at(2), 7])
MOST = 12  # rows: several pieces, and no more, for each costs
anything = settings(deadline=None, max_examples=15, suppress_health_check=list(HealthCheck))


@pytest.mark.slow
@pytest.mark.parametrize("name", [*KEYS, "generic"])
@anything
@given(data=st.data())
def test_any_json_is_loaded_alike(tmp_path, name, data):
    keys = KEYS.get(name, ["user_id", "event", "timestamp", "event_id", "n", "received_at", "properties"])
    other = st.dictionaries(st.sampled_from(keys), VALUES | IDS, max_size=3)
    rows = [{**GOOD[name], **one} for one in data.draw(st.lists(other, min_size=3, max_size=MOST))]
    loaded_alike(lines(tmp_path / "x.json", rows), tmp_path / "o.parquet", format=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", HEADS)
@anything
@given(data=st.data())
def test_any_cells_are_loaded_alike(tmp_path, name, data):
    assert name in formats()
    sure = SURE[name].split(",")
    other = st.dictionaries(st.integers(0, len(sure) - 1), CELLS, max_size=3)
    rows = [[one.get(i, cell) for i, cell in enumerate(sure)]
            for one in data.draw(st.lists(other, min_size=3, max_size=MOST))]  # fmt: skip
    written = "\n".join(",".join('"' + cell.replace('"', '""').replace("\r", "") + '"' for cell in row) for row in rows)
    path = tmp_path / "x.csv"
    path.write_text(f"{HEADS[name]}\n{written}\n", encoding="utf-8", newline="")
    loaded_alike(path, tmp_path / "o.parquet", format=name)


MEASURED = """
import sys, metrics
metrics.write_events(sys.argv[1], sys.argv[2])
print(int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
def test_memory_does_not_grow_with_the_export(tmp_path):
    peaks = []
    for rows in (600_000, 2_400_000):  # out of order, with strangers and repeated rows
        path = tmp_path / f"{rows}.jsonl.gz"
        with gzip.open(path, "wt", compresslevel=1) as file:
            for i in range(rows):
                moment = 1767603600000 + (i * 7919 % rows) * 1000
                user = f'"user_id":"u{i % 50_000}",' if i % 5 else ""
                file.write(
                    f'{{{user}"event":"visit","timestamp":{moment},"event_id":"{i // 2 if i % 100 == 0 else i:032x}",'
                    f'"anonymous_id":"device-{i % 70_000}","page":"/some/page/of/the/product/{i % 97}"}}\n'
                )
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, str(path), str(tmp_path / "o.parquet")], capture_output=True, text=True,
            check=True,
        )  # fmt: skip
        peaks.append(int(done.stdout))
    assert max(peaks) <= 1500
    assert peaks[1] <= 2 * peaks[0]  # of four times the rows: the sort fills the half GB that it may have, then spills
