"""What all tests share: CI draws the same examples every time, a laptop draws new ones; neither is timed."""

import os

from hypothesis import settings

settings.register_profile("laptop", deadline=None)
settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "laptop")
