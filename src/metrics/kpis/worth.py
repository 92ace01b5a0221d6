"""What is a customer worth, what does winning one cost, and when is that earned back?"""

from typing import Any

import numpy as np
import pandas as pd

from metrics.churn import convert_rate, subscription_churn
from metrics.clv import unit_economics
from metrics.economics import acquisition_cost, subscription_lifetime_value
from metrics.files import several
from metrics.intervals import Floats
from metrics.kpis.company import Books
from metrics.kpis.rows import Found, figure, first, reason_of
from metrics.periods import Calendar, instant, microseconds
from metrics.steps import unknown

_ENDS = ("", "_low", "_high")


def worth(
    books: Books, everybody: pd.DataFrame, *, margin: float | None, cap_months: int | None, min_n: int,
    confidence: float,
) -> tuple[Found, pd.DataFrame]:  # fmt: skip
    """LTV of the customers of the sheet's currency, and the table that its ratio to the cost is made of."""
    own = everybody
    if books.others or "rates" in books.money:
        own = subscription_churn(books.own, min_n=min_n, confidence=confidence, **books.money)
    table = own[["period_start", "at_risk", "complete", "reason"]]
    table = table.merge(books.roll[["period_start", "arpa"]], on="period_start", how="left")
    table.attrs = {}
    # The more churn the less worth, so that each limit of the one gives the other limit of the other.
    given = {"": "churn_rate", "_low": "churn_rate_high", "_high": "churn_rate_low"}
    column, said = "revenue" if margin is None else "margin_value", {}
    for end, churn in given.items():
        asked = table[["arpa"]].assign(churn_rate=_monthly(own[churn], books.how["period"]))
        said[end] = subscription_lifetime_value(asked, margin=margin, cap_months=cap_months)
        table[f"ltv{end}"] = said[end][column].to_numpy(float)
    untold = table[["ltv", "ltv_low", "ltv_high"]].isna().any(axis=1)
    table.loc[untold, ["ltv", "ltv_low", "ltv_high"]] = np.nan
    table["reason"] = first(table["reason"], reason_of(said[""], "revenue"))
    what = "revenue" if margin is None else f"margin, {100 * margin:g} % of revenue"
    words = str(said[""].attrs["definition"]).removesuffix(".")
    meaning = f"{words}; {what}; limits from those of churn."
    return figure("ltv", table, "ltv", n="at_risk", reason=table["reason"], meaning=meaning), table


def cost(books: Books, everybody: pd.DataFrame, spend: pd.DataFrame, *, lag: int) -> tuple[Found, pd.DataFrame]:
    """CAC, of all customers who were won, whatever they pay with; and its table."""
    won = everybody[["period_start", "customers_new", "complete"]]
    table = acquisition_cost(won.assign(spend=_spent(spend, everybody, books, lag)))
    open_ = ~table["complete"].to_numpy(bool)
    table["reason"] = table["reason"].mask(open_, "incomplete_period")
    table["cac"] = table["cac"].mask(open_)
    after = f" of {lag} {books.how['period']}{'' if lag == 1 else 's'} before" if lag else ""
    meaning = f"Acquisition cost = spend{after} / new customers."
    return figure("cac", table, "cac", n="customers_new", meaning=meaning), table


def paid_back(value: pd.DataFrame, spent: pd.DataFrame, *, margin: float) -> list[Found]:
    """Value over cost, and the months until it is earned back."""
    both = value.merge(
        spent[["period_start", "cac", "customers_new", "reason"]], on="period_start", how="left", suffixes=("", "_cac")
    )
    both["margin_per_month"] = both["arpa"] * margin
    told = {end: unit_economics(both[[f"ltv{end}", "cac", "margin_per_month"]], ltv=f"ltv{end}") for end in _ENDS}
    for end in _ENDS:
        both[f"ltv_cac{end}"] = told[end]["ltv_cac"].to_numpy(float)
    both["payback_months"] = told[""]["payback_months"].to_numpy(float)
    why, of_cost = told[""]["reason"], both["reason_cac"]
    ratio, _, payback = str(told[""].attrs["definition"]).partition(" Payback: ")
    ratio, payback = ratio.removeprefix("ltv_cac: "), payback.partition(";")[0]
    return [
        figure(
            "ltv_cac", both, "ltv_cac", n="at_risk", reason=first(of_cost, both["reason"], why),
            meaning=f"{ratio[:1].upper()}{ratio[1:]}",
        ),
        figure(
            "payback_months", both, "payback_months", n="customers_new",
            reason=first(of_cost, why.mask(why == "no_value")), meaning=f"{payback[:1].upper()}{payback[1:]}.",
        ),
    ]  # fmt: skip


def _monthly(rates: "pd.Series[float]", period: str) -> Floats:
    """Churn of a period as churn of a month, compounded."""
    length: Any = period

    def converted(rate: float) -> float:
        if pd.isna(rate) or period == "month":
            return rate
        return float(convert_rate(rate, from_period=length, to_period="month")["churn_rate"].item())

    return np.array([converted(float(rate)) for rate in rates], np.float64)


def _spent(spend: pd.DataFrame, everybody: pd.DataFrame, books: Books, lag: int) -> Floats:
    """Spending of so many periods before each, also before the first; NA where the table tells of none."""
    if isinstance(lag, bool) or not isinstance(lag, int | np.integer) or lag < 0:
        raise ValueError(f"spend_lag: {lag!r} is not a number of periods. Use 0 or more.")
    for column in ("at", "spend"):
        if column not in spend:
            raise ValueError(unknown("spend", column, spend.columns, "a column of spend", "columns"))
    if "currency" in spend and books.currency:
        strange = spend.loc[spend["currency"].notna() & spend["currency"].str.upper().ne(books.currency), "currency"]
        if len(strange):
            raise ValueError(
                f"spend: {several(len(strange), 'row is', 'rows are')} in {strange.iloc[0]}, and the money of this "
                f"sheet is in {books.currency}. Give all spend in one currency, and name that: "
                f"currency={strange.iloc[0]!r}."
            )
    stamps = pd.to_datetime(spend["at"], errors="coerce", format="ISO8601" if spend["at"].dtype == "str" else None)
    money = pd.to_numeric(spend["spend"], errors="coerce").to_numpy(float, na_value=np.nan)
    if stamps.dt.tz is None:
        raise ValueError("spend: at has no zone. Localise it, or read the file with read_spend(..., timezone=…).")
    missing = ~np.isfinite(money) | stamps.isna().to_numpy(bool)
    if missing.any():
        raise ValueError(
            f"spend: {int(missing.sum())} of {len(spend)} rows have no time or no amount that is a number (first: row "
            f"{int(missing.argmax())}). Fill them in or leave them out."
        )
    time = microseconds(stamps)
    seen = time < instant(books.how["as_of"], tz=books.how["tz"])
    calendar = Calendar(books.how["period"], books.how["tz"])
    sums = pd.Series(money[seen]).groupby(calendar.number(time[seen]) + lag).sum()
    sums.index = calendar.start(sums.index.to_numpy(np.int64))
    return np.asarray(sums.reindex(everybody["period_start"]), np.float64)
