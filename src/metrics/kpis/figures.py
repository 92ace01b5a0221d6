"""Which figures can be told of the tables that are there, and what the others would need."""

from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from metrics.churn import churn_rate
from metrics.kpis import company, customer, worth
from metrics.kpis.known import KPIS
from metrics.kpis.rows import Found

_MONEY = {"mrr", "arpa", "nrr", "grr", "quick_ratio"}
_WORTH = {"ltv", "cac", "ltv_cac", "payback_months"}
_SUPPORT = {"first_reply_median_hours", "solved_first_contact_rate", "support_satisfaction"}
_KINDS = {"net_promoter_score": "nps", "customer_satisfaction": "csat", "customer_effort": "ces"}
_COLUMNS = {  # of tickets, without which there is no such figure
    "complaint_rate": ("is_complaint",),
    "first_reply_median_hours": ("first_reply_at",),
    "solved_first_contact_rate": ("solved_at", "reopens"),
    "support_satisfaction": ("satisfaction",),
}


@dataclass(frozen=True)
class Asked:
    """The arguments of `kpi_sheet`: tables, policies and the range."""

    subscriptions: pd.DataFrame | None
    spend: pd.DataFrame | None
    events: Any
    orders: pd.DataFrame | None
    responses: pd.DataFrame | None
    sends: pd.DataFrame | None
    tickets: pd.DataFrame | None
    invoices: pd.DataFrame | None
    cancellations: pd.DataFrame | None
    margin: float | None
    cap_months: int | None
    spend_lag: int
    inactive_for: str
    lapses_after: str
    satisfaction_scale: int
    effort_direction: str | None
    effort_scale: int
    currency: str | None
    rates: pd.DataFrame | None
    policies: dict[str, Any]
    range: dict[str, Any]
    min_n: int
    confidence: float

    @property
    def counting(self) -> dict[str, Any]:
        """Range and certainty, as most metrics take them."""
        return {**self.range, "min_n": self.min_n, "confidence": self.confidence}

    @property
    def scoring(self) -> dict[str, Any]:
        """The same for scores of surveys, which ask for no `as_of`."""
        return {name: value for name, value in self.counting.items() if name != "as_of"}


def figures(asked: Asked, wanted: list[str]) -> tuple[list[Found], dict[str, str], str | None, int]:
    """The figures that are wanted and can be told, what the others need, the currency, and how many pay in others."""
    left_out = {name: why for name in wanted if (why := _missing(asked, name))}
    need = {name for name in wanted if name not in left_out}
    found: list[Found] = []
    currency, others = asked.currency, 0
    subscribers = None
    if asked.subscriptions is not None:
        how = {
            **asked.range, **asked.policies, "invoices": asked.invoices, "cancellations": asked.cancellations,
            "rates": asked.rates,
        }  # fmt: skip
        books = company.Books(asked.subscriptions, currency=asked.currency, how=how)
        currency, others = books.currency, books.others
        subscribers = company.subscribers(books, asked.confidence, asked.min_n)
        if need & _MONEY:
            found += company.recurring(books, asked.confidence, asked.min_n)
        if need & _WORTH:
            found += _worth(asked, books, subscribers)
        trials = books.trials() if "trial_conversion_rate" in need else None
        if trials is not None:
            found.append(company.trials(trials, books, asked.confidence, asked.min_n))
        found += customer.subscribers_kept(subscribers)
    silent = None
    if asked.events is not None and need & {"user_churn_rate", "complaint_rate"}:
        silent = churn_rate(asked.events, inactive_for=asked.inactive_for, **asked.counting)
        found.append(customer.silent(silent))
    if "buyer_churn_rate" in need and asked.orders is not None:
        found.append(customer.lapsed(asked.orders, lapses_after=asked.lapses_after, how=asked.counting))
    if asked.responses is not None:
        kinds = {_KINDS[name] for name in need & set(_KINDS)}
        found += customer.scores(
            asked.responses, asked=kinds, scale=asked.satisfaction_scale, direction=asked.effort_direction,
            effort_scale=asked.effort_scale, how=asked.scoring,
        )  # fmt: skip
        if "response_rate" in need and asked.sends is not None:
            found.append(customer.answered(asked.sends, asked.responses, asked.counting))
    if asked.tickets is not None:
        if "complaint_rate" in need:
            base = silent
            if base is None and subscribers is not None:
                base = subscribers[["period_start"]].assign(customers=subscribers["customers_start"])
            if base is not None:
                found.append(customer.complaints(asked.tickets, base, asked.counting))
        if need & _SUPPORT:
            found += customer.support(asked.tickets, asked.counting)
    return [one for one in found if one.name in need], left_out, currency, others


def from_the_first(found: list[Found], asked: Asked) -> list[Found]:
    """The same, with figures of subscriptions from the first period of any other table on.

    Before anybody paid MRR was 0, and that is known: with `since` it is told too.
    """
    books = [one.name for one in found if KPIS[one.name].needs[0] == "subscriptions"]
    starts = {one.name: one.rows["period_start"].min() for one in found if len(one.rows)}
    first = min(starts.values(), default=None)
    if not books or first is None or first == min((starts[name] for name in books if name in starts), default=None):
        return found
    earlier = replace(
        asked, range={**asked.range, "since": str(first.date())}, events=None, orders=None, responses=None, sends=None,
        tickets=None,
    )  # fmt: skip
    again = {one.name: one for one in figures(earlier, books)[0]}
    return [again.get(one.name, one) for one in found]


def _worth(asked: Asked, books: company.Books, subscribers: pd.DataFrame) -> list[Found]:
    """Value, cost, and both together, as far as spend and margin are given."""
    ltv, value = worth.worth(
        books, subscribers, margin=asked.margin, cap_months=asked.cap_months, min_n=asked.min_n,
        confidence=asked.confidence,
    )  # fmt: skip
    if asked.spend is None:
        return [ltv]
    cac, spent = worth.cost(books, subscribers, asked.spend, lag=asked.spend_lag)
    back = worth.paid_back(value, spent, margin=asked.margin) if asked.margin is not None else []
    return [ltv, cac, *back]


def _missing(asked: Asked, name: str) -> str:
    """What a figure would need, in words; empty if all is there."""
    lacking = [need for need in KPIS[name].needs if getattr(asked, need) is None]
    if lacking:
        return f"needs {' and '.join(lacking)}"
    if name == "trial_conversion_rate":
        rows = asked.subscriptions
        none = rows is None or "status" not in rows or not rows["status"].eq("trialing").any()
        return "there are no trials in subscriptions" if none else ""
    if name in _KINDS and asked.responses is not None:
        typed = "question_type" in asked.responses
        kinds = set(asked.responses["question_type"].dropna()) if typed else {"nps"}
        if _KINDS[name] not in kinds:
            return f"no answer in responses is to a {_KINDS[name]} question"
    if name in _COLUMNS and asked.tickets is not None:
        absent = [column for column in _COLUMNS[name] if column not in asked.tickets]
        if absent:
            return f"needs {' and '.join(absent)} in tickets"
        if name == "complaint_rate" and asked.events is None and asked.subscriptions is None:
            return "needs events or subscriptions, for the customers who could complain"
    return ""
