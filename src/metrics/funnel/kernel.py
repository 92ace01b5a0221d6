"""The arithmetic of a funnel: numpy over rows sorted by unit and time, without a loop over users.

Rows that meet a step are gathered into moments, one for each unit and instant. Every moment that meets step 1 begins
an attempt; an attempt goes from moment to moment, each time to the earliest one that meets its next step. For a given
start that is the best there is, since being early never shuts a door.

Only one thing needs care: one row serves one step. Two steps can be met within one moment only by two rows.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from metrics.periods import Ints
from metrics.steps import Mask

NEVER = np.int64(-1)


@dataclass(frozen=True)
class Moments:
    """Distinct (unit, instant) pairs at which at least one step is met, in order."""

    unit: Ints
    time: Ints
    meets: Mask  # steps x moments
    row: Ints  # moment of each row that was given
    several: Mask  # moments with more than one row, each of which meets exactly one step
    mixed: dict[int, Ints]  # moment with rows that meet several steps -> furthest step by first step (see `_chains`)

    @property
    def last(self) -> Ints:
        """Last moment of the same unit, for each moment."""
        if not len(self.unit):
            return self.unit
        ends = np.flatnonzero(np.r_[self.unit[1:] != self.unit[:-1], True])
        last: Ints = ends[np.searchsorted(ends, np.arange(len(self.unit)))]
        return last


class Attempts(NamedTuple):
    """Attempts that begin at `starts`: `path[k]` is the moment that served step k + 1, or -1."""

    starts: Ints
    path: Ints  # steps x attempts

    @property
    def level(self) -> Ints:
        """Furthest step of each attempt, from 1."""
        level: Ints = (self.path >= 0).sum(axis=0)
        return level


def gather(unit: Ints, time: Ints, met: Mask) -> Moments:
    """Moments of rows that are sorted by unit and time; `met` is steps x rows, and each row meets a step."""
    if not len(unit):
        return Moments(unit, time, np.zeros((len(met), 0), bool), unit, np.zeros(0, bool), {})
    new = np.r_[True, (unit[1:] != unit[:-1]) | (time[1:] != time[:-1])]
    first = np.flatnonzero(new)
    row = np.cumsum(new) - 1
    meets = np.logical_or.reduceat(met, first, axis=1)
    rows = np.diff(np.r_[first, len(unit)])
    steps_of_row = met.sum(axis=0)
    overlapping = np.maximum.reduceat(steps_of_row, first) > 1
    known: dict[bytes, Ints] = {}
    mixed = {}
    for moment in np.flatnonzero((rows > 1) & overlapping):
        patterns = met[:, first[moment] : first[moment] + rows[moment]]
        key = patterns.shape[1].to_bytes(4, "little") + np.packbits(patterns[:, np.lexsort(patterns)]).tobytes()
        if key not in known:
            known[key] = _chains(patterns)
        mixed[int(moment)] = known[key]
    return Moments(unit[first], time[first], meets, row, (rows > 1) & ~overlapping, mixed)


def _chains(met: Mask) -> Ints:
    """For each step s: the last step e such that the steps s..e can be served by different rows, or s - 1.

    A bipartite matching, grown one step at a time by augmenting paths (Kuhn 1955).
    """
    steps, rows = met.shape
    furthest = np.empty(steps, np.int64)
    for first in range(steps):
        served_by: dict[int, int] = {}

        def serve(step: int, tried: set[int], served_by: dict[int, int] = served_by) -> bool:
            for row in range(rows):
                if met[step, row] and row not in tried:
                    tried.add(row)
                    if row not in served_by or serve(served_by[row], tried):
                        served_by[row] = step
                        return True
            return False

        end = first
        while end < steps and serve(end, set()):
            end += 1
        furthest[first] = end - 1
    return furthest


def follow(moments: Moments, starts: Ints, *, window: int, ties: bool) -> Attempts:
    """Go from each start to the earliest moment of each next step, within `window` (its end included)."""
    steps, n = moments.meets.shape
    at = np.full((steps, len(starts)), NEVER)
    if not len(starts):
        return Attempts(starts, at)
    at[0] = starts
    here, entered = starts.copy(), np.zeros(len(starts), np.int64)
    deadline, last = moments.time[starts] + window, moments.last[starts]
    alive = np.ones(len(starts), bool)
    chains = _chain_table(moments) if ties else None
    for step in range(1, steps):
        ahead = _next(moments.meets[step], n)
        stay = _can_stay(moments, chains, here, entered, step) if ties else np.zeros(len(starts), bool)
        there = ahead[np.where(stay, here, here + 1)]
        alive &= there <= last
        alive[alive] = moments.time[there[alive]] <= deadline[alive]
        if not alive.any():
            break
        at[step, alive] = there[alive]
        entered = np.where(alive & (there != here), step, entered)
        here = np.where(alive, there, here)
    return Attempts(starts, at)


def _next(meets: Mask, n: int) -> Ints:
    """For each moment (and one beyond the end): the first moment at or after it that meets the step, else n."""
    ahead = np.full(n + 2, n, np.int64)
    ahead[:n] = np.where(meets, np.arange(n), n)
    return np.minimum.accumulate(ahead[::-1])[::-1]


def _chain_table(moments: Moments) -> tuple[Ints, Ints] | None:
    """Mixed moments in order, and the furthest step of each by its first step."""
    if not moments.mixed:
        return None
    return np.fromiter(moments.mixed, np.int64), np.stack(list(moments.mixed.values()))


def _can_stay(moments: Moments, chains: tuple[Ints, Ints] | None, here: Ints, entered: Ints, step: int) -> Mask:
    """Whether another row of the present moment may serve `step`, after it served those from `entered` on."""
    stay: Mask = moments.several[here] & moments.meets[step, here]
    if chains is not None:
        which, furthest = chains
        place = np.searchsorted(which, here).clip(max=len(which) - 1)
        is_mixed = which[place] == here
        stay |= is_mixed & (furthest[place, entered] >= step)
    return stay


def best(moments: Moments, attempts: Attempts) -> Ints:
    """The attempt by which each unit counts: furthest, then completed first, then begun last. One per unit."""
    if not len(attempts.starts):
        return attempts.starts
    level = attempts.level
    unit = moments.unit[attempts.starts]
    done = moments.time[attempts.path[level - 1, np.arange(len(level))]]
    order = np.lexsort((-moments.time[attempts.starts], done, -level, unit))
    first = np.r_[True, unit[order][1:] != unit[order][:-1]]
    return order[first]
