"""Tell somebody: a report failed, or a rule fired.

A hook is a command of the recipe, `on_failure` or `on_alert`. It gets what happened as JSON on
its standard input; no shell reads it, its time is bounded, and what goes wrong with it is
reported beside the run, whose own result stays what it was. Two hooks are ready:

    python -m reporting.notices.mail     an e-mail, over SMTP
    python -m reporting.notices.webhook  a line in a chat
"""

from reporting.notices.hooks import send
from reporting.notices.words import subject, text

__all__ = ["send", "subject", "text"]
