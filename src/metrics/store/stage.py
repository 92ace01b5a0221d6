"""The stage: rows of an export as its pieces come, written down in the types that all of them so far allow.

Beside the rows stands what only settles which of them are kept: the key of the vendor, its rank, and the place.
"""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from metrics.events.loading import columns_of
from metrics.exports import KEY, RANK, WITHIN, Parsed
from metrics.files.shaping import FILE, LINE, NOTE
from metrics.files.told import Told
from metrics.files.values import EXACT
from metrics.store.folder import Part, plain_types
from metrics.store.parquet import MARK

REJECTED = 100_000  # rejected rows that are listed; all are counted


@dataclass
class Written:
    """A file of the stage: rows of the same columns, and the file of what they are told by, if there is one."""

    rows: Part
    aside: Part | None
    first: int  # how many rows stand before


@dataclass
class Stage:
    """What came so far."""

    folder: Path
    told: Told
    parts: list[Written] = field(default_factory=list)
    identities: list[Path] = field(default_factory=list)
    kinds: dict[str, Any] = field(default_factory=dict)  # the Arrow type of each column that fits all of its values
    names: set[str] = field(default_factory=set)
    kept: dict[str, int] = field(default_factory=dict)
    counted: dict[str, list[dict[str, int]]] = field(default_factory=lambda: {"system": [], "duplicate": []})
    rejected: list[pd.DataFrame] = field(default_factory=list)
    refused: dict[str, int] = field(default_factory=dict)
    rows: int = 0
    listed: int = 0
    is_open: bool = False  # some row has no known user
    is_sorted: bool = True
    several: bool = False
    _last: int = -(2**63)
    _wide: set[str] = field(default_factory=set)  # columns of whole numbers that no float holds
    _writer: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1))
    _writing: list["Future[None]"] = field(default_factory=list)

    def add(self, parsed: Parsed) -> None:
        """Take a piece."""
        rows = parsed.rows
        self.several |= parsed.several
        self.names |= {str(name) for name in rows}
        self.counted["system"].append(parsed.system)
        self.counted["duplicate"].append(parsed.duplicate)
        places = rows.drop_duplicates([FILE, LINE]) if parsed.several else rows
        _add(self.kept, {str(note): int(n) for note, n in places[NOTE].value_counts().items()})
        _add(self.refused, {str(why): int(n) for why, n in parsed.rejected["reason"].value_counts().items()})
        if len(parsed.rejected) and self.listed < REJECTED:
            self.rejected.append(parsed.rejected.head(REJECTED - self.listed))
            self.listed += len(self.rejected[-1])
        if parsed.identities is not None and len(parsed.identities):
            self._write_identities(parsed.identities)
        if not len(rows):
            return
        time = rows["timestamp"].astype("int64").to_numpy()
        self.is_sorted &= bool(time[0] >= self._last and (time[1:] >= time[:-1]).all())
        self._last = int(time[-1])
        self.is_open |= bool(rows["user_id"].hasnans)
        table = self._table(rows)
        aside = self._aside(rows, parsed.several)
        self._wait()
        part = self._part(table, aside)
        self._writing = [self._writer.submit(part.rows.add, fitted(table, part.rows.schema))]
        if part.aside is not None and aside is not None:
            self._writing.append(self._writer.submit(part.aside.add, aside))
        self.rows += len(rows)

    def close(self) -> None:
        """Write what is left, or leave it."""
        self._wait()
        for part in self.parts[-1:]:
            _close(part)
        self._writer.shutdown()

    def _wait(self) -> None:
        for written in self._writing:
            written.result()
        self._writing = []

    def _table(self, rows: pd.DataFrame) -> Any:
        """The columns of the event table, in the types known so far."""
        import pyarrow as pa

        arrays = {}
        for name in columns_of(map(str, rows)):
            array = pa.array(rows[name], from_pandas=True)
            is_empty = array.null_count == len(array) and name != "user_id"  # which may be told by others
            arrays[name] = pa.nulls(len(array)) if is_empty else array
        table = pa.table(arrays)
        table = table.cast(plain_types(table.schema))
        for column in table.schema:
            self._learn(column.name, column.type, table.column(column.name))
        return table

    def _learn(self, name: str, kind: Any, values: Any) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_integer(kind) and pc.max(pc.abs(values)).as_py() >= EXACT:
            self._wide.add(name)
        known = self.kinds.get(name, kind)
        both = united(known, kind)
        is_lossy = both == pa.string() and {str(known), str(kind)} - {"string", "null", "int64"}
        if (is_lossy or (both == pa.float64() and name in self._wide)) and name not in self.told.texts:
            self.told.is_text(name)
        self.kinds[name] = both

    def _aside(self, rows: pd.DataFrame, several: bool) -> Any:
        import pyarrow as pa

        if not several and not {KEY, "event_id"} & set(rows):
            return None
        names = [name for name in (KEY, RANK, WITHIN, NOTE) if name in rows] + ([FILE, LINE] if several else [])
        kinds = {KEY: pa.string(), NOTE: pa.string(), FILE: pa.string(), LINE: pa.int64()}
        arrays = {name: pa.array(rows[name], from_pandas=True).cast(kinds.get(name, pa.float64())) for name in names}
        return pa.table(arrays)

    def _part(self, table: Any, aside: Any) -> Written:
        """The file in which these rows fit, a new one if the last has other columns."""
        import pyarrow as pa

        last = self.parts[-1] if self.parts else None
        beside = None if aside is None else aside.schema
        if last is not None:
            there = None if last.aside is None else last.aside.schema
            if _fits(table.schema, last.rows.schema) and there == beside:
                return last
            _close(last)
        schema = pa.schema(list(self.kinds.items()), metadata={MARK: b"1"})
        number = len(self.parts)
        rows = Part(self.folder / f"rows-{number}.parquet", schema)
        part = Written(
            rows, None if beside is None else Part(self.folder / f"aside-{number}.parquet", beside), self.rows
        )
        self.parts.append(part)
        return part

    def _write_identities(self, identities: pd.DataFrame) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        names = ["anonymous_id", "user_id", "timestamp"]
        self.identities.append(self.folder / f"identities-{len(self.identities)}.parquet")
        pq.write_table(
            pa.table({name: pa.array(identities[name], from_pandas=True) for name in names}), self.identities[-1]
        )


def united(one: Any, other: Any) -> Any:
    """The Arrow type that holds the values of both."""
    import pyarrow as pa

    if one == other or pa.types.is_null(other):
        return one
    if pa.types.is_null(one):
        return other
    return pa.float64() if {str(one), str(other)} == {"int64", "double"} else pa.string()


def fitted(table: Any, schema: Any) -> Any:
    """A table with the columns of a schema, in their order; those that it has not are empty."""
    import pyarrow as pa

    empty = pa.nulls(table.num_rows)
    there = set(table.column_names)
    return pa.table({name: table.column(name) if name in there else empty for name in schema.names}).cast(schema)


def _fits(new: Any, there: Any) -> bool:
    return all(
        column.name in there.names
        and united(there.field(column.name).type, column.type) == there.field(column.name).type
        for column in new
    )


def _close(part: Written) -> None:
    part.rows.close()
    if part.aside is not None:
        part.aside.close()


def _add(counts: dict[str, int], more: dict[str, int]) -> None:
    for name, n in more.items():
        counts[name] = counts.get(name, 0) + n
