"""Checking: what would an analyst want to know before trusting an event table?

Nothing is mended and nothing raises: each finding is counted and shown by an
example, and what is found may be right. A table with naive times, blank ids or
missing columns is exactly what this is for.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from metrics.files import several
from metrics.files.refusal import shorten
from metrics.files.times import EARLIEST, LATEST
from metrics.periods import instant

BUSY = 10  # rows on a usual day, below which a short first or last day says nothing
PLACEHOLDERS = {"null", "none", "nan", "na", "n/a", "undefined", "unknown", "anonymous", "0", "-", r"\n"}
OF_ROWS = [  # problems of single rows in a clean table, in the order in which they are told
    "placeholder user_id", "user_id like a decimal number", "received before it happened", "duplicate event_id",
    "exact duplicate", "same user and instant",
]  # fmt: skip
IN_DAYS = {"day without events", "no events before as_of"}
KEY = ["user_id", "event", "timestamp"]


@dataclass(frozen=True)
class Finding:
    """Rows that share a problem."""

    problem: str
    rows: int
    example: str


def check_events(events: pd.DataFrame, *, as_of: str | pd.Timestamp | None = None) -> pd.DataFrame:
    """What is odd about these events?

    Parameters
    ----------
    events
        An event table, also one with faults.
    as_of
        First moment not observed, UTC where no zone is written. With it, events
        at or after it are found, and days before it without any.

    Returns
    -------
    DataFrame, one row per problem found, none for a table without any
        problem  str     missing column, blank user_id, blank event, no timestamp, placeholder user_id,
                         user_id like a decimal number, time without a zone, time that is not a time,
                         implausible time, at or after as_of, received before it happened, duplicate event_id,
                         exact duplicate, same user and instant, day without events, no events before as_of,
                         first day cut, last day cut
        rows     int     rows with it (days, for days without events)
        share    0 to 1  rows / rows of the table (days / days of its span)
        example  str

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05", "2026-01-05", "2026-01-07"], utc=True)
    >>> log = pd.DataFrame({"user_id": ["ann", "ann", " "], "event": "visit", "timestamp": at})
    >>> check_events(log)[["problem", "rows"]]
                  problem  rows
    0       blank user_id     1
    1     exact duplicate     1
    2  day without events     1
    """
    return _table(list(_findings(events, as_of)), len(events), _span(_times(events)))


def check_chunks(chunks: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """As `check_events`, of a clean event table in time order that comes a chunk at a time.

    Rows of one instant may be in two chunks. Ids of events, which a load makes different, are not compared.
    """
    seen: dict[str, Finding] = {}
    days: dict[pd.Timestamp, int] = {}
    rows = 0
    first: Any = None
    last: Any = None
    for chunk in _at_instants(chunks):
        times = chunk["timestamp"]
        first, last = times.iloc[0] if first is None else first, times.iloc[-1]
        for day, n in times.dt.floor("D").value_counts().items():
            days[day] = days.get(day, 0) + int(n)
        for finding in (*_ids(chunk, rows), *_clock(chunk, times, None, rows), *_repeats(chunk, rows)):
            known = seen.get(finding.problem, Finding(finding.problem, 0, finding.example))
            seen[finding.problem] = replace(known, rows=known.rows + finding.rows)
        rows += len(chunk)
    findings = sorted(seen.values(), key=lambda finding: OF_ROWS.index(finding.problem))
    if first is not None:
        findings.extend(_calendar(pd.Series(days).sort_index(), first, last))
    return _table(findings, rows, (last.floor("D") - first.floor("D")).days + 1 if first is not None else 0)


def _at_instants(chunks: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """The same rows, all of one instant in one chunk."""
    held: pd.DataFrame | None = None
    for chunk in chunks:
        both = chunk if held is None or held.empty else pd.concat([held, chunk], ignore_index=True)
        cut = int(both["timestamp"].searchsorted(both["timestamp"].iloc[-1])) if len(both) else 0
        if cut:
            yield both[:cut].reset_index(drop=True)
        held = both[cut:]
    if held is not None and len(held):
        yield held.reset_index(drop=True)


def _table(findings: Sequence[Finding], rows: int, days: int) -> pd.DataFrame:
    table = pd.DataFrame([vars(finding) for finding in findings], columns=["problem", "rows", "example"])
    whole = [days if problem in IN_DAYS else rows for problem in table["problem"]]
    share = [found / n if n else float("nan") for found, n in zip(table["rows"], whole, strict=True)]
    table.insert(2, "share", pd.Series(share, dtype="float64"))
    return table.astype({"problem": "str", "rows": "int64", "example": "str"})


def _findings(events: pd.DataFrame, as_of: str | pd.Timestamp | None) -> Iterator[Finding]:
    for name in KEY:
        if name not in events:
            yield Finding("missing column", len(events), name)
    yield from _ids(events)
    times = _times(events)
    yield from _clock(events, times, as_of)
    yield from _repeats(events)
    known = None if times is None else times.dropna()
    if known is not None and len(known):
        yield from _calendar(known.dt.floor("D").value_counts().sort_index(), known.min(), known.max())
    if as_of is not None and times is not None and times.notna().any():
        yield from _silence(times.max(), pd.Timestamp(instant(as_of), unit="us", tz="UTC"))


def _silence(last: pd.Timestamp, end: pd.Timestamp) -> Iterator[Finding]:
    """An export that ends long before `as_of` makes everybody look silent."""
    days = (end - last).days
    if days >= 1:
        yield Finding("no events before as_of", days, f"last row {last:%Y-%m-%d %H:%M} UTC")


def _ids(events: pd.DataFrame, before: int = 0) -> Iterator[Finding]:
    for name in ("user_id", "event"):
        if name in events:
            yield from _found(events, f"blank {name}", _blank(events[name]), before)
    if "user_id" in events:
        text = events["user_id"].astype("str").str.strip().str.lower()
        blank = _blank(events["user_id"])
        yield from _found(events, "placeholder user_id", text.isin(PLACEHOLDERS).to_numpy(bool) & ~blank, before)
        decimal = text.str.fullmatch(r"\d+\.0|\d(\.\d+)?e\+?\d+").fillna(False).to_numpy(bool)
        yield from _found(events, "user_id like a decimal number", decimal & ~blank, before)


def _clock(
    events: pd.DataFrame, times: pd.Series | None, as_of: str | pd.Timestamp | None, before: int = 0
) -> Iterator[Finding]:
    if times is None:
        return
    column = events["timestamp"]
    missing = column.isna().to_numpy(bool)
    yield from _found(events, "no timestamp", missing, before)
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        naive = np.array([_is_naive(value) for value in column]) if column.dtype == object else _all_naive(column)
        yield from _found(events, "time without a zone", naive & ~missing, before)
        yield from _found(events, "time that is not a time", times.isna().to_numpy(bool) & ~missing, before)
    strange = times.notna() & ~times.between(EARLIEST, LATEST, inclusive="left")
    yield from _found(events, "implausible time", strange.to_numpy(bool), before)
    if as_of is not None:
        end = pd.Timestamp(instant(as_of), unit="us", tz="UTC")
        yield from _found(events, "at or after as_of", (times >= end).to_numpy(bool), before)
    if "received_at" in events:
        received = _utc(events["received_at"])
        yield from _found(events, "received before it happened", (received < times).to_numpy(bool), before)


def _repeats(events: pd.DataFrame, before: int = 0) -> Iterator[Finding]:
    if "event_id" in events:
        again = events["event_id"].duplicated().to_numpy(bool) & ~_blank(events["event_id"])
        yield from _found(events, "duplicate event_id", again, before)
    if not all(name in events for name in KEY):
        return
    plain = events.apply(lambda column: column.astype("str") if column.dtype == object else column)
    same = plain.duplicated().to_numpy(bool)
    yield from _found(events, "exact duplicate", same, before)
    known = ~_blank(events["user_id"]) & events["timestamp"].notna().to_numpy(bool)
    different = plain[known & ~same]
    tied = np.zeros(len(events), bool)
    tied[np.flatnonzero(known & ~same)] = different.duplicated(["user_id", "timestamp"], keep=False).to_numpy(bool)
    yield from _found(events, "same user and instant", tied, before)


def _calendar(per_day: pd.Series, first: pd.Timestamp, last: pd.Timestamp) -> Iterator[Finding]:
    """Days are UTC days; an edge is cut if its day has less than half the rows of a usual one."""
    present = pd.DatetimeIndex(per_day.index)
    span = (present[-1] - present[0]).days + 1
    if len(present) < span and span < 36_525:
        gaps = pd.date_range(present[0], present[-1], freq="D").difference(present)
        yield Finding("day without events", len(gaps), f"{gaps[0]:%Y-%m-%d}")
    if len(present) < 3:
        return
    usual = per_day.drop([present[0], present[-1]]).median()
    for name, day, at in (("first day cut", present[0], first), ("last day cut", present[-1], last)):
        if usual >= BUSY and per_day[day] < usual / 2:
            yield Finding(
                name,
                int(per_day[day]),
                f"{at:%Y-%m-%d %H:%M} UTC; {several(per_day[day], 'row', 'rows')}, {usual:,.0f} on a usual day",
            )


def _found(events: pd.DataFrame, problem: str, hit: Any, before: int) -> Iterator[Finding]:
    """The rows that are hit; `before` these events stand others."""
    if hit.any():
        at = int(np.flatnonzero(hit)[0])
        fields = [name for name in (*KEY, "event_id", "received_at") if name in events]
        row = ", ".join(f"{name} {str(events[name].iloc[at])!r}" for name in fields)
        yield Finding(problem, int(hit.sum()), shorten(f"row {before + at}: {row}", 160))


def _blank(column: pd.Series) -> Any:
    return (column.isna() | (column.astype("str").str.strip() == "")).to_numpy(bool)


def _times(events: pd.DataFrame) -> pd.Series | None:
    return _utc(events["timestamp"]) if "timestamp" in events else None


def _utc(column: pd.Series) -> pd.Series:
    """Times as UTC as far as they can be read; naive ones are taken for UTC here, only to look at them."""
    if pd.api.types.is_numeric_dtype(column.dtype):
        return pd.Series(pd.NaT, index=column.index, dtype="datetime64[us, UTC]")
    return pd.to_datetime(column, utc=True, errors="coerce", format=None if column.dtype.kind == "M" else "mixed")


def _is_naive(value: Any) -> bool:
    if isinstance(value, str):
        stamp = pd.to_datetime(value, errors="coerce")
        return bool(pd.notna(stamp) and stamp.tzinfo is None)
    return hasattr(value, "tzinfo") and value.tzinfo is None


def _all_naive(column: pd.Series) -> Any:
    if column.dtype.kind == "M":
        return np.ones(len(column), bool)
    if isinstance(column.dtype, pd.StringDtype):
        has_zone = column.str.strip().str.fullmatch(r".*\d(\s?([Zz]|UTC|GMT)|[+-]\d{2}:?\d{2})").fillna(False)
        return ~has_zone.to_numpy(bool) & _utc(column).notna().to_numpy(bool)
    return np.zeros(len(column), bool)


def _span(times: pd.Series | None) -> int:
    known = None if times is None else times.dropna()
    if known is None or known.empty:
        return 0
    return int((known.max().floor("D") - known.min().floor("D")).days) + 1
