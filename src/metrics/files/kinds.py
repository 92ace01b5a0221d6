"""Kinds: what a file is, told by its first bytes, and what is no export at all."""

import codecs
from typing import Literal

from metrics.files.refusal import refuse

CONTROL = bytes([*range(9), *range(14, 32)])  # bytes that text does not have
OTHERS = {  # how files begin that are not read, and what to do
    b"Obj\x01": ("is an Avro file", "Export JSON lines or Parquet."),
    b"SQLite format 3\0": ("is a SQLite database", "Export CSV, JSON lines or Parquet."),
    b"%PDF-": ("is a PDF document", "Export CSV, JSON lines or Parquet."),
    b"\xd0\xcf\x11\xe0": ("is an Office document", "Save the sheet as CSV (UTF-8) and read that."),
    b"7z\xbc\xaf": ("is a 7z archive", "Unpack it and read the folder."),
    b"Rar!": ("is a RAR archive", "Unpack it and read the folder."),
    codecs.BOM_UTF32_LE: ("is UTF-32 text", "Save it as UTF-8."),
    codecs.BOM_UTF32_BE: ("is UTF-32 text", "Save it as UTF-8."),
}
TAR, TAR_AT = b"ustar", 257
Kind = Literal["text", "json", "parquet"]


def kind_of(head: bytes, name: str) -> Kind:
    """Tell from the first bytes what a file is; refuse what is no export at all."""
    if head[:4] == b"PAR1":
        return "parquet"
    for mark, (fact, advice) in OTHERS.items():
        if head.startswith(mark):
            raise refuse(name, fact, advice)
    if head[TAR_AT:].startswith(TAR):
        raise refuse(name, "is a tar archive", "Unpack it and read the folder.")
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
    strange = len(head[:2000]) - len(head[:2000].translate(None, CONTROL))
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
