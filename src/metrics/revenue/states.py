"""What did each customer pay at the end of each day? The pieces of the book as balances.

A cell is a day on which something of a unit changed: a customer (or subscription), in one segment and currency. All
changes of one day are netted. Cells of a unit follow each other, each with the balance before and after it.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from metrics.periods import Ints
from metrics.revenue.book import NEVER, Book
from metrics.revenue.pieces import Pieces
from metrics.revenue.ranges import Range


@dataclass(frozen=True)
class Cells:
    """Days with a change, in order of unit, part (a segment in a currency) and day; amounts are whole parts."""

    unit: Ints
    part: Ints
    day: Ints
    live: Ints  # after the day
    held: Ints
    risk: Ints
    live_before: Ints
    held_before: Ints

    @classmethod
    def of(
        cls, unit: Ints, part: Ints, day: Ints, live: Ints, held: Ints | None, risk: Ints | None, *, all: bool = False
    ) -> "Cells":
        """The balances that follow from changes, in any order; days on which they cancel out only with `all`."""
        n = len(unit)
        if not n:
            none = np.zeros(0, np.int64)
            return cls(*[none] * 8)
        first, parts = int(day.min()), int(part.max()) + 1
        width = int(day.max()) - first + 1
        key = (unit * parts + part) * width + (day - first)
        order = np.argsort(key, kind="stable")
        key = key[order]
        begin = np.flatnonzero(np.r_[True, key[1:] != key[:-1]])
        sums = [None if x is None else np.add.reduceat(x[order], begin) for x in (live, held, risk)]
        key = key[begin]
        changed = np.full(len(key), all)
        for x in sums:
            changed |= False if x is None else x != 0
        key = key[changed]
        whose, day = key // width, key % width + first
        balances = []
        for x in sums:
            if x is None:
                balances.append((np.zeros(len(key), np.int64),) * 2)
                continue
            x = x[changed]
            balances.append(_running(x, whose))
        return cls(
            whose // parts, whose % parts, day, balances[0][0], balances[1][0], balances[2][0],
            balances[0][1], balances[1][1],
        )  # fmt: skip

    def merged(self, part: Ints) -> "Cells":
        """The cells with each part counted to another one, `part[old]`; 0 for all makes one of each unit."""
        return Cells.of(
            self.unit, part[self.part], self.day, self.live - self.live_before, self.held - self.held_before, None,
            all=True,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.unit)

    def pick(self, rows: np.ndarray) -> "Cells":
        return Cells(
            self.unit[rows], self.part[rows], self.day[rows], self.live[rows], self.held[rows], self.risk[rows],
            self.live_before[rows], self.held_before[rows],
        )  # fmt: skip

    @cached_property
    def _key(self) -> tuple[Ints, int, int, int]:
        parts, first = int(self.part.max(initial=0)) + 1, int(self.day.min(initial=0))
        width = int(self.day.max(initial=0)) - first + 2
        return (self.unit * parts + self.part) * width + (self.day - first), parts, first, width

    def before(self, day: int) -> "Cells":
        """The last cell of each unit and part before this day: its balance at the day's start."""
        early = np.flatnonzero(self.day < day)
        unit, part = self.unit[early], self.part[early]
        last = np.r_[(unit[1:] != unit[:-1]) | (part[1:] != part[:-1]), True] if len(early) else np.zeros(0, bool)
        return self.pick(early[last])

    def find(self, unit: Ints, part: Ints, day: Ints) -> Ints:
        """Place of the last cell of each unit and part on or before a day; -1 where there is none."""
        key, parts, first, width = self._key
        asked = (unit * parts + part) * width + np.clip(day - first, -1, width - 1)
        place = np.searchsorted(key, asked, side="right") - 1
        there = place >= 0
        same = np.zeros(len(place), bool)
        same[there] = (self.unit[place[there]] == unit[there]) & (self.part[place[there]] == part[there])
        return np.where(same & (day >= first), place, -1)

    @cached_property
    def paid_before(self) -> np.ndarray:
        """Whether the unit had MRR after an earlier cell. Only for cells of one part."""
        n = len(self)
        if not n:
            return np.zeros(0, bool)
        new = np.r_[True, self.unit[1:] != self.unit[:-1]]
        begin = np.flatnonzero(new)
        place = np.arange(n)
        first = np.minimum.reduceat(np.where(self.live > 0, place, n), begin)
        return np.asarray(first[np.cumsum(new) - 1] < place)


def _running(change: Ints, whose: Ints) -> tuple[Ints, Ints]:
    """Balance after and before each change; those of one unit and part follow each other."""
    total = np.cumsum(change)
    new = np.r_[True, whose[1:] != whose[:-1]][: len(whose)]  # nothing may be left where all cancels out
    begin = np.flatnonzero(new)
    base = (total - change)[begin][np.cumsum(new) - 1]
    after = total - base
    return after, after - change


def cells_of(book: Book, pieces: Pieces, unit: Ints, part: Ints, span: Range) -> Cells:
    """The cells of all pieces; `unit` and `part` are given for each row of the book."""
    as_of = span.observed
    ended = np.flatnonzero(pieces.end < min(as_of, NEVER))
    start, end = span.days(pieces.start), span.days(pieces.end[ended])

    def both(amount: Ints) -> Ints | None:
        return np.r_[amount, -amount[ended]] if amount.any() else None

    rows = np.r_[pieces.row, pieces.row[ended]]
    live = both(pieces.live)
    return Cells.of(
        unit[rows], part[rows], np.r_[start, end],
        np.zeros(len(rows), np.int64) if live is None else live, both(pieces.held), both(pieces.risk),
    )  # fmt: skip
