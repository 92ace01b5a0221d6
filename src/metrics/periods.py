"""Time: every decision about instants, spans and calendar periods.

Inside the package an instant is a whole number of microseconds since 1970 in UTC (int64, as pandas stores it).
Periods are cut by the local date in a zone, so that the day on which the clocks change has 23 or 25 hours and is
still one day. A span is half-open: its start belongs to it, its end does not.
"""

import difflib
import re
import zoneinfo
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import numpy.typing as npt
import pandas as pd

Period: TypeAlias = Literal["hour", "day", "week", "month", "quarter", "year"]
WeekStart: TypeAlias = Literal["monday", "sunday"]
When: TypeAlias = str | pd.Timestamp
Ints: TypeAlias = npt.NDArray[np.int64]

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
SLOT = 900 * SECOND  # zones have moved by whole quarters of an hour since 1972
MOST_PERIODS = 1_000_000
MANY_SLOTS = 400_000  # eleven years of them

_MISSING = np.iinfo(np.int64).min  # a missing time, as pandas stores it
_UNITS = {
    "second": SECOND,
    "minute": MINUTE,
    "hour": HOUR,
    "day": DAY,
    "week": 7 * DAY,
}


def zone(tz: str, name: str = "tz") -> str:
    """Check that `tz` names a time zone, and return it.

    >>> zone("Europe/Berlin")
    'Europe/Berlin'
    """
    if tz not in _zones():
        near = difflib.get_close_matches(str(tz), _zones(), n=1)
        hint = f" Did you mean {near[0]!r}?" if near else " Use a name such as 'Europe/Berlin'."
        raise ValueError(f"{name}: {tz!r} is not a time zone.{hint}")
    return tz


@cache
def _zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() | {"UTC"})


def instant(when: When, *, tz: str = "UTC", name: str = "as_of") -> int:
    """Microseconds since 1970 of a date in `tz`, or of an instant.

    A date or a time without a zone is read on the clocks of `tz`; a time with a zone keeps its own.

    >>> instant("1970-01-02") == DAY
    True
    >>> instant("2026-03-29", tz="Europe/Berlin") == instant("2026-03-28T23:00Z")
    True
    """
    is_time = isinstance(when, np.datetime64) or hasattr(when, "isoformat")
    # Only ISO texts: 03.04.2026 is March to some and April to others.
    if not is_time and not (isinstance(when, str) and re.match(r"\s*\d{4}-\d\d-\d\d(\D|$)", when)):
        raise ValueError(f"{name}: {when!r} is not a date or a time. Use text such as '2026-03-31'.")
    try:
        stamp = pd.Timestamp(when)
    except (ValueError, TypeError) as cause:
        raise ValueError(f"{name}: {when!r} is not a date or a time. Use text such as '2026-03-31'.") from cause
    if pd.isna(stamp):
        raise ValueError(f"{name} is missing. Use a date such as '2026-03-31'.")
    time = stamp.as_unit("us").asm8.astype(np.int64)
    return int(time if stamp.tzinfo is not None else instants(np.array([time]), tz)[0])


def microseconds(stamps: pd.Series) -> Ints:
    """Times of a column, with a zone or without, as whole microseconds since 1970 (in UTC where they have a zone)."""
    time: Ints = stamps.dt.as_unit("us").to_numpy("M8[us]").view(np.int64)
    return time


def duration(text: str, *, name: str = "window") -> int:
    """Microseconds of a span with its unit, such as ``"14 days"`` or ``"36 hours"``.

    Months and years are no durations: they have no one length.

    >>> duration("36 hours") / DAY
    1.5
    """
    found = None
    if isinstance(text, str):
        found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+?)s?\s*", text.lower())
    if not found or found[2] not in _UNITS:
        allowed = ", ".join(f"{unit}s" for unit in _UNITS)
        raise ValueError(f"{name}: {text!r} is not a span of time. Use a number and a unit ({allowed}): '14 days'.")
    span = round(float(found[1]) * _UNITS[found[2]])
    if not 0 < span < 1000 * 366 * DAY:
        raise ValueError(f"{name}: {text!r} is not a span that can be counted. Use one from above 0 to 1,000 years.")
    return span


def local_time(time: Ints, tz: str) -> Ints:
    """Wall-clock microseconds in `tz` of instants in UTC."""
    if tz == "UTC" or not len(time):
        return time
    slot = time // SLOT
    first, many = int(slot.min()), int(slot.max()) - int(slot.min()) + 1
    if many <= max(MANY_SLOTS, len(slot)):
        slots, place = np.arange(first, first + many, dtype=np.int64), slot - first
    else:  # one instant far from the others must not ask for all slots in between
        slots, place = np.unique(slot, return_inverse=True)
    starts = slots * SLOT
    wall = pd.DatetimeIndex(starts.view("M8[us]"), tz="UTC").tz_convert(zone(tz)).tz_localize(None)
    shift = wall.as_unit("us").asi8 - starts
    return time + shift[place]


def instants(wall: Ints, tz: str) -> Ints:
    """Microseconds in UTC at which the clocks of `tz` show these times.

    Of a time that they show twice it is the first one, of a time that they leave out the first moment after the gap.
    """
    wall = np.asarray(wall, np.int64)
    if tz == "UTC":
        return wall
    first = np.ones(len(wall), bool)
    found = pd.DatetimeIndex(wall.view("M8[us]")).tz_localize(zone(tz), ambiguous=first, nonexistent="NaT")
    time: Ints = found.as_unit("us").asi8.copy()
    for place in np.flatnonzero(found.isna() & (wall != _MISSING)):
        time[place] = _after_gap(int(wall[place]), tz)
    return time


@cache
def _after_gap(wall: int, tz: str) -> int:
    """The first whole minute at which the clocks show a later time: pandas' own shift is hours off in some zones."""
    minutes = np.arange(wall // MINUTE - 40 * 60, wall // MINUTE + 40 * 60) * MINUTE
    shown = pd.DatetimeIndex(minutes.view("M8[us]"), tz="UTC").tz_convert(tz).tz_localize(None)
    return int(minutes[np.argmax(shown.as_unit("us").asi8 > wall)])


@cache
def _days_left_out(tz: str) -> Ints:
    """Dates that a zone never had, counted from 1970, as where it moved to the other side of the date line."""
    months = np.arange(12 * 130).view("M8[M]").astype("M8[us]").view(np.int64)
    if np.abs(np.diff(local_time(months, tz) - months)).max() < DAY // 2:
        return np.arange(0)
    days = np.arange(months[-1] // DAY)
    left_out: Ints = days[:-1][np.diff(instants(days * DAY, tz)) == 0]
    return left_out


@dataclass(frozen=True)
class Calendar:
    """Hours, days, weeks, months, quarters or years on the clocks of a zone, each with a running number.

    The hours of a clock change are those that pass: none is counted that the clocks leave out, and one that they repeat
    is two. Where the clocks move by half an hour, one of its hours has 30 or 90 minutes. Likewise days are those that
    pass: Samoa went from 29 to 31 December 2011, which follow each other.
    """

    period: Period
    tz: str = "UTC"
    week_start: WeekStart = "monday"

    def __post_init__(self) -> None:
        one_of("period", self.period, Period)
        one_of("week_start", self.week_start, WeekStart)
        zone(self.tz)

    def number(self, time: Ints) -> Ints:
        """Running number of the period in which each instant lies."""
        time = np.asarray(time, dtype=np.int64)
        wall = local_time(time, self.tz)
        if self.period == "day":
            day = wall // DAY
            left_out = _days_left_out(self.tz)
            return day - np.searchsorted(left_out, day, side="right") if len(left_out) else day
        if self.period == "hour":
            return (time + (wall - time) % HOUR) // HOUR
        if self.period == "week":
            return (wall // DAY + self._weekday_of_1970) // 7
        months = wall.view("M8[us]").astype("M8[M]").astype(np.int64)
        return months // {"month": 1, "quarter": 3, "year": 12}[self.period]

    def between(self, low: int, high: int) -> Ints:
        """Numbers of the periods from one to another, both of them; more than a table can hold are refused."""
        many = high - low + 1
        if many > MOST_PERIODS:
            raise ValueError(f"The range has {many:,} {self.period}s. Use a longer period, or since and until.")
        return np.arange(low, high + 1)

    def start(self, number: Ints) -> pd.DatetimeIndex:
        """First moment of each period on the clocks of the zone, without a zone."""
        number = np.asarray(number, dtype=np.int64)
        if self.period == "hour":
            return pd.DatetimeIndex(local_time(self.begins(number), self.tz).view("M8[us]"))
        if self.period == "day":
            left_out = _days_left_out(self.tz)
            days = (number + np.searchsorted(left_out - np.arange(len(left_out)), number, side="right")).view("M8[D]")
        elif self.period == "week":
            days = (number * 7 - self._weekday_of_1970).view("M8[D]")
        else:
            days = (number * {"month": 1, "quarter": 3, "year": 12}[self.period]).view("M8[M]").astype("M8[D]")
        return pd.DatetimeIndex(days.astype("M8[us]"))

    def begins(self, number: Ints) -> Ints:
        """First instant of each period, in UTC."""
        if self.period == "hour":
            whole = np.asarray(number, dtype=np.int64) * HOUR
            found = np.full(len(whole), np.iinfo(np.int64).max)
            for near in (whole - HOUR, whole, whole + HOUR):  # hours begin so long before those of UTC as clocks say
                begin = whole - (local_time(near, self.tz) - near) % HOUR
                found = np.where(self.number(begin) == whole // HOUR, np.minimum(found, begin), found)
            return found
        return instants(self.start(number).asi8, self.tz)

    @property
    def _weekday_of_1970(self) -> int:
        return 3 if self.week_start == "monday" else 4  # 1 January 1970 was a Thursday


def one_of(name: str, value: Any, choices: Any) -> None:
    """Refuse a mode that does not exist, naming those that do."""
    allowed = get_args(choices)
    if value not in allowed:
        raise ValueError(f"{name}: {value!r} is not known. Use one of {', '.join(map(repr, allowed))}.")


def spoken(time: int, tz: str) -> str:
    """An instant as text on the clocks of `tz`, to the minute where that loses nothing."""
    stamp = pd.Timestamp(time, unit="us", tz="UTC").tz_convert(tz)
    return stamp.strftime("%Y-%m-%d %H:%M" if time % MINUTE == 0 else "%Y-%m-%d %H:%M:%S.%f")
