"""People on every edge: a handful of users whose numbers can be checked by eye.

They are few enough not to disturb what the simulation should let a metric recover.
"""

import pandas as pd

from metrics.samples.fieldnote.parameters import ZONE
from metrics.samples.log import event_log

EDGES = """
    # The window: done at its last instant, and one millisecond after it.
    2026-02-02 09:00:00.000  edge-last-instant     sign_up
    2026-02-02 09:00:30.000  edge-last-instant     confirm_email
    2026-02-16 09:00:00.000  edge-last-instant     create_project
    2026-02-02 09:00:00.000  edge-too-late         sign_up
    2026-02-02 09:00:30.000  edge-too-late         confirm_email
    2026-02-16 09:00:00.001  edge-too-late         create_project

    # A window across the clock change: 14 days are 336 hours, so the last instant is 11:00.
    2026-03-20 10:00         edge-clock-change     sign_up
    2026-03-20 10:01         edge-clock-change     confirm_email
    2026-04-03 11:00         edge-clock-change     create_project

    # The same instant: two steps at once, written in the wrong order.
    2026-02-10 12:00         edge-same-instant     confirm_email
    2026-02-10 12:00         edge-same-instant     sign_up
    2026-02-10 12:00         edge-same-instant     create_project

    # The ends of a day, of a week and of a month in local time.
    2026-03-01 00:00         edge-midnight         sign_up
    2026-03-01 00:00:20      edge-midnight         confirm_email
    2026-03-08 23:59:59.999  edge-midnight         edit_note
    2026-03-09 00:00         edge-midnight         edit_note
    2026-03-31 23:59:59.999  edge-midnight         edit_note

    # The last moment before the missing hour and the first one after it.
    2026-03-29 01:59:59.999  edge-missing-hour     sign_up
    2026-03-29 03:00         edge-missing-hour     confirm_email

    2026-04-14 08:00         edge-one-event        sign_up
    2026-06-30 23:59:59.999  edge-last-day         sign_up

    # One user, two devices; then two users on one device.
    2026-05-04 08:00         edge-two-devices      sign_up        anonymous_id=edge-laptop
    2026-05-04 08:01         edge-two-devices      confirm_email  anonymous_id=edge-handset  device=phone
    2026-05-04 08:05         edge-two-devices      create_project anonymous_id=edge-laptop
    2026-05-11 10:00         nobody                visit          anonymous_id=edge-shared
    2026-05-11 10:02         edge-first-of-shared  sign_up        anonymous_id=edge-shared
    2026-05-12 18:00         nobody                visit          anonymous_id=edge-shared
    2026-05-12 18:05         edge-second-of-shared sign_up        anonymous_id=edge-shared
"""


def edges() -> pd.DataFrame:
    """Event rows of the planted users: user_id (NA: nobody), anonymous_id, event, timestamp, device."""
    log = event_log(EDGES, tz=ZONE)
    log["anonymous_id"] = log["anonymous_id"].fillna(log["user_id"] + "-browser")
    log["device"] = log["device"].fillna("desktop")
    log["user_id"] = log["user_id"].where(log["user_id"] != "nobody")
    return log.assign(country="DE", source="direct")
