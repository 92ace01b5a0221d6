"""Loyalty: do leads become customers, customers loyal ones, and do those stay whom a discount brought?"""

from metrics.loyalty.discounts import discount_retention
from metrics.loyalty.leads import lead_conversion

__all__ = ["discount_retention", "lead_conversion"]
