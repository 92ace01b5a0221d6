"""Customers as the models see them: distinct rows with their weights, so that equal ones are worked out once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from metrics.files import EventTableError
from metrics.intervals import Floats
from metrics.periods import Ints
from metrics.steps import Mask, unknown


@dataclass(frozen=True)
class Customers:
    """Distinct combinations of frequency, recency, T and covariates, in a fixed order whatever that of the table."""

    x: Ints  # repeat purchases
    recency: Floats
    T: Floats
    z: Floats  # rows x covariates
    weight: Floats
    place: Ints  # row of the table -> distinct row

    def __len__(self) -> int:
        return len(self.x)

    @property
    def total(self) -> float:
        """How many customers the rows stand for."""
        return float(self.weight.sum())

    def scaled(self, by: float) -> "Customers":
        """The same with time in another unit."""
        return Customers(self.x, self.recency / by, self.T / by, self.z, self.weight, self.place)


def read_customers(
    summary: pd.DataFrame, *, covariates: Sequence[str] = (), weights: str | None = None, whole_times: bool = False
) -> Customers:
    """Check the rows of a summary, all problems at once, and gather equal ones."""
    named = [("summary", name) for name in ("frequency", "recency", "T")]
    named += [("covariates", name) for name in covariates] + ([("weights", weights)] if weights is not None else [])
    for argument, name in named:
        if name not in summary.columns:
            raise ValueError(unknown(argument, str(name), summary.columns, "a column of the summary", "columns"))
    x, recency, t = (_numbers(summary[name]) for name in ("frequency", "recency", "T"))
    z = np.stack([_numbers(summary[name]) for name in covariates], axis=1) if covariates else np.zeros((len(x), 0))
    weight = np.ones(len(x)) if weights is None else _numbers(summary[weights])
    room = 1e-9 * np.maximum(t, 0)  # recency and T may come from sums that round differently
    wrong = {
        "missing or infinite numbers": ~np.isfinite(x + recency + t + z.sum(axis=1) + weight),
        "negative counts or times": (x < 0) | (recency < 0) | (t < 0) | (weight < 0),
        "a frequency that is no whole number": x != np.floor(x),
        "recency above T": recency > t + room,
        "recency without a repeat": (x == 0) & (recency > 0),
    }
    if whole_times:
        wrong |= {
            "times that are no whole seasons": (t != np.floor(t)) | (recency != np.floor(recency)),
            "more purchases than seasons": (x > recency) | ((x > 0) & (recency < 1)),
        }
    missing = wrong["missing or infinite numbers"]
    problems = [(what, rows) for what, rows in wrong.items() if (rows if rows is missing else rows & ~missing).any()]
    if problems:
        said = "; ".join(
            f"{int(rows.sum()):,} with {what} (first: row {int(np.argmax(rows))})" for what, rows in problems
        )
        found = [
            {"reason": what, "rows": int(rows.sum()), "example": str(summary.iloc[int(np.argmax(rows))].to_dict())}
            for what, rows in problems
        ]
        raise EventTableError(f"summary: of {len(x):,} rows {said}. Mend or drop them.", found)
    keep = weight > 0
    recency = np.minimum(recency, t)
    columns = [x, recency, t, *z.T]
    first, place = distinct(columns, keep)
    return Customers(
        x=x[first].astype(np.int64), recency=recency[first], T=t[first], z=z[first],
        weight=np.bincount(place[keep], weight[keep], minlength=len(first)).astype(float), place=place,
    )  # fmt: skip


def distinct(columns: Sequence[Floats], keep: Mask | None = None) -> tuple[Ints, Ints]:
    """A row of each distinct combination, sorted by the values, and the combination of each row (-1: not kept)."""
    n = len(columns[0])
    kept = np.arange(n) if keep is None or keep.all() else np.flatnonzero(keep)
    key = np.zeros(len(kept), np.uint64)
    for column in columns:  # + 0.0: -0.0 is 0.0
        bits = (np.ascontiguousarray(column[kept], dtype=float) + 0.0).view(np.uint64)
        key = (key ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    code, _ = pd.factorize(key.view(np.int64))
    many = int(code.max(initial=-1)) + 1
    first = np.zeros(many, np.int64)
    first[code[::-1]] = kept[::-1]
    if any((column[kept] != column[first][code]).any() for column in columns):  # two of one key: once in 10^8
        rows = np.stack([column[kept] for column in columns], axis=1)
        _, found, code = np.unique(rows, axis=0, return_index=True, return_inverse=True)
        first, code = kept[found], code.reshape(-1)
    order = np.lexsort([column[first] for column in columns])
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    place = np.full(n, -1, np.int64)
    place[kept] = rank[code]
    return first[order], place


def _numbers(column: pd.Series) -> Floats:
    found = pd.to_numeric(column, errors="coerce")
    values: Floats = found.to_numpy(float, na_value=np.nan)
    return values
