"""When did each customer buy? Orders and paid subscriptions as moments of customers, each in order of time."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.intervals import Floats
from metrics.periods import Ints
from metrics.revenue.book import texts, times
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
    at = times(orders, "timestamp", "orders", needed=True)
    net = _amounts(orders)
    rows = orders.assign(_at=at, net=net).reset_index(drop=True)[at < before].reset_index(drop=True)
    names = texts(rows["user_id"], "orders", "user_id")
    codes, customers = pd.factorize(names, sort=True)
    rows["_who"] = codes.astype(np.int64)
    bought = np.flatnonzero(rows["net"].to_numpy(float) >= 0)  # what a discount made free was bought
    return rows, _sorted(pd.Index(customers), rows["_who"].to_numpy(np.int64), rows["_at"].to_numpy(np.int64), bought)


def _amounts(orders: pd.DataFrame) -> Floats:
    """What each order brought; without it nobody knows whether it was one."""
    net = pd.to_numeric(orders["net"], errors="coerce").to_numpy(float, na_value=np.nan)
    missing = ~np.isfinite(net)
    if missing.any():
        first = int(np.argmax(missing))
        found = orders["net"].iloc[first]
        raise EventTableError(
            f"orders: {int(missing.sum()):,} of {len(net):,} rows have no net that is a number (first: row {first}, "
            f"{repr(found) if isinstance(found, str) else found}). Fill it in or leave them out."
        )
    return net


def _sorted(customers: pd.Index, who: Ints, at: Ints, rows: Ints) -> Purchases:
    order = rows[np.lexsort((at[rows], who[rows]))]
    new = np.ones(len(order), bool)
    new[1:] = (who[order][1:] != who[order][:-1]) | (at[order][1:] != at[order][:-1])
    first = order[new]
    return Purchases(customers, who[first], at[first])


def starts_of(customers: pd.Index, who: Ints, at: Ints) -> Purchases:
    """Purchases of customers by their codes."""
    return _sorted(customers, who, at, np.arange(len(who)))
