"""Limits of a count of things that happen one by one, such as complaints."""

import numpy as np

from metrics.intervals.rates import Floats, Numbers, normal_quantile


def poisson(count: Numbers, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact limits of the mean of a Poisson count (Garwood 1936, Biometrika 28:437)."""
    from scipy.special import gammaincinv  # slow to import, and only needed here

    normal_quantile(confidence)
    x, tail = np.asarray(count, float), (1 - confidence) / 2
    low = np.where(x > 0, gammaincinv(np.maximum(x, 1), tail), 0.0)
    return low, gammaincinv(x + 1, 1 - tail)
