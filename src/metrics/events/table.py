"""The event table: what every metric is handed, and what it must be."""

from typing import Any

import numpy as np
import pandas as pd

from metrics.files import EventTableError
from metrics.files.refusal import shorten
from metrics.files.times import UTC_TIME
from metrics.files.values import read_ids

REQUIRED = ("user_id", "event", "timestamp")


def conform(events: pd.DataFrame, *, look_for_blanks: bool = True) -> pd.DataFrame:
    """Is this an event table?

    An event table has `user_id` and `event` (text, never blank) and `timestamp`
    (an instant, never missing). Numbers and categories become text, times of
    any zone and unit become UTC in microseconds. The table handed in is never
    changed; one that is right already is handed back as it is.

    Parameters
    ----------
    events
        Any DataFrame with the three columns. No rows at all are fine.
    look_for_blanks
        Also refuse ids and names that are blank; a reader that looks for them on its way may leave that out.

    Returns
    -------
    DataFrame
        user_id    str
        event      str
        timestamp  datetime64[us, UTC]
        and all further columns as they were

    Raises
    ------
    EventTableError
        A column is missing, a time has no zone, ids or times are missing; all
        of it at once in `.problems`.

    Examples
    --------
    >>> import pandas as pd
    >>> at = pd.Timestamp("2026-01-05 09:00", tz="Europe/Berlin")
    >>> conform(pd.DataFrame({"user_id": [7], "event": ["visit"], "timestamp": [at]}))
      user_id  event                 timestamp
    0       7  visit 2026-01-05 08:00:00+00:00
    """
    if not isinstance(events, pd.DataFrame):
        raise EventTableError(
            f"events is a {type(events).__name__}, not a DataFrame. Read a file with metrics.read_events."
        )
    missing = [name for name in REQUIRED if name not in events.columns]
    if missing:
        shown = [str(name) for name in events.columns[:20]]
        raise EventTableError(
            f"events has no column {', '.join(missing)}. Its columns are {shown}. Rename with .rename(columns=...)."
        )
    twice = events.columns[events.columns.duplicated()]
    if len(twice):
        raise EventTableError(f"events has two columns called {twice[0]!r}. Drop one of them.")

    changed: dict[str, Any] = {}
    problems: list[dict[str, Any]] = []
    for name in ("user_id", "event"):
        column = events[name]
        if column.dtype != "str":
            column = changed[name] = _text(column)
        if not look_for_blanks:
            continue
        blank = (column.isna() | (column.str.strip() == "")).to_numpy(bool)
        if blank.any():
            problems.append(_problem(f"no {name}", blank, events))
    time = events["timestamp"]
    if str(time.dtype) != UTC_TIME:
        time = changed["timestamp"] = _instants(time)
    if time.hasnans:
        problems.append(_problem("no timestamp", time.isna().to_numpy(), events))
    if problems:
        first = problems[0]
        found = "; ".join(f"{p['rows']:,} of {len(events):,} rows have {p['reason']}" for p in problems)
        raise EventTableError(f"events: {found} (first: row {first['line'] - 1}). Drop or mend them before.", problems)
    return events.assign(**changed) if changed else events


def _text(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    return read_ids(column, "events").set_axis(column.index)


def _instants(column: pd.Series) -> pd.Series:
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        return pd.Series(column.dt.tz_convert("UTC").dt.as_unit("us"))
    if isinstance(column.dtype, pd.ArrowDtype) and getattr(column.dtype.pyarrow_dtype, "tz", None):
        column = column.astype(object)
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        raise EventTableError(
            "events: the times in 'timestamp' have no zone. Declare it: "
            "events.assign(timestamp=events['timestamp'].dt.tz_localize('Europe/Berlin'))."
        )
    values = column.dropna()
    if len(values) == 0:
        empty: pd.Series = pd.Series(pd.NaT, index=column.index, dtype=UTC_TIME)
        return empty
    if all(getattr(value, "tzinfo", None) is not None for value in values):
        instants: pd.Series = pd.to_datetime(column, utc=True).dt.as_unit("us")
        return instants
    kind = type(values.iloc[0]).__name__
    raise EventTableError(
        f"events: 'timestamp' holds {kind} ({shorten(values.iloc[0], 40)}), not times with a zone. "
        "Read the file with metrics.read_events, or use pd.to_datetime(..., utc=True)."
    )


def _problem(reason: str, hit: Any, events: pd.DataFrame) -> dict[str, Any]:
    at = int(np.flatnonzero(hit)[0])
    example = shorten(events.iloc[at][[name for name in REQUIRED if name in events]].to_dict())
    return {"file": "", "line": at + 1, "reason": reason, "rows": int(hit.sum()), "example": example}
