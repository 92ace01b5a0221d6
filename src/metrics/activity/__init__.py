"""Activity: how many are there, how often do they come, and who is new, back or gone?"""

from metrics.activity.active import active_users
from metrics.activity.days import user_days
from metrics.activity.frequency import stickiness
from metrics.activity.stages import lifecycle
from metrics.activity.usage import feature_usage

__all__ = ["active_users", "feature_usage", "lifecycle", "stickiness", "user_days"]
