"""Paths around a step of a funnel: what did those who dropped do instead, against those who went on?

This metric stands on another one, the funnel: it looks at the attempt by which a unit counts there, and at all that
the unit did between reaching a step and reaching the next one, or the end of its time for it.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple, Unpack

import numpy as np
import pandas as pd

from metrics.engine import Events, Rows, by_user
from metrics.funnel.attempts import Credited, credited_of, reading_of
from metrics.funnel.choices import Choices
from metrics.funnel.options import FunnelOptions, spell_out
from metrics.intervals import newcombe
from metrics.paths.edges import BEYOND, COLUMNS, edges_of, named
from metrics.paths.events import Repeats, by_name, check_steps, marks_to_ignore
from metrics.paths.walks import EXIT, NODE, Counts, Trail, count
from metrics.periods import Ints, When, duration, one_of
from metrics.results import result
from metrics.steps import EventChoice, Mask

_OUTCOMES = ["dropped", "converted", "open", "excluded"]
_DIFFERENCE = ["difference", "difference_low", "difference_high"]


@spell_out
def drop_off_paths(
    events: Events,
    steps: Sequence[EventChoice],
    *,
    as_of: When,
    after: int | None = None,
    max_steps: int = 5,
    session_gap: str | None = None,
    repeats: Repeats = "keep",
    ignore: Sequence[EventChoice] = (),
    **options: Unpack[FunnelOptions],
) -> pd.DataFrame:
    """What did those who dropped at a step of a funnel do instead, against those who went on?

    Each path begins with the step `after` of the attempt by which a unit counts in `conversion_funnel`. Of those who
    went on it holds what they did until they reached the next step, and that step. Of those who dropped it holds what
    they did until their window was over, its last instant included. Rows of the instant at which `after` was reached
    are part of that step. Who still has time has neither dropped nor gone on, and is left out.

    Parameters
    ----------
    events, steps, as_of, **options
        As in `conversion_funnel` (without `by`; steps in order, users counted).
    after
        Number of the step after which to look, from 1. None: the one after which most dropped. Optional steps are
        events on the way to the next step, like any other.
    max_steps
        Steps of a path that are looked at, from 2, the funnel's step being the first.
    session_gap
        Silence after which a path is taken to end: ``"30 minutes"``. None: it goes on however long nothing happened.
    repeats
        ``"keep"`` (default): every row is a step. ``"collapse"``: rows of one event directly after one another are one.
    ignore
        Events (names or `Step`) that are no steps of a path; the funnel still sees them.

    Returns
    -------
    DataFrame, one row per outcome and edge, by step and from the most walked down
        outcome               ``dropped`` or ``converted``
        source_step, source   1 is the funnel's step; then the events after it
        target_step, target   the step after; the event there, the funnel's next step, or ``(exit)``: nothing more
                              within the window (with `session_gap`: in the session)
        users                 count    units of this outcome that walked the edge
        share                 0 to 1   users / units of this outcome at the source
        difference (…)        -1 to 1  share of those who dropped minus share of those who converted, Newcombe; NaN
                              where one side was never at the source, and for the edges that make the outcome: the
                              funnel's next step and, without `session_gap`, exits
        mean_seconds          seconds from source to target; NaN for exits

    Raises
    ------
    ValueError
        As `conversion_funnel`; a step `after` which there is none; fewer than two steps of a path.
    EventTableError
        `events` is no event table.

    Notes
    -----
    Of many edges some differ by chance: with 95 % intervals one of twenty. Those who converted are watched until they
    did, mostly for less time than the others; and what differs need not be the reason.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01 10:00  ann  visit
    ...     2026-01-01 10:05  ann  buy
    ...     2026-01-02 09:00  ben  visit
    ...     2026-01-02 09:01  ben  help
    ... ''')
    >>> paths = drop_off_paths(log, ["visit", "buy"], window="7 days", as_of="2026-02-01")
    >>> paths[["outcome", "source", "target", "users", "share"]]
         outcome source  target  users  share
    0    dropped  visit    help      1    1.0
    1    dropped   help  (exit)      1    1.0
    2  converted  visit     buy      1    1.0
    """
    choices = Choices(steps=steps, as_of=as_of, **options)
    _check(choices, after)
    check_steps(max_steps)
    one_of("repeats", repeats, Repeats)
    reading = reading_of(choices, everything=True, groups=("event",))
    ignored = marks_to_ignore(ignore)
    plan = _Plan(
        choices=choices,
        after=tuple(_next_steps(choices)) if after is None else (int(after),),
        ignore=tuple(range(len(reading.marks), len(reading.marks) + len(ignored))),
        gap=None if session_gap is None else duration(session_gap, name="session_gap"),
        max_steps=int(max_steps),
        collapse=repeats == "collapse",
    )
    answer = by_user(events, replace(reading, marks=(*reading.marks, *ignored)), _paths_of, plan=plan)
    edges, totals = edges_of(answer.columns, ["after", "outcome"])
    counted = totals.pivot_table(index="after", columns="outcome", values="users", aggfunc="sum", fill_value=0)
    counted = counted.reindex(index=plan.after, columns=range(len(_OUTCOMES)), fill_value=0)
    counts = counted.to_numpy(np.int64)
    chosen = int(counts[:, 0].argmax())
    after = plan.after[chosen]
    edges = _with_difference(edges[edges["after"] == after], after, plan.gap is not None, choices.confidence)
    table = named(edges, answer.values("event"), [step.label for step in reversed(choices.path)])
    table = table.sort_values("outcome", kind="stable")
    table["outcome"] = pd.array(np.array(_OUTCOMES)[table["outcome"].to_numpy(np.int64)], dtype="str")
    how_many = {f"{name}_users": int(counts[chosen, place]) for place, name in enumerate(_OUTCOMES)}
    settings = choices.settings | {
        "after": after, "max_steps": plan.max_steps, "session_gap": session_gap, "repeats": repeats,
        "ignore": [mark.step.label for mark in ignored] or None, **how_many,
    }  # fmt: skip
    return result(
        table, metric="drop_off_paths", definition=_in_words(choices, after), settings=settings,
        columns=["outcome", *COLUMNS[:6], *_DIFFERENCE, *COLUMNS[6:]],
    )  # fmt: skip


class _Plan(NamedTuple):
    """What the kernel needs of the arguments."""

    choices: Choices
    after: tuple[int, ...]
    ignore: tuple[int, ...]  # marks of the reading
    gap: int | None
    max_steps: int
    collapse: bool


def _check(choices: Choices, after: int | None) -> None:
    if choices.by is not None:
        raise ValueError(f"by: {choices.by!r} is not used by drop_off_paths. Filter the events, or leave it out.")
    if choices.counting != "users":
        raise ValueError(f"counting: {choices.counting!r} is not used by drop_off_paths. A unit has one path.")
    if choices.order == "unordered":
        raise ValueError("order: 'unordered' has no step after which to look. Use 'ordered' or 'strict'.")
    known = list(_next_steps(choices))
    if not known:
        raise ValueError(f"steps: {len(choices.path)} step has none after it. Use two or more.")
    if after is not None and after not in known:
        raise ValueError(f"after: {after!r} is no step that leads to another. Use one of {known}.")


def _next_steps(choices: Choices) -> dict[int, int]:
    """The step that follows each one; those that may be left out are events on the way, like any other."""
    required = [k for k, step in enumerate(choices.path, start=1) if not step.optional]
    return dict(pairwise(required))


def _code(step: int) -> int:
    """The code of a step of the funnel, from 1, below those of exits."""
    return -len(BEYOND) - step


def _paths_of(rows: Rows, plan: _Plan) -> Counts:
    """Counts of the paths of these units, for each step after which to look."""
    one = credited_of(replace(rows, groups={}), plan.choices)
    keep = np.ones(len(rows), bool)
    for mark in plan.ignore:
        keep &= ~rows.meets(mark)
    order = by_name(rows, keep)
    walked = Trail(rows.unit[order], rows.unit[order], rows.time[order], rows.groups["event"][order])
    tallies = []
    for after in plan.after:
        again = rows.meets(after - 1)[order]
        seen = walked._replace(event=np.where(again, _code(after), walked.event))
        goal = _next_steps(plan.choices)[after]
        came = one.reached[after - 1] & ~one.void
        stopped, went_on = came & (one.level < goal), came & one.reached[goal - 1]
        for outcome, members in enumerate((stopped & ~one.open, went_on)):
            counts = _count(seen, one, np.flatnonzero(members), after, goal if outcome else None, plan)
            tallies.append(_keyed(counts, after, outcome))
        for outcome, number in ((2, (stopped & one.open).sum()), (3, one.void.sum())):
            only_users = {name: np.array([number if name == "users" else 0], np.int64) for name in counts}
            tallies.append(_keyed(only_users | {"target": np.array([NODE])}, after, outcome))
    return {name: np.concatenate([tally[name] for tally in tallies]) for name in tallies[0]}


def _keyed(counts: Counts, after: int, outcome: int) -> Counts:
    size = len(counts["users"])
    return counts | {"after": np.full(size, after), "outcome": np.full(size, outcome)}


def _count(walked: Trail, one: Credited, members: Ints, after: int, goal: int | None, plan: _Plan) -> Counts:
    """Counts of the paths of these attempts, from the step `after` to the step `goal` or the end of the window."""
    unit, began = one.unit[members], one.times[after - 1, members]
    until = one.times[0, members] + plan.choices.rules.window if goal is None else one.times[goal - 1, members] - 1
    units = int(max(unit.max(initial=-1), walked.unit.max(initial=-1))) + 1
    low, high = np.zeros(units, np.int64), np.full(units, np.iinfo(np.int64).min)
    low[unit], high[unit] = began, until
    between = walked.only((walked.time > low[walked.unit]) & (walked.time <= high[walked.unit]))
    parts = [Trail(unit, unit, began, np.full(len(unit), _code(after))), between]
    if goal is not None:
        parts.append(Trail(unit, unit, one.times[goal - 1, members], np.full(len(unit), _code(goal))))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    rank = np.repeat(np.arange(len(parts)), [len(part.path) for part in parts])
    order = np.lexsort((rank, columns[0]))
    trail = Trail(*(column[order] for column in columns))
    if plan.gap is not None:
        trail = trail.before_silence(plan.gap)
    if plan.collapse:
        trail = trail.only(~trail.repeats)
    arrived = trail.event < _code(after)  # a path that has reached its goal has no exit
    return count(trail, trail.place, np.where(arrived, NODE, EXIT), plan.max_steps)


def _with_difference(edges: pd.DataFrame, after: int, all_may_exit: bool, confidence: float) -> pd.DataFrame:
    """The edges with the difference of their shares between those who dropped and those who converted."""
    node, edge = ["step", "source"], ["step", "source", "target"]
    sides = []
    for outcome in (0, 1):
        side = edges[edges["outcome"] == outcome]
        at = side.drop_duplicates(node).set_index(node)["at_source"]
        n = at.reindex(pd.MultiIndex.from_frame(edges[node])).fillna(0).to_numpy(float)
        x = side.set_index(edge)["users"].reindex(pd.MultiIndex.from_frame(edges[edge])).fillna(0).to_numpy(float)
        sides.append((np.where(n > 0, x, 0), n))
    (x_dropped, n_dropped), (x_converted, n_converted) = sides
    makes_outcome = edges["target"] < _code(after)
    if not all_may_exit:
        makes_outcome |= edges["target"] == EXIT
    known: Mask = ~makes_outcome.to_numpy() & (n_dropped > 0) & (n_converted > 0)
    with np.errstate(invalid="ignore"):
        low, high = newcombe(x_dropped, n_dropped, x_converted, n_converted, confidence)
        difference = x_dropped / np.where(known, n_dropped, 1) - x_converted / np.where(known, n_converted, 1)
    estimates = zip(_DIFFERENCE, (difference, low, high), strict=True)
    return edges.assign(**{name: np.where(known, value, np.nan) for name, value in estimates})


def _in_words(choices: Choices, after: int) -> str:
    step, following = choices.path[after - 1].label, choices.path[_next_steps(choices)[after] - 1].label
    return (
        f"Events after {step}, in the order of time: of those who converted until {following}, of those who dropped "
        f"until their {choices.window} were over; who still has time is left out. An edge leads from one step to the "
        f"next; its share is of the {choices.unit} values of the same outcome at its source."
    )
