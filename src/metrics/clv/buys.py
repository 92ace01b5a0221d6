"""Orders merged into purchases: what counts as one, what refunds do, and on which local day it was.

Everything is numpy over rows of orders, so that a DataFrame, files and Spark come to the same purchases.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from metrics.intervals import Floats
from metrics.periods import DAY, Ints
from metrics.steps import Mask

Merge: TypeAlias = Literal["day", "week"] | None
CENTS = 10_000  # amounts in ten-thousandths are added up as whole numbers, in any order alike


@dataclass(frozen=True)
class Buys:
    """Purchases sorted by customer and time."""

    customer: Ints  # code
    at: Floats  # when: number of the local day or week, or days with a fraction
    first_day: Ints  # local days of its first and last order
    last_day: Ints
    amount: Floats
    late: Mask  # after the split


def weeks(day: Any) -> Any:
    """Number of the week, from Monday, of a day's number."""
    return (day + 3) // 7


def merged(customer: Ints, wall: Ints, amount: Floats, merge: Merge, split: int) -> Buys:
    """Purchases of orders in any order: all of a day, all of a week, or each; refunds netted within the day or week.

    What is refunds alone is no purchase. Without merging, the refunds of a day go to its last order.
    """
    day = wall // DAY
    slot = weeks(day) if merge == "week" else day
    low, width = int(slot.min(initial=0)), int(slot.max(initial=0)) - int(slot.min(initial=0)) + 1
    late = day > split if split < int(day.max(initial=0)) else None
    key = customer * width + (slot - low) if late is None else (customer * width + (slot - low)) * 2 + late
    values, exact = whole_amounts(amount)
    refund = amount < 0 if len(amount) and float(amount.min()) < 0 else None
    order: Ints | None = None
    if merge is None:  # each of the day's orders, and behind them its refunds
        order = np.lexsort((amount, wall, amount < 0, key))
    elif not exact:
        order = np.lexsort((amount, key))
    elif (key[1:] < key[:-1]).any():
        order = np.argsort(key.astype(np.int32) if int(key.max()) < 2**31 else key)
    if order is not None:
        key, values = key[order], values[order]
        refund = None if refund is None else refund[order]
    new = np.ones(len(key), bool)
    new[1:] = key[1:] != key[:-1]
    if merge is None:
        new = new | ~refund if refund is not None else np.ones(len(key), bool)
    begin = every = np.flatnonzero(new)
    if not len(begin):
        none = np.zeros(0)
        return Buys(customer, none, day, day, none, day > split)
    total = np.add.reduceat(values, begin)
    bought = None if refund is None else ~np.logical_and.reduceat(refund, begin)
    if bought is not None:
        begin, total = begin[bought], total[bought]
    place = key[begin] if late is None else key[begin] // 2
    who, slot_of = np.divmod(place, width)
    slot_of += low
    first = last = slot_of
    if merge == "week":
        days = day if order is None else day[order]
        first, last = np.minimum.reduceat(days, every), np.maximum.reduceat(days, every)
        first, last = (first, last) if bought is None else (first[bought], last[bought])
    at = slot_of.astype(float)
    if merge is None:
        at = (wall if order is None else wall[order])[begin] / DAY
    return Buys(
        customer=who, at=at, first_day=first, last_day=last, amount=total / CENTS if exact else total,
        late=np.zeros(len(begin), bool) if late is None else (key[begin] & 1).astype(bool),
    )  # fmt: skip


def whole_amounts(amount: Floats) -> tuple[npt.NDArray[Any], bool]:
    """Amounts in ten-thousandths, which add up exactly in any order; as they are where they have more digits."""
    scaled = amount * CENTS
    whole = np.rint(scaled)
    scaled -= whole
    np.abs(scaled, out=scaled)
    if len(amount) and (float(scaled.max()) >= 1e-3 or float(np.abs(whole).max()) * len(amount) >= 2.0**62):
        return amount, False
    return whole.astype(np.int64), True


def per_customer(buys: Buys, many: int) -> dict[str, npt.NDArray[Any]]:
    """What each customer's purchases up to the split come to; frequency -1 without one."""
    early = ~buys.late
    who, at, amount = buys.customer[early], buys.at[early], buys.amount[early]
    count = np.bincount(who, minlength=many)
    end = np.cumsum(count)
    begin, has = end - count, count > 0
    opening, closing = np.zeros(many), np.zeros(many)
    first, last = np.zeros(many, np.int64), np.zeros(many, np.int64)
    opening[has], closing[has] = at[begin[has]], at[end[has] - 1]
    first[has], last[has] = buys.first_day[early][begin[has]], buys.last_day[early][end[has] - 1]
    total, opened = np.bincount(who, amount, many).astype(float), np.zeros(many)
    opened[has] = amount[begin[has]]
    repeats = np.where(has, total - opened, 0.0)
    return {
        "frequency": count - 1, "opening": opening, "recency": closing - opening, "first_day": first,
        "last_day": last, "repeat_value": repeats,
        "later": np.bincount(buys.customer[buys.late], minlength=many),
        "later_value": np.bincount(buys.customer[buys.late], buys.amount[buys.late], many).astype(float),
    }  # fmt: skip
