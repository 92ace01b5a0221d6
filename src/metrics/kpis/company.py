"""The company's side: recurring revenue, what of it stays, and what becomes of trials."""

from functools import cached_property
from typing import Any

import pandas as pd

from metrics.churn import subscription_churn, trial_conversion
from metrics.economics import quick_ratio
from metrics.kpis.rows import Found, figure
from metrics.revenue import mrr_lines, mrr_rollforward, revenue_retention
from metrics.steps import unknown


class Books:
    """Subscriptions, all of them and those in the currency of the sheet, with what was counted of them once.

    Money of two currencies is never added. Without rates it is told in one, that of most customers; heads are counted
    of all.
    """

    def __init__(self, subscriptions: pd.DataFrame, *, currency: str | None, how: dict[str, Any]) -> None:
        lines = subscriptions if "mrr" in subscriptions else mrr_lines(subscriptions)
        rates = how.get("rates")
        self.how = {name: value for name, value in how.items() if name != "rates"}
        self.money = dict(self.how)
        self.currency, self.others = currency, 0
        told = lines["currency"].astype("str") if "currency" in lines else pd.Series(index=lines.index, dtype="str")
        told = told.str.strip().str.upper().fillna("")
        currency = None if currency is None else str(currency).upper()
        if rates is not None:
            self.money |= {"currency": currency, "rates": rates}
        else:
            heads = lines["customer_id"].groupby(told.to_numpy()).nunique()
            if currency is not None and len(heads) and currency not in heads.index:
                raise ValueError(unknown("currency", currency, heads.index, "in subscriptions", "currencies"))
            # Of two with as many customers the first by name, and one that is told.
            heads = heads.sort_index(key=lambda names: names == "", kind="stable")
            self.currency = currency or (str(heads.idxmax()) if len(heads) else "") or None
            self.others = int(heads.drop(self.currency or "", errors="ignore").sum())
        # A head counts whatever it pays with: as if of one currency, of which no amount is ever told.
        self.all = lines.drop(columns=["currency"], errors="ignore")
        own = lines[told.eq(self.currency or "")] if self.others else lines
        self.own = own.drop(columns=["currency"], errors="ignore") if rates is None else own
        self._rows = subscriptions

    @cached_property
    def roll(self) -> pd.DataFrame:
        """The roll-forward of the sheet's currency."""
        return mrr_rollforward(self.own, **self.money)

    def trials(self) -> pd.DataFrame | None:
        """All rows, if there are trials among them."""
        rows = self._rows
        return rows if "status" in rows and rows["status"].eq("trialing").any() else None


def subscribers(books: Books, confidence: float, min_n: int) -> pd.DataFrame:
    """Churn of all customers, whatever they pay with."""
    return subscription_churn(books.all, min_n=min_n, confidence=confidence, **books.how)


def recurring(books: Books, confidence: float, min_n: int) -> list[Found]:
    """MRR, MRR per customer, what of it stays, and what is won for each unit lost."""
    roll = books.roll
    span = f"1 {books.how['period']}"
    kept = revenue_retention(books.own, min_n=min_n, confidence=confidence, span=span, **books.money)
    words = str(roll.attrs["definition"]).split(". ", 2)[-1]
    found = [
        figure("mrr", roll, "closing", n="customers_end", meaning=f"MRR at the end of the period. {words}"),
        figure("arpa", roll, "arpa", n="customers_end", meaning="MRR / customers with MRR, at the end of the period."),
        figure("nrr", kept, "nrr", n="customers_start"),
        figure("grr", kept, "grr", n="customers_start"),
    ]
    ratio = quick_ratio(roll)
    counted = ratio.assign(customers_end=roll["customers_end"])
    counted.attrs = ratio.attrs
    return [*found, figure("quick_ratio", counted, "quick_ratio", n="customers_end")]


def trials(rows: pd.DataFrame, books: Books, confidence: float, min_n: int) -> Found:
    """The share of ended trials that became customers."""
    how = {name: books.how[name] for name in ("as_of", "period", "since", "until", "tz")}
    table = trial_conversion(rows, method="cohort", min_n=min_n, confidence=confidence, **how)
    # Who still tries may yet convert, and who gave up early is known first.
    table["complete"] &= table["still_in_trial"] == 0
    return figure("trial_conversion_rate", table, "conversion_rate", n="ended")
