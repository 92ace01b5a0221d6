"""Optional steps: put into attempts that were found without them.

An optional step counts where a row of its own lies between the required step before and the one after, or, that one
not being reached, within the window. It never changes how far an attempt comes.
"""

import numpy as np

from metrics.funnel.moments import Moments
from metrics.funnel.search import NEVER, Attempts, Rules, next_that_meets
from metrics.periods import Ints


def with_optional(moments: Moments, attempts: Attempts, required: Ints, rules: Rules) -> Attempts:
    """The attempts, which were found on the `required` steps alone, with the optional ones that happened."""
    steps, n = moments.meets.shape
    path = np.full((steps, len(attempts.starts)), NEVER)
    path[required] = attempts.path
    full = Attempts(attempts.starts, path, required)
    if not path.size:
        return full
    deadline, last = moments.time[full.starts] + rules.window, moments.last[full.starts]
    for step in np.setdiff1d(np.arange(steps), required):
        since = _latest(path[:step])
        possible = since >= 0
        if (before := required[required < step]).size:  # the required step before must have been reached
            possible &= path[before[-1]] >= 0
        after = required[required > step]
        until = np.full(len(since), NEVER) if not after.size else path[after[0]]
        ahead = next_that_meets(moments.meets[step], n)
        there = ahead[np.where(possible, since, n) + 1]
        in_time = (there < np.where(until >= 0, until, n)) & (there <= last)
        in_time[in_time] = moments.time[there[in_time]] <= deadline[in_time]
        found = np.where(possible & in_time, there, NEVER)
        if rules.ties:
            shares = possible & ~moments.single[since] & moments.meets[step, since]
            for attempt in np.flatnonzero(shares):
                if moments.has_room(path[:, attempt], step, int(since[attempt])):
                    found[attempt] = since[attempt]
            shares = possible & (found < 0) & (until > since)
            shares &= ~moments.single[until] & moments.meets[step, until]
            for attempt in np.flatnonzero(shares):
                if moments.has_room(path[:, attempt], step, int(until[attempt])):
                    found[attempt] = until[attempt]
        path[step] = found
    return full


def _latest(path: Ints) -> Ints:
    """The last step reached of each attempt."""
    latest: Ints = path[0].copy()
    for moment in path[1:]:
        latest = np.where(moment >= 0, moment, latest)
    return latest
