"""Paths: what do users do, step after step?

The path of a unit is its events in the order of time, or a part of them: from a certain event on, up to a certain
event, within a session. Step k of a path is its k-th event. An edge leads from an event at one step to an event at the
next, and is counted by the units that walked it.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from metrics.engine import Events, Mark, Reading, Rows, Span, by_user, in_groups, typed
from metrics.engine.groups import MISSING
from metrics.paths.edges import COLUMNS, edges_of, named
from metrics.paths.walks import EXIT, NODE, OPEN, Counts, Trail, changes, count
from metrics.periods import Ints, When, duration, one_of, spoken, zone
from metrics.results import keys, result
from metrics.steps import EventChoice, Mask, Step, as_step

Repeats: TypeAlias = Literal["keep", "collapse"]

_END_OF_TIME = "9999-01-01"


def user_paths(
    events: Events,
    *,
    as_of: When | None = None,
    start_event: EventChoice = None,
    end_event: EventChoice = None,
    max_steps: int = 5,
    session_gap: str | None = None,
    repeats: Repeats = "keep",
    ignore: Sequence[EventChoice] = (),
    by: str | list[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    unit: str = "user_id",
    tz: str = "UTC",
) -> pd.DataFrame:
    """What do users do, step after step?

    The path of a unit is its events in the order of time, those of one instant in the order of their names. It is cut
    into sessions, then to what lies from `start_event` on and up to `end_event`, then to `max_steps` steps.

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read. Without it nothing is
        said of those who stop, for that nothing follows can only be said up to a moment.
    start_event
        Where a path begins: the first such row (of each session). A unit without one has no path. An event's name or a
        `Step`; None: the first row.
    end_event
        Where a path ends: the first such row (after `start_event`). Only paths that reach it are counted. Without
        `start_event` these are the last `max_steps` steps up to it, numbered so that `end_event` is step `max_steps`.
    max_steps
        Steps of a path that are looked at, from 2.
    session_gap
        Silence after which a new session begins: ``"30 minutes"``, the last instant still being of the same session.
        Each session is a path, and a unit counts once on each edge. None: one path for each unit.
    repeats
        ``"keep"`` (default): every row is a step. ``"collapse"``: rows of one event directly after one another are one
        step, at the time of the first.
    ignore
        Events (names or `Step`) that are no steps, such as those sent by a timer; paths are as if they were not there.
    by
        Property column or list, read from the unit's first row in all history: a unit stays in its group, so that the
        users of an edge add up to all. Missing is a group of its own.
    since, until
        Half-open range in which a path must begin (with `end_event` alone: end); its other rows may lie outside.
    unit
        Column whose distinct values are counted.
    tz
        Zone of dates in `since`, `until`, `as_of`.

    Returns
    -------
    DataFrame, one row per edge (of each group), by step and from the most walked down
        source_step, source   1, 2, …; the event there
        target_step, target   the step after; the event there. ``(exit)``: nothing followed before `as_of`; ``(open)``:
                              the session was not over at `as_of`. Neither stands after the last step or after
                              `end_event`.
        users                 count    units that walked the edge
        share                 0 to 1   users / units at the source (a unit with several sessions may be on several
                                       edges, so that these add up to more than 1)
        mean_seconds          seconds from source to target, mean of all walks; NaN for exits

    Raises
    ------
    ValueError
        A `start_event` or `end_event` that no row has, a gap without a unit, fewer than two steps.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01 10:00  ann  visit
    ...     2026-01-01 10:05  ann  search
    ...     2026-01-02 09:00  ben  visit
    ...     2026-01-02 09:01  ben  buy
    ...     2026-01-03 12:00  cat  visit
    ... ''')
    >>> user_paths(log, as_of="2026-02-01", max_steps=2)[["source", "target", "users", "share"]].round(2)
      source  target  users  share
    0  visit  (exit)      1   0.33
    1  visit     buy      1   0.33
    2  visit  search      1   0.33
    """
    one_of("repeats", repeats, Repeats)
    check_steps(max_steps)
    ignored = marks_to_ignore(ignore)
    span = Span.read(since=since, until=until, as_of=_END_OF_TIME if as_of is None else as_of, tz=zone(tz))
    gap = None if session_gap is None else duration(session_gap, name="session_gap")
    groups = keys(by, taken=COLUMNS)
    marks: list[Mark] = [Mark(Step(None), "by")] if groups else []  # the first mark is that of the row of the group
    places: list[int | None] = []
    for name, choice in (("start_event", start_event), ("end_event", end_event)):
        places.append(None if choice is None else len(marks))
        if choice is not None:
            marks.append(Mark(as_step(choice, name), name, needed=True))
    left_out = tuple(range(len(marks), len(marks) + len(ignored)))
    reading = Reading(
        (*marks, *ignored), span.as_of, (unit,), everything=True, groups=tuple(dict.fromkeys(["event", *groups]))
    )
    plan = Plan(
        start=places[0], end=places[1], ignore=left_out, since=span.since, until=span.until, gap=gap,
        firsts=tuple(k for k, mark in enumerate(reading.marks) if mark.step.first_time_only), max_steps=int(max_steps),
        collapse=repeats == "collapse", as_of=None if as_of is None else span.as_of,
    )  # fmt: skip
    answer = by_user(events, reading, in_groups, ungrouped=paths_of, grouped=tuple(groups), plan=plan)
    codes = [f"group {name}" for name in groups]
    edges, totals = edges_of(answer.columns, codes)
    settings = {
        "start_event": None if start_event is None else as_step(start_event, "start_event").label,
        "end_event": None if end_event is None else as_step(end_event, "end_event").label,
        "max_steps": int(max_steps), "session_gap": session_gap, "repeats": repeats,
        "ignore": [mark.step.label for mark in ignored] or None,
        "as_of": None if as_of is None else spoken(span.as_of, tz), "tz": tz,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz),
        "unit": unit, "by": groups or None, "users": int(totals["users"].sum()), "paths": int(totals["walks"].sum()),
    }  # fmt: skip
    table = named(edges, answer.values("event"))
    if groups:
        table = table.sort_values(codes, kind="stable")
        for name, code in zip(groups, codes, strict=True):
            table[name] = answer.value_of(name, np.where(table[code] == MISSING, -1, table[code])).array
        table = typed(table, answer, groups)
    return result(
        table, columns=[*groups, *COLUMNS], metric="user_paths", definition=_in_words(settings), settings=settings
    )


class Plan(NamedTuple):
    """What the kernel needs of the arguments; marks by their place in the reading, times in microseconds."""

    start: int | None
    end: int | None
    ignore: tuple[int, ...]
    firsts: tuple[int, ...]  # marks of which only a unit's first row counts
    since: int
    until: int
    gap: int | None
    max_steps: int
    collapse: bool
    as_of: int | None


def marks_to_ignore(ignore: Sequence[EventChoice]) -> list[Mark]:
    """The marks of rows that are no steps of a path."""
    if isinstance(ignore, str | Step):
        raise ValueError(f"ignore: {ignore!r} is not a list of events. Use a list such as ['heartbeat'].")
    return [Mark(as_step(choice, "ignore"), "ignore") for choice in ignore]


def check_steps(max_steps: int) -> None:
    """Refuse a number of steps that has no edge."""
    if not isinstance(max_steps, int | np.integer) or max_steps < 2:
        raise ValueError(f"max_steps: {max_steps!r} is not a number of steps. Use a whole number from 2.")


def paths_of(rows: Rows, *, plan: Plan) -> Counts:
    """Counts of the paths of these units."""
    met = {
        mark: rows.first_of_unit(rows.meets(mark)) if mark in plan.firsts else rows.meets(mark)
        for mark in (plan.start, plan.end, *plan.ignore)
        if mark is not None
    }
    keep = np.ones(len(rows), bool)
    for mark in plan.ignore:
        keep &= ~met[mark]
    order = by_name(rows, keep)
    unit, time, event = rows.unit[order], rows.time[order], rows.groups["event"][order]
    begins = changes(unit)
    if plan.gap is not None:
        begins[1:] |= np.diff(time) > plan.gap
    session = np.cumsum(begins) - 1
    reported = (time >= plan.since) & (time < plan.until)
    start = None if plan.start is None else met[plan.start][order]
    end = None if plan.end is None else met[plan.end][order]
    if start is None and end is None:
        start = np.ones(len(order), bool) if plan.gap is None else begins
    inside = np.ones(len(order), bool) if start is None else _from_start(session, start & reported)
    if end is not None:
        inside &= _up_to_end(session, inside, end if start is not None else end & reported, start is not None)
    trail = Trail(session, unit, time, event).only(inside)
    after_last = _after_last(trail, plan)[trail.path]
    if plan.collapse:
        new = ~trail.repeats
        trail, after_last = trail.only(new), after_last[new]
    place = trail.place
    if end is not None and plan.start is None:  # numbered backwards from its end
        size = np.bincount(trail.path, trail.ends * place).astype(np.int64) if len(place) else place
        place = place + plan.max_steps - size[trail.path]
    return count(trail, place, after_last, plan.max_steps)


def by_name(rows: Rows, keep: Mask) -> Ints:
    """Rows to keep, by unit and time, those of one instant by the names of their events."""
    chosen = np.flatnonzero(keep)
    unit, time, event = rows.unit[chosen], rows.time[chosen], rows.groups["event"][chosen]
    tied = (unit[1:] == unit[:-1]) & (time[1:] == time[:-1])
    if not (tied & (event[1:] < event[:-1])).any():
        return chosen
    moment = np.cumsum(np.r_[0, ~tied])
    return chosen[np.lexsort((event, moment))]


def _from_start(session: Ints, start: Mask) -> Mask:
    """Rows from the first start of their session on."""
    seen = np.cumsum(start)
    before = (seen - start)[np.flatnonzero(changes(session))] if len(session) else seen
    found: Mask = seen > before[session]
    return found


def _up_to_end(session: Ints, inside: Mask, end: Mask, after: bool) -> Mask:
    """Rows up to the first end of their session, of sessions that have one; `after` the row that begins the path."""
    candidates = end & inside
    if after:
        first = inside & ~np.r_[False, inside[:-1] & (session[1:] == session[:-1])][: len(inside)]
        candidates &= ~first
    last = np.full(int(session.max(initial=-1)) + 1, -1)
    at = np.flatnonzero(candidates)[::-1]
    last[session[at]] = at  # the first one is written last
    found: Mask = np.arange(len(session)) <= last[session]
    return found


def _after_last(trail: Trail, plan: Plan) -> Ints:
    """What follows each path: nothing that is counted, an exit, or what is not yet known."""
    paths = int(trail.path.max(initial=-1)) + 1
    if plan.as_of is None or plan.end is not None:
        return np.full(paths, NODE)
    if plan.gap is None:
        return np.full(paths, EXIT)
    last = np.zeros(paths, np.int64)
    last[trail.path[trail.ends]] = trail.time[trail.ends]
    return np.where(last + plan.gap >= plan.as_of, OPEN, EXIT)


def _in_words(settings: Mapping[str, object]) -> str:
    first, last, gap = settings["start_event"], settings["end_event"], settings["session_gap"]
    whose = f"each {settings['unit']}" if gap is None else f"each session (cut where it is silent for more than {gap})"
    part = f" from the first {first}" if first else ""
    part += f" up to the {'next' if first else 'first'} {last}, of those who reach it" if last else ""
    steps = f"the {'last' if last and not first else 'first'} {settings['max_steps']} steps"
    once = ", an event repeated directly being one step" if settings["repeats"] == "collapse" else ""
    return (
        f"The events of {whose} in the order of time{part}{once}; {steps}. An edge leads from one step to the next; "
        f"its share is of the {settings['unit']} values at its source."
    )
