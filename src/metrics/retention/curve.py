"""Over all cohorts, and side by side: the curve and the matrix of a cohort table."""

from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.intervals import add_rate, ratio, wilson
from metrics.periods import one_of
from metrics.results import result
from metrics.retention.repeats import limits as limits_of_repeats

Share: TypeAlias = Literal["retention_rate", "net_value_retention", "gross_value_retention"]


def sure_of_period_0(table: pd.DataFrame) -> pd.DataFrame:
    """Period 0 is the cohort itself, 1 by definition: no estimate, and no interval of any width."""
    table.loc[(table["period"] == 0) & table["retention_rate_high"].notna(), "retention_rate_low"] = 1.0
    return table


def retention_curve(table: pd.DataFrame, *, weighted: bool = True, confidence: float = 0.95) -> pd.DataFrame:
    """What share comes back after k periods, over all cohorts that could be observed?

    Parameters
    ----------
    table
        Result of `cohort_retention`. Unfinished cells are left out; cohorts of nobody too.
    weighted
        True (default): sum of retained / sum of users. False: mean of the cohorts' rates, each cohort alike.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per period (and group)
        period                0, 1, …
        cohorts               count   cohorts with somebody in them whose period is over
        users, retained       count   their sums
        retention_rate (…)    0 to 1  weighted: Wilson on the sums; else the mean, its limits from the cohorts' Wilson
                                      limits (square-and-add, as Newcombe 1998): cohorts share no units, so that their
                                      errors are of different people
        reason                text    ``limits_unknown``: users stand in several cohorts, and the rate has no limits

    With ``cohort="recurring"`` they do share units. What a unit does in all its cohorts is then one observation: Wilson
    limits for as many strangers as would tell as much. They are NaN where they are not known: without weights, and over
    some of the cohorts of a table.

    Raises
    ------
    ValueError
        `table` is no result of `cohort_retention`.

    Notes
    -----
    Dean & Pagano (2015), Journal of Survey Statistics and Methodology 3:484; Cochran (1977), Sampling Techniques, page
    155, for the variance of a ratio over units.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05 ann visit
    ...     2026-01-13 ann visit
    ...     2026-01-06 ben visit
    ... ''')
    >>> from metrics import cohort_retention
    >>> cells = cohort_retention(log, period="week", periods=1, as_of="2026-01-19")
    >>> retention_curve(cells)[["period", "cohorts", "users", "retained", "retention_rate"]]
       period  cohorts  users  retained  retention_rate
    0       0        1      2         2             1.0
    1       1        1      2         1             0.5
    """
    by = _groups(table)
    cells = table[table["complete"] & (table["users"] > 0)]
    rate = cells["retained"] / cells["users"]
    low, high = wilson(cells["retained"], cells["users"], confidence)
    cells = cells.assign(cohorts=1, rate=rate, below=(rate - low) ** 2, above=(high - rate) ** 2)
    names = ["cohorts", "users", "retained", "rate", "below", "above"]
    sums = cells.groupby([*by, "period"], dropna=False)[names].sum()
    curve = sure_of_period_0(add_rate(sums.reset_index(), "retention_rate", "retained", "users", confidence))
    limits = ["retention_rate_low", "retention_rate_high"]
    if not weighted:
        mean = curve["retention_rate"] = ratio(curve["rate"], curve["cohorts"])
        curve[limits[0]] = (mean - ratio(np.sqrt(curve["below"]), curve["cohorts"])).clip(0)
        curve[limits[1]] = (mean + ratio(np.sqrt(curve["above"]), curve["cohorts"])).clip(max=1)
    recurring = table.attrs.get("settings", {}).get("cohort") == "recurring"
    if recurring:
        rows = table.attrs.get("repeats", []) if weighted else []
        curve[limits] = np.column_stack(limits_of_repeats(curve, by, rows, confidence))
        curve = sure_of_period_0(curve)
    unknown = curve["retention_rate"].notna() & curve[limits[0]].isna()
    curve["reason"] = pd.Series(pd.NA, index=curve.index, dtype="str").mask(unknown, "limits_unknown")
    settings = dict(table.attrs.get("settings", {})) | {"weighted": weighted, "confidence": confidence}
    how = "Sum of retained / sum of users" if weighted else "Mean of the cohorts' rates"
    how += " over the cohorts whose period is over"
    if recurring:
        how += "; limits by unit, for one stands in several" if weighted else "; no limits, for units stand in several"
    definition = f"{how}. {table.attrs.get('definition', '')}".strip()
    return result(
        curve.drop(columns=["rate", "below", "above"]),
        metric="retention_curve",
        definition=definition,
        settings=settings,
    )


def retention_matrix(table: pd.DataFrame, *, estimate: Share = "retention_rate") -> pd.DataFrame:
    """How do cohorts compare, period by period?

    Parameters
    ----------
    table
        Result of `cohort_retention`, of one group.
    estimate
        What stands in the cells: ``"retention_rate"`` (default), or, of a table with `value`, ``"net_value_retention"``
        or ``"gross_value_retention"``.

    Returns
    -------
    DataFrame, cohorts (rows) x periods (columns)
        `estimate`, as a share; NaN where the period is not over at `as_of` or the cohort is empty.

    Raises
    ------
    ValueError
        `table` is no result of `cohort_retention`, or has several groups.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-05 ann visit
    ...     2026-01-13 ann visit
    ...     2026-01-06 ben visit
    ... ''')
    >>> from metrics import cohort_retention
    >>> matrix = retention_matrix(cohort_retention(log, period="week", periods=1, as_of="2026-01-19"))
    >>> matrix.loc["2026-01-05"].tolist()
    [1.0, 0.5]
    """
    groups = _groups(table)
    if groups and len(table[groups].drop_duplicates()) > 1:
        raise ValueError(f"table has the groups {groups}: a matrix shows one. Filter the table first.")
    one_of("estimate", estimate, Share)
    if estimate not in table:
        raise ValueError(f"table has no {estimate!r}. Give cohort_retention a `value`, the column of the money.")
    observed = table.assign(**{estimate: table[estimate].where(table["complete"])})
    matrix = observed.set_index(["cohort", "period"])[estimate].unstack()  # noqa: PD010 (keeps all-NaN rows)
    settings = table.attrs.get("settings", {}) | {"estimate": estimate}
    matrix.attrs = {**table.attrs, "metric": "retention_matrix", "settings": settings}
    return matrix


def _groups(table: pd.DataFrame) -> list[str]:
    needed = {"cohort", "period", "users", "retained", "complete"}
    missing = sorted(needed - set(table.columns))
    if missing:
        raise ValueError(f"table has no {missing}; it is no result of cohort_retention. Its columns are {list(table)}.")
    return list(table.columns[: list(table.columns).index("cohort")])
