"""Records: the rows of any file as dictionaries, and dictionaries of our columns as a table.

For vendors whose rows are nested: a format says what one record means, and
reading, refusing and counting are the same for all of them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from metrics.files.column import Column
from metrics.files.finding import Source
from metrics.files.json_records import read_objects, table_of
from metrics.files.kinds import as_utf8, kind_of
from metrics.files.pieces import pieces_of
from metrics.files.raw import Broken, RawTable
from metrics.files.reading import read_raw, together
from metrics.files.refusal import EventTableError, refuse_all, shorten
from metrics.files.shaping import Shaped, shape
from metrics.files.told import ALL_FILES, Told

NOT_AS_DOCUMENTED = "a record that is not built as this format is"


class NotRead(ValueError):
    """A field of a record that cannot be read: its message is the reason why the record is rejected."""


class System(NamedTuple):
    """A record that is no row of the table: why, and whom it ties together, if it does."""

    reason: str
    anonymous_id: Any = None
    user_id: Any = None
    timestamp: Any = None


class Raw(NamedTuple):
    """One file as records: each with its line, and what was no record."""

    records: list[dict[str, Any]]
    lines: list[int]
    broken: list[Broken]
    told: Told | None = None


@dataclass
class Made:
    """What a format made of its files: rows with their place, rejected rows, and what was no row at all."""

    rows: pd.DataFrame
    rejected: pd.DataFrame
    system: dict[str, int] = field(default_factory=dict)
    identities: pd.DataFrame | None = None


Reader = Callable[[dict[str, Any]], "Iterable[dict[str, Any] | System]"]


def read_records(source: Source) -> Raw:
    """Read the rows of one file as dictionaries; the blanks of delimited text are None."""
    if source.table is None and kind_of(source.head(), source.name) == "json":
        text = as_utf8(source.read(), source.name, None)
        records, lines, broken = read_objects(text, source.name, is_part=source.is_part)
        return from_line(source, records, lines, broken)
    return records_of(read_raw(source))


def records_with(sources: Sequence[Source], word: str = "") -> Iterator[dict[str, Any]]:
    """Records of files of any size, one after the other; of JSON lines only those in whose text a word stands."""
    for piece in chain.from_iterable(pieces_of(sources, Told())):
        if piece.table is None and piece.is_part and kind_of(piece.head(), piece.name) == "json":
            lines = [line for line in piece.read().split(b"\n") if word.encode() in line]
            yield from read_objects(b"\n".join(lines), piece.name, is_part=True)[0]
        else:
            yield from read_records(piece).records


def from_line(source: Source, records: list[dict[str, Any]], lines: list[int], broken: list[Broken]) -> Raw:
    """Records of a piece, whose lines are those of its file."""
    if source.skipped:
        lines = [line + source.skipped for line in lines]
        broken = [one._replace(line=one.line + source.skipped) for one in broken]
    return Raw(records, lines, broken, source.told)


def records_of(raw: RawTable) -> Raw:
    """The rows of a table as dictionaries."""
    columns = {}
    for name in raw.frame:
        values = raw.frame[name]
        plain = values.array.__arrow_array__().to_pylist() if raw.kind == "parquet" else values.tolist()
        columns[str(name)] = [None if _is_blank(value) else value for value in plain]
    if not columns:
        return Raw([], [], raw.broken, raw.told)
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Raw(records, np.asarray(raw.lines).tolist(), raw.broken, raw.told)


def make(
    files: Sequence[tuple[str, Raw, Reader]],
    columns: Sequence[Column],
    *,
    timezone: str | None = "UTC",
    time_format: str | None = None,
) -> Made:
    """Make one table of many files, each with the function that says what a record of it means."""
    system: dict[str, int] = {}
    tied: list[System] = []
    meant = [_meant(name, raw, read, system, tied) for name, raw, read in files]
    told = files[0][1].told if files else None

    def shaped(some: Sequence[_Meant]) -> tuple[RawTable, Shaped]:
        table = _table(some, columns, told)
        return table, shape(table, columns, file=some[0].name, timezone=timezone, time_format=time_format)

    parts: list[tuple[RawTable, Shaped]] = []
    errors: list[EventTableError] = []
    try:
        parts.append(shaped(meant))
    except EventTableError as error:
        if len(meant) == 1:
            raise
        for one in meant:  # which of them it is, and whether each for itself is right
            try:
                parts.append(shaped([one]))
            except EventTableError as its:
                errors.append(its)
        if errors:
            raise refuse_all(errors) from error
    rows, rejected = together(parts, () if told is None else told.texts)
    return Made(rows, rejected, system, _identities(tied, timezone))


class _Meant(NamedTuple):
    """What the records of one file mean."""

    name: str
    rows: list[dict[str, Any]]
    lines: list[int]
    broken: list[Broken]


def _meant(name: str, raw: Raw, read: Reader, system: dict[str, int], tied: list[System]) -> _Meant:
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    broken = list(raw.broken)
    for record, line in zip(raw.records, raw.lines, strict=True):
        try:
            several = list(read(record))
        except NotRead as error:
            broken.append(Broken(line, str(error), shorten(record)))
            continue
        except (KeyError, TypeError, AttributeError, ValueError, IndexError, OverflowError):
            broken.append(Broken(line, NOT_AS_DOCUMENTED, shorten(record)))
            continue
        for one in several:
            if isinstance(one, System):
                system[one.reason] = system.get(one.reason, 0) + 1
                if one.user_id is not None and one.anonymous_id is not None:
                    tied.append(one)
            else:
                rows.append(one)
                lines.append(line)
    return _Meant(name, rows, lines, [one._replace(file=name) for one in sorted(broken)])


def _table(files: Sequence[_Meant], columns: Sequence[Column], told: Told | None) -> RawTable:
    """All rows of these files, with every column that is required."""
    rows = list(chain.from_iterable(one.rows for one in files))
    lines = list(chain.from_iterable(one.lines for one in files))
    broken = list(chain.from_iterable(one.broken for one in files))
    name = files[0].name if len(files) == 1 else ALL_FILES
    table = table_of(rows, lines, broken, name, is_shut=told is not None and ALL_FILES in told.shut)
    for column in columns:
        if column.name not in table.frame and column.required:
            table.frame[column.name] = pd.Series(None, index=table.frame.index, dtype=object)
    if len(files) > 1:
        names = np.array([one.name for one in files], object)
        table.files = np.repeat(names, [len(one.rows) for one in files])
    table.told, table.told_as = told, ALL_FILES
    return table


def _identities(tied: list[System], timezone: str | None) -> pd.DataFrame | None:
    if not tied:
        return None
    records = [{"anonymous_id": one.anonymous_id, "user_id": one.user_id, "timestamp": one.timestamp} for one in tied]
    columns = [Column("anonymous_id", "id"), Column("user_id", "id"), Column("timestamp", "time")]
    table = table_of(records, range(1, len(records) + 1), [], "identities")
    return shape(table, columns, file="identities", timezone=timezone).rows


def _is_blank(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value) or value == ""


OURS = {"user_id", "event", "timestamp", "event_id", "anonymous_id"}


def others(row: dict[str, Any], used: Collection[str]) -> dict[str, Any]:
    """The further fields of a record that hold something; one that is called as a column of ours says that it is not.

    >>> others({"event_id": 17, "city": "Bonn", "plan": None}, {"uuid"})
    {'properties.event_id': 17, 'city': 'Bonn'}
    """
    rest = {name: value for name, value in row.items() if name not in used}
    return filled({f"properties.{name}" if name in OURS else name: value for name, value in rest.items()})


def filled(values: dict[str, Any]) -> dict[str, Any]:
    """The entries that hold something: neither missing nor empty."""
    return {key: value for key, value in values.items() if value is not None and value not in ("", [], {})}
