"""Milestones: how many reach each, and how long does it take, with those who are still on the way?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.engine import Answer, Events, Mark, Reading, Span, by_user, each_group, typed
from metrics.intervals import add_rate, no_denominator
from metrics.onboarding.firsts import MEDIAN, NEVER, firsts_of, median_days, waits
from metrics.periods import When, spoken
from metrics.results import blank, join_reasons, keys, result, too_few
from metrics.steps import EventChoice, Step, as_step
from metrics.survival import survival_curve

_SHARE = ["share", "share_low", "share_high"]
_MILESTONES = ["milestone", "users", "reached", *_SHARE, "not_yet", *MEDIAN, "reason"]
_TIMES = ["days", "at_risk", "reached", "censored", "not_yet", "not_yet_low", "not_yet_high"]


def milestones(
    events: Events,
    *,
    start_event: EventChoice = None,
    milestones: Sequence[EventChoice],
    as_of: When,
    by: str | list[str] | None = None,
    min_n: int = 10,
    since: When | None = None,
    until: When | None = None,
    unit: str = "user_id",
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many of those who began reach each milestone, and after how many days?

    A unit begins with its first `start_event`, and has reached a milestone if it did it then or later. Milestones need
    no order. Who has not reached one is still on the way, not lost: the median counts them as watched so far.

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    start_event
        What begins a unit's time: an event's name, a `Step`, or None for the first row of any kind.
    milestones
        The events to reach, each a name or a `Step`.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    by
        Property column or list, read from the row with which the unit began.
    min_n
        A share over fewer units is NA with the reason ``below_min_n``; its counts stand.
    since, until
        Half-open range in which a unit must have begun.
    unit
        Column whose distinct values are counted.
    tz
        Zone of dates.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per milestone (and group)
        milestone        text
        users            count   units that began
        reached          count   of these, reached it before `as_of`
        share (…)        0 to 1  reached / users so far, Wilson
        not_yet          count   users - reached
        median_days (…)  days    from the start, Kaplan-Meier: half have reached it within so many days; an upper limit
                                 is NA where the curve's limit has not come down to half
        reason           text    ``share: below_min_n``, ``median_days: above_half`` (more than half are still on the
                                 way), ``…: zero_denominator``

    Raises
    ------
    ValueError
        A `start_event` that no row has, no milestones.
    EventTableError
        `events` is no event table.

    Notes
    -----
    The median of those who have reached it is too short: the slow are missing. Kaplan & Meier (1958), Journal of the
    American Statistical Association 53:457; Brookmeyer & Crowley (1982), Biometrics 38:29 (limits of the median).

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01  ann  sign_up
    ...     2026-01-03  ann  invite
    ...     2026-01-05  ben  sign_up
    ... ''')
    >>> table = milestones(log, start_event="sign_up", milestones=["invite"], as_of="2026-01-31", min_n=1)
    >>> table[["milestone", "users", "reached", "share", "not_yet", "median_days"]]
      milestone  users  reached  share  not_yet  median_days
    0    invite      2        1    0.5        1          2.0
    """
    goals = goals_of(milestones, "milestones")
    span = Span.read(since=since, until=until, as_of=as_of, tz=tz)
    start, groups = as_step(start_event, "start_event"), keys(by, taken=_MILESTONES)
    answer = _read(events, start, goals, span, unit, groups, "milestones")
    found = [
        key | {"milestone": goal.label, "users": len(units["start"]), "reached": int((units[name] != NEVER).sum()),
               **median_days(units["start"], units[name], span.as_of, confidence)}
        for key, units in each_group(answer, groups)
        for goal, name in zip(goals, [f"first {k + 1}" for k in range(len(goals))], strict=True)
    ]  # fmt: skip
    columns = [*groups, "milestone", "users", "reached", *MEDIAN, "_median_reason"]
    table = pd.DataFrame(found, columns=columns).astype({"milestone": "str", "users": "int64", "reached": "int64"})
    table = typed(table, answer, groups)
    table = add_rate(table, "share", "reached", "users", confidence)
    table["not_yet"] = table["users"] - table["reached"]
    few = too_few(no_denominator(table["users"]), table["users"], min_n)
    table = blank(table, few.notna(), _SHARE)
    table["reason"] = join_reasons(table, share=few, median_days=table["_median_reason"])
    settings = {
        "start_event": start.label, "as_of": spoken(span.as_of, tz), "tz": tz, "unit": unit, "by": groups or None,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz), "min_n": min_n, "confidence": confidence,
    }  # fmt: skip
    definition = (
        f"Of each {unit} that did {start.label}, the share that did the milestone then or later, before "
        f"{settings['as_of']}. Median days by Kaplan-Meier: who is still on the way counts for as long as watched."
    )
    return result(table, metric="milestones", definition=definition, settings=settings, columns=[*groups, *_MILESTONES])


def time_to_milestone(
    events: Events,
    *,
    start_event: EventChoice = None,
    milestone: EventChoice,
    as_of: When,
    by: str | list[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    unit: str = "user_id",
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share has not reached the milestone yet, after so many days?

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    start_event, milestone
        What begins a unit's time, and what is to be reached: an event's name, a `Step`; a start of None is the first
        row of any kind.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    by
        Property column or list, read from the row with which the unit began.
    since, until
        Half-open range in which a unit must have begun.
    unit
        Column whose distinct values are counted.
    tz
        Zone of dates.
    confidence
        Level of the limits.

    Returns
    -------
    DataFrame, one row per day on which somebody reached it or was last watched (and group)
        days         days    1 is the first 24 hours after the start, 0 its very instant
        at_risk      count   watched, and not there yet, when the day began
        reached      count   reached it in the day
        censored     count   not there yet when last watched, in the day
        not_yet (…)  0 to 1  share not there after so many days: Kaplan-Meier on the exact times, log-log limits

    Raises
    ------
    ValueError
        A `start_event` that no row has.
    EventTableError
        `events` is no event table.

    Notes
    -----
    Kaplan & Meier (1958), Journal of the American Statistical Association 53:457.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01  ann  sign_up
    ...     2026-01-03  ann  invite
    ...     2026-01-05  ben  sign_up
    ... ''')
    >>> times = time_to_milestone(log, start_event="sign_up", milestone="invite", as_of="2026-01-31")
    >>> times[["days", "at_risk", "reached", "censored", "not_yet"]]
       days  at_risk  reached  censored  not_yet
    0     2        2        1         0      0.5
    1    26        1        0         1      0.5
    """
    goals = goals_of([milestone], "milestone")
    span = Span.read(since=since, until=until, as_of=as_of, tz=tz)
    start, groups = as_step(start_event, "start_event"), keys(by, taken=_TIMES)
    answer = _read(events, start, goals, span, unit, groups, "milestone")
    tables = []
    for key, units in each_group(answer, groups):
        days, came = waits(units["start"], units["first 1"], span.as_of)
        part = _by_day(survival_curve(days, came, confidence=confidence))
        for name, value in key.items():
            part[name] = [value] * len(part)
        tables.append(part)
    table = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=[*groups, *_TIMES])
    whole = {"days": "int64", "at_risk": "int64", "reached": "int64", "censored": "int64"}
    table = typed(table.astype(whole), answer, groups)
    settings = {
        "start_event": start.label, "milestone": goals[0].label, "as_of": spoken(span.as_of, tz), "tz": tz,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz),
        "unit": unit, "by": groups or None, "confidence": confidence,
    }  # fmt: skip
    definition = (
        f"Share of each {unit} that did {start.label} and has not done {goals[0].label} after so many days "
        f"(Kaplan-Meier): who is still on the way at {settings['as_of']} counts for as long as watched."
    )
    return result(
        table, metric="time_to_milestone", definition=definition, settings=settings, columns=[*groups, *_TIMES]
    )


def _by_day(curve: pd.DataFrame) -> pd.DataFrame:
    """The exact curve where each day ends, with what happened in it."""
    curve = curve.assign(days=np.ceil(curve["time"].to_numpy(float)))
    names = {"survival": "not_yet", "survival_low": "not_yet_low", "survival_high": "not_yet_high"}
    found = curve.groupby("days", as_index=False).agg(
        at_risk=("at_risk", "first"), reached=("churned", "sum"), censored=("censored", "sum"),
        **{ours: (theirs, "last") for theirs, ours in names.items()},
    )  # fmt: skip
    return found[_TIMES]


def goals_of(choices: Sequence[EventChoice], name: str) -> list[Step]:
    if isinstance(choices, str | Step) or not len(choices):
        raise ValueError(f"{name}: {choices!r} is not a list of events. Use a list such as ['invite', 'share'].")
    return [as_step(choice, name) for choice in choices]


def _read(
    events: Events, start: Step, goals: list[Step], span: Span, unit: str, groups: list[str], name: str
) -> Answer:
    marks = (Mark(start, "start_event", needed=True), *(Mark(goal, name) for goal in goals))
    reading = Reading(marks, span.as_of, (unit,), groups=tuple(groups))
    firsts = tuple(k for k, mark in enumerate(marks) if mark.step.first_time_only)
    return by_user(
        events, reading, firsts_of, goals=len(goals), firsts=firsts, since=span.since, until=span.until, days=None
    )
