"""Figures of metric tables, each `plot_x(table, ax=None) -> Axes`; matplotlib is imported when the first is drawn."""

from metrics.plots.activity import plot_active_users, plot_lifecycle, plot_stickiness, plot_time_to_milestone
from metrics.plots.arrivals import plot_arrival_hours, plot_arrivals
from metrics.plots.churn import plot_churn
from metrics.plots.contracts import plot_pause_outcomes, plot_payment_recovery
from metrics.plots.funnel import plot_funnel, plot_funnel_trend
from metrics.plots.funnel_groups import plot_funnel_drivers, plot_funnel_groups
from metrics.plots.holdout import plot_calibration, plot_gain, plot_holdout_frequency, plot_holdout_tracking
from metrics.plots.kpis import plot_kpi_sheet
from metrics.plots.lifetime_value import plot_lifetime_value
from metrics.plots.loyalty import plot_lead_conversion
from metrics.plots.nps import plot_nps
from metrics.plots.onboarding import plot_assisted_trial_conversion, plot_onboarding_outcomes
from metrics.plots.paths import plot_paths
from metrics.plots.retention import plot_retention_curve, plot_retention_matrix
from metrics.plots.revenue import plot_mrr, plot_revenue_retention
from metrics.plots.rows import plot_change_effects, plot_email_performance, plot_mail_frequency
from metrics.plots.scores import plot_scores
from metrics.plots.sequential import plot_sequential_boundaries
from metrics.plots.survival import plot_projected_retention, plot_survival
from metrics.plots.timeline import plot_customer_timeline
from metrics.plots.times import plot_time_to_convert
from metrics.plots.usage import plot_feature_usage
from metrics.plots.variants import plot_variants
from metrics.plots.warnings import plot_churn_by_band, plot_churn_calibration

__all__ = [
    "plot_funnel",
    "plot_funnel_drivers",
    "plot_funnel_groups",
    "plot_funnel_trend",
    "plot_time_to_convert",
    "plot_retention_matrix",
    "plot_retention_curve",
    "plot_arrivals",
    "plot_arrival_hours",
    "plot_churn",
    "plot_pause_outcomes",
    "plot_payment_recovery",
    "plot_active_users",
    "plot_lifecycle",
    "plot_stickiness",
    "plot_time_to_milestone",
    "plot_onboarding_outcomes",
    "plot_assisted_trial_conversion",
    "plot_lead_conversion",
    "plot_survival",
    "plot_projected_retention",
    "plot_nps",
    "plot_scores",
    "plot_variants",
    "plot_sequential_boundaries",
    "plot_email_performance",
    "plot_mail_frequency",
    "plot_change_effects",
    "plot_feature_usage",
    "plot_mrr",
    "plot_revenue_retention",
    "plot_paths",
    "plot_lifetime_value",
    "plot_holdout_tracking",
    "plot_holdout_frequency",
    "plot_calibration",
    "plot_gain",
    "plot_churn_by_band",
    "plot_churn_calibration",
    "plot_customer_timeline",
    "plot_kpi_sheet",
]
