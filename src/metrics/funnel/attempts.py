"""From rows to the attempt by which each unit counts: attempts followed, units credited."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from metrics.engine import Answer, Mark, Reading, Rows, by_user
from metrics.engine.local import Columns
from metrics.funnel import search
from metrics.funnel.choices import Choices
from metrics.funnel.direct import best_paths, is_direct
from metrics.funnel.moments import Moments, gather
from metrics.funnel.optional import with_optional
from metrics.periods import Ints
from metrics.results import keys
from metrics.steps import Mask


@dataclass(frozen=True)
class Credited:
    """One attempt per unit (or all that count): how far it came and when, and whether it still has time."""

    unit: Ints  # number of the unit in the rows; in an answer its id
    groups: dict[str, Ints]  # codes of the columns of `by`; -1 is missing
    times: Ints  # steps x attempts; instant of each step, only where reached
    reached: Mask  # steps x attempts
    open: Mask
    open_for: Ints  # how long the unit's last attempt has been watched at `as_of`
    void: Mask  # units of which every attempt is void, by an exclusion

    @property
    def level(self) -> Ints:
        """Furthest step of each attempt, from 1."""
        steps = np.arange(1, len(self.reached) + 1)[:, None]
        level: Ints = np.where(self.reached, steps, 0).max(axis=0)
        return level

    def only(self, members: Ints) -> "Credited":
        """Some of the attempts."""
        return Credited(
            unit=self.unit[members],
            groups={name: codes[members] for name, codes in self.groups.items()},
            times=self.times[:, members],
            reached=self.reached[:, members],
            open=self.open[members],
            open_for=self.open_for[members],
            void=self.void[members],
        )


@dataclass(frozen=True)
class Prepared:
    """Rows as moments, and every attempt that may begin, followed to its end."""

    rows: Rows
    moments: Moments
    attempts: search.Attempts
    void: Mask  # attempts that an exclusion made void


def measured_from(choices: Choices) -> Ints:
    """The step that each step is measured against: the last one before it that may not be left out."""
    required = [k if not step.optional else 0 for k, step in enumerate(choices.path)]
    return np.maximum.accumulate(np.array([0, *required[:-1]], dtype=np.int64))


def reading_of(choices: Choices, *, everything: bool = False, groups: Sequence[str] | None = None) -> Reading:
    """What a funnel reads: rows of its steps and exclusions, and with ``order="strict"`` all others too."""
    entered = choices.order != "unordered"  # by step 1, without which nobody can enter
    steps = [Mark(step, "steps", needed=entered and k == 0) for k, step in enumerate(choices.path)]
    return Reading(
        marks=(*steps, *(Mark(step, "exclude") for step, _, _ in choices.exclusions)),
        before=choices.span.as_of,
        unit=tuple(choices.columns_of_unit),
        everything=everything or choices.order == "strict",
        groups=tuple(keys(choices.by) if groups is None else groups),
    )


def credited(events: Any, choices: Choices) -> tuple[Credited, Answer]:
    """The attempt by which each unit counts, of a whole event table."""
    answer = by_user(events, reading_of(choices), _credited_columns, choices=choices)
    columns = answer.columns
    times = np.empty((len(choices.path), len(columns["unit"])), np.int64)
    for k, row in enumerate(times):
        row[:] = columns.pop(f"time {k}")
    one = Credited(
        unit=columns["unit"],
        groups={name: columns[f"group {name}"] for name in keys(choices.by)},
        times=times,
        reached=times != _NOT_REACHED,
        open=columns["open"],
        open_for=columns["open_for"],
        void=columns["void"],
    )
    return one, answer


_NOT_REACHED = np.iinfo(np.int64).min
_NONE = np.iinfo(np.int64).max  # code of a missing value, behind all others
Least: TypeAlias = Callable[[Ints, int], Ints]


def _credited_columns(rows: Rows, choices: Choices) -> Columns:
    one = credited_of(rows, choices)
    return {
        "unit": rows.ids[one.unit],
        "open": one.open,
        "open_for": one.open_for,
        "void": one.void,
        **{f"group {name}": codes for name, codes in one.groups.items()},
        **{f"time {k}": np.where(one.reached[k], one.times[k], _NOT_REACHED) for k in range(len(one.times))},
    }


def credited_of(rows: Rows, choices: Choices) -> Credited:
    """The attempt by which each unit of these rows counts."""
    if is_direct(rows, choices):
        return _credited_directly(rows, choices)
    prepared = prepare(rows, choices)
    moments, rules = prepared.moments, choices.rules
    clean, void = prepared.attempts.only(~prepared.void), prepared.attempts.only(prepared.void)
    void = void.only(~np.isin(moments.unit[void.starts], moments.unit[clean.starts]))  # of units without a clean one
    if choices.counting == "attempts":
        counted = search.one_after_another(moments, clean, rules)
    else:
        counted = search.best(moments, clean)
    chosen = np.r_[counted, len(clean.starts) + search.best(moments, void)].astype(np.int64)
    tried = search.Attempts(np.r_[clean.starts, void.starts], np.c_[clean.path, void.path], clean.required)
    at, start = tried.path[:, chosen], tried.starts[chosen]
    unit, began = moments.unit[start], moments.time[start]
    if choices.counting == "users" and len(counted):
        # The last entry decides whether a unit still has time: any attempt that is open may become its best.
        place = np.searchsorted(moments.unit[clean.starts], unit[: len(counted)], side="right") - 1
        began[: len(counted)] = moments.time[clean.starts[place]]
    met = moments.met if choices.order != "unordered" else np.broadcast_to(moments.met.any(axis=0), moments.met.shape)
    is_void: Mask = chosen >= len(clean.starts)

    def least(code: Ints, step: int) -> Ints:
        here = np.full(len(moments.time), _NONE)
        np.minimum.at(here, moments.row[met[step]], code[met[step]])
        return here

    # Of a unit's attempts the first, void or not: the group of the first entry cannot hang on what came of it.
    entered, starts = start, prepared.attempts.starts
    if choices.counting == "users":
        entered = starts[np.searchsorted(moments.unit[starts], unit)]
    return _credited(rows, choices, unit, at, entered, moments.time, began, is_void, least)


def prepare(rows: Rows, choices: Choices) -> Prepared:
    """Gather the rows into moments and follow every attempt."""
    rules = choices.rules
    met = _met(rows, choices)
    moments = gather(rows.unit, rows.time, met)
    entry = moments.meets.any(axis=0) if choices.order == "unordered" else moments.meets[0].copy()
    starts = np.flatnonzero(entry & _may_enter(moments.time, choices))
    if choices.reentry == "first":
        starts = starts[_first_of_each(moments.unit[starts])]
    go = search.gather_any if choices.order == "unordered" else search.follow
    required = np.flatnonzero([not step.optional for step in choices.path])
    if len(required) == len(met):
        attempts = go(moments, starts, rules)
    else:
        attempts = go(gather(rows.unit, rows.time, met[required]), starts, rules)
        attempts = with_optional(moments, attempts, required, rules)
    void = np.zeros(len(starts), bool)
    for place, (_, from_step, to_step) in enumerate(choices.exclusions, start=len(choices.path)):
        marked = np.zeros(len(moments.time), bool)
        marked[moments.row[excluded_rows(rows, place, choices)]] = True
        void |= search.voided(moments, attempts, rules, marked, from_step, to_step)
    return Prepared(rows, moments, attempts, void)


def _credited_directly(rows: Rows, choices: Choices) -> Credited:
    step_of_class = np.where(rows.met[: len(choices.path)].any(axis=0), rows.met.argmax(axis=0), -1)
    step = step_of_class.astype(np.int16)[rows.kind]
    at = [np.flatnonzero(step == k) for k in range(len(choices.path))]
    if any(one.first_time_only for one in choices.path) or choices.range_applies_to == "all_steps":
        at = [np.flatnonzero(met) for met in _met(rows, choices)]
    entry = _may_enter(rows.time[at[0]], choices)
    if choices.reentry == "first":
        chosen = np.flatnonzero(entry)
        entry = np.zeros(len(entry), bool)
        entry[chosen[_first_of_each(rows.unit[at[0][chosen]])]] = True
    path, first, last = best_paths(rows, at, entry, choices.rules.window)
    void = np.zeros(path.shape[1], bool)
    if not rows.groups:
        return _credited(rows, choices, rows.unit[path[0]], path, first, rows.time, rows.time[last], void, _same)
    change = (rows.unit[1:] != rows.unit[:-1]) | (rows.time[1:] != rows.time[:-1]) | (step[1:] != step[:-1])
    alike = (
        np.r_[0, np.flatnonzero(change) + 1] if len(rows) else rows.unit
    )  # where runs begin of rows that serve alike

    def least(code: Ints, _: int) -> Ints:
        return np.repeat(np.minimum.reduceat(code, alike), np.diff(np.r_[alike, len(code)]))

    return _credited(rows, choices, rows.unit[path[0]], path, first, rows.time, rows.time[last], void, least)


def _same(code: Ints, _: int) -> Ints:
    return code


def _credited(
    rows: Rows,
    choices: Choices,
    unit: Ints,
    at: Ints,
    entered: Ints,
    time: Ints,
    began: Ints,
    void: Mask,
    least: Least,
) -> Credited:
    reached = at >= 0
    return Credited(
        unit=unit,
        groups={
            name: _touch(np.where(code < 0, _NONE, code), at, entered, choices, least)
            for name, code in rows.groups.items()
        },
        times=np.where(reached, time[at], 0) if len(time) else at,
        reached=reached,
        open=(began + choices.rules.window > choices.span.as_of) & (not choices.range_is_over),
        open_for=choices.span.as_of - began,
        void=void,
    )


def excluded_rows(rows: Rows, place: int, choices: Choices) -> Mask:
    """Rows that void attempts, by the mark of an exclusion."""
    hit = rows.meets(place)
    if choices.exclusions[place - len(choices.path)][0].first_time_only:
        hit = rows.first_of_unit(hit)
    if choices.range_applies_to == "all_steps":  # what lies outside the range is as if it were not there
        hit = hit & (rows.time >= choices.span.since) & (rows.time < choices.span.until)
    return hit


def _met(rows: Rows, choices: Choices) -> Mask:
    """Which steps each row may serve: steps x rows."""
    met = np.stack([rows.meets(k) for k in range(len(choices.path))])
    for k, step in enumerate(choices.path):
        if step.first_time_only:
            met[k] = rows.first_of_unit(met[k])
    if choices.range_applies_to == "all_steps":
        met &= (rows.time >= choices.span.since) & (rows.time < choices.span.until)
    return met


def _may_enter(time: Ints, choices: Choices) -> Mask:
    entry: Mask = (time >= choices.span.since) & (time < choices.span.until)
    if choices.mature_only:
        entry &= time + choices.rules.window <= choices.span.as_of
    return entry


def _first_of_each(unit: Ints) -> Ints:
    return np.flatnonzero(np.r_[True, unit[1:] != unit[:-1]]) if len(unit) else unit


def _touch(code: Ints, at: Ints, entered: Ints, choices: Choices, least: Least) -> Ints:
    """Code on the rows that served the attempt: the first, the last, that of one step or of the entry; -1 is missing.

    `least` gives the least code of those rows that could serve a step alike, so that the order of the file does not
    matter.
    """
    steps = range(len(choices.path))
    if choices.attribution == "entry":
        at, steps = entered[None], range(1)
    if choices.attribution == "step":
        steps = range((choices.attribution_step or 1) - 1, choices.attribution_step or 1)
    elif choices.attribution == "last_touch":
        steps = range(len(choices.path) - 1, -1, -1)
    found = np.full(at.shape[1], _NONE)
    for step in steps:
        asked = np.flatnonzero((found == _NONE) & (at[step] >= 0))
        if len(asked):
            found[asked] = least(code, step)[at[step, asked]]
    return np.where(found == _NONE, -1, found)
