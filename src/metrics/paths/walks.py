"""The arithmetic of paths: rows numbered within their path, and walks from one step to the next counted.

Every count is a whole number that adds up over parts of the users, so that no answer depends on how they were read.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from metrics.periods import SECOND, Ints
from metrics.steps import Mask

EXIT, OPEN = -1, -2  # targets that are no events: nothing followed; something may follow yet
NODE = -(2**31)  # the target of a count of all who were at a step
Counts: TypeAlias = dict[str, Ints]


class Trail(NamedTuple):
    """Rows of paths: those of a path together, in the order in which they were walked."""

    path: Ints  # not decreasing
    unit: Ints
    time: Ints
    event: Ints  # code of its name, or of what stands in its place

    def only(self, mask: Mask) -> "Trail":
        """Those of the rows."""
        return Trail(*(column[mask] for column in self))

    @property
    def begins(self) -> Mask:
        """Rows with which a path begins."""
        return changes(self.path)

    @property
    def ends(self) -> Mask:
        """Rows with which a path ends."""
        ends: Mask = np.roll(self.begins, -1)
        return ends

    @property
    def place(self) -> Ints:
        """Number of each row in its path, from 1."""
        first, row = self.begins, np.arange(len(self.path))
        return row - np.maximum.accumulate(np.where(first, row, 0)) + 1

    def before_silence(self, longer_than: int) -> "Trail":
        """The rows of each path before its first silence that is too long."""
        silent = ~self.begins
        silent[1:] &= np.diff(self.time) > longer_than
        silences = np.cumsum(silent)
        return self.only(silences == np.maximum.accumulate(np.where(self.begins, silences, 0)))

    @property
    def repeats(self) -> Mask:
        """Rows of the same event as the row before them."""
        again = np.zeros(len(self.path), bool)
        again[1:] = (self.path[1:] == self.path[:-1]) & (self.event[1:] == self.event[:-1])
        return again


def changes(number: Ints) -> Mask:
    """Where a number differs from the one before; the first does."""
    new = np.ones(len(number), bool)
    new[1:] = number[1:] != number[:-1]
    return new


def count(trail: Trail, place: Ints, after_last: Ints, max_steps: int) -> Counts:
    """Users and walks of each edge, of each step's events (`NODE`), and of all (step 0).

    `place` is the step of each row; rows outside 1 to `max_steps` are not shown. `after_last` is for each row what
    follows it if it is the last of its path: a target such as `EXIT`, or `NODE` for nothing that is counted.
    """
    shown = (place >= 1) & (place <= max_steps)
    nothing = np.zeros(len(place), np.int64)
    ends = trail.ends
    follows = np.where(ends, after_last, np.roll(trail.event, -1))
    gap = np.where(ends, 0, np.roll(trail.time, -1) - trail.time)
    walked = shown & (place < max_steps) & (follows != NODE)
    tallies = [
        _tally((nothing, nothing, nothing + NODE), trail.unit, nothing, trail.begins),
        _tally((place, trail.event, nothing + NODE), trail.unit, nothing, shown),
        _tally((place, trail.event, follows), trail.unit, gap, walked),
    ]
    return {name: np.concatenate([tally[name] for tally in tallies]) for name in tallies[0]}


def _tally(keys: Sequence[Ints], unit: Ints, gap: Ints, mask: Mask) -> Counts:
    """For each (step, source, target) of the rows in `mask`: distinct units, rows, and the sum of the gaps.

    The sum is kept as whole seconds and microseconds beyond them: years of many users do not fit into one number.
    """
    keys, unit, gap = [key[mask] for key in keys], unit[mask], gap[mask]
    number = np.zeros(len(unit), np.int64)
    for key in keys:
        low = int(key.min(initial=0))
        number = number * (int(key.max(initial=0)) - low + 1) + key - low
    code, _ = pd.factorize(number)
    first = np.flatnonzero(~pd.Series(code).duplicated().to_numpy())
    units = int(unit.max(initial=0)) + 1
    pairs = pd.unique(code * units + unit)
    whole, rest = gap // SECOND, gap % SECOND
    return {
        **{name: key[first] for name, key in zip(("step", "source", "target"), keys, strict=True)},
        "users": np.bincount(pairs // units, minlength=len(first)).astype(np.int64),
        "walks": np.bincount(code, minlength=len(first)).astype(np.int64),
        "seconds": _sums(code, whole, len(first)),
        "microseconds": _sums(code, rest, len(first)),
    }


def _sums(code: Ints, amount: Ints, size: int) -> Ints:
    total = np.zeros(size, np.int64)
    np.add.at(total, code, amount)
    return total
