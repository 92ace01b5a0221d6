"""How long was each user active before going silent? From events to durations for a survival curve."""

import numpy as np
import pandas as pd

from metrics.engine import Events, Mark, Reading, Rows, Span, by_user
from metrics.engine.local import Columns
from metrics.periods import When, duration, spoken
from metrics.results import result
from metrics.steps import EventChoice, Step, as_step


def user_stays(
    events: Events,
    *,
    as_of: When,
    event: EventChoice = None,
    inactive_for: str = "30 days",
    unit: str = "user_id",
    tz: str = "UTC",
) -> pd.DataFrame:
    """How long was each user active, from the first row to the first long silence?

    A user is active until `inactive_for` after their latest row, as in `churn_rate`, and has left when that time ends
    without another. Who is still active at `as_of` has been seen for so long, and may stay. Who comes back later has
    still left once.

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    event
        What counts as activity: an event's name, a `Step`, or None for any.
    inactive_for
        Silence after which a user no longer counts as active: ``"30 days"``.
    unit
        Column whose distinct values are counted.
    tz
        Zone of `as_of`.

    Returns
    -------
    DataFrame, one row per unit, in order of `unit`
        user_id     text       the column of `unit`
        started_at  instant    first row
        duration    timedelta  from there to the end of the first activity, or to `as_of`
        churned     bool       the activity ended before `as_of`

    Raises
    ------
    ValueError
        An event that no row has, a span without a unit.
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01 ann use
    ...     2026-01-11 ann use
    ...     2026-02-20 ben use
    ... ''')
    >>> user_stays(log, as_of="2026-03-01")[["user_id", "duration", "churned"]]
      user_id duration  churned
    0     ann  40 days     True
    1     ben   9 days    False
    """
    span, silence = Span.read(since=None, until=None, as_of=as_of, tz=tz), duration(inactive_for, name="inactive_for")
    what = as_step(event, "event")
    reading = Reading((Mark(what, "event", needed=True),), span.as_of, (unit,), everything=True)
    answer = by_user(events, reading, _stays, what=what, silence=silence, as_of=span.as_of)
    columns = answer.columns
    table = pd.DataFrame({
        unit: answer.labels(columns["unit"]),
        "started_at": pd.DatetimeIndex(columns["started"].view("M8[us]"), tz="UTC"),
        "duration": columns["duration"].view("m8[us]"),
        "churned": columns["churned"],
    }).sort_values(unit, ignore_index=True)  # fmt: skip
    settings = {
        "event": what.label, "inactive_for": inactive_for, "as_of": spoken(span.as_of, tz), "unit": unit, "tz": tz,
    }  # fmt: skip
    definition = (
        f"A {unit} is active until {inactive_for} after they last did {what.label}, and has left when that time ends "
        "without another; who is still active at the end of the data may stay. Duration: from the first row on."
    )
    return result(table, metric="user_stays", definition=definition, settings=settings)


def _stays(rows: Rows, what: Step, silence: int, as_of: int) -> Columns:
    use = rows.meets(0)
    if what.first_time_only:
        use = rows.first_of_unit(use)
    unit, time = rows.unit[use], rows.time[use]
    follows = unit[1:] == unit[:-1] if len(unit) else np.zeros(0, bool)
    first = np.flatnonzero(np.r_[True, ~follows][: len(unit)])
    # The first activity of a unit ends at its first row that none follows within the silence.
    broken = np.flatnonzero(~np.r_[follows & (np.diff(time) <= silence), False][: len(unit)])
    end = time[broken[np.searchsorted(broken, first)]] + silence if len(first) else time[first]
    churned = end < as_of  # at the last moment a row would still have kept them
    return {
        "unit": rows.ids[unit[first]], "started": time[first],
        "duration": np.where(churned, end, as_of) - time[first], "churned": churned,
    }  # fmt: skip
