"""How are the customers, and who of them may leave?

`signals` reads what is known of each customer, `alerts` says who shows a sign of leaving, `status` tells each customer
in a row, `scores` weighs measures, `judged` holds scores and alerts against what came after, `complaints` counts those
that complain, `changes` sets a number before a change against the same after it.
"""

from metrics.health.alerts import churn_alerts
from metrics.health.changes import change_effects
from metrics.health.complaints import complaint_rate
from metrics.health.judged import alert_quality, lift
from metrics.health.scores import health_score
from metrics.health.status import customer_status

__all__ = [
    "alert_quality",
    "change_effects",
    "churn_alerts",
    "complaint_rate",
    "customer_status",
    "health_score",
    "lift",
]
