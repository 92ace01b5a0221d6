"""Where do users drop? `conversion_funnel` and its kin; `search` is the arithmetic, `tables` the finished numbers."""

from metrics.funnel.compare import compare_funnels
from metrics.funnel.drivers import funnel_drivers
from metrics.funnel.explain import explain_funnel
from metrics.funnel.presets import funnel_presets
from metrics.funnel.reconcile import reconcile_funnel
from metrics.funnel.tables import conversion_funnel, funnel_trend, funnel_users

__all__ = [
    "compare_funnels", "conversion_funnel", "explain_funnel", "funnel_drivers", "funnel_presets", "funnel_trend",
    "funnel_users", "reconcile_funnel",
]  # fmt: skip
