"""Which metric is this table? Told by its columns, since operations on a table may lose its attributes."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from metrics.display import of_contacts, of_health, of_kpis, of_loyalty, of_money

_MARKS = {
    **of_money.MARKS,
    **of_contacts.MARKS,
    **of_health.MARKS,
    **of_loyalty.MARKS,
    **of_kpis.MARKS,
    "conversion_funnel": {"step", "event", "users", "dropped", "open"},
    "time_to_convert": {"step", "event", "users", "p25_seconds", "median_seconds", "p75_seconds", "p90_seconds"},
    "funnel_trend": {"period_start", "users", "converted", "conversion_rate"},
    "compare_funnels": {"group", "step", "difference", "p_adjusted"},
    "funnel_drivers": {"event", "of_converted", "of_dropped", "odds_ratio"},
    "explain_funnel": {"attempt", "step", "event", "outcome", "reason"},
    "reconcile_funnel": {"tool", "step", "users", "difference", "users_only_here", "users_missing", "rule"},
    "drop_off_paths": {"outcome", "source_step", "source", "target_step", "target", "users", "share", "difference"},
    "user_paths": {"source_step", "source", "target_step", "target", "users", "share"},
    "cohort_retention": {"cohort", "period", "users", "retained", "retention_rate"},
    "retention_curve": {"period", "cohorts", "users", "retained", "retention_rate"},
    "active_users": {"date", "stickiness_rate", "complete"},
    "lifecycle": {"period_start", "new", "returning", "resurrected", "dormant", "active"},
    "stickiness": {"active_periods", "users", "share", "users_at_least"},
    "milestones": {"milestone", "users", "reached", "not_yet", "median_days"},
    "time_to_milestone": {"days", "at_risk", "reached", "censored", "not_yet"},
    "feature_adoption": {"feature", "users", "adopters", "adoption_rate", "repeat_rate"},
    "onboarding_outcomes": {"outcome", "onboarded", "others", "onboarded_rate", "others_rate"},
    "feature_usage": {"users", "used", "usage_rate"},
    "churn_rate": {"users", "churned", "churn_rate"},
    "customer_retention_rate": {"customers_start", "customers_end", "customers_new", "retention_rate"},
    "customer_churn_rate": {"customers_start", "customers_lost", "churn_rate"},
    "survival_curve": {"time", "at_risk", "churned", "censored", "survival"},
    "survival_summary": {"customers", "churned", "median", "restricted_mean", "until"},
    "compare_survival_pairs": {"group", "other", "churned", "other_churned", "p_adjusted"},
    "compare_survival": {"group", "customers", "churned", "expected", "chi2", "degrees"},
    "cox_regression": {"covariate", "hazard_ratio", "p_value", "proportional_p_value"},
    "project_retention": {"period", "active", "survival", "retention_rate"},
    "net_promoter_score": {"responses", "promoters", "detractors", "net_promoter_score"},
    "nps_change": {"responses_before", "responses_after", "before", "after", "difference"},
    "nps_by_churn": {"band", "responses", "followed", "churned", "too_recent", "churn_rate"},
    "customer_satisfaction": {"responses", "satisfied", "customer_satisfaction"},
    "customer_effort": {"responses", "customer_effort", "method", "direction"},
    "response_rate": {"sent", "delivered", "answered", "response_rate"},
    "completion_by_length": {"questions", "responses", "completed", "completion_rate"},
    "complaint_rate": {"complaints", "customers", "complaint_rate"},
    "compare_variants": {"variant", "users", "difference", "p_adjusted", "verdict"},
    "sample_ratio_check": {"users", "chi_square", "p_value", "mismatch"},
    "sequential_boundaries": {"look", "z", "p_value"},
    "sample_size": {"baseline", "target", "users_per_variant"},
    "health_score": {"customer_id", "score", "coverage", "band", "top_reason"},
    "churn_alerts": {"customer_id", "rule", "evidence", "playbook"},
    "customer_status": {"customer_id", "tenure_days", "nps_band", "flags"},
    "alert_quality": {"customers", "alerted", "churned", "precision", "recall"},
    "change_effects": {"change_id", "before", "after", "confounded_with"},
    "lift": {"rows", "selected", "base_rate", "rate", "lift"},
    "orders_summary": {"customer_id", "frequency", "recency", "T"},
    "customer_lifetime_value": {"customer_id", "clv", "holdout_error"},
    "forecast_customers": {"customer_id", "p_alive", "expected_purchases", "clv"},
    "forecast_total": {"period", "expected_purchases", "cumulative_purchases"},
    "holdout_check": {"model", "actual_purchases", "predicted_purchases", "error"},
    "holdout_by_frequency": {"model", "frequency", "actual_purchases", "predicted_purchases"},
    "holdout_by_tenth": {"model", "tenth", "actual_purchases", "predicted_purchases"},
    "holdout_tracking": {"model", "period", "cumulative_actual", "cumulative_expected"},
    "fitted_parameters": {"parameter", "estimate", "std_error"},
    "unit_economics": {"ltv", "cac", "ltv_cac", "payback_months"},
    "simple_lifetime_value": {"average_order_value", "orders_per_year", "lifetime_years"},
    "event_arrivals": {"period_start", "rows", "users", "anonymous_share"},
    "arrival_hours": {"hour", "rows", "share"},
    "event_dictionary": {"event", "rows", "users", "first_seen", "last_seen"},
    "property_coverage": {"event", "property", "filled", "coverage_rate"},
    "account": {"stage", "reason", "rows", "share"},
    "check_events": {"problem", "rows", "share"},
}
GROUP_ENDS = {  # the first column of a metric that is no group: what stands before it is `by`
    **of_money.GROUP_ENDS,
    **of_contacts.GROUP_ENDS,
    **of_health.GROUP_ENDS,
    **of_loyalty.GROUP_ENDS,
    "conversion_funnel": "step",
    "time_to_convert": "step",
    "compare_funnels": "step",
    "explain_funnel": "step",
    "reconcile_funnel": "step",
    "drop_off_paths": "source_step",
    "user_paths": "source_step",
    "cohort_retention": "cohort",
    "retention_curve": "period",
    "milestones": "milestone",
    "time_to_milestone": "days",
    "feature_adoption": "feature",
    "feature_usage": "period_start",
    "onboarding_outcomes": "outcome",
    "change_effects": "change_id",
    "forecast_total": "customers",
    "active_users": "date",
    "lifecycle": "period_start",
    "stickiness": "active_periods",
    "churn_rate": "users",
    "survival_curve": "time",
    "survival_summary": "customers",
    "compare_survival_pairs": "customers",
    "compare_survival": "customers",
    "net_promoter_score": "responses",
    "nps_change": "responses_before",
    "nps_by_churn": "band",
    "customer_satisfaction": "responses",
    "customer_effort": "responses",
    "response_rate": "sent",
    "completion_by_length": "questions",
    "complaint_rate": "complaints",
    "compare_variants": "variant",
    "sample_ratio_check": "users",
    "simple_lifetime_value": "average_order_value",
}


def metric_of(table: pd.DataFrame) -> str | None:
    """The name of the metric whose table this is, or None."""
    if is_matrix(table):
        return "retention_matrix"
    columns = set(table.columns)
    found = [name for name, needed in _MARKS.items() if needed <= columns]
    named = table.attrs.get("metric")
    return named if named in found else found[0] if found else None


def lost_by(table: pd.DataFrame) -> list[str]:
    """The columns by which the table of a metric was known, and that it has no more."""
    return sorted(_MARKS.get(table.attrs.get("metric", ""), set()) - set(table.columns))


def is_matrix(table: pd.DataFrame) -> bool:
    """Whether the table has cohorts as rows and periods as columns."""
    return table.index.name == "cohort" and table.columns.name == "period"


def groups_of(table: pd.DataFrame) -> list[str]:
    """The columns of `by`, those before the metric's own."""
    metric = metric_of(table)
    end = GROUP_ENDS.get(metric or "")
    columns = [str(name) for name in table.columns]
    if end is None or end not in columns:
        return []
    if metric == "compare_funnels":  # holds the values of all columns of `by` in words
        return ["group"]
    return [name for name in columns[: columns.index(end)] if name != "period_start" and not _numbers_rows(table, name)]


def _numbers_rows(table: pd.DataFrame, name: str) -> bool:
    """Whether a column is what `reset_index` makes of the numbers of rows."""
    by = setting(table, "by", ())
    is_by = name == by if isinstance(by, str) else name in by
    return name == "index" and not is_by and pd.api.types.is_integer_dtype(table[name].dtype)


def limits_of(row: "pd.Series[Any] | Mapping[Any, Any]", name: str) -> tuple[Any, Any] | None:
    """The interval of the estimate `name`; None where it has none, or none of any width."""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    if name == "estimate" and low is None:
        low, high = row.get("low"), row.get("high")
    if low is None or high is None or pd.isna(low) or pd.isna(high) or not low < high:
        return None
    return low, high


def setting(table: pd.DataFrame, name: str, default: Any = None) -> Any:
    """A policy value of the table, if it still carries its settings."""
    settings = table.attrs.get("settings")
    return settings.get(name, default) if isinstance(settings, dict) else default


def has_groups(table: pd.DataFrame) -> bool:
    """Whether the table tells of more than one group."""
    groups = groups_of(table)
    return bool(groups) and len(table[groups].drop_duplicates()) > 1


def parts(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The table cut by its groups, in their order, each with its name; one part without a name if there are none."""
    groups = groups_of(table)
    if not groups:
        return [("", table)]
    found = []
    for key, part in table.groupby(groups, dropna=False, sort=False):
        values: tuple[Any, ...] = key if isinstance(key, tuple) else (key,)
        named = [value for name, value in zip(groups, values, strict=True) if _names(table, name)]
        found.append((", ".join("(missing)" if pd.isna(value) else str(value) for value in named), part))
    return found


def _names(table: pd.DataFrame, group: str) -> bool:
    """Whether a group is named by this column: not by the currency of data that tell of none."""
    return group != "currency" or bool(table["currency"].notna().any())


def group_of(table: pd.DataFrame, row: "pd.Series[Any]", *, without: str | None = None) -> str:
    """The group of a row in words, as `parts` names it; empty if the table has none."""
    names = [name for name in groups_of(table) if name != without and _names(table, name)]
    return ", ".join("(missing)" if pd.isna(row[name]) else str(row[name]) for name in names)


def required(funnel: pd.DataFrame) -> pd.DataFrame:
    """The steps of a funnel that may not be left out: between these users are lost."""
    optional = funnel["event"].astype(str).str.endswith("optional)") & (funnel["dropped"] + funnel["open"] == 0)
    return funnel[~optional]


def before_loss(funnel: pd.DataFrame, loss: int) -> float:
    """Users of the step that was to lead to the one at place `loss`."""
    return float(required(funnel.iloc[:loss])["users"].iloc[-1])


def largest_loss(funnel: pd.DataFrame) -> int | None:
    """Place (from 0) of the step at which most users stop; None if nobody does."""
    dropped = funnel["dropped"].to_numpy(float)
    return int(dropped.argmax()) if len(dropped) and dropped.max() > 0 else None
