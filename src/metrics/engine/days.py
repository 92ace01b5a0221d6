"""Days of users: what several metrics ask of events, read once and held in memory."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.engine.cells import Cells, Cut
from metrics.engine.local import Columns, Kernel
from metrics.engine.reading import Classes, Reading
from metrics.engine.rows import Rows, changes, only
from metrics.files import several
from metrics.periods import DAY, Calendar, Ints, spoken
from metrics.steps import Mask, Step
from metrics.store.session import read_threads

PIECE = 100_000  # rows that a kernel sees at once, so that their columns stay in the cache of one core
ALWAYS = 200 * 366 * DAY  # from here on no `as_of` was given
LONGEST = 366  # days of silence that days tell exactly, also over a change of the clocks


@dataclass(frozen=True)
class UserDays:
    """On which local days each user did something: `user_days` reads it, the metrics of activity take it for events.

    Attributes
    ----------
    days     how many (user, day) there are; a day of a clock change may count as two
    users    how many users
    event    what counts as having done something
    as_of    first moment not observed
    tz       zone of the days
    """

    event: str
    as_of: str
    tz: str
    reading: Reading
    steps: tuple[Step, ...]
    met: Mask
    cells: Cells
    ids: Ints
    first: Ints  # place of each unit's first row
    cell: npt.NDArray[Any]
    kind: npt.NDArray[np.int16]

    @property
    def days(self) -> int:
        """How many (user, day) there are."""
        return len(self.cell)

    @property
    def users(self) -> int:
        """How many users there are."""
        return len(self.ids)

    @cached_property
    def kinds(self) -> Ints:
        """Which kinds of days there are."""
        return np.flatnonzero(np.bincount(self.kind))

    @cached_property
    def pieces(self) -> list[Rows]:
        """All days as rows, made once for all metrics."""
        ends = np.r_[self.first[1:], len(self.cell)]
        bounds = [0]
        while bounds[-1] < len(self.ids):
            most = self.first[bounds[-1]] + PIECE
            bounds.append(max(int(np.searchsorted(ends, most, side="right")), bounds[-1] + 1))
        if len(bounds) == 1:
            bounds.append(0)
        found = []
        for low, high in pairwise(bounds):
            a, b = (int(self.first[low]), int(ends[high - 1])) if low < high else (0, 0)
            cell, unit = self.cell[a:b], np.repeat(np.arange(high - low), ends[low:high] - self.first[low:high])
            time, kind, ids = self.cells.starts[cell], self.kind[a:b], self.ids[low:high]
            found.append(Rows(unit, time, kind, self.met, ids, cells=self.cells, cell=cell))
        return found

    def __repr__(self) -> str:
        held = f"{several(self.days, 'day', 'days')} of {several(self.users, 'user', 'users')}"
        return f"UserDays({held}, {self.event}, before {self.as_of}, {self.tz})"


def days_cut(tz: str, at: tuple[int, ...] = ()) -> Cut:
    """Time cut at every midnight of a zone, and at what lies whole days of 24 hours before one."""
    return Cut(Calendar("day", tz), tuple(DAY * n for n in range(1, LONGEST + 1)), at)


def days_kernel(rows: Rows, cells: Cells) -> Columns:
    """The distinct (unit, cell) of these rows, in order, and the marks that were met there, as bits."""
    bits = len(rows.met)
    marks = ((1 << np.arange(bits)) @ rows.met).astype(np.int16)[rows.kind]
    cell = rows.cell if rows.cell is not None else cells.number(rows.time).astype(np.int32)
    first = np.flatnonzero(changes(rows.unit, cell))
    met = marks if len(first) == len(marks) else np.bitwise_or.reduceat(marks, first)
    return {"id": rows.ids[rows.unit[first]], "cell": cell[first], "marks": met}


def marks_met(marks: int) -> Mask:
    """Which marks each number of `days_kernel` means: marks x numbers."""
    met: Mask = (np.arange(1 << marks) >> np.arange(marks)[:, None] & 1).astype(bool)
    return met


class DaysSource:
    """`UserDays` for the engine."""

    def __init__(self, days: UserDays) -> None:
        self._days = days
        self.columns = list(dict.fromkeys(["user_id", "event", "timestamp", *days.reading.unit]))

    def run(self, reading: Reading, kernel: Kernel) -> tuple[Columns, Mask]:
        """What the kernel makes of all days, and which marks were met."""
        days = self._days
        self._check(reading)
        met = np.stack([self._mark(mark.step) for mark in reading.marks])
        read: Mask | None = None if reading.everything else np.logical_or.reduce(met, axis=0)
        with ThreadPoolExecutor(read_threads(None)) as pool:
            parts = list(pool.map(kernel, self._pieces(met, read, reading.before)))
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        done = Classes(met, np.arange(0), np.arange(0)).met_by(days.kinds)
        for mark, anybody in zip(reading.marks, done, strict=True):
            if mark.needed and not anybody and len(days.cell):
                raise ValueError(
                    f"{mark.argument}: {mark.step.label!r} is not in the events of these days. Name one that occurs."
                )
        return columns, done

    def _pieces(self, met: Mask, read: Mask | None, before: int) -> Iterator[Rows]:
        days = self._days
        whole = before >= days.reading.before and (read is None or read[days.kinds].all())
        for rows in days.pieces:
            if whole:
                yield replace(rows, met=met)
                continue
            keep: Mask = rows.time < before
            if read is not None:
                keep &= read[rows.kind]
            there, unit = np.unique(rows.unit[keep], return_inverse=True)
            time, kind, cell = only(keep, rows.time, rows.kind, rows.cell)
            yield Rows(unit, time, kind, met, rows.ids[there], cells=days.cells, cell=cell)

    def _mark(self, step: Step) -> Mask:
        """Which classes of days meet a step; anything at all is what the days were read for."""
        days = self._days
        plain = Step(step.event, where=step.where)
        if plain == Step(None):
            plain = days.steps[0]
        if plain not in days.steps:
            known = [known.label for known in days.steps[1:]]
            raise ValueError(
                f"{plain.label!r} is not told apart in these days; {known or 'nothing'} is. "
                f"Read them again with user_days(…, tell_apart=[{plain.event!r}]), or give the events themselves."
            )
        found: Mask = days.met[days.steps.index(plain)]
        return found

    def _check(self, reading: Reading) -> None:
        days = self._days
        if reading.unit != days.reading.unit:
            raise ValueError(f"unit: these are days of {days.reading.unit[0]!r}, not of {reading.unit[0]!r}.")
        if reading.groups or reading.numbers:
            raise ValueError(f"{[*reading.groups, *reading.numbers]}: days hold no properties. Give the events.")
        if reading.cut is None:
            raise ValueError("What is asked for needs more than the day of each event. Give the events themselves.")
        if days.reading.before < reading.before < ALWAYS:
            raise ValueError(f"as_of is after {days.as_of}, up to which these days were read. Read them again.")
        first, last = int(days.cells.starts[0]), reading.before
        wanted = reading.cut.cells(first, last)
        needed = [*(wanted.starts if wanted is not None else []), reading.before]
        known = {*days.cells.starts.tolist(), days.reading.before}
        after = int(days.cells.starts[-1])
        for instant in needed:
            if first < instant <= after and int(instant) not in known:
                raise ValueError(
                    f"What is asked for depends on {spoken(int(instant), days.tz)}, within a day of {days.tz}. Days "
                    "tell periods of their zone from a day up, and silences of whole days. Give the events themselves."
                )

    def range(self, before: int) -> tuple[int, int]:
        """First and last instant of days before `before`."""
        starts = self._days.cells.starts
        return (int(starts[0]), min(int(starts[-1]), before - 1)) if len(self._days.cell) else (1, 0)

    def values(self, name: str) -> pd.Index:
        """Days hold no groups."""
        raise KeyError(name)

    def labels(self, ids: Ints) -> pd.Index:
        """Days hold no names."""
        raise ValueError("days hold no names of users. Give the events themselves.")

    def examples(self, columns: Sequence[str]) -> pd.DataFrame:
        """What is told apart, as rows."""
        known = [step.event for step in self._days.steps if step.event is not None]
        return pd.DataFrame({name: pd.Series(known if name == "event" else [], dtype="str") for name in columns})

    def of_unit(self, unit: str, value: Any) -> pd.DataFrame:
        """Days hold no rows."""
        raise ValueError("days hold no rows of a user. Give the events themselves.")
