"""The customers' side: do they stay, do they come back, would they recommend us, was it easy, do they complain?"""

from typing import Any

import pandas as pd

from metrics.churn import churn_rate
from metrics.health import complaint_rate
from metrics.kpis.rows import Found, figure, reason_of
from metrics.loyalty.purchases import NEVER, orders_of
from metrics.results import blank, too_few
from metrics.support import support_quality
from metrics.surveys import customer_effort, customer_satisfaction, net_promoter_score, response_rate

_LIMITS = ("", "_low", "_high")


def subscribers_kept(table: pd.DataFrame) -> list[Found]:
    """Churn of paying customers, and its complement."""
    kept = [1 - table[f"churn_rate{end}"] for end in ("_high", "_low")]
    return [
        figure("churn_rate", table, "churn_rate", n="at_risk"),
        figure(
            "retention_rate", table, "retention_rate", n="at_risk", low=kept[0], high=kept[1],
            reason=reason_of(table, "churn_rate"), meaning="1 - churn of customers, of the same period.",
        ),
    ]  # fmt: skip


def silent(table: pd.DataFrame) -> Found:
    """Users who stopped using it."""
    return figure("user_churn_rate", table, "churn_rate", n="users")


def lapsed(orders: pd.DataFrame, *, lapses_after: str, how: dict[str, Any]) -> Found:
    """Buyers who did not come back; a refund is no purchase."""
    bought = orders
    if "net" in orders:
        rows, _ = orders_of(orders, NEVER)
        bought = rows[rows["net"] >= 0]
    table = churn_rate(bought.assign(event="order"), inactive_for=lapses_after, **how)
    return figure("buyer_churn_rate", table, "churn_rate", n="users", meaning=f"Of buyers: {table.attrs['definition']}")


def scores(
    responses: pd.DataFrame, *, asked: set[str], scale: int, direction: Any, effort_scale: int, how: dict[str, Any]
) -> list[Found]:
    """The scores of those questions that the answers hold."""
    found = []
    if "nps" in asked:
        table = net_promoter_score(responses, **how)
        found.append(figure("net_promoter_score", table, "net_promoter_score", n="responses", none="no_responses"))
    if "csat" in asked:
        table = customer_satisfaction(responses, scale=scale, **how)
        found.append(
            figure("customer_satisfaction", table, "customer_satisfaction", n="responses", none="no_responses")
        )
    if "ces" in asked and direction is not None:
        table = customer_effort(responses, direction=direction, scale=effort_scale, **how)
        found.append(figure("customer_effort", table, "customer_effort", n="responses", none="no_responses"))
    return found


def answered(sends: pd.DataFrame, responses: pd.DataFrame, how: dict[str, Any]) -> Found:
    """Who answers at all."""
    return figure("response_rate", response_rate(sends, responses=responses, **how), "response_rate", n="delivered")


def complaints(tickets: pd.DataFrame, active: pd.DataFrame, how: dict[str, Any]) -> Found:
    """Complaints of a hundred active customers."""
    asked = {name: value for name, value in how.items() if name != "min_n"}
    table = complaint_rate(tickets, active=active, **asked)
    table["reason"] = too_few(table["reason"], table["customers"], how["min_n"])
    rate = ["complaint_rate", "complaint_rate_low", "complaint_rate_high"]
    said = table.attrs
    table = blank(table, table["reason"].notna(), rate)
    table.attrs = said
    return figure("complaint_rate", table, "complaint_rate", n="customers")


def support(tickets: pd.DataFrame, how: dict[str, Any]) -> list[Found]:
    """First answer, solved at first contact, satisfaction; each if the tickets tell of it."""
    table = support_quality(tickets, **how)
    found = []
    if "first_reply_at" in tickets:
        found.append(figure("first_reply_median_hours", table, "first_reply_median_hours", n="tickets"))
    if {"reopens", "solved_at"} <= set(tickets.columns):
        # Of tickets whose reopens are not known it tells nothing, and they are none of its n.
        known = tickets["reopens"].notna().to_numpy(bool)
        many = support_quality(tickets[known], **how).set_index("period_start")["tickets"] if known.any() else None
        table["known"] = 0 if many is None else table["period_start"].map(many).fillna(0).astype(int)
        found.append(figure("solved_first_contact_rate", table, "solved_first_contact_rate", n="known"))
    if "satisfaction" in tickets:
        column = "customer_satisfaction"
        found.append(figure("support_satisfaction", table, column, n="rated"))
    return found
