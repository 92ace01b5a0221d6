"""What do users do, step after step, and what did those do who dropped at a step of a funnel?"""

from metrics.paths.events import user_paths
from metrics.paths.funnels import drop_off_paths

__all__ = ["drop_off_paths", "user_paths"]
