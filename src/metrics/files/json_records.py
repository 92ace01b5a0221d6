"""JSON: one object a line, or one array of objects; a `properties` object is opened one level."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from metrics.files.raw import Broken, RawTable
from metrics.files.refusal import refuse, shorten

CHUNK = 5_000  # lines handed to the parser together
NOT_JSON = "broken JSON"
NOT_OBJECT = "JSON that is not an object"


def read_json(data: bytes, name: str) -> RawTable:
    """Read JSON lines or a JSON array of objects; numbers and texts keep the types they have."""
    if data.lstrip()[:1] == b"[" and not _is_lines(data):
        records, lines, broken = _array(data, name)
    else:
        records, lines, broken = _lines(data)
        if not records:
            _refuse_document(data, name)
    if len(records) == 1 and not broken:
        _refuse_error_document(records[0], name)
    frame, nested = _columns(records)
    return RawTable("json", frame, np.array(lines, np.int64), broken, nested)


def _is_lines(data: bytes) -> bool:
    """Whether a file that begins with a bracket is lines all the same: its first line is a whole array."""
    first, _, rest = data.lstrip().partition(b"\n")
    return bool(rest.strip()) and _loads(first) is not None


def _loads(text: bytes | str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _refuse_document(data: bytes, name: str) -> None:
    whole = _loads(data)
    if isinstance(whole, dict):
        _refuse_error_document(whole, name)
        raise refuse(
            name, f"is one JSON object (keys {list(whole)[:8]}), not one a line", "Export JSON lines or an array."
        )
    raise refuse(name, "holds no JSON object that can be read", "It may be cut short; export it again as JSON lines.")


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
    position, line, counted = text.index("[") + 1, 1, 0
    while True:
        position = _skip(text, position)
        if text[position : position + 1] == "]":
            return records, lines, broken
        line += text.count("\n", counted, position)
        counted = position
        try:
            record, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            raise refuse(
                name, "is a JSON array that breaks off", "The file is cut short; export it again.", line=line
            ) from error
        if isinstance(record, dict):
            records.append(record)
            lines.append(line)
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


def _columns(records: list[dict[str, Any]]) -> tuple[pd.DataFrame, frozenset[str]]:
    top = list(dict.fromkeys(key for record in records for key in record))
    columns = {key: [record.get(key) for record in records] for key in top}
    inner = columns.get("properties", [])
    nested: dict[str, list[Any]] = {}
    if any(isinstance(one, dict) for one in inner) and all(one is None or isinstance(one, dict) for one in inner):
        keys: Iterable[str] = dict.fromkeys(key for one in inner if one for key in one)
        nested = {f"properties.{key}": [one.get(key) if one else None for one in inner] for key in keys}
        if nested.keys().isdisjoint(columns):
            del columns["properties"]
        else:
            nested = {}  # a column is already called so: leave the properties as they are, JSON text
    frame = pd.DataFrame(
        {k: pd.Series(v, dtype=object) for k, v in {**columns, **nested}.items()}, index=range(len(records))
    )
    return frame, frozenset(nested)


def _refuse_error_document(record: object, name: str) -> None:
    """Refuse a file that holds the error message of a server instead of data."""
    if not isinstance(record, dict) or not record:
        return
    keys = {str(key).lower() for key in record}
    about = {"error", "errors", "message", "code", "status", "status_code", "detail", "details", "request_id", "type"}
    if keys <= about and keys & {"error", "errors", "message", "detail"}:
        raise refuse(name, f"is an error message, not data ({shorten(json.dumps(record), 80)})", "Export it again.")
