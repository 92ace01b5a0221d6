"""Opening: which files, of which kind, with which columns; no row is read but a small sample."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pandas as pd

from metrics.files import EventTableError, PathLike, refuse, refuse_all
from metrics.files.finding import _files as list_files
from metrics.files.names import Rename, check_rename, read_rename
from metrics.files.values import tidy
from metrics.periods import zone
from metrics.store.columns import json_id, trimmed, typed, written_time
from metrics.store.layout import SAMPLE, Layout, check_case, check_times, names_of, plausible, selected, together
from metrics.store.parquet import bounds, parquet_columns, parquet_layout, read_footers, stamp
from metrics.store.presence import presence
from metrics.store.session import read_memory, read_threads, session
from metrics.store.source import EventSource, explained, version_of
from metrics.store.written import Head, csv_layouts, decimal_commas, json_layouts, read_head, with_points

if TYPE_CHECKING:
    import duckdb

KINDS = {"parquet": "Parquet", "csv": "delimited text", "json": "JSON"}


def open_events(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    memory: str | int | None = None,
    threads: int | None = None,
) -> EventSource:
    r"""What happened, without loading it?

    For events larger than memory. Metrics take the result as they take an event
    table and read from disk what they need. Columns are found by their usual
    names as `read_events` finds them, and values mean the same, except that

    - rows are taken as they are: duplicates stay, and nobody is stitched;
    - a row without a user, an event or a time is not left out: a metric that
      meets one raises an `EventTableError`;
    - times are ISO 8601 or typed (no numbers since 1970, no ``31.03.2024``);
    - what a property of CSV or JSON holds is told by the first 1,000 rows; a
      metric that reads it raises where a later row does not fit;
    - properties of JSON are those that the first rows have, and objects and
      lists in them are text as they are written;
    - ids in Parquet are not freed of blanks around them.

    `write_events` has none of these limits; it writes once what opens fast.

    Parameters
    ----------
    path
        A file, a folder (read through), a glob, or a list of these: Parquet, or
        CSV, or JSON lines or arrays, these also packed by gzip or Zstandard.
        Files of one kind; their columns are united by name.
    rename
        Their names for columns to ours: ``{"kunde": "user_id"}`` or ``["kunde=user_id"]``.
    timezone
        Zone of times written without one, ``"Europe/Berlin"``; ``"UTC"`` costs least.
    memory
        What reading may use, ``"2 GB"``. By default a quarter of what is free.
        What does not fit is spilled into the folder for temporary files.
    threads
        How many may read. By default as many as there are processors.

    Returns
    -------
    EventSource

    Raises
    ------
    EventTableError
        No file, files of several kinds, a column missing or of a type that cannot be trusted.
    ValueError
        An argument is wrong.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "visits.csv"
    >>> _ = file.write_text("User,action,time,amount\n007,visit,2026-01-05T09:00+01:00,3.50\n")
    >>> source = open_events(file)
    >>> source.columns["user_id"], source.columns["amount"], source.rows
    ('VARCHAR', 'DOUBLE', 1)
    >>> with source.reading() as connection:
    ...     connection.execute(f"SELECT user_id, event, epoch_us(timestamp) FROM {source.sql()}").fetchall()
    [('007', 'visit', 1767600000000000)]
    """
    if timezone is not None:
        zone(timezone, "timezone")
    declared = read_rename(rename)
    limit, cpus = read_memory(memory), read_threads(threads)
    files = _list(path)
    versions = tuple(map(version_of, files))
    heads = _heads(files)
    kind = heads[0].kind
    with explained(files, limit, versions), session(limit, cpus) as con:
        if kind == "parquet":
            query, clean, rows, span, kept = _typed(con, files, declared, timezone)
        else:
            query = _written(con, heads, declared, timezone)
            clean, span, kept = False, None, ""
            rows = sum(max(0, head.rows - (kind == "csv")) for head in heads)  # one line is the header
        columns = {name: told for name, told, *_ in con.execute(f"DESCRIBE {query}").fetchall()}
    return EventSource(files, kind, columns, clean, rows, limit, cpus, span, f"({query})", kept, versions)


def _list(paths: PathLike | Sequence[PathLike]) -> tuple[str, ...]:
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not given:
        raise EventTableError("No file was given: the list of paths is empty. Name at least one file.")
    files = [file for one in given for file in list_files(one)]
    seen = set()
    for file in files:
        if file.resolve() in seen:
            raise refuse(str(file), "is given twice", "Name each file once, or its rows would count double.")
        seen.add(file.resolve())
    return tuple(str(file) for file in files)


def _heads(files: Sequence[str]) -> list[Head]:
    heads, kinds, errors = [], [], []
    for file in files:
        try:
            heads.append(read_head(file))
            kinds.append(heads[-1].kind)
        except EventTableError as error:
            errors.append(error)
    if errors:
        raise refuse_all(errors)
    for head, kind in zip(heads, kinds, strict=True):
        if kind != kinds[0]:
            reason = f"is {KINDS[kind]}, and {heads[0].file} is {KINDS[kinds[0]]}"
            raise refuse(head.file, reason, "Open files of one kind together.")
    return heads


def _typed(
    con: "duckdb.DuckDBPyConnection", files: Sequence[str], rename: Mapping[str, str] | None, timezone: str | None
) -> tuple[str, bool, int, tuple[pd.Timestamp, pd.Timestamp] | None, str]:
    """The query for Parquet files, whether all rows are proven good, how many there are, their span and presence."""
    footers = read_footers(files)
    layout = parquet_layout(footers)
    _check_rename(rename, [layout])
    names = names_of(layout, rename)
    columns, clean = parquet_columns(con, layout, names, footers, timezone)
    low, high = bounds(footers, names.ours["timestamp"]) if clean else (None, None)
    span = None if low is None else (stamp(low), stamp(high))
    query = selected(columns, layout.scan)
    kept = presence(files) if clean and all(names.ours[name] == name for name in ("user_id", "timestamp")) else ""
    return query if clean else plausible(query), clean, footers.rows, span, kept


def _written(
    con: "duckdb.DuckDBPyConnection", heads: Sequence[Head], rename: Mapping[str, str] | None, timezone: str | None
) -> str:
    """The query for CSV or JSON: one for all files that are written alike, united by the names of the columns."""
    if heads[0].kind == "json":
        layouts, frame = json_layouts(heads, con)
        samples = [frame] * len(layouts)
    else:
        layouts = csv_layouts(heads)
        samples = [_sample(con, layout) for layout in layouts]
    _check_rename(rename, layouts)
    named = [names_of(layout, rename) for layout in layouts]
    every = (name for names in named for name in [*names.ours, *names.properties])
    check_case(every, together([head.file for head in heads]))
    commas = [decimal_commas(layout, sample) for layout, sample in zip(layouts, samples, strict=True)]
    seen: dict[str, list[pd.Series]] = {}
    for sample, names, some in zip(samples, named, commas, strict=True):
        for name, theirs in names.properties.items():
            seen.setdefault(name, []).append(with_points(sample[theirs]) if theirs in some else sample[theirs])
    queries = []
    for layout, names, some in zip(layouts, named, commas, strict=True):
        columns = {}
        for name, theirs in names.ours.items():
            sql = layout.fields[theirs]
            if name == "timestamp":
                columns[name] = written_time(sql, timezone)
                check_times(con, layout, sql, columns[name], timezone, theirs)
            else:
                columns[name] = json_id(sql) if heads[0].kind == "json" and name != "event" else trimmed(sql)
        for name, theirs in names.properties.items():
            whole = tidy(pd.concat(seen[name], ignore_index=True).rename(name))
            is_json = heads[0].kind == "json"  # there a text without letters is written as one, not left out
            columns[name] = typed(layout.fields[theirs], whole, name, comma=theirs in some, blanks=is_json)
        queries.append(selected(columns, layout.scan))
    return plausible(" UNION ALL BY NAME ".join(queries))


def _sample(con: "duckdb.DuckDBPyConnection", layout: Layout) -> pd.DataFrame:
    rows = con.execute(f"{selected(layout.fields, layout.glance)} LIMIT {SAMPLE}").fetchall()
    return pd.DataFrame(rows, columns=list(layout.fields), dtype="str")


def _check_rename(rename: Mapping[str, str] | None, layouts: Sequence[Layout]) -> None:
    found = {name for layout in layouts for name in layout.fields}
    inner = {name.removeprefix("properties.") for layout in layouts for name in layout.nested}
    check_rename(rename, found | inner)
