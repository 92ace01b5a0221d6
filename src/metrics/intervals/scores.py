"""Limits of a net score: the mean of votes for (+1), against (-1) or neither (0), in -1 to 1."""

from typing import NamedTuple

import numpy as np

from metrics.intervals.comparisons import Estimates
from metrics.intervals.rates import Floats, normal_quantile, ratio


class Votes(NamedTuple):
    """Sums over the votes of each row, with weights w and votes v; without weights every w is 1."""

    n: Floats
    w: Floats
    wv: Floats
    ww: Floats
    wwv: Floats
    wwvv: Floats
    wvv: Floats

    @classmethod
    def counted(cls, n: Floats, up: Floats, down: Floats) -> "Votes":
        """Votes that weigh the same, from counts."""
        return cls(n, n, up - down, n, up - down, up + down, up + down)


def net_score(
    votes: Votes, *, added: float = 0.75, shrink: Floats | float = 1.0, confidence: float = 0.95
) -> Estimates:
    """The (weighted) mean vote with its limits; NaN without weight.

    `added` votes of mean weight for and as many against, and twice as many for neither, are taken in first: 0.75 is the
    adjusted Wald interval (Agresti & Min 2005, Biometrics 61:515; Rocks 2016, The American Statistician 70:365), 0 the
    plain one. The variance is that of a ratio (Cochran 1977, Sampling Techniques, page 155). `shrink` shortens the
    interval, as where most of a population answered.

    A ratio of few weights, most of which a few votes hold, seems surer than it is: the adjusted limits are no nearer
    than those of as many votes of one weight as weigh the same (Kish 1965, Survey Sampling, section 11.7).
    """
    z = normal_quantile(confidence)
    score, low, high = _adjusted(votes, added, shrink, z)
    if added:
        worth = ratio(np.square(votes.w), votes.ww)
        mean, square = worth * score, worth * ratio(votes.wvv, votes.w)
        alike = _adjusted(Votes(worth, worth, mean, worth, mean, square, square), added, shrink, z)
        low, high = np.fmin(low, alike.low), np.fmax(high, alike.high)
    return Estimates(score, low, high)


def _adjusted(votes: Votes, added: float, shrink: Floats | float, z: float) -> Estimates:
    n, w, wv, ww, wwv, wwvv, _ = (np.asarray(values, float) for values in votes)
    mean = ratio(w, n)
    size = np.where(w > 0, w + 4 * added * mean, 0)
    centre = ratio(wv, size)
    spread = wwvv - 2 * centre * wwv + centre**2 * ww + added * mean**2 * (2 + 4 * centre**2)
    score = ratio(wv, w)
    # The interval sits beside its score, for it is centred at the added votes; what shrinks it moves it back.
    centre = score + shrink * (centre - score)
    half = z * ratio(np.sqrt(np.maximum(spread, 0)), size) * shrink
    low, high = np.clip(centre - half, -1, 1), np.clip(centre + half, -1, 1)
    return Estimates(score, np.minimum(low, score), np.maximum(high, score))
