"""Which key figures are there, on which side, in what unit, and which way is better?

A name is that of the column in the metric that counts it, so that nobody has to learn a second one.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

Side: TypeAlias = Literal["company", "customer"]
Direction: TypeAlias = Literal["higher", "lower"]
MONEY = "money"  # becomes the currency of the sheet
# Nothing is estimated where all are counted; a median wait has no limits in its metric. Judged by the value itself.
COUNTED = {"mrr", "arpa", "quick_ratio", "cac", "payback_months", "first_reply_median_hours"}
LARGEST = {"share": 1.0, "percent": 100.0, "points": 100.0, "kept": 10.0}  # that a target may sensibly be


@dataclass(frozen=True)
class Kpi:
    """One key figure; `short` is what people call it, `needs` the tables or answers without which there is none."""

    name: str
    short: str
    side: Side
    unit: str
    better: Direction
    needs: tuple[str, ...]


_ALL = [
    Kpi("mrr", "MRR", "company", MONEY, "higher", ("subscriptions",)),
    Kpi("arpa", "MRR per customer", "company", MONEY, "higher", ("subscriptions",)),
    Kpi("nrr", "NRR", "company", "kept", "higher", ("subscriptions",)),
    Kpi("grr", "GRR", "company", "share", "higher", ("subscriptions",)),
    Kpi("quick_ratio", "Quick ratio", "company", "ratio", "higher", ("subscriptions",)),
    Kpi("ltv", "LTV", "company", MONEY, "higher", ("subscriptions",)),
    Kpi("cac", "CAC", "company", MONEY, "lower", ("subscriptions", "spend")),
    Kpi("ltv_cac", "LTV / CAC", "company", "ratio", "higher", ("subscriptions", "spend", "margin")),
    Kpi("payback_months", "Payback", "company", "months", "lower", ("subscriptions", "spend", "margin")),
    Kpi("trial_conversion_rate", "Trials converted", "company", "share", "higher", ("subscriptions",)),
    Kpi("churn_rate", "Customer churn", "customer", "share", "lower", ("subscriptions",)),
    Kpi("retention_rate", "Customers kept", "customer", "share", "higher", ("subscriptions",)),
    Kpi("user_churn_rate", "Users gone silent", "customer", "share", "lower", ("events",)),
    Kpi("buyer_churn_rate", "Buyers not back", "customer", "share", "lower", ("orders",)),
    Kpi("net_promoter_score", "NPS", "customer", "points", "higher", ("responses",)),
    Kpi("customer_satisfaction", "CSAT", "customer", "percent", "higher", ("responses",)),
    Kpi("customer_effort", "Found it easy", "customer", "percent", "higher", ("responses", "effort_direction")),
    Kpi("response_rate", "Surveys answered", "customer", "share", "higher", ("sends", "responses")),
    Kpi("complaint_rate", "Complaints per 100", "customer", "per 100", "lower", ("tickets",)),
    Kpi("first_reply_median_hours", "First answer", "customer", "hours", "lower", ("tickets",)),
    Kpi("solved_first_contact_rate", "Solved at once", "customer", "share", "higher", ("tickets",)),
    Kpi("support_satisfaction", "Content with support", "customer", "percent", "higher", ("tickets",)),
]
KPIS = {kpi.name: kpi for kpi in _ALL}


def nearest(name: str) -> str | None:
    """The key figure that is meant by a name that is none: by what people call it, else by its letters."""
    import difflib

    plain = name.strip().casefold().replace("_", " ").replace("-", " ")
    names = {kpi.short.casefold(): kpi.name for kpi in _ALL} | {kpi.name.replace("_", " "): kpi.name for kpi in _ALL}
    names |= {"csat": "customer_satisfaction", "ces": "customer_effort", "churn": "churn_rate", "ltv:cac": "ltv_cac"}
    found = [plain] if plain in names else difflib.get_close_matches(plain, names, n=1)
    return names[found[0]] if found else None


def unknown_kpi(argument: str, name: object) -> str:
    """Message for a name that is none: what there is, and what is probably meant."""
    near = nearest(str(name))
    hint = f" Did you mean {near!r}?" if near else ""
    return f"{argument}: {name!r} is no key figure. They are {', '.join(KPIS)}.{hint}"
