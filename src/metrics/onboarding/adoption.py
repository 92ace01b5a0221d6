"""Adoption: who takes up a feature, how soon, and who uses it again?"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.engine import Events, Mark, Reading, Span, by_user, each_group, typed
from metrics.intervals import add_rate, no_denominator
from metrics.onboarding.firsts import MEDIAN, NEVER, firsts_of, median_days
from metrics.onboarding.progress import goals_of
from metrics.periods import Calendar, When, duration, spoken
from metrics.results import blank, join_reasons, keys, result, too_few
from metrics.steps import EventChoice, Step

_COLUMNS = [
    "feature", "users", "adopters", "adoption_rate", "adoption_rate_low", "adoption_rate_high", *MEDIAN,
    "repeat_rate", "repeat_rate_low", "repeat_rate_high", "open", "reason",
]  # fmt: skip


def feature_adoption(
    events: Events,
    *,
    features: Sequence[EventChoice],
    as_of: When,
    by: str | list[str] | None = None,
    window: str | None = None,
    min_n: int = 10,
    since: When | None = None,
    until: When | None = None,
    unit: str = "user_id",
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of the users takes up a feature, after how many days, and who uses it again?

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    features
        The events that are the use of a feature, each a name or a `Step`.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    by
        Property column or list, read from the unit's first row.
    window
        Time from a unit's first row within which a use counts as adoption: ``"30 days"``, its last instant included.
        Units that still have it are `open`, and not in the rate. Default: any time before `as_of`.
    min_n
        A rate over fewer is NA with the reason ``below_min_n``; its counts stand.
    since, until
        Half-open range in which the first row of a unit must lie.
    unit
        Column whose distinct values are counted.
    tz
        Zone of dates, in which days are cut.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per feature (and group)
        feature            text
        users              count   units seen, whose `window` is over
        adopters           count   of these, used the feature (within it)
        adoption_rate (…)  0 to 1  adopters / users, Wilson
        median_days (…)    days    from the first row of all to the first use, Kaplan-Meier over all units seen: who has
                                   not used it is watched so far; NA while more than half have not
        repeat_rate (…)    0 to 1  adopters who used it again on a later local day / adopters, Wilson; it still rises
        open               count   units that are in no rate, for their window is not over
        reason             text    ``adoption_rate: immature`` (all windows are open), ``below_min_n``,
                                   ``zero_denominator``, ``median_days: above_half``

    Raises
    ------
    ValueError
        No features, a window without a unit.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01  ann  visit
    ...     2026-01-02  ann  export
    ...     2026-01-09  ann  export
    ...     2026-01-05  ben  visit
    ... ''')
    >>> table = feature_adoption(log, features=["export"], as_of="2026-01-31", min_n=1)
    >>> table[["feature", "users", "adopters", "adoption_rate", "median_days", "repeat_rate"]]
      feature  users  adopters  adoption_rate  median_days  repeat_rate
    0  export      2         1            0.5          1.0          1.0
    """
    goals = goals_of(features, "features")
    span = Span.read(since=since, until=until, as_of=as_of, tz=tz)
    allowed = None if window is None else duration(window)
    groups = keys(by, taken=_COLUMNS)
    marks = (Mark(Step(None), "events"), *(Mark(goal, "features") for goal in goals))
    reading = Reading(marks, span.as_of, (unit,), groups=tuple(groups))
    firsts = tuple(k for k, mark in enumerate(marks) if mark.step.first_time_only)
    answer = by_user(
        events, reading, firsts_of, goals=len(goals), firsts=firsts, since=span.since, until=span.until,
        days=Calendar("day", tz),
    )  # fmt: skip
    found = []
    for key, units in each_group(answer, groups):
        start = units["start"]
        # The last instant of the window belongs to it, and is observed only if it lies before `as_of`.
        over = np.ones(len(start), bool) if allowed is None else start + allowed < span.as_of
        for place, goal in enumerate(goals, start=1):
            first, again = units[f"first {place}"], units[f"again {place}"]
            used = over & (first != NEVER)
            if allowed is not None:
                used &= first <= start + allowed
            found.append(key | {
                "feature": goal.label, "users": int(over.sum()), "open": int((~over).sum()),
                "adopters": int(used.sum()), "_repeated": int((used & (again != NEVER)).sum()),
                **median_days(start, first, span.as_of, confidence),
            })  # fmt: skip
    counts = ["users", "adopters", "_repeated", "open"]
    table = pd.DataFrame(found, columns=[*groups, "feature", *counts, *MEDIAN, "_median_reason"])
    table = typed(table.astype({"feature": "str", **dict.fromkeys(counts, "int64")}), answer, groups)
    table = add_rate(table, "adoption_rate", "adopters", "users", confidence)
    table = add_rate(table, "repeat_rate", "_repeated", "adopters", confidence)
    early = no_denominator(table["users"]).mask((table["users"] == 0) & (table["open"] > 0), "immature")
    reasons = {
        "adoption_rate": too_few(early, table["users"], min_n),
        "median_days": table["_median_reason"],
        "repeat_rate": too_few(no_denominator(table["adopters"]), table["adopters"], min_n),
    }
    for name in ("adoption_rate", "repeat_rate"):
        table = blank(table, reasons[name].notna(), [name, f"{name}_low", f"{name}_high"])
    table["reason"] = join_reasons(table, **reasons)
    settings = {
        "window": window, "as_of": spoken(span.as_of, tz), "tz": tz, "unit": unit, "by": groups or None,
        "since": None if since is None else spoken(span.since, tz),
        "until": None if until is None else spoken(span.until, tz), "min_n": min_n, "confidence": confidence,
    }  # fmt: skip
    within = f" before {spoken(span.as_of, tz)}"
    if window:
        within = f" within {window} of its first event, of those whose {window} are over"
    definition = (
        f"A {unit} has adopted a feature if it used it{within}. Median days from its "
        "first event to the first use, by Kaplan-Meier. Repeat rate: adopters who used it again on a later day."
    )
    return result(
        table, metric="feature_adoption", definition=definition, settings=settings, columns=[*groups, *_COLUMNS]
    )
