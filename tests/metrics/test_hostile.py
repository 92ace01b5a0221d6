"""Files that mean harm, or look as if: read right, counted, or refused in one line, the same by every way in."""

import bz2
import gzip
import io
import json
import lzma
import os
import stat
import tarfile
import warnings
import zipfile

import pyarrow as pa
import pytest

import metrics
from metrics.files import json_lines, pieces, values, width
from metrics.store import loading
from metrics.store.checking import check_export
from metrics.store.writing import write

HEAD = "user_id,event,timestamp\n"
ANN = "ann,visit,2026-01-05T09:00:00Z\n"
BOB = "bob,visit,2026-01-06T09:00:00Z\n"
CSV = (HEAD + ANN + BOB).encode()
ROW = '{"user_id":"ann","event":"visit","timestamp":"2026-01-05T09:00:00Z"}'
DEEP = 50_000


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    monkeypatch.setattr(pieces, "SIZE", 400)
    monkeypatch.setattr(loading, "ROWS", 4)


def put(folder, content, name="export.csv"):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
    return path


def by_every_way(path, beside=None, **options):
    """What a load at once, one in pieces and a check say, which is the same: rows by reason, or the refusal."""
    target = (beside or path.parent) / "target" / "o.parquet"
    ways = [
        lambda: metrics.load_events(path, max_refused=1.0, **options),
        lambda: write(path, target, max_refused=1.0, **options),
        lambda: check_export(path, max_refused=1.0, **options),
    ]
    told = []
    for way in ways:
        try:
            account = way().account
        except metrics.EventTableError as error:
            told.append(str(error))
            continue
        rows = account.groupby("stage")["rows"].sum()
        assert rows["read"] == rows[["kept", "duplicate", "system", "rejected"]].sum()
        lines = account[["stage", "reason", "rows"]].to_numpy()
        told.append({(stage, why): int(n) for stage, why, n in lines if n or stage == "read"})
    assert told[0] == told[1] == told[2]
    return told[0]


def refused(path, **options):
    told = by_every_way(path, **options)
    assert isinstance(told, str), told
    assert "\n" not in told
    assert told.isprintable()
    return told


def rejected(path, **options):
    """Rejected rows by reason; one row is kept."""
    told = by_every_way(path, **options)
    assert told["kept", ""] == 1
    return {why: n for (stage, why), n in told.items() if stage == "rejected"}


# Containers


def zipped(*entries, method=zipfile.ZIP_DEFLATED):
    memory = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(memory, "w", method) as archive:
        warnings.simplefilter("ignore")  # two of one name
        for name, content in entries:
            archive.writestr(name, content)
    return memory.getvalue()


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


def lz4(data):
    return pa.compress(data, codec="lz4", asbytes=True)


PACKERS = {"gz": gzip.compress, "zst": zstd, "lz4": lz4, "bz2": bz2.compress, "xz": lzma.compress}


@pytest.mark.parametrize("kind", PACKERS)
def test_what_is_packed_is_told_by_its_first_bytes(tmp_path, kind):
    pack = PACKERS[kind]
    for content in (pack(CSV), pack(CSV * 40), zipped(("x.csv", pack(CSV))), gzip.compress(pack(CSV)), pack(pack(CSV))):
        told = by_every_way(put(tmp_path, content, "export"))
        assert told["kept", ""] in (2, 80)
    two = by_every_way(put(tmp_path, pack((HEAD + ANN).encode()) + pack(BOB.encode()), "export"))
    assert two["kept", ""] == 2  # several frames one after the other


@pytest.mark.parametrize("kind", PACKERS)
def test_what_is_packed_and_cut_is_refused(tmp_path, kind):
    packed = PACKERS[kind](os.urandom(3000).hex().encode())
    for cut in (len(packed) // 2, len(packed) - 9):
        assert "is cut short or damaged" in refused(put(tmp_path, packed[:cut]))


@pytest.mark.parametrize("kind", PACKERS)
def test_a_bomb_of_any_kind_is_refused(tmp_path, monkeypatch, kind):
    monkeypatch.setattr("metrics.files.finding.SUSPICIOUS", 2**19)
    monkeypatch.setattr(pieces, "SIZE", 2**16)
    bomb = PACKERS[kind](CSV + ANN.encode() * 2**15)
    if kind == "lz4":
        assert len(bomb) > 31 * 2**15 / 300  # which it cannot pack so far
        return
    assert "unpacks to more than 300 times its size" in refused(put(tmp_path, bomb))
    assert "unpacks to more than 300 times its size" in refused(put(tmp_path, zipped(("x", bomb))))


def with_link():
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as archive:
        entry = zipfile.ZipInfo("link.csv")
        entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
        archive.writestr("x.csv", CSV)
    return memory.getvalue()


def tar(data):
    memory = io.BytesIO()
    with tarfile.open(fileobj=memory, mode="w") as archive:
        entry = tarfile.TarInfo("../x.csv")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return memory.getvalue()


def with_sizes(archive, size):
    """An archive that says its first entry to be so large."""
    changed, at = bytearray(archive), archive.find(b"PK\x01\x02")
    changed[at + 20 : at + 28] = size.to_bytes(4, "little") * 2
    return bytes(changed)


def locked(archive):
    changed, at = bytearray(archive), archive.find(b"PK\x01\x02")
    changed[6] |= 1
    changed[at + 8] |= 1
    return bytes(changed)


@pytest.mark.parametrize(
    ("content", "fact"),
    [
        (zipped(("../x.csv", CSV)), "points outside"),
        (zipped(("a/../../x.csv", CSV)), "points outside"),
        (zipped(("/etc/x.csv", CSV)), "points outside"),
        (zipped(("C:/x.csv", CSV)), "points outside"),
        (zipped(("..\\x.csv", CSV)), "points outside"),
        (with_link(), "holds a link ('link.csv')"),
        (zipped(("x.csv", CSV), ("x.csv", CSV)), "two entries of the same name"),
        (zipped(), "archive with no files"),
        (zipped(("x/", b"")), "archive with no files"),
        (zipped(("x.csv", b"")), "x.csv: is empty"),
        (zipped(("x\n\x1b[31m.csv", b"<html>")), "is a web page"),
        (zipped(("x.csv", zipped(("y.csv", zipped(("z.csv", zipped(("a.csv", CSV)))))))), "packed more than 3 times"),
        (with_sizes(zipped(("x.csv", CSV * 9), method=zipfile.ZIP_STORED), 5), "damaged"),
        (locked(zipped(("x.csv", CSV))), "password"),
        (zipped(("x.csv", CSV * 20))[:-30], "cut short or damaged"),
        (tar(CSV), "is a tar archive"),
        (gzip.compress(tar(CSV)), "is a tar archive"),
        (b"Obj\x01\x04\x14avro.codec" + bytes(99), "is an Avro file"),
        (b"SQLite format 3\0" + bytes(99), "is a SQLite database"),
        (b"%PDF-1.7\n1 0 obj\n", "is a PDF document"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "is an Office document"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(range(99)), "is a 7z archive"),
        (b"Rar!\x1a\x07\x01" + bytes(99), "is a RAR archive"),
        (gzip.compress(CSV) + b"garbage", "cut short or damaged"),
        (gzip.compress(b""), "is empty"),
        (b"\0" * 5000, "is a binary file"),
        (CSV.decode().encode("utf-32"), "is UTF-32 text"),
        (CSV.decode().encode("utf-16-le"), "encoding='utf-16'"),
        (CSV.decode().encode("utf-16")[:-1], "is not utf-16 text, or is cut short"),
        (b"\xff\xfe", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
    ],
    ids=range(31),
)  # fmt: skip
def test_a_container_that_is_not_what_it_should_be_is_refused(tmp_path, content, fact):
    told = refused(put(tmp_path, content))
    assert fact in told
    assert "export.csv" in told


# Times


@pytest.mark.parametrize(
    "time",
    [
        "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-12:00",
        "0", "-0", "-1", "-62135596800", "253402300799", "1970-01-01T00:00:00Z", "20260105", "1e400", "NaN", "inf",
        "9" * 25, "2026-13-01T00:00:00Z", "2026-02-29", "2026-01-05T25:00:00Z", "2026-01-05T23:59:60Z",
        "2026-01-05T09:00:00+99:00", "12026-01-01", "٢٠٢٦-٠١-٠٥",
    ],
)  # fmt: skip
def test_an_absurd_time_is_rejected(tmp_path, time):
    path = put(tmp_path, f"{HEAD}{ANN}bob,visit,{time}\n")
    [(why, n)] = rejected(path, timezone="UTC").items()
    assert n == 1
    assert why in ("time that cannot be read", "time before 1990 or after 2099")


@pytest.mark.parametrize("time", ["NaN", "Infinity", "1e999", "9" * 30, "true", "null", "[]", "{}", '""'])
def test_an_absurd_time_of_json_is_rejected(tmp_path, time):
    assert sum(rejected(put(tmp_path, ROW + "\n" + ROW.replace('"2026-01-05T09:00:00Z"', time))).values()) == 1


# JSON


@pytest.mark.parametrize(
    "line",
    [
        '{"a":' * DEEP + "1" + "}" * DEEP, ROW[:-1] + ',"x":' + "[" * DEEP + "]" * DEEP + "}",
        ROW[:-1] + ',"n":' + "9" * 5000 + "}",
        ROW.replace("ann", "a\0n"), "[" * DEEP, ROW + ROW, "NaN", ROW[:-1],
    ],
    ids=["objects", "lists", "a number of 5,000 digits", "NUL", "brackets", "two in a line", "no object", "cut"],
)  # fmt: skip
def test_a_line_that_is_no_object_of_json_is_rejected(tmp_path, monkeypatch, line):
    monkeypatch.setattr(pieces, "SIZE", 2**16)
    assert sum(rejected(put(tmp_path, f"{ROW}\n{line}\n")).values()) == 1


@pytest.mark.parametrize("fast", [True, False])
@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"vi\\ud83d", "vi\ufffd"), (b"vi\\uDC00!", "vi\ufffd!"), (b"vi\xed\xa0\xbd", "vi\ufffd"),
        (b"\\ud83d\\ude00", "😀"),
        (b"\\\\ud83d", "\\ud83d"),
    ],
)  # fmt: skip
def test_half_a_character_becomes_the_sign_for_none(tmp_path, monkeypatch, fast, written, read):
    monkeypatch.setattr(json_lines, "SMALL", 0 if fast else 2**20)
    lines = [
        ROW.encode(),
        ROW.encode().replace(b"visit", written),
        ROW.encode()[:-1] + b',"k' + written + b'":["' + written + b'"]}',
    ]
    path = put(tmp_path, b"\n".join(lines))
    assert by_every_way(path)["kept", ""] == 3
    events = metrics.read_events(path)
    assert events["event"].tolist() == ["visit", read, "visit"]
    assert json.loads(events[f"k{read}"].iloc[2]) == [read]
    path = put(tmp_path, b"[" + b",".join(lines) + b"]", "array.json")
    if b"\xed" in written:
        assert "is not UTF-8 text" in refused(path)
        return
    assert metrics.read_events(path)["event"].tolist() == ["visit", read, "visit"]


@pytest.mark.parametrize("fast", [True, False])
def test_bytes_that_are_no_text_in_json_are_rejected(tmp_path, monkeypatch, fast):
    monkeypatch.setattr(json_lines, "SMALL", 0 if fast else 2**20)
    path = put(tmp_path, ROW.encode() + b"\n" + ROW.encode().replace(b"visit", b"vi\xffsit") + b"\n")
    assert rejected(path) == {"broken JSON": 1}


def test_of_two_keys_of_one_name_the_last_holds(tmp_path):
    path = put(tmp_path, ROW.replace("{", '{"user_id":"eve",') + "\n")
    assert by_every_way(path)["kept", ""] == 1
    assert metrics.read_events(path)["user_id"].tolist() == ["ann"]


def test_numbers_beyond_all_measure_are_kept_as_properties(tmp_path):
    path = put(
        tmp_path,
        "\n".join(ROW[:-1] + f',"n":{n}}}' for n in ("NaN", "Infinity", "-Infinity", "1180591620717411303424")),
    )
    assert by_every_way(path)["kept", ""] == 4


@pytest.mark.parametrize("id", ["9007199254740993.0", "1e20", "Infinity", "7.5"])
def test_an_id_that_is_no_exact_number_is_refused(tmp_path, id):
    assert "not exact" in refused(put(tmp_path, ROW.replace('"ann"', id)))


@pytest.mark.parametrize("text", ["[]", "{}", "[[1],[2]]", "7", '"text"', "[1,2", "[" * 1000])
def test_a_document_without_an_object_is_refused(tmp_path, text):
    assert "export.csv" in refused(put(tmp_path, text))


def test_columns_called_as_ours_inside_are_properties(tmp_path):
    more = '"_file":"x","_line":7,"_note":"n","_key":"k","_rank":1,"_within":2,"source":"web"}'
    path = put(tmp_path, f"{ROW[:-1]},{more}\n{ROW}\n")
    assert by_every_way(path)["kept", ""] == 2


# Files without rows

BLANK = {
    "nothing": b"", "blank lines": b" \n\r\n\t", "a byte order mark": b"\xef\xbb\xbf\n", "packed": gzip.compress(b""),
    "an empty list": b"[ ]\n", "an empty page": b'{"data": [], "has_more": false}',
}  # fmt: skip
HEADED = {
    "a header": HEAD.encode(), "no line end": HEAD.strip().encode(), "blank lines": (HEAD + "\r\n\n").encode(),
    "quoted": b'user_id,event,timestamp,"of two\nlines"\n', "its delimiter": b"sep=;\nuser_id;event;timestamp\n",
    "UTF-16": HEAD.encode("utf-16"), "packed": zstd(HEAD.encode()),
}  # fmt: skip
NO_ROWS = [*BLANK.values(), *HEADED.values()]
ONE_WITHOUT = {("read", ""): 2, ("read", "1 file without rows (a.csv)"): 0, ("kept", ""): 2}


@pytest.mark.parametrize("content", NO_ROWS, ids=range(len(NO_ROWS)))
def test_a_file_without_rows_is_counted_and_the_others_are_read(tmp_path, content):
    put(tmp_path / "in", content, "a.csv")
    put(tmp_path / "in", CSV, "b.csv")
    assert by_every_way(tmp_path / "in") == ONE_WITHOUT


@pytest.mark.parametrize("content", [b"", HEAD])
def test_a_file_without_rows_may_be_in_a_list_a_glob_or_an_archive(tmp_path, content):
    files = [put(tmp_path / "in", CSV, "b.csv"), put(tmp_path / "in", content, "a.csv")]
    assert by_every_way(files, tmp_path) == ONE_WITHOUT
    assert by_every_way(tmp_path / "in" / "*.csv") == ONE_WITHOUT
    assert by_every_way(put(tmp_path, zipped(("a.csv", content), ("b.csv", CSV)))) == ONE_WITHOUT


@pytest.mark.parametrize("content", NO_ROWS, ids=range(len(NO_ROWS)))
def test_files_that_are_all_without_rows_are_refused(tmp_path, content):
    for name in ("a.csv", "b.csv"):
        put(tmp_path / "in", content, name)
    told = by_every_way(tmp_path / "in")
    if content in BLANK.values():
        assert told.splitlines() == [f"{tmp_path}/in/{name}: is empty. Export it again." for name in ("a.csv", "b.csv")]
    else:
        assert told == f"{tmp_path}/in: has a header but no rows. Export it again."


def test_several_files_without_rows_are_one_line_of_the_account(tmp_path):
    for at, content in enumerate([*NO_ROWS, CSV]):
        put(tmp_path / "in", content, f"{at:02}.csv")
    told = by_every_way(tmp_path / "in")
    assert told == {("read", ""): 2, ("read", f"{len(NO_ROWS)} files without rows (00.csv, ...)"): 0, ("kept", ""): 2}
    (tmp_path / "in" / f"{len(NO_ROWS):02}.csv").unlink()
    assert "has a header but no rows" in refused(tmp_path / "in")


def test_parquet_without_rows_is_a_file_without_rows(tmp_path):
    put(tmp_path / "in", CSV, "a.csv")
    metrics.read_events(tmp_path / "in").head(0).to_parquet(tmp_path / "in" / "b.parquet")
    assert by_every_way(tmp_path / "in")["read", "1 file without rows (b.parquet)"] == 0


def test_a_file_without_rows_must_be_an_export_all_the_same(tmp_path):
    put(tmp_path / "in", CSV, "a.csv")
    for wrong, fact in (
        (b"user_id,event\n", "has no timestamp column"), (b"<html>", "is a web page"), (b"\0" * 99, "is a binary file"),
        (b'{"error": "no data", "data": []}', "has no user_id"), (b"{}", "has no user_id"), (b"PAR1", "Parquet"),
    ):  # fmt: skip
        put(tmp_path / "in", wrong, "b.csv")
        assert fact in refused(tmp_path / "in")


def test_tables_count_files_without_rows_too(tmp_path):
    put(tmp_path, "order_id,user_id,timestamp,amount\n1,ann,2026-01-05T09:00:00Z,20\n", "a.csv")
    put(tmp_path, b"", "b.csv")
    put(tmp_path, "order_id,user_id,timestamp,amount\n", "c.csv")
    account = metrics.account(metrics.read_orders(tmp_path))
    assert account["reason"].tolist()[:2] == ["", "2 files without rows (b.csv, ...)"]
    assert account["rows"].tolist()[:3] == [1, 0, 1]


# Width


def named(row, inside):
    """An event with these properties, beside the others or within `properties`."""
    event = json.loads(ROW)
    return event | ({"properties": row} if inside else row)


def of_mixpanel(row):
    plain = {"time": 1767603600, "distinct_id": "ann", "$insert_id": "-".join(row)}
    return {"event": "visit", "properties": {**plain, **row}}


def written(rows, form):
    if form == "array":
        return json.dumps([named(row, inside=False) for row in rows])
    made = [of_mixpanel(row) if form == "mixpanel" else named(row, inside=form == "inside") for row in rows]
    return "".join(json.dumps(row) + "\n" for row in made)


FORMS = {"lines": 3, "array": 3, "inside": 3, "mixpanel": 8}  # and how many names of its own a file of the form has


@pytest.mark.parametrize(
    ("form", "reader"),
    [*((form, "one by one") for form in FORMS), *((f, r) for f in ("lines", "inside") for r in ("Arrow", "unwarned"))],
)
def test_ids_in_the_place_of_names_are_refused(tmp_path, monkeypatch, form, reader):
    monkeypatch.setattr(json_lines, "SMALL", 2**20 if reader == "one by one" else 0)
    monkeypatch.setattr(pieces, "SIZE", 1000)
    monkeypatch.setattr(width, "MOST", 20)
    if reader == "unwarned":  # Arrow, no look into the file having met one of them
        monkeypatch.setattr(json_lines, "is_wide", lambda _: False)
    most = 20 - FORMS[form]
    rows = [{f"item-{n}": n} for n in range(30)]
    assert by_every_way(put(tmp_path, written(rows[:most], form)))["kept", ""] == most
    told = refused(put(tmp_path, written(rows, form)))
    last = ", ".join(f"'item-{n}'" for n in range(most - 2, most + 1))
    assert f"export.csv: more than 20 different properties (such as {last}). Each would be a column." in told
    assert "export them inside one property" in told


def test_names_of_all_files_together_are_bound_too(tmp_path, monkeypatch):
    monkeypatch.setattr(width, "MOST", 20)
    for file in range(3):
        put(tmp_path / "in", written([{f"item-{file}-{n}": n} for n in range(10)], "lines"), f"{file}.json")
    assert refused(tmp_path / "in").startswith("all files: more than 20 different properties (such as 'item-1-")


def test_ids_inside_of_one_property_are_one_column(tmp_path, monkeypatch):
    monkeypatch.setattr(width, "MOST", 20)
    path = put(tmp_path, written([{"scores": {f"item-{n}": n}} for n in range(25)], "lines"))
    assert by_every_way(path)["kept", ""] == 25
    assert metrics.read_events(path)["scores"].iloc[24] == '{"item-24": 24}'


def test_columns_of_a_table_of_text_are_not_bound_for_its_header_tells_them(tmp_path, monkeypatch):
    monkeypatch.setattr(width, "MOST", 20)
    names = ",".join(f"item-{n}" for n in range(25))
    path = put(tmp_path, f"{HEAD.strip()},{names}\n{ANN.strip()}{',1' * 25}\n")
    assert by_every_way(path)["kept", ""] == 1


def test_arrow_is_not_asked_where_each_row_may_bring_names(tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "SIZE", 2**24)
    monkeypatch.setattr(json_lines, "_read", lambda *_: pytest.fail("Arrow was asked"))
    usual = [{"plan": "pro"}] * 9_000
    rows = [{f"item-{n}": n} for n in range(9_000)]
    path = put(tmp_path, written([*usual, *rows], "lines"))
    assert path.stat().st_size > json_lines.SMALL
    assert "more than 4,000 different properties (such as 'item-3" in refused(path)


@pytest.mark.parametrize("rare", [4, 2**30])
def test_rare_properties_are_what_they_are_where_they_are(tmp_path, monkeypatch, rare):
    monkeypatch.setattr(values, "RARE", rare)
    kinds = [True, 7, 0.5, "text", [1, {"a": 2}], {"b": [3]}, None, 10**30]
    rows = [{f"p{n}": kinds[n % len(kinds)]} for n in range(40)]
    path = put(tmp_path, written(rows, "inside"))
    assert by_every_way(path)["kept", ""] == 40
    events = metrics.read_events(path)
    assert events.columns[3:].tolist() == [f"p{n}" for n in range(40)]
    assert [str(events[f"p{n}"].dtype) for n in range(8)] == ["boolean", "Int64", "float64"] + ["str"] * 5
    for n in range(40):
        there = events[f"p{n}"].dropna()
        told = {4: '[1, {"a": 2}]', 5: '{"b": [3]}', 7: str(10**30)}.get(n % 8, kinds[n % 8])
        assert there.to_dict() == ({} if told is None else {n: told})


# Delimited text


def test_formulas_wide_fields_and_odd_headers_are_what_they_are(tmp_path):
    head = ' user_id ,event  ,"timestamp","=cmd()",,\n'
    path = put(tmp_path, f"{head}=1+1,@visit,2026-01-05T09:00:00Z,{'x' * 2**12},1,2\n")
    assert by_every_way(path)["kept", ""] == 1
    events = metrics.read_events(path)
    assert events.loc[0, ["user_id", "event"]].tolist() == ["=1+1", "@visit"]
    assert events["=cmd()"].str.len().tolist() == [2**12]


def test_lines_ends_of_all_kinds_in_one_file(tmp_path):
    text = HEAD.replace("\n", "\r\n") + ANN + BOB.replace("\n", "\r\n") + "an\rn,visit,2026-01-05T09:00:00Z\n"
    told = by_every_way(put(tmp_path, text))
    assert (told["kept", ""], told["rejected", "a carriage return in the middle of the line"]) == (2, 1)


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        (HEAD, "has a header but no rows"), (HEAD.strip(), "has a header but no rows"), ("\n\n\n", "is empty"),
        ("user_id,event,timestamp,x,x \nann,visit,2026-01-05T09:00:00Z,1,2\n", "two columns called 'x'"),
        ("user_id,event,timestamp,User ID\n" + ANN.strip() + ",ben\n", ""),
        (HEAD + '"ann,visit,2026-01-05T09:00:00Z\n' + ANN * 30, "never closed"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_refused(tmp_path, text, fact):
    if fact:
        assert fact in refused(put(tmp_path, text))
    else:  # the exact name wins
        assert by_every_way(put(tmp_path, text))["kept", ""] == 1


# Paths


def test_a_folder_of_all_kinds_is_read_each_by_its_kind(tmp_path):
    folder = tmp_path / "in"
    put(folder, CSV, "a.csv")
    put(folder, zstd((HEAD + ANN.replace("ann", "cy")).encode()), "b.csv.zst")
    put(folder, ROW, "c.json")
    put(folder, zipped(("d.csv", CSV)), "d.zip")
    put(folder, (HEAD + ANN).encode("utf-16"), "e.csv")
    assert by_every_way(folder)["kept", ""] == 7
    put(folder, "# read me\n", "README.md")
    assert "README.md: has no user_id" in refused(folder)


def test_a_folder_that_may_not_be_looked_into_is_no_empty_one(tmp_path, monkeypatch):
    put(tmp_path / "in", CSV, "a.csv")
    put(tmp_path / "in" / "closed", CSV, "b.csv")
    scan = os.scandir

    def closed(path):
        if os.fspath(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", closed)
    with pytest.raises(
        metrics.EventTableError, match=r"closed: cannot be opened \(Permission denied\)\. Check its perm"
    ):
        metrics.load_events(tmp_path / "in")


def test_a_file_that_is_gone_meanwhile_is_refused(tmp_path):
    from metrics.files import find_sources

    path = put(tmp_path, CSV)
    [source] = find_sources(path)
    path.unlink()
    with pytest.raises(metrics.EventTableError, match=r"export.csv: cannot be opened \(No such file.*Did it move"):
        source.read()


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "neither a file nor a folder" in refused(pipe)
    with pytest.raises(metrics.EventTableError, match="path is empty"):
        metrics.load_events("")
    with pytest.raises(metrics.EventTableError, match="cannot be opened"):
        metrics.load_events("x" * 300)
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nowhere")
    with pytest.raises(metrics.EventTableError, match="does not exist"):
        metrics.load_events(tmp_path / "gone.csv")


def test_a_folder_that_leads_to_itself_is_read_once(tmp_path):
    put(tmp_path / "in", CSV, "a.csv")
    (tmp_path / "in" / "again").symlink_to(tmp_path / "in")
    assert by_every_way(tmp_path / "in")["kept", ""] == 2
