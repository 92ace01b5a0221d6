"""Tests of variants without a world: draws of rates with a difference and without one, by the kernels of the metrics.

Each design answers 100 times for a seed: whether a difference is found where there is one, and where there is none.
"""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd

import metrics
from metrics.intervals import two_rates_test

DRAWS = 100
ALPHA = 0.05
BASELINE, TARGET = 0.06, 0.09
LOOKS, USERS = 4, 2_000


def planned(rng: np.random.Generator, rise: float) -> np.ndarray:
    """Tests of the size that `sample_size` asks for."""
    return p_values(rng.binomial(size(), [BASELINE, BASELINE + rise], (DRAWS, 2)), size())[:, 0] < ALPHA


def looked_at(rng: np.random.Generator, rise: float) -> np.ndarray:
    """Tests that are looked at as planned, and end when a look says so."""
    users = USERS // LOOKS
    so_far = np.cumsum(rng.binomial(users, [BASELINE, BASELINE + rise], (DRAWS, LOOKS, 2)), axis=1)
    limits = boundaries()["p_value"].to_numpy()
    looks = [p_values(so_far[:, look], users * (look + 1))[:, 0] <= limits[look] for look in range(LOOKS)]
    return np.any(looks, axis=0)


def of_four(rng: np.random.Generator, rise: float) -> np.ndarray:
    """Three variants against a control: whether any is called different."""
    p = p_values(rng.binomial(USERS, [BASELINE] * 3 + [BASELINE + rise], (DRAWS, 4)), USERS)
    return np.array([(metrics.adjust_p_values(list(row))["p_adjusted"] < ALPHA).any() for row in p])


def split(rng: np.random.Generator, rise: float) -> np.ndarray:
    """Ten thousand users, split in halves, or not quite."""
    first = rng.binomial(10_000, 0.5 + rise, DRAWS)
    counts = [pd.DataFrame({"variant": ["A", "B"], "users": [10_000 - users, users]}) for users in first]
    return np.array([bool(metrics.sample_ratio_check(table)["mismatch"].item()) for table in counts])


@cache
def size() -> int:
    return int(metrics.sample_size(baseline=BASELINE, target=TARGET)["users_per_variant"].item())


@cache
def boundaries() -> pd.DataFrame:
    return metrics.sequential_boundaries(looks=LOOKS, users=USERS, baseline=BASELINE)


def p_values(converted: np.ndarray, users: int) -> np.ndarray:
    """Of each variant against the first one, a row for each draw: the test of `compare_variants`."""
    return two_rates_test(converted[:, 1:], users, converted[:, :1], users).p_value


# What is asked, the rise that is planted, how often it should be found (None: nothing is promised), and how often a
# rise should be seen where there is none.
DESIGNS: dict[str, tuple[Callable[[np.random.Generator, float], np.ndarray], float, float | None, float]] = {
    "a test of the size of `sample_size`, 6 to 9 %": (planned, TARGET - BASELINE, 0.8, ALPHA),
    "four looks: `sequential_boundaries`, the smallest effect": (looked_at, np.nan, 0.8, ALPHA),
    "any of three variants: `compare_variants`, Holm": (of_four, 0.03, None, ALPHA),
    "the split of the groups: `sample_ratio_check`, 52.5 to 47.5 %": (split, 0.025, None, 0.001),
}


def rise(name: str) -> float:
    given = DESIGNS[name][1]
    return float(boundaries()["smallest_effect"].iloc[-1]) if np.isnan(given) else given
