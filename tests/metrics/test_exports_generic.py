"""Generic files: what is read, what is refused, and where the bad line is."""

import gzip
import io
import json
import tracemalloc
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from metrics import exports
from metrics.events import EventTableError, load_events, read_events
from metrics.files.finding import find_sources

HEAD = "user_id,event,timestamp\n"
ANN = "ann,visit,2026-01-05T09:00:00Z\n"
BOB = "bob,visit,2026-01-06T09:00:00Z\n"


def write(folder: Path, content: str | bytes, name: str = "export.csv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def times(folder: Path, *written: str, timezone: str | None = None, **options: object) -> list[str]:
    """The instants that times, written so, are read as."""
    text = "\n".join(["user_id;event;timestamp", *(f"u;e;{one}" for one in written)])
    events = read_events(write(folder, text), timezone=timezone, **options)  # type: ignore[arg-type]
    return [time.strftime("%Y-%m-%dT%H:%M:%S.%f").removesuffix(".000000") for time in events["timestamp"]]


def refusal(path: Path | str | list[Path], **options: object) -> EventTableError:
    with pytest.raises(EventTableError) as caught:
        load_events(path, **options)  # type: ignore[arg-type]
    return caught.value


# Formats


def packed(data: bytes) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr("__MACOSX/._inner.csv", b"\x00\x05\x16\x07")
        archive.writestr("folder/inner.csv", data)
    return memory.getvalue()


CSV = (HEAD + ANN + BOB).encode()
SAME_TABLE = {
    "comma": CSV,
    "crlf": CSV.replace(b"\n", b"\r\n"),
    "old Mac line ends": CSV.replace(b"\n", b"\r"),
    "no line end at the end": CSV.rstrip(),
    "tab": CSV.replace(b",", b"\t"),
    "semicolon": CSV.replace(b",", b";"),
    "pipe": CSV.replace(b",", b"|"),
    "spreadsheet's own delimiter line": b"sep=;\r\n" + CSV.replace(b",", b";"),
    "UTF-8 with byte order mark": b"\xef\xbb\xbf" + CSV,
    "UTF-16 little endian": CSV.decode().encode("utf-16"),
    "UTF-16 big endian": b"\xfe\xff" + CSV.decode().encode("utf-16-be"),
    "quoted": b'"user_id","event","timestamp"\n"ann","visit","2026-01-05T09:00:00Z"\nbob,"visit",2026-01-06T09:00Z\n',
    "blank lines": b"\n" + CSV.replace(b"\n", b"\n\n"),
    "gzip": gzip.compress(CSV),
    "zip": packed(CSV),
    "gzip in zip": packed(gzip.compress(CSV)),
    "zip in gzip": gzip.compress(packed(CSV)),
    "JSON lines": b"""{"user_id": "ann", "event": "visit", "timestamp": "2026-01-05T09:00:00Z"}
{"user_id": "bob", "event": "visit", "timestamp": "2026-01-06T09:00:00Z"}
""",
    "JSON array": b"""[
  {"user_id": "ann", "event": "visit", "timestamp": "2026-01-05T09:00:00Z"},
  {"user_id": "bob", "event": "visit", "timestamp": "2026-01-06T09:00:00Z"}
]""",
    "epoch seconds": b"user_id,event,timestamp\nann,visit,1767603600\nbob,visit,1767690000\n",
    "epoch milliseconds": b"user_id,event,timestamp\nann,visit,1767603600000\nbob,visit,1767690000000\n",
    "epoch microseconds": b"user_id,event,timestamp\nann,visit,1767603600000000\nbob,visit,1767690000000000\n",
    "other names": b"User ID,Event Name,Occurred-At\nann,visit,2026-01-05T09:00:00Z\nbob,visit,2026-01-06T09:00:00Z\n",
}


@pytest.mark.parametrize("kind", SAME_TABLE)
def test_every_way_to_write_a_table_reads_the_same(tmp_path: Path, kind: str):
    events = read_events(write(tmp_path, SAME_TABLE[kind], "export"))
    assert events.to_dict("list") == {
        "user_id": ["ann", "bob"],
        "event": ["visit", "visit"],
        "timestamp": [pd.Timestamp("2026-01-05 09:00", tz="UTC"), pd.Timestamp("2026-01-06 09:00", tz="UTC")],
    }
    assert events["timestamp"].dtype == "datetime64[us, UTC]"


def test_a_folder_is_read_through_without_the_files_of_the_system(tmp_path: Path):
    write(tmp_path, HEAD + ANN, "2026/01/a.csv")
    write(tmp_path, gzip.compress((HEAD + BOB).encode()), "2026/02/b.csv.gz")
    write(tmp_path, "", "2026/_SUCCESS")
    write(tmp_path, b"\x00\x01", ".DS_Store")
    assert read_events(tmp_path)["user_id"].tolist() == ["ann", "bob"]
    assert read_events(f"{tmp_path}/2026/*/*")["user_id"].tolist() == ["ann", "bob"]
    assert read_events([tmp_path / "2026/01/a.csv", tmp_path / "2026/02"])["user_id"].tolist() == ["ann", "bob"]


def test_files_of_several_kinds_make_one_table(tmp_path: Path):
    write(tmp_path, HEAD.replace("\n", ",seats\n") + ANN.replace("\n", ",3\n"), "a.csv")
    write(tmp_path, '{"user": 7, "event": "visit", "ts": 1767690000, "properties": {"seats": 4}}\n', "b.jsonl")
    events = read_events(tmp_path)
    assert events["user_id"].tolist() == ["ann", "7"]
    assert events["seats"].tolist() == [3, 4]


def test_a_format_can_be_declared_and_an_unknown_one_is_refused(tmp_path: Path):
    path = write(tmp_path, HEAD + ANN)
    assert load_events(path, format="generic").format == "generic (as declared)"
    with pytest.raises(ValueError, match=r"'generik' is not known.*Did you mean 'generic'"):
        load_events(path, format="generik")
    with pytest.raises(ValueError, match=r"delimeter: not an option.*Did you mean 'delimiter'"):
        load_events(path, delimeter=";")


def test_every_format_in_the_folder_is_registered_and_generic_is_asked_last():
    assert list(exports.formats())[-1] == "generic"
    assert all(callable(one.recognise) and callable(one.parse) for one in exports.formats().values())


# Columns


def test_two_candidates_for_a_column_are_never_guessed_between(tmp_path: Path):
    path = write(tmp_path, "customer_id,member_id,event,timestamp\nann,x,visit,2026-01-05T09:00:00Z\n")
    assert "'customer_id', 'member_id'" in str(refusal(path))
    assert "rename=['customer_id=user_id']" in str(refusal(path))
    assert read_events(path, rename={"member_id": "user_id"})["user_id"].tolist() == ["x"]


def test_the_exact_name_wins_over_others(tmp_path: Path):
    path = write(
        tmp_path, "user_id,customer_id,event,type,timestamp,date\nann,x,visit,y,2026-01-05T09:00:00Z,2020-01-01\n"
    )
    events = read_events(path)
    assert events.loc[0, ["user_id", "event", "customer_id", "type"]].tolist() == ["ann", "visit", "x", "y"]


def test_a_key_of_rename_that_is_no_column_is_refused_with_the_nearest(tmp_path: Path):
    path = write(tmp_path, "kunde_nr,event,timestamp\nann,visit,2026-01-05T09:00:00Z\n")
    assert "Did you mean 'kunde_nr'" in str(refusal(path, rename={"kundenr": "user_id"}))
    assert read_events(path, rename={"kunde_nr": "user_id"})["user_id"].tolist() == ["ann"]


def test_rename_cannot_make_two_columns_of_one_name(tmp_path: Path):
    path = write(tmp_path, HEAD.replace("\n", ",account\n") + ANN.replace("\n", ",acme\n"))
    assert "makes 2 columns 'user_id'" in str(refusal(path, rename={"account": "user_id"}))
    events = read_events(path, rename={"account": "user_id", "user_id": "person"})
    assert events.loc[0, ["user_id", "person"]].tolist() == ["acme", "ann"]


def test_a_missing_column_is_named_with_what_there_is(tmp_path: Path):
    error = refusal(write(tmp_path, "user_id,event,timestamb\nann,visit,2026-01-05T09:00:00Z\n"))
    assert "has no timestamp column. Its columns are ['user_id', 'event', 'timestamb']. Nearest: 'timestamb'" in str(
        error
    )
    assert str(error).endswith("if it is meant, say rename=['timestamb=timestamp'].")


def test_columns_that_are_missing_are_all_asked_for_in_the_form_that_rename_takes(tmp_path: Path):
    path = write(tmp_path, "wer;Ereignisse;wann\nann;visit;2026-01-05T09:00:00Z\n")
    error = str(refusal(path))
    assert error.endswith(
        "Say which they are, as rename=['their name=user_id', 'Ereignisse=event', 'their name=timestamp']."
    )
    rename = ["wer=user_id", "Ereignisse=event", "wann=timestamp"]
    assert read_events(path, rename=rename)["event"].tolist() == ["visit"]


# Ids


@pytest.mark.parametrize("title", ["Events of May;;", "# Events of May"])
def test_a_title_above_the_names_is_no_column_to_rename(tmp_path: Path, title: str):
    error = refusal(write(tmp_path, f"{title}\nuser_id;event;timestamp\nann;visit;2026-01-05T09:00Z\n"))
    assert str(error).endswith("If the names stand further down, delete the lines above them.")


def test_ids_keep_their_digits_and_zeros_and_are_trimmed(tmp_path: Path):
    path = write(
        tmp_path, HEAD + "".join(f"{i},e,2026-01-05T09:00:00Z\n" for i in ("007", "9223372036854775807", " ann "))
    )
    assert read_events(path)["user_id"].tolist() == ["007", "9223372036854775807", "ann"]
    rows = [
        {"user_id": i, "event": "e", "ts": 1767603600}
        for i in (9223372036854775807, "007", 1001.0, 12345678901234567890)
    ]
    path = write(tmp_path, "\n".join(map(json.dumps, rows)), "ids.jsonl")
    assert read_events(path)["user_id"].tolist() == ["9223372036854775807", "007", "1001", "12345678901234567890"]


def test_parquet_ids_are_exact_or_refused(tmp_path: Path):
    at = pd.to_datetime(["2026-01-05", "2026-01-06", "2026-01-07"], utc=True)
    frame = pd.DataFrame({"event": "e", "timestamp": at})
    path = tmp_path / "ids.parquet"
    frame.assign(user_id=[9223372036854775807, 2**53 + 1, 7]).to_parquet(path)
    assert read_events(path)["user_id"].tolist() == ["9223372036854775807", "9007199254740993", "7"]
    frame.assign(user_id=pd.array([2**53 + 1, None, 7], dtype="Int64")).to_parquet(path)
    assert read_events(path, max_refused=0.5)["user_id"].tolist() == ["9007199254740993", "7"]
    frame.assign(user_id=[1001.0, 7.0, 8.0]).to_parquet(path)
    assert read_events(path)["user_id"].tolist() == ["1001", "7", "8"]
    frame.assign(user_id=[1001.5, 7.0, 8.0]).to_parquet(path)
    assert "not exact (such as 1001.5)" in str(refusal(path))
    frame.assign(user_id=[2.0**53, 7.0, 8.0]).to_parquet(path)
    assert "not exact" in str(refusal(path))


# Times


def test_offsets_may_be_mixed_and_win_over_the_declared_zone(tmp_path: Path):
    written = [
        "2026-01-05T09:00:00+01:00",
        "2026-01-05 09:30:00.5 UTC",
        "2026-01-05T09:40Z",
        "2026/01/05 15:30:00+0530",
    ]
    read = ["2026-01-05T08:00:00", "2026-01-05T09:30:00.500000", "2026-01-05T09:40:00", "2026-01-05T10:00:00"]
    assert times(tmp_path, *written) == read
    assert times(tmp_path, *written, timezone="Asia/Tokyo") == read


def test_a_time_without_a_zone_needs_a_declared_one(tmp_path: Path):
    path = write(tmp_path, HEAD + "ann,visit,2026-07-01 09:00:00\n")
    assert "timezone=" in str(refusal(path))
    assert refusal(path).problems.loc[0, "line"] == 2
    assert times(tmp_path, "2026-07-01 09:00:00", "01.07.2026 9:30", timezone="Europe/Berlin") == [
        "2026-07-01T07:00:00",
        "2026-07-01T07:30:00",
    ]
    with pytest.raises(ValueError, match=r"timezone: 'Europe/Berln' is not a time zone. Did you mean 'Europe/Berlin'"):
        load_events(path, timezone="Europe/Berln")


def test_a_date_is_the_first_moment_of_its_day_in_the_declared_zone(tmp_path: Path):
    assert times(tmp_path, "2026-07-01", timezone="Europe/Berlin") == ["2026-06-30T22:00:00"]
    # Clocks in Beirut skipped from 0:00 to 1:00 on that day.
    assert times(tmp_path, "2024-03-31", timezone="Asia/Beirut") == ["2024-03-30T22:00:00"]


def test_the_hour_that_comes_twice_is_the_first_one_and_is_counted(tmp_path: Path):
    text = HEAD + "ann,visit,2026-10-25 02:30:00\nann,visit,2026-10-25 03:30:00\n"
    load = load_events(write(tmp_path, text), timezone="Europe/Berlin")
    assert load.events["timestamp"].dt.strftime("%H:%M").tolist() == ["00:30", "02:30"]
    twice = load.account[load.account["reason"].str.contains("twice")]
    assert twice[["stage", "rows"]].values.tolist() == [["kept", 1]]


def test_the_hour_that_clocks_skip_is_refused(tmp_path: Path):
    text = HEAD + "ann,visit,2026-03-29 02:30:00\nann,visit,2026-03-29 03:30:00\n"
    load = load_events(write(tmp_path, text), timezone="Europe/Berlin", max_refused=0.5)
    assert load.events["timestamp"].dt.strftime("%H:%M").tolist() == ["01:30"]
    assert load.rejected.loc[0, ["line", "reason"]].tolist() == [2, "local time that the clock change skipped"]


def test_two_epoch_units_in_a_column_are_refused(tmp_path: Path):
    error = refusal(write(tmp_path, HEAD + "ann,visit,1767603600\nann,visit,1767603600000\n"))
    assert "mixes units of time: 1 seconds (as 1767603600) and 1 milliseconds (as 1767603600000)" in str(error)


def test_epoch_numbers_keep_their_fractions(tmp_path: Path):
    assert times(tmp_path, "1767603600.25", "1767603601") == ["2026-01-05T09:00:00.250000", "2026-01-05T09:00:01"]
    assert times(tmp_path, "1767603600123456789") == ["2026-01-05T09:00:00.123456"]


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "no timestamp"),
        ("yesterday", "cannot be read"),
        ("2026-02-30T00:00:00Z", "cannot be read"),
        ("03/04/2026 10:00", "cannot be read"),
        ("1.7676E+12", "cannot be read"),
        ("0", "before 1990"),
        ("1970-01-01T00:00:00Z", "before 1990"),
        ("2100-01-01T00:00:00Z", "after 2099"),
        ("9999-12-31T00:00:00Z", "after 2099"),
        ("99999999999999999999", "after 2099"),
    ],
)
def test_what_is_no_plausible_time_is_refused_with_its_reason(tmp_path: Path, written: str, reason: str):
    load = load_events(write(tmp_path, HEAD + ANN + f"bob,visit,{written}\n"), max_refused=0.5)
    assert reason in load.rejected.loc[0, "reason"]
    assert load.rejected.loc[0, ["line", "user_id"]].tolist() == [3, "bob"]


def test_an_ambiguous_way_to_write_dates_is_read_as_declared(tmp_path: Path):
    assert times(tmp_path, "03/04/2026 10:00", timezone="UTC", time_format="%d/%m/%Y %H:%M") == ["2026-04-03T10:00:00"]
    with pytest.raises(ValueError, match="time_format"):
        times(tmp_path, "03/04/2026 10:00", timezone="UTC", time_format="%Q")


@pytest.mark.parametrize(
    ("written", "what"),
    [
        ("01/13/2026 9:00 AM", r"cannot be read .* by time_format='%m/%d/%Y %H:%M'; a vendor's file"),
        ("05.01.26", r"cannot be read .* Times are read as 2026-01-31 14:05, 31\.01\.2026 14:05 or seconds"),
        ("46027.375", r"before 1990 or after 2099 .* Numbers near 46000 are days of a spreadsheet"),
        ("31.12.9999", r"before 1990 or after 2099 .* Leave an end empty that is not known"),
    ],
)
def test_what_to_do_about_a_time_is_said_with_it(tmp_path: Path, written: str, what: str):
    with pytest.raises(EventTableError, match=what):
        times(tmp_path, written, timezone="UTC")


def test_what_is_said_of_one_reason_leaves_out_none_of_the_others(tmp_path: Path):
    file = write(tmp_path, "user_id,event,timestamp\nann,,\nben,,\ncleo,visit,2026-01-05 09:00\n")
    with pytest.raises(
        EventTableError, match=r"2 no event .*1 time without a zone .*fix the export. Say in which zone"
    ):
        load_events(file)


def test_parquet_times_of_any_kind(tmp_path: Path):
    path = tmp_path / "t.parquet"
    for unit in ("s", "ms", "us", "ns"):
        at = pd.DatetimeIndex(["2026-01-05 10:00"]).as_unit(unit)
        frame = pd.DataFrame({"user_id": ["ann"], "event": ["visit"]})
        frame.assign(timestamp=at.tz_localize("Europe/Berlin")).to_parquet(path)
        assert read_events(path)["timestamp"].tolist() == [pd.Timestamp("2026-01-05 09:00", tz="UTC")]
        frame.assign(timestamp=at).to_parquet(path)
        assert "timezone=" in str(refusal(path))
        assert read_events(path, timezone="UTC")["timestamp"].tolist() == [pd.Timestamp("2026-01-05 10:00", tz="UTC")]
        frame.assign(timestamp=at.date).to_parquet(path)
        assert read_events(path, timezone="UTC")["timestamp"].tolist() == [pd.Timestamp("2026-01-05", tz="UTC")]
        frame.assign(timestamp=[1767603600]).to_parquet(path)
        assert read_events(path)["timestamp"].tolist() == [pd.Timestamp("2026-01-05 09:00", tz="UTC")]


# Properties


def test_properties_get_the_plainest_type_that_fits_and_ids_stay_text(tmp_path: Path):
    text = """user_id,event,timestamp,seats,price,paid,zip,plan,order_id,long,gap
ann,visit,2026-01-05T09:00:00Z,3,1.50,true,01099,pro,18,1234567890123456789,
bob,visit,2026-01-06T09:00:00Z,4,2,FALSE,10115,,19,1234567890123456788,5
"""
    events = read_events(write(tmp_path, text))
    assert events[["seats", "price", "paid"]].to_dict("list") == {
        "seats": [3, 4],
        "price": [1.5, 2.0],
        "paid": [True, False],
    }
    assert events["zip"].tolist() == ["01099", "10115"]
    assert events["order_id"].tolist() == ["18", "19"]
    assert events["long"].tolist() == ["1234567890123456789", "1234567890123456788"]
    assert events["gap"].dtype == "Int64"
    assert events["plan"].isna().tolist() == [False, True]


def test_versions_are_no_decimal_numbers(tmp_path: Path):
    rows = "".join(f"ann,visit,2026-01-05T09:00Z,{version},{version}\n" for version in ("1.1", "1.10", "2.0"))
    events = read_events(write(tmp_path, "user_id,event,timestamp,App Version,price\n" + rows))
    assert events["App Version"].tolist() == ["1.1", "1.10", "2.0"]
    assert events["price"].tolist() == [1.1, 1.1, 2.0]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("note", ["plain", 'so "called"'], ids=["fast", "slow"])
def test_the_blank_rows_below_a_sheet_are_no_rows(tmp_path: Path, end: str, note: str):
    rows = ["user_id;event;timestamp;note", f"ann;visit;2026-01-05T09:00Z;{note}", ";;;", "", "ben;;;", ";;;", ";;;"]
    for last in ("", end):
        load = load_events(write(tmp_path, end.join(rows) + last), max_refused=0.5)
        assert load.account.set_index("stage")["rows"].to_dict() == {
            "read": 2, "kept": 1, "duplicate": 0, "system": 0, "rejected": 1,
        }  # fmt: skip
        assert load.rejected["line"].tolist() == [5]
    with pytest.raises(EventTableError, match="has a header but no rows"):
        load_events(write(tmp_path, end.join(["user_id;event;timestamp;note", ";;;", ";;;"])))


def test_decimal_commas_are_read_where_the_delimiter_is_a_semicolon(tmp_path: Path):
    text = "user;event;zeit;betrag;ort\nann;kauf;28.03.2026 10:12:03;1.057,50;a,b\nbob;kauf;28.03.2026 10:13:40;;c\n"
    events = read_events(write(tmp_path, text), timezone="Europe/Berlin")
    assert events["betrag"].iloc[0] == 1057.5
    assert events["ort"].tolist() == ["a,b", "c"]


def test_json_properties_are_opened_one_level_and_never_shadow_our_columns(tmp_path: Path):
    row = {
        "user_id": "ann",
        "event": "visit",
        "timestamp": 1767603600,
        "page": "/",
        "properties": {"plan": "pro", "seats": 3, "page": "/inner", "event": "x", "tags": ["a"], "event_id": "1"},
    }
    events = read_events(write(tmp_path, json.dumps(row) + "\n"))
    assert list(events)[:4] == ["user_id", "event", "timestamp", "page"]
    assert events.loc[0, ["plan", "page", "properties.page", "properties.event", "tags"]].tolist() == [
        "pro", "/", "/inner", "x", '["a"]',
    ]  # fmt: skip
    assert events["seats"].tolist() == [3]
    assert "event_id" not in events
    assert events["properties.event_id"].tolist() == ["1"]


def test_a_time_inside_the_properties_is_found_where_there_is_no_other(tmp_path: Path):
    row = {"event": "visit", "properties": {"distinct_id": "ann", "time": 1767603600, "plan": "pro"}}
    events = read_events(write(tmp_path, json.dumps(row) + "\n"))
    assert events.loc[0, ["user_id", "plan"]].tolist() == ["ann", "pro"]


# Bad lines


def test_the_physical_line_of_a_bad_record_is_named_behind_line_breaks_in_quotes(tmp_path: Path):
    text = 'user_id,event,timestamp,note\nann,visit,2026-01-05T09:00:00Z,"two\nlines"\n\nbob,visit,never,x\ncid,visit\n'
    load = load_events(write(tmp_path, text), max_refused=0.9)
    assert load.events["note"].tolist() == ["two\nlines"]
    assert load.rejected["line"].tolist() == [5, 6]
    assert load.rejected["reason"].tolist() == ["time that cannot be read", "wrong number of fields"]
    assert load.rejected["text"].tolist()[1] == "cid,visit"


def test_quotes_out_of_place_are_read_where_they_are_plain_and_refused_where_they_are_not(tmp_path: Path):
    text = 'user_id,event,timestamp\n5" ann,vi"sit,2026-01-05T09:00:00Z\n"b"ob,visit,2026-01-05T09:00:00Z\n'
    load = load_events(write(tmp_path, text), max_refused=0.5)
    assert load.events[["user_id", "event"]].values.tolist() == [['5" ann', 'vi"sit']]
    assert load.rejected[["line", "reason"]].values.tolist() == [[3, "text after a closing quote"]]


def test_lines_swallowed_by_a_stray_quote_are_all_counted(tmp_path: Path):
    lines = [f"u{i},visit,2026-01-05T09:00:00Z" for i in range(10)]
    lines[2], lines[6] = '"u2,visit,2026-01-05T09:00:00Z', '"u6",visit,2026-01-05T09:00:00Z'
    load = load_events(write(tmp_path, HEAD + "\n".join(lines)), max_refused=0.6)
    assert load.rejected["line"].tolist() == [4, 5, 6, 7, 8]
    assert len(load.events) == 5


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"bob,vis\x00it,2026-01-05T09:00:00Z", "NUL byte"),
        (b"bob,visit\xfc,2026-01-05T09:00:00Z", "not UTF-8"),
        (b"bob,vis\rit,2026-01-05T09:00:00Z", "carriage return"),
        (b"bob,visit,2026-01-05T09:00:00Z,", "wrong number of fields"),
        (b",visit,2026-01-05T09:00:00Z", "no user_id"),
        (b"  ,visit,2026-01-05T09:00:00Z", "no user_id"),
        (b"bob, ,2026-01-05T09:00:00Z", "no event"),
    ],
)
@pytest.mark.parametrize("before", [b"", b'"ann",visit,2026-01-05T09:00:00Z\n', b'a"nn,visit,2026-01-05T09:00:00Z\n'])
def test_a_bad_line_is_set_aside_with_its_reason_by_the_fast_and_the_slow_reader(
    tmp_path: Path, before: bytes, line: bytes, reason: str
):
    content = HEAD.encode() + before + line + b"\n" + ANN.encode()
    load = load_events(write(tmp_path, content), max_refused=0.5)
    assert len(load.events) == 1 + bool(before)
    assert load.rejected["line"].tolist() == [2 + bool(before)]
    assert reason in load.rejected.loc[0, "reason"]


def test_a_broken_line_of_json_is_set_aside(tmp_path: Path):
    good = '{"user_id": "ann", "event": "visit", "timestamp": 1767603600}'
    text = "\n".join([good, '{"user_id": "bob", "eve', "", "[1]", good])
    load = load_events(write(tmp_path, text), max_refused=0.5)
    assert load.rejected[["line", "reason"]].values.tolist() == [[2, "broken JSON"], [4, "JSON that is not an object"]]
    assert load.rejected.loc[0, "text"] == '{"user_id": "bob", "eve'
    assert len(load.events) == 2


def test_two_broken_lines_that_would_make_a_whole_one_stay_broken(tmp_path: Path):
    good = '{"user_id": "ann", "event": "visit", "timestamp": 1767603600}'
    text = "\n".join(
        [good, '{"user_id": "bob", "event": "visit", "x": {"a": 1}', '"timestamp": 1767603600}', good + "," + good]
    )
    assert load_events(write(tmp_path, text), max_refused=0.8).rejected["line"].tolist() == [2, 3, 4]
    text = "\n".join([good, good + "," + good])
    assert load_events(write(tmp_path, text), max_refused=0.8).rejected["line"].tolist() == [2]


def test_the_line_of_a_record_in_a_json_array_is_where_it_begins(tmp_path: Path):
    text = '[\n {"user_id": "ann",\n  "event": "visit",\n  "timestamp": 1767603600},\n\n {"user_id": "bob"},\n 3\n]'
    load = load_events(write(tmp_path, text), max_refused=0.7)
    assert load.rejected["line"].tolist() == [6, 7]


def test_a_field_of_a_megabyte_is_a_field(tmp_path: Path):
    long = "x" * 1_000_000
    for field in (long, f'"{long}"', f'a"{long}'):
        events = read_events(write(tmp_path, f"user_id,event,timestamp,note\nann,visit,2026-01-05T09:00:00Z,{field}\n"))
        assert events["note"].str.len().tolist() == [len(field.strip('"'))]


# Files that are no export

GZIPPED = gzip.compress(CSV * 500, mtime=0)  # the bytes name tests, which all workers must name alike
ZIPPED = packed(CSV * 500)


def zip_with(name: str) -> bytes:
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        archive.writestr(name, CSV)
    return memory.getvalue()


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (b"", "is empty"),
        (b" \n \n", "is empty"),
        (b"\n<!DOCTYPE html><html><body>Log in</body>", "is a web page"),
        (b"<html>", "is a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12\n", "git-LFS pointer"),
        (b'{"error": "too many requests", "status": 429}', "is an error message"),
        (b'{"error":\n "too many requests"}\n', "is an error message"),
        (b'{\n"user_id": "ann",\n"event": "visit"\n}', "is one JSON object"),
        (b'[{"user_id": "ann", "event": "visit", "timestamp": 1767603600}, {"us', "breaks off"),
        (GZIPPED[:-20], "cut short"),
        (GZIPPED[:30], "cut short"),
        (ZIPPED[:-40], "cut short"),
        (ZIPPED[:60] + b"\xff" * 40 + ZIPPED[100:], "cut short"),
        (zip_with("../../evil.csv"), "points outside"),
        (zip_with("/etc/evil.csv"), "points outside"),
        (zip_with("[Content_Types].xml"), "Office document"),
        (zip_with("__MACOSX/._x"), "no files in it"),
        (b"PAR1" + b"\x15\x04" * 100, "Parquet file cut short"),
        (b'user_id,event,timestamp\nann,visit,2026-01-05T09:00:00Z\nbob,"vis', "never closed"),
        (b"user_id,event,timestamp,event\n", "two columns called 'event'"),
        (HEAD.encode(), "no rows"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x01\x00", "is a binary file"),
        (
            gzip.compress(gzip.compress(gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), mtime=0), mtime=0),
            "packed more than 3 times",
        ),
        (b"hello world\n", "has no user_id and no event and no timestamp column"),
    ],
)
def test_what_is_no_export_is_refused_in_one_clear_line(tmp_path: Path, content: bytes, fact: str):
    error = refusal(write(tmp_path, content, "export.csv"))
    assert fact in str(error)
    assert "export.csv" in str(error)
    assert "\n" not in str(error)
    assert len(error.problems) == 1


def test_an_archive_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("metrics.files.finding.MAX_BYTES", 1000)
    assert "unpacks to more than" in str(refusal(write(tmp_path, GZIPPED)))
    assert "unpacks to more than" in str(refusal(write(tmp_path, ZIPPED)))


def test_no_more_memory_is_set_aside_than_a_file_needs(tmp_path: Path):
    sources = find_sources(write(tmp_path, HEAD + ANN))
    tracemalloc.start()
    try:
        assert sources[0].read() == (HEAD + ANN).encode()
        assert tracemalloc.get_traced_memory()[1] < 200 * 2**20  # bytes; the largest file that is read has 4 GB
    finally:
        tracemalloc.stop()


def test_paths_that_mean_nothing_are_refused(tmp_path: Path):
    write(tmp_path, HEAD + ANN, "march.csv")
    (tmp_path / "nothing").mkdir()
    assert f"Did you mean {str(tmp_path / 'march.csv')!r}" in str(refusal(tmp_path / "marsh.csv"))
    assert "no files in it" in str(refusal(tmp_path / "nothing"))
    assert "matches no file" in str(refusal(f"{tmp_path}/*.json"))
    assert "given twice" in str(refusal([tmp_path / "march.csv", tmp_path]))
    assert "list of paths is empty" in str(refusal([]))


def test_all_bad_files_are_named_at_once(tmp_path: Path):
    write(tmp_path, HEAD + ANN, "a.csv")
    write(tmp_path, "<html>", "b.csv")
    write(tmp_path, "%PDF-1.7", "c.csv")
    error = refusal(tmp_path)
    assert [Path(name).name for name in error.problems["file"]] == ["b.csv", "c.csv"]


def test_another_encoding_is_read_when_declared(tmp_path: Path):
    path = write(tmp_path, (HEAD + ANN.replace("visit", "grüße")).encode("cp1252"))
    assert "encoding=" in str(refusal(path))
    assert read_events(path, encoding="cp1252")["event"].tolist() == ["grüße"]
