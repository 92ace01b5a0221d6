"""An event table written as a log, so that anyone can check an example by eye.

One line is one event: date, time if it matters, user, event, then properties.

    2026-01-01              ann  visit               # midnight
    2026-01-01 10:00        ann  sign_up   plan=pro
    2026-01-01 10:00:00.5   bob  "open a note"  words=120  shared=true
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

TOKEN = re.compile(r'(?:[^\s"]|"[^"]*")+|"')
TIME = re.compile(r"\d{1,2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?")
KEY = re.compile(r"[A-Za-z_]\w*")
INTEGER = re.compile(r"-?(0|[1-9]\d*)")
DECIMAL = re.compile(r"-?(0|[1-9]\d*)\.\d+")
FORM = 'Write it as: 2026-01-01 10:00 user event key=value (time and properties may be left out, "quote blanks").'
RESERVED = ("user_id", "event", "timestamp")


def event_log(text: str, tz: str = "UTC") -> pd.DataFrame:
    """Read an event table from lines ``date [time] user event [key=value …]``.

    A date alone is midnight. Times are local to `tz`, unless they carry their own offset
    (``02:30+01:00``, ``02:30Z``). Blank lines are skipped and ``#`` begins a comment.
    Names and values with blanks stand in double quotes; a quoted value is always text.

    Parameters
    ----------
    text
        The log.
    tz
        Zone of the times in it.

    Returns
    -------
    DataFrame, one row per line, in the order of the lines
        user_id    str
        event      str
        timestamp  datetime64[us, UTC]
        …          one column per key, NA where a line does not have it:
                   numbers, booleans (true, false), else text

    Raises
    ------
    ValueError
        A line cannot be read, or its local time does not exist or exists twice.

    Examples
    --------
    >>> event_log(
    ...     '''
    ...     2026-03-28          ann  sign_up  plan=pro
    ...     2026-03-29 10:00    ann  save     words=120
    ... ''',
    ...     tz="Europe/Berlin",
    ... )
      user_id    event                 timestamp plan  words
    0     ann  sign_up 2026-03-27 23:00:00+00:00  pro   <NA>
    1     ann     save 2026-03-29 08:00:00+00:00  NaN    120
    """
    zone = ZoneInfo(tz)
    moments: list[datetime] = []
    users: list[str] = []
    events: list[str] = []
    properties: list[dict[str, str]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        tokens = _tokens(line)
        if not tokens:
            continue
        where = f"line {number}: {line.strip()!r}"
        moment, rest = _moment(tokens, zone, where)
        if len(rest) < 2:
            raise ValueError(f"{where} has no user and event after its time. {FORM}")
        moments.append(moment)
        users.append(_unquoted(rest[0]))
        events.append(_unquoted(rest[1]))
        properties.append(_properties(rest[2:], where))

    table = pd.DataFrame(
        {
            "user_id": pd.array(users, dtype="str"),
            "event": pd.array(events, dtype="str"),
            "timestamp": pd.DatetimeIndex(moments, dtype="datetime64[us, UTC]"),
        }
    )
    for key in dict.fromkeys(key for row in properties for key in row):
        table[key] = _column([row.get(key) for row in properties])
    return table


def _tokens(line: str) -> list[str]:
    tokens = TOKEN.findall(line)
    comment = next((i for i, token in enumerate(tokens) if token.startswith("#")), len(tokens))
    return tokens[:comment]


def _moment(tokens: list[str], zone: ZoneInfo, where: str) -> tuple[datetime, list[str]]:
    """The instant a line begins with, and the tokens after it."""
    clock = tokens[1] if len(tokens) > 1 and TIME.fullmatch(tokens[1]) else None
    rest = tokens[2:] if clock else tokens[1:]
    try:
        day = date.fromisoformat(tokens[0])
        written = time.fromisoformat(_padded(clock)) if clock else time()
    except ValueError as error:
        raise ValueError(f"{where} does not begin with a date and time ({error}). {FORM}") from None
    if written.tzinfo is not None:
        return datetime.combine(day, written).astimezone(UTC), rest

    local = datetime.combine(day, written)
    earlier, later = local.replace(tzinfo=zone), local.replace(tzinfo=zone, fold=1)
    offsets = earlier.utcoffset(), later.utcoffset()
    if offsets[0] != offsets[1]:
        exists = earlier.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == local
        problem = "exists twice" if exists else "does not exist"
        raise ValueError(
            f"{where}: this local time {problem} in {zone.key}, where the clock changes. "
            f"Write the offset with it: {local:%H:%M}{_offset(offsets[0])} or {local:%H:%M}{_offset(offsets[1])}."
        )
    return earlier.astimezone(UTC), rest


def _padded(clock: str) -> str:
    """The time with two digits of hour and six of fraction, as Python reads it."""
    head, dot, tail = clock.rjust(len(clock) + (clock[1] == ":"), "0").partition(".")
    if not dot:
        return head
    digits = re.match(r"\d+", tail)
    length = len(digits.group()) if digits else 0
    return f"{head}.{tail[:length].ljust(6, '0')}{tail[length:]}"


def _offset(offset: timedelta | None) -> str:
    minutes = int((offset or timedelta()).total_seconds()) // 60
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _properties(tokens: list[str], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for token in tokens:
        key, equals, value = token.partition("=")
        if not equals or not KEY.fullmatch(key):
            raise ValueError(f"{where}: {token!r} is not key=value. {FORM}")
        if key in RESERVED:
            raise ValueError(f"{where}: {key!r} is a column of every event table. Name the property otherwise.")
        if key in found:
            raise ValueError(f"{where}: {key!r} is given twice. Keep one.")
        found[key] = value
    return found


def _unquoted(token: str) -> str:
    return token.replace('"', "")


def _column(values: list[str | None]) -> Any:
    """The narrowest type that holds every value: boolean, integer, number, else text."""
    present = [value for value in values if value is not None]
    complete = len(present) == len(values)
    if all(value in ("true", "false") for value in present):
        flags = [None if value is None else value == "true" for value in values]
        return pd.array(flags, dtype="bool" if complete else "boolean")
    if all(INTEGER.fullmatch(value) for value in present):
        counts = [None if value is None else int(value) for value in values]
        return pd.array(counts, dtype="int64" if complete else "Int64")
    if all(INTEGER.fullmatch(value) or DECIMAL.fullmatch(value) for value in present):
        return pd.array([float("nan") if value is None else float(value) for value in values], dtype="float64")
    return pd.array([None if value is None else _unquoted(value) for value in values], dtype="str")
