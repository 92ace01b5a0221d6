"""Who leaves? `inactivity` asks it of events, `contracts`, `renewals` and `trials` of subscriptions, `counts` of books.

`lasting` counts who still has a contract, `assisted` sets trials with help beside those without, `reasons` tells whose
choice it was, `pauses` and `payments` whether a pause or another try keeps people, `cards` whose card is about to end.
"""

from metrics.churn.assisted import assisted_trial_conversion
from metrics.churn.cards import expiring_cards
from metrics.churn.contracts import subscription_churn
from metrics.churn.counts import average_rate, convert_rate, customer_churn_rate, customer_retention_rate
from metrics.churn.inactivity import churn_rate
from metrics.churn.lasting import contract_retention
from metrics.churn.pauses import pause_outcomes
from metrics.churn.payments import payment_recovery
from metrics.churn.reasons import churn_reasons
from metrics.churn.recovery import recovery_curve
from metrics.churn.renewals import renewal_churn
from metrics.churn.trials import trial_conversion

__all__ = [
    "assisted_trial_conversion", "average_rate", "churn_rate", "churn_reasons", "contract_retention", "convert_rate",
    "customer_churn_rate", "customer_retention_rate", "expiring_cards", "pause_outcomes", "payment_recovery",
    "recovery_curve", "renewal_churn", "subscription_churn", "trial_conversion",
]  # fmt: skip
