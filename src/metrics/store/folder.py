"""The store on disk: a folder of Parquet files, each named by the days it holds, which no other file holds."""

import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from metrics.files import EventTableError, refuse
from metrics.periods import DAY, Ints, instants, local_time, zone
from metrics.store.columns import literal_path, text
from metrics.store.parquet import MARK, read_footers
from metrics.store.session import arrow_reader, standard_session

ROW_GROUP = 2**17  # rows that a reader takes or leaves together, and one thread reads
FILE_ROWS = 2**22  # a file is closed after the day on which it has so many
TZ = b"metrics.tz"  # in the schema of each file: the zone in which days are cut


@dataclass
class Store:
    """What is there: files by the days that each holds, the types of the columns, the zone in which days are cut."""

    path: Path
    tz: str
    files: dict[tuple[int, int], Path] = field(default_factory=dict)
    columns: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path, tz: str | None) -> "Store":
        """The store in a folder, as its file names and footers tell it."""
        files = {}
        for file in sorted(path.glob("[!._]*")):
            found = re.fullmatch(r"(\d{4}-\d\d-\d\d)(?:_(\d{4}-\d\d-\d\d))?\.parquet", file.name)
            if found is None:
                raise refuse(str(path), f"holds {file.name!r}, which no store has", "Name the folder of a store.")
            first, last = (int(np.datetime64(day, "D").astype(int)) for day in (found[1], found[2] or found[1]))
            files[first, last] = file
        if not files:
            return cls(path, zone(tz or "UTC"))
        footers = read_footers([str(file) for file in files.values()])
        if not footers.marked:
            raise refuse(str(path), "holds files that write_events did not write", "Write a store of its own.")
        known = footers.schemas[0].metadata.get(TZ, b"UTC").decode()
        if tz not in (None, known):
            raise EventTableError(
                f"tz: {tz!r} is not the zone in which {path} cuts its days. Say tz={known!r}, or none."
            )
        columns: dict[str, Any] = {}
        for schema in footers.schemas:
            for column in schema:
                if not _is_null(column.type):
                    columns[column.name] = column.type
        return cls(path, known, dict(sorted(files.items())), columns)

    def check_types(self, schema: Any) -> None:
        """Refuse a column that is of another type in the store; whole numbers beside decimal ones are fine."""
        for column in schema:
            there = self.columns.get(column.name, column.type)
            fits = column.type == there or _is_null(column.type) or (_is_number(column.type) and _is_number(there))
            if not fits:
                reason = f"column {column.name!r} is {there} in the store, and {column.type} in the new rows"
                raise refuse(str(self.path), reason, "Make it alike before, or give it another name.")

    def place(self, day: int) -> tuple[int, Path | None]:
        """Between which files a day lies, and the one that holds it, if any."""
        spans = list(self.files)
        at = bisect_right(spans, (day, 2**31))
        held = at > 0 and day <= spans[at - 1][1]
        return at, self.files[spans[at - 1]] if held else None


@dataclass
class Part:
    """A file in the making: rows of consecutive days, written in row groups."""

    path: Path
    schema: Any
    replaces: Path | None = None
    days: list[int] = field(default_factory=list)
    rows: int = 0
    _held: list[Any] = field(default_factory=list)
    _written: int = 0
    _writer: Any = None

    def add(self, rows: Any, day: int = 0) -> None:
        """Take rows of one day, a table or a batch; they are written as soon as they fill a row group."""
        import pyarrow as pa

        table = (rows if isinstance(rows, pa.Table) else pa.Table.from_batches([rows])).cast(self.schema)
        if self.days[-1:] != [day]:
            self.days.append(day)
        self.rows += table.num_rows
        self._held.append(table)
        if self.rows - self._written >= ROW_GROUP:
            self._write(ROW_GROUP)

    def close(self) -> None:
        """Write what is left."""
        self._write(1)
        self._writer.close()

    def _write(self, least: int) -> None:
        """Write row groups, full ones as long as there are rows for them, and keep the rest if it is less than told."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            times = {column.name for column in self.schema if pa.types.is_timestamp(column.type)}
            self._writer = pq.ParquetWriter(
                self.path, self.schema, compression="zstd",
                use_dictionary=[name for name in self.schema.names if name not in times],
                column_encoding=dict.fromkeys(times, "DELTA_BINARY_PACKED"),  # smaller, and sooner written and read
            )  # fmt: skip
        table = pa.concat_tables(self._held or [self.schema.empty_table()])
        while table.num_rows >= least:
            self._writer.write_table(table.slice(0, ROW_GROUP))
            self._written += min(ROW_GROUP, table.num_rows)
            table = table.slice(ROW_GROUP)
        self._held = [table]


def write_parts(tables: Iterator[Any], schema: Any, folder: Path, store: Store, *, replace: bool) -> list[Part]:
    """Write tables that follow each other in time into files of whole days, none across the days of a file there."""
    schema = schema.with_metadata({MARK: b"1", TZ: store.tz.encode()})
    parts: list[Part] = []
    place: tuple[int, Path | None] | None = None
    for table in tables:
        days = local_time(table.column("timestamp").cast("int64").to_numpy(), store.tz) // DAY
        for start, stop in _days(days):
            day = int(days[start])
            here = store.place(day)
            if here[1] is not None and not replace:
                date = f"{np.datetime64(day, 'D')}"
                advice = "Leave it out, or say replace='days' to put the new rows in the place of the old."
                raise refuse(str(store.path), f"has {date} already (in {here[1].name})", advice)
            full = parts and here[1] is None and parts[-1].rows >= FILE_ROWS and day != parts[-1].days[-1]
            if here != place or full:
                if parts:
                    parts[-1].close()
                parts.append(Part(folder / f".part-{len(parts)}", schema, here[1]))
                place = here
            parts[-1].add(table.slice(start, stop - start), day)
    if parts:
        parts[-1].close()
    return parts


def finish(part: Part, store: Store) -> int:
    """Give a file the name of its days; rows of other days move over from the file that it replaces.

    Tells how many rows of that file do not move over, because their days are written anew.
    """
    if part.replaces is None:
        names = [f"{np.datetime64(day, 'D')}" for day in dict.fromkeys([part.days[0], part.days[-1]])]
        part.path.rename(part.path.with_name(f"{'_'.join(names)}.parquet"))
        return 0
    starts, ends = (instants((np.array(part.days) + more) * DAY, store.tz) for more in (0, 1))
    spans = zip(starts, ends, strict=True)
    replaced = " OR ".join(f"(epoch_us(timestamp) >= {a} AND epoch_us(timestamp) < {b})" for a, b in spans)
    old, new = (f"read_parquet({text(literal_path(str(path)))})" for path in (part.replaces, part.path))
    query = f"FROM {old} WHERE NOT ({replaced}) UNION ALL BY NAME FROM {new} ORDER BY timestamp"
    with standard_session() as con:
        reader = arrow_reader(con, query)
        schema = plain_types(reader.schema).with_metadata(part.schema.metadata)
        whole = Part(part.path.with_name(part.replaces.name), schema)
        for batch in reader:
            whole.add(batch)
    whole.close()
    part.path.unlink()
    return read_footers([str(part.replaces)]).rows - (whole.rows - part.rows)


def plain_types(schema: Any) -> Any:
    """A schema in the types that a store has: one kind of text, of whole and of decimal numbers, times in UTC."""
    import pyarrow as pa

    columns = []
    for column in schema:
        kind = column.type
        if pa.types.is_timestamp(kind):
            kind = pa.timestamp("us", "UTC" if kind.tz else None)
        elif pa.types.is_integer(kind) and kind != pa.uint64():
            kind = pa.int64()
        elif pa.types.is_floating(kind) or pa.types.is_decimal(kind):
            kind = pa.float64()
        elif pa.types.is_large_string(kind):
            kind = pa.string()
        columns.append(pa.field(column.name, kind))
    return pa.schema(columns)


def _is_null(kind: Any) -> bool:
    return str(kind) == "null"


def _is_number(kind: Any) -> bool:
    return str(kind) in ("int64", "double")


def _days(days: Ints) -> Iterator[tuple[int, int]]:
    """Stretches of rows of one day."""
    cuts = [0, *(int(cut) for cut in np.flatnonzero(np.diff(days)) + 1), len(days)]
    return pairwise(cuts) if len(days) else iter(())
