"""Limits of a count of things that happen one by one, such as complaints."""

import numpy as np

from metrics.intervals.rates import Floats, Numbers, normal_quantile, ratio


def poisson(
    count: Numbers, confidence: float = 0.95, *, squares: Numbers | None = None, most: Numbers = 1
) -> tuple[Floats, Floats]:
    """Exact limits of the mean of a Poisson count (Garwood 1936, Biometrika 28:437).

    Where one may bring several things, `squares` is the sum over all of the square of how many each brought, and `most`
    how many one brought at most: then the limits are those of a weighted sum of Poisson counts, of which each weighs as
    many as it brought (Fay & Feuer 1997, Statistics in Medicine 16:791). Where everybody brings one they are the same.
    """
    from scipy.special import gammaincinv  # slow to import, and only needed here

    normal_quantile(confidence)
    x, tail = np.asarray(count, float), (1 - confidence) / 2
    spread = x if squares is None else np.asarray(squares, float)
    top = np.maximum(np.asarray(most, float), 1)
    each, more = ratio(spread, x), (spread + top**2) / (x + top)
    low = np.where(x > 0, each * gammaincinv(np.where(x > 0, ratio(x, each), 1), tail), 0.0)
    return low, more * gammaincinv((x + top) / more, 1 - tail)
