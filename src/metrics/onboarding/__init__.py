"""Onboarding: do new users reach what makes the product worth it, and how long do they take?"""

from metrics.onboarding.adoption import feature_adoption
from metrics.onboarding.outcomes import onboarding_outcomes
from metrics.onboarding.progress import milestones, time_to_milestone

__all__ = ["feature_adoption", "milestones", "onboarding_outcomes", "time_to_milestone"]
