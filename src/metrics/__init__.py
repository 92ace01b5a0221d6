"""Funnels, churn, retention, NPS and lifetime value from event exports, each number with its definition and interval.

The road: export file → event table → metric table → table or figure → notebook → report. Names are loaded when they
are first used, so that importing the package stays light.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metrics.churn import churn_rate, convert_rate, customer_churn_rate, customer_retention_rate
    from metrics.clv import customer_lifetime_value, orders_summary, simple_lifetime_value
    from metrics.display import definitions, headline, show
    from metrics.events import EventLoad, EventTableError, check_events, load_events, read_events
    from metrics.funnel import conversion_funnel, funnel_trend, funnel_users
    from metrics.inputs import account, read_campaigns, read_orders, read_subscriptions, read_surveys, read_tickets
    from metrics.intervals import difference_interval, proportion_interval
    from metrics.plots import (
        plot_churn,
        plot_funnel,
        plot_funnel_trend,
        plot_lifetime_value,
        plot_nps,
        plot_retention_curve,
        plot_retention_matrix,
    )
    from metrics.retention import cohort_retention, retention_curve, retention_matrix
    from metrics.samples import event_log
    from metrics.steps import Step
    from metrics.surveys import check_responses, net_promoter_score

__version__ = "0.1.0"

# Where each public name lives, in the order of the road.
_HOMES = {
    "metrics.events": ["read_events", "load_events", "check_events", "EventLoad", "EventTableError"],
    "metrics.inputs": [
        "read_orders",
        "read_surveys",
        "read_subscriptions",
        "read_campaigns",
        "read_tickets",
        "account",
    ],
    "metrics.steps": ["Step"],
    "metrics.samples": ["event_log"],
    "metrics.funnel": ["conversion_funnel", "funnel_users", "funnel_trend"],
    "metrics.retention": ["cohort_retention", "retention_curve", "retention_matrix"],
    "metrics.churn": ["churn_rate", "customer_retention_rate", "customer_churn_rate", "convert_rate"],
    "metrics.surveys": ["net_promoter_score", "check_responses"],
    "metrics.clv": ["orders_summary", "customer_lifetime_value", "simple_lifetime_value"],
    "metrics.intervals": ["proportion_interval", "difference_interval"],
    "metrics.plots": [
        "plot_funnel",
        "plot_funnel_trend",
        "plot_retention_matrix",
        "plot_retention_curve",
        "plot_churn",
        "plot_nps",
        "plot_lifetime_value",
    ],
    "metrics.display": ["show", "headline", "definitions"],
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "read_events", "load_events", "check_events", "EventLoad", "EventTableError",
    "read_orders", "read_surveys", "read_subscriptions", "read_campaigns", "read_tickets", "account",
    "Step", "event_log",
    "conversion_funnel", "funnel_users", "funnel_trend",
    "cohort_retention", "retention_curve", "retention_matrix",
    "churn_rate", "customer_retention_rate", "customer_churn_rate", "convert_rate",
    "net_promoter_score", "check_responses",
    "orders_summary", "customer_lifetime_value", "simple_lifetime_value",
    "proportion_interval", "difference_interval",
    "plot_funnel", "plot_funnel_trend", "plot_retention_matrix", "plot_retention_curve",
    "plot_churn", "plot_nps", "plot_lifetime_value",
    "show", "headline", "definitions",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'metrics' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
