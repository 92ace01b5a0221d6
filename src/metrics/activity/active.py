"""Active users: how many did something today, this week, this month?"""

from collections.abc import Collection, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from metrics.engine import (
    Cut,
    Events,
    Mark,
    Reading,
    Rows,
    Span,
    by_user,
    changes,
    each_group,
    in_groups,
    only,
    stacked,
)
from metrics.engine.local import Columns
from metrics.intervals import add_rate, no_denominator
from metrics.periods import Calendar, Ints, When, spoken
from metrics.results import blank, keys, result
from metrics.steps import EventChoice, Step, as_step

_NAMES = {1: "daily", 7: "weekly", 28: "monthly", 30: "monthly", 31: "monthly"}
_RATE = ["stickiness_rate", "stickiness_rate_low", "stickiness_rate_high"]


def active_users(
    events: Events,
    *,
    as_of: When,
    event: EventChoice = None,
    windows: Sequence[int] = (1, 7, 30),
    by: str | list[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    unit: str = "user_id",
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many were active on each day, and in the days up to it?

    Daily are the distinct units with a row on that local day, weekly those with one on it or the six days before,
    monthly on it or the 29 days before. Days are dates on the clocks of `tz`: that of a clock change has 23 or 25
    hours. Days without anybody have their row too.

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource`, a Spark DataFrame, or `user_days`.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    event
        What counts as activity: an event's name, a `Step`, or None for any.
    windows
        Lengths of the windows in days, growing: each ends with the day itself.
    by
        Property column or list, read from the unit's first row with `event` in all history: a unit stays in its group,
        so that the groups add up to all. Missing is a group of its own.
    since, until
        Half-open range of the days reported. Default: first row to `as_of`. Earlier rows count in the windows.
    unit
        Column whose distinct values are counted.
    tz
        Zone in which days are cut.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row per day (and group)
        date                     local date in `tz`
        daily, weekly, monthly   count   active in the 1, 7 and 28 to 31 days that end with this one; another window
                                         of n days is ``active_n_days``
        stickiness_rate (…)      0 to 1  units of the shortest window / those of the longest, Wilson
        complete                 bool    the day is over at `as_of`
        reason                   text    ``incomplete_period`` or ``zero_denominator`` where there is no rate

    In the first days of an export the longer windows reach back before its beginning: they hold too few, and
    stickiness comes out too high, until the longest window has passed.

    Raises
    ------
    ValueError
        Windows that are no growing whole numbers, an event that no row has.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05 ann visit
    ...     2026-01-06 ben visit
    ...     2026-01-06 ann visit
    ...     2026-01-08 cat visit
    ...     2026-01-08 dan visit
    ... ''')
    >>> active_users(log, as_of="2026-01-09")[["date", "daily", "weekly", "stickiness_rate"]]
            date  daily  weekly  stickiness_rate
    0 2026-01-05      1       1              1.0
    1 2026-01-06      2       2              1.0
    2 2026-01-07      0       2              0.0
    3 2026-01-08      2       4              0.5
    """
    lengths = _checked(windows)
    names = [_NAMES.get(length, f"active_{length}_days") for length in lengths]
    if len(set(names)) < len(names):  # 28 and 30
        names = [_NAMES[n] if n in (1, 7) else f"active_{n}_days" for n in lengths]
    groups = keys(by, taken=["date", *names, *_RATE, "complete", "reason"])
    span, days = Span.read(since=since, until=until, as_of=as_of, tz=tz), Calendar("day", tz)
    what = as_step(event, "event")
    cut = None if groups else Cut(days)
    reading = Reading((Mark(what, "event", needed=True),), span.as_of, (unit,), groups=tuple(groups), cut=cut)
    answer = by_user(events, reading, in_groups, ungrouped=_arrivals_of, what=what, days=days, windows=tuple(lengths))
    number = _days(answer.columns["day"], span, days, ranged=since is not None)
    moves = [(key, _levels(columns, number, names, lengths)) for key, columns in each_group(answer, groups)]
    table = stacked(
        moves or [(dict.fromkeys(groups), _levels(answer.columns, number[:0], names, lengths))], answer, groups
    )
    day = table["date"].to_numpy(np.int64)
    table["date"] = days.start(day)
    table = add_rate(table, "stickiness_rate", names[0], names[-1], confidence)
    table["complete"] = days.begins(day + 1) <= span.as_of
    table["reason"] = no_denominator(table[names[-1]]).mask(~table["complete"], "incomplete_period")
    table = blank(table, table["reason"].notna(), _RATE)
    settings = {
        "event": what.label, "windows": lengths, "period": "day", "as_of": spoken(span.as_of, tz), "tz": tz,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz),
        "unit": unit, "by": groups or None, "confidence": confidence,
    }  # fmt: skip
    named = list(zip(lengths, names, strict=True))
    said = [f"{name}: on the day" if n == 1 else f"{name}: in the {n} days up to it" for n, name in named]
    definition = (
        f"Distinct {unit} that did {what.label}, by local day ({tz}); {', '.join(said)}. "
        f"Stickiness is {names[0]} / {names[-1]}."
    )
    return result(table, metric="active_users", definition=definition, settings=settings)


def _checked(windows: Sequence[int]) -> list[int]:
    listed = not isinstance(windows, str) and isinstance(windows, Collection)
    whole = listed and all(isinstance(n, int | np.integer) and n > 0 for n in windows)
    if not whole or len(windows) < 2 or not all(a < b for a, b in pairwise(windows)):
        raise ValueError(f"windows: {windows!r} are not growing numbers of days. Use two or more, such as (1, 7, 30).")
    return [int(n) for n in windows]


def _days(day: Ints, span: Span, days: Calendar, *, ranged: bool) -> Ints:
    """The days reported: from `since` or else the first with a row, to the last one observed."""
    if (ranged and span.since >= span.until) or not (ranged or len(day)):  # nothing of the range is observed yet
        return np.arange(0)
    first = int(days.number(np.array([span.since]))[0]) if ranged else int(day.min())
    return np.arange(first, int(days.number(np.array([span.until - 1]))[0]) + 1)


def _levels(moves: Columns, number: Ints, names: list[str], lengths: list[int]) -> pd.DataFrame:
    """Units in each window at the end of each day, from those who came and those who dropped out of it."""
    columns = ["came", *(f"left {length}" for length in lengths)]
    moved = pd.DataFrame(moves).groupby("day")[columns].sum()
    if len(number):
        moved = moved.reindex(
            np.arange(min(moved.index.min(), number[0]) if len(moved) else number[0], number[-1] + 1), fill_value=0
        )
    level = moved.cumsum().reindex(number)
    table = pd.DataFrame({"date": number})
    for name, length in zip(names, lengths, strict=True):
        table[name] = (level["came"] - level[f"left {length}"]).to_numpy(np.int64)
    return table


def _arrivals_of(rows: Rows, what: Step, days: Calendar, windows: tuple[int, ...]) -> Columns:
    """By day: units that were there, and for each window those that drop out of it."""
    use = rows.meets(0)
    if what.first_time_only:
        use = rows.first_of_unit(use)
    unit, day = only(use, rows.unit, rows.period(days))
    if not len(day):
        return {"day": day, "came": day, **{f"left {length}": day for length in windows}}
    unit, day = only(changes(unit, day), unit, day)
    begin, longest = int(day.min()), windows[-1]
    # A day counts until the window has passed, or until the unit's next day takes over.
    gap = np.full(len(day), longest)
    np.minimum(day[1:] - day[:-1], longest, out=gap[:-1])
    gap[:-1][unit[1:] != unit[:-1]] = longest
    last = int(day.max()) - begin
    came = np.bincount((day - begin) * (longest + 1) + gap, minlength=(last + 1) * (longest + 1))
    came = came.reshape(last + 1, longest + 1)  # days x gaps
    counts = {"came": np.r_[came.sum(axis=1), np.zeros(longest, np.int64)]}
    leaves = np.arange(last + 1)[:, None] + np.arange(longest + 1)
    for length in windows:
        left = np.minimum(leaves, np.arange(last + 1)[:, None] + length)
        counts[f"left {length}"] = np.bincount(left.ravel(), came.ravel(), last + longest + 1).astype(np.int64)
    return {"day": np.arange(begin, begin + last + longest + 1), **counts}
