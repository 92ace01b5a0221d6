"""One key figure out of the table of its metric: value, limits, how many were counted, and why there is none."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

COLUMNS = ["period_start", "n", "value", "value_low", "value_high", "complete", "reason"]


@dataclass(frozen=True)
class Found:
    """A key figure by period, and what it means."""

    name: str
    rows: pd.DataFrame
    meaning: str


def figure(
    name: str,
    table: pd.DataFrame,
    value: str,
    *,
    n: str,
    low: Any = None,
    high: Any = None,
    reason: "pd.Series[Any] | None" = None,
    meaning: str = "",
    none: str = "zero_denominator",
) -> Found:
    """The key figure `name`: the column `value` of a metric's table, counted over its column `n`.

    Parameters
    ----------
    low, high
        Limits, where they are not the metric's own ``<value>_low`` and ``<value>_high``; NA where it has none.
    reason
        Why values are missing, where it is not the metric's own ``reason``.
    meaning
        The definition, where it is not the metric's own.
    none
        Why a value is missing of which the metric says nothing: it counted nobody.
    """
    empty = pd.Series(np.nan, index=table.index)
    rows = pd.DataFrame({
        "period_start": table["period_start"],
        "n": table[n].fillna(0).astype(np.int64),
        "value": table[value].astype(float),
        "value_low": np.asarray(table.get(f"{value}_low", empty) if low is None else low, float),
        "value_high": np.asarray(table.get(f"{value}_high", empty) if high is None else high, float),
    })  # fmt: skip
    own = reason_of(table, value) if reason is None else reason
    rows["complete"] = table["complete"].astype("boolean") if "complete" in table else pd.NA
    rows["reason"] = own.fillna(none).mask(rows["value"].notna()).astype("str")
    return Found(name, rows[COLUMNS], meaning or str(table.attrs["definition"]))


def reason_of(table: pd.DataFrame, estimate: str) -> "pd.Series[Any]":
    """The reason of this estimate, also where it stands among others as ``estimate: code; …``."""
    if "reason" not in table:
        return pd.Series(pd.NA, index=table.index, dtype="str")
    return table["reason"].map(lambda said: _code(said, estimate)).astype("str")


def _code(said: object, estimate: str) -> object:
    if not isinstance(said, str):
        return pd.NA
    for part in said.split("; "):
        name, colon, code = part.partition(": ")
        if not colon:
            return part
        if name == estimate:
            return code
    return pd.NA


def first(*reasons: "pd.Series[Any]") -> "pd.Series[Any]":
    """Of several reasons for a row the first that there is."""
    told = reasons[0]
    for other in reasons[1:]:
        told = told.fillna(other)
    return told
