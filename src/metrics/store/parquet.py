"""Parquet: typed columns as they lie, and what the statistics in the files prove about them without reading a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.files import EventTableError, refuse, refuse_all
from metrics.files.times import EARLIEST, LATEST
from metrics.store.columns import (
    FIRST,
    LAST,
    filled,
    listed,
    literal_path,
    local_time,
    quoted,
    whole_microseconds,
    written_time,
)
from metrics.store.layout import Layout, Names, check_case, check_times, together

if TYPE_CHECKING:
    import duckdb

MARK = b"metrics.events"  # in the schema of a file that `write_events` wrote
STRINGS = ("string", "large_string", "string_view")


@dataclass(frozen=True)
class Footers:
    """What stands at the ends of Parquet files: the schema and the sizes and bounds of each part."""

    files: Sequence[str]
    schemas: Sequence[Any]
    metadata: Sequence[Any]

    @property
    def rows(self) -> int:
        """Number of rows, exactly."""
        return sum(one.num_rows for one in self.metadata)

    @property
    def marked(self) -> bool:
        """Whether all of it was written by `write_events`."""
        return all(MARK in (schema.metadata or {}) for schema in self.schemas)


def read_footers(files: Sequence[str]) -> Footers:
    """Read the footer of each file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schemas, metadata, errors = [], [], []
    for file in files:
        try:
            with pq.ParquetFile(file) as opened:
                schemas.append(opened.schema_arrow)
                metadata.append(opened.metadata)
            check_case(schemas[-1].names, file)
        except (pa.ArrowException, OSError):
            errors.append(refuse(file, "is a Parquet file cut short or damaged", "Export or copy it again."))
        except EventTableError as error:
            errors.append(error)
    if errors:
        raise refuse_all(errors)
    return Footers(files, schemas, metadata)


def parquet_layout(footers: Footers) -> Layout:
    """The columns of the files, united by name; a `properties` struct is opened one level."""
    import pyarrow as pa

    alike = all(schema.equals(footers.schemas[0]) for schema in footers.schemas)
    options = "" if alike else ", union_by_name = true"
    scan = f"read_parquet({listed(map(literal_path, footers.files))}, hive_partitioning = false{options})"
    fields: dict[str, str] = {}
    nested = []
    for schema in footers.schemas:
        for column in schema:
            if column.name == "properties" and pa.types.is_struct(column.type):
                for child in column.type:
                    fields[f"properties.{child.name}"] = f"{quoted('properties')}.{quoted(child.name)}"
                    nested.append(f"properties.{child.name}")
            else:
                fields[column.name] = quoted(column.name)
    return Layout(together(footers.files), scan, fields, nested=frozenset(nested))


def parquet_columns(
    con: "duckdb.DuckDBPyConnection", layout: Layout, names: Names, footers: Footers, timezone: str | None
) -> tuple[dict[str, str], bool]:
    """The SQL of each column, and whether it is proven that no row lacks a user, an event or a time."""
    import pyarrow as pa

    columns: dict[str, str] = {}
    proven = True
    for ours, theirs in names.ours.items():
        kind = _kind(footers, theirs)
        sql = layout.fields[theirs]
        if ours == "timestamp" and pa.types.is_string(kind):
            sql, sure = written_time(sql, timezone), False
            check_times(con, layout, layout.fields[theirs], sql, timezone, theirs)
        elif ours == "timestamp":
            sql, sure = _time(sql, kind, theirs, layout, footers, timezone)
        else:
            sql, sure = _id(sql, kind, theirs, layout, footers)
        columns[ours] = sql
        proven = proven and (sure or ours not in ("user_id", "event", "timestamp"))
    return columns | {name: layout.fields[theirs] for name, theirs in names.properties.items()}, proven


def _kind(footers: Footers, name: str) -> Any:
    """The Arrow type of a column, the same in all files that have it."""
    import pyarrow as pa

    kinds: dict[str, Any] = {}
    for file, schema in zip(footers.files, footers.schemas, strict=True):
        outer, _, inner = name.partition(".")
        if name in schema.names:
            kind = schema.field(name).type
        elif inner and outer in schema.names:
            kind = schema.field(outer).type.field(inner).type
        else:
            continue
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        plain = pa.string() if str(kind) in STRINGS else pa.int64() if pa.types.is_integer(kind) else kind
        kinds.setdefault(str(plain), plain)
        if len(kinds) > 1:
            raise refuse(file, f"column {name!r} is {kind} here, and {next(iter(kinds))} before", "Export them alike.")
    return next(iter(kinds.values()))


def _id(sql: str, kind: Any, name: str, layout: Layout, footers: Footers) -> tuple[str, bool]:
    import pyarrow as pa

    if pa.types.is_string(kind):
        low, high = bounds(footers, name)
        # A blank text begins with a blank, so it would lie outside of these bounds.
        sure = isinstance(low, str) and low >= FIRST and high < LAST
        return (sql, True) if sure or (footers.marked and low is not None) else (filled(sql), False)
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return f"CAST({sql} AS VARCHAR)", bounds(footers, name)[0] is not None
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        reason = f"column {name!r} holds decimal numbers ({kind}), not ids; large ones have lost their last digits"
        raise refuse(layout.name, reason, "Export the column as text or whole numbers.")
    raise refuse(layout.name, f"column {name!r} holds {kind}, not text", "Export the column as text.")


def _time(sql: str, kind: Any, name: str, layout: Layout, footers: Footers, timezone: str | None) -> tuple[str, bool]:
    import pyarrow as pa

    if pa.types.is_timestamp(kind) and kind.tz is not None:
        low, high = bounds(footers, name)
        sure = low is not None and stamp(low) >= EARLIEST and stamp(high) < LATEST
        if kind.unit == "ns":
            sql = f"make_timestamptz({whole_microseconds(sql)})"
        return sql, sure
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        if timezone is None:
            raise refuse(
                layout.name,
                f"times in column {name!r} have no zone",
                "Say in which zone they were written, such as timezone='Europe/Berlin'.",
            )
        fine = pa.types.is_timestamp(kind) and kind.unit == "ns"
        wall = f"make_timestamp({whole_microseconds(sql)})" if fine else f"CAST({sql} AS TIMESTAMP)"
        return local_time(wall, timezone, is_date=pa.types.is_date(kind)), False
    raise refuse(
        layout.name,
        f"column {name!r} holds {kind}, not times",
        "Write it to a store with metrics.write_events, which reads numbers since 1970.",
    )


def bounds(footers: Footers, name: str) -> tuple[Any, Any]:
    """Least and greatest value of a column; None where the statistics tell less, or a value is missing."""
    low: Any = None
    high: Any = None
    for metadata in footers.metadata:
        paths = [metadata.schema.column(i).path for i in range(metadata.num_columns)]
        if name not in paths:
            return None, None
        at = paths.index(name)
        for part in range(metadata.num_row_groups):
            group = metadata.row_group(part)
            facts = group.column(at).statistics
            if group.num_rows == 0:
                continue
            if facts is None or not facts.has_min_max or not facts.has_null_count or facts.null_count:
                return None, None
            low = facts.min if low is None else min(low, facts.min)
            high = facts.max if high is None else max(high, facts.max)
    return low, high


def stamp(value: Any) -> pd.Timestamp:
    """A bound of a time column as an instant."""
    time = pd.Timestamp(value)
    return time.tz_localize("UTC") if time.tzinfo is None else time.tz_convert("UTC")
