"""Churn from the books: rates where only counts are known, and rates of one length of time in another.

The formulas are short and printed upside down so often that each has guards against it.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.intervals import add_rate, no_denominator, ratio
from metrics.periods import one_of
from metrics.results import blank, keys, result
from metrics.steps import unknown

Length: TypeAlias = Literal["day", "week", "month", "quarter", "year"]


def customer_retention_rate(
    *, customers_start: int, customers_end: int, customers_new: int, confidence: float = 0.95
) -> pd.DataFrame:
    """What share of the customers stayed, from three counts?

    (customers at the end - new ones) / customers at the start. Right only if nobody both joined and left, or left and
    came back, in the period: from counts alone that cannot be seen.

    Parameters
    ----------
    customers_start, customers_end
        Customers at the period's start and end.
    customers_new
        Customers at the end who were not there at the start.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row
        customers_start, customers_end, customers_new   the arguments
        retention_rate (…)  0 to 1  (end - new) / start, Wilson
        churn_rate          0 to 1  1 - retention_rate
        reason              text    ``zero_denominator`` without customers at the start

    Raises
    ------
    ValueError
        Negative counts; more new customers than customers at the end; more kept than there were.

    Notes
    -----
    Printed upside down elsewhere, as start / (start - new): 125 % for the example below.

    Examples
    --------
    >>> rate = customer_retention_rate(customers_start=100, customers_end=105, customers_new=20)
    >>> rate[["retention_rate", "churn_rate"]]
       retention_rate  churn_rate
    0            0.85        0.15
    """
    counts = {"customers_start": customers_start, "customers_end": customers_end, "customers_new": customers_new}
    _check_counts(counts)
    kept = customers_end - customers_new
    if kept < 0:
        raise ValueError(
            f"customers_new {customers_new} is more than customers_end {customers_end}. "
            "New customers are those at the end who were not there at the start."
        )
    if kept > customers_start:
        raise ValueError(
            f"customers_end {customers_end} - customers_new {customers_new} = {kept} kept, more than the "
            f"{customers_start} at the start: a rate above 1. Check that all new and returned customers are counted."
        )
    table = pd.DataFrame({**{name: [count] for name, count in counts.items()}, "kept": [kept]})
    table = add_rate(table, "retention_rate", "kept", "customers_start", confidence).drop(columns="kept")
    table["churn_rate"] = 1 - table["retention_rate"]
    table["reason"] = no_denominator(table["customers_start"])
    definition = "(customers at the end - new customers) / customers at the start of the period."
    return result(table, metric="customer_retention_rate", definition=definition, settings={"confidence": confidence})


def customer_churn_rate(
    *,
    customers_start: int,
    customers_lost: int,
    lost_among_new: int = 0,
    lost_and_returned: int = 0,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of the customers left, from counts?

    Lost customers who were there at the start / customers at the start. Those who joined in the period and left again
    (`lost_among_new`), and those who left and came back (`lost_and_returned`), are no loss of the opening customers.

    Parameters
    ----------
    customers_start
        Customers at the period's start.
    customers_lost
        All who left in the period.
    lost_among_new, lost_and_returned
        How many of these joined in the same period, and how many were back before its end.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row
        customers_start, customers_lost, lost_among_new, lost_and_returned   the arguments
        churn_rate (…)   0 to 1  (lost - among new - returned) / start, Wilson
        retention_rate   0 to 1  1 - churn_rate
        reason           text    ``zero_denominator`` without customers at the start

    Raises
    ------
    ValueError
        Negative counts; more lost than there were; more excused than lost.

    Notes
    -----
    Printed upside down elsewhere, as start / lost: 667 % for the example below.

    Examples
    --------
    >>> customer_churn_rate(customers_start=100, customers_lost=15)[["churn_rate", "retention_rate"]]
       churn_rate  retention_rate
    0        0.15            0.85
    """
    counts = {
        "customers_start": customers_start, "customers_lost": customers_lost,
        "lost_among_new": lost_among_new, "lost_and_returned": lost_and_returned,
    }  # fmt: skip
    _check_counts(counts)
    lost = customers_lost - lost_among_new - lost_and_returned
    if lost < 0:
        raise ValueError(
            f"lost_among_new {lost_among_new} + lost_and_returned {lost_and_returned} is more than customers_lost "
            f"{customers_lost}. They are parts of it."
        )
    if lost > customers_start:
        raise ValueError(
            f"{lost} of the customers at the start are lost, but there were {customers_start}: a rate above 1. "
            "Say how many of the lost joined in the same period (lost_among_new)."
        )
    table = pd.DataFrame({**{name: [count] for name, count in counts.items()}, "lost": [lost]})
    table = add_rate(table, "churn_rate", "lost", "customers_start", confidence).drop(columns="lost")
    table["retention_rate"] = 1 - table["churn_rate"]
    table["reason"] = no_denominator(table["customers_start"])
    definition = "Customers of the period's start who left and are gone at its end / customers at its start."
    return result(table, metric="customer_churn_rate", definition=definition, settings={"confidence": confidence})


def convert_rate(
    rate: float, *, from_period: Length, to_period: Length, kind: Literal["churn", "retention"] = "churn"
) -> pd.DataFrame:
    """What is a rate of one length of time in another?

    Retention compounds: a year's is the twelfth power of a month's. Churn is never divided by 12.

    Parameters
    ----------
    rate
        0 to 1.
    from_period, to_period
        ``"day"``, ``"week"``, ``"month"``, ``"quarter"`` or ``"year"``; a week is 7 days, a year 365.25.
    kind
        What `rate` is: ``"churn"`` (default) or ``"retention"``.

    Returns
    -------
    DataFrame, one row
        churn_rate, retention_rate   0 to 1 per `to_period`

    Raises
    ------
    ValueError
        A rate outside 0 to 1, a period that does not exist.

    Examples
    --------
    >>> convert_rate(0.15, from_period="month", to_period="year")["churn_rate"].round(3).item()
    0.858
    """
    one_of("from_period", from_period, Length)
    one_of("to_period", to_period, Length)
    one_of("kind", kind, Literal["churn", "retention"])
    if not isinstance(rate, int | float | np.number) or not 0 <= rate <= 1:
        raise ValueError(f"rate: {rate!r} is not between 0 and 1. Write 15 % as 0.15.")
    days = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "quarter": 365.25 / 4, "year": 365.25}
    retained = (1 - rate if kind == "churn" else rate) ** (days[to_period] / days[from_period])
    table = pd.DataFrame({"churn_rate": [1 - retained], "retention_rate": [retained]})
    definition = f"{kind} of {rate:g} a {from_period}, compounded to a {to_period}."
    return result(table, metric="convert_rate", definition=definition, settings={"from": from_period, "to": to_period})


def average_rate(
    table: pd.DataFrame,
    *,
    count: str,
    base: str,
    weighted: bool = True,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What is a rate over several periods?

    The sum of the counts / the sum of their bases, so that a large month weighs more than a small one.

    Parameters
    ----------
    table
        One row per period, as `subscription_churn` gives it.
    count, base
        Columns: how many of how many, such as ``customers_churned`` and ``at_risk``. Rows in which one is missing, or
        the period is not over (``complete``), are left out.
    weighted
        True (default), or False: the mean of the periods' rates, which has no limits.
    by
        Column or list for a breakdown.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row (per group)
        periods          count  rows with a base above 0
        <count>, <base>  sums
        rate (…)         0 to 1 count / base, Wilson where the counts are parts of their bases
        reason           ``zero_denominator`` where no row has a base

    Raises
    ------
    ValueError
        A column that is missing; counts below 0.

    Examples
    --------
    >>> months = pd.DataFrame({"customers_churned": [10, 1], "at_risk": [100, 20]})
    >>> average_rate(months, count="customers_churned", base="at_risk").round(4).iloc[0, :4].tolist()
    [2.0, 11.0, 120.0, 0.0917]
    """
    by = keys(by, taken=["periods", "rate", "rate_low", "rate_high", "reason"])
    for name in (count, base, *by):
        if name not in table:
            raise ValueError(unknown("table", name, table.columns, "a column of the table", "columns"))
    rows = table[table[count].notna() & table[base].notna()]
    if "complete" in rows:
        rows = rows[rows["complete"].astype(bool)]
    if (rows[[count, base]].astype(float) < 0).any(axis=None):
        raise ValueError(f"{count} or {base} is below 0 in some rows. Give counts from 0.")
    rates = pd.Series(ratio(rows[count].to_numpy(float), rows[base].to_numpy(float)), index=rows.index)
    rows = rows.assign(periods=(rows[base].astype(float) > 0).astype(np.int64), rate=rates)
    if by:
        grouped = rows.groupby(by, dropna=False)
        found = grouped[["periods", count, base]].sum().join(grouped["rate"].mean()).reset_index()
    else:
        found = pd.DataFrame([rows[["periods", count, base]].sum()]).assign(rate=rates.mean())
        found["periods"] = found["periods"].astype(np.int64)
    if weighted:
        found = add_rate(found, "rate", count, base, confidence)
        found = blank(found, found[count] > found[base], ["rate_low", "rate_high"])
    else:
        found = found.assign(rate_low=np.nan, rate_high=np.nan)
    found["reason"] = no_denominator(found[base].to_numpy(float)).to_numpy()
    definition = (
        f"Sum of {count} / sum of {base} over the periods." if weighted else f"Mean of {count} / {base} of the periods."
    )
    settings = {"count": count, "base": base, "weighted": weighted, "by": by or None, "confidence": confidence}
    columns = [*by, "periods", count, base, "rate", "rate_low", "rate_high", "reason"]
    return result(found, metric="average_rate", definition=definition, settings=settings, columns=columns)


def _check_counts(counts: dict[str, int]) -> None:
    wrong = {name: count for name, count in counts.items() if not (0 <= count < np.inf) or count != int(count)}
    if wrong:
        raise ValueError(f"{wrong} are not counts. Use whole numbers from 0.")
