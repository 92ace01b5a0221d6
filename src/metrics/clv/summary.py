"""Orders to customers: how often, how recently and how much has each bought?"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.clv.buys import CENTS, Buys, Merge, merged, per_customer, weeks, whole_amounts
from metrics.clv.units import UNIT_DAYS, Unit
from metrics.engine import Events, Mark, Reading, Rows, by_user, time_range
from metrics.engine.local import Columns
from metrics.files import EventTableError, several
from metrics.files.values import read_ids
from metrics.intervals import Floats
from metrics.periods import DAY, Ints, When, instant, local_time, microseconds, one_of
from metrics.results import result
from metrics.steps import Step, unknown

Refunds: TypeAlias = Literal["net", "error"]
NEVER = 2**62  # microseconds: after all instants


def orders_summary(
    orders: Events,
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
        One row per order: a DataFrame as `read_orders` returns it, or an `EventSource` or Spark DataFrame whose rows
        are all orders. Times with a zone are cut into days in `tz`; times without one are taken as local.
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
        Columns that are missing, several currencies, refunds with ``refunds="error"``, both ends.
    EventTableError
        Rows without a customer, time or amount.

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
    source = order_rows(orders, customer, time, amount, tz)
    last = _last_day(source, end, as_of, tz, merge)
    final = last
    if holdout_end is not None:
        final = edge_of(day_of(holdout_end, tz, "holdout_end"), merge)
        if final <= last:
            raise ValueError(f"holdout_end {holdout_end!s} is not after end. The holdout is the time after it.")
    per = source.customers(merge, last, final)
    negative = int(per["refunds"].sum())
    if refunds == "error" and negative:
        found = several(negative, "order has", "orders have")
        raise ValueError(f"{found} a negative amount{source.where_negative()}. Use refunds='net'.")
    table = _table(per, merge, last, UNIT_DAYS[unit])
    if holdout_end is not None:
        length = weeks(final) - weeks(last) if merge == "week" else final - last
        table["holdout_frequency"] = per["later"]
        table["holdout_T"] = length * (7 if merge == "week" else 1) / UNIT_DAYS[unit]
        with np.errstate(invalid="ignore", divide="ignore"):
            table["holdout_monetary_value"] = per["later_value"] / per["later"]
    table = table[per["frequency"] >= 0].sort_values("customer_id", ignore_index=True)
    end_day = str(np.datetime64(last, "D"))
    one = "on one day" if merge == "day" else "in one week" if merge else "each"
    definition = (
        f"All orders of a customer {one} are one purchase; frequency counts repeats; recency and T are in {unit}s up "
        f"to {end_day}, that day included."
    )
    settings = {
        "end": end_day, "unit": unit, "merge": merge or "none", "refunds": refunds, "tz": tz,
        "holdout_end": None if holdout_end is None else str(np.datetime64(final, "D")), "currency": source.currency,
    }  # fmt: skip
    table = result(table, metric="orders_summary", definition=definition, settings=settings)
    table.attrs |= {"unit": unit, "end": end_day}
    return table


def day_of(when: When, tz: str, name: str) -> int:
    """Number of a local date."""
    return int(local_time(np.array([instant(when, tz=tz, name=name)]), tz)[0] // DAY)


def edge_of(day: int, merge: Merge) -> int:
    """The last day of a span: weeks are not cut."""
    return day if merge != "week" else 7 * int(weeks(day)) + 3


def _last_day(source: "FrameOrders | StoredOrders", end: When | None, as_of: When | None, tz: str, merge: Merge) -> int:
    """Number of the last day counted."""
    if end is not None and as_of is not None:
        raise ValueError(f"end is {end!s} and as_of is {as_of!s}. Give one: the last day, or the first one after it.")
    if end is not None:
        return edge_of(day_of(end, tz, "end"), merge)
    if as_of is not None:  # a day of which only a part is observed is not counted, and nothing after it is read
        return day_of(as_of, tz, "as_of") - 1
    return edge_of(source.last_day(), merge)


def _table(per: Columns, merge: Merge, last: int, unit_days: float) -> pd.DataFrame:
    scale = (7.0 if merge == "week" else 1.0) / unit_days
    # Without merging instants are kept, and the last day counts in full.
    edge = weeks(last) if merge == "week" else last + (1 if merge is None else 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(per["frequency"] > 0, per["repeat_value"] / per["frequency"], np.nan)
    return pd.DataFrame({
        "customer_id": pd.array(per["customer"], dtype="str"),
        "frequency": per["frequency"],
        "recency": per["recency"] * scale,
        "T": (edge - per["opening"]) * scale,
        "monetary_value": value,
        "first_order": _dates(per["first_day"]),
        "last_order": _dates(per["last_day"]),
        "orders": per["orders"],
        "merged_orders": per["orders"] - per["refunds"] - per["frequency"] - 1,
        "refunds": per["refunds"],
        "revenue": per["revenue"],
    })  # fmt: skip


def _dates(day: Ints) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(day.astype(np.int64).view("M8[D]").astype("M8[us]"))


def _per_customer(
    customer: Ints, wall: Ints, amount: Floats, many: int, merge: Merge, last: int, final: int
) -> Columns:
    """All that a summary needs of each customer, whatever the source of the rows."""
    day = wall // DAY
    if (day > final).any():
        keep = day <= final
        customer, wall, amount, day = customer[keep], wall[keep], amount[keep], day[keep]
    found: Columns = per_customer(merged(customer, wall, amount, merge, last), many)
    if final > last:
        early = day <= last
        customer, amount = customer[early], amount[early]
    values, exact = whole_amounts(amount)
    if exact:
        found["revenue"] = np.bincount(customer, values, many) / CENTS
    else:  # added up in an order of their own
        order = np.lexsort((amount, customer))
        found["revenue"] = np.bincount(customer[order], amount[order], many).astype(float)
    found["orders"] = np.bincount(customer, minlength=many)
    found["refunds"] = np.bincount(customer[amount < 0], minlength=many)
    return found


def order_rows(orders: Events, customer: str, time: str, amount: str, tz: str) -> "FrameOrders | StoredOrders":
    """The rows of orders, wherever they are."""
    if isinstance(orders, pd.DataFrame):
        return FrameOrders.read(orders, customer, time, amount, tz)
    if time != "timestamp":
        raise ValueError(
            f"time: {time!r} cannot be chosen here: stored rows have their time in 'timestamp'. Rename it."
        )
    return StoredOrders(orders, customer, amount, tz)


@dataclass(frozen=True)
class FrameOrders:
    """Orders in memory."""

    names: pd.Index  # of the customers, by code
    code: Ints
    wall: Ints
    amount: Floats
    currency: str | None

    @classmethod
    def read(cls, orders: pd.DataFrame, customer: str, time: str, amount: str, tz: str) -> "FrameOrders":
        """Customer, local time and amount of each order; problems refused all at once."""
        for name, column in (("customer", customer), ("time", time), ("amount", amount)):
            if column not in orders:
                raise ValueError(unknown(name, column, orders.columns, "a column of the orders", "columns"))
        currency = None
        if "currency" in orders:
            seen = sorted(str(name) for name in orders["currency"].dropna().unique())
            if len(seen) > 1:
                raise ValueError(
                    f"orders are in several currencies ({', '.join(seen)}), which never add up. Filter to one."
                )
            currency = seen[0] if seen else None
        stamps = pd.to_datetime(orders[time])
        value = pd.to_numeric(orders[amount], errors="coerce").to_numpy(float, na_value=np.nan)
        code, names = pd.factorize(orders[customer])
        missing = {customer: code < 0, time: stamps.isna().to_numpy(), amount: ~np.isfinite(value)}
        found = [
            {"reason": f"no {name}", "rows": int(rows.sum()), "example": f"row {int(np.argmax(rows))}"}
            for name, rows in missing.items()
            if rows.any()
        ]
        if found:
            said = ", ".join(f"{f['rows']} have {f['reason']} (first: {f['example']})" for f in found)
            raise EventTableError(f"orders: of {len(orders):,} rows {said}. Drop or fill them.", found)
        wall = microseconds(stamps) if stamps.dt.tz is None else local_time(microseconds(stamps), tz)
        ids = read_ids(pd.Series(names), "orders")
        if (ids != names).any():  # names that differ in blanks alone are one
            clean, names = pd.factorize(ids)
            code = clean[code]
        else:
            names = pd.Index(ids)
        return cls(pd.Index(names), code.astype(np.int64, copy=False), wall, value, currency)

    def last_day(self) -> int:
        """Number of the day of the last order."""
        return int(self.wall.max(initial=0) // DAY)

    def customers(self, merge: Merge, last: int, final: int) -> Columns:
        """What each customer bought up to the days `last` and `final`."""
        found = _per_customer(self.code, self.wall, self.amount, len(self.names), merge, last, final)
        return {"customer": self.names.to_numpy(), **found}

    def buys(self, merge: Merge, last: int) -> tuple[Buys, pd.Index]:
        """All purchases up to a day."""
        keep = self.wall // DAY <= last
        return merged(self.code[keep], self.wall[keep], self.amount[keep], merge, last), self.names

    def where_negative(self) -> str:
        """Where the first refunds stand."""
        return f" (rows {np.flatnonzero(self.amount < 0)[:5].tolist()})"


@dataclass(frozen=True)
class StoredOrders:
    """Orders in files or in Spark, read by the engine."""

    events: Any
    customer: str
    amount: str
    tz: str
    currency: str | None = None

    def last_day(self) -> int:
        """Number of the day of the last order."""
        if self.customer != "user_id":  # some rows may be nobody's
            found = self._run(_last_day_of)["day"]
            return int(found.max()) if len(found) else 0
        first, last = time_range(self.events, NEVER)
        return int(local_time(np.array([last]), self.tz)[0] // DAY) if first <= last else 0

    def customers(self, merge: Merge, last: int, final: int) -> Columns:
        """What each customer bought up to the days `last` and `final`."""
        return self._named(self._run(_summary_of, merge=merge, last=last, final=final))

    def buys(self, merge: Merge, last: int) -> tuple[Buys, pd.Index]:
        """All purchases up to a day."""
        found = self._named(self._run(_buys_of, merge=merge, last=last))
        code, names = pd.factorize(found["customer"], sort=True)
        order = np.lexsort((found["at"], code))
        columns = {name: found[name][order] for name in ("at", "first_day", "last_day", "amount")}
        return Buys(customer=code[order].astype(np.int64), late=np.zeros(len(order), bool), **columns), pd.Index(names)

    def where_negative(self) -> str:
        """Where the first refunds stand: not known."""
        return ""

    def _run(self, kernel: Any, **settings: Any) -> Columns:
        mark = Mark(Step(None), "orders")
        reading = Reading((mark,), NEVER, (self.customer,), everything=True, numbers=(self.amount,))
        answer = by_user(self.events, reading, kernel, amount=self.amount, tz=self.tz, **settings)
        missing = int(answer.columns["missing"].sum())
        if missing:
            problem = {"reason": f"no {self.amount}", "rows": missing, "example": ""}
            found = several(missing, "row has", "rows have")
            raise EventTableError(f"orders: {found} no {self.amount}. Drop or fill them.", [problem])
        return {**answer.columns, "answer": np.array([answer], dtype=object)}

    def _named(self, columns: Columns) -> Columns:
        answer = columns.pop("answer")[0]
        return {"customer": answer.labels(columns.pop("id")).to_numpy(), **columns}


def _amounts(rows: Rows, amount: str) -> tuple[Floats, Ints]:
    """Amounts, and how many of each unit are missing."""
    value = rows.numbers[amount]
    bad = ~np.isfinite(value)
    return np.where(bad, 0.0, value), np.bincount(rows.unit[bad], minlength=len(rows.ids))


def _last_day_of(rows: Rows, amount: str, tz: str) -> Columns:
    day = local_time(rows.time, tz) // DAY
    none = np.zeros(min(len(day), 1), np.int64)
    return {"day": day.max(keepdims=True) if len(day) else none, "missing": none}


def _summary_of(rows: Rows, amount: str, tz: str, merge: Merge, last: int, final: int) -> Columns:
    value, missing = _amounts(rows, amount)
    found = _per_customer(rows.unit, local_time(rows.time, tz), value, len(rows.ids), merge, last, final)
    return {"id": rows.ids, "missing": missing, **found}


def _buys_of(rows: Rows, amount: str, tz: str, merge: Merge, last: int) -> Columns:
    value, missing = _amounts(rows, amount)
    wall = local_time(rows.time, tz)
    keep = wall // DAY <= last
    buys = merged(rows.unit[keep], wall[keep], value[keep], merge, last)
    bad = np.zeros(len(buys.customer), np.int64)
    bad[:1] = missing.sum()
    return {
        "id": rows.ids[buys.customer], "missing": bad, "at": buys.at, "first_day": buys.first_day,
        "last_day": buys.last_day, "amount": buys.amount,
    }  # fmt: skip
