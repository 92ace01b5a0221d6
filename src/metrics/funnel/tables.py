"""Funnel: where do users drop on the way through the steps?

A unit (a user, unless told otherwise) enters with step 1 and counts by its best attempt. At every step there are three
outcomes: reached, dropped (the window is over and the step was not done) and open (the unit still has time at
`as_of`). An open window is no loss.
"""

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pandas as pd

from metrics import periods
from metrics.engine import Answer, Events, Rows, by_user
from metrics.engine.combinations import combinations
from metrics.engine.local import Columns
from metrics.funnel.attempts import Credited, credited, prepare, reading_of
from metrics.funnel.choices import Choices
from metrics.funnel.options import FunnelOptions, spell_out
from metrics.funnel.rates import finish
from metrics.intervals import add_rate
from metrics.periods import Calendar, Ints, Period, WeekStart, When
from metrics.results import keys, result
from metrics.steps import EventChoice


@spell_out
def conversion_funnel(
    events: Events, steps: Sequence[EventChoice], *, as_of: When, **options: Unpack[FunnelOptions]
) -> pd.DataFrame:
    """Where do users drop on the way through the steps?

    A unit enters with step 1. An attempt goes on to the earliest row that meets the next step, in order, other events
    between them allowed, all within `window` of step 1 (a row at its last instant still counts). Every step-1 row
    begins an attempt; the unit counts by the one that came furthest, then was completed first, then began last. One
    row serves one step. A window that is not over at `as_of` is open: neither a conversion nor a loss.

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    steps
        In order, each an event's name or a `Step`; at one with ``optional=True`` nobody is lost, and rates of the step
        after them are measured from the last one that is not.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    window
        Time from step 1 to the last step, in elapsed time: ``"14 days"`` (default), ``"36 hours"``.
    order
        ``"ordered"`` (default): other rows between the steps are fine. ``"strict"``: the next row of the unit must meet
        the next step, repeats of the step just reached apart. ``"unordered"``: any step enters, and step k is reached
        with k different ones.
    reentry
        ``"best"`` (default): the best attempt counts. ``"first"``: only the first entry of the range begins one.
    ties
        ``"allow"`` (default): rows of one instant may serve successive steps in any order of the file.
        ``"strict_increase"``: a step must be later than the one before.
    grace
        How long a step may lie before the one it follows, for clocks that disagree: ``"2 seconds"``.
    exclude
        List of (event, from_step, to_step): such a row after the one step and before the other voids the attempt (where
        the other is not reached, within the window). A unit with void attempts only is in `excluded`, at the step that
        it was on the way to, and in no other count.
    hold_constant
        Property columns that must stay the same through all steps: a unit is then each combination of their values.
    by, attribution, attribution_step
        Property column or list of them for a breakdown, and the row from which a unit's value is taken:
        ``"first_touch"`` (default, the first value on the rows of its attempt), ``"last_touch"``, ``"step"`` (number
        `attribution_step`), ``"entry"`` (the unit's first entry, whichever attempt counts) or ``"all_events"`` (one
        funnel over the rows of each value; a unit may be in several). All but ``"entry"`` and ``"all_events"`` read the
        attempt that counts: where a value changes, they sort units by what came of them (see `compare_funnels`).
    since, until, range_applies_to
        Half-open range in which an entry (default) or, with ``"all_steps"``, every step must lie.
    mature_only
        Count only entries whose window is over at `as_of`.
    counting
        ``"users"`` (default): a unit once, by its best attempt. ``"attempts"``: every attempt that begins after the one
        before was completed or its window was over; limits then allow for attempts of one unit being alike, and the
        censored rate has none while windows are open.
    unit
        Column whose distinct values are counted.
    tz
        Zone of dates in `since`, `until`, `as_of`.
    like
        A tool whose rules stand in for arguments that are not given: ``"posthog"``, ``"mixpanel"``, ``"amplitude"`` or
        ``"clickhouse"``; `funnel_presets` lists them.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per step (and group)
        step, event                  1, 2, …; the step in words
        users                        count   units that reached the step
        dropped                      count   reached the step before, window over
        open                         count   reached the step before, still have time
        excluded                     count   units on the way to the step with void attempts only; in no other count
        conversion_rate (_low/_high) 0 to 1  users / users at step 1, Wilson
        step_conversion_rate (…)     0 to 1  users / users of the step before, Wilson
        drop_off_rate                0 to 1  dropped / users of the step before
        censored_conversion_rate (…) 0 to 1  share that reaches the step within the window by Kaplan-Meier, open
                                             windows taken as not yet decided; log-log limits; NaN while nobody's
                                             window is over. Too high where many enter again and again: an open
                                             last attempt counts as a whole unit (not with ``reentry="first"``)
        mean_seconds, median_seconds, p25_seconds, p75_seconds, p90_seconds   seconds from the step before

    Raises
    ------
    ValueError
        A step that no row has, a window without a unit, a mode that does not exist.
    EventTableError
        `events` is no event table.

    Notes
    -----
    Wilson (1927), Journal of the American Statistical Association 22:209; Kaplan & Meier (1958), same 53:457.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01  ann  visit
    ...     2026-01-02  ann  buy
    ...     2026-01-01  ben  visit
    ...     2026-01-30  cat  visit
    ... ''')
    >>> funnel = conversion_funnel(log, ["visit", "buy"], window="7 days", as_of="2026-02-01")
    >>> funnel[["event", "users", "dropped", "open"]]
       event  users  dropped  open
    0  visit      3        0     0
    1    buy      1        1     1
    """
    choices = Choices(steps=steps, as_of=as_of, **options)
    by = keys(choices.by)
    one, answer = credited(events, choices)
    table = _by_group(one, answer, choices, by) if by else finish([one], choices)
    return result(table, metric="conversion_funnel", definition=choices.definition, settings=choices.settings)


def _by_group(one: Credited, answer: Answer, choices: Choices, by: list[str]) -> pd.DataFrame:
    """A funnel for each combination of values, in their order, missing ones last."""
    codes = [np.where(one.groups[name] < 0, len(answer.values(name)), one.groups[name]) for name in by]
    found, place = combinations(codes)
    small = place.astype(np.uint16) if found.shape[1] <= 2**16 else place
    members = np.split(np.argsort(small, kind="stable"), np.cumsum(np.bincount(place)))
    # Behind the last edge there is nobody; without any group there is a table of no rows all the same.
    table = finish((one.only(of_group) for of_group in members[: max(found.shape[1], 1)]), choices)
    for position, (name, codes) in enumerate(zip(by, found, strict=True)):
        table.insert(position, name, answer.value_of(name, np.repeat(codes, len(choices.path))).reindex(table.index))
    return table if found.shape[1] else table[:0]


@spell_out
def funnel_users(
    events: Events, steps: Sequence[EventChoice], *, as_of: When, **options: Unpack[FunnelOptions]
) -> pd.DataFrame:
    """Who stands behind the counts of a funnel?

    One row per unit that entered, with the attempt by which it counts. Arguments as in `conversion_funnel`.

    Returns
    -------
    DataFrame, one row per unit (per unit and group with ``attribution="all_events"``), sorted by unit
        user_id       the unit; the column has the name of `unit`
        step          count  furthest step, from 1; 0 if every attempt was void
        outcome       text   ``converted``, ``dropped``, ``open`` or ``excluded``
        entered_at    UTC    instant of step 1
        completed_at  UTC    instant of the last step, NaT unless converted
        step_times    list   instants of the steps reached

    Raises
    ------
    ValueError, EventTableError
        As `conversion_funnel`.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01 ann visit
    ...     2026-01-02 ann buy
    ...     2026-01-01 ben visit
    ... ''')
    >>> funnel_users(log, ["visit", "buy"], window="7 days", as_of="2026-02-01")[["user_id", "step", "outcome"]]
      user_id  step    outcome
    0     ann     2  converted
    1     ben     1    dropped
    """
    choices = Choices(steps=steps, as_of=as_of, **options)
    one, answer = credited(events, choices)
    level, stamps = one.level, one.times.view("M8[us]")
    last = max(k for k, step in enumerate(choices.path, start=1) if not step.optional)
    done, stopped = level >= last, np.where(one.reached, one.times, 0)
    table = pd.DataFrame({
        choices.unit: answer.labels(one.unit),
        **{name: answer.value_of(name, codes).array for name, codes in one.groups.items()},
        "step": np.where(one.void, 0, level),
        "outcome": np.select([one.void, done, one.open], ["excluded", "converted", "open"], "dropped"),
        "entered_at": pd.DatetimeIndex(stamps[0], tz="UTC"),
        "completed_at": pd.DatetimeIndex(stopped.max(axis=0).view("M8[us]"), tz="UTC").where(done & ~one.void),
    })  # fmt: skip
    times = pd.DatetimeIndex(stamps.T.ravel(), tz="UTC").to_numpy(object).reshape(stamps.T.shape)
    table["step_times"] = [
        [] if void else list(row[met]) for row, met, void in zip(times, one.reached.T, one.void, strict=True)
    ]
    order = [choices.unit, *one.groups, "entered_at", "completed_at", "step", "outcome"]
    table = table.sort_values(order, kind="stable")
    return result(table, metric="funnel_users", definition=choices.definition, settings=choices.settings)


@spell_out
def funnel_trend(
    events: Events,
    steps: Sequence[EventChoice],
    *,
    as_of: When,
    period: Period = "week",
    from_step: int = 1,
    to_step: int | None = None,
    week_start: WeekStart = "monday",
    **options: Unpack[FunnelOptions],
) -> pd.DataFrame:
    """Since when does the funnel convert better or worse?

    Attempts are put into the period of their step-1 row. A unit counts once in a period, and in several periods if it
    entered in several, so that periods add up to more than the funnel's total.

    Parameters
    ----------
    events, steps, as_of, **options
        As in `conversion_funnel` (without `by`).
    period, week_start
        ``"day"``, ``"week"`` (from Monday or ``"sunday"``), ``"month"``, ``"quarter"``, ``"year"`` in `tz`.
    from_step, to_step
        Conversion from which step to which, from 1; default first to last.

    Returns
    -------
    DataFrame, one row per period from the first entry to the last period begun
        period_start            local time in `tz`
        users                   count   units with an attempt begun in the period that reached `from_step`
        converted               count   of these, reached `to_step`
        open                    count   of these, not converted and still have time
        conversion_rate (…)     0 to 1  converted / users, Wilson
        complete                bool    all of the period lies in the range, and all its windows are over

    Raises
    ------
    ValueError, EventTableError
        As `conversion_funnel`; steps out of order.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05 ann visit
    ...     2026-01-06 ann buy
    ...     2026-01-13 ben visit
    ... ''')
    >>> trend = funnel_trend(log, ["visit", "buy"], window="3 days", as_of="2026-01-20")
    >>> trend[["period_start", "users", "converted", "complete"]]
      period_start  users  converted  complete
    0   2026-01-05      1          1      True
    1   2026-01-12      1          0     False
    2   2026-01-19      0          0     False
    """
    choices = Choices(steps=steps, as_of=as_of, **options)
    if choices.by is not None:
        raise ValueError(f"by: {choices.by!r} is not used by funnel_trend. Filter the events, or leave it out.")
    if choices.counting != "users":
        raise ValueError(f"counting: {choices.counting!r} is not used by funnel_trend. A unit counts once a period.")
    to_step = len(choices.path) if to_step is None else to_step
    if not 1 <= from_step < to_step <= len(choices.path):
        raise ValueError(
            f"from_step {from_step} and to_step {to_step} are not two steps in order. Use 1 to {len(choices.path)}."
        )
    for name, number in (("from_step", from_step), ("to_step", to_step)):
        step = choices.path[number - 1]
        if step.optional:
            raise ValueError(f"{name}: step {number}, {step.label}, is no step that all take. Use a required one.")
    calendar, span = Calendar(period, choices.tz, week_start), choices.span
    levels = {"from_step": from_step, "to_step": to_step}
    answer = by_user(events, reading_of(choices), _trend_columns, choices=choices, calendar=calendar, **levels)
    counts = pd.DataFrame(answer.columns).groupby("period").sum()
    numbers = _periods(counts.index.to_numpy(np.int64), choices, calendar)
    counts = counts.reindex(numbers, fill_value=0).astype(np.int64)
    begins, ends = calendar.begins(numbers), calendar.begins(numbers + 1)
    table = counts.rename(columns={"entered": "users"}).reset_index(drop=True)
    table.insert(0, "period_start", calendar.start(numbers))
    table = add_rate(table, "conversion_rate", "converted", "users", choices.confidence)
    whole = (begins >= span.since) & (ends <= span.until)
    decided = (ends + periods.duration(choices.window) <= span.as_of) | choices.range_is_over
    table["complete"] = whole & decided
    settings = choices.settings | {"period": period, "from_step": from_step, "to_step": to_step}
    definition = f"{choices.definition} Attempts stand in the {period} of their first step."
    return result(table, metric="funnel_trend", definition=definition, settings=settings)


def _trend_columns(rows: Rows, choices: Choices, calendar: Calendar, from_step: int, to_step: int) -> Columns:
    """Units by the period in which an attempt began: that reached the one step, and the other, or still may."""
    prepared = prepare(rows, choices)
    tried = prepared.attempts.only(~prepared.void)
    level = tried.level
    tried, converted = tried.only(level >= from_step), level[level >= from_step] >= to_step
    began = prepared.moments.time[tried.starts]
    is_open = (began + periods.duration(choices.window) > choices.span.as_of) & (not choices.range_is_over)
    # Starts are in the order of units and time, so that those of a unit and a period lie together.
    unit, period = prepared.moments.unit[tried.starts], calendar.number(began)
    first = np.flatnonzero(np.r_[True, (unit[1:] != unit[:-1]) | (period[1:] != period[:-1])]) if len(unit) else unit
    converted = np.logical_or.reduceat(converted, first) if len(first) else converted
    is_open = np.logical_or.reduceat(is_open, first) if len(first) else is_open
    found, place = np.unique(period[first], return_inverse=True)
    return {
        "period": found,
        "entered": np.bincount(place, minlength=len(found)),
        "converted": np.bincount(place[converted], minlength=len(found)),
        "open": np.bincount(place[is_open & ~converted], minlength=len(found)),
    }


def _periods(seen: Ints, choices: Choices, calendar: Calendar) -> Ints:
    """Every period of the range, or from the first entry to the last moment observed."""
    span = choices.span
    if (not len(seen) and choices.since is None) or span.since >= span.until:  # nothing of the range is observed yet
        return seen[:0]
    low = int(seen.min()) if choices.since is None else int(calendar.number(np.array([span.since]))[0])
    high = int(calendar.number(np.array([span.until - 1]))[0])
    return calendar.between(int(low), int(high))
