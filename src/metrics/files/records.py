"""Records: the rows of any file as dictionaries, and dictionaries of our columns as a table.

For vendors whose rows are nested: a format says what one record means, and
reading, refusing and counting are the same for all of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from metrics.files.finding import Source
from metrics.files.json_records import read_objects, table_of
from metrics.files.kinds import as_utf8, kind_of
from metrics.files.names import Column
from metrics.files.raw import Broken, RawTable
from metrics.files.reading import read_raw, together
from metrics.files.refusal import EventTableError, refuse_all, shorten
from metrics.files.shaping import Shaped, shape

NOT_AS_DOCUMENTED = "a record that is not built as this format is"


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
    kind = kind_of(source.head(), source.name)
    if kind == "json":
        return Raw(*read_objects(as_utf8(source.read(), source.name, None), source.name))
    return records_of(read_raw(source))


def records_of(raw: RawTable) -> Raw:
    """The rows of a table as dictionaries."""
    columns = {}
    for name in raw.frame:
        values = raw.frame[name]
        plain = values.array.__arrow_array__().to_pylist() if raw.kind == "parquet" else values.tolist()
        columns[str(name)] = [None if _is_blank(value) else value for value in plain]
    if not columns:
        return Raw([], [], raw.broken)
    records = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return Raw(records, np.asarray(raw.lines).tolist(), raw.broken)


def make(
    files: Sequence[tuple[str, Raw, Reader]],
    columns: Sequence[Column],
    *,
    timezone: str | None = "UTC",
    time_format: str | None = None,
) -> Made:
    """Make one table of many files, each with the function that says what a record of it means."""
    parts: list[tuple[RawTable, Shaped]] = []
    errors: list[EventTableError] = []
    system: dict[str, int] = {}
    tied: list[System] = []
    for name, raw, read in files:
        records: list[dict[str, Any]] = []
        lines: list[int] = []
        broken = list(raw.broken)
        for record, line in zip(raw.records, raw.lines, strict=True):
            try:
                meant = list(read(record))
            except (KeyError, TypeError, AttributeError, ValueError, IndexError, OverflowError):
                broken.append(Broken(line, NOT_AS_DOCUMENTED, shorten(record)))
                continue
            for one in meant:
                if isinstance(one, System):
                    system[one.reason] = system.get(one.reason, 0) + 1
                    if one.user_id is not None and one.anonymous_id is not None:
                        tied.append(one)
                else:
                    records.append(one)
                    lines.append(line)
        table = table_of(records, lines, sorted(broken))
        for column in columns:
            if column.name not in table.frame and column.required:
                table.frame[column.name] = pd.Series(None, index=table.frame.index, dtype=object)
        try:
            parts.append((table, shape(table, columns, file=name, timezone=timezone, time_format=time_format)))
        except EventTableError as error:
            errors.append(error)
    if errors:
        raise refuse_all(errors)
    rows, rejected = together(parts)
    return Made(rows, rejected, system, _identities(tied, timezone))


def _identities(tied: list[System], timezone: str | None) -> pd.DataFrame | None:
    if not tied:
        return None
    records = [{"anonymous_id": one.anonymous_id, "user_id": one.user_id, "timestamp": one.timestamp} for one in tied]
    columns = [Column("anonymous_id", "id"), Column("user_id", "id"), Column("timestamp", "time")]
    table = table_of(records, range(1, len(records) + 1), [])
    return shape(table, columns, file="identities", timezone=timezone).rows


def _is_blank(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and value != value) or value == ""


def filled(values: dict[str, Any]) -> dict[str, Any]:
    """The entries that hold something: neither missing nor empty."""
    return {key: value for key, value in values.items() if value is not None and value not in ("", [], {})}
