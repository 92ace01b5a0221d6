"""What is a customer worth by a formula? Order value x frequency x lifetime; value against cost."""

import numpy as np
import pandas as pd

from metrics.clv.units import force, share
from metrics.intervals import Floats, ratio
from metrics.results import result
from metrics.steps import unknown


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
    share(margin)
    force(annual_discount)
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


def unit_economics(
    table: pd.DataFrame,
    *,
    ltv: str = "ltv",
    cac: str = "cac",
    margin_per_month: str = "margin_per_month",
    survival: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Is a customer worth what winning one costs, and when is it paid back?

    Value should be margin, not revenue, and of the same customers as the cost. That it
    should be three times the cost is a habit, not a law.

    Parameters
    ----------
    table
        One row per channel, month or plan.
    ltv, cac, margin_per_month
        Its columns: value of a customer, cost of winning one, margin that an active customer brings in a month.
    survival
        A table with ``period`` or ``time`` in months and ``survival``, 0 to 1, as `project_retention` or
        `survival_curve` returns it; period 0 is 1. Who has left pays back nothing.

    Returns
    -------
    DataFrame, one row per row of `table`
        its other columns
        ltv, cac                  money
        ltv_cac                   ratio   ltv / cac
        payback_months            months  cac / margin_per_month, as if nobody left
        payback_months_survival   count   monthly payments, one at the start of each month, whose margin times survival
                                          covers cac; NA without `survival`
        reason                    text    ``no_cac``, ``no_value``, ``no_margin`` where a figure is missing for that;
                                          ``zero_denominator`` where cac is 0; ``never_pays_back`` where there is no
                                          margin, or survival ends before

    Raises
    ------
    ValueError
        Columns that are not there, negative costs, a survival that is none.

    Examples
    --------
    >>> channels = pd.DataFrame(
    ...     {"channel": ["ads", "mail"], "ltv": [561.0, 180.0], "cac": [50.0, None], "margin_per_month": [15.58, 7.5]}
    ... )
    >>> unit_economics(channels)[["channel", "ltv_cac", "payback_months", "reason"]].round(2)
      channel  ltv_cac  payback_months  reason
    0     ads    11.22            3.21     NaN
    1    mail      NaN             NaN  no_cac
    """
    for argument, name in (("ltv", ltv), ("cac", cac), ("margin_per_month", margin_per_month)):
        if name not in table.columns:
            raise ValueError(unknown(argument, name, table.columns, "a column of the table", "columns"))
    value, cost, margin = (_numbers(table[name]) for name in (ltv, cac, margin_per_month))
    if (cost < 0).any():
        raise ValueError(f"cac: {int((cost < 0).sum())} costs are negative. A cost is 0 or more.")
    with np.errstate(all="ignore"):
        months = np.where(margin > 0, cost / margin, np.where(cost == 0, 0.0, np.nan))
    stay = np.full(len(table), np.nan) if survival is None else _payments(cost, margin, _survival(survival))
    never = (np.isfinite(cost) & np.isfinite(margin) & np.isnan(months)) | (
        (survival is not None) & np.isfinite(months) & np.isnan(stay)
    )
    reason = np.select(
        [np.isnan(cost), np.isnan(value), np.isnan(margin), never, cost == 0],
        ["no_cac", "no_value", "no_margin", "never_pays_back", "zero_denominator"], default="",
    )  # fmt: skip
    others = [name for name in table.columns if name not in (ltv, cac, margin_per_month)]
    found = table[others].reset_index(drop=True).assign(
        ltv=value, cac=cost, ltv_cac=ratio(value, np.nan_to_num(cost)), payback_months=months,
        payback_months_survival=stay, reason=pd.Series([text or None for text in reason], dtype="str"),
    )  # fmt: skip
    definition = (
        "ltv_cac: value of a customer / cost of winning one. Payback: months of margin that cover the cost, as if "
        "nobody left; by survival: monthly payments, the first at once, of those still there."
    )
    settings = {"ltv": ltv, "cac": cac, "margin_per_month": margin_per_month}
    return result(found, metric="unit_economics", definition=definition, settings=settings)


def _numbers(column: pd.Series) -> Floats:
    values: Floats = pd.to_numeric(column).to_numpy(float, na_value=np.nan)
    return values


def _survival(table: pd.DataFrame) -> Floats:
    """Share of customers still there at the start of month 0, 1, 2, …, as far as the table goes."""
    time = next((name for name in ("period", "time") if name in table.columns), None)
    if time is None or "survival" not in table.columns:
        seen = [str(name) for name in table.columns]
        raise ValueError(f"survival has the columns {seen}; needed are 'period' or 'time', in months, and 'survival'.")
    rows = table[[time, "survival"]].dropna().sort_values(time)
    when, share_left = _numbers(rows[time]), _numbers(rows["survival"])
    if not len(rows) or (when < 0).any() or (np.diff(when) <= 0).any():
        raise ValueError("survival needs one row for each time from 0 on. Filter it to one group.")
    if ((share_left < 0) | (share_left > 1 + 1e-9)).any() or (np.diff(share_left) > 1e-9).any():
        raise ValueError("survival must fall from 1, and lie between 0 and 1. Hand over shares, not per cent.")
    if when[0] > 0:
        when, share_left = np.r_[0.0, when], np.r_[1.0, share_left]
    # A curve steps at its times: at the start of a month the last step before it holds.
    month = np.arange(int(np.floor(when[-1] + 1e-9)) + 1)
    found: Floats = share_left[np.searchsorted(when, month + 1e-9, side="right") - 1]
    return found


def _payments(cost: Floats, margin: Floats, stay: Floats) -> Floats:
    """Monthly payments that cover the cost; NaN where they never do."""
    paid = np.cumsum(stay)
    with np.errstate(all="ignore"):
        wanted = np.where(margin > 0, cost / margin, np.where(cost == 0, 0.0, np.nan))
    place = np.searchsorted(paid, wanted * (1 - 1e-12), side="left") + 1.0
    found: Floats = np.where(np.isnan(wanted) | (place > len(paid)), np.nan, np.where(wanted == 0, 0.0, place))
    return found
