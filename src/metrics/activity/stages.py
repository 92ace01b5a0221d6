"""Lifecycle: of those who are here, who is new, who stayed, who came back, and who is gone?"""

from typing import Literal, TypeAlias

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
from metrics.intervals import ratio
from metrics.periods import Calendar, Ints, Period, WeekStart, When, one_of, spoken
from metrics.results import keys, result
from metrics.steps import EventChoice, Step, as_step

NewBy: TypeAlias = Literal["event", "any"]
_COUNTS = ["new", "returning", "resurrected", "dormant", "active"]


def lifecycle(
    events: Events,
    *,
    as_of: When,
    event: EventChoice = None,
    period: Period = "week",
    new_by: NewBy = "event",
    by: str | list[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    unit: str = "user_id",
    tz: str = "UTC",
    week_start: WeekStart = "monday",
) -> pd.DataFrame:
    """Who is new, who stayed, who came back, and who is gone, period by period?

    Every active unit is one of three: new (for the first time ever), returning (active in the period before too) or
    resurrected (neither). Dormant are those who were active in the period before and are not in this one, each in the
    first period of their silence only. So in every row ``new + returning + resurrected = active``, and ``returning +
    dormant`` is the ``active`` of the row before.

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource`, a Spark DataFrame, or `user_days`.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    event
        What counts as activity: an event's name, a `Step`, or None for any.
    period
        ``"hour"``, ``"day"``, ``"week"``, ``"month"``, ``"quarter"`` or ``"year"`` on the clocks of `tz`.
    new_by
        ``"event"`` (default): new is who does `event` for the first time. ``"any"``: new is who is seen for the first
        time at all; who did something else in an earlier period is resurrected.
    by
        Property column or list, read from the unit's first row with `event` in all history: a unit stays in its group,
        so that the groups add up to all. Missing is a group of its own.
    since, until
        Half-open range reported; a period that it touches is taken whole. Earlier rows count as history. Default: first
        row to `as_of`.
    unit
        Column whose distinct values are counted.
    tz, week_start
        Zone in which periods are cut; weeks start ``"monday"`` (default) or ``"sunday"``.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start   local time in `tz`
        new            count   active, for the first time
        returning      count   active, and in the period before
        resurrected    count   active, not new, not in the period before
        dormant        count   not active, but in the period before; while the period runs, not active yet
        active         count   new + returning + resurrected
        complete       bool    the period is over at `as_of`
        quick_ratio    ratio   (new + resurrected) / dormant: above 1 more come than go
        reason         text    ``incomplete_period`` or ``no_losses`` where there is no ratio

    In an export that begins in the middle of a product's life the first periods take old users for new ones.

    Raises
    ------
    ValueError
        An event that no row has, a mode that does not exist.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05 ann use
    ...     2026-01-05 ben use
    ...     2026-01-06 ann use
    ...     2026-01-07 ben use
    ... ''')
    >>> lifecycle(log, period="day", as_of="2026-01-08")[["new", "returning", "resurrected", "dormant", "active"]]
       new  returning  resurrected  dormant  active
    0    2          0            0        0       2
    1    0          1            0        1       1
    2    0          0            1        1       1
    """
    one_of("new_by", new_by, NewBy)
    span, calendar = Span.read(since=since, until=until, as_of=as_of, tz=tz), Calendar(period, tz, week_start)
    what = as_step(event, "event")
    marks = [Mark(what, "event", needed=True)]
    if new_by == "any":
        marks.append(Mark(Step(None), "new_by"))
    groups = keys(by, taken=["period_start", *_COUNTS, "complete", "quick_ratio", "reason"])
    cut = None if groups else Cut(calendar)
    reading = Reading(tuple(marks), span.as_of, (unit,), groups=tuple(groups), cut=cut)
    answer = by_user(events, reading, in_groups, ungrouped=_stages_of, what=what, calendar=calendar, new_by=new_by)
    seen, number = answer.columns["period"], np.arange(0)
    if (since is not None or len(seen)) and (since is None or span.since < span.until):
        first = int(calendar.number(np.array([span.since]))[0]) if since is not None else int(seen.min())
        number = calendar.between(first, int(calendar.number(np.array([span.until - 1]))[0]))
    tables = [(key, _by_period(columns, number)) for key, columns in each_group(answer, groups)]
    table = stacked(tables or [(dict.fromkeys(groups), _by_period(answer.columns, number[:0]))], answer, groups)
    number = table["period_start"].to_numpy(np.int64)
    table["period_start"] = calendar.start(number)
    table["complete"] = calendar.begins(number + 1) <= span.as_of
    table["quick_ratio"] = ratio(table["new"] + table["resurrected"], table["dormant"])
    reason = pd.Series(pd.NA, index=table.index, dtype="str").mask(table["dormant"] == 0, "no_losses")
    table["reason"] = reason.mask(~table["complete"], "incomplete_period")
    table["quick_ratio"] = table["quick_ratio"].mask(table["reason"].notna())
    settings = {
        "event": what.label, "period": period, "new_by": new_by, "as_of": spoken(span.as_of, tz), "tz": tz,
        "week_start": week_start,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz),
        "unit": unit, "by": groups or None,
    }  # fmt: skip
    first_time = f"did {what.label}" if new_by == "event" else "was seen at all"
    definition = (
        f"A {unit} is active in a {period} ({tz}) in which it did {what.label}: new if it {first_time} for the first "
        f"time, returning if it was active in the {period} before, else resurrected. Dormant are those active in the "
        f"{period} before and not in this one."
    )
    return result(table, metric="lifecycle", definition=definition, settings=settings)


def _by_period(stages: Columns, number: Ints) -> pd.DataFrame:
    """Units of each stage in each period reported."""
    names = _COUNTS[:4]
    table = pd.DataFrame(stages).groupby("period")[names].sum().reindex(number, fill_value=0).astype(np.int64)
    table["active"] = table["new"] + table["returning"] + table["resurrected"]
    return table.rename_axis("period_start").reset_index()


def _stages_of(rows: Rows, what: Step, calendar: Calendar, new_by: NewBy) -> Columns:
    """Units of each stage by period."""
    use = rows.meets(0)
    if what.first_time_only:
        use = rows.first_of_unit(use)
    number = rows.period(calendar)
    unit, period = only(use, rows.unit, number)
    if not len(period):
        return dict.fromkeys(["period", *_COUNTS[:4]], period)
    unit, period = only(changes(unit, period), unit, period)
    begins = changes(unit)
    again = np.zeros(len(period), bool)
    again[1:] = ~begins[1:] & (period[1:] - period[:-1] == 1)
    fresh = begins if new_by == "event" else period == _first_seen(rows, number)[unit]
    stays = np.r_[again[1:], False]
    low = int(period.min())
    size = int(period.max()) - low + 2
    kind = fresh + 2 * again.view(np.int8) + 4 * stays.view(np.int8)
    count = np.bincount((period - low) * 8 + kind, minlength=size * 8).reshape(size, 2, 2, 2)  # by stays, again, fresh
    new, returning = count[..., 1].sum(axis=(1, 2)), count[:, :, 1].sum(axis=(1, 2))
    return {
        "period": np.arange(low, low + size),
        "new": new,
        "returning": returning,
        "resurrected": count.sum(axis=(1, 2, 3)) - new - returning,
        "dormant": np.r_[0, count[:-1, 0].sum(axis=(1, 2))],
    }


def _first_seen(rows: Rows, number: Ints) -> Ints:
    """The period of each unit's first row of any kind."""
    first = np.flatnonzero(np.r_[True, rows.unit[1:] != rows.unit[:-1]])
    found: Ints = number[first]
    return found
