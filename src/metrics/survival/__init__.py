"""How long do customers stay, and does it differ? Survival curves, their comparison, and models of retention."""

from metrics.survival.compare import compare_survival, compare_survival_pairs
from metrics.survival.cox import cox_regression
from metrics.survival.curve import survival_curve, survival_summary
from metrics.survival.fitting import RetentionFit, fit_retention, project_retention
from metrics.survival.retention import RetentionModel
from metrics.survival.stays import user_stays

__all__ = [
    "RetentionFit", "RetentionModel", "compare_survival", "compare_survival_pairs", "cox_regression", "fit_retention",
    "project_retention", "survival_curve", "survival_summary", "user_stays",
]  # fmt: skip
