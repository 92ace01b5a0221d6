"""How are the customers, and who of them may leave?

`signals` reads what is known of each customer, `status` tells each customer in a row, `timeline` what happened to one.
`alerts` says who shows a sign of leaving, `measures` and `scores` weigh what is known. `snapshots` holds what was known
at moments of the past beside who left afterwards: on it `judged` and `replay` try scores and alerts, `forecast` learns
who leaves, by `logistic`, and `backtest` says whether that would have been right. `complaints` counts those that
complain, `changes` sets a number before a change against the same after it.
"""

from metrics.health.alerts import churn_alerts
from metrics.health.backtest import backtest_churn
from metrics.health.changes import change_effects
from metrics.health.complaints import complaint_rate
from metrics.health.forecast import forecast_churn
from metrics.health.judged import alert_quality, churn_by_band, lift
from metrics.health.measures import health_measures
from metrics.health.replay import replay_alerts
from metrics.health.scores import health_score
from metrics.health.snapshots import customer_snapshots
from metrics.health.status import customer_status
from metrics.health.timeline import customer_timeline

__all__ = [
    "alert_quality",
    "backtest_churn",
    "change_effects",
    "churn_alerts",
    "churn_by_band",
    "complaint_rate",
    "customer_snapshots",
    "customer_status",
    "customer_timeline",
    "forecast_churn",
    "health_measures",
    "health_score",
    "lift",
    "replay_alerts",
]
