"""What is a customer worth, what do they cost, and when is that earned back? Arithmetic on totals, with its guards.

Worth and cost are shares of money that pass through few hands, so that the traps are in the conditions: no churn is no
infinite value, no new customer no free one, and no loss no infinite ratio.
"""

from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.intervals import Floats, no_denominator, ratio
from metrics.periods import one_of
from metrics.results import result
from metrics.steps import unknown

Payment: TypeAlias = Literal["start", "end"]


def subscription_lifetime_value(
    table: pd.DataFrame,
    *,
    margin: float | None = None,
    cap_months: int | None = None,
    annual_discount: float = 0,
    payment: Payment = "start",
) -> pd.DataFrame:
    """What will a subscriber pay, at a constant monthly churn?

    The sum of `arpa` x (1 - churn_rate)^k over months k, discounted by k / 12 years: k from 0, a first payment that is
    certain, or from 1, paid at each month's end. The two differ by exactly one payment.

    Parameters
    ----------
    table
        ``arpa``, money a month, and ``churn_rate``, 0 to 1 a month.
    margin
        Share of revenue that is left, 0 to 1.
    cap_months
        Most payments that are counted; None: all. Without churn there is no sum without a cap.
    annual_discount
        Rate a year, compounded: 0.1.
    payment
        ``"start"`` (default) or ``"end"`` of each month.

    Returns
    -------
    DataFrame, the other columns of `table`, and
        arpa             money  a month
        churn_rate       0 to 1 a month
        expected_months  months up to the cap, 1 / churn_rate without one
        revenue          money
        margin_value     money  revenue x margin; NA without a margin
        reason           ``no_churn_observed`` where there is no churn and no cap; ``zero_denominator`` without a rate

    Raises
    ------
    ValueError
        A column that is missing, a rate outside 0 to 1, a cap below 1.

    Notes
    -----
    Gupta, Lehmann & Stuart (2004), Journal of Marketing Research 41:7, with a constant retention rate.

    Examples
    --------
    >>> plans = pd.DataFrame({"arpa": [100.0], "churn_rate": [0.05]})
    >>> subscription_lifetime_value(plans, margin=0.8).round(6).iloc[0, 2:5].tolist()
    [20.0, 2000.0, 1600.0]
    """
    one_of("payment", payment, Payment)
    arpa, churn = _column(table, "arpa"), _column(table, "churn_rate")
    if ((churn < 0) | (churn > 1)).any():
        raise ValueError(f"churn_rate: {churn[(churn < 0) | (churn > 1)][0]:g} is not between 0 and 1 a month.")
    if margin is not None and not 0 <= margin <= 1:
        raise ValueError(f"margin: {margin!r} is not between 0 and 1. Write 80 % as 0.8.")
    if cap_months is not None and (cap_months < 1 or cap_months != int(cap_months)):
        raise ValueError(f"cap_months: {cap_months!r} is not a number of months. Use 1 or more, or None.")
    if not 0 <= annual_discount < np.inf:
        raise ValueError(f"annual_discount: {annual_discount!r} is not a yearly rate from 0. Write 10 % as 0.1.")
    stays = 1 - churn
    monthly = stays * (1 + annual_discount) ** (-1 / 12)
    endless = (churn == 0) & (cap_months is None)
    months = _series(stays, cap_months)
    payments = _series(monthly, cap_months)
    if payment == "end":
        payments = payments * monthly
    untold = endless | np.isnan(churn)
    months, payments = np.where(untold, np.nan, months), np.where(untold, np.nan, payments)
    revenue = arpa * payments
    found = _others(table, ("arpa", "churn_rate", "expected_months", "revenue", "margin_value", "reason")).assign(
        arpa=arpa, churn_rate=churn, expected_months=months, revenue=revenue,
        margin_value=np.nan if margin is None else revenue * margin,
    )  # fmt: skip
    reason = pd.Series(pd.NA, index=found.index, dtype="str").mask(np.isnan(arpa) | np.isnan(churn), "zero_denominator")
    found["reason"] = reason.mask(endless, "no_churn_observed")
    if margin is None:
        found["reason"] = found["reason"].fillna("margin_value: no_margin")
    cap = f", at most {cap_months} payments" if cap_months else ""
    definition = (
        f"Sum over months of ARPA x (1 - monthly churn)^k, paid at each month's {payment}{cap}"
        f"{f', discounted by {annual_discount:.4g} a year' if annual_discount else ''}; without churn there is none."
    )
    settings = {
        "margin": margin, "cap_months": cap_months, "annual_discount": annual_discount, "payment": payment,
    }  # fmt: skip
    return result(found, metric="subscription_lifetime_value", definition=definition, settings=settings)


def _series(share: Floats, terms: int | None) -> Floats:
    """1 + share + share^2 + …, so many terms or all."""
    whole = 1 - share
    if terms is None:
        endless: Floats = np.full(len(share), np.inf)
        np.divide(1.0, whole, out=endless, where=whole > 0)
        return endless
    sums: Floats = np.where(whole == 0, float(terms), ratio(1 - share**terms, np.where(whole > 0, whole, 0)))
    return sums


def acquisition_cost(
    table: pd.DataFrame, *, spend: str = "spend", customers: str = "customers_new", lag: int = 0
) -> pd.DataFrame:
    """What does a new customer cost?

    All spending to win customers / the customers won. What counts as spending (salaries and tools, or advertising
    alone) is yours to say, by the column.

    Parameters
    ----------
    table
        One row per period (and channel).
    spend, customers
        Columns: money spent, customers won.
    lag
        Periods from spending to customers: the spending of that many rows before is set beside a row's customers, in
        the order of ``period_start`` and within the other columns of text.

    Returns
    -------
    DataFrame, the other columns of `table`, and
        spend          money  the spending that counts for the row
        customers_new  count
        cac            money  spend / customers_new
        reason         ``zero_denominator`` without new customers, ``no_spend`` where none is known

    Raises
    ------
    ValueError
        A column that is missing, a lag below 0, money or counts below 0.

    Examples
    --------
    >>> acquisition_cost(pd.DataFrame({"spend": [50_000], "customers_new": [100]}))["cac"].item()
    500.0
    """
    if not isinstance(lag, int) or lag < 0:
        raise ValueError(f"lag: {lag!r} is not a number of periods. Use 0 or more.")
    money: Floats
    money, won = _column(table, spend), _column(table, customers)
    for name, values in ((spend, money), (customers, won)):
        if (values < 0).any():
            raise ValueError(f"{name}: {values[values < 0][0]:g} is below 0. Give money spent and customers won.")
    found = _others(table, (spend, customers, "spend", "customers_new", "cac", "reason"))
    if lag:
        order = (
            found["period_start"].argsort(kind="stable") if "period_start" in found else pd.Series(range(len(found)))
        )
        words = [
            name for name in found if name != "period_start" and not pd.api.types.is_numeric_dtype(found[name].dtype)
            and not pd.api.types.is_datetime64_any_dtype(found[name].dtype)
        ]  # fmt: skip
        moved = pd.Series(money)[order.to_numpy()]
        group = [found[name].iloc[order.to_numpy()] for name in words]
        moved = moved.groupby(group, dropna=False).shift(lag) if words else moved.shift(lag)
        money = np.asarray(moved.sort_index(), np.float64)
    counts = pd.to_numeric(table[customers]).to_numpy()  # whole numbers stay whole, texts become numbers
    found = found.assign(spend=money, customers_new=counts, cac=ratio(money, won))
    none = no_denominator(won).set_axis(found.index).mask(np.isnan(won), "zero_denominator")
    found["reason"] = none.mask(none.isna() & found["cac"].isna(), "no_spend")
    found["cac"] = found["cac"].mask(found["reason"].notna())
    after = f" {lag} periods before" if lag else ""
    definition = f"Acquisition cost = {spend}{after} / {customers}."
    settings = {"spend": spend, "customers": customers, "lag": lag}
    return result(found, metric="acquisition_cost", definition=definition, settings=settings)


def quick_ratio(rollforward: pd.DataFrame, *, reactivation: bool = False) -> pd.DataFrame:
    """How much recurring revenue was won for each unit lost?

    (new + expansion) / -(contraction + churn).

    Parameters
    ----------
    rollforward
        Result of `mrr_rollforward`, or a table with ``new, expansion, contraction, churn`` (and ``reactivation``).
    reactivation
        Whether who came back counts as won.

    Returns
    -------
    DataFrame, the keys of `rollforward`, and
        gained, lost  money  both from 0
        quick_ratio   number gained / lost
        reason        ``no_losses``, or ``incomplete_period``

    Raises
    ------
    ValueError
        A column that is missing.

    Examples
    --------
    >>> month = pd.DataFrame({"new": [20.0], "expansion": [8.0], "contraction": [-3.0], "churn": [-5.0]})
    >>> quick_ratio(month)["quick_ratio"].item()
    3.5
    """
    from metrics.revenue.rollforward import totals_of

    names = ["new", "expansion", *(["reactivation"] if reactivation else [])]
    totals, found = totals_of(rollforward, [*names, "contraction", "churn"])
    found["gained"] = totals[names].sum(axis=1)
    found["lost"] = -(totals["contraction"] + totals["churn"]) + 0.0
    found["quick_ratio"] = ratio(found["gained"].to_numpy(), found["lost"].to_numpy())
    reason = pd.Series(pd.NA, index=found.index, dtype="str").mask(found["lost"] == 0, "no_losses")
    if "complete" in rollforward:
        reason = reason.mask(~rollforward["complete"].to_numpy(bool), "incomplete_period")
    found["reason"] = reason
    found["quick_ratio"] = found["quick_ratio"].mask(reason.notna())
    back = " + reactivation" if reactivation else ""
    definition = f"Quick ratio = (new + expansion{back}) / -(contraction + churn)."
    settings = {"reactivation": reactivation, "period": rollforward.attrs.get("settings", {}).get("period")}
    return result(found, metric="quick_ratio", definition=definition, settings=settings)


def roi(*, benefit: float, cost: float, years: float = 1) -> pd.DataFrame:
    """Did it pay, and how much a year?

    (benefit - cost) / cost, and the same as a yearly rate that compounds: 91 % over three years are 24 % a year.

    Parameters
    ----------
    benefit, cost
        Money over the whole time; neither below 0.
    years
        How long that was.

    Returns
    -------
    DataFrame, one row
        benefit, cost, years  the arguments
        roi                   share  (benefit - cost) / cost
        roi_annualised        share  (1 + roi)^(1 / years) - 1
        reason                ``zero_denominator`` without cost

    Raises
    ------
    ValueError
        Money below 0, no time.

    Examples
    --------
    >>> roi(benefit=191, cost=100, years=3)[["roi", "roi_annualised"]].round(4).iloc[0].tolist()
    [0.91, 0.2407]
    """
    for name, value in (("benefit", benefit), ("cost", cost)):
        if not 0 <= value < np.inf:
            raise ValueError(f"{name}: {value!r} is below 0 or no number. Give the money of the whole time.")
    if not 0 < years < np.inf:
        raise ValueError(f"years: {years!r} is not a length of time. Use a number above 0.")
    gain = ratio([benefit - cost], [cost])
    found = pd.DataFrame({"benefit": [benefit], "cost": [cost], "years": [years], "roi": gain})
    found["roi_annualised"] = (1 + gain) ** (1 / years) - 1
    found["reason"] = no_denominator([cost])
    definition = "(benefit - cost) / cost; a year's: (1 + that)^(1 / years) - 1."
    return result(found, metric="roi", definition=definition, settings={"years": years})


def relative_change(*, before: float, after: float) -> pd.DataFrame:
    """By how much did it change: in its own unit, and as a share of what it was?

    Points and per cent are two things: from 2 % to 3 % is one point, and half as much again. And "130 % more" is a
    multiple of 2.3.

    Parameters
    ----------
    before, after
        Any two numbers of one unit.

    Returns
    -------
    DataFrame, one row
        before, after    the arguments
        difference       after - before
        relative_change  share  difference / |before|
        multiple         number after / before
        reason           ``zero_denominator`` where before is 0

    Raises
    ------
    ValueError
        Not a number.

    Examples
    --------
    >>> relative_change(before=100, after=230)[["difference", "relative_change", "multiple"]].iloc[0].tolist()
    [130.0, 1.3, 2.3]
    """
    for name, value in (("before", before), ("after", after)):
        if not np.isfinite(value):
            raise ValueError(f"{name}: {value!r} is no number that can be compared. Leave the pair out.")
    found = pd.DataFrame({"before": [before], "after": [after], "difference": [float(after - before)]})
    some = before != 0
    found["relative_change"] = (after - before) / abs(before) if some else np.nan
    found["multiple"] = after / before if some else np.nan
    found["reason"] = no_denominator([before])
    definition = "after - before; the same / |before|; after / before."
    return result(found, metric="relative_change", definition=definition, settings={})


def _column(table: pd.DataFrame, name: str) -> Floats:
    if name not in table:
        raise ValueError(unknown("table", name, table.columns, "a column of the table", "columns"))
    values = pd.to_numeric(table[name], errors="coerce").to_numpy(float, na_value=np.nan)
    lost = (np.isnan(values) & table[name].notna().to_numpy()) | np.isinf(values)
    if lost.any():
        raise ValueError(
            f"{name}: {table[name].iloc[int(lost.argmax())]!r} is no finite number. Mend it, or leave it empty where "
            "it is not known."
        )
    return values


def _others(table: pd.DataFrame, own: tuple[str, ...]) -> pd.DataFrame:
    return table[[name for name in table.columns if name not in own]].reset_index(drop=True)
