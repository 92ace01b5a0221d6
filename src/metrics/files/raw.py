"""Raw: one file as a table of what is written in it, nothing interpreted yet.

Every record keeps the physical line on which it begins, and a record that is
no record at all (wrong number of fields, broken JSON) is set aside with its
line and its reason, never dropped.
"""

import codecs
import json
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import pandas as pd

from metrics.files.finding import Source
from metrics.files.refusal import refuse, shorten

Kind = Literal["text", "json", "parquet"]


class Broken(NamedTuple):
    """A line that is no record: where, why, and the text there."""

    line: int
    reason: str
    text: str


@dataclass
class RawTable:
    """Records of one file: values as written, the line of each, and what was no record."""

    kind: Kind
    frame: pd.DataFrame
    lines: Any  # int64, from 1
    broken: list[Broken] = field(default_factory=list)
    nested: frozenset[str] = frozenset()  # columns that stood inside `properties`

    @property
    def read(self) -> int:
        """Rows found in the file, good or not."""
        return len(self.frame) + len(self.broken)


def read_raw(source: Source, *, delimiter: str | None = None, encoding: str | None = None) -> RawTable:
    """Read one file of a generic kind, told by its content: Parquet, JSON or delimited text."""
    from metrics.files.delimited import read_delimited
    from metrics.files.json_records import read_json
    from metrics.files.parquet import read_parquet

    kind = kind_of(source.head(), source.name)
    if kind == "parquet":
        return read_parquet(source)
    data = as_utf8(source.read(), source.name, encoding)
    if kind == "json":
        return read_json(data, source.name)
    return read_delimited(data, source.name, delimiter=delimiter)


def kind_of(head: bytes, name: str) -> Kind:
    """Tell from the first bytes what a file is; refuse what is no export at all."""
    if head[:4] == b"PAR1":
        return "parquet"
    text = as_utf8(head, name, None, lenient=True).lstrip()
    start = text[:200].lower()
    if not text:
        raise refuse(name, "is empty", "Export it again.")
    if start.startswith((b"<!doctype", b"<html")):
        raise refuse(name, "is a web page, not data", "The download probably asked for a login; fetch it again.")
    if start.startswith(b"<?xml"):
        raise refuse(name, "is an XML document", "Export CSV, JSON lines or Parquet.")
    if start.startswith(b"version https://git-lfs"):
        raise refuse(name, "is a git-LFS pointer, not the file itself", "Run 'git lfs pull'.")
    strange = sum(byte < 9 or 13 < byte < 32 for byte in head[:2000])
    if strange > len(head[:2000]) / 10 and not head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise refuse(
            name, "is a binary file", "Export CSV, JSON lines or Parquet; for UTF-16 text pass encoding='utf-16'."
        )
    if text[:1] in (b"{", b"["):
        return "json"
    return "text"


def as_utf8(data: bytes, name: str, encoding: str | None, *, lenient: bool = False) -> bytes:
    """Bytes of a text file as UTF-8 without a byte order mark; invalid bytes stay for the record to be refused."""
    if encoding is None and data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    if encoding is None:
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(encoding, "ignore" if lenient else "strict").removeprefix("\ufeff").encode("utf-8")
    except LookupError as error:
        raise refuse(
            name, f"encoding {encoding!r} is not known", "Say encoding='cp1252' or another Python codec."
        ) from error
    except UnicodeError as error:
        raise refuse(
            name, f"is not {encoding} text, or is cut short", "Check encoding=, or export as UTF-8."
        ) from error


def refuse_error_document(record: object, name: str) -> None:
    """Refuse a file that holds the error message of a server instead of data."""
    if not isinstance(record, dict) or not record:
        return
    keys = {str(key).lower() for key in record}
    about = {"error", "errors", "message", "code", "status", "status_code", "detail", "details", "request_id", "type"}
    if keys <= about and keys & {"error", "errors", "message", "detail"}:
        raise refuse(name, f"is an error message, not data ({shorten(json.dumps(record), 80)})", "Export it again.")
