"""Cells of time: where a metric asks only in which period a row lies, rows of one unit and cell need reading once.

A log of a year has dozens of rows for each day on which a unit did something. All that cohorts, actives, lifecycles
and churn ask of them is the day, so that the distinct (unit, cell) tell as much as all rows, and are far fewer.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from metrics.periods import SLOT, Calendar, Ints

MOST_CELLS = 2**16
MOST_SLOTS = 2**21  # sixty years of quarters of an hour


@dataclass(frozen=True)
class Cut:
    """The instants at which it matters whether a row lies before or after.

    These are the starts of the periods of `calendar`; the instants that lie one of `spans` before such a start or
    before one of `at`; and `at`.
    """

    calendar: Calendar
    spans: tuple[int, ...] = ()
    at: tuple[int, ...] = ()

    def cells(self, first: int, last: int) -> "Cells | None":
        """The cells of the time from `first` to `last`; None where there are too many, or they are cut too finely."""
        if last < first:
            return None
        longest = max(self.spans, default=0)
        low, high = self.calendar.number(np.array([first, last + longest]))
        if high - low > MOST_CELLS:
            return None
        edges = np.r_[self.calendar.begins(np.arange(low, high + 2)), np.array(self.at, np.int64)]
        starts = np.concatenate([edges, *(edges - span for span in self.spans)])
        starts = np.unique(starts[starts <= last])  # the first is a start of a period, at or before `first`
        starts = starts[np.searchsorted(starts, first, side="right") - 1 :]
        return Cells(starts) if len(starts) <= MOST_CELLS and not (starts % SLOT).any() else None


@dataclass(frozen=True)
class Cells:
    """Stretches of time, by their first instants; the last one has no end."""

    starts: Ints

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def bits(self) -> int:
        """Bits that hold the number of a cell."""
        return int(len(self.starts) - 1).bit_length()

    def number(self, time: Ints) -> Ints:
        """The cell of each instant."""
        found: Ints = np.searchsorted(self.starts, time, side="right") - 1
        return found

    def step(self, last: int) -> int | None:
        """The length of the cells, if they are all alike up to `last`, so that a division tells the cell."""
        if len(self.starts) == 1:
            return max(last - int(self.starts[0]), 0) + 1
        whole = np.unique(np.diff(self.starts))
        return int(whole[0]) if len(whole) == 1 and last < self.starts[-1] + whole[0] else None

    def finder(self, last: int) -> Callable[[Ints], npt.NDArray[np.uint64]]:
        """A function that tells the cells of many instants up to `last`."""
        first = int(self.starts[0]) // SLOT
        # Zones move by whole quarters of an hour, so that a table of these tells the cell of any instant.
        slots = np.arange(first, last // SLOT + 1, dtype=np.int64)
        of_slot, numbers = self.number(slots * SLOT).astype(np.uint64), np.arange(len(self), dtype=np.uint64)

        def found(time: Ints) -> npt.NDArray[np.uint64]:
            if not (time[1:] >= time[:-1]).all():
                return of_slot[time // SLOT - first]
            edges = np.searchsorted(time, self.starts)  # in the order of time, as exports are, the cells are stretches
            return np.repeat(numbers, np.diff(edges, append=len(time)))

        return found
