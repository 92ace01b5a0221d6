"""Tables that come again: from a CSV file, in which times are text, numbered anew, or two of them set together."""

import pandas as pd

from metrics.display.kinds import groups_of, is_matrix, metric_of

TIMES = ("period_start", "span_start", "cohort", "date")
DAY = r"\d{4}-\d{2}-\d{2}([ T].*)?"
_KEYS = (*TIMES, "period", "step", "active_periods", "time", "feature")  # with the groups, what names a row
_ONE_ROW = {  # metrics of which a key has one row
    "conversion_funnel", "funnel_trend", "cohort_retention", "retention_curve", "active_users", "lifecycle",
    "stickiness", "feature_adoption", "compare_funnels", "churn_rate", "survival_curve", "mrr_rollforward",
    "subscription_churn", "revenue_retention", "event_arrivals", "net_promoter_score", "customer_satisfaction",
}  # fmt: skip


def dated(table: pd.DataFrame) -> pd.DataFrame:
    """The table of a metric with its times as times, where they are text, as a CSV file has them."""
    if is_matrix(table) or table.columns.has_duplicates or metric_of(table) is None:
        return table
    return table.assign(**{name: pd.to_datetime(table[name], format="ISO8601") for name in texts(table, TIMES)})


def texts(table: pd.DataFrame, names: tuple[str, ...]) -> list[str]:
    """Which of these columns hold times as text."""
    found = [name for name in names if name in table and pd.api.types.is_string_dtype(table[name])]
    return [name for name in found if table[name].dropna().str.fullmatch(DAY).all() and table[name].notna().any()]


def doubled(table: pd.DataFrame) -> str:
    """What has several rows that is told by one, in words: two results stand below each other. Nothing else."""
    if metric_of(table) not in _ONE_ROW or len(table) < 2:
        return ""
    keys = [*groups_of(table), *(name for name in _KEYS if name in table)]
    again = table.duplicated(keys) if keys else pd.Series(True, index=table.index)
    if not again.any():
        return ""
    place = int(again.to_numpy().argmax())
    values = [(name, table[name].iloc[place]) for name in keys]
    said = [
        f"{name} {value:%Y-%m-%d}" if isinstance(value, pd.Timestamp) else f"{name} {value}" for name, value in values
    ]
    return f"several rows{' for ' if said else ''}{', '.join(said)}"
