"""Usage: what share of those who are active uses a feature, period by period?

Counts of use rise with the number of users; the share of the active does not, so that it can be set before and after a
change of the feature.
"""

import numpy as np
import pandas as pd

from metrics.engine import Events, Mark, Reading, Rows, Span, by_user, each_group, in_groups, stacked
from metrics.engine.local import Columns
from metrics.intervals import add_rate, no_denominator
from metrics.periods import Calendar, Ints, Period, WeekStart, When, spoken
from metrics.results import blank, keys, result, too_few
from metrics.steps import EventChoice, Step, as_step

_RATE = ["usage_rate", "usage_rate_low", "usage_rate_high"]
_COLUMNS = ["period_start", "users", "used", *_RATE, "complete", "reason"]


def feature_usage(
    events: Events,
    *,
    feature: EventChoice,
    as_of: When,
    period: Period = "week",
    by: str | list[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    min_n: int = 10,
    unit: str = "user_id",
    tz: str = "UTC",
    week_start: WeekStart = "monday",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of the active uses a feature, in each period?

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    feature
        The event that is the use of the feature: a name or a `Step`.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    period
        ``"hour"``, ``"day"``, ``"week"``, ``"month"``, ``"quarter"`` or ``"year"`` on the clocks of `tz`.
    by
        Property column or list, read from the unit's first row in all history: a unit stays in its group, so that the
        groups add up to all. Missing is a group of its own.
    since, until
        Half-open range; a period that it touches is taken whole. Default: first row to `as_of`.
    min_n
        A rate over fewer users is NA with the reason ``below_min_n``; its counts stand.
    unit
        Column whose distinct values are counted.
    tz, week_start
        Zone in which periods are cut; weeks start ``"monday"`` (default) or ``"sunday"``.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start    local time in `tz`
        users           count   active: with a row of any kind in the period
        used            count   of these, used the feature in it
        usage_rate (…)  0 to 1  used / users, Wilson
        complete        bool    the period is over at `as_of`
        reason          text    ``zero_denominator`` or ``below_min_n`` where there is no rate

    Raises
    ------
    ValueError
        A feature that no row has.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05  ann  visit
    ...     2026-01-06  ann  search
    ...     2026-01-07  ben  visit
    ... ''')
    >>> feature_usage(log, feature="search", as_of="2026-01-12", min_n=1)[["users", "used", "usage_rate"]]
       users  used  usage_rate
    0      2     1         0.5
    """
    span, calendar = Span.read(since=since, until=until, as_of=as_of, tz=tz), Calendar(period, tz, week_start)
    what = as_step(feature, "feature")
    marks = (Mark(Step(None), "events"), Mark(what, "feature", needed=True))
    groups = keys(by, taken=_COLUMNS)
    reading = Reading(marks, span.as_of, (unit,), groups=tuple(groups))
    answer = by_user(events, reading, in_groups, ungrouped=_use_of, what=what, calendar=calendar)
    seen, last = answer.columns["period"], int(calendar.number(np.array([span.until - 1]))[0])
    first = int(seen.min()) if len(seen) else last + 1
    if since is not None:
        first = int(calendar.number(np.array([span.since]))[0])
    number = calendar.between(first, last) if span.since < span.until else np.arange(0)  # else nothing is observed yet
    tables = [(key, _by_period(columns, number)) for key, columns in each_group(answer, groups)]
    table = stacked(tables or [(dict.fromkeys(groups), _by_period(answer.columns, number[:0]))], answer, groups)
    number = table["period_start"].to_numpy(np.int64)
    table["period_start"] = calendar.start(number)
    table = add_rate(table, "usage_rate", "used", "users", confidence)
    table["complete"] = calendar.begins(number + 1) <= span.as_of
    table["reason"] = too_few(no_denominator(table["users"]), table["users"], min_n)
    table = blank(table, table["reason"].notna(), _RATE)
    settings = {
        "feature": what.label, "period": period, "as_of": spoken(span.as_of, tz), "tz": tz, "unit": unit,
        "by": groups or None, "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz), "min_n": min_n, "confidence": confidence,
    }  # fmt: skip
    definition = f"Of each {unit} with a row of any kind in the {period} ({tz}), the share that did {what.label} in it."
    return result(table, metric="feature_usage", definition=definition, settings=settings, columns=[*groups, *_COLUMNS])


def _by_period(use: Columns, number: Ints) -> pd.DataFrame:
    """Units that were there in each period reported, and those of them that used the feature."""
    table = pd.DataFrame(use).groupby("period")[["users", "used"]].sum().reindex(number, fill_value=0).astype(np.int64)
    return table.rename_axis("period_start").reset_index()


def _use_of(rows: Rows, what: Step, calendar: Calendar) -> Columns:
    """A row for each unit and period in which it was there, and whether it used the feature."""
    used = rows.meets(1)
    if what.first_time_only:
        used = rows.first_of_unit(used)
    period = rows.period(calendar)
    if not len(period):
        return {"period": period, "users": period, "used": period}
    new = np.r_[True, (rows.unit[1:] != rows.unit[:-1]) | (period[1:] != period[:-1])]
    begins = np.flatnonzero(new)
    return {
        "period": period[begins],
        "users": np.ones(len(begins), np.int64),
        "used": np.maximum.reduceat(used.astype(np.int64), begins),
    }
