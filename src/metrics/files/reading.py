"""Reading: many generic files by one list of columns, as one table."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from metrics.files.column import Column
from metrics.files.delimited import read_delimited
from metrics.files.finding import Source
from metrics.files.json_records import read_json
from metrics.files.kinds import as_utf8, kind_of
from metrics.files.names import check_rename
from metrics.files.parquet import read_parquet
from metrics.files.raw import RawTable
from metrics.files.refusal import EventTableError, refuse_all
from metrics.files.shaping import FILE, PLACE, Shaped, shape
from metrics.files.small import alike, read_together
from metrics.files.told import ALL_FILES
from metrics.files.values import as_words, tidy
from metrics.files.width import check_width


def read_raw(source: Source, *, delimiter: str | None = None, encoding: str | None = None) -> RawTable:
    """Read one file of a generic kind, told by its content: Parquet, JSON or delimited text."""
    kind = "parquet" if source.table is not None else kind_of(source.head(), source.name)
    if kind == "parquet":
        raw = read_parquet(source)
    else:
        data = as_utf8(source.read(), source.name, encoding)
        if kind == "json":
            raw = read_json(data, source.name, is_part=source.is_part, told=source.told, lines=source.lines)
        else:
            commas = None if source.told is None else source.told.commas.get(source.name)
            raw = read_delimited(data, source.name, delimiter=delimiter, skipped=source.skipped, commas=commas)
            return replace(raw, told=source.told)
    broken = [one._replace(line=one.line + source.skipped) for one in raw.broken] if source.skipped else raw.broken
    return replace(raw, lines=raw.lines + source.skipped, broken=broken, told=source.told)


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
    how: dict[str, Any] = {"rename": rename, "timezone": timezone, "time_format": time_format}
    parts: list[tuple[RawTable, Shaped]] = []
    errors: list[EventTableError] = []
    found: list[str] = []
    told = sources[0].told
    for batch in alike(sources) if encoding is None and delimiter is None else [[source] for source in sources]:
        both = _at_once(batch, columns, how) if len(batch) > 1 else None
        for source in batch if both is None else ():
            try:
                raw = read_raw(source, delimiter=delimiter, encoding=encoding)
                found.extend(_names(raw))
                parts.append((raw, shape(raw, columns, file=source.name, **how)))
            except EventTableError as error:
                errors.append(error)
        if both is not None:
            found.extend(_names(both[0]))
            if told is not None:
                told.columns.setdefault("", {}).update(dict.fromkeys(found, False))
            parts.append(both)
    if told is None and found:
        check_rename(rename, found)
    if errors:
        raise refuse_all(errors)
    return together(parts, () if told is None else told.texts)


def _at_once(
    batch: Sequence[Source], columns: Sequence[Column], how: Mapping[str, Any]
) -> tuple[RawTable, Shaped] | None:
    """Small files as one; None where they have to be read one by one to say what is wrong with one of them."""
    raw = read_together(batch)
    if raw is None:
        return None
    try:
        shaped = shape(raw, columns, file=batch[0].name, **how)
    except EventTableError:
        return None
    names = {source.name for source in batch}
    return (raw, shaped) if names <= set(shaped.rows[FILE].unique()) else None


def _names(raw: RawTable) -> list[str]:
    return [*map(str, raw.frame.columns), *(name.removeprefix("properties.") for name in raw.nested)]


def together(
    parts: Sequence[tuple[RawTable, Shaped]], texts: Collection[str] = ()
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of many files as one table, properties typed over all of them, and all rejected rows."""
    kinds: dict[str, list[Shaped]] = {}
    for raw, shaped in parts:
        kinds.setdefault(raw.kind, []).append(shaped)
    wide = dict.fromkeys(str(name) for shaped in kinds.get("json", []) for name in shaped.rows)
    check_width([name for name in wide if name not in PLACE], ALL_FILES)
    properties = list(dict.fromkeys(name for _, shaped in parts for name in shaped.properties))
    pieces = []
    for some in kinds.values():
        piece = pd.concat([shaped.rows for shaped in some], ignore_index=True) if len(some) > 1 else some[0].rows
        own = set(properties)
        plain = {
            name: (as_words if name in texts else tidy)(column) if name in own else column
            for name, column in piece.items()
        }
        pieces.append(pd.DataFrame(plain, index=piece.index))
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
