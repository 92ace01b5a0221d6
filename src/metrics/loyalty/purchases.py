"""When did each customer buy? Orders and paid subscriptions as moments of customers, each in order of time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.periods import Ints, microseconds
from metrics.steps import unknown

NEVER = 2**62


@dataclass(frozen=True)
class Purchases:
    """Moments of purchase: code of the customer and instant, in this order, each pair once."""

    customers: pd.Index
    who: Ints
    at: Ints

    def nth_from(self, who: Ints, since: Ints, n: int) -> Ints:
        """The n-th purchase of each customer (code, -1: none) at or after an instant; `NEVER` if there is none."""
        many = len(self.who)
        # Sorted together, an asked moment stands before the purchases of its instant.
        order = np.lexsort((np.r_[np.ones(many), np.zeros(len(who))], np.r_[self.at, since], np.r_[self.who, who]))
        passed = np.zeros(many + len(who), np.int64)
        passed[order] = np.cumsum(order < many)
        place = passed[many:] + n - 1
        if not many:
            return np.full(len(who), NEVER)
        known = np.minimum(place, many - 1)
        return np.where((place < many) & (self.who[known] == who), self.at[known], NEVER)


def orders_of(orders: pd.DataFrame, before: int) -> tuple[pd.DataFrame, Purchases]:
    """The orders before an instant, with ``_who`` and ``_at``, and their purchases: refunds are none."""
    for name in ("user_id", "timestamp", "net"):
        if name not in orders:
            raise ValueError(unknown("orders", name, orders.columns, "a column of the orders", "columns"))
    at = moments(orders, "timestamp", "orders")
    rows = orders.assign(_at=at).reset_index(drop=True)[at < before].reset_index(drop=True)
    names = texts(rows["user_id"], "orders", "user_id")
    codes, customers = pd.factorize(names, sort=True)
    rows["_who"] = codes.astype(np.int64)
    rows["net"] = pd.to_numeric(rows["net"])
    bought = np.flatnonzero(rows["net"].to_numpy(float) > 0)
    return rows, _sorted(pd.Index(customers), rows["_who"].to_numpy(np.int64), rows["_at"].to_numpy(np.int64), bought)


def _sorted(customers: pd.Index, who: Ints, at: Ints, rows: Ints) -> Purchases:
    order = rows[np.lexsort((at[rows], who[rows]))]
    new = np.ones(len(order), bool)
    new[1:] = (who[order][1:] != who[order][:-1]) | (at[order][1:] != at[order][:-1])
    first = order[new]
    return Purchases(customers, who[first], at[first])


def starts_of(customers: pd.Index, who: Ints, at: Ints) -> Purchases:
    """Purchases of customers by their codes."""
    return _sorted(customers, who, at, np.arange(len(who)))


def moments(table: pd.DataFrame, column: str, what: str) -> Ints:
    """Instants of a column in which none may be missing."""
    stamps = pd.to_datetime(table[column], utc=not len(table))
    if stamps.dt.tz is None:
        raise EventTableError(f"{what}: {column} has no zone. Localise it, or read the file with a timezone.")
    missing = stamps.isna().to_numpy(bool)
    if missing.any():
        raise EventTableError(
            f"{what}: {int(missing.sum()):,} of {len(table):,} rows have no {column} (first: row "
            f"{int(missing.argmax())}). Fill it in or leave them out."
        )
    return microseconds(stamps)


def texts(names: pd.Series, what: str, column: str) -> pd.Series:
    """Names as text, none of which may be missing."""
    missing = names.isna().to_numpy(bool)
    if missing.any():
        raise EventTableError(
            f"{what}: {int(missing.sum()):,} of {len(names):,} rows have no {column} (first: row "
            f"{int(missing.argmax())}). Fill it in or leave them out."
        )
    return names.astype("str").reset_index(drop=True)
