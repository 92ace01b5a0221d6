"""Shaping: a raw table becomes rows of our columns, and rows that cannot be used, each with its reason.

This is the one place where a generic file, of events or of anything else, is
interpreted: names, ids, times, numbers.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metrics.files.amounts import read_written
from metrics.files.column import Column
from metrics.files.names import assign, rename_columns
from metrics.files.raw import RawTable
from metrics.files.times import NO_TIME, as_text, read_times
from metrics.files.told import ALL_FILES
from metrics.files.values import read_ids

AMBIGUOUS = "local time that comes twice at the clock change, the first one taken"
NO_NUMBER = "is not a number"  # as people write amounts
NOT_PLAIN = "is not a plain number"
DOUBTFUL = "could be thousands or decimals"
GROUPS = r"-?[1-9]\d{0,2}(\.\d{3})+"  # 1.234 and nothing behind it
FILE, LINE, NOTE = "_file", "_line", "_note"  # where a row was written, and what was decided about it
PLACE = (FILE, LINE, NOTE)


@dataclass
class Shaped:
    """Rows of one file in our columns (with its `PLACE`), and the rejected ones as they were written."""

    rows: pd.DataFrame
    rejected: pd.DataFrame
    properties: list[str]  # columns of `rows` that are the file's own


def shape(
    raw: RawTable,
    columns: Sequence[Column],
    *,
    file: str,
    rename: Mapping[str, str] | None = None,
    timezone: str | None = None,
    time_format: str | None = None,
) -> Shaped:
    """Interpret one file by the columns wanted; what else it has is kept as properties."""
    frame, nested = _of_all_pieces(raw, file)
    renamed = rename_columns([str(name) for name in frame.columns], _with_inner(rename, frame, nested), file)
    points = {new for name, new in zip(frame.columns, renamed, strict=True) if name in raw.points}
    frame = frame.set_axis(renamed, axis=1)
    chosen = assign(columns, renamed, file, inner=nested)

    rows: dict[str, Any] = {}
    reasons: Any = None
    ambiguous: Any = None
    currency: str | None = None
    for column in columns:
        if column.name not in chosen:
            continue
        source = frame[chosen[column.name]].rename(chosen[column.name])
        why = None
        if column.kind == "time":
            times = read_times(source, timezone=timezone, time_format=time_format, file=file)
            rows[column.name] = times.utc
            if raw.told is not None and times.units and raw.files is None:
                raw.told.counts(file, chosen[column.name], times.units)
            if not times.is_fine:
                ambiguous = times.ambiguous if ambiguous is None else ambiguous | times.ambiguous
                why = _named(times.reason, column)
        elif column.kind in ("number", "money"):
            rows[column.name], why, sign = _numbers(source, column, grouped=chosen[column.name] in points)
            currency = sign or currency
        elif column.kind in ("id", "text"):
            rows[column.name] = read_ids(source, file)
            if column.filled and rows[column.name].hasnans:
                why = _why(rows[column.name].isna(), f"no {column.name}")
        else:
            rows[column.name] = source.reset_index(drop=True)
        if why is not None:
            reasons = _first(reasons, why)
    for column in columns:
        if column.instead and column.name in rows and rows[column.name].hasnans:
            nobody = rows[column.name].isna()
            if column.instead in rows:
                nobody &= rows[column.instead].isna()
            reasons = _first(reasons, _why(nobody, f"no {column.name}")) if nobody.any() else reasons

    if currency and "currency" not in rows and any(column.name == "currency" for column in columns):
        rows["currency"] = pd.Series(currency, index=range(len(frame)), dtype="str")

    taken = {name: column for column, name in chosen.items()}
    ours = {column.name for column in columns}
    found = set(renamed)
    properties = []
    for name in renamed:
        if name not in taken:
            free = _free_name(name, nested, rows, found, ours)
            rows[free] = frame[name].reset_index(drop=True)
            taken[name] = free
            properties.append(free)
    if raw.told is not None:
        raw.told.takes(raw.told_as or file, taken)

    table = pd.DataFrame(rows, index=range(len(frame)))
    place: dict[str, Any] = {
        FILE: file if raw.files is None else raw.files,
        LINE: np.asarray(raw.lines, np.int64),
        NOTE: "" if ambiguous is None or not ambiguous.any() else np.where(ambiguous, AMBIGUOUS, ""),
    }
    table = table.assign(**place)
    bad = np.zeros(len(frame), bool) if reasons is None else ~pd.isna(reasons)
    original = {column.name: chosen.get(column.name) for column in columns if column.required}
    if not bad.any():
        nothing = (frame[:0], raw.lines[:0], np.array([], object), original, file)
        return Shaped(table, _rejected(raw, *nothing, file) if raw.broken else _none_rejected(original), properties)
    files = file if raw.files is None else raw.files[bad]
    rejected = _rejected(raw, frame[bad], raw.lines[bad], reasons[bad], original, file, files)
    return Shaped(table[~bad].reset_index(drop=True), rejected, properties)


def _of_all_pieces(raw: RawTable, file: str) -> tuple[pd.DataFrame, frozenset[str]]:
    """The table with the columns of all pieces of its file so far, and which of them stood inside `properties`."""
    if raw.told is None:
        return raw.frame, raw.nested
    frame = raw.frame
    if raw.kind == "json" and "properties" in frame and frame["properties"].isna().all():
        frame = frame.drop(columns="properties")  # whether they are objects is told by others
    names = list(map(str, frame.columns))
    if raw.kind == "json":
        raw.told.widens(file if raw.files is None else ALL_FILES, names)
    known = raw.told.names(raw.told_as or file, names, raw.nested)
    empty = pd.Series(None, index=frame.index, dtype=object)
    columns = {name: frame.get(name, empty) for name in known}
    return pd.DataFrame(columns, index=frame.index), frozenset(name for name, inside in known.items() if inside)


def _with_inner(rename: Mapping[str, str] | None, frame: pd.DataFrame, nested: frozenset[str]) -> dict[str, str]:
    """Let `rename` speak of a property by its plain name."""
    plain = {name.removeprefix("properties."): name for name in nested}
    return {plain.get(key, key) if key not in frame.columns else key: new for key, new in (rename or {}).items()}


def _free_name(name: str, nested: frozenset[str], rows: dict[str, Any], found: set[str], ours: set[str]) -> str:
    """Name of a property: its own, with `properties.` before it where that is taken, or empty."""
    plain = name.removeprefix("properties.") if name in nested else name
    taken = not plain or plain in ours or plain in rows or plain in PLACE or (plain != name and plain in found)
    return f"properties.{plain}" if taken else plain


def _named(reasons: Any, column: Column) -> Any:
    """Reasons of a time column, named after it; a blank is no fault where the column may be blank."""
    blank = reasons == NO_TIME
    reasons[blank] = None
    if column.name != "timestamp":
        reasons = np.array([None if reason is None else f"{column.name}: {reason}" for reason in reasons], object)
    reasons[blank] = f"no {column.name}" if column.filled else None
    return reasons


def _first(reasons: Any, why: Any) -> Any:
    """The reason that was found first of each row."""
    return why if reasons is None else np.where(pd.isna(reasons), why, reasons)


def _why(hit: pd.Series, reason: str) -> Any:
    why = np.full(len(hit), None, object)
    why[hit.to_numpy(bool)] = reason
    return why


def _numbers(source: pd.Series, column: Column, *, grouped: bool) -> tuple[pd.Series, Any, str | None]:
    """Numbers, why those that are missing are none, and the currency of their sign where they have one."""
    text = pd.Series(as_text(source.reset_index(drop=True)).to_pandas(), dtype="str").str.strip()
    blank = text.isna() | (text == "")
    numbers = pd.to_numeric(text.mask(blank), errors="coerce").astype("float64")
    numbers = numbers.where(np.isfinite(numbers))
    currency = None
    if column.kind == "money" and (numbers.isna() & ~blank).any():
        written, currency = read_written(text.mask(blank))
        numbers = written.fillna(numbers)
    wrong = NO_NUMBER if column.kind == "money" else NOT_PLAIN
    if grouped and (found := text.str.fullmatch(GROUPS)).any():
        whole = text.str.fullmatch(r"-?\d+")
        if (found | whole | blank).all():  # none shows what the point is
            numbers, wrong = numbers.mask(found), DOUBTFUL
    why = _why(numbers.isna() & ~blank, f"{column.name} {wrong}")
    why[(blank & column.filled).to_numpy(bool)] = f"no {column.name}"
    return numbers, why, currency


def _rejected(
    raw: RawTable, frame: pd.DataFrame, lines: Any, reasons: Any, original: dict[str, str | None], file: str, files: Any
) -> pd.DataFrame:
    """Rejected rows with the fields as they were written; a line that was no record has its text instead."""
    bad = pd.DataFrame({"file": files, "line": lines, "reason": reasons})
    for name, source in original.items():
        text = None if source is None else as_text(frame[source].reset_index(drop=True)).to_pylist()
        bad[name] = pd.Series(text, index=bad.index, dtype="str")
    bad["text"] = pd.Series(None, index=bad.index, dtype="str")
    broken = pd.DataFrame(raw.broken, columns=["line", "reason", "text", "file"])
    broken["file"] = [one.file or file for one in raw.broken]
    both = (
        pd.concat([part for part in (bad, broken) if len(part)], ignore_index=True) if len(bad) + len(broken) else bad
    )
    both = both.reindex(columns=["file", "line", "reason", *original, "text"]).sort_values(
        "line", kind="stable", ignore_index=True
    )
    return both.astype({"line": "int64", **dict.fromkeys(["file", "reason", *original, "text"], "str")})


def _none_rejected(original: Iterable[str]) -> pd.DataFrame:
    kinds = {"file": "str", "line": "int64", "reason": "str", **dict.fromkeys(original, "str"), "text": "str"}
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})
