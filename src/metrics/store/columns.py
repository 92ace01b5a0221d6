"""Columns: how DuckDB is to read ids, times and properties, so that its answers are those of `read_events`.

Everything here is text of SQL. Nothing filters: a value that cannot be used becomes NULL, and its row stays to be
counted.
"""

from collections.abc import Iterable

import pandas as pd

from metrics.files.times import EARLIEST, LATEST
from metrics.files.values import DECIMAL, INTEGER

# What Python takes for a blank.
BLANKS = "".join(
    map(chr, [*range(9, 14), *range(28, 33), 133, 160, 5760, *range(8192, 8203), 8232, 8233, 8239, 8287, 12288])
)
FIRST, LAST = "!", "~~~"  # a text that begins between these begins with no blank

# Most times look like the first, which is found three times faster than the others.
_USUAL = "____-__-_____:__:__%Z"  # with a T or a blank in its middle
_MINUTE = r"\d{4}-\d{1,2}-\d{1,2}[T ]\d{1,2}:\d\d"
_WALL = _MINUTE + r"(:\d\d(\.\d{1,9})?)?"
_OFFSET = r"(\s?(Z|UTC|GMT)|[+-][01]\d(:?[0-5]\d)?)"
_DATE = r"\d{4}-\d{1,2}-\d{1,2}"


def quoted(name: str) -> str:
    """A column name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def text(value: str) -> str:
    """A text as SQL has it."""
    return "'" + value.replace("'", "''") + "'"


def listed(values: Iterable[str]) -> str:
    """Texts as a list in SQL."""
    return "[" + ", ".join(text(value) for value in values) + "]"


def literal_path(path: str) -> str:
    """A path that DuckDB does not take for a pattern."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


def trimmed(sql: str) -> str:
    """Text without blanks around it, NULL where nothing else is there."""
    # Trimming is slow and hardly ever needed, so it is only done where an end of the text may be a blank.
    plain = f"{sql} >= {text(FIRST)} AND {sql} < {text(LAST)} AND right({sql}, 1) BETWEEN '!' AND '~'"
    return f"CASE WHEN {plain} THEN {sql} ELSE nullif(trim({sql}, {text(BLANKS)}), '') END"


def json_id(sql: str) -> str:
    """An id in JSON: NULL where it is a decimal number, which would be another user than the same one written whole."""
    decimal = text(r"-?\d+\.\d+([eE][+-]?\d+)?")
    is_decimal = f"contains({sql}, '.') AND regexp_full_match({sql}, {decimal})"
    return f"CASE WHEN NOT coalesce({is_decimal}, false) THEN {trimmed(sql)} END"


def filled(sql: str) -> str:
    """Text as it is, NULL where it is blank; nearly free, since few texts begin with a blank."""
    plain = f"{sql} >= {text(FIRST)} AND {sql} < {text(LAST)}"
    return f"CASE WHEN {plain} THEN {sql} WHEN trim({sql}, {text(BLANKS)}) <> '' THEN {sql} END"


def written_time(sql: str, timezone: str | None) -> str:
    """A time written in ISO 8601; without an offset only where a zone is declared."""
    bare = f"trim({sql}, {text(BLANKS)})"
    cases = f"WHEN {sql} LIKE {text(_USUAL)} THEN TRY_CAST({sql} AS TIMESTAMPTZ)"
    if timezone is not None:
        wall = f"TRY_CAST({bare} AS TIMESTAMP)"
        cases += f" WHEN regexp_full_match({bare}, {text(_WALL)}) THEN {local_time(wall, timezone)}"
        cases += f" WHEN regexp_full_match({bare}, {text(_DATE)}) THEN {local_time(wall, timezone, is_date=True)}"
    whole = f"regexp_replace({bare}, '^([^:]*:[0-9][0-9])', '\\1:00')"  # before 2.0 DuckDB wants seconds there
    cases += f" WHEN regexp_full_match({bare}, {text(_MINUTE + _OFFSET)}) THEN TRY_CAST({whole} AS TIMESTAMPTZ)"
    cases += f" WHEN regexp_full_match({bare}, {text(_WALL + _OFFSET)}) THEN TRY_CAST({bare} AS TIMESTAMPTZ)"
    return f"(CASE {cases} END)"


def whole_microseconds(sql: str) -> str:
    """Microseconds of a time in nanoseconds, cut off as pandas does; a cast would round, maybe into the next day."""
    nanoseconds = f"epoch_ns({sql})"
    return f"({nanoseconds} // 1000 - CAST({nanoseconds} % 1000 < 0 AS BIGINT))"  # `//` alone cuts toward 1970


def local_time(wall: str, timezone: str, *, is_date: bool = False) -> str:
    """The instant of a wall clock: of two the first, none where the clocks skipped it (a date begins all the same)."""
    if timezone == "UTC":
        return f"make_timestamptz(epoch_us({wall}))"  # a tenth of the cost of a cast, which asks for the calendar
    zone = text(timezone)
    instant = f"timezone({zone}, {wall})"
    if is_date:
        return instant
    cases = "".join(
        f" WHEN timezone({zone}, {instant} - to_microseconds({size})) = {wall} THEN {instant} - to_microseconds({size})"
        for size in _steps_back(timezone)
    )
    return f"(CASE{cases} WHEN timezone({zone}, {instant}) = {wall} THEN {instant} END)"


def _steps_back(timezone: str) -> list[int]:
    """By how much the clocks of a zone ever went back since 1990, microseconds; nearly always one hour."""
    days = pd.date_range(EARLIEST, LATEST, freq="D")
    offset = days.tz_convert(timezone).tz_localize(None) - days.tz_localize(None)
    change = offset[1:] - offset[:-1]
    return sorted({int(-step.total_seconds() * 1e6) for step in change.unique() if step < pd.Timedelta(0)})


def typed(sql: str, sample: pd.Series, name: str, *, comma: bool = False, blanks: bool = False) -> str:
    """A property written as text, in the type that a sample of it has; a later value of another type is an error.

    Numbers are checked before they are cast, for DuckDB would round `3.5` to a whole number without a word. With
    `blanks` a blank text is a value like any other, else it is missing.
    """
    if comma:
        sql = f"replace(replace({sql}, '.', ''), ',', '.')"
    kind = str(sample.dtype).lower()
    if kind.startswith("int"):
        pattern, into = INTEGER, "BIGINT"
    elif kind.startswith("float"):
        pattern, into = DECIMAL, "DOUBLE"
    elif kind.startswith("bool"):
        pattern, into = "(?i:true|false)", "BOOLEAN"
    else:
        return sql if blanks else filled(sql)
    there = f"{sql} IS NOT NULL" if blanks else f"trim({sql}, {text(BLANKS)}) <> ''"
    wrong = f"error({text(f'column {name!r} holds ')} || {sql} || {text(f', not {into} as its first rows')})"
    return (
        f"CASE WHEN regexp_full_match({sql}, {text(pattern)}) THEN CAST({sql} AS {into}) "
        f"WHEN {there} THEN CAST({wrong} AS {into}) END"
    )
