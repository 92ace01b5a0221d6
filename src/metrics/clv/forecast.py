"""What will each customer do, and what all of them together?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from metrics.clv.customers import Customers, distinct
from metrics.clv.models.dice import Dice
from metrics.clv.purchase_fits import PurchaseFit
from metrics.clv.purchases import PurchaseModel, same_unit
from metrics.clv.spend import SpendFit, SpendModel
from metrics.clv.totals import Totals
from metrics.clv.uncertain import CHUNK, DRAWS, Buying, Spending, lives, spent
from metrics.clv.units import force, in_units, share, years
from metrics.files import several
from metrics.intervals import Floats, normal_quantile
from metrics.results import grouped, keys, result
from metrics.steps import Mask, unknown

_SUMS = ("expected", "cumulative")  # in a period, and up to its end
RARE = 1e-6  # chance of so many purchases from which a frequency is extreme


def forecast_customers(
    summary: pd.DataFrame,
    *,
    purchases: PurchaseFit | PurchaseModel,
    spend: SpendFit | SpendModel | None = None,
    horizon: str | None = "12 months",
    annual_discount: float = 0.1,
    period: str | None = None,
    margin: float | None = None,
    confidence: float | None = 0.8,
) -> pd.DataFrame:
    """What will each customer buy, and what is that worth?

    Parameters
    ----------
    summary
        Table with ``customer_id, frequency, recency, T`` (and ``monetary_value``), as `orders_summary` returns it, also
        of other customers than those of the fit.
    purchases
        `PurchaseFit` or `PurchaseModel`. A bare model is taken to be certain.
    spend
        `SpendFit` or `SpendModel`; without one there is no value.
    horizon
        Time ahead: ``"12 months"``. None: all future purchases.
    annual_discount
        Yearly rate, compounded.
    period
        None: discounted when bought. ``"1 week"``: purchases of each week count at its end.
    margin
        Share of revenue that is kept, 0 to 1. None: clv is revenue, and `basis` says so.
    confidence
        Level of the limits, of parameters and chance together. None leaves them out and saves their time.

    Returns
    -------
    DataFrame, one row per row of `summary`, in its order
        customer_id
        p_alive                  0 to 1  still a customer; it depends on the model more than on the data
        p_buy                    0 to 1  at least one purchase within the horizon
        expected_purchases (…)   count   within the horizon; the limits hold a customer's number of purchases, and are
                                         widened to hold the estimate
        expected_value           money   mean value of a future purchase
        discounted_purchases     count   expected purchases, discounted
        clv (…)                  money   margin x expected_value x discounted_purchases
        basis                    text    ``margin`` or ``revenue``
        rank                     1, 2…   by clv (without values by discounted purchases), ties share the best
        flags                    text    ``one_time_buyer``; ``same_day_only`` (bought again, but on the first day);
                                         ``no_value`` (repeats worth nothing after refunds); ``extreme_frequency`` (less
                                         than one customer in a million of the model buys as often); comma between
        reason                   text    where there is no clv: ``no_value``, ``no_population_mean``, or why nothing is
                                         identified

    With ``horizon=None`` p_buy and the limits of expected_purchases are NA, as is expected_purchases.

    Raises
    ------
    ValueError
        A column that is not there, a summary in another unit than the model, wrong arguments.
    EventTableError
        Impossible rows.

    Notes
    -----
    Fader, Hardie & Lee (2005), Journal of Marketing Research 42:415 (value as purchases x spend). Limits are quantiles
    of 400 drawn lives, the same draws for every customer, at parameters drawn from the fit.

    Examples
    --------
    >>> model = PurchaseModel("bgnbd", unit="week", r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> customer = pd.DataFrame({"customer_id": ["1"], "frequency": [2], "recency": [30.43], "T": [38.86]})
    >>> table = forecast_customers(customer, purchases=model, horizon="39 weeks")
    >>> table[["p_alive", "expected_purchases", "expected_purchases_low", "expected_purchases_high"]].round(3)
       p_alive  expected_purchases  expected_purchases_low  expected_purchases_high
    0    0.727               1.226                     0.0                      3.0
    """
    share(margin)
    force(annual_discount)
    if confidence is not None:
        normal_quantile(confidence)
    if "customer_id" not in summary.columns:
        raise ValueError(unknown("summary", "customer_id", summary.columns, "a column of the summary", "columns"))
    buying = Buying.of(purchases)
    same_unit(summary, purchases.unit)
    n = len(summary)
    table = pd.DataFrame({"customer_id": summary["customer_id"].astype("str").array})
    reason = pd.Series([None] * n, dtype="str")
    if buying is None:
        for name in _columns(confidence):
            table[name] = np.nan
        reason[:] = getattr(purchases, "reason", None)
        return _finished(table, summary, reason, purchases, spend, horizon, annual_discount, period, margin, confidence)
    model = buying.model
    c = model.customers(summary)
    ahead = None if horizon is None else in_units(horizon, model.unit)
    times, weights = model.schedule(annual_discount, horizon, period)
    if ahead is not None:  # both at once
        times, weights = np.append(times, ahead), np.column_stack([np.append(weights, 0.0), np.r_[0.0 * weights, 1.0]])
        times, weights = _in_order(times, weights)
    alive, found = model.alive_and_sum(c, times, weights)
    table["p_alive"] = alive[c.place]
    discounted = alive * (found[:, 0] if ahead is not None else found)
    expected = alive * found[:, 1] if ahead is not None else np.full(len(c), np.nan)
    table["p_buy"] = model.p_buy(summary, horizon=horizon).to_numpy() if horizon is not None else np.nan
    table["expected_purchases"] = expected[c.place]
    value = _values(summary, spend, reason)
    table["expected_value"] = value
    table["discounted_purchases"] = discounted[c.place]
    kept = 1.0 if margin is None else margin
    table["clv"] = kept * value * table["discounted_purchases"]
    if confidence is not None:
        _limits(table, summary, buying, spend, c, ahead, annual_discount, kept, confidence)
    return _finished(table, summary, reason, purchases, spend, horizon, annual_discount, period, margin, confidence)


def forecast_total(
    summary: pd.DataFrame,
    *,
    purchases: PurchaseFit | PurchaseModel,
    spend: SpendFit | SpendModel | None = None,
    horizon: str,
    period: str = "1 week",
    by: str | Sequence[str] | None = None,
    confidence: float | None = 0.8,
) -> pd.DataFrame:
    """How many purchases, and how much revenue, will these customers bring in each period ahead?

    These customers only: new ones will come on top.

    Parameters
    ----------
    summary, purchases, spend
        As in `forecast_customers`.
    horizon, period
        Time ahead, and the length of its periods; the last one is cut at the horizon.
    by
        Column or list of `summary` for a breakdown, such as a country that was merged to it: what is expected of the
        customers of each group, by what they bought and one model of all. Missing values are a group of their own.
    confidence
        Level of the limits. None leaves them out.

    Returns
    -------
    DataFrame, one row per period (of each group)
        customers                   count  of the group; with `by` only
        period                      1, 2…
        expected_purchases (…)      count  in the period
        cumulative_purchases (…)    count  up to its end; limits of a sum are not the sum of limits
        expected_revenue (…), cumulative_revenue (…)   money, with `spend`; customers without a value are taken at the
                                    population mean; NA where there is none, limits also NA where the
                                    variance of spend is infinite (q <= 2)

    Raises
    ------
    ValueError
        As `forecast_customers`; a column of `by` that is missing.

    Notes
    -----
    Parameters are estimated from all customers that the model was fitted to. Of a group that lives by laws of its own
    this says less the fewer purchases its customers have made: fit it by itself if it is large.

    Examples
    --------
    >>> model = PurchaseModel("nbd", unit="week", r=1, alpha=10)
    >>> table = pd.DataFrame({"frequency": [0, 4], "recency": [0.0, 8.0], "T": [10.0, 10.0]})
    >>> forecast_total(table, purchases=model, horizon="3 weeks", period="2 weeks", confidence=None)
       period  expected_purchases  cumulative_purchases
    0       1                 0.6                   0.6
    1       2                 0.3                   0.9
    """
    if confidence is not None:
        normal_quantile(confidence)
    groups = keys(by, taken=["customers", "period", *(f"{a}_{b}" for a in _SUMS for b in ("purchases", "revenue"))])
    for name in groups:
        if name not in summary:
            raise ValueError(unknown("by", name, summary.columns, "a column of the summary", "columns"))
    same_unit(summary, purchases.unit)
    end, length = in_units(horizon, purchases.unit), in_units(period, purchases.unit, "period")
    ends = np.minimum(np.arange(1, max(int(np.ceil(end / length - 1e-9)), 1) + 1) * length, end)
    buying, spending = Buying.of(purchases), Spending.of(spend)
    of, named = grouped(summary[groups].reset_index(drop=True), groups)
    settled = {"ends": ends, "money": spend is not None, "confidence": confidence}
    parts = [summary[of == k] if groups else summary for k in range(len(named))]
    tables = [_sums_of(part, buying, spending, **settled) for part in parts]
    tables = tables or [_sums_of(summary, None, None, **settled)[:0]]  # nobody is in no group
    table = pd.concat(tables, ignore_index=True)
    if groups:
        many = np.repeat(np.bincount(of, minlength=len(named)), len(ends)).astype(np.int64)
        whose = named.loc[np.repeat(named.index, len(ends))].reset_index(drop=True)
        table = pd.concat([whose.assign(customers=many), table], axis=1)
    each = f" By {', '.join(groups)}, with one model of all." if groups else ""
    said = (
        f"Purchases expected of {several(len(summary), 'customer', 'customers')} in each {period} of {horizon}, no new "
        f"ones among them.{each}"
    )
    settings = {
        "model": _name(purchases), "horizon": horizon, "period": period, "by": groups or None,
        "confidence": confidence, "currency": summary.attrs.get("settings", {}).get("currency"),
        "customers": len(summary), "unit": purchases.unit,
    }  # fmt: skip
    return result(table, metric="forecast_total", definition=said, settings=settings)


def _sums_of(
    summary: pd.DataFrame, buying: Buying | None, spending: Spending | None, *, ends: Floats, money: bool,
    confidence: float | None,
) -> pd.DataFrame:  # fmt: skip
    """What is expected of these customers in each period, and up to its end."""
    whats = ("purchases", "revenue") if money else ("purchases",)
    table = pd.DataFrame({"period": np.arange(1, len(ends) + 1)})
    many = len(ends)
    columns: dict[str, Floats] = dict.fromkeys(
        ("", "_low", "_high") if confidence is not None else ("",), np.empty((0, 0))
    )
    if buying is not None:
        spans = slice(None) if many > 1 else slice(1)  # of one period both sums are the same
        since, until = np.r_[0.0, ends[:-1], np.zeros(many)], np.r_[ends, ends]
        totals = Totals(summary, buying, spending, since[spans], until[spans])
        columns[""] = totals.mean
        if confidence is not None:
            columns["_low"], columns["_high"] = totals.limits(confidence)
    for place, what in enumerate(whats):
        for name, some in zip(_SUMS, (slice(many), slice(-many, None)), strict=True):
            for limit, sums in columns.items():
                table[f"{name}_{what}{limit}"] = sums[place][some] if place < len(sums) else np.nan
    return table


def _columns(confidence: float | None) -> list[str]:
    limits = confidence is not None
    return [
        "p_alive", "p_buy", "expected_purchases",
        *(("expected_purchases_low", "expected_purchases_high") if limits else ()),
        "expected_value", "discounted_purchases", "clv", *(("clv_low", "clv_high") if limits else ()),
    ]  # fmt: skip


def _in_order(times: Floats, weights: Floats) -> tuple[Floats, Floats]:
    order = np.argsort(times, kind="stable")
    return times[order], weights[order]


def _values(summary: pd.DataFrame, spend: SpendFit | SpendModel | None, reason: "pd.Series[str]") -> Floats:
    """Expected values, with the reasons where there are none."""
    model = spend.model if isinstance(spend, SpendFit) else spend
    if model is None:
        reason[:] = "no_value" if spend is None else getattr(spend, "reason", None)
        return np.full(len(summary), np.nan)
    value: Floats = model.expected_value(summary).to_numpy(float)
    missing = np.isnan(value)
    reason[missing] = "no_population_mean" if model.reason else "no_value"
    reason[missing & _worthless(summary)] = "no_value"
    return value


def _worthless(summary: pd.DataFrame) -> Mask:
    """Repeats that are worth nothing after refunds."""
    if "monetary_value" not in summary.columns:
        return np.zeros(len(summary), bool)
    found: Mask = ((summary["frequency"] > 0) & ~(summary["monetary_value"] > 0)).to_numpy(bool, na_value=False)
    return found


def _limits(
    table: pd.DataFrame, summary: pd.DataFrame, buying: Buying, spend: SpendFit | SpendModel | None, c: Customers,
    ahead: float | None, annual_discount: float, kept: float, confidence: float,
) -> None:  # fmt: skip
    spending = Spending.of(spend)
    dice = Dice(DRAWS, parameters=len(buying.at) + 3)
    tails = [(1 - confidence) / 2, (1 + confidence) / 2]
    rate = force(annual_discount) * years(buying.model.unit)
    worth = np.zeros(len(summary))
    if spending is not None and "monetary_value" in summary.columns:
        worth = np.where(_worthless(summary), 0, summary["monetary_value"].fillna(0).to_numpy(float))
    first, kind = distinct([c.place.astype(float), worth])
    rows, value = c.place[first], worth[first]
    bought, money = np.full((len(first), 2), np.nan), np.full((len(first), 2), np.nan)
    later = (table["discounted_purchases"] / table["expected_purchases"]).to_numpy(float)[first] if ahead else None
    shape = np.ones(DRAWS) if spending is None else spending.draws(dice)[0]
    for some in [slice(i, i + CHUNK) for i in range(0, len(first), CHUNK)]:
        number = lives(buying, c, dice, horizon=ahead, rate=rate, chosen=rows[some], shape=shape)
        if ahead is not None:
            bought[some] = np.quantile(number, tails, axis=1, method="inverted_cdf").T
        if spending is not None:
            paid = kept * spent(
                spending, c.x[rows[some]].astype(float), value[some], number, dice, whole=ahead is not None
            )
            paid = paid if later is None else paid * later[some, None]
            money[some] = np.quantile(paid, tails, axis=1).T
    for name, limits in (("expected_purchases", bought), ("clv", money)):
        estimate = table[name].to_numpy(float)
        low, high = limits[kind].T
        place = int(table.columns.get_loc(name)) + 1  # type: ignore[arg-type]
        table.insert(place, f"{name}_low", np.where(np.isnan(estimate), np.nan, np.minimum(low, estimate)))
        table.insert(place + 1, f"{name}_high", np.where(np.isnan(estimate), np.nan, np.maximum(high, estimate)))


def _finished(
    table: pd.DataFrame, summary: pd.DataFrame, reason: "pd.Series[str]", purchases: PurchaseFit | PurchaseModel,
    spend: SpendFit | SpendModel | None, horizon: str | None, annual_discount: float, period: str | None,
    margin: float | None, confidence: float | None,
) -> pd.DataFrame:  # fmt: skip
    by = table["clv"] if table["clv"].notna().any() else table["discounted_purchases"]
    table["basis"] = pd.Series(["revenue" if margin is None else "margin"] * len(table), dtype="str")
    table["rank"] = by.rank(method="min", ascending=False, na_option="bottom").astype(np.int64)
    table["flags"] = _flags(summary, purchases)
    table["reason"] = reason.where(table["clv"].isna(), None)
    excluded = {} if not isinstance(spend, SpendFit) else dict(spend.excluded.to_numpy().tolist())
    ahead = "all future" if horizon is None else horizon
    settings: dict[str, Any] = {
        "model": _name(purchases), "horizon": horizon, "annual_discount": annual_discount, "period": period,
        "margin": margin, "confidence": confidence, "unit": purchases.unit,
        "status": getattr(purchases, "status", None), "currency": summary.attrs.get("settings", {}).get("currency"),
        "no_repeat": excluded.get("no_repeat"), "not_positive": excluded.get("not_positive"),
    }  # fmt: skip
    definition = (
        f"clv: {'revenue, as no margin was given' if margin is None else f'a margin of {margin:.0%}'} x mean value of "
        f"a future purchase x purchases expected in {ahead} ({_name(purchases)}), discounted at {annual_discount:.3g} "
        f"a year; limits hold what single customers bring, not the mean of many like them."
    )
    return result(table, metric="forecast_customers", definition=definition, settings=settings)


def _flags(summary: pd.DataFrame, purchases: PurchaseFit | PurchaseModel) -> "pd.Series[str]":
    n, x = len(summary), summary["frequency"].to_numpy(float)
    again = summary["merged_orders"].to_numpy(float) > 0 if "merged_orders" in summary.columns else np.zeros(n, bool)
    flags = {
        "one_time_buyer": x == 0,
        "same_day_only": (x == 0) & again,
        "no_value": _worthless(summary),
        "extreme_frequency": _extreme(x, summary["T"].to_numpy(float), purchases),
    }
    said = np.full(n, "", dtype=object)
    for name, rows in flags.items():
        said[rows] = [f"{text}, {name}" if text else name for text in said[rows]]
    return pd.Series([text or None for text in said], dtype="str")


def _extreme(x: Floats, T: Floats, purchases: PurchaseFit | PurchaseModel) -> Mask:
    """Fewer than one in a million buy as often by T, even if nobody ever left."""
    model = purchases.model if isinstance(purchases, PurchaseFit) else purchases
    if model is None or model.family.whole_times or not (x > 20).any():
        return np.zeros(len(x), bool)
    from scipy.special import betainc

    r, alpha = model.parameters["r"], model.parameters["alpha"]
    found: Mask = (x > 20) & (betainc(np.maximum(x, 1), r, T / (alpha + T)) < RARE)
    return found


def _name(purchases: PurchaseFit | PurchaseModel) -> str:
    return purchases.name
