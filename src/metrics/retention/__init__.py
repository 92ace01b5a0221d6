"""Who comes back? `cohorts` says who began when, `returns` who came back when, `tables` is the finished numbers."""

from metrics.retention.tables import cohort_retention, retention_curve, retention_matrix

__all__ = ["cohort_retention", "retention_curve", "retention_matrix"]
