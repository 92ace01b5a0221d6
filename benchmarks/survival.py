"""Survival curves and log-rank tests of simulated customers: ours, and those of lifelines."""

import warnings
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.worker import Answer, Ask

GROUPS = 4
CHECKED = [0.1, 0.5, 1.0, 2.0]  # times at which both sides must have the same share


def _customers(rows: int) -> dict[str, Any]:
    rng = np.random.default_rng(2026)
    group = rng.integers(0, GROUPS, rows)
    stay, watched = rng.exponential(1 + 0.02 * group), rng.uniform(0, 3, rows)
    return {"time": np.minimum(stay, watched), "left": stay <= watched, "group": group}


def _written(values: Any) -> Answer:
    return [[f"{value:.9f}" for value in np.ravel(values)]]


def curve(rows: int) -> Ask:
    """Kaplan-Meier with limits."""
    import metrics

    given = _customers(rows)

    def ask() -> Answer:
        table = metrics.survival_curve(given["time"], given["left"])
        at = np.searchsorted(table["time"], CHECKED, side="right") - 1
        return _written(table[["survival", "survival_low", "survival_high"]].to_numpy()[at])

    return ask


def curve_lifelines(rows: int) -> Ask:
    """The same by lifelines."""
    from lifelines import KaplanMeierFitter

    given = _customers(rows)

    def ask() -> Answer:
        fit = KaplanMeierFitter().fit(given["time"], given["left"])
        whole = np.c_[fit.survival_function_.to_numpy(), fit.confidence_interval_.to_numpy()]
        return _written(whole[np.searchsorted(fit.survival_function_.index, CHECKED, side="right") - 1])

    return ask


def log_rank(rows: int) -> Ask:
    """The log-rank test of four groups."""
    import metrics

    given = _customers(rows)

    def ask() -> Answer:
        table = metrics.compare_survival(given["time"], given["left"], by=given["group"])
        return [[f"{table['chi2'].iloc[0]:.6f}"]]

    return ask


def log_rank_lifelines(rows: int) -> Ask:
    """The same by lifelines."""
    from lifelines.statistics import multivariate_logrank_test

    given = _customers(rows)
    warnings.simplefilter("ignore", pd.errors.Pandas4Warning)

    def ask() -> Answer:
        test = multivariate_logrank_test(given["time"], given["group"], given["left"])
        return [[f"{test.test_statistic:.6f}"]]

    return ask
