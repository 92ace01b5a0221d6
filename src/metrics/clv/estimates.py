"""What do the data say of a parameter? Its estimate, its standard error, and its limits by profile likelihood.

Limits hold all values at which the likelihood, the other parameters at their best, is not significantly below the
maximum. They follow the likelihood where it is no parabola: those of estimate and standard error alone are too narrow
on one side there, and hold the truth less often than they say. A parameter that the likelihood does not bound on one
side has 0 or infinity for a limit.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.clv.newton import FAR, FLAT, Derivatives, Maximum, maximum
from metrics.intervals import Floats, normal_quantile
from metrics.periods import Ints
from metrics.results import result

CLOSE = 1e-3  # a last step as short as this, in standard errors, leaves an error of its square
TRIES = 40


def estimates(
    names: Sequence[str], top: Maximum, shift: Floats, natural: int, of: Derivatives, confidence: float | None
) -> pd.DataFrame:
    """One row per parameter: estimate, standard error by the delta method, limits; NA where it lies at an edge.

    Parameters
    ----------
    top
        Maximum of `of`: logarithms of `natural` parameters, then coefficients.
    shift
        To be added, for another unit.
    confidence
        Level of the limits; None leaves them out.
    """
    error = np.where(top.edge, np.nan, np.sqrt(np.maximum(np.diag(top.covariance), 0)))
    plain = np.arange(len(names)) >= natural

    def scaled(at: Floats) -> Floats:
        return np.where(plain, at + shift, np.exp(at + shift))

    estimate = scaled(top.at)
    table = pd.DataFrame({
        "parameter": list(names), "estimate": estimate, "std_error": np.where(plain, error, estimate * error),
    })  # fmt: skip
    if confidence is not None:
        low, high = profile_limits(of, top, confidence)
        table["low"], table["high"] = scaled(low), scaled(high)
    return table


def described(
    table: pd.DataFrame, model: str, unit: str | None, status: str, reason: str | None, confidence: float | None
) -> pd.DataFrame:
    """The table with what it is beside it."""
    definition = f"Parameters of {model} by maximum likelihood; limits are those of the profile likelihood."
    edge = reason if status == "boundary" else None
    settings = {"model": model, "unit": unit, "status": status, "reason": edge, "confidence": confidence}
    return result(table, metric="fitted_parameters", definition=definition, settings=settings)


def profile_limits(of: Derivatives, top: Maximum, confidence: float) -> tuple[Floats, Floats]:
    """Lower and upper limits on the scale of `of`; NaN at an edge, infinite where nothing bounds a parameter.

    Venzon & Moolgavkar (1988), Applied Statistics 37:87.
    """
    drop = normal_quantile(confidence)
    low, high = np.full(len(top.at), np.nan), np.full(len(top.at), np.nan)
    inner = np.flatnonzero(~top.edge)
    for place in map(int, inner):
        low[place], high[place] = (_limit(of, top, place, inner[inner != place], side, drop) for side in (-1, 1))
    return low, high


def _limit(of: Derivatives, top: Maximum, place: int, others: Ints, side: int, drop: float) -> float:
    """Where on one side of the maximum the root of twice the fall of the log-likelihood is `drop`.

    That root is nearly a straight line, and its slope comes with it: where the others are at their best, the likelihood
    changes by the one parameter alone. So Newton's method needs two or three steps, kept between a bound too near and
    one too far.
    """
    middle, error = float(top.at[place]), float(np.sqrt(top.covariance[place, place]))
    reach = min(FAR - side * middle, FLAT)
    along = side * top.covariance[others, place] / error**2  # where the others go, per unit of distance
    near, far, distance = 0.0, np.inf, min(drop * error, reach)
    for _ in range(TRIES):
        at = np.array(top.at)
        at[place], at[others] = middle + side * distance, top.at[others] + along * distance
        value, slope, best = _best_of_others(of, at, place, others)
        root = np.sqrt(max(2 * (top.value - value), 0.0)) if np.isfinite(value) else np.inf
        if root < drop and distance >= reach:
            return side * np.inf
        near, far = (distance, far) if root < drop else (near, distance)
        with np.errstate(all="ignore"):
            step = (drop - root) * root / (-side * slope)
        if abs(step) <= CLOSE * error:
            return middle + side * (distance + step)
        along = (best - top.at[others]) / distance if np.isfinite(value) else along
        ahead = min(distance + step, 2 * distance, reach)
        distance = ahead if near < ahead < far else min(2 * distance, reach) if np.isinf(far) else (near + far) / 2
    return middle + side * distance


def _best_of_others(of: Derivatives, at: Floats, place: int, others: Ints) -> tuple[float, float, Floats]:
    """Highest value with one parameter held where it is, the slope by it there, and where the others are."""
    slope = np.nan

    def held(free: Floats) -> tuple[float, Floats, Floats]:
        nonlocal slope
        all_ = np.array(at)
        all_[others] = free
        value, gradient, hessian = of(all_)
        slope = float(gradient[place])
        return value, gradient[others], hessian[np.ix_(others, others)]

    found = maximum(held, at[others])
    return found.value, slope, found.at
