"""Churn without a contract: who stopped coming?

Without a contract nobody says goodbye, so leaving is an absence: a unit is active at an instant if it did something in
the `inactive_for` before it, and has churned in a period if it was active at its start and is not at its end. A period
that is not over has no rate yet.
"""

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
from metrics.periods import Calendar, Ints, Period, WeekStart, When, duration, spoken
from metrics.results import blank, keys, result, too_few
from metrics.steps import EventChoice, Mask, Step, as_step

_COUNTS = ["users", "churned", "reactivated", "new"]
_RATE = ["churn_rate", "churn_rate_low", "churn_rate_high"]


def churn_rate(
    events: Events,
    *,
    as_of: When,
    event: EventChoice = None,
    inactive_for: str = "30 days",
    period: Period | None = "month",
    min_n: int = 10,
    by: str | list[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    unit: str = "user_id",
    tz: str = "UTC",
    week_start: WeekStart = "monday",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of the active leaves in each period?

    A unit is active at an instant t if it has a row in [t - `inactive_for`, t). Of those active at a period's start,
    the ones not active at its end have churned. With the other two movements, users + new + reactivated - churned is
    the next period's users. In an export that begins in the middle of a product's life the first periods know too few
    of those who were active, and least of those about to leave: their rates come out low.

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    event
        What counts as activity: an event's name, a `Step`, or None for any.
    inactive_for
        Silence after which a unit no longer counts as active: ``"30 days"``.
    period
        ``"day"``, ``"week"``, ``"month"``, ``"quarter"``, ``"year"`` on the clocks of `tz`; None: all of
        `since` to `until` as one.
    min_n
        A rate over fewer units is NA with the reason ``below_min_n``; its counts stand.
    by
        Property column or list, read from the unit's first row with `event` in all history: a unit stays in its group,
        so that the groups add up to all. Missing is a group of its own.
    since, until
        Half-open range; a period that it touches is taken whole. Default: first row to `as_of`.
    unit
        Column whose distinct values are counted.
    tz, week_start
        Zone in which periods are cut; weeks start ``"monday"`` (default) or ``"sunday"``.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start      local time in `tz`; absent with ``period=None``
        users             count   active at the start
        churned           count   of these, not active at the end (at `as_of` if the period is not over)
        reactivated       count   active at the end, not at the start, seen before the period
        new               count   active at the end, first seen in the period
        churn_rate (…)    0 to 1  churned / users, Wilson
        complete          bool    the period is over at `as_of`
        reason            text    ``incomplete_period``, ``zero_denominator`` or ``below_min_n`` where there is no rate

    Raises
    ------
    ValueError
        An event that no row has, a span without a unit.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-20 ann use
    ...     2026-02-20 ann use
    ...     2026-01-25 ben use
    ... ''')
    >>> churn = churn_rate(log, inactive_for="30 days", since="2026-02-01", as_of="2026-03-01", min_n=1)
    >>> churn[["period_start", "users", "churned", "churn_rate"]]
      period_start  users  churned  churn_rate
    0   2026-02-01      2        1         0.5
    """
    span, silence = Span.read(since=since, until=until, as_of=as_of, tz=tz), duration(inactive_for, name="inactive_for")
    what = as_step(event, "event")
    calendar = None if period is None else Calendar(period, tz, week_start)
    if period is None:
        if since is None or until is None:
            raise ValueError("period=None measures from since to until as one. Give both, or a period.")
        if span.since >= span.as_of:
            raise ValueError(f"since {since!s} is not before as_of {as_of!s}: nothing of the range is observed yet.")
    at = (span.as_of,) if calendar is not None else (span.since, span.until)
    groups = keys(by, taken=["period_start", *_COUNTS, *_RATE, "complete", "reason"])
    cut = None if groups else Cut(calendar or Calendar("year", tz), (silence,), at)
    reading = Reading(
        (Mark(what, "event", needed=True),), span.as_of, (unit,), everything=True, groups=tuple(groups), cut=cut
    )
    answer = by_user(
        events, reading, in_groups, ungrouped=_movements_of, what=what, calendar=calendar, span=span, silence=silence
    )
    numbers = np.unique(answer.columns["period"])
    tables = [(key, _by_period(columns, numbers)) for key, columns in each_group(answer, groups)]
    table = stacked(tables or [(dict.fromkeys(groups), _by_period(answer.columns, numbers[:0]))], answer, groups)
    numbers = table["period_start"].to_numpy(np.int64)
    _, ends = _edges(numbers, calendar, span)
    if calendar is None:
        table = table.drop(columns="period_start")
    else:
        table["period_start"] = calendar.start(numbers)
    table = add_rate(table, "churn_rate", "churned", "users", confidence)
    table["complete"] = ends <= span.as_of if until is None or period else span.until == _asked(until, tz)
    reason = no_denominator(table["users"]).mask(~table["complete"], "incomplete_period")
    table["reason"] = too_few(reason, table["users"], min_n)
    table = blank(table, table["reason"].notna(), _RATE)
    settings = {
        "event": what.label, "inactive_for": inactive_for, "period": period, "as_of": spoken(span.as_of, tz), "tz": tz,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz),
        "unit": unit, "by": groups or None, "min_n": min_n, "confidence": confidence,
    }  # fmt: skip
    definition = (
        f"A {unit} is active at an instant if it did {what.label} in the {inactive_for} before; it has churned in a "
        f"{period or 'range'} if it was active at its start and is not at its end ({tz})."
    )
    return result(table, metric="churn_rate", definition=definition, settings=settings)


def _by_period(movements: Columns, numbers: Ints) -> pd.DataFrame:
    """Movements of the units in each period reported."""
    table = pd.DataFrame(movements).groupby("period")[_COUNTS].sum().reindex(numbers, fill_value=0).astype(np.int64)
    return table.rename_axis("period_start").reset_index()


def _asked(until: When, tz: str) -> int:
    """The end that was asked for, before `as_of` cut it."""
    return Span.read(since=None, until=None, as_of=until, tz=tz).as_of


def _movements_of(rows: Rows, what: Step, calendar: Calendar | None, span: Span, silence: int) -> Columns:
    use = rows.meets(0)
    if what.first_time_only:
        use = rows.first_of_unit(use)
    numbers = _numbers(rows.time, calendar, span)
    begins, ends = _edges(numbers, calendar, span)
    return {"period": numbers, **_movements(rows, use, begins, np.minimum(ends, span.as_of), silence)}


def _numbers(time: Ints, calendar: Calendar | None, span: Span) -> Ints:
    """Numbers of the periods from the start of the range (or the first row) to the last moment observed."""
    if calendar is None:
        return np.arange(1)
    ranged = span.since > -(2**62)
    if not ranged and not len(time):
        return np.arange(0)
    first = span.since if ranged else int(time.min())
    if first >= span.until:  # nothing of the range is observed yet
        return np.arange(0)
    low, high = calendar.number(np.array([first, span.until - 1]))
    return calendar.between(int(low), int(high))


def _edges(numbers: Ints, calendar: Calendar | None, span: Span) -> tuple[Ints, Ints]:
    """First instant of each period, and the first one after it."""
    if calendar is None:
        return np.array([span.since]), np.array([span.until])
    return calendar.begins(numbers), calendar.begins(numbers + 1)


def _movements(rows: Rows, use: Mask, begins: Ints, ends: Ints, silence: int) -> Columns:
    """Who was active at the edges of each period, and how that changed, by the rows `use`."""
    periods = len(begins)
    edges = np.r_[begins, ends[-1:]]
    unit, time, at = only(use, rows.unit, rows.time, np.arange(len(use)))
    new_unit = changes(unit)
    # A run is a stretch without a longer silence: its unit is active at the edges t with start < t <= end + silence.
    new_run = new_unit.copy()
    new_run[1:] |= time[1:] - time[:-1] > silence
    begin = np.flatnonzero(new_run)
    end = np.r_[begin[1:], len(unit)][: len(begin)] - 1
    low, high = rows.passed(edges, at[begin]), rows.passed(edges, at[end], silence)
    begin, low, high = only(high > low, begin, low, high)  # runs that hold an edge: those of `low` to `high` - 1
    who, first = unit[begin], np.flatnonzero(new_unit)
    since = np.zeros(len(rows.ids), np.int64)
    since[unit[first]] = time[first]
    known_since = since[who]
    # Leaving is the end of a run that no run of the same unit takes up by the period's end, and coming the reverse.
    same = who[1:] == who[:-1] if len(who) else np.zeros(0, bool)
    joined = same & (low[1:] == high[:-1])
    gone, come = ~np.r_[joined, False][: len(who)], ~np.r_[False, joined][: len(who)]
    gone, come = gone & (high <= periods), come & (low >= 1)
    new = come & (known_since >= edges[low - 1]) if len(who) else come
    count = np.bincount(low, minlength=periods + 2) - np.bincount(high, minlength=periods + 2)
    return {
        "users": np.cumsum(count)[:periods],
        "churned": np.bincount(high[gone] - 1, minlength=periods)[:periods],
        "reactivated": np.bincount(low[come & ~new] - 1, minlength=periods)[:periods],
        "new": np.bincount(low[new] - 1, minlength=periods)[:periods],
    }
