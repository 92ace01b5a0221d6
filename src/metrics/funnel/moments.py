"""Rows as moments: one for each unit and instant at which something happened that a funnel must see.

Only one thing needs care: one row serves one step. Two steps can be met within one moment only by two rows.
"""

from dataclasses import dataclass

import numpy as np

from metrics.periods import Ints
from metrics.steps import Mask


@dataclass(frozen=True)
class Moments:
    """Distinct (unit, instant) pairs, in order."""

    unit: Ints
    time: Ints
    meets: Mask  # steps x moments
    row: Ints  # moment of each row that was given
    single: Mask  # moments of one row
    mixed: dict[int, Ints]  # moment of several rows of which some meet several steps -> see `_chains`
    met: Mask  # steps x rows, as given

    @property
    def last(self) -> Ints:
        """Last moment of the same unit, for each moment."""
        if not len(self.unit):
            return self.unit
        ends = np.flatnonzero(np.r_[self.unit[1:] != self.unit[:-1], True])
        last: Ints = ends[np.searchsorted(ends, np.arange(len(self.unit)))]
        return last

    def first_since(self, time: Ints, of: Ints) -> Ints:
        """For each moment in `of`: the first one of its unit not before `time` (or the next unit's first)."""
        instants, rank = np.unique(self.time, return_inverse=True)
        key = self.unit * (len(instants) + 1) + rank
        asked = self.unit[of] * (len(instants) + 1) + np.searchsorted(instants, time)
        found: Ints = np.searchsorted(key, asked)
        return found

    def has_room(self, path: Ints, step: int, moment: int) -> bool:
        """Whether a row of its own in a moment can serve one more step, beside those of `path` that it serves."""
        low, high = np.searchsorted(self.row, [moment, moment + 1])
        steps = [*np.flatnonzero(path == moment).tolist(), step]
        return len(match(self.met[steps, low:high])) == len(steps)


def gather(unit: Ints, time: Ints, met: Mask) -> Moments:
    """Moments of rows that are sorted by unit and time; `met` is steps x rows."""
    if not len(unit):
        nothing = np.zeros(0, bool)
        return Moments(unit, time, np.zeros((len(met), 0), bool), unit, nothing, {}, met)
    new = np.r_[True, (unit[1:] != unit[:-1]) | (time[1:] != time[:-1])]
    first = np.flatnonzero(new)
    rows = np.diff(np.r_[first, len(unit)])
    overlapping = np.maximum.reduceat(met.sum(axis=0), first) > 1
    known: dict[bytes, Ints] = {}
    mixed = {}
    for moment in np.flatnonzero((rows > 1) & overlapping):
        patterns = met[:, first[moment] : first[moment] + rows[moment]]
        key = patterns.shape[1].to_bytes(4, "little") + np.packbits(patterns[:, np.lexsort(patterns)]).tobytes()
        if key not in known:
            known[key] = _chains(patterns)
        mixed[int(moment)] = known[key]
    meets = np.logical_or.reduceat(met, first, axis=1)
    return Moments(unit[first], time[first], meets, np.cumsum(new) - 1, rows == 1, mixed, met)


def match(met: Mask) -> dict[int, int]:
    """As many steps as can be served by different rows (`met` is steps x rows): row -> step."""
    served_by: dict[int, int] = {}
    for step in range(len(met)):
        _serve(met, step, set(), served_by)
    return served_by


def _chains(met: Mask) -> Ints:
    """For each step s: the last step e such that the steps s..e can be served by different rows, or s - 1."""
    furthest = np.empty(len(met), np.int64)
    for first in range(len(met)):
        served_by: dict[int, int] = {}
        end = first
        while end < len(met) and _serve(met, end, set(), served_by):
            end += 1
        furthest[first] = end - 1
    return furthest


def _serve(met: Mask, step: int, tried: set[int], served_by: dict[int, int]) -> bool:
    """Find a row for the step, moving others where that helps: an augmenting path (Kuhn 1955)."""
    for row in np.flatnonzero(met[step]).tolist():
        if row not in tried:
            tried.add(row)
            if row not in served_by or _serve(met, served_by[row], tried, served_by):
                served_by[row] = step
                return True
    return False
