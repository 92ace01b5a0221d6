"""Do mails work? What becomes of each step, how many are too many, which variant is better, and who opens and buys."""

from metrics.campaigns.assignment import variant_outcomes
from metrics.campaigns.frequency import mail_frequency
from metrics.campaigns.opens import open_conversion
from metrics.campaigns.performance import email_performance

__all__ = ["email_performance", "mail_frequency", "open_conversion", "variant_outcomes"]
