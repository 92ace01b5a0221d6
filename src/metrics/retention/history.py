"""How far the history reaches back: a cohort of firsts near the beginning of a log holds old users.

Who is seen for the first time in an export that begins in the middle of users' lives may have begun long before. A
cohort is uncertain while the log before it is shorter than `look_back`.
"""

import numpy as np
import pandas as pd

from metrics.engine import Rows, changes, only
from metrics.engine.local import Columns
from metrics.periods import Calendar, Ints, When, duration, instant, local_time, spoken
from metrics.retention import facts
from metrics.retention.cohorts import Members

FIRSTS = ("first_time", "first_ever")  # the kinds of cohort that speak of all history
ONCE = 0.01  # a start that fewer units do in several periods is one of once in a lifetime, such as a sign-up


def seen(rows: Rows, number: Ints, who: Members) -> Columns:
    """How many units begin, how many in several periods, and the first period with a row of anybody."""
    unit, period = only(rows.meets(0), rows.unit, number)
    first = np.flatnonzero(changes(unit))
    last = np.r_[first[1:], len(unit)][: len(first)] - 1
    again = (period[last] != period[first]).sum()
    many = 1 if len(rows) else 0
    groups = {f"group {name}": np.zeros(many, np.int64) for name in who.groups}
    return facts.fact(
        facts.SEEN, groups, np.array([number.min()] if many else [], np.int64), np.zeros(many, np.int64),
        first=np.full(many, len(first)), second=np.full(many, again),
    )  # fmt: skip


def whole_from(
    parts: pd.DataFrame, calendar: Calendar, observed_from: When | None, look_back: str | None
) -> int | None:
    """Wall-clock microseconds from which cohorts of firsts have enough history; None where all have.

    `parts` are the facts of `seen`, none where cohorts do not speak of all history.
    """
    if look_back is None:
        return None
    needed = duration(look_back, name="look_back")
    known = None if observed_from is None else instant(observed_from, tz=calendar.tz, name="observed_from")
    if not len(parts) or parts["second"].sum() < ONCE * parts["first"].sum():
        return None
    if known is not None:
        return int(local_time(np.array([known]), calendar.tz)[0]) + needed
    # The first period may be cut, so that what lies whole before a cohort begins with the second one.
    second = calendar.start(np.array([parts["cohort"].min() + 1]))
    return int(second.as_unit("us").asi8[0]) + needed


def uncertain(starts: pd.DatetimeIndex, whole: int | None) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Which cohorts begin too soon after the log does."""
    at = starts.as_unit("us").asi8
    return at < whole if whole is not None else np.zeros(len(at), bool)


def in_words(whole: int | None) -> str:
    """What the flag says, as a sentence; nothing where no cohort can have it."""
    if whole is None:
        return ""
    return (
        f" Cohorts before {spoken(whole, 'UTC')[:10]} are uncertain: the log before them is too short to know a first."
    )
