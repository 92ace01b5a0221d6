"""What is a customer worth? From orders to each customer's value in one call."""

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.clv.buys import Merge
from metrics.clv.forecast import forecast_customers, forecast_total
from metrics.clv.purchase_fits import PurchaseFit, fit_purchases
from metrics.clv.spend import SpendFit, spend_fit
from metrics.clv.split import half_of
from metrics.clv.summary import Refunds, orders_summary
from metrics.engine import Events
from metrics.periods import When
from metrics.results import result

Model: TypeAlias = Literal["auto", "bgnbd", "mbgnbd", "pareto_nbd", "nbd"]


def customer_lifetime_value(
    orders: Events,
    *,
    as_of: When,
    horizon: str | None = "12 months",
    margin: float | None = None,
    annual_discount: float = 0.1,
    model: str = "auto",
    confidence: float | None = 0.8,
    customer: str = "user_id",
    time: str = "timestamp",
    amount: str = "net",
    tz: str = "UTC",
    merge: Merge = "day",
    refunds: Refunds = "net",
) -> pd.DataFrame:
    """What will each customer be worth, and how far off was such a forecast?

    Orders are read into customers, a model of buying and one of spend are fitted, and each customer's value is
    forecast. To see how far to trust it, the same model is fitted to the first half of the time observed and held
    against the purchases of the second half.

    Parameters
    ----------
    orders
        One row per order, of one currency: a DataFrame as `read_orders` returns it, an `EventSource` or a Spark
        DataFrame.
    as_of
        First day not observed, a date in `tz`: ``"1997-10-01"`` counts up to 30 September.
    horizon
        Time ahead: ``"12 months"``. None: all future purchases.
    margin
        Share of revenue that is kept, 0 to 1. None: values are revenue, and `basis` says so.
    annual_discount
        Yearly rate, compounded.
    model
        ``"auto"`` (the one of bgnbd, mbgnbd and pareto_nbd with the lowest BIC), or a model of `fit_purchases`.
    confidence
        Level of the limits. None leaves them out.
    customer, time, amount, tz, merge, refunds
        As in `orders_summary`.

    Returns
    -------
    DataFrame, one row per customer, highest value first
        the columns of `forecast_customers`
        model           text   of buying
        holdout_error          purchases forecast for the second half of the time observed / those that came - 1; NA
                               where that cannot be told

    ``attrs["settings"]`` say what was left out: ``customers``, ``no_repeat`` and ``not_positive`` (not used for spend),
    ``merged_orders`` and ``refunds`` (orders).

    Raises
    ------
    ValueError
        A margin outside 0 to 1, a model that does not exist, several currencies.
    EventTableError
        Orders without a customer, time or amount.

    Notes
    -----
    With few customers nothing may be identified: then values are NA and `reason` says why. P(alive) depends on the
    model more than on the data; it is no head count of active customers.

    Examples
    --------
    >>> orders = pd.DataFrame(
    ...     {
    ...         "user_id": ["a", "a", "b"],
    ...         "timestamp": pd.to_datetime(["2026-01-01", "2026-01-08", "2026-01-01"], utc=True),
    ...         "net": [10.0, 20.0, 6.0],
    ...     }
    ... )
    >>> value = customer_lifetime_value(orders, as_of="2026-01-31")
    >>> value[["customer_id", "clv", "rank", "reason"]]
      customer_id  clv  rank             reason
    0           a  NaN     1  too_few_customers
    1           b  NaN     1  too_few_customers
    """
    columns: dict[str, Any] = {
        "customer": customer, "time": time, "amount": amount, "tz": tz, "merge": merge, "refunds": refunds,
    }  # fmt: skip
    summary = orders_summary(orders, as_of=as_of, **columns)
    purchases = fit_purchases(summary, model=model)
    spend = spend_fit(summary)
    table = forecast_customers(
        summary, purchases=purchases, spend=spend, horizon=horizon, annual_discount=annual_discount, margin=margin,
        confidence=confidence,
    )  # fmt: skip
    told = table.attrs
    low, high = _mean_limits(summary, purchases, spend, table, horizon, confidence)
    table["model"] = pd.Series([purchases.name] * len(table), dtype="str")
    split, error = _second_half(orders, summary, purchases.name, columns)
    table["holdout_error"] = error
    table = table.sort_values(["rank", "customer_id"])
    settings = told["settings"] | {
        "as_of": str(pd.Timestamp(summary.attrs["end"]) + pd.Timedelta(days=1))[:10], "tz": tz,
        "merge": merge or "none", "customers": len(summary), "merged_orders": int(summary["merged_orders"].sum()),
        "refunds": int(summary["refunds"].sum()), "split": split, "spearman": _known(spend.spearman),
        "mean_low": _known(low), "mean_high": _known(high),
    }  # fmt: skip
    definition = f"{told['definition'].rstrip('.')}. {_proof(split, error)}"
    return result(table, metric="customer_lifetime_value", definition=definition, settings=settings)


def _mean_limits(
    summary: pd.DataFrame, purchases: PurchaseFit, spend: SpendFit, table: pd.DataFrame, horizon: str | None,
    confidence: float | None,
) -> tuple[float, float]:  # fmt: skip
    """Limits of the mean value of all: those of all revenue within the horizon, in its proportion."""
    if horizon is None or confidence is None or not table["clv"].notna().any():
        return np.nan, np.nan
    total = forecast_total(
        summary, purchases=purchases, spend=spend, horizon=horizon, period=horizon, confidence=confidence
    ).iloc[0]
    share = float(table["clv"].mean()) / float(total["expected_revenue"])
    return share * float(total["expected_revenue_low"]), share * float(total["expected_revenue_high"])


def _second_half(
    orders: Events, summary: pd.DataFrame, model: str, columns: dict[str, Any]
) -> tuple[str | None, float]:
    """The last day of the first half of the time observed, and how far off its forecast of the second half was."""
    end = pd.Timestamp(summary.attrs["end"])
    half = half_of(summary["first_order"].min(), end) if len(summary) else None
    if half is None:
        return None, np.nan
    split = str(half.date())
    first = orders_summary(
        orders, as_of=str((half + pd.Timedelta(days=1)).date()), holdout_end=str(end.date()), **columns
    )
    fit = fit_purchases(first, model=model, confidence=None)
    actual = float(first["holdout_frequency"].sum())
    if fit.model is None or not actual:
        return split, np.nan
    ahead = fit.model.expected_purchases(first, horizon=f"{float(first['holdout_T'].iloc[0])!r} {fit.unit}s")
    return split, float(np.sum(ahead)) / actual - 1


def _proof(split: str | None, error: float) -> str:
    if np.isnan(error):
        return "How far off such a forecast was cannot be told from so little."
    return f"Fitted up to {split}, the same model missed the purchases since by {100 * error:+.1f} %."


def _known(number: float) -> float | None:
    return None if np.isnan(number) else number
