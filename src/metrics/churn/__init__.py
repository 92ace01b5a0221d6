"""Who leaves? `inactivity` asks it of events, `counts` of the books."""

from metrics.churn.counts import convert_rate, customer_churn_rate, customer_retention_rate
from metrics.churn.inactivity import churn_rate

__all__ = ["churn_rate", "convert_rate", "customer_churn_rate", "customer_retention_rate"]
