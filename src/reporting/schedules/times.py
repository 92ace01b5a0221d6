"""When a report is due: a sentence in the recipe, and what each engine makes of it.

    every day at 06:00 Europe/Berlin
    every weekday at 06:00
    every monday and thursday at 18:30 America/New_York
    every month on the 1st at 07:00
    every hour at :15

The zone is UTC if none is named. A time that the clock change leaves out is due when the
clocks have moved on; one that comes twice is due at its first.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SENTENCE = re.compile(
    r"every (?P<what>[a-z, ]+?)(?: on the (?P<date>\d{1,2})(?:st|nd|rd|th)?)?"
    r" at (?P<hour>\d{1,2})?:(?P<minute>\d\d)(?: +(?P<zone>[A-Za-z0-9_+/-]+))?"
)
HOW = "Write it as 'every weekday at 06:00 Europe/Berlin', 'every month on the 1st at 07:00' or 'every hour at :15'."


class Line(NamedTuple):
    """Five fields of cron, and the offset of the schedule's zone at which they are right."""

    fields: str
    offset: str


@dataclass(frozen=True)
class Times:
    """Points in time that come again and again, by the clocks of a zone."""

    minute: int
    hour: int | None = None  # None: every hour
    weekdays: tuple[int, ...] = tuple(range(7))  # Monday is 0
    monthday: int | None = None
    zone: str = "UTC"

    @classmethod
    def read(cls, text: str) -> "Times":
        """The times that a sentence names.

        Raises
        ------
        ValueError
            The sentence names none, a zone that is not known, or a day that some months lack.

        Examples
        --------
        >>> Times.read("every weekday at 06:00 Europe/Berlin").cron()
        '0 6 * * 1-5'
        """
        found = SENTENCE.fullmatch(" ".join(text.split()))
        if found is None:
            raise ValueError(f"{text!r} names no time. {HOW}")
        what, zone = found["what"], found["zone"] or "UTC"
        hour = None if found["hour"] is None else int(found["hour"])
        minute = int(found["minute"])
        if (hour is not None and hour > 23) or minute > 59:
            raise ValueError(f"{text!r}: there is no such time of day. {HOW}")
        if (hour is None) != (what == "hour"):
            raise ValueError(f"{text!r}: 'every hour' takes minutes alone, everything else an hour too. {HOW}")
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(
                f"{text!r}: {zone!r} is no time zone. Use a name such as 'Europe/Berlin' or 'UTC'."
            ) from None
        monthday = None
        if what == "month":
            monthday = int(found["date"] or 1)
            if not 1 <= monthday <= 28:
                raise ValueError(f"{text!r}: not every month has a day {monthday}. Use one from 1 to 28.")
        elif found["date"]:
            raise ValueError(f"{text!r}: a day of the month goes with 'every month'. {HOW}")
        return cls(minute, hour, _weekdays(what, text), monthday, zone)

    @property
    def tz(self) -> ZoneInfo:
        """The zone whose clocks count."""
        return ZoneInfo(self.zone)

    def last(self, at: datetime) -> datetime:
        """The latest time that is not after `at`, UTC."""
        if self.hour is None:
            due = at.astimezone(self.tz).replace(minute=self.minute, second=0, microsecond=0).astimezone(UTC)
            return due if due <= at else due - timedelta(hours=1)
        day = at.astimezone(self.tz).date() + timedelta(days=1)
        while True:
            if self._has(day) and (due := self._on(day)) <= at:
                return due
            day -= timedelta(days=1)

    def next(self, at: datetime) -> datetime:
        """The first time after `at`, UTC.

        >>> Times.read("every day at 02:30 Europe/Berlin").next(datetime(2026, 3, 28, 12, tzinfo=UTC)).isoformat()
        '2026-03-29T01:00:00+00:00'
        """
        if self.hour is None:
            return self.last(at) + timedelta(hours=1)
        day = at.astimezone(self.tz).date() - timedelta(days=1)
        while True:
            if self._has(day) and (due := self._on(day)) > at:
                return due
            day += timedelta(days=1)

    def cron(self) -> str:
        """Five fields of cron, on the clocks of the own zone."""
        return _fields(self.minute, self.hour, self.weekdays, self.monthday)

    def cron_on(self, clock: str, year: int = 2026) -> list[Line]:
        """Five fields of cron, on the clocks of another zone: one line for each distance of the two in the year.

        Some of these lines come at a wrong hour for half a year. Whoever starts there must ask whether anything is
        due, or compare the offset.

        Raises
        ------
        ValueError
            The day of the month would be another day there.

        Examples
        --------
        >>> [tuple(line) for line in Times.read("every day at 06:00 Europe/Berlin").cron_on("UTC")]
        [('0 5 * * *', '+0100'), ('0 4 * * *', '+0200')]
        """
        there = ZoneInfo(clock)
        lines: dict[Line, None] = {}
        for number in range(731):
            day = date(year, 1, 1) + timedelta(days=number)
            due = datetime(day.year, day.month, day.day, self.hour or 0, self.minute, tzinfo=self.tz)
            local = due.astimezone(there)
            moved = (local.date() - day).days
            if moved and self.monthday is not None and self.hour is not None:
                raise ValueError(
                    f"{self}: on clocks of {clock} this is another day of the month. Choose another hour or zone."
                )
            weekdays = tuple(sorted((weekday + moved) % 7 for weekday in self.weekdays))
            hour = None if self.hour is None else local.hour
            lines[Line(_fields(local.minute, hour, weekdays, self.monthday), f"{due:%z}")] = None
        return list(lines)

    def calendar(self) -> str:
        """The same for systemd's ``OnCalendar=``, which knows zones.

        >>> Times.read("every monday and friday at 06:00 Europe/Berlin").calendar()
        'Mon,Fri *-*-* 06:00:00 Europe/Berlin'
        """
        days = "" if len(self.weekdays) == 7 else f"{','.join(DAYS[d][:3].title() for d in self.weekdays)} "
        date_part = "*-*-*" if self.monthday is None else f"*-*-{self.monthday:02}"
        hour = "*" if self.hour is None else f"{self.hour:02}"
        return f"{days}{date_part} {hour}:{self.minute:02}:00 {self.zone}"

    def __str__(self) -> str:
        if self.hour is None:
            return f"every hour at :{self.minute:02} {self.zone}"
        if self.monthday is not None:
            what = f"month on the {self.monthday}{_ending(self.monthday)}"
        elif len(self.weekdays) == 7:
            what = "day"
        elif self.weekdays == (0, 1, 2, 3, 4):
            what = "weekday"
        else:
            what = " and ".join(DAYS[d] for d in self.weekdays)
        return f"every {what} at {self.hour:02}:{self.minute:02} {self.zone}"

    def _has(self, day: date) -> bool:
        return day.weekday() in self.weekdays and self.monthday in (None, day.day)

    def _on(self, day: date) -> datetime:
        """The due instant of a local day."""
        due = datetime(day.year, day.month, day.day, self.hour or 0, self.minute, tzinfo=self.tz)
        instant = due.astimezone(UTC)
        if instant.astimezone(self.tz).replace(tzinfo=None) == due.replace(tzinfo=None):
            return instant
        before = due.utcoffset()  # left out by the clock change: back to the first instant after it
        while (instant - timedelta(minutes=1)).astimezone(self.tz).utcoffset() != before:
            instant -= timedelta(minutes=1)
        return instant


def _weekdays(what: str, text: str) -> tuple[int, ...]:
    if what in ("hour", "day", "month"):
        return tuple(range(7))
    if what == "weekday":
        return tuple(range(5))
    names = [name for name in re.split(r" and |,| ", what) if name]
    unknown = [name for name in names if name not in DAYS]
    if unknown:
        raise ValueError(f"{text!r}: {unknown[0]!r} is no day. {HOW}")
    return tuple(sorted({DAYS.index(name) for name in names}))


def _fields(minute: int, hour: int | None, weekdays: tuple[int, ...], monthday: int | None) -> str:
    """Fields of cron, whose week begins with Sunday as 0."""
    days = sorted((weekday + 1) % 7 for weekday in weekdays)
    if len(days) == 7:
        week = "*"
    elif len(days) > 2 and days[-1] - days[0] == len(days) - 1:
        week = f"{days[0]}-{days[-1]}"
    else:
        week = ",".join(map(str, days))
    return f"{minute} {'*' if hour is None else hour} {'*' if monthday is None else monthday} * {week}"


def _ending(number: int) -> str:
    return {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(number, "th")
