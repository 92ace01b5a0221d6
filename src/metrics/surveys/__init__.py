"""What do customers say? `answers` says which answers count, `sends` who did not answer, the others score them."""

from metrics.surveys.change import nps_change
from metrics.surveys.churned import nps_by_churn
from metrics.surveys.effort import customer_effort
from metrics.surveys.length import completion_by_length
from metrics.surveys.nps import net_promoter_score
from metrics.surveys.responses import check_responses
from metrics.surveys.satisfaction import customer_satisfaction
from metrics.surveys.sends import response_rate

__all__ = [
    "check_responses", "completion_by_length", "customer_effort", "customer_satisfaction", "net_promoter_score",
    "nps_by_churn", "nps_change", "response_rate",
]  # fmt: skip
