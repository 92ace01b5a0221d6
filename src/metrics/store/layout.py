"""Layout: files of one kind that are written alike, and which of their columns is which of ours."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from metrics.exports.generic import COLUMNS
from metrics.files import refuse
from metrics.files.names import assign, rename_columns
from metrics.files.times import EARLIEST, IMPLAUSIBLE, LATEST, NO_TIME, NO_ZONE, read_times
from metrics.store.columns import quoted

if TYPE_CHECKING:
    import duckdb

SAMPLE = 1_000  # rows looked at to tell what a column written as text holds
ELSEWHERE = "Write it to a store with metrics.write_events, which reads every form that read_events reads."


@dataclass(frozen=True)
class Layout:
    """Files written alike: the text after FROM that reads them, and the SQL of each column as they have it."""

    name: str  # as shown to people
    scan: str
    fields: dict[str, str]
    glance: str = ""  # the same for a look at the first rows, where that can be had for less
    nested: frozenset[str] = field(default_factory=frozenset)  # columns that stand inside `properties`


@dataclass(frozen=True)
class Names:
    """Which column of a layout is which: `ours` those of the event table, the rest properties, by their new names."""

    ours: dict[str, str]
    properties: dict[str, str]


def names_of(layout: Layout, rename: Mapping[str, str] | None) -> Names:
    """Name the columns as `read_events` does: by `rename`, else by their usual names; all others are properties."""
    plain = {name.removeprefix("properties."): name for name in layout.nested}
    declared = {plain.get(key, key) if key not in layout.fields else key: new for key, new in (rename or {}).items()}
    found = list(layout.fields)
    renamed = rename_columns(found, declared, layout.name)
    theirs = dict(zip(renamed, found, strict=True))
    chosen = assign(COLUMNS, renamed, layout.name, inner=layout.nested)
    used = set(chosen.values())
    ours = {column.name for column in COLUMNS}
    properties: dict[str, str] = {}
    for name in renamed:
        if name not in used:
            inner = name.removeprefix("properties.") if name in layout.nested else name
            taken = inner in ours or inner in properties or (inner != name and inner in renamed)
            properties[f"properties.{inner}" if taken else inner] = theirs[name]
    check_case([*chosen, *properties], layout.name)
    return Names({name: theirs[there] for name, there in chosen.items()}, properties)


def check_case(names: Iterable[str], file: str) -> None:
    """Refuse columns that differ in nothing but capitals, which no database can tell apart."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise refuse(file, f"has columns {other!r} and {name!r}, alike but for capitals", "Rename one of them.")


def selected(columns: Mapping[str, str], scan: str) -> str:
    """A query for columns, by their names."""
    return "SELECT " + ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items()) + f" FROM {scan}"


def plausible(query: str) -> str:
    """A query with a time before 1990 or after 2099, which no event has, made NULL."""
    bounds = [f"TIMESTAMPTZ '{bound:%Y-%m-%d %H:%M:%S}+00'" for bound in (EARLIEST, LATEST)]
    time = f"CASE WHEN timestamp >= {bounds[0]} AND timestamp < {bounds[1]} THEN timestamp END"
    return f"SELECT * REPLACE ({time} AS timestamp) FROM ({query})"


def check_times(
    con: "duckdb.DuckDBPyConnection", layout: Layout, written: str, read: str, timezone: str | None, column: str
) -> None:
    """Refuse a column of written times that DuckDB reads otherwise than `read_events`, as far as a sample shows."""
    query = f"SELECT CAST({written} AS VARCHAR), epoch_us({read}) FROM {layout.glance or layout.scan} LIMIT {SAMPLE}"
    rows = con.execute(query).fetchall()
    texts = pd.Series([value for value, _ in rows], dtype="str", name=column)
    times = read_times(texts, timezone=timezone, time_format=None, file=layout.name)
    reasons = pd.Series(times.reason, dtype=object)
    blank = reasons.isin([NO_TIME, IMPLAUSIBLE]).to_numpy(bool)
    filled = int((~blank).sum())
    naive = (reasons == NO_ZONE).to_numpy(bool)
    if filled and naive.sum() == filled:
        raise refuse(
            layout.name,
            f"times in column {column!r} have no zone (such as {texts[naive].iloc[0]!r})",
            "Say in which zone they were written, such as timezone='Europe/Berlin'.",
        )
    ours = pd.Series([value for _, value in rows], dtype="Int64")
    theirs = times.utc.astype("int64").astype("Int64").mask(times.utc.isna())
    same = (ours == theirs).fillna(False) | (ours.isna() & theirs.isna())
    differs = ~blank & ~same.to_numpy(bool)
    if differs.any() or (filled and theirs.isna().all()):
        example = texts[differs if differs.any() else ~blank].iloc[0]
        raise refuse(
            layout.name,
            f"column {column!r} holds times that are not ISO 8601 (such as {example!r})",
            ELSEWHERE,
        )


def together(names: Sequence[str]) -> str:
    """One name for several files."""
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1:,} more"
