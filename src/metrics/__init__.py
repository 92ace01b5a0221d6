"""Funnels, churn, retention, NPS and lifetime value from event exports, each number with its definition and interval.

The road: export file → event table → metric table → table or figure → notebook → report. Names are loaded when they
are first used, so that importing the package stays light.
"""

import functools
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from metrics.activity import active_users, feature_usage, lifecycle, stickiness, user_days
    from metrics.campaigns import email_performance, mail_frequency, open_conversion, variant_outcomes
    from metrics.churn import (
        assisted_trial_conversion,
        average_rate,
        churn_rate,
        churn_reasons,
        contract_retention,
        convert_rate,
        customer_churn_rate,
        customer_retention_rate,
        expiring_cards,
        pause_outcomes,
        payment_recovery,
        recovery_curve,
        renewal_churn,
        subscription_churn,
        trial_conversion,
    )
    from metrics.clv import (
        PurchaseFit,
        PurchaseModel,
        SpendFit,
        SpendModel,
        customer_lifetime_value,
        fit_purchases,
        fit_spend,
        forecast_customers,
        forecast_total,
        holdout_check,
        holdout_tracking,
        orders_summary,
        simple_lifetime_value,
        unit_economics,
    )
    from metrics.display import alert, definitions, given, given_any, headline, show
    from metrics.economics import acquisition_cost, quick_ratio, relative_change, roi, subscription_lifetime_value
    from metrics.events import (
        EventLoad,
        EventTableError,
        arrival_hours,
        check_events,
        event_arrivals,
        event_dictionary,
        load_events,
        property_coverage,
        read_events,
    )
    from metrics.experiments import compare_variants, sample_ratio_check, sample_size, sequential_boundaries
    from metrics.funnel import (
        compare_funnels,
        conversion_funnel,
        explain_funnel,
        funnel_drivers,
        funnel_presets,
        funnel_trend,
        funnel_users,
        reconcile_funnel,
    )
    from metrics.health import (
        alert_quality,
        backtest_churn,
        change_effects,
        churn_alerts,
        churn_by_band,
        complaint_rate,
        customer_snapshots,
        customer_status,
        customer_timeline,
        forecast_churn,
        health_measures,
        health_score,
        lift,
        replay_alerts,
    )
    from metrics.inputs import (
        account,
        read_campaigns,
        read_cancellations,
        read_changes,
        read_contacts,
        read_contents,
        read_customers,
        read_invoices,
        read_orders,
        read_payment_attempts,
        read_payment_methods,
        read_requests,
        read_spend,
        read_subscriptions,
        read_survey_sends,
        read_surveys,
        read_targets,
        read_tickets,
    )
    from metrics.intervals import adjust_p_values, difference_interval, proportion_interval
    from metrics.kpis import kpi_sheet
    from metrics.loyalty import discount_retention, lead_conversion
    from metrics.onboarding import feature_adoption, milestones, onboarding_outcomes, time_to_milestone
    from metrics.paths import drop_off_paths, user_paths
    from metrics.plots import (
        plot_active_users,
        plot_arrival_hours,
        plot_arrivals,
        plot_assisted_trial_conversion,
        plot_calibration,
        plot_change_effects,
        plot_churn,
        plot_churn_by_band,
        plot_churn_calibration,
        plot_customer_timeline,
        plot_email_performance,
        plot_feature_usage,
        plot_funnel,
        plot_funnel_drivers,
        plot_funnel_groups,
        plot_funnel_trend,
        plot_gain,
        plot_holdout_frequency,
        plot_holdout_tracking,
        plot_kpi_sheet,
        plot_lead_conversion,
        plot_lifecycle,
        plot_lifetime_value,
        plot_mail_frequency,
        plot_mrr,
        plot_nps,
        plot_onboarding_outcomes,
        plot_paths,
        plot_pause_outcomes,
        plot_payment_recovery,
        plot_projected_retention,
        plot_retention_curve,
        plot_retention_matrix,
        plot_revenue_retention,
        plot_scores,
        plot_sequential_boundaries,
        plot_stickiness,
        plot_survival,
        plot_time_to_convert,
        plot_time_to_milestone,
        plot_variants,
    )
    from metrics.retention import cohort_retention, retention_curve, retention_matrix
    from metrics.revenue import (
        expansion_split,
        mrr_churn_rate,
        mrr_lines,
        mrr_movements,
        mrr_rollforward,
        revenue_retention,
    )
    from metrics.samples import event_log
    from metrics.steps import Step
    from metrics.store import EventSource, open_events, write_events
    from metrics.support import content_reuse, questions_after, support_quality, time_to_release
    from metrics.surveys import (
        check_responses,
        completion_by_length,
        customer_effort,
        customer_satisfaction,
        net_promoter_score,
        nps_by_churn,
        nps_change,
        response_rate,
    )
    from metrics.survival import (
        RetentionFit,
        RetentionModel,
        compare_survival,
        compare_survival_pairs,
        cox_regression,
        fit_retention,
        project_retention,
        survival_curve,
        survival_summary,
        user_stays,
    )

__version__ = "0.1.0"

# Where each public name lives, in the order of the road.
_HOMES = {
    "metrics.events": [
        "read_events", "load_events", "check_events", "event_arrivals", "arrival_hours", "event_dictionary",
        "property_coverage", "EventLoad", "EventTableError",
    ],
    "metrics.inputs": [
        "read_orders", "read_surveys", "read_survey_sends", "read_subscriptions", "read_cancellations",
        "read_invoices", "read_payment_attempts", "read_payment_methods", "read_campaigns", "read_tickets",
        "read_changes", "account", "read_customers", "read_contacts", "read_spend", "read_targets",
        "read_requests", "read_contents",
    ],
    "metrics.store": ["open_events", "write_events", "EventSource"],
    "metrics.steps": ["Step"],
    "metrics.samples": ["event_log"],
    "metrics.funnel": [
        "conversion_funnel", "funnel_users", "funnel_trend", "explain_funnel", "reconcile_funnel", "funnel_presets",
        "compare_funnels", "funnel_drivers",
    ],
    "metrics.onboarding": ["milestones", "time_to_milestone", "feature_adoption", "onboarding_outcomes"],
    "metrics.loyalty": ["lead_conversion", "discount_retention"],
    "metrics.paths": ["user_paths", "drop_off_paths"],
    "metrics.retention": ["cohort_retention", "retention_curve", "retention_matrix"],
    "metrics.activity": ["user_days", "active_users", "stickiness", "lifecycle", "feature_usage"],
    "metrics.revenue": [
        "mrr_lines", "mrr_movements", "mrr_rollforward", "revenue_retention", "expansion_split", "mrr_churn_rate",
    ],
    "metrics.churn": [
        "churn_rate", "subscription_churn", "renewal_churn", "contract_retention", "churn_reasons", "trial_conversion",
        "assisted_trial_conversion", "pause_outcomes", "payment_recovery", "recovery_curve", "expiring_cards",
        "customer_retention_rate", "customer_churn_rate", "convert_rate", "average_rate",
    ],
    "metrics.economics": ["subscription_lifetime_value", "acquisition_cost", "quick_ratio", "roi", "relative_change"],
    "metrics.survival": [
        "survival_curve", "survival_summary", "user_stays", "compare_survival", "compare_survival_pairs",
        "cox_regression", "fit_retention", "project_retention", "RetentionModel", "RetentionFit",
    ],
    "metrics.clv": [
        "orders_summary", "fit_purchases", "PurchaseFit", "PurchaseModel", "fit_spend", "SpendFit", "SpendModel",
        "forecast_customers", "forecast_total", "holdout_check", "holdout_tracking", "customer_lifetime_value",
        "simple_lifetime_value", "unit_economics",
    ],
    "metrics.surveys": [
        "net_promoter_score", "nps_change", "nps_by_churn", "customer_satisfaction", "customer_effort",
        "response_rate", "completion_by_length", "check_responses",
    ],
    "metrics.health": [
        "complaint_rate", "health_score", "churn_alerts", "customer_status", "customer_timeline",
        "customer_snapshots", "health_measures", "replay_alerts", "alert_quality", "churn_by_band", "lift",
        "forecast_churn", "backtest_churn", "change_effects",
    ],
    "metrics.kpis": ["kpi_sheet"],
    "metrics.support": ["support_quality", "questions_after", "time_to_release", "content_reuse"],
    "metrics.campaigns": ["email_performance", "mail_frequency", "open_conversion", "variant_outcomes"],
    "metrics.experiments": ["compare_variants", "sample_ratio_check", "sample_size", "sequential_boundaries"],
    "metrics.intervals": ["proportion_interval", "difference_interval", "adjust_p_values"],
    "metrics.plots": [
        "plot_funnel", "plot_funnel_trend", "plot_funnel_groups", "plot_funnel_drivers", "plot_time_to_convert",
        "plot_paths", "plot_retention_matrix", "plot_retention_curve", "plot_arrivals", "plot_arrival_hours",
        "plot_churn", "plot_active_users", "plot_lifecycle", "plot_feature_usage", "plot_stickiness",
        "plot_time_to_milestone", "plot_onboarding_outcomes", "plot_assisted_trial_conversion",
        "plot_lead_conversion", "plot_survival", "plot_projected_retention", "plot_mrr", "plot_revenue_retention",
        "plot_payment_recovery", "plot_pause_outcomes", "plot_churn_by_band", "plot_churn_calibration",
        "plot_customer_timeline", "plot_kpi_sheet", "plot_nps", "plot_scores", "plot_variants",
        "plot_sequential_boundaries", "plot_email_performance", "plot_mail_frequency", "plot_change_effects",
        "plot_lifetime_value", "plot_holdout_tracking", "plot_holdout_frequency", "plot_calibration", "plot_gain",
    ],
    "metrics.display": ["show", "headline", "definitions", "alert", "given", "given_any"],
}  # fmt: skip
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "read_events", "load_events", "check_events", "EventLoad", "EventTableError",
    "event_arrivals", "arrival_hours", "event_dictionary", "property_coverage",
    "read_orders", "read_surveys", "read_survey_sends", "read_subscriptions", "read_cancellations", "read_invoices",
    "read_payment_attempts", "read_payment_methods", "read_campaigns", "read_tickets", "read_changes", "read_customers",
    "read_contacts", "read_spend", "read_targets", "read_requests", "read_contents", "account",
    "open_events", "write_events", "EventSource",
    "Step", "event_log",
    "conversion_funnel", "funnel_users", "funnel_trend", "explain_funnel", "reconcile_funnel", "funnel_presets",
    "compare_funnels", "funnel_drivers",
    "milestones", "time_to_milestone", "feature_adoption", "onboarding_outcomes",
    "plot_time_to_milestone", "plot_onboarding_outcomes", "plot_assisted_trial_conversion",
    "lead_conversion", "discount_retention", "plot_lead_conversion",
    "user_paths", "drop_off_paths",
    "cohort_retention", "retention_curve", "retention_matrix",
    "user_days", "active_users", "stickiness", "lifecycle", "feature_usage",
    "mrr_lines", "mrr_movements", "mrr_rollforward", "revenue_retention", "expansion_split", "mrr_churn_rate",
    "churn_rate", "subscription_churn", "renewal_churn", "contract_retention", "churn_reasons", "trial_conversion",
    "assisted_trial_conversion", "pause_outcomes", "payment_recovery", "recovery_curve", "expiring_cards",
    "customer_retention_rate", "customer_churn_rate", "convert_rate", "average_rate",
    "subscription_lifetime_value", "acquisition_cost", "quick_ratio", "roi", "relative_change",
    "user_stays", "survival_curve", "survival_summary", "compare_survival", "compare_survival_pairs", "cox_regression",
    "fit_retention", "project_retention", "RetentionModel", "RetentionFit",
    "orders_summary", "fit_purchases", "PurchaseFit", "PurchaseModel", "fit_spend", "SpendFit", "SpendModel",
    "forecast_customers", "forecast_total", "holdout_check", "holdout_tracking",
    "customer_lifetime_value", "simple_lifetime_value", "unit_economics",
    "net_promoter_score", "nps_change", "nps_by_churn", "customer_satisfaction", "customer_effort", "response_rate",
    "completion_by_length", "check_responses", "complaint_rate",
    "support_quality", "questions_after", "time_to_release", "content_reuse",
    "email_performance", "mail_frequency", "open_conversion", "variant_outcomes",
    "compare_variants", "sample_ratio_check", "sample_size", "sequential_boundaries",
    "health_score", "health_measures", "churn_alerts", "replay_alerts", "customer_status", "customer_timeline",
    "customer_snapshots", "forecast_churn", "backtest_churn", "alert_quality", "churn_by_band", "lift",
    "change_effects", "kpi_sheet",
    "proportion_interval", "difference_interval", "adjust_p_values",
    "plot_funnel", "plot_funnel_trend", "plot_funnel_groups", "plot_funnel_drivers",
    "plot_time_to_convert", "plot_paths", "plot_retention_matrix", "plot_retention_curve",
    "plot_arrivals", "plot_arrival_hours", "plot_churn",
    "plot_active_users", "plot_lifecycle", "plot_feature_usage", "plot_stickiness",
    "plot_survival", "plot_projected_retention", "plot_nps", "plot_scores", "plot_variants",
    "plot_sequential_boundaries", "plot_lifetime_value",
    "plot_email_performance", "plot_mail_frequency", "plot_change_effects",
    "plot_mrr", "plot_revenue_retention", "plot_payment_recovery", "plot_pause_outcomes",
    "plot_churn_by_band", "plot_churn_calibration", "plot_customer_timeline", "plot_kpi_sheet",
    "plot_holdout_tracking", "plot_holdout_frequency", "plot_calibration", "plot_gain",
    "show", "headline", "definitions", "alert", "given", "given_any",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'metrics' has no attribute {name!r}{_near(name)}", name=name)
    return _offered(name)


@functools.cache
def _offered(name: str) -> Any:
    """The function, whose arguments are checked by name, or the class; the same one each time."""
    from metrics.arguments import checked

    found = getattr(importlib.import_module(_HOME[name]), name)
    return found if isinstance(found, type) else checked(found)


def _near(name: str) -> str:
    """The names that share most with one that is not there, for notebooks suggest none."""
    if name.startswith("_"):
        return ""
    from difflib import get_close_matches

    near = get_close_matches(name, _HOME, n=3, cutoff=0.65)
    return f". Did you mean {' or '.join(map(repr, near))}?" if near else ""


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
