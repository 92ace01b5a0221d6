"""Reading: many generic files by one list of columns, as one table."""

from collections.abc import Mapping, Sequence

import pandas as pd

from metrics.files.batches import batches_of, read_batch
from metrics.files.delimited import read_delimited
from metrics.files.finding import Source
from metrics.files.json_records import read_json
from metrics.files.kinds import as_utf8, kind_of
from metrics.files.names import Column, check_rename
from metrics.files.parquet import read_parquet
from metrics.files.raw import RawTable
from metrics.files.refusal import EventTableError, refuse_all
from metrics.files.shaping import FILE, Shaped, shape
from metrics.files.values import tidy


def read_raw(source: Source, *, delimiter: str | None = None, encoding: str | None = None) -> RawTable:
    """Read one file of a generic kind, told by its content: Parquet, JSON or delimited text."""
    kind = kind_of(source.head(), source.name)
    if kind == "parquet":
        return read_parquet(source)
    data = as_utf8(source.read(), source.name, encoding)
    if kind == "json":
        return read_json(data, source.name)
    return read_delimited(data, source.name, delimiter=delimiter)


def read_rows(
    sources: Sequence[Source],
    columns: Sequence[Column],
    *,
    rename: Mapping[str, str] | None = None,
    timezone: str | None = None,
    time_format: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of all files in our columns, and the rejected ones; files that cannot be read are refused together."""
    parts: list[tuple[RawTable, Shaped]] = []
    errors: list[EventTableError] = []
    found: list[str] = []
    left = list(sources)
    for batch in batches_of(sources) if encoding is None else ():
        raw = read_batch(batch)
        if raw is None:
            continue
        try:  # what is wrong with one of them is found when they are read one by one
            shaped = shape(raw, columns, file=batch[0].name, rename=rename, timezone=timezone, time_format=time_format)
        except EventTableError:
            continue
        if not {source.name for source in batch} <= set(shaped.rows[FILE]):
            continue  # nothing of a file can be used: say why
        found.extend([*raw.frame.columns, *(name.removeprefix("properties.") for name in raw.nested)])
        parts.append((raw, shaped))
        together_read = {source.name for source in batch}
        left = [source for source in left if source.name not in together_read]
    for source in left:
        try:
            raw = read_raw(source, delimiter=delimiter, encoding=encoding)
            found.extend([*raw.frame.columns, *(name.removeprefix("properties.") for name in raw.nested)])
            shaped = shape(raw, columns, file=source.name, rename=rename, timezone=timezone, time_format=time_format)
            parts.append((raw, shaped))
        except EventTableError as error:
            errors.append(error)
    if found:
        check_rename(rename, found)
    if errors:
        raise refuse_all(errors)
    return together(parts)


def together(parts: Sequence[tuple[RawTable, Shaped]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of many files as one table, properties typed over all of them, and all rejected rows."""
    kinds: dict[str, list[Shaped]] = {}
    for raw, shaped in parts:
        kinds.setdefault(raw.kind, []).append(shaped)
    properties = list(dict.fromkeys(name for _, shaped in parts for name in shaped.properties))
    pieces = []
    for some in kinds.values():
        piece = pd.concat([shaped.rows for shaped in some], ignore_index=True) if len(some) > 1 else some[0].rows
        pieces.append(piece.assign(**{name: tidy(piece[name]) for name in properties if name in piece}))
    rows = concat(pieces)
    return rows, pd.concat([shaped.rejected for _, shaped in parts], ignore_index=True)


def concat(pieces: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Stack tables; a column of several types, or absent in some, gets the plainest type that fits."""
    pieces = [piece for piece in pieces if len(piece)] or list(pieces[:1])
    if len(pieces) == 1:
        return pieces[0]
    names = list(dict.fromkeys(name for piece in pieces for name in piece))
    columns = {}
    for name in names:
        kinds = {str(piece[name].dtype) if name in piece else "absent" for piece in pieces}
        parts = [piece[name] if name in piece else pd.Series([None] * len(piece), dtype=object) for piece in pieces]
        if len(kinds) > 1:
            parts = [part.astype(object) for part in parts]
        column = pd.concat(parts, ignore_index=True)
        columns[name] = tidy(column.where(column.notna(), None)) if len(kinds) > 1 else column
    return pd.DataFrame(columns)
