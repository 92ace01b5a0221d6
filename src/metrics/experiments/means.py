"""Variants whose outcome is a number: means, and what a covariate explains of their difference."""

import math
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.intervals import Floats, normal_quantile, ratio

Theta: TypeAlias = Literal["within", "overall"]


def compare_means(rows: pd.DataFrame, arms: list[Any], adjust: bool, theta: Theta, confidence: float) -> pd.DataFrame:
    """A row per variant: users, mean, difference with limits, z and p; with `adjust` also the adjusted difference.

    z is the difference over its standard error; limits and p are Student's with Welch's degrees of freedom, for of five
    users a side the normal ones find a difference that is not there in 9 tests of 100 in place of 5.
    """
    from scipy.special import stdtr  # slow to import, and only needed here

    normal_quantile(confidence)
    # Sorted, so that the order of rows does not reach the last digit of a sum.
    rows = rows.sort_values([str(name) for name in rows.columns if name != "variant"], kind="stable")
    groups = [rows[rows["variant"] == arm] for arm in arms]
    values = [group["outcome"].to_numpy(float) for group in groups]
    n = np.array([len(v) for v in values], float)
    mean, square_error = _moments(values)
    half = _quantile(n - 1, confidence) * np.sqrt(square_error)
    table = pd.DataFrame({"users": n.astype(np.int64), "mean": mean, "mean_low": mean - half, "mean_high": mean + half})
    difference, error, degrees = mean - mean[0], np.sqrt(square_error + square_error[0]), _welch(square_error, n)
    half = _quantile(degrees, confidence) * error
    table = table.assign(difference=difference, difference_low=difference - half, difference_high=difference + half)
    if adjust:
        before = [group["covariate"].to_numpy(float) for group in groups]
        slope, spread = _slope(values, before, theta)
        left, square_error = _moments([v - slope * b for v, b in zip(values, before, strict=True)])
        square_error, slope_error, lost = _with_slope(square_error, n, spread)
        apart = np.array([b.mean() if len(b) else math.nan for b in before])
        difference, degrees = left - left[0], _welch(square_error, n) - lost
        error = np.sqrt(square_error + square_error[0] + slope_error * (apart - apart[0]) ** 2)
        half = _quantile(degrees, confidence) * error
        table = table.assign(
            theta=slope, adjusted_difference=difference, adjusted_difference_low=difference - half,
            adjusted_difference_high=difference + half,
        )  # fmt: skip
    scale = max((float(np.abs(v).max()) for v in values if len(v)), default=0.0)
    score = ratio(difference, np.where(error > 1e-13 * scale, error, 0))
    score[0] = math.nan
    table["z"] = score
    table["p_value"] = 2 * stdtr(np.maximum(degrees, 1), -np.abs(score))
    few = (n < 2) | (n[0] < 2)
    for name in [str(c) for c in table.columns if c not in ("users", "theta")]:
        own = n < 2 if name.startswith("mean") else few  # one user alone has no spread
        table[name] = table[name].mask(own)
    table["reason"] = pd.Series(pd.NA, index=table.index, dtype="str").mask(few, "below_min_n")
    return table


def _moments(values: list[Floats]) -> tuple[Floats, Floats]:
    """Means, and their squared standard errors."""
    n = np.array([len(v) for v in values], float)
    mean = np.array([v.mean() if len(v) else math.nan for v in values])
    square = np.array([((v - m) ** 2).sum() for v, m in zip(values, mean, strict=True)])
    return mean, ratio(ratio(square, n - 1), n)


def _quantile(degrees: Floats, confidence: float) -> Floats:
    """Half the width of an interval in standard errors, by Student's t with so many degrees of freedom."""
    from scipy.special import stdtrit  # slow to import, and only needed here

    wide: Floats = stdtrit(np.maximum(np.nan_to_num(degrees, nan=1.0), 1), (1 + confidence) / 2)
    return wide


def _welch(square_error: Floats, n: Floats) -> Floats:
    """Degrees of freedom of the difference of each mean from the first; of means without spread as if it were alike."""
    parts = square_error**2 / np.maximum(n - 1, 1)
    both = ratio((square_error + square_error[0]) ** 2, parts + parts[0])
    return np.where(np.isnan(both), n + n[0] - 2, both)


def _with_slope(square_error: Floats, n: Floats, spread: float) -> tuple[Floats, float, int]:
    """Squared errors of means off which a slope was taken, that of the slope, and the degree of freedom that it takes.

    A slope that is made of the same users fits them better than others, and is itself uncertain.
    """
    if spread == 0:
        return square_error, 0.0, 0
    free = np.maximum(n - 1, 0).sum()
    if free < 2:
        return square_error, 0.0, 1
    whole = np.nansum(square_error * n * (n - 1)) / (free - 1)
    return square_error * free / (free - 1), float(whole / spread), 1


def _slope(values: list[Floats], before: list[Floats], theta: Theta) -> tuple[float, float]:
    """Slope of the outcome on the covariate, from deviations within the variants or from all rows; 0 of a constant.

    Beside it stands the sum of squares of the covariate that it rests on.
    """
    if theta == "overall":
        values, before = [np.concatenate(values)], [np.concatenate(before)]
    values, before = [v for v in values if len(v)], [b for b in before if len(b)]
    both = sum(float(((v - v.mean()) * (b - b.mean())).sum()) for v, b in zip(values, before, strict=True))
    own = sum(float(((b - b.mean()) ** 2).sum()) for b in before)
    return (both / own, own) if own > 0 else (0.0, 0.0)
