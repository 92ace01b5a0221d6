"""How are the customers, and who of them may leave?

`scores` weighs what is known of each customer, `judged` holds scores and alerts against what came after, `complaints`
counts those that complain, `changes` sets a number before a change against the same after it.
"""

from metrics.health.changes import change_effects
from metrics.health.complaints import complaint_rate
from metrics.health.judged import alert_quality, lift
from metrics.health.scores import health_score

__all__ = ["alert_quality", "change_effects", "complaint_rate", "health_score", "lift"]
