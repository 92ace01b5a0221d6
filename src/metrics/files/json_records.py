"""JSON: one object a line, or one array of objects; a `properties` object is opened one level."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from metrics.files.json_lines import read_flat_lines
from metrics.files.raw import Broken, RawTable
from metrics.files.refusal import EventTableError, refuse, shorten
from metrics.files.told import Told
from metrics.files.width import check_width

CHUNK = 5_000  # lines handed to the parser together
PAGES = (  # where a page has its list
    "data", "results", "items", "records", "rows", "responses", "tickets", "events", "emails", "members",
    "unsubscribes", "sent_to",
)  # fmt: skip
AROUND = {
    "object", "has_more", "url", "count", "total", "total_count", "page", "per_page", "status", "meta", "links",
    "pagination", "next", "previous", "next_page", "previous_page", "after_url", "before_url", "after_cursor",
    "end_of_stream", "end_time", "before_cursor", "users", "metric_sets", "groups", "organizations", "campaign_id",
    "total_items", "total_opens", "total_proxy_excluded_opens", "_links",
}  # fmt: skip
HALF = re.compile(rb"\\[uU][dD][89a-fA-F]|\xed[\xa0-\xbf]")
HALF_OF_TEXT = re.compile(r"\\[uU][dD][89a-fA-F]|[\ud800-\udfff]")
LOOKED_AT = 20  # lines at the beginning
NOT_JSON = "broken JSON"
NOT_OBJECT = "JSON that is not an object"


def read_json(
    data: bytes, name: str, *, is_part: bool = False, told: Told | None = None, lines: int | None = None
) -> RawTable:
    """Read JSON lines or a JSON array of objects; numbers and texts keep the types they have."""
    is_shut = told is not None and name in told.shut
    texts, known = (told.texts, told.known(name)) if told is not None else ((), None)
    fast = read_flat_lines(data, texts, known=known, lines=lines) if not is_shut else None
    if fast is not None:
        return fast
    records, places, broken = read_objects(data, name, is_part=is_part)
    return table_of(records, places, broken, name, is_shut=is_shut)


def read_objects(
    data: bytes, name: str, *, is_part: bool = False
) -> tuple[list[dict[str, Any]], list[int], list[Broken]]:
    """Read the objects of JSON lines or of a JSON array, the line of each, and what was none.

    Where several stand on one line, as in a page of an API, each has its number instead, so that they are told apart.
    A part of a larger file is lines, and may hold nothing that can be read.
    """
    if is_part:
        return _lines(data)
    if data.lstrip()[:1] == b"[" and not _is_lines(data):
        records, lines, broken = _array(data, name)
    else:
        records, lines, broken = _lines(data)
        listed = _listed(records[0] if records else _loads(data)) if len(records) < 2 else None
        if listed is not None:
            records, lines, broken = listed, list(range(1, len(listed) + 1)), []
        elif not records:
            raise _no_objects(data, name)
    if len(records) == 1 and not broken:
        _refuse_error_document(records[0], name)
    return records, lines, broken


def table_of(
    records: list[dict[str, Any]], lines: Iterable[int], broken: list[Broken], name: str, *, is_shut: bool = False
) -> RawTable:
    """Objects of a file as a table, their `properties` opened one level, unless they are shut."""
    frame, nested = _columns(records, name, is_shut)
    return RawTable("json", frame, np.array(list(lines), np.int64), broken, nested)


def first_objects(head: bytes, most: int = 50) -> list[dict[str, Any]]:
    """Objects at the beginning of a file whose end may be missing."""
    text = head.decode("utf-8", "ignore").lstrip("\ufeff \t\r\n")
    decoder = json.JSONDecoder()
    found: list[dict[str, Any]] = []
    listed = _listed(_loads(text))
    if listed is not None:
        return listed[:most]
    if text.startswith("[") and not _is_lines(text.encode()):
        position = 1
        while len(found) < most:
            try:
                one, position = decoder.raw_decode(text, _skip(text, position))
            except (ValueError, RecursionError):
                break
            if isinstance(one, dict):
                found.append(one)
            position = _skip(text, position)
            if text[position : position + 1] != ",":
                break
            position += 1
        return found
    for line in text.split("\n", most)[:most]:
        one = _loads(line)
        if isinstance(one, dict):
            found.append(one)
    return found[:most]


def _listed(whole: Any) -> list[dict[str, Any]] | None:
    """The objects of a page of an API, which stand in a list inside one object."""
    if not isinstance(whole, dict) or not whole.keys() <= {*PAGES, *AROUND}:
        return None
    for name in PAGES:
        values = whole.get(name)
        if isinstance(values, list) and values and all(isinstance(one, dict) for one in values):
            return [_with_sides(one, whole) for one in values]
    return None


def _with_sides(one: dict[str, Any], page: dict[str, Any]) -> dict[str, Any]:
    """A ticket with its requester and its metrics, which a page may have in lists beside."""
    if "requester_id" not in one:
        return one
    users = [user for user in _dicts(page.get("users")) if user.get("id") == one["requester_id"]]
    metrics = [few for few in _dicts(page.get("metric_sets")) if few.get("ticket_id") == one.get("id")]
    sides = {"requester": users[0] if users else None, "metric_set": metrics[0] if metrics else None}
    return {**{name: side for name, side in sides.items() if side is not None}, **one}


def _dicts(values: Any) -> list[dict[str, Any]]:
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def is_lines(start: bytes) -> bool:
    """Whether a file that begins so has an object a line; some of the first may be broken."""
    return any(isinstance(_loads(line), dict) for line in start.split(b"\n", LOOKED_AT)[:LOOKED_AT])


def _is_lines(data: bytes) -> bool:
    """Whether a file that begins with a bracket is lines all the same: its first line is a whole array."""
    first, _, rest = data.lstrip().partition(b"\n")
    return bool(rest.strip()) and _loads(first) is not None


def _loads(text: bytes | str) -> Any:
    try:
        return mended(json.loads(text), text)
    except (ValueError, RecursionError):  # broken, or nested without end
        return None


def mended(value: Any, text: bytes | str) -> Any:
    r"""What was read of a text of JSON; halves of characters, which no file of ours could hold, become U+FFFD.

    >>> mended(json.loads(r'"cut \ud83d"'), r'"cut \ud83d"') == "cut \ufffd"
    True
    """
    has_half = HALF.search(text) if isinstance(text, bytes) else HALF_OF_TEXT.search(text)
    return _whole(value) if has_half else value


def _whole(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [_whole(one) for one in value]
    return {_whole(key): _whole(one) for key, one in value.items()} if isinstance(value, dict) else value


def _no_objects(data: bytes, name: str) -> EventTableError:
    whole = _loads(data)
    if isinstance(whole, dict):
        _refuse_error_document(whole, name)
        return refuse(
            name, f"is one JSON object (keys {list(whole)[:8]}), not one a line", "Export JSON lines or an array."
        )
    return refuse(name, "holds no JSON object that can be read", "It may be cut short; export it again as JSON lines.")


def _lines(data: bytes) -> tuple[list[dict[str, Any]], list[int], list[Broken]]:
    records: list[dict[str, Any]] = []
    lines: list[int] = []
    broken: list[Broken] = []
    numbered = [(i, line) for i, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    for at in range(0, len(numbered), CHUNK):
        part = numbered[at : at + CHUNK]
        together = _together(part)
        if together is not None:
            records.extend(together)
            lines.extend(i for i, _ in part)
            continue
        for i, line in part:
            record = _loads(line)
            if isinstance(record, dict):
                records.append(record)
                lines.append(i)
            else:
                broken.append(
                    Broken(i, NOT_JSON if record is None else NOT_OBJECT, shorten(line.decode("utf-8", "replace")))
                )
    return records, lines, broken


def _together(part: list[tuple[int, bytes]]) -> list[dict[str, Any]] | None:
    """Objects of many lines parsed at once, None unless each line is one whole object."""
    texts = [line.strip() for _, line in part]
    if not all(text[:1] == b"{" and text[-1:] == b"}" for text in texts):
        return None
    objects = _loads(b"[" + b",".join(texts) + b"]")
    if objects is None or len(objects) != len(part) or not all(type(one) is dict for one in objects):
        return None
    return list(objects)


def _array(data: bytes, name: str) -> tuple[list[dict[str, Any]], list[int], list[Broken]]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse(name, "is not UTF-8 text", "Save it as UTF-8, or say encoding='cp1252'.") from error
    decoder = json.JSONDecoder()
    records: list[dict[str, Any]] = []
    lines: list[int] = []
    broken: list[Broken] = []
    numbers: list[int] = []  # of the records
    position, line, counted = text.index("[") + 1, 1, 0
    while True:
        position = _skip(text, position)
        if text[position : position + 1] == "]":
            if len({*lines, *(one.line for one in broken)}) == len(lines) + len(broken):
                return records, lines, broken
            of_broken = sorted(set(range(1, len(lines) + len(broken) + 1)) - set(numbers))
            return records, numbers, [one._replace(line=n) for one, n in zip(broken, of_broken, strict=True)]
        line += text.count("\n", counted, position)
        counted = position
        try:
            began = position
            record, position = decoder.raw_decode(text, position)
            record = mended(record, text[began:position])
        except (ValueError, RecursionError) as error:
            raise refuse(
                name, "is a JSON array that breaks off", "The file is cut short; export it again.", line=line
            ) from error
        if isinstance(record, dict):
            records.append(record)
            lines.append(line)
            numbers.append(len(lines) + len(broken))
        else:
            broken.append(Broken(line, NOT_OBJECT, shorten(json.dumps(record))))
        position = _skip(text, position)
        if text[position : position + 1] == ",":
            position += 1
        elif text[position : position + 1] != "]":
            raise refuse(name, "is a JSON array that breaks off", "The file is cut short; export it again.", line=line)


def _skip(text: str, position: int) -> int:
    while text[position : position + 1] in (" ", "\n", "\r", "\t") and position < len(text):
        position += 1
    return position


def _columns(records: list[dict[str, Any]], name: str, is_shut: bool) -> tuple[pd.DataFrame, frozenset[str]]:
    top = list(dict.fromkeys(key for record in records for key in record))
    check_width(top, name)
    inner = [record.get("properties") for record in records] if "properties" in top and not is_shut else []
    nested: dict[str, Any] = {}
    if any(isinstance(one, dict) for one in inner) and all(one is None or isinstance(one, dict) for one in inner):
        keys = list(dict.fromkeys(key for one in inner if one for key in one))
        named = {key: f"properties.{key}" for key in keys}
        if set(top).isdisjoint(named.values()):  # else a column is called so: they stay as they are, JSON text
            top.remove("properties")
            check_width([*top, *named.values()], name)
            nested = {named[key]: values for key, values in _values([one or {} for one in inner], keys).items()}
    columns = {**_values(records, top), **nested}
    frame = pd.DataFrame({k: pd.Series(v, dtype=object) for k, v in columns.items()}, index=range(len(records)))
    return frame, frozenset(nested)


def _values(records: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> dict[str, Any]:
    """What each record has under these keys, None where nothing; where most have few, only these are touched."""
    if 4 * sum(map(len, records)) > len(keys) * len(records):
        return {key: [record.get(key) for record in records] for key in keys}
    columns = {key: np.empty(len(records), object) for key in keys}
    for place, record in enumerate(records):
        for key, value in record.items():
            if key in columns:
                columns[key][place] = value
    return columns


def _refuse_error_document(record: object, name: str) -> None:
    """Refuse a file that holds the error message of a server instead of data."""
    if not isinstance(record, dict) or not record:
        return
    keys = {str(key).lower() for key in record}
    told = {"error", "errors", "message", "detail", "error_message", "error_description"}
    about = {"code", "error_code", "status", "status_code", "details", "request", "request_id", "type", "title"}
    if keys <= told | about and keys & told:
        raise refuse(name, f"is an error message, not data ({shorten(json.dumps(record), 80)})", "Export it again.")
