"""How many users does a test take, and how often may one look?"""

import math
from statistics import NormalDist
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.periods import one_of
from metrics.results import result

Shape: TypeAlias = Literal["obrien_fleming", "pocock"]
_NORMAL = NormalDist()


def sample_size(
    *, baseline: float, target: float, alpha: float = 0.05, power: float = 0.8, sides: Literal[1, 2] = 2
) -> pd.DataFrame:
    """How many users does each variant need?

    Parameters
    ----------
    baseline, target
        Rate of the control, and the rate that must not be missed, 0 to 1.
    alpha
        Risk of seeing a difference where there is none.
    power
        Chance of seeing the difference if it is there.
    sides
        2 (default): better or worse; 1: in the direction of `target` only.

    Returns
    -------
    DataFrame, one row
        baseline, target, alpha, power, sides   the arguments
        users_per_variant                       count    for two variants of equal size

    Raises
    ------
    ValueError
        Rates outside 0 to 1 or alike, `alpha` or `power` outside 0 to 1.

    Notes
    -----
    Fleiss, Levin & Paik (2003), Statistical Methods for Rates and Proportions, page 72, for the pooled z test that
    `compare_variants` makes, without continuity correction.

    Examples
    --------
    >>> sample_size(baseline=0.10, target=0.12)["users_per_variant"].item()
    3841
    """
    rates = {"baseline": baseline, "target": target, "alpha": alpha, "power": power}
    for name, value in rates.items():
        if not isinstance(value, int | float | np.number) or not 0 < value < 1:
            raise ValueError(f"{name}: {value!r} is not between 0 and 1. Write 10 % as 0.1.")
    if baseline == target:
        raise ValueError(f"target {target} is the baseline. Nothing is a difference of 0: give the rate to be found.")
    if sides not in (1, 2):
        raise ValueError(f"sides: {sides!r} is not known. Use 2, or 1 for one direction only.")
    pooled = (baseline + target) / 2
    at_null = _NORMAL.inv_cdf(1 - alpha / sides) * math.sqrt(2 * pooled * (1 - pooled))
    at_target = _NORMAL.inv_cdf(power) * math.sqrt(baseline * (1 - baseline) + target * (1 - target))
    users = ((at_null + at_target) / (target - baseline)) ** 2
    table = pd.DataFrame({**{name: [value] for name, value in rates.items()}, "sides": [sides]})
    table["users_per_variant"] = math.ceil(users - 1e-9)
    definition = "Users per variant for which the pooled z test of two rates finds the target with the power asked for."
    return result(table, metric="sample_size", definition=definition, settings=rates | {"sides": sides})


def sequential_boundaries(*, looks: int, alpha: float = 0.05, shape: Shape = "obrien_fleming") -> pd.DataFrame:
    """How extreme must a result be at each look, so that looking several times adds no risk?

    Thirty looks at 5 % each find a difference that is not there in three tests of ten. Looks that were planned, after
    equal numbers of users, may be taken if each asks for more.

    Parameters
    ----------
    looks
        Number of looks, the last one included.
    alpha
        Risk, over all looks together, of seeing a difference where there is none (two-sided).
    shape
        ``"obrien_fleming"`` (default): very strict at first, nearly as without looks at the end. ``"pocock"``: alike
        at all looks.

    Returns
    -------
    DataFrame, one row per look
        look     1, 2, …
        z        number   a |z| of at least this ends the test
        p_value  0 to 1   the same as a two-sided p-value

    Raises
    ------
    ValueError
        `looks` that are no number from 1 to 200, `alpha` outside 0 to 0.5.

    Notes
    -----
    O'Brien & Fleming (1979), Biometrics 35:549; Pocock (1977), Biometrika 64:191; the recursion of Armitage, McPherson
    & Rowe (1969), Journal of the Royal Statistical Society A 132:235.

    Examples
    --------
    >>> sequential_boundaries(looks=3)["z"].round(2).tolist()
    [3.47, 2.45, 2.0]
    """
    from scipy.optimize import brentq  # slow to import, and only needed here

    one_of("shape", shape, Shape)
    if not isinstance(looks, int | np.integer) or isinstance(looks, bool) or not 1 <= looks <= 200:
        raise ValueError(f"looks: {looks!r} is not a number of looks. Use 1 to 200.")
    if not isinstance(alpha, int | float | np.number) or not 0 < alpha < 0.5:
        raise ValueError(f"alpha: {alpha!r} is not between 0 and 0.5. Use 0.05 for 5 %.")
    look = np.arange(1, looks + 1)
    widen = np.sqrt(looks / look) if shape == "obrien_fleming" else np.ones(looks)
    least, most = _NORMAL.inv_cdf(1 - alpha / 2), _NORMAL.inv_cdf(1 - alpha / 2 / looks)
    constant = least
    if looks > 1:  # one look, and looks that share the risk, are the ends of what it can be
        constant = brentq(lambda c: _stays(c * widen) - (1 - alpha), least - 1e-6, most + 1e-6, xtol=1e-12)
    z = constant * widen
    table = pd.DataFrame({"look": look, "z": z, "p_value": [math.erfc(value / math.sqrt(2)) for value in z]})
    definition = f"|z| at each of {looks} equally spaced looks, with a risk of {alpha:g} over all of them ({shape})."
    settings = {"looks": int(looks), "alpha": alpha, "shape": shape}
    return result(table, metric="sequential_boundaries", definition=definition, settings=settings)


def _stays(z: np.ndarray) -> float:
    """Chance that a sum of standard normals, over the root of their number, stays within ±z at every look."""
    limits = z * np.sqrt(np.arange(1, len(z) + 1))
    where, density = np.zeros(1), np.ones(1)
    for limit in limits:
        # Gauss-Legendre over the part that goes on, fine enough for steps of one standard deviation.
        nodes, weights = np.polynomial.legendre.leggauss(int(40 + 8 * limit))
        places = limit * nodes
        step = np.exp(-((places[:, None] - where[None, :]) ** 2) / 2) / math.sqrt(2 * math.pi)
        where, density = places, limit * weights * (step @ density)
    return float(density.sum())
