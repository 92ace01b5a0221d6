"""Two rates: the limits of their difference, of their ratio, and of the odds ratio of a table of four counts."""

from typing import Literal, NamedTuple

import numpy as np
import pandas as pd

from metrics.intervals.rates import Floats, Numbers, checked_counts, no_denominator, normal_quantile, ratio, wilson
from metrics.periods import one_of


class Estimates(NamedTuple):
    """An estimate with its limits, for each row."""

    value: Floats
    low: Floats
    high: Floats


def newcombe(
    successes_a: Numbers, n_a: Numbers, successes_b: Numbers, n_b: Numbers, confidence: float = 0.95
) -> tuple[Floats, Floats]:
    """Limits of rate a minus rate b (Newcombe 1998, Statistics in Medicine 17:873, method 10)."""
    a, b = ratio(successes_a, n_a), ratio(successes_b, n_b)
    (low_a, high_a), (low_b, high_b) = wilson(successes_a, n_a, confidence), wilson(successes_b, n_b, confidence)
    low = a - b - np.sqrt((a - low_a) ** 2 + (high_b - b) ** 2)
    high = a - b + np.sqrt((high_a - a) ** 2 + (b - low_b) ** 2)
    return low, high


def relative_lift(
    successes_a: Numbers, n_a: Numbers, successes_b: Numbers, n_b: Numbers, confidence: float = 0.95
) -> Estimates:
    """Rate a / rate b - 1, NaN over a rate of 0, with log limits (Katz et al. 1978, Biometrics 34:469).

    Where nobody or everybody succeeded on a side, log limits do not exist or take that side for certain; there the
    Wilson limits of both rates are combined (Donner & Zou 2012, Statistical Methods in Medical Research 21:347).
    """
    z = normal_quantile(confidence)
    x_a, n_a, x_b, n_b = np.broadcast_arrays(*(np.asarray(v, float) for v in (successes_a, n_a, successes_b, n_b)))
    a, b = ratio(x_a, n_a), ratio(x_b, n_b)
    value = ratio(a, b)
    half = z * np.sqrt(ratio(1, x_a) - ratio(1, n_a) + ratio(1, x_b) - ratio(1, n_b))
    low, high = value * np.exp(-half), value * np.exp(half)
    edge = (x_a == 0) | (x_a == n_a) | (x_b == n_b)
    (low_a, high_a), (low_b, high_b) = wilson(x_a, n_a, confidence), wilson(x_b, n_b, confidence)
    ab = a * b
    from_low = low_a * (2 * a - low_a), high_b * (2 * b - high_b)
    from_high = high_a * (2 * a - high_a), low_b * (2 * b - low_b)
    # Of the two forms of the lower root, the one that does not divide by what may be 0.
    edge_low = ratio(from_low[0], ab + np.sqrt(np.maximum(ab**2 - from_low[0] * from_low[1], 0)))
    edge_low = np.where(x_a == 0, 0.0, edge_low)
    edge_high = ratio(ab + np.sqrt(np.maximum(ab**2 - from_high[0] * from_high[1], 0)), from_high[1])
    low, high = np.where(edge, edge_low, low), np.where(edge, edge_high, high)
    known = ~np.isnan(value)
    return Estimates(value - 1, np.where(known, low - 1, np.nan), np.where(known, high - 1, np.nan))


def odds_ratio(
    with_a: Numbers,
    n_a: Numbers,
    with_b: Numbers,
    n_b: Numbers,
    *,
    smoothing: float | None = None,
    confidence: float = 0.95,
) -> Estimates:
    """Odds of a thing in a over its odds in b, with log limits (Woolf 1955, Annals of Human Genetics 19:251).

    `smoothing` is added to all four counts. None: 0.5 where one of them is 0 (Haldane 1956, the same 20:309; Anscombe
    1956, Biometrika 43:461), nothing elsewhere. NaN where a or b is empty, and where all or none of both have the
    thing, for then the counts say nothing of it.
    """
    z = normal_quantile(confidence)
    with_a, n_a, with_b, n_b = np.broadcast_arrays(*(np.asarray(v, float) for v in (with_a, n_a, with_b, n_b)))
    cells = np.stack([with_a, n_a - with_a, with_b, n_b - with_b])
    added = np.where((cells == 0).any(axis=0), 0.5, 0.0) if smoothing is None else smoothing
    informed = (n_a > 0) & (n_b > 0) & (with_a + with_b > 0) & (with_a + with_b < n_a + n_b)
    cells = np.where(informed, cells + added, np.nan)
    with np.errstate(divide="ignore"):  # smoothing=0 asks for the plain ratio, which a count of 0 makes 0 or infinite
        value = cells[0] * cells[3] / (cells[1] * cells[2])
        half = z * np.sqrt((1 / cells).sum(axis=0))
    defined = np.isfinite(half)
    value, half = np.where(defined, value, np.nan), np.where(defined, half, np.nan)
    return Estimates(value, value * np.exp(-half), value * np.exp(half))


def difference_interval(
    *,
    successes_a: Numbers,
    n_a: Numbers,
    successes_b: Numbers,
    n_b: Numbers,
    method: Literal["newcombe"] = "newcombe",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How sure is the difference of two rates, a minus b?

    Parameters
    ----------
    successes_a, n_a, successes_b, n_b
        Numbers, or equally long lists of them: how many of how many in a and in b.
    method
        ``"newcombe"``: from the Wilson limits of both, without continuity correction.
    confidence
        Share of such intervals that hold the true difference.

    Returns
    -------
    DataFrame, one row per pair
        proportion_a, proportion_b       0 to 1
        difference, difference_low/_high -1 to 1  a minus b with its limits
        reason                           text     ``zero_denominator`` where a side has no trials

    Raises
    ------
    ValueError
        Negative counts, more successes than trials, lists of different lengths.

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17:873-890, method 10.

    Examples
    --------
    >>> difference_interval(successes_a=9, n_a=10, successes_b=3, n_b=10).round(4).iloc[0, 2:5].tolist()
    [0.6, 0.1705, 0.809]
    """
    one_of("method", method, Literal["newcombe"])
    x_a, whole_a = checked_counts("successes_a", successes_a, n_a)
    x_b, whole_b = checked_counts("successes_b", successes_b, n_b)
    if len(x_a) != len(x_b):
        raise ValueError(f"a has {len(x_a)} values and b has {len(x_b)}. Give lists of equal length.")
    low, high = newcombe(x_a, whole_a, x_b, whole_b, confidence)
    a, b = ratio(x_a, whole_a), ratio(x_b, whole_b)
    table = pd.DataFrame({"proportion_a": a, "proportion_b": b, "difference": a - b})
    return table.assign(difference_low=low, difference_high=high, reason=no_denominator(whole_a * whole_b))
