"""How good is support, what is asked, and what becomes of wishes and of content?

`quality` measures answers, `questions` what is asked after reading, `releases` how long wishes wait, `content` whether
what was made for one customer is used by others; `tickets` holds what they share.
"""

from metrics.support.content import content_reuse
from metrics.support.quality import support_quality
from metrics.support.questions import questions_after
from metrics.support.releases import time_to_release

__all__ = ["content_reuse", "questions_after", "support_quality", "time_to_release"]
