"""The arithmetic of a funnel: numpy over moments, without a loop over units.

Every moment that meets step 1 begins an attempt; an attempt goes from moment to moment, each time to the earliest one
that meets its next step. For a given start that is the best there is, since being early never shuts a door.
"""

import bisect
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from metrics.funnel.moments import Moments, match
from metrics.periods import Ints
from metrics.steps import Mask

NEVER = np.int64(-1)


class Attempts(NamedTuple):
    """Attempts that begin at `starts`: `path[k]` is the moment that served step k + 1, or -1."""

    starts: Ints
    path: Ints  # steps x attempts
    required: Ints  # steps, from 0, that may not be left out

    @property
    def level(self) -> Ints:
        """Furthest required step of each attempt, from 1."""
        level: Ints = np.where(self.path[self.required] >= 0, self.required[:, None] + 1, 0).max(axis=0, initial=0)
        return level

    def only(self, mask: Mask) -> "Attempts":
        """Those of the attempts."""
        return Attempts(self.starts[mask], self.path[:, mask], self.required)


@dataclass(frozen=True)
class Rules:
    """What an attempt may do."""

    window: int
    ties: bool = True  # steps may share an instant
    strict: bool = False  # no other row in between
    grace: int = 0  # how long a step may lie before the one it follows


def follow(moments: Moments, starts: Ints, rules: Rules) -> Attempts:
    """Go from each start to the earliest moment of each next step, within the window (its end included)."""
    steps, n = moments.meets.shape
    path = np.full((steps, len(starts)), NEVER)
    if not len(starts):
        return Attempts(starts, path, np.arange(steps))
    path[0] = starts
    here, entered = starts.copy(), np.zeros(len(starts), np.int64)
    deadline, last = moments.time[starts] + rules.window, moments.last[starts]
    alive = np.ones(len(starts), bool)
    chains = _chain_table(moments) if rules.ties else None
    for step in range(1, steps):
        ahead = next_that_meets(moments.meets[step], n)
        stay = np.zeros(len(starts), bool)
        if rules.ties:
            stay = _can_stay(moments, chains, here, entered, step)
        there = ahead[np.where(stay, here, here + 1)]
        if rules.strict:  # the next moment that does more than repeat the step just reached must meet this one
            other = next_that_meets(~moments.meets[step - 1] | moments.meets[step], n)[np.where(stay, here, here + 1)]
            there = np.where(there == other, there, n)
        if rules.grace:
            there = _with_grace(moments, ahead, path[:step], here, rules)
        alive &= there <= last
        alive[alive] = moments.time[there[alive]] <= deadline[alive]
        if not alive.any():
            break
        path[step, alive] = there[alive]
        entered = np.where(alive & (there != here), step, entered)
        here = np.where(alive, there, here)
    return Attempts(starts, path, np.arange(steps))


def gather_any(moments: Moments, starts: Ints, rules: Rules) -> Attempts:
    """From each start, the earliest moment of every step within the window, in the order of their times."""
    steps, n = moments.meets.shape
    path = np.full((steps, len(starts)), NEVER)
    if not len(starts):
        return Attempts(starts, path, np.arange(steps))
    deadline, last = moments.time[starts] + rules.window, moments.last[starts]
    for step in range(steps):
        there = next_that_meets(moments.meets[step], n)[starts]
        inside = there <= last
        inside[inside] = moments.time[there[inside]] <= deadline[inside]
        path[step, inside] = there[inside]
    path = np.sort(np.where(path >= 0, path, n), axis=0)
    shared = (path[1:] == path[:-1]) & (path[1:] < n)
    contested = np.flatnonzero(shared.any(axis=0))
    if len(contested) and (moments.met.sum(axis=0) > 1).any():
        rows = _Rows(moments)
        for attempt in contested:
            path[:, attempt] = rows.serving(starts[attempt], deadline[attempt], last[attempt])
    return Attempts(starts, np.where(path < n, path, NEVER), np.arange(steps))


class _Rows:
    """Rows by the step that they meet, to give different ones to the steps of one attempt after another."""

    def __init__(self, moments: Moments) -> None:
        self._moments = moments
        self._steps, self._width = moments.met.shape
        self._meeting = np.flatnonzero(moments.met)  # step * width + row
        self._known: dict[bytes, Ints] = {}

    def serving(self, start: int, deadline: int, last: int) -> Ints:
        """Moments of as many steps as different rows can serve, completed as early as they can be."""
        moments = self._moments
        end = start + np.searchsorted(moments.time[start : last + 1], deadline, side="right")
        rows = self._needed(*np.searchsorted(moments.row, np.array([start, end])))
        met = moments.met[:, rows]
        key = np.packbits(met, axis=0).tobytes()
        if key not in self._known:
            self._known[key] = _served(met)
        chosen = rows[self._known[key]]
        found = np.full(self._steps, len(moments.time))
        found[: len(chosen)] = moments.row[chosen]
        return found

    def _needed(self, low: int, high: int) -> Ints:
        """Of the rows from `low` to `high` - 1 the first ones of each step, as many as there are steps.

        `match` looks no further: with fewer rows in use than there are steps, one of these is free.
        """
        steps = np.arange(self._steps) * self._width
        first, behind = np.searchsorted(self._meeting, steps + low), np.searchsorted(self._meeting, steps + high)
        place = first[:, None] + np.arange(self._steps)
        return np.unique(self._meeting[place[place < behind[:, None]]] % self._width)


def _served(met: Mask) -> Ints:
    """The rows that serve as many steps as they all can, the last of them as early as it can be."""
    most = len(match(met))
    # More rows never serve fewer steps.
    fewest = bisect.bisect_left(range(met.shape[1]), most, key=lambda many: len(match(met[:, :many])))
    return np.array(sorted(match(met[:, :fewest])), np.int64)


def voided(moments: Moments, attempts: Attempts, rules: Rules, marked: Mask, from_step: int, to_step: int) -> Mask:
    """Attempts with a marked moment after `from_step` and before `to_step` (or, that not reached, in the window)."""
    begun, met = attempts.path[from_step - 1], attempts.path[to_step - 1]
    if not len(begun):
        return np.zeros(0, bool)
    n, last = len(moments.time), moments.last[attempts.starts]
    there = next_that_meets(marked, n)[np.where(begun >= 0, begun, n) + 1]
    inside = (begun >= 0) & (there <= last)
    when = moments.time[np.where(inside, there, 0)]
    deadline = moments.time[attempts.starts] + rules.window
    too_late = np.where(met >= 0, when >= moments.time[met], when > deadline)
    found: Mask = inside & ~too_late
    return found


def one_after_another(moments: Moments, attempts: Attempts, rules: Rules) -> Ints:
    """Attempts that do not overlap: of a unit the first, then the first one begun after its completion or window."""
    starts = attempts.starts
    if not len(starts):
        return starts
    # With grace the last step may lie before others: an attempt is over after all of them.
    done = np.where(attempts.path[attempts.required[-1]] >= 0, attempts.path.max(axis=0), NEVER)
    end = moments.first_since(moments.time[starts] + rules.window + 1, starts)
    following = np.searchsorted(starts, np.where(done >= 0, done + 1, end))
    unit = np.r_[moments.unit[starts], NEVER]
    current = np.flatnonzero(np.r_[True, unit[1:-1] != unit[:-2]])
    chosen = [current]
    while len(current):
        after = following[current]
        current = after[unit[after] == unit[current]]
        chosen.append(current)
    return np.sort(np.concatenate(chosen))


def best(moments: Moments, attempts: Attempts) -> Ints:
    """The attempt by which each unit counts: furthest, then completed first, then begun last. One per unit."""
    if not len(attempts.starts):
        return attempts.starts
    level, unit = attempts.level, moments.unit[attempts.starts]
    first = np.flatnonzero(np.r_[True, unit[1:] != unit[:-1]])
    size = np.diff(np.r_[first, len(unit)])
    done = moments.time[attempts.path[level - 1, np.arange(len(level))]]
    furthest = level == np.repeat(np.maximum.reduceat(level, first), size)
    done = np.where(furthest, done, np.iinfo(np.int64).max)
    earliest = done == np.repeat(np.minimum.reduceat(done, first), size)
    # Attempts are in the order of their starts, so that the last of these began last.
    chosen: Ints = np.maximum.reduceat(np.where(earliest, np.arange(len(unit)), NEVER), first)
    return chosen


def next_that_meets(meets: Mask, n: int) -> Ints:
    """For each moment (and two beyond the end): the first moment at or after it that meets, else n."""
    ahead = np.full(n + 2, n, np.int64)
    ahead[:n] = np.where(meets, np.arange(n), n)
    return np.minimum.accumulate(ahead[::-1])[::-1]


def _with_grace(moments: Moments, ahead: Ints, path: Ints, here: Ints, rules: Rules) -> Ints:
    """The earliest moment since `grace` before the present one that meets the step by a row of its own."""
    step = len(path)
    there = ahead[moments.first_since(moments.time[here] - rules.grace, here)]
    for _ in range(step):  # each used moment can be in the way once
        taken = np.flatnonzero((path == there).any(axis=0))
        full = [a for a in taken.tolist() if not (rules.ties and moments.has_room(path[:, a], step, int(there[a])))]
        if not full:
            break
        there[full] = ahead[there[full] + 1]
    return there


def _chain_table(moments: Moments) -> tuple[Ints, Ints] | None:
    """Mixed moments in order, and the furthest step of each by its first step."""
    if not moments.mixed:
        return None
    return np.fromiter(moments.mixed, np.int64), np.stack(list(moments.mixed.values()))


def _can_stay(moments: Moments, chains: tuple[Ints, Ints] | None, here: Ints, entered: Ints, step: int) -> Mask:
    """Whether another row of the present moment may serve `step`, after it served those from `entered` on."""
    stay: Mask = ~moments.single[here] & moments.meets[step, here]
    if chains is not None:
        which, furthest = chains
        place = np.searchsorted(which, here).clip(max=len(which) - 1)
        is_mixed = which[place] == here
        stay = np.where(is_mixed, furthest[place, entered] >= step, stay)
    return stay
