"""Tables that were sorted or cut before they are told: rows in their order, and what a sentence cannot do without.

Who keeps some groups or some periods has a table that can be told. Steps without the first, or a curve without its
beginning, cannot: their rates are of somebody whose row is gone.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from metrics.display.kinds import groups_of, is_matrix, metric_of, parts, setting

_RUNS = (
    "cutoff", "cohort", "period_start", "date", "step", "period", "days", "time", "active_periods", "mails_received",
    "questions", "look", "fifth",
)  # fmt: skip
_NOT_BY_TIME = {"explain_funnel", "project_retention"}  # whose rows follow a story, or are in order as they are


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the rows of each group in their order; as it is where they are already."""
    metric = metric_of(table)
    if metric is None or is_matrix(table) or metric in _NOT_BY_TIME or len(table) < 2:
        return table
    place = _places(table, metric)
    if place is None:
        return table
    groups = groups_of(table)
    group = table.groupby(groups, dropna=False, sort=False).ngroup().to_numpy() if groups else np.zeros(len(table))
    order = np.lexsort((place, group))
    if (order == np.argsort(group, kind="stable")).all():
        return table
    ordered = table.iloc[order]
    ordered.attrs = table.attrs
    return ordered


def _places(table: pd.DataFrame, metric: str) -> np.ndarray | None:
    """Place of each row in the order of its metric, which groups share."""
    if metric == "compare_variants":
        return (~_control(table)).astype(np.int64)
    if metric == "forecast_churn":
        return (-table["churn_probability"]).rank(method="dense", na_option="bottom").to_numpy()
    keys = [name for name in _RUNS if name in table]
    return None if not keys else table.groupby(keys, dropna=False).ngroup().to_numpy()


def _control(variants: pd.DataFrame) -> np.ndarray:
    """Which rows are of the control that the others are compared with."""
    name = setting(variants, "control")
    same = variants["verdict"] == "control" if name is None else variants["variant"].astype("str") == str(name)
    return same.to_numpy(bool)


def lacking(table: pd.DataFrame) -> str:
    """What the table lacks that its sentence is told by, in words; nothing where it is whole enough."""
    metric = metric_of(table) or ""
    if metric in _OF_ALL and len(table):
        return _OF_ALL[metric](table)
    for name, part in parts(in_order(table)) if metric in _OF_EACH else []:
        part.attrs = table.attrs
        if what := _OF_EACH[metric](part):
            return f"{what}{f' of {name}' if name else ''}"
    return ""


def _numbered(column: str, word: str) -> Callable[[pd.DataFrame], str]:
    """Rows numbered from 1, none of which may be left out before the last."""

    def find(part: pd.DataFrame) -> str:
        there = set(part[column].astype(int))
        gone = [number for number in range(1, max(there, default=0)) if number not in there]
        return f"{word} {gone[0]}" if gone else ""

    return find


def _not_begun(part: pd.DataFrame, left: str, share: str) -> bool:
    """Whether a Kaplan-Meier curve starts later than it did: the share of its first row follows from that row."""
    first: Any = part.iloc[0]
    return bool(first["at_risk"]) and abs(first[share] - 1 + first[left] / first["at_risk"]) > 1e-9


def _stays(part: pd.DataFrame) -> str:
    gone = (part["churned"] + part["censored"]).sum() < part["at_risk"].max()  # who are counted by their end
    return "rows of the curve" if len(part) and (gone or _not_begun(part, "churned", "survival")) else ""


def _arrivals(part: pd.DataFrame) -> str:
    return "the first rows of the curve" if len(part) and _not_begun(part, "reached", "not_yet") else ""


def _variants(part: pd.DataFrame) -> str:
    return "" if not len(part) or _control(part).any() else f"the control {setting(part, 'control', '')}".rstrip()


def _leads(table: pd.DataFrame) -> str:
    known = (table["from_stage"] == "lead") & (table["to_stage"] == "customer")
    return "" if known.any() else "the rows from lead to customer"


_OF_EACH: dict[str, Callable[[pd.DataFrame], str]] = {  # asked of each group
    "conversion_funnel": _numbered("step", "step"),
    "stickiness": _numbered("active_periods", "the row of active_periods"),
    "forecast_total": _numbered("period", "period"),
    "survival_curve": _stays,
    "time_to_milestone": _arrivals,
    "compare_variants": _variants,
}
_OF_ALL = {"lead_conversion": _leads}
