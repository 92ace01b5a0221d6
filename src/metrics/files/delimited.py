"""Delimited text: CSV, TSV and their relatives, fast for the bulk and exact for the bad lines.

The bytes are scanned once: where records end (a line break inside quotes ends
nothing), how many fields each has, on which physical line it begins. Records of
the right shape go to pyarrow in one piece; the others are set aside. Where
quotes do not follow RFC 4180 the scan cannot know, and a slower reader takes
the file record by record.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from metrics.files.raw import Broken, RawTable
from metrics.files.refusal import EventTableError, refuse, shorten

NEWLINE, RETURN, QUOTE, NUL = b'\n\r"\0'
DELIMITERS = [b",", b";", b"\t", b"|"]
WRONG_FIELDS = "wrong number of fields"
NUL_BYTE = "a NUL byte in the line"
NOT_UTF8 = "not UTF-8 text (declare encoding=)"
MISPLACED_QUOTE = "text after a closing quote"
STRAY_RETURN = "a carriage return in the middle of the line"


def read_delimited(
    data: bytes, name: str, *, delimiter: str | None = None, skipped: int = 0, commas: Collection[str] | None = None
) -> RawTable:
    """Read delimited text with a header; all values stay text, lines without a value are not records.

    A piece of a larger file comes with the header before it, and with the number of lines that it leaves out after
    that; which columns have decimal commas (`commas`) is told by the whole file.
    """
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # line ends of old Macs
    start, mark = _start(data)
    mark = delimiter.encode() if delimiter else mark
    if len(mark) != 1:
        raise refuse(name, f"delimiter {delimiter!r} is not one plain character", "Say delimiter=';' or another one.")
    header, end, _ = next(_records(data, start, mark, name))
    columns = _column_names(header, name)
    skipped += data.count(b"\n", 0, end)
    body = data[end:]
    table = _read_fast(body, mark, columns, skipped) or _read_slowly(body, mark, columns, skipped, name)
    if mark == b";":  # as where decimals have a comma
        found = decimal_commas([table.frame]) if commas is None else commas
        table.frame, table.points = _decimal_points(table.frame, found), frozenset(columns) - set(found)
    return table


def _start(data: bytes) -> tuple[int, bytes]:
    """Where the header begins, and the delimiter."""
    start = len(data) - len(data.lstrip(b"\r\n"))
    told = re.match(rb"sep=(.)\r?\n", data[start : start + 8])  # spreadsheets write their delimiter so
    return (start + told.end(), told[1]) if told else (start, _delimiter_of(data, start))


def header_end(data: bytes, name: str, delimiter: bytes | None = None) -> tuple[int, bytes]:
    """Where the header ends, and the delimiter."""
    start, mark = _start(data)
    mark = delimiter or mark
    _, end, _ = next(_records(data, start, mark, name))
    return end, mark


def last_break(data: bytes, mark: bytes) -> int:
    """Where the last record ends that is whole, 0 where quotes are used in a way that this cannot be sure of."""
    buffer = np.frombuffer(data, np.uint8)
    newlines, quotes = np.flatnonzero(buffer == NEWLINE), np.flatnonzero(buffer == QUOTE)
    outside = newlines[_outside(newlines, quotes)]
    end = int(outside[-1]) + 1 if len(outside) else 0
    return end if _quotes_are_regular(buffer[:end], quotes[quotes < end], ord(mark)) else 0


def record_end(data: bytes, mark: bytes) -> int:
    """Where the last record ends of which it is sure that it is whole, record by record; 0 where there is none."""
    before = end = 0
    try:
        for _, position, _ in _records(data, 0, mark, ""):
            before, end = end, position
    except EventTableError:  # a quote that is still open
        return end
    return before


def header_of(head: bytes) -> list[str]:
    """Names in the first line of delimited text, none where they cannot be read (reading it will say why)."""
    start = len(head) - len(head.lstrip(b"\r\n"))
    try:
        header, _, _ = next(_records(head, start, _delimiter_of(head, start), ""))
        return [field.decode("utf-8").strip() for field in header]
    except (EventTableError, UnicodeDecodeError, StopIteration):
        return []


def _delimiter_of(data: bytes, start: int) -> bytes:
    end = data.find(b"\n", start)
    header = re.sub(rb'"[^"]*"', b"", data[start : end if end >= 0 else len(data)])
    return max(DELIMITERS, key=header.count)


def _column_names(header: list[bytes], name: str) -> list[str]:
    try:
        names = [field.decode("utf-8").strip() for field in header]
    except UnicodeDecodeError as error:
        raise refuse(name, "is not UTF-8 text", "Save it as UTF-8, or say encoding='cp1252'.", line=1) from error
    names = [column or f"unnamed_{i}" for i, column in enumerate(names, 1)]
    twice = sorted(column for column, n in Counter(names).items() if n > 1)
    if twice:
        raise refuse(name, f"has two columns called {twice[0]!r}", "Rename one of them in the export.")
    return names


# The fast way: positions of bytes, no loop over records.


def _read_fast(body: bytes, mark: bytes, columns: list[str], skipped: int) -> RawTable | None:
    buffer = np.frombuffer(body, np.uint8)
    newlines = np.flatnonzero(buffer == NEWLINE)
    quotes = np.flatnonzero(buffer == QUOTE)
    if not _quotes_are_regular(buffer, quotes, ord(mark)):
        return None
    outside = _outside(newlines, quotes)
    ends = newlines[outside] + 1
    if len(buffer) and (not len(ends) or ends[-1] < len(buffer)):
        ends = np.append(ends, len(buffer))
    starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
    lines = np.searchsorted(newlines, starts) + skipped + 1
    marks = np.flatnonzero(buffer == ord(mark))
    marks = marks[_outside(marks, quotes)]
    fields = np.searchsorted(marks, ends) - np.searchsorted(marks, starts) + 1

    def holds(positions: Any) -> Any:
        hit = np.zeros(len(starts), bool)
        hit[np.searchsorted(starts, positions, side="right") - 1] = True
        return hit

    returns = np.flatnonzero(buffer == RETURN)
    returns = returns[_outside(returns, quotes)]
    closing = np.append(buffer, NEWLINE)[returns + 1] == NEWLINE if len(returns) else np.zeros(0, bool)
    blank = (ends - starts <= 2) & np.isin(buffer[starts], (NEWLINE, RETURN)) if len(starts) else np.zeros(0, bool)
    if len(columns) > 1 and len(starts):  # the blank rows below a sheet are delimiters alone
        has_break = (buffer[ends - 1] == NEWLINE).astype(np.int64)
        has_break += (has_break > 0) & (ends - starts > 1) & (buffer[ends - 2] == RETURN)
        blank |= (fields == len(columns)) & (ends - starts - has_break == fields - 1)
    checks = [
        (NUL_BYTE, holds(np.flatnonzero(buffer == NUL))),
        (STRAY_RETURN, holds(returns[~closing])),
        (NOT_UTF8, _not_utf8(body, starts, ends)),
        (WRONG_FIELDS, fields != len(columns)),
    ]
    bad = np.zeros(len(starts), bool)
    broken: list[Broken] = []
    for reason, hit in checks:
        for i in np.flatnonzero(hit & ~bad & ~blank):
            broken.extend(_broken_lines(body[starts[i] : ends[i]], int(lines[i]), reason))
        bad |= hit
    good = ~bad & ~blank
    clean = body if good.all() else buffer[np.repeat(good, ends - starts)].tobytes()
    longest = int((ends - starts).max(initial=0))
    frame = _parse(clean, columns, mark, longest, several_lines=not outside.all())
    if frame is None or len(frame) != good.sum():
        return None
    return RawTable("text", frame, lines[good], sorted(broken))


def _outside(positions: Any, quotes: Any) -> Any:
    return np.searchsorted(quotes, positions) % 2 == 0


def _quotes_are_regular(buffer: Any, quotes: Any, mark: int) -> bool:
    """Whether each quote opens a field, closes one, or is doubled inside one."""
    if len(quotes) % 2:
        return False
    padded = np.concatenate([[NEWLINE], buffer, [NEWLINE]]).astype(np.uint8) if len(quotes) else buffer
    opening, closing = quotes[::2], quotes[1::2]
    before, after = padded[opening], padded[closing + 2] if len(quotes) else padded[closing]
    return bool(np.isin(before, (mark, NEWLINE, QUOTE)).all() and np.isin(after, (mark, NEWLINE, RETURN, QUOTE)).all())


def _not_utf8(body: bytes, starts: Any, ends: Any) -> Any:
    hit = np.zeros(len(starts), bool)
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        for i, (start, end) in enumerate(zip(starts, ends, strict=True)):
            hit[i] = not _is_utf8(body[start:end])
    return hit


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _broken_lines(record: bytes, line: int, reason: str) -> Iterator[Broken]:
    """Each physical line of a bad record: a stray quote may have swallowed good ones, and they must be counted."""
    for i, text in enumerate(record.split(b"\n")):
        if text.strip(b"\r"):
            yield Broken(line + i, reason, shorten(text.decode("utf-8", "replace")))


def _parse(clean: bytes, columns: list[str], mark: bytes, longest: int, *, several_lines: bool) -> pd.DataFrame | None:
    if not clean:
        return pd.DataFrame({column: pd.Series([], dtype="str") for column in columns})
    try:
        table = pa_csv.read_csv(
            pa.BufferReader(clean),
            read_options=pa_csv.ReadOptions(column_names=columns, block_size=max(1 << 22, 2 * longest)),
            parse_options=pa_csv.ParseOptions(delimiter=mark.decode(), newlines_in_values=several_lines),
            convert_options=pa_csv.ConvertOptions(column_types=dict.fromkeys(columns, pa.string())),
        )
    except pa.ArrowException:
        return None
    return _text_frame(dict(zip(columns, table.columns, strict=True)))


def _text_frame(columns: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(column.to_pandas(), dtype="str") for name, column in columns.items()})


# The slow way: one record after the other, quotes as they come.


def _records(
    data: bytes, start: int, mark: bytes, name: str, skipped: int = 0
) -> Iterator[tuple[list[bytes], int, str | None]]:
    """Yield the fields of each record, where it ends, and what is wrong inside it."""
    one = re.escape(mark)
    pattern = re.compile(rb'(?:"((?:[^"]++|"")*+)"(?!"))?([^' + one + rb"\n]*+)(" + one + rb"|\n|\Z)")
    fields: list[bytes] = []
    fault: str | None = None
    position = start
    while True:
        found = pattern.match(data, position)
        if found is None:  # cannot happen: the pattern matches an empty field
            return
        quoted, rest, end = found.groups()
        if quoted is None and rest.startswith(b'"'):
            raise refuse(
                name,
                "a quote that opens here is never closed",
                "The file is cut short, or holds a stray quote; export it again.",
                line=data.count(b"\n", 0, position) + skipped + 1,
                example=data[position : position + 100].decode("utf-8", "replace"),
            )
        if end != mark:
            rest = rest.removesuffix(b"\r")
        if quoted is not None and rest:
            fault = MISPLACED_QUOTE
        elif RETURN in rest:
            fault = STRAY_RETURN
        fields.append(rest if quoted is None else quoted.replace(b'""', b'"') + rest)
        position = found.end()
        if end == mark:
            continue
        yield fields, position, fault
        if position >= len(data):
            return
        fields, fault = [], None


def _read_slowly(body: bytes, mark: bytes, columns: list[str], skipped: int, name: str) -> RawTable:
    rows: list[list[str]] = []
    lines: list[int] = []
    broken: list[Broken] = []
    line, start = skipped + 1, 0
    for fields, end, fault in _records(body, 0, mark, name, skipped) if body else ():
        record, start = body[start:end], end
        reason = fault
        if reason is None and len(fields) != len(columns):
            reason = WRONG_FIELDS
        elif NUL in record:
            reason = NUL_BYTE
        elif not _is_utf8(record):
            reason = NOT_UTF8
        if record.strip(b"\r\n") in (b"", mark * (len(columns) - 1)):
            pass
        elif reason:
            broken.extend(_broken_lines(record, line, reason))
        else:
            rows.append([field.decode("utf-8") for field in fields])
            lines.append(line)
        line += record.count(b"\n")
    values = zip(*rows, strict=True) if rows else [() for _ in columns]
    frame = pd.DataFrame({column: pd.Series(list(v), dtype="str") for column, v in zip(columns, values, strict=True)})
    return RawTable("text", frame, np.array(lines, np.int64), broken)


def decimal_commas(pieces: Iterable[pd.DataFrame]) -> set[str]:
    """Columns that hold nothing but numbers, some of them with a decimal comma."""
    others: set[str] = set()
    found: set[str] = set()
    for frame in pieces:
        for name in frame:
            text = pa.array(frame[name])
            text = text.filter(pc.not_equal(pc.utf8_trim_whitespace(text), ""))
            if not len(text):
                continue
            numbers = pc.match_substring_regex(text, r"^\s*-?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?\s*$")
            if not pc.all(numbers).as_py():
                others.add(str(name))
            elif pc.any(pc.match_substring(text, ",")).as_py():
                found.add(str(name))
    return found - others


def _decimal_points(frame: pd.DataFrame, commas: Collection[str]) -> pd.DataFrame:
    """Write the decimal commas of these columns as points."""
    for name in commas:
        if name in frame:
            plain = frame[name].str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
            frame = frame.assign(**{name: plain})
    return frame
