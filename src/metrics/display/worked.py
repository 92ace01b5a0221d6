"""Pieces of a worked example under a table: the row that is worked out, and a quotient with its figures."""

from typing import Any

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.kinds import groups_of, parts, setting
from metrics.display.numbers import count, counted, percent, plain, with_unit


def level(table: pd.DataFrame) -> str:
    """``95 %``, the confidence of the table's intervals."""
    return with_unit(plain(100 * float(setting(table, "confidence", 0.95)), 0))


def last_complete(table: pd.DataFrame, estimate: str) -> pd.Series | None:
    """The last row that is over and has its estimate."""
    known = table[estimate].notna()
    if "complete" in table:
        known &= table["complete"].astype(bool)
    places = np.flatnonzero(known)
    return table.iloc[places[-1]] if len(places) else None


def last_of_groups(table: pd.DataFrame, estimate: str) -> list[tuple[str, "pd.Series[Any]"]]:
    """The groups with their rows of the last finished period in which one has its estimate.

    All of one period: a group that had too few in it is not compared by what it had earlier.
    """
    rows = [(group, row) for group, part in parts(table) if (row := last_complete(part, estimate)) is not None]
    time = next((name for name in ("period_start", "date") if name in table), None)
    last = max((row[time] for _, row in rows), default=None) if time else None
    return [(group, row) for group, row in rows if time is None or row[time] == last]


def last_of_largest(table: pd.DataFrame, estimate: str, size: str) -> "pd.Series[Any] | None":
    """The row of the group that is the largest in the last finished period: the one that the sentence tells of."""
    rows = [row for _, row in last_of_groups(table, estimate)]
    return max(rows, key=lambda row: float(row[size])) if rows else None


def quotient(part: float, whole: float, rate: float | None = None) -> str:
    """``15 / 100 = 15.0 %``."""
    value = part / whole if rate is None else rate
    return f"{count(part)} / {count(whole)} = {with_unit(percent(value))}"


def whose(table: pd.DataFrame, row: "pd.Series[Any]", length: str | None) -> str:
    """``, pro, March 2026``: group and period of the row that is worked out."""
    where = [str(row[name]) for name in groups_of(table) if not numbers.is_missing(row[name])]
    if "period_start" in table:
        where.append(numbers.period_in_words(row["period_start"], length))
    return f", {', '.join(where)}" if where else ""


def left_out(table: pd.DataFrame) -> str:
    """What survey answers were left out, with their numbers; nothing where none were."""
    if setting(table, "rolling"):  # an answer lies in several windows
        return ""
    rejected, again = (int(table[name].sum()) if name in table else 0 for name in ("rejected", "duplicates"))
    out = [f"{count(rejected)} rejected"] if rejected else []
    out += [f"{counted(again, 'further answer')} of the same person"] if again else []
    return f" Left out: {', '.join(out)}." if out else ""
