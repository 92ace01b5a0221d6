"""Quality: what does an export hold, from when to when, and how full is it?

Counts of rows, not of people: these tables say whether the data can be trusted, and no metric is made of them.
"""

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.events.table import conform
from metrics.periods import Calendar, When, duration, instant, local_time
from metrics.results import result

HOUR = 3_600_000_000


def event_arrivals(events: pd.DataFrame, *, as_of: When, tz: str = "UTC", late_after: str = "24 hours") -> pd.DataFrame:
    """How many rows happened on each day, and how many of them arrived late?

    Every day from the first row to `as_of` has its row, also one without events: a gap is a 0, not a hole.

    Parameters
    ----------
    events
        Event table, as `read_events` returns it.
    as_of
        First moment not observed; rows at or after it are left out.
    tz
        Zone in which days begin.
    late_after
        Time between `timestamp` and `received_at` after which a row is late, such as ``"24 hours"``.

    Returns
    -------
    DataFrame, one row per local day
        period_start     day, on the clocks of `tz`
        rows             int
        users            int     users with a row on that day
        anonymous        int     rows of nobody known (the user is the anonymous id); 0 without such ids
        anonymous_share  0 to 1  anonymous / rows, NA on a day without rows
        late             int     received more than `late_after` after they happened; NA without `received_at`
        late_share       0 to 1  late / rows
        complete         bool    the day was over at `as_of`

    Raises
    ------
    EventTableError
        `events` is no event table.
    ValueError
        An argument is wrong.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05", "2026-01-05", "2026-01-07"], utc=True)
    >>> log = pd.DataFrame({"user_id": ["ann", "bob", "ann"], "event": "visit", "timestamp": at})
    >>> event_arrivals(log, as_of="2026-01-08")[["period_start", "rows", "users"]]
      period_start  rows  users
    0   2026-01-05     2      2
    1   2026-01-06     0      0
    2   2026-01-07     1      1
    """
    calendar, end = Calendar("day", tz), instant(as_of, tz=tz)
    allowed = duration(late_after, name="late_after")
    events = conform(events)
    time = np.asarray(events["timestamp"].astype("int64"), np.int64)
    events, time = events[time < end], time[time < end]
    number = calendar.number(time)
    days = np.arange(number.min(), calendar.number(np.array([end - 1]))[0] + 1) if len(number) else number
    place = number - days[0] if len(days) else number
    table = pd.DataFrame({"period_start": calendar.start(days), "rows": np.bincount(place, minlength=len(days))})
    distinct = pd.DataFrame({"day": place, "user": events["user_id"].to_numpy()}).drop_duplicates()
    table["users"] = np.bincount(distinct["day"].to_numpy(np.int64), minlength=len(days))
    unknown = _unknown(events)
    table["anonymous"] = np.bincount(place[unknown], minlength=len(days))
    table["anonymous_share"] = table["anonymous"] / table["rows"].where(table["rows"] > 0)
    received = events.get("received_at")
    if received is not None and isinstance(received.dtype, pd.DatetimeTZDtype):
        late = ((received - events["timestamp"]) > pd.Timedelta(allowed, unit="us")).to_numpy(bool)
        table["late"] = pd.array(np.bincount(place[late], minlength=len(days)), "Int64")
    else:
        table["late"] = pd.array([None] * len(days), "Int64")
    table["late_share"] = table["late"].astype("Float64").astype("float64") / table["rows"].where(table["rows"] > 0)
    table["complete"] = calendar.begins(days + 1) <= end if len(days) else np.zeros(0, bool)
    definition = f"Rows by the local day on which they happened; late: received more than {late_after} after."
    return result(
        table, metric="event_arrivals", definition=definition,
        settings={"as_of": str(as_of), "tz": tz, "late_after": late_after, "period": "day"},
    )  # fmt: skip


def arrival_hours(events: pd.DataFrame, *, tz: str = "UTC") -> pd.DataFrame:
    """At which hours of the day do events happen? A night at noon is a wrong zone.

    Parameters
    ----------
    events
        Event table, as `read_events` returns it.
    tz
        Zone whose clocks are read.

    Returns
    -------
    DataFrame, 24 rows
        hour   0 to 23 on the clocks of `tz`
        rows   int
        share  0 to 1  rows / all rows, NA without any

    Raises
    ------
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05 09:10", "2026-01-06 09:50", "2026-01-06 23:00"], utc=True)
    >>> log = pd.DataFrame({"user_id": "ann", "event": "visit", "timestamp": at})
    >>> hours = arrival_hours(log)
    >>> hours[hours["rows"] > 0]["hour"].tolist()
    [9, 23]
    """
    time = np.asarray(conform(events)["timestamp"].astype("int64"), np.int64)
    hour = (local_time(time, tz) // HOUR) % 24
    rows = np.bincount(hour, minlength=24)
    table = pd.DataFrame({"hour": np.arange(24), "rows": rows, "share": rows / (len(time) or np.nan)})
    definition = f"Rows by the hour of the day in {tz} in which they happened / all rows."
    return result(table, metric="arrival_hours", definition=definition, settings={"tz": tz})


def event_dictionary(events: pd.DataFrame) -> pd.DataFrame:
    """Which events are there, how often, and from when to when?

    Parameters
    ----------
    events
        Event table, as `read_events` returns it.

    Returns
    -------
    DataFrame, one row per event, the most frequent first
        event       str
        rows        int
        share       0 to 1  rows / all rows
        users       int
        first_seen  instant, UTC
        last_seen   instant, UTC: one long before the others ended, or was renamed
        properties  int     columns that any of its rows fills

    Raises
    ------
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05", "2026-01-06", "2026-01-07"], utc=True)
    >>> log = pd.DataFrame({"user_id": "ann", "event": ["visit", "buy", "visit"], "timestamp": at})
    >>> log["net"] = [None, 5.0, None]
    >>> event_dictionary(log)[["event", "rows", "users", "properties"]]
       event  rows  users  properties
    0  visit     2      1           0
    1    buy     1      1           1
    """
    events = conform(events)
    by = events.groupby("event", sort=True)
    table = by.agg(
        rows=("event", "size"), users=("user_id", "nunique"), first_seen=("timestamp", "min"),
        last_seen=("timestamp", "max"),
    )  # fmt: skip
    filled = events[_properties(events)].notna().groupby(events["event"], sort=True).any()
    table["properties"] = filled.sum(axis=1).astype("int64") if len(filled.columns) else 0
    table = table.reset_index().sort_values(["rows", "event"], ascending=[False, True], ignore_index=True)
    table["share"] = table["rows"] / (len(events) or np.nan)
    columns = ["event", "rows", "share", "users", "first_seen", "last_seen", "properties"]
    definition = "Rows and users by event, with its first and last row; share = rows / all rows."
    return result(table, metric="event_dictionary", definition=definition, settings={}, columns=columns)


def property_coverage(events: pd.DataFrame) -> pd.DataFrame:
    """Which properties does each event have, and how often are they filled?

    Parameters
    ----------
    events
        Event table, as `read_events` returns it.

    Returns
    -------
    DataFrame, one row per event and property that any of its rows fills
        event          str
        property       str
        rows           int     rows of the event
        filled         int     rows in which the property has a value
        coverage_rate  0 to 1  filled / rows
        values         int     different values
        example        str     the most frequent one (of several the first by name)

    Raises
    ------
    EventTableError
        `events` is no event table.

    Examples
    --------
    >>> at = pd.to_datetime(["2026-01-05", "2026-01-06"], utc=True)
    >>> log = pd.DataFrame({"user_id": "ann", "event": "buy", "timestamp": at, "plan": ["pro", None]})
    >>> property_coverage(log)[["property", "filled", "coverage_rate", "example"]]
      property  filled  coverage_rate example
    0     plan       1            0.5     pro
    """
    events = conform(events)
    found = []
    for event, rows in events.groupby("event", sort=True):
        for name in _properties(events):
            values = rows[name].dropna().astype("str")
            if not len(values):
                continue
            counts = values.value_counts()
            usual = min(counts.index[counts == counts.iloc[0]])
            found.append((event, name, len(rows), len(values), len(values) / len(rows), len(counts), usual[:80]))
    columns = ["event", "property", "rows", "filled", "coverage_rate", "values", "example"]
    table = pd.DataFrame(found, columns=columns).astype(
        {"event": "str", "property": "str", "rows": "int64", "filled": "int64", "coverage_rate": "float64",
         "values": "int64", "example": "str"}
    )  # fmt: skip
    definition = "Coverage = rows of an event in which a property has a value / rows of that event."
    return result(table, metric="property_coverage", definition=definition, settings={})


def _properties(events: pd.DataFrame) -> list[str]:
    own = {"user_id", "event", "timestamp", "event_id", "anonymous_id", "received_at"}
    return [str(name) for name in events.columns if name not in own]


def _unknown(events: pd.DataFrame) -> npt.NDArray[np.bool_]:
    if "anonymous_id" not in events:
        return np.zeros(len(events), bool)
    same: npt.NDArray[np.bool_] = (events["anonymous_id"].astype("str") == events["user_id"]).to_numpy(
        bool, na_value=False
    )
    return same
