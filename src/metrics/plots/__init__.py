"""Figures of metric tables, each `plot_x(table, ax=None) -> Axes`; matplotlib is imported when the first is drawn."""

from metrics.plots.churn import plot_churn
from metrics.plots.funnel import plot_funnel, plot_funnel_trend
from metrics.plots.lifetime_value import plot_lifetime_value
from metrics.plots.nps import plot_nps
from metrics.plots.retention import plot_retention_curve, plot_retention_matrix

__all__ = [
    "plot_funnel",
    "plot_funnel_trend",
    "plot_retention_matrix",
    "plot_retention_curve",
    "plot_churn",
    "plot_nps",
    "plot_lifetime_value",
]
