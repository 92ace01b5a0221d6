"""Stickiness: on how many days of the range did each user come?"""

from typing import Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from metrics.engine import Cut, Events, Mark, Reading, Rows, Span, by_user, each_group, in_groups, stacked
from metrics.engine.local import Columns
from metrics.files import several
from metrics.intervals import add_rate
from metrics.periods import Calendar, Period, WeekStart, When, spoken
from metrics.results import keys, result
from metrics.steps import EventChoice, Step, as_step

HowOften: TypeAlias = Literal["at_least", "at_most", "exactly"]
_END_OF_TIME = "9999-01-01"
_MOST = 1_000_000
_COLUMNS = ["active_periods", "users", "share", "share_low", "share_high", "users_at_least"]


def stickiness(
    events: Events,
    *,
    as_of: When | None = None,
    event: EventChoice = None,
    period: Period = "day",
    criterion: tuple[HowOften, int] = ("at_least", 1),
    by: str | list[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    unit: str = "user_id",
    tz: str = "UTC",
    week_start: WeekStart = "monday",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """On how many days (weeks, months) of the range was each user active?

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource`, a Spark DataFrame, or `user_days`.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read. Default: all are.
    event
        What counts as activity: an event's name, a `Step`, or None for any.
    period
        ``"hour"``, ``"day"``, ``"week"``, ``"month"``, ``"quarter"`` or ``"year"`` on the clocks of `tz`.
    criterion
        How many rows make a period an active one: ``("at_least", 3)``, ``("at_most", 1)``, ``("exactly", 2)``. A period
        without any never counts.
    by
        Property column or list, read from the unit's first row with `event` in all history: a unit stays in its group,
        so that the groups add up to all. Missing is a group of its own.
    since, until
        Half-open range; only rows inside it count, also in a period that it cuts. Default: from the first to the last.
    unit
        Column whose distinct values are counted.
    tz, week_start
        Zone in which periods are cut; weeks start ``"monday"`` (default) or ``"sunday"``.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row per number of periods, from 1 to those in the range (and group)
        active_periods   1, 2, …
        users            count   active in exactly so many periods
        share (…)        0 to 1  users / all (of the group) who were active in any, Wilson
        users_at_least   count   active in so many or more

    Raises
    ------
    ValueError
        A criterion that is none, an event that no row has.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05 ann visit
    ...     2026-01-06 ann visit
    ...     2026-01-07 ben visit
    ... ''')
    >>> stickiness(log)[["active_periods", "users", "users_at_least"]]
       active_periods  users  users_at_least
    0               1      1               2
    1               2      1               1
    2               3      0               0
    """
    how, times = _checked(criterion)
    span = Span.read(since=since, until=until, as_of=_END_OF_TIME if as_of is None else as_of, tz=tz)
    calendar, what = Calendar(period, tz, week_start), as_step(event, "event")
    edges = tuple(at for at, given in ((span.since, since), (span.until, until)) if given is not None)
    plain = (how, times) == ("at_least", 1)
    groups = keys(by, taken=[*_COLUMNS, "all"])  # and a name on the way
    cut = Cut(calendar, at=edges) if plain and not groups else None
    reading = Reading((Mark(what, "event", needed=True),), span.until, (unit,), groups=tuple(groups), cut=cut)
    answer = by_user(
        events, reading, in_groups, ungrouped=_counts_of, what=what, calendar=calendar, span=span, how=how, times=times
    )
    counts = pd.DataFrame(answer.columns)
    seen = counts["active_periods"] > 0
    first = span.since if since is not None else None
    last = span.until - 1 if until is not None or as_of is not None else None
    lows, highs = counts.loc[seen, "low"], counts.loc[seen, "high"]
    low = int(calendar.number(np.array([first]))[0]) if first is not None else int(lows.min()) if len(lows) else None
    high = int(calendar.number(np.array([last]))[0]) if last is not None else int(highs.max()) if len(highs) else None
    many = 0 if low is None or high is None else max(high - low + 1, 0)
    if many > _MOST:
        raise ValueError(f"The range has {many:,} {period}s. Use a longer period, or since and until.")
    tables = [(key, _by_number(columns, many)) for key, columns in each_group(answer, groups)]
    table = stacked(tables or [(dict.fromkeys(groups), _by_number(answer.columns, 0))], answer, groups)
    table = add_rate(table, "share", "users", "all", confidence)
    settings = {
        "event": what.label, "period": period, "criterion": f"{how} {times}",
        "as_of": None if as_of is None else spoken(span.as_of, tz), "tz": tz, "week_start": week_start,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz),
        "unit": unit, "by": groups or None, "confidence": confidence,
    }  # fmt: skip
    often = "" if plain else f" {how.replace('_', ' ')} {times} time{'s' if times != 1 else ''}"
    definition = (
        f"A {unit} was active in a {period} ({tz}) of the range in which it did {what.label}{often or ' at all'}. "
        f"Counted are those who were in exactly so many of {several(many, period, f'{period}s')}; the share is of "
        "all who were in any."
    )
    return result(table, metric="stickiness", definition=definition, settings=settings, columns=[*groups, *_COLUMNS])


def _by_number(counts: Columns, many: int) -> pd.DataFrame:
    """Units in exactly and in at least 1, 2, … `many` periods, and all of them."""
    users = np.bincount(counts["active_periods"], counts["users"], many + 1).astype(np.int64)[1 : many + 1]
    at_least = users[::-1].cumsum()[::-1]
    return pd.DataFrame(
        {"active_periods": np.arange(1, many + 1), "users": users, "users_at_least": at_least, "all": users.sum()}
    )


def _checked(criterion: tuple[HowOften, int]) -> tuple[HowOften, int]:
    good = isinstance(criterion, tuple | list) and len(criterion) == 2 and criterion[0] in get_args(HowOften)
    if not good or not isinstance(criterion[1], int | np.integer) or criterion[1] < 1:
        raise ValueError(
            f"criterion: {criterion!r} is none. Use ('at_least', n), ('at_most', n) or ('exactly', n), n from 1."
        )
    return criterion[0], int(criterion[1])


def _counts_of(rows: Rows, what: Step, calendar: Calendar, span: Span, how: HowOften, times: int) -> Columns:
    """Units by the number of their active periods, with the first and the last of all these periods."""
    use = rows.meets(0)
    if what.first_time_only:
        use = rows.first_of_unit(use)
    use = use & (rows.time >= span.since) & (rows.time < span.until)
    unit, period = rows.unit[use], rows.period(calendar)[use]
    if not len(period):
        return dict.fromkeys(["active_periods", "users", "low", "high"], period)
    first = np.flatnonzero(np.r_[True, (unit[1:] != unit[:-1]) | (period[1:] != period[:-1])])
    rows_of = np.diff(np.r_[first, len(unit)])
    enough = {"at_least": rows_of >= times, "at_most": rows_of <= times, "exactly": rows_of == times}[how]
    periods = np.bincount(unit[first][enough], minlength=1)
    users = np.bincount(periods[periods > 0], minlength=2)
    size = len(users)
    low, high = np.full(size, period.min()), np.full(size, period.max())
    return {"active_periods": np.arange(size), "users": users, "low": low, "high": high}
