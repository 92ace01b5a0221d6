"""Variants whose outcome is a number: means, and what a covariate explains of their difference."""

import math
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.intervals import Floats, normal_quantile, ratio

Theta: TypeAlias = Literal["within", "overall"]


def compare_means(rows: pd.DataFrame, arms: list[Any], adjust: bool, theta: Theta, confidence: float) -> pd.DataFrame:
    """A row per variant: users, mean, difference with limits, z and p; with `adjust` also the adjusted difference."""
    z = normal_quantile(confidence)
    # Sorted, so that the order of rows does not reach the last digit of a sum.
    rows = rows.sort_values([str(name) for name in rows.columns if name != "variant"], kind="stable")
    groups = [rows[rows["variant"] == arm] for arm in arms]
    values = [group["outcome"].to_numpy(float) for group in groups]
    n = np.array([len(v) for v in values])
    mean, square_error = _moments(values)
    half = z * np.sqrt(square_error)
    table = pd.DataFrame({"users": n, "mean": mean, "mean_low": mean - half, "mean_high": mean + half})
    difference, error = mean - mean[0], np.sqrt(square_error + square_error[0])
    table = table.assign(
        difference=difference, difference_low=difference - z * error, difference_high=difference + z * error
    )
    if adjust:
        before = [group["covariate"].to_numpy(float) for group in groups]
        slope = _slope(values, before, theta)
        left, square_error = _moments([v - slope * b for v, b in zip(values, before, strict=True)])
        difference, error = left - left[0], np.sqrt(square_error + square_error[0])
        table = table.assign(
            theta=slope, adjusted_difference=difference,
            adjusted_difference_low=difference - z * error, adjusted_difference_high=difference + z * error,
        )  # fmt: skip
    scale = max((float(np.abs(v).max()) for v in values if len(v)), default=0.0)
    score = ratio(difference, np.where(error > 1e-13 * scale, error, 0))
    score[0] = math.nan
    table["z"] = score
    table["p_value"] = [math.erfc(abs(v) / math.sqrt(2)) for v in score]
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


def _slope(values: list[Floats], before: list[Floats], theta: Theta) -> float:
    """Slope of the outcome on the covariate, from deviations within the variants or from all rows; 0 of a constant."""
    if theta == "overall":
        values, before = [np.concatenate(values)], [np.concatenate(before)]
    values, before = [v for v in values if len(v)], [b for b in before if len(b)]
    both = sum(float(((v - v.mean()) * (b - b.mean())).sum()) for v, b in zip(values, before, strict=True))
    own = sum(float(((b - b.mean()) ** 2).sum()) for b in before)
    return both / own if own > 0 else 0.0
