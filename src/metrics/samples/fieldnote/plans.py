"""What fieldnote spends to win customers, and wants to reach: written by hand, for neither follows from a law."""

import pandas as pd

from metrics.samples.fieldnote.parameters import ZONE

_SPENT = {"ads": (1_500, 3_000, 4_600, 5_000, 6_300, 9_000), "partner": (900, 1_600, 2_200, 2_600, 3_100, 3_800)}
_TARGETS = {
    "mrr": 7_500, "nrr": 1.0, "ltv_cac": 3, "payback_months": 12, "churn_rate": 0.06, "user_churn_rate": 0.4,
    "net_promoter_score": 10, "customer_satisfaction": 70, "customer_effort": 50, "complaint_rate": 2,
}  # fmt: skip


def spend() -> pd.DataFrame:
    """Columns at (the first moment of each month in Berlin), channel, spend, currency."""
    months = pd.date_range("2026-01-01", periods=6, freq="MS", tz=ZONE).tz_convert("UTC").as_unit("us")
    rows = [(month, channel, float(cost[k])) for k, month in enumerate(months) for channel, cost in _SPENT.items()]
    return pd.DataFrame(rows, columns=["at", "channel", "spend"]).assign(currency="EUR")


def targets() -> pd.DataFrame:
    """Columns kpi and target: shares from 0 to 1, money in euros, scores on their scales."""
    return pd.DataFrame({"kpi": list(_TARGETS), "target": [float(value) for value in _TARGETS.values()]})
