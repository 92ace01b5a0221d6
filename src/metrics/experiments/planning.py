"""How many users does a test take?"""

import math
from statistics import NormalDist
from typing import Literal

import numpy as np
import pandas as pd

from metrics.results import result

NORMAL = NormalDist()


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
    at_null = NORMAL.inv_cdf(1 - alpha / sides) * math.sqrt(2 * pooled * (1 - pooled))
    at_target = NORMAL.inv_cdf(power) * math.sqrt(baseline * (1 - baseline) + target * (1 - target))
    users = ((at_null + at_target) / (target - baseline)) ** 2
    table = pd.DataFrame({**{name: [value] for name, value in rates.items()}, "sides": [sides]})
    table["users_per_variant"] = math.ceil(users - 1e-9)
    definition = "Users per variant for which the pooled z test of two rates finds the target with the power asked for."
    return result(table, metric="sample_size", definition=definition, settings=rates | {"sides": sides})
