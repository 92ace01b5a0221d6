"""One rate: its limits, and those of a Kaplan-Meier share."""

from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.periods import one_of

Floats: TypeAlias = npt.NDArray[np.float64]
Numbers: TypeAlias = float | Sequence[float] | Floats | npt.NDArray[np.int64] | pd.Series
Method: TypeAlias = Literal["wilson", "clopper_pearson", "wald"]


def normal_quantile(confidence: float) -> float:
    """Half-width of a standard normal interval: 1.96 for 0.95."""
    if not isinstance(confidence, int | float | np.number) or not 0 < confidence < 1:
        raise ValueError(f"confidence: {confidence!r} is not between 0 and 1. Use 0.95 for 95 %.")
    return NormalDist().inv_cdf((1 + confidence) / 2)


def ratio(part: Numbers, whole: Numbers) -> Floats:
    """`part` / `whole`, NaN where `whole` is 0."""
    part, whole = np.asarray(part, float), np.asarray(whole, float)
    share: Floats = np.full(np.broadcast(part, whole).shape, np.nan)
    np.divide(part, whole, out=share, where=whole > 0)
    return share


def wilson(successes: Numbers, n: Numbers, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson score limits of a rate (Wilson 1927; Newcombe 1998, Statistics in Medicine 17:857, method 3)."""
    z = normal_quantile(confidence)
    x, n = np.asarray(successes, float), np.asarray(n, float)
    centre = ratio(x + z * z / 2, np.where(n > 0, n + z * z, 0))
    half = ratio(z * np.sqrt(np.maximum(x * (1 - ratio(x, n)) + z * z / 4, 0)), np.where(n > 0, n + z * z, 0))
    # At 0 and at n the limit is exactly 0 or 1; the formula misses it by rounding.
    low = np.where(x == 0, centre * 0, np.maximum(centre - half, 0))
    high = np.where(x == n, centre * 0 + 1, np.minimum(centre + half, 1))
    return low, high


def clopper_pearson(successes: Numbers, n: Numbers, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Exact limits of a rate (Clopper & Pearson 1934, Biometrika 26:404)."""
    from scipy.special import betaincinv  # slow to import, and only needed here

    normal_quantile(confidence)
    x, n = np.asarray(successes, float), np.asarray(n, float)
    tail, some = (1 - confidence) / 2, n > 0
    with np.errstate(invalid="ignore"):
        low = np.where(x > 0, betaincinv(x, n - x + 1, tail), 0.0)
        high = np.where(x < n, betaincinv(x + 1, n - x, 1 - tail), 1.0)
    return np.where(some, low, np.nan), np.where(some, high, np.nan)


def wald(successes: Numbers, n: Numbers, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Textbook limits p +- z sqrt(p(1-p)/n), cut to 0..1. Too short for small n: prefer Wilson."""
    p = ratio(successes, n)
    half = normal_quantile(confidence) * np.sqrt(ratio(p * (1 - p), n))
    return np.clip(p - half, 0, 1), np.clip(p + half, 0, 1)


def log_log(survival: Numbers, std_error: Numbers, confidence: float = 0.95) -> tuple[Floats, Floats]:
    """Limits of a Kaplan-Meier share on the log(-log) scale (Kalbfleisch & Prentice 1980, page 15)."""
    s, se = np.asarray(survival, float), np.asarray(std_error, float)
    inner = (s > 0) & (s < 1)
    safe = np.where(inner, s, 0.5)
    theta = normal_quantile(confidence) * se / (safe * np.log(safe))
    low, high = safe ** np.exp(-theta), safe ** np.exp(theta)
    return np.where(inner, low, s), np.where(inner, high, s)


def add_rate(table: pd.DataFrame, name: str, successes: str, n: str, confidence: float = 0.95) -> pd.DataFrame:
    """The table with `name`, `name_low` and `name_high`: the columns `successes` / `n` with Wilson limits."""
    x, whole = table[successes].to_numpy(float), table[n].to_numpy(float)
    low, high = wilson(x, whole, confidence)
    return table.assign(**{name: ratio(x, whole), f"{name}_low": low, f"{name}_high": high})


def proportion_interval(
    *, successes: Numbers, n: Numbers, method: Method = "wilson", confidence: float = 0.95
) -> pd.DataFrame:
    """How sure is a rate?

    Parameters
    ----------
    successes, n
        Numbers, or equally long lists of them: how many of how many.
    method
        ``"wilson"`` (default), ``"clopper_pearson"`` (exact, wide) or ``"wald"`` (textbook, too short for small n).
    confidence
        Share of such intervals that hold the true rate.

    Returns
    -------
    DataFrame, one row per pair
        successes, n      number
        proportion        0 to 1  successes / n, NaN without trials
        proportion_low    0 to 1  lower limit
        proportion_high   0 to 1  upper limit
        reason            text    ``zero_denominator`` where n is 0

    Raises
    ------
    ValueError
        Negative counts, more successes than trials, lists of different lengths.

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17:857-872; Clopper & Pearson (1934), Biometrika 26:404-413.

    Examples
    --------
    >>> proportion_interval(successes=15, n=148).round(4).iloc[0, 2:5].tolist()
    [0.1014, 0.0624, 0.1605]
    """
    one_of("method", method, Method)
    x, whole = checked_counts("successes", successes, n)
    low, high = {"wilson": wilson, "clopper_pearson": clopper_pearson, "wald": wald}[method](x, whole, confidence)
    table = pd.DataFrame({"successes": x, "n": whole, "proportion": ratio(x, whole)})
    return table.assign(proportion_low=low, proportion_high=high, reason=no_denominator(whole))


def no_denominator(n: Numbers) -> pd.Series:
    """``zero_denominator`` where `n` is 0, else missing."""
    empty = np.atleast_1d(np.asarray(n, float)) == 0
    return pd.Series(pd.NA, index=range(len(empty)), dtype="str").mask(empty, "zero_denominator")


def checked_counts(name: str, successes: Numbers, n: Numbers) -> tuple[Floats, Floats]:
    x, whole = np.atleast_1d(np.asarray(successes, float)), np.atleast_1d(np.asarray(n, float))
    if x.shape != whole.shape:
        raise ValueError(f"{name} has {len(x)} values and its n has {len(whole)}. Give lists of equal length.")
    wrong = ~((x >= 0) & (x <= whole))
    if wrong.any():
        first = int(np.argmax(wrong))
        raise ValueError(f"{name}: {x[first]:g} of {whole[first]:g} is impossible. Counts lie between 0 and n.")
    return x, whole
