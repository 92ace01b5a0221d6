"""What is a subscription worth a month? Prices of any interval, in any currency, as monthly recurring revenue."""

import warnings
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.files import EventTableError, several
from metrics.intervals import Floats
from metrics.periods import one_of
from metrics.results import result
from metrics.revenue.money import PARTS, decimals, from_parts
from metrics.steps import unknown

Discounts: TypeAlias = Literal["forever_only", "all", "none"]
Tax: TypeAlias = Literal["exclude", "include"]
_INTERVALS = ("day", "week", "month", "year")
_KINDS = ("recurring", "metered", "one_time")
_ENDING = ("once", "repeating", "one_time", "limited_period", "single_use", "temporal")  # as billing systems call them


def mrr_lines(
    subscriptions: pd.DataFrame,
    *,
    discounts: Discounts = "forever_only",
    tax: Tax = "exclude",
    weeks_per_month: float = 52 / 12,
    days_per_month: float = 365 / 12,
) -> pd.DataFrame:
    """What does each subscription row bring a month?

    unit amount (less the tax in it) x quantity, less discounts, divided by the months it pays for: a year's price by
    12, that of n months by n, a week's times 52 / 12. What does not recur, or is measured afterwards, brings nothing.

    Parameters
    ----------
    subscriptions
        One row per state and time, with ``interval`` (day, week, month, year), ``interval_count`` (1 where the column
        is absent), ``unit_amount_minor`` (in the currency's smallest coin), ``quantity`` (1) and ``currency``; and
        where there are any ``unit_tax_minor`` (in the amount), ``kind`` (recurring, metered, one_time),
        ``discount_percent``, ``discount_amount_minor`` (off the whole row) and ``discount_duration`` (forever, or once,
        repeating and the like).
    discounts
        ``"forever_only"`` (default): those that last as long as the subscription by ``discount_duration``; others
        end and are not taken off, and a warning says of how many that is not known. ``"all"``, ``"none"``.
    tax
        ``"exclude"`` (default) or ``"include"`` the tax that is in the amount.
    weeks_per_month, days_per_month
        How many there are.

    Returns
    -------
    DataFrame, the rows of `subscriptions` in their order, with
        mrr             money  a month, in units of the row's currency (yen have no hundredths, Kuwaiti dinars mills)
        billing_months  months that one price pays for; NA without an interval
        reason          text   ``metered``, ``one_time``, ``free`` or ``trial`` (without a price) where mrr is 0

    Raises
    ------
    ValueError
        A policy that does not exist; a table without prices.
    EventTableError
        An unknown interval or kind, a price, quantity or currency that is missing or negative; a discount or tax that
        is no number, negative, or more than there is. A row of status ``trialing`` may lack its price.

    Examples
    --------
    >>> plans = pd.DataFrame(
    ...     {
    ...         "interval": ["year", "month"],
    ...         "unit_amount_minor": [12_000, 900],
    ...         "quantity": [1, 3],
    ...         "currency": ["EUR", "JPY"],
    ...     }
    ... )
    >>> mrr_lines(plans)["mrr"].tolist()
    [10.0, 2700.0]
    """
    one_of("discounts", discounts, Discounts)
    one_of("tax", tax, Tax)
    for name, value in (("weeks_per_month", weeks_per_month), ("days_per_month", days_per_month)):
        if not value > 0:
            raise ValueError(f"{name}: {value!r} is not above 0. Leave it at its default, or give a number such as 4.")
    for name in ("interval", "unit_amount_minor", "currency"):
        if name not in subscriptions:
            raise ValueError(
                unknown("subscriptions", name, subscriptions.columns, "a column of the table", "columns")
                + " Prices need interval, unit_amount_minor and currency; a table of MRR needs mrr."
            )
    n = len(subscriptions)
    kind = _words(subscriptions, "kind", "recurring")
    interval = _words(subscriptions, "interval", "")
    count, quantity = _number(subscriptions, "interval_count", 1), _number(subscriptions, "quantity", 1)
    unit, taxed = _number(subscriptions, "unit_amount_minor", 0), _number(subscriptions, "unit_tax_minor", 0)
    # Nobody has chosen a plan yet in a trial without a price: it is no MRR, as every other trial is none.
    undecided = (_words(subscriptions, "status", "active") == "trialing") & np.isnan(unit)
    recurring = (kind == "recurring") & ~undecided
    percent, off = _number(subscriptions, "discount_percent", 0), _number(subscriptions, "discount_amount_minor", 0)
    percent, off, taxed = (np.nan_to_num(values) for values in (percent, off, taxed))
    _refuse(n, ~np.isin(kind, _KINDS), f"a kind that is none of {', '.join(_KINDS)}", kind)
    _refuse(
        n, recurring & ~np.isin(interval, _INTERVALS), f"an interval that is none of {', '.join(_INTERVALS)}", interval
    )
    _refuse(n, recurring & ~(count >= 1), "an interval_count below 1", count)
    _refuse(n, recurring & ~(unit >= 0), "no unit_amount_minor, or one below 0", unit)
    _refuse(n, recurring & ~(quantity >= 0), "no quantity, or one below 0", quantity)
    _refuse(n, ~((percent >= 0) & (percent <= 100)), "a discount_percent outside 0 to 100", percent)
    _refuse(n, ~(off >= 0), "a discount_amount_minor below 0, which would raise the price", off)
    _refuse(n, recurring & ~((taxed >= 0) & (taxed <= unit)), "a unit_tax_minor below 0 or above the price", taxed)
    _refuse(n, subscriptions["currency"].isna().to_numpy(), "no currency", subscriptions["currency"].to_numpy())

    price = (unit - (taxed if tax == "exclude" else 0)) * quantity
    if discounts != "none":
        lasting = _words(subscriptions, "discount_duration", "") == "forever"
        counted = np.ones(n, bool) if discounts == "all" else lasting
        _warn_of_unknown(subscriptions, recurring & ((percent > 0) | (off > 0)) & ~counted)
        price = np.where(counted, price * (1 - percent / 100) - off, price)
    length = {"day": 1 / days_per_month, "week": 1 / weeks_per_month, "month": 1.0, "year": 12.0}
    months = np.array([length.get(name, np.nan) for name in _INTERVALS])[_places(interval)] * count
    with np.errstate(invalid="ignore"):
        parts = np.rint(np.maximum(np.where(recurring, price, 0.0), 0.0) * PARTS / np.where(recurring, months, 1.0))
    codes, currencies = pd.factorize(subscriptions["currency"])
    per_unit = (
        np.array([PARTS * 10 ** decimals(code) for code in currencies], np.int64)[codes] if n else np.ones(0, int)
    )
    kind[undecided] = "trial"
    reason = pd.Series(kind, index=subscriptions.index).where(~recurring)
    reason = reason.mask(recurring & (parts == 0), "free").astype("str")
    table = subscriptions.assign(
        mrr=from_parts(parts.astype(np.int64), per_unit),
        billing_months=np.where(np.isin(interval, _INTERVALS), months, np.nan),
        reason=reason,
    )
    settings = {
        "discounts": discounts, "tax": tax, "weeks_per_month": weeks_per_month, "days_per_month": days_per_month,
    }  # fmt: skip
    said = {"forever_only": "lasting discounts taken off", "all": "all discounts taken off", "none": "before discounts"}
    definition = (
        f"MRR: price of a row / the months it pays for, tax {tax}d, {said[discounts]}; metered and one-time rows "
        "bring 0."
    )
    index = table.index
    table = result(table, metric="mrr_lines", definition=definition, settings=settings)
    return table.set_axis(index)


def _warn_of_unknown(subscriptions: pd.DataFrame, left_on: np.ndarray) -> None:
    """Say how many discounts were not taken off because nothing tells how long they last."""
    duration = _words(subscriptions, "discount_duration", "")
    unknown_ = left_on & ~np.isin(duration, _ENDING)
    if not unknown_.any():
        return
    first = int(np.argmax(unknown_))
    warnings.warn(
        f"subscriptions: {several(int(unknown_.sum()), 'row has', 'rows have')} a discount of no known "
        f"discount_duration (first: row {first}, {duration[first]!r}). It is taken for one that ends, and is not in "
        "the MRR. Write forever, once or repeating, or say discounts='all' or 'none' to mrr_lines.",
        stacklevel=2,
    )


def priced(subscriptions: pd.DataFrame) -> pd.DataFrame:
    """The table with ``mrr``: as it is, or reckoned from its prices."""
    return subscriptions if "mrr" in subscriptions else mrr_lines(subscriptions)


def _words(table: pd.DataFrame, name: str, default: str) -> np.ndarray:
    if name not in table:
        return np.full(len(table), default, dtype=object)
    codes, words = pd.factorize(table[name])
    lower = np.array([*(str(word).strip().lower() for word in words), default], dtype=object)
    return np.asarray(lower[codes])


def _places(interval: np.ndarray) -> np.ndarray:
    """Place of each interval in the list of intervals; of none, the last one, whose length is not used."""
    places = np.full(len(interval), len(_INTERVALS) - 1)
    for place, name in enumerate(_INTERVALS):
        places[interval == name] = place
    return places


def _number(table: pd.DataFrame, name: str, default: float) -> Floats:
    if name not in table:
        return np.full(len(table), float(default))
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(float, na_value=np.nan)
    lost = np.isnan(values) & table[name].notna().to_numpy()
    if lost.any():  # "10 %" or "1,90", which would count as nothing
        given = table[name].to_numpy(object)
        blank = np.array([isinstance(value, str) and not value.strip() for value in given[lost]])
        lost[np.flatnonzero(lost)[blank]] = False
        _refuse(len(table), lost, f"a {name} that is no number", given)
    return values


def _refuse(n: int, wrong: np.ndarray, what: str, values: np.ndarray) -> None:
    if wrong.any():
        first = int(np.argmax(wrong))
        found = repr(values[first]) if isinstance(values[first], str) else str(values[first])
        raise EventTableError(
            f"subscriptions: {int(wrong.sum()):,} of {n:,} rows have {what} (first: row {first}, {found}). "
            "Mend the rows or leave them out."
        )
