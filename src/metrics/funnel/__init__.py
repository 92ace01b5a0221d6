"""Where do users drop? `conversion_funnel` and its kin; `kernel` is the arithmetic, `tables` the finished numbers."""

from metrics.funnel.tables import conversion_funnel, funnel_trend, funnel_users

__all__ = ["conversion_funnel", "funnel_trend", "funnel_users"]
