"""Days of users: one read of the events for several metrics of activity."""

from collections.abc import Sequence

import numpy as np

from metrics.engine import Events, Mark, Reading, by_user, changes, time_range
from metrics.engine.days import LONGEST, UserDays, days_cut, days_kernel, marks_met
from metrics.periods import DAY, SLOT, When, instant, spoken, zone
from metrics.steps import EventChoice, Step, as_step

MOST_APART = 12


def user_days(
    events: Events,
    *,
    as_of: When,
    event: EventChoice = None,
    tell_apart: Sequence[EventChoice] = (),
    unit: str = "user_id",
    tz: str = "UTC",
) -> UserDays:
    """On which days did each user do something?

    Cohorts, actives, lifecycles and churn by silence ask nothing else of events. Read once, the days stand for the
    events in `cohort_retention`, `active_users`, `stickiness`, `lifecycle` and `churn_rate`, with the same answers, so
    that a report of all of them reads its data once. What needs more than the day (an hour, a property, a count, a
    silence that is no number of whole days) refuses days and asks for the events.

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    as_of
        First moment not observed: a date in `tz`, or an instant at a quarter of an hour.
    event
        What counts as having done something: an event's name, a `Step`, or None for any. For the metrics it is
        "any event".
    tell_apart
        Further events that a metric will ask for by name, such as the sign-up with which cohorts begin.
    unit
        Column whose distinct values are counted.
    tz
        Zone in which days are cut; the metrics are asked with the same one.

    Returns
    -------
    UserDays, held in memory: some 30 bytes for each day of each user.

    Raises
    ------
    ValueError
        An `as_of` at 12:07, an event that no row has.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import active_users, event_log, lifecycle
    >>> log = event_log('''
    ...     2026-01-05 09:00  ann  visit
    ...     2026-01-05 17:00  ann  buy
    ...     2026-01-06 09:00  ben  visit
    ... ''')
    >>> days = user_days(log, as_of="2026-01-07")
    >>> days
    UserDays(2 days of 2 users, any event, before 2026-01-07 00:00, UTC)
    >>> active_users(days, as_of="2026-01-07")["weekly"].tolist()
    [1, 2]
    >>> lifecycle(days, period="day", as_of="2026-01-07")["new"].tolist()
    [1, 1]
    """
    before = instant(as_of, tz=zone(tz))
    if before % SLOT:
        raise ValueError(f"as_of {spoken(before, tz)} is not at a quarter of an hour. Use a date.")
    if isinstance(tell_apart, str | Step):
        raise ValueError(f"tell_apart: {tell_apart!r} is not a list of events. Use a list such as ['sign_up'].")
    what = as_step(event, "event")
    steps = (what, *(as_step(choice, "tell_apart") for choice in tell_apart))
    for step in steps:
        if step.first_time_only or step.optional:
            raise ValueError(f"{step.label!r}: days hold all of a unit's. Say first_time_only to the metric.")
    if len(steps) > MOST_APART:
        raise ValueError(f"tell_apart: {len(steps) - 1} events are too many. Tell at most {MOST_APART - 1} apart.")
    cut = days_cut(tz, (before,))
    marks = (Mark(what, "event", needed=True), *(Mark(step, "tell_apart") for step in steps[1:]))
    reading = Reading(marks, before, (unit,), cut=cut)
    first, last = time_range(events, before)
    if first > last:
        first = last = before - 1
    cells = cut.cells(first, min(before - 1, last + LONGEST * DAY))
    if cells is None:
        early = (before - first) // DAY
        raise ValueError(f"events: the first one lies {early:,} days before as_of, too far for days. Mend its time.")
    answer = by_user(events, reading, days_kernel, cells=cells)
    ids = answer.columns["id"]
    begins = np.flatnonzero(changes(ids))
    return UserDays(
        event=what.label, as_of=spoken(before, tz), tz=tz, reading=reading, steps=steps,
        met=marks_met(len(steps)), cells=cells, ids=ids[begins], first=begins, cell=answer.columns["cell"],
        kind=answer.columns["marks"],
    )  # fmt: skip
