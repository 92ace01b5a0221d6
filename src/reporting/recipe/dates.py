"""Dates as they are written: ``2026-07-01``, or counted from the day of the run, ``today-1d``."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

RELATIVE = re.compile(r"(today|yesterday)(?:([+-])([0-9]{1,5})([dw]))?")
DAYS = {"d": 1, "w": 7}


def is_date(value: object) -> bool:
    """Whether a value is a date, a moment, or the text of one.

    >>> is_date("2026-07-01"), is_date("2026-07-01T06:30+02:00"), is_date("2026-02-30"), is_date("20260701")
    (True, True, False, False)
    """
    if isinstance(value, date):
        return True
    if not isinstance(value, str) or re.match(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value) is None:
        return False
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def is_relative(value: object) -> bool:
    """Whether a text is a date counted from the day of the run.

    >>> is_relative("today-1d"), is_relative("today+2w"), is_relative("today - 1"), is_relative("2026-07-01")
    (True, True, False, False)
    """
    return isinstance(value, str) and RELATIVE.fullmatch(value) is not None


def resolved(value: str, today: date) -> str:
    """Date of a text, if it is counted from the day of the run; else the same text.

    >>> (
    ...     resolved("yesterday", date(2026, 3, 1)),
    ...     resolved("today-2w", date(2026, 3, 1)),
    ...     resolved("May", date(2026, 3, 1)),
    ... )
    ('2026-02-28', '2026-02-15', 'May')
    """
    match = RELATIVE.fullmatch(value)
    if match is None:
        return value
    day = today - timedelta(days=1 if match[1] == "yesterday" else 0)
    if match[2]:
        distance = timedelta(days=int(match[3]) * DAYS[match[4]])
        try:
            day = day + distance if match[2] == "+" else day - distance
        except OverflowError:
            raise ValueError(f"{value!r} is before the year 1 or after 9999") from None
    return day.isoformat()


def today_in(zone: str | None) -> date:
    """Today's date in a zone, in UTC if there is none."""
    return datetime.now(ZoneInfo(zone) if zone else UTC).date()
