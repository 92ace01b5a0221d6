"""Activity: how many are there, how often do they come, and who is new, back or gone?"""

from metrics.activity.active import active_users
from metrics.activity.days import user_days
from metrics.activity.frequency import stickiness
from metrics.activity.stages import lifecycle

__all__ = ["active_users", "lifecycle", "stickiness", "user_days"]
