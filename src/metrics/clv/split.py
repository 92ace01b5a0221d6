"""Which days does a model learn from, and which is it held against?"""

from typing import Any

import numpy as np
import pandas as pd

from metrics.clv.summary import day_of, edge_of, order_rows, orders_summary
from metrics.engine import Events
from metrics.periods import When


def half_of(first: pd.Timestamp, last: pd.Timestamp) -> pd.Timestamp | None:
    """Last day of the first half of the days from `first` to `last`; None of a single day."""
    half = first + pd.Timedelta(days=((last - first).days + 1) // 2 - 1)
    return half if first <= half < last else None


def split_of(
    orders: Events, split: When | None, end: When | None, as_of: When | None, columns: dict[str, Any]
) -> tuple[When, int]:
    """Last day of the calibration, and number of the last day of the holdout."""
    tz = columns["tz"]
    if end is not None and as_of is not None:
        raise ValueError(f"end is {end!s} and as_of is {as_of!s}. Give one: the last day, or the first one after it.")
    if end is not None:
        final = day_of(end, tz, "end")
    elif as_of is not None:
        final = day_of(as_of, tz, "as_of") - 1
    else:
        final = order_rows(orders, **{name: columns[name] for name in ("customer", "time", "amount", "tz")}).last_day()
    if split is not None:
        merge = columns["merge"]
        if edge_of(day_of(split, tz, "split"), merge) >= edge_of(final, merge):
            whole = ", the week of which counts whole" if merge == "week" else ""
            raise ValueError(
                f"split {split!s} is not before the last day, {day_text(final)}{whole}. Choose an earlier day."
            )
        return split, final
    summary = orders_summary(orders, end=day_text(final), **columns)
    half = half_of(summary["first_order"].min(), pd.Timestamp(day_text(final))) if len(summary) else None
    if half is None:
        raise ValueError(f"split: up to {day_text(final)} there is no time that could be halved. Observe more days.")
    return str(half.date()), final


def day_text(number: int) -> str:
    """A day's number as a date."""
    return str(np.datetime64(number, "D"))
