"""Who came back when: returns counted in the cells of a cohort table."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from metrics.engine import Rows, changes, only
from metrics.engine.combinations import combinations
from metrics.engine.local import Columns
from metrics.periods import DAY, Calendar, Ints
from metrics.retention.cohorts import Members
from metrics.retention.facts import COUNTED, SAME_PERIOD, fact
from metrics.retention.repeats import together
from metrics.retention.worth import finite, values
from metrics.steps import Mask

NEVER = 2**40  # number of a period after all others
MOST = 1_000_000  # periods after the first
Mode: TypeAlias = Literal["on", "on_or_after"]
Clock: TypeAlias = Literal["calendar", "rolling_24h"]


def _sizes(brackets: Sequence[int]) -> bool:
    listed = not isinstance(brackets, str) and isinstance(brackets, Collection) and len(brackets) > 0
    return listed and all(isinstance(size, int | np.integer) and size >= 1 for size in brackets)


@dataclass(frozen=True)
class Cells:
    """The cells of a cohort: cell 0 is the cohort's own period, cell k holds the periods `first[k]` to `last[k]`."""

    first: Ints
    last: Ints
    calendar: Calendar
    rolling: int | None  # length of a period that is counted from the start itself; None: calendar periods

    @classmethod
    def of(cls, calendar: Calendar, clock: Clock, periods: int, brackets: Sequence[int] | None) -> "Cells":
        """One cell a period, or one a bracket."""
        if brackets is not None and not _sizes(brackets):
            raise ValueError(f"brackets: {brackets!r} are not sizes. Use whole numbers of periods, such as [1, 2, 4].")
        many = periods if brackets is None else sum(brackets)
        if many > MOST:
            raise ValueError(f"{many:,} periods are too many to follow. Use longer ones, or at most {MOST:,}.")
        rolling = {"day": DAY, "week": 7 * DAY}.get(calendar.period)
        if clock == "rolling_24h" and rolling is None:
            raise ValueError(
                f"clock='rolling_24h' with period={calendar.period!r}: a {calendar.period} has no one length. "
                "Use period='day' or 'week'."
            )
        last = np.cumsum([0, *([1] * periods if brackets is None else brackets)])
        return cls(np.r_[0, last[:-1] + 1], last, calendar, rolling if clock == "rolling_24h" else None)

    def of_period(self, period: Ints) -> Ints:
        """The cell of a period after the cohort's own; one more than there are where it lies behind them all."""
        known = int(self.last[-1]) + 2
        of_known: Ints = np.searchsorted(self.last, np.arange(known))
        return of_known[np.minimum(period, known - 1)]

    def edges(self, cohort: Ints, cell: Ints) -> tuple[Ints, Ints]:
        """First instant of a cell for any member of the cohort, and the first one after it for all of them."""
        first, last = self.first[cell], self.last[cell]
        if self.rolling is None:
            return self.calendar.begins(cohort + first), self.calendar.begins(cohort + last + 1)
        opened, closed = self.calendar.begins(cohort), self.calendar.begins(cohort + 1)
        return opened + first * self.rolling, closed + (last + 1) * self.rolling


@dataclass(frozen=True)
class Returns:
    """Rows of members from their start on: the `row` came in the `period` after the start of the `member`."""

    row: Ints
    member: Ints
    period: Ints

    def only(self, mask: Mask) -> "Returns":
        """Some of them."""
        return Returns(self.row[mask], self.member[mask], self.period[mask])


def count(
    rows: Rows,
    number: Ints,
    returns: Mask,
    who: Members,
    cells: Cells,
    mode: Mode,
    enough: int,
    value: str | None,
    over: Callable[[Ints], Ints] | None,
    same_period: bool,
) -> list[Columns]:
    """Facts of every cohort that has somebody in it: users, retained, value, and with `over` what units have together.

    `over` says of cohorts how many of their first cells are finished; `same_period` asks for returns in the first one.
    """
    cohorts, place = combinations([*who.groups.values(), who.cohort])
    width = len(cells.last)
    at = np.flatnonzero(returns)
    found = _back(rows, number, at, who, cells, mode, enough)
    member, cell = found.member, cells.of_period(found.period)
    if mode == "on_or_after":  # somebody back in cell j was back in or after every cell up to j
        latest = np.zeros(len(who), np.int64)
        np.maximum.at(latest, member, np.minimum(cell, width - 1))
        highest = np.bincount(place * width + latest, minlength=cohorts.shape[1] * width).reshape(-1, width)
        retained = np.cumsum(highest[:, ::-1], axis=1)[:, ::-1].copy()
        if over is not None:
            member, cell = np.repeat(np.arange(len(who)), latest), _ramp(latest) + 1
    else:
        member, cell = only(cell < width, member, cell)
        if (cells.first != cells.last).any():  # a bracket counts a member once
            member, cell = np.divmod(np.unique(member * width + cell), width)
        retained = np.bincount(place[member] * width + cell, minlength=cohorts.shape[1] * width).reshape(-1, width)
    users = np.bincount(place, minlength=cohorts.shape[1])
    retained[:, 0] = users
    wide = np.repeat(cohorts, width, axis=1)
    groups = {f"group {name}": code for name, code in zip(who.groups, wide[:-1], strict=True)}
    of_cells = groups, wide[-1], np.tile(np.arange(width), cohorts.shape[1])
    found_facts = [fact(COUNTED, *of_cells, first=np.repeat(users, width), second=retained.ravel())]
    if over is not None:
        found_facts.append(together(who, (member, cell), over(who.cohort), width))
    if value is not None:
        amount = finite(rows.numbers[value], at, value)
        every = _of_members(rows, number, at, who, cells)
        cell = np.searchsorted(cells.last, every.period)
        inside = cell < width
        found_facts += values(amount[every.row[inside]], every.member[inside], cell[inside], who)
    if same_period:
        soon = _of_members(rows, number, at, who, cells)
        soon = soon.only((soon.period == 0) & (rows.time[soon.row] > who.began[soon.member]))
        there = np.bincount(soon.member, minlength=len(who)) >= enough
        again = np.bincount(place[there], minlength=cohorts.shape[1])
        groups = {f"group {name}": code for name, code in zip(who.groups, cohorts[:-1], strict=True)}
        found_facts.append(fact(SAME_PERIOD, groups, cohorts[-1], np.zeros_like(again), first=again))
    return found_facts


def _back(rows: Rows, number: Ints, at: Ints, who: Members, cells: Cells, mode: Mode, enough: int) -> Returns:
    """One row for each member and period, after its own, with enough returns; of ``on_or_after`` the last at least."""
    every = mode == "on_or_after"
    if cells.rolling is None:  # a period is the same for all members, so that its rows can be counted before
        first = np.flatnonzero(changes(*_taken(at, rows.unit, number)))
        at = at[first if enough == 1 else first[np.diff(first, append=len(at)) >= enough]]
        if every:  # the last return of a unit tells for all cells before it
            last = np.flatnonzero(np.r_[rows.unit[at][1:] != rows.unit[at][:-1], True]) if len(at) else at
            at = at[last]
        return _of_members(rows, number, at, who, cells, least=1, every=every)
    found = _of_members(rows, number, at, who, cells, least=1, every=every)
    width = int(found.period.max()) + 1 if len(found.period) else 1
    _, first, times = np.unique(found.member * width + found.period, return_index=True, return_counts=True)
    return Returns(*(x[first[times >= enough]] for x in (found.row, found.member, found.period)))


def _of_members(
    rows: Rows, number: Ints, at: Ints, who: Members, cells: Cells, *, least: int = 0, every: bool = False
) -> Returns:
    """The rows `at` for the members of their unit, from period `least` to the last; with `every` also after it."""
    unit, period = _taken(at, rows.unit, number)
    if cells.rolling is None and (who.unit[1:] != who.unit[:-1]).all():  # in one cohort each: nothing to search for
        began = np.full(len(rows.ids), NEVER)
        began[who.unit] = who.cohort
        after = period - began[unit]
        keep = np.flatnonzero((after >= least) if every else (after >= least) & (after <= cells.last[-1]))
        member = unit[keep]
        if len(who) < len(rows.ids):  # else the unit is the member
            of_unit = np.zeros(len(rows.ids), np.int64)
            of_unit[who.unit] = np.arange(len(who))
            member = of_unit[member]
        return Returns(at[keep], member, after[keep])
    lowest = int(who.cohort.min()) if len(who) else 0
    width = int(max(period.max(initial=lowest), who.cohort.max(initial=lowest))) - lowest + 2
    members = who.unit * width + who.cohort - lowest
    # Of many cohorts of a unit only those near enough: all pairs of starts and returns would be too many.
    reach = width if every else int(cells.last[-1]) + (0 if cells.rolling is None else 2)
    place = np.minimum(period - lowest, width - 1)
    first = np.searchsorted(members, unit * width + np.maximum(place - reach, 0))
    behind = np.searchsorted(members, unit * width + np.maximum(place, -1), side="right")
    many = np.maximum(behind - first, 0)
    row, member = np.repeat(at, many), np.repeat(first, many) + _ramp(many)
    if cells.rolling is not None:
        after = rows.time[row] - who.began[member]
        found = Returns(row, member, after // cells.rolling)
    else:
        found = Returns(row, member, number[row] - who.cohort[member])
    return found.only(found.period >= least)


def _taken(at: Ints, *columns: Ints) -> tuple[Ints, ...]:
    """The rows at these places, which are in order; all of them are the columns as they are, which costs nothing."""
    return tuple(column if len(at) == len(column) else column[at] for column in columns)


def _ramp(copies: Ints) -> Ints:
    """0, 1, …, n - 1 for each n in turn."""
    ends = np.cumsum(copies)
    return np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - copies, copies)
