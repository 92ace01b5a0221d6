"""What is a customer worth? What has been paid so far, and the simple formula, labelled as what it is."""

from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.clv.summary import Merge, Refunds, orders_summary
from metrics.intervals import ratio
from metrics.periods import DAY, When, duration, instant, one_of, spoken
from metrics.results import result

Model: TypeAlias = Literal["aov_x_frequency"]


def customer_lifetime_value(
    orders: pd.DataFrame,
    *,
    as_of: When,
    horizon: str = "12 months",
    margin: float | None = None,
    annual_discount: float = 0.1,
    model: Model = "aov_x_frequency",
    customer: str = "user_id",
    time: str = "timestamp",
    amount: str = "net",
    tz: str = "UTC",
    merge: Merge = "day",
    refunds: Refunds = "net",
) -> pd.DataFrame:
    """What has each customer been worth, and what would the simple formula expect?

    `historical_value` is a fact: what the customer has paid. `clv` is a yardstick and no forecast: it takes for
    granted that everyone goes on buying at the average rate of all customers, first purchases included, and that
    nobody leaves. On the CDNOW data it expects nearly three times what came.

    Parameters
    ----------
    orders
        One row per order, as `read_orders` returns it, of one currency.
    as_of
        First day not observed, a date in `tz`: ``"1997-10-01"`` counts up to 30 September.
    horizon
        Time ahead: ``"12 months"``, ``"39 weeks"``.
    margin
        Share of revenue that is kept, 0 to 1. None: values are revenue, and `basis` says so.
    annual_discount
        Yearly rate, compounded; purchases are spread evenly over the horizon.
    model
        ``"aov_x_frequency"``: average order value x purchases per customer and time.
    customer, time, amount, tz, merge, refunds
        As in `orders_summary`.

    Returns
    -------
    DataFrame, one row per customer, highest value first
        customer_id
        orders               count  order rows
        historical_value     money  sum of all amounts so far (x margin)
        expected_purchases   count  in the horizon: purchases of all / customer-days of all x horizon, alike for all
        expected_value       money  average value of a purchase over all customers
        clv                  money  margin x expected_value x expected_purchases, discounted
        basis                text   ``margin`` or ``revenue``
        rank                 1, 2…  by historical_value, ties share the best
        flags                text   ``one_time_buyer``, ``no_value`` (nothing left after refunds), comma between; NA
        reason               text   ``zero_denominator`` where no time has passed yet
        model                text

    Raises
    ------
    ValueError
        A margin outside 0 to 1, a discount of -100 % or less, orders that cannot be used.

    Notes
    -----
    Gupta & Lehmann (2003), Journal of Interactive Marketing 17(1):9, for the formula and its limits.

    Examples
    --------
    >>> orders = pd.DataFrame(
    ...     {
    ...         "user_id": ["a", "a", "b"],
    ...         "timestamp": pd.to_datetime(["2026-01-01", "2026-01-08", "2026-01-01"], utc=True),
    ...         "net": [10.0, 20.0, 6.0],
    ...     }
    ... )
    >>> value = customer_lifetime_value(orders, as_of="2026-01-31", horizon="30 days", annual_discount=0)
    >>> value[["customer_id", "historical_value", "expected_purchases", "expected_value", "basis"]]
      customer_id  historical_value  expected_purchases  expected_value    basis
    0           a              30.0                 1.5            12.0  revenue
    1           b               6.0                 1.5            12.0  revenue
    """
    one_of("model", model, Model)
    _check_rates(margin, annual_discount)
    days = _horizon_days(horizon)
    summary = orders_summary(
        orders,
        customer=customer,
        time=time,
        amount=amount,
        as_of=as_of,
        unit="day",
        merge=merge,
        refunds=refunds,
        tz=tz,
    )
    kept = 1.0 if margin is None else margin
    purchases, revenue = float((summary["frequency"] + 1).sum()), float(summary["revenue"].sum())
    # Days from the first purchase to the end of the last day counted, both included, however purchases were merged.
    last = pd.Timestamp(summary.attrs["end"])
    watched = float(((last - summary["first_order"]).dt.days + 1).sum())
    rate, average = ratio(purchases, watched), ratio(revenue, purchases)
    years = days / 365.25
    now = years if annual_discount == 0 else (1 - (1 + annual_discount) ** -years) / np.log1p(annual_discount)
    table = summary[["customer_id", "orders"]].assign(
        historical_value=kept * summary["revenue"],
        expected_purchases=rate * days,
        expected_value=average,
        clv=kept * average * rate * days * now / years,
        basis="revenue" if margin is None else "margin",
    )
    table["rank"] = table["historical_value"].rank(method="min", ascending=False).astype(np.int64)
    flags = np.where(summary["frequency"] == 0, "one_time_buyer", "")
    worthless = np.where(summary["revenue"] <= 0, "no_value", "")
    joined = [", ".join(filter(None, pair)) or None for pair in zip(flags, worthless, strict=True)]
    table["flags"] = pd.Series(joined, index=table.index, dtype="str")
    table["reason"] = pd.Series(
        [None if watched > 0 else "zero_denominator"] * len(table), index=table.index, dtype="str"
    )
    table["model"] = model
    table = table.sort_values(["rank", "customer_id"])
    settings = {
        "as_of": spoken(instant(as_of, tz=tz), tz), "tz": tz, "horizon": horizon, "margin": margin,
        "currency": summary.attrs["settings"].get("currency"),
        "annual_discount": annual_discount, "model": model, "merge": merge or "none",
    }  # fmt: skip
    definition = (
        f"historical_value: what each customer has paid before {settings['as_of']}"
        f"{'' if margin is None else f', x a margin of {margin:g}'}. clv: average value of a purchase x purchases "
        f"expected in {horizon} at the average rate of all customers, discounted at {annual_discount:.0%} a year; "
        f"nobody is taken to leave, so it is a yardstick, no forecast. Basis: "
        f"{'revenue, no margin given' if margin is None else 'margin'}."
    )
    return result(table, metric="customer_lifetime_value", definition=definition, settings=settings)


def simple_lifetime_value(
    *,
    average_order_value: float,
    lifetime_years: float,
    orders_per_year: float | None = None,
    months_between_orders: float | None = None,
    margin: float | None = None,
    annual_discount: float = 0,
) -> pd.DataFrame:
    """What is a customer worth by order value x frequency x lifetime?

    Parameters
    ----------
    average_order_value
        Money per order.
    lifetime_years
        How long a customer stays, in years.
    orders_per_year, months_between_orders
        One of the two: a frequency, or the time between orders (3 months are 4 orders a year).
    margin
        Share of revenue that is kept, 0 to 1. None: margin and what follows from it are NA.
    annual_discount
        Yearly rate, compounded; cash at the end of each year, a last part of a year at its end.

    Returns
    -------
    DataFrame, one row
        average_order_value, orders_per_year, lifetime_years   what was used
        orders                      count  orders_per_year x lifetime_years
        revenue                     money  average_order_value x orders
        margin                      0 to 1 the argument
        margin_value                money  revenue x margin
        discounted_margin_value     money  the same, discounted
        reason                      text   ``no_margin`` where none was given

    Raises
    ------
    ValueError
        Both frequencies or none; negative numbers; a margin outside 0 to 1.

    Notes
    -----
    $50 every three months for five years is 50 x 4 x 5 = $1,000, not the $500 that is sometimes printed.

    Examples
    --------
    >>> value = simple_lifetime_value(average_order_value=50, months_between_orders=3, lifetime_years=5, margin=0.4)
    >>> value[["orders_per_year", "orders", "revenue", "margin_value"]]
       orders_per_year  orders  revenue  margin_value
    0              4.0    20.0   1000.0         400.0
    """
    if (orders_per_year is None) == (months_between_orders is None):
        raise ValueError(
            f"orders_per_year is {orders_per_year} and months_between_orders is {months_between_orders}. "
            "Give one of them."
        )
    _check_rates(margin, annual_discount)
    if months_between_orders is not None and months_between_orders <= 0:
        raise ValueError(f"months_between_orders: {months_between_orders!r} is no time. Use a number above 0.")
    a_year = orders_per_year if orders_per_year is not None else 12 / (months_between_orders or 1)
    given = {"average_order_value": average_order_value, "orders_per_year": a_year, "lifetime_years": lifetime_years}
    wrong = {name: value for name, value in given.items() if not (np.isfinite(value) and value >= 0)}
    if wrong:
        raise ValueError(f"{wrong} cannot be. Use numbers from 0.")
    whole = int(lifetime_years)
    ends = np.arange(1, whole + 1, dtype=float)
    shares = np.ones(whole)
    if lifetime_years > whole:
        ends, shares = np.r_[ends, lifetime_years], np.r_[shares, lifetime_years - whole]
    years_now = float((shares * (1 + annual_discount) ** -ends).sum())
    kept = np.nan if margin is None else margin
    table = pd.DataFrame({
        **{name: [float(value)] for name, value in given.items()},
        "orders": a_year * lifetime_years,
        "revenue": average_order_value * a_year * lifetime_years,
        "margin": kept,
        "margin_value": average_order_value * a_year * lifetime_years * kept,
        "discounted_margin_value": average_order_value * a_year * kept * years_now,
        "reason": pd.Series(["no_margin" if margin is None else None], dtype="str"),
    })  # fmt: skip
    definition = "Average order value x orders a year x years as a customer; margin and discount where given."
    settings = {"margin": margin, "annual_discount": annual_discount}
    return result(table, metric="simple_lifetime_value", definition=definition, settings=settings)


def _check_rates(margin: float | None, annual_discount: float) -> None:
    if margin is not None and not 0 <= margin <= 1:
        raise ValueError(f"margin: {margin!r} is not between 0 and 1. Write 40 % as 0.4.")
    if not annual_discount > -1:
        raise ValueError(f"annual_discount: {annual_discount!r} is not a yearly rate. Write 10 % as 0.1.")


def _horizon_days(horizon: str) -> float:
    """Days of a horizon, which may be in months (a twelfth of a year) and years (365.25 days)."""
    words = horizon.split() if isinstance(horizon, str) else []
    if len(words) == 2 and words[1].rstrip("s") in ("month", "year"):
        try:
            number = float(words[0])
        except ValueError:
            number = 0.0
        if number > 0:
            return number * (365.25 / 12 if words[1].startswith("month") else 365.25)
    return duration(horizon, name="horizon") / DAY
