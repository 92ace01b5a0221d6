"""Orders to customers: how often, how recently and how much has each bought?"""

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.clv.units import UNIT_DAYS, Unit
from metrics.files.values import read_ids
from metrics.periods import DAY, Calendar, Ints, When, instant, local_time, microseconds, one_of
from metrics.results import result
from metrics.steps import unknown

Merge: TypeAlias = Literal["day", "week"] | None
Refunds: TypeAlias = Literal["net", "error"]


def orders_summary(
    orders: pd.DataFrame,
    *,
    customer: str = "user_id",
    time: str = "timestamp",
    amount: str = "net",
    end: When | None = None,
    as_of: When | None = None,
    holdout_end: When | None = None,
    unit: Unit = "week",
    merge: Merge = "day",
    refunds: Refunds = "net",
    tz: str = "UTC",
) -> pd.DataFrame:
    """How often, how recently and how much has each customer bought?

    Parameters
    ----------
    orders
        One row per order, as `read_orders` returns it. Times with a zone are cut into days in `tz`; times without one
        are taken as local.
    customer, time, amount
        Its columns; the defaults fit `read_orders`. Amounts are of one currency.
    end
        Last day counted, a local date, that day included. Default: the day of the last order.
    as_of
        First day not observed, in place of `end`: ``"1997-10-01"`` is the same as ``end="1997-09-30"``.
    holdout_end
        Adds three columns over the days after `end` up to this one, included.
    unit
        Unit of recency and T; it never merges anything.
    merge
        What is one purchase: all orders of a customer on one local ``"day"`` (default), in one calendar ``"week"``
        (then recency and T count whole weeks, and the week of `end` counts whole, its days after `end` too), or each
        order (None, instants kept).
    refunds
        ``"net"`` (default): a negative amount lowers the value of its day, and a day of refunds alone is no purchase.
        ``"error"``: refused with the rows.
    tz
        Zone in which days begin.

    Returns
    -------
    DataFrame, one row per customer who bought by `end`, sorted by customer
        customer_id                text
        frequency                  count  repeat purchases (purchases - 1)
        recency, T                 unit   first to last purchase; first purchase to `end`
        monetary_value             money  mean of the repeat purchases, the first left out; NaN without a repeat
        first_order, last_order    local date of the first and last purchase
        orders, merged_orders      count  order rows; rows merged into another purchase
        refunds                    count  rows with a negative amount
        revenue                    money  sum of all amounts
        holdout_frequency, holdout_T, holdout_monetary_value   with `holdout_end`: purchases, its length in `unit`,
                                   mean value per purchase (NaN without one)

    ``attrs["unit"]`` and ``attrs["end"]`` say the unit and the last day.

    Raises
    ------
    ValueError
        Columns that are missing, rows without a customer, time or amount, several currencies, refunds with
        ``refunds="error"``.

    Notes
    -----
    Fader, Hardie & Lee (2005), Marketing Science 24:275, section 2.

    Examples
    --------
    >>> orders = pd.DataFrame(
    ...     {
    ...         "user_id": ["a", "a", "a", "b"],
    ...         "timestamp": pd.to_datetime(["2026-01-01", "2026-01-08", "2026-01-08", "2026-01-10"], utc=True),
    ...         "net": [10.0, 20.0, 4.0, 7.0],
    ...     }
    ... )
    >>> orders_summary(orders, end="2026-01-15")[["customer_id", "frequency", "recency", "T", "monetary_value"]]
      customer_id  frequency  recency         T  monetary_value
    0           a          1      1.0  2.000000            24.0
    1           b          0      0.0  0.714286             NaN
    """
    one_of("unit", unit, Unit)
    one_of("refunds", refunds, Refunds)
    if merge not in ("day", "week", None):
        raise ValueError(f"merge: {merge!r} is not known. Use 'day', 'week' or None.")
    table = _orders(orders, customer, time, amount, tz)
    if refunds == "error" and (table["amount"] < 0).any():
        rows = np.flatnonzero(table["amount"] < 0)[:5].tolist()
        raise ValueError(
            f"{(table['amount'] < 0).sum()} orders have a negative amount (rows {rows}). Use refunds='net'."
        )
    last = _last_day(table, end, as_of, tz, merge)
    calibration = table[table["day"] <= last]
    bought = _purchases(calibration, merge)
    summary = _frequencies(bought, calibration, last, merge, UNIT_DAYS[unit])
    if holdout_end is not None:
        final = _day(holdout_end, tz, "holdout_end")
        if final <= last:
            raise ValueError(f"holdout_end {holdout_end!s} is not after end. The holdout is the time after it.")
        later = _purchases(table[(table["day"] > last) & (table["day"] <= final)], merge).groupby("customer")["amount"]
        summary["holdout_frequency"] = later.size().reindex(summary.index, fill_value=0)
        length = _weeks(final) - _weeks(last) if merge == "week" else final - last
        summary["holdout_T"] = length * (7 if merge == "week" else 1) / UNIT_DAYS[unit]
        summary["holdout_monetary_value"] = later.mean().reindex(summary.index)
    summary = summary.rename_axis("customer_id").reset_index()
    end_day = str(np.datetime64(last, "D"))
    definition = (
        f"All orders of a customer {'on one day' if merge == 'day' else 'in one week' if merge else 'each'} are one "
        f"purchase; frequency counts repeats; recency and T are in {unit}s up to {end_day}, that day included."
    )
    currency = next(iter(orders["currency"].dropna().unique()), None) if "currency" in orders else None
    settings = {
        "end": end_day, "unit": unit, "merge": merge or "none", "refunds": refunds, "tz": tz,
        "currency": None if currency is None else str(currency),
    }  # fmt: skip
    summary = result(summary, metric="orders_summary", definition=definition, settings=settings)
    summary.attrs |= {"unit": unit, "end": end_day}
    return summary


def _day(when: When, tz: str, name: str) -> int:
    """Number of a local date."""
    return int(Calendar("day", tz).number(np.array([instant(when, tz=tz, name=name)]))[0])


def _last_day(orders: pd.DataFrame, end: When | None, as_of: When | None, tz: str, merge: Merge) -> int:
    """Number of the last day counted."""
    if end is not None and as_of is not None:
        raise ValueError(f"end is {end!s} and as_of is {as_of!s}. Give one: the last day, or the first one after it.")
    if end is not None:
        day = _day(end, tz, "end")
        return day if merge != "week" else 7 * _weeks(day) + 3  # weeks are not cut
    if as_of is not None:  # a day of which only a part is observed is not counted
        return _day(as_of, tz, "as_of") - 1
    return int(orders["day"].max()) if len(orders) else 0


def _weeks(day: Any) -> Any:
    """Number of the week, from Monday, of a day's number."""
    return (day + 3) // 7


def _orders(orders: pd.DataFrame, customer: str, time: str, amount: str, tz: str) -> pd.DataFrame:
    """Customer, local time, local day and amount of each order, sorted; problems refused all at once."""
    for name, column in (("customer", customer), ("time", time), ("amount", amount)):
        if column not in orders:
            raise ValueError(unknown(name, column, orders.columns, "a column of the orders", "columns"))
    if "currency" in orders and len(orders["currency"].dropna().unique()) > 1:
        seen = sorted(orders["currency"].dropna().unique())
        raise ValueError(f"orders are in several currencies ({', '.join(seen)}), which never add up. Filter to one.")
    stamps = pd.to_datetime(orders[time])
    value = pd.to_numeric(orders[amount], errors="coerce").astype(float)
    missing: dict[str, pd.Series] = {
        customer: orders[customer].isna(), time: stamps.isna(), amount: ~value.abs().lt(np.inf),
    }  # fmt: skip
    found = [
        f"{int(rows.sum())} have no {name} (first: row {int(np.argmax(rows))})"
        for name, rows in missing.items()
        if rows.any()
    ]
    if found:
        raise ValueError(f"orders: of {len(orders):,} rows {', '.join(found)}. Drop or fill them.")
    wall = microseconds(stamps) if stamps.dt.tz is None else local_time(microseconds(stamps), tz)
    table = pd.DataFrame(
        {
            "customer": read_ids(orders[customer], "orders").array,
            "wall": wall,
            "day": wall // DAY,
            "amount": value.array,
        }
    )
    # Sorted by amount too: sums of floats must not depend on the order of the file.
    return table.sort_values(["customer", "wall", "amount"], ignore_index=True)


def _purchases(orders: pd.DataFrame, merge: Merge) -> pd.DataFrame:
    """Orders of a customer merged into purchases, refunds netted; what is refunds alone is no purchase."""
    frame = orders.assign(refund=orders["amount"] < 0, key=_weeks(orders["day"]) if merge == "week" else orders["day"])
    frame["at"] = frame["wall"] / DAY if merge is None else frame["key"]
    frame = frame.sort_values(["customer", "key", "refund", "wall", "amount"], ignore_index=True)
    begins = (frame[["customer", "key"]] != frame[["customer", "key"]].shift()).any(axis=1)
    if merge is None:  # every order is one; the day's refunds, sorted behind them, go to its last
        begins |= ~frame["refund"]
    bought = frame.groupby(begins.cumsum()).agg(
        customer=("customer", "first"), at=("at", "first"), day=("day", "max"),
        amount=("amount", "sum"), refund=("refund", "all"),
    )  # fmt: skip
    return bought[~bought["refund"]]


def _frequencies(bought: pd.DataFrame, orders: pd.DataFrame, last: int, merge: Merge, unit_days: float) -> pd.DataFrame:
    """One row per customer with a purchase."""
    per = bought.groupby("customer")
    first, latest, count = per["at"].min(), per["at"].max(), per.size()
    scale = (7.0 if merge == "week" else 1.0) / unit_days
    # Without merging instants are kept, and the last day counts in full.
    edge = _weeks(last) if merge == "week" else last + (1 if merge is None else 0)
    repeats = bought[bought.duplicated("customer")].groupby("customer")["amount"].mean()
    summary = pd.DataFrame({
        "frequency": count - 1,
        "recency": (latest - first) * scale,
        "T": (edge - first) * scale,
        "monetary_value": repeats.reindex(count.index),
        "first_order": _dates(per["day"].min()),
        "last_order": _dates(per["day"].max()),
    })  # fmt: skip
    mine = orders.groupby("customer")["amount"]
    summary["orders"] = mine.size().reindex(summary.index)
    summary["refunds"] = (orders["amount"] < 0).groupby(orders["customer"]).sum().reindex(summary.index)
    summary["merged_orders"] = summary["orders"] - summary["refunds"] - count
    summary["revenue"] = mine.sum().reindex(summary.index)
    lead = ["frequency", "recency", "T", "monetary_value", "first_order", "last_order"]
    return summary[[*lead, "orders", "merged_orders", "refunds", "revenue"]]


def _dates(day: pd.Series) -> pd.Series:
    days: Ints = day.to_numpy(np.int64)
    return pd.Series(pd.DatetimeIndex(days.view("M8[D]").astype("M8[us]")), index=day.index)
