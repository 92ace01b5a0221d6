"""How is a number written? Rates, counts, money, durations and dates as text, with no digit that is not supported.

The unit stands off by a narrow no-break space, minus is a minus sign, thousands are set apart by a comma. What is not
there is an en dash. A rate that is not 0 or 1 is never rounded to them: ``< 0.1`` and ``> 99.9``.
"""

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pandas as pd

NARROW = "\u202f"
NO_BREAK = "\u00a0"  # before a word, where a narrow space would hardly show
MINUS = "\u2212"
MISSING = "–"
EXACT = 1e15  # from here on a number has no decimals that are sure


def is_missing(value: Any) -> bool:
    """Whether there is nothing to write: None, NaN, NA or NaT."""
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def plain(value: float, decimals: int = 0) -> str:
    """``1,204``, ``−3.5``: a number with thousands set apart; never a negative zero.

    A half goes away from zero, as people round, and is one if the number reads so: 2.675 is a little less to the
    machine and 2.68 to two decimals all the same.
    """
    if is_missing(value):
        return MISSING
    if math.isinf(value):
        return ("" if value > 0 else MINUS) + "∞"
    text = f"{_rounded(abs(value), decimals):,.{decimals}f}"
    return MINUS + text if value < 0 and text.strip("0,.") else text


def _rounded(size: float, decimals: int) -> float | Decimal:
    """A number to so many decimals of what is read as it: the 15 digits that any float is sure of."""
    if size >= EXACT:
        return size
    return Decimal(f"{size:.15g}").quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP)


def signed(value: float, decimals: int = 0) -> str:
    """``+0.4``, ``−19.1``: a change."""
    text = plain(value, decimals)
    return text if text.startswith((MINUS, MISSING)) or not text.strip("0,.") else "+" + text


def count(value: float) -> str:
    """``1,204``; a count that is no whole number (a weighted one) keeps one decimal."""
    return plain(value, 0 if is_missing(value) or float(value).is_integer() else 1)


def counted(value: float, noun: str) -> str:
    """``1 user``, ``1,204 users``."""
    return f"{count(value)} {plural(value, noun)}"


def plural(value: float, noun: str) -> str:
    """``user`` where it is one, else ``users``; for where the number stands elsewhere."""
    return noun if value == 1 else f"{noun}s"


def percent(rate: float, decimals: int = 1) -> str:
    """``28.2`` for 0.282. What is not quite 0 or 1 does not become it: ``< 0.1``, ``> 99.9``."""
    if is_missing(rate):
        return MISSING
    text = plain(100 * rate, decimals)
    step = 10.0**-decimals
    if rate > 0 and not text.strip("0,."):
        return f"<{NARROW}{plain(step, decimals)}"
    if rate < 1 and text == plain(100, decimals):
        return f">{NARROW}{plain(100 - step, decimals)}"
    return text


def with_unit(text: str, unit: str = "%") -> str:
    """``28.2 %`` with a narrow space, ``12 weeks`` and ``1 week`` with a whole one; a dash stays alone."""
    if text.lstrip(f"+{MINUS}") == "1" and len(unit) > 3:
        unit = unit.removesuffix("s")
    return text if text == MISSING or not unit else f"{text}{before(unit)}{unit}"


def before(unit: str) -> str:
    """The space, at which no line breaks, between a number and its unit: a sign or symbol, or a word."""
    return NO_BREAK if len(unit) > 3 or unit == "day" else NARROW


def share(part: float, whole: float) -> str:
    """``41 %`` of a whole, for a share said in passing, without its interval."""
    if is_missing(whole) or not whole:
        return MISSING
    return with_unit(percent(part / whole, 0 if whole < 1000 else 1))


def chance(p: float) -> str:
    """``0.032``, ``< 0.001``: a p-value."""
    return f"<{NARROW}0.001" if p < 0.001 else plain(p, 3)


def ratio(value: float) -> str:
    """``3.2``, ``0.50``, ``14``: a ratio with two digits that count."""
    if is_missing(value) or math.isinf(value) or value <= 0:
        return plain(value)
    return plain(value, max(0, 1 - math.floor(math.log10(value) + 1e-9)))


def span(low: str, high: str) -> str:
    """``26.7 to 29.9``; a dash where a limit is missing."""
    return MISSING if MISSING in (low, high) else f"{low} to {high}"


def decimals_for(widths: Iterable[float], most: int = 4, default: int = 1) -> int:
    """Decimals that intervals of these widths support: two significant digits of the middle one.

    An interval 3.2 wide gives one decimal, one 12 wide none. One number for a column, so that it lines up.
    """
    known = sorted(w for w in widths if not is_missing(w) and math.isfinite(w) and w > 0)
    if not known:
        return default
    middle = known[len(known) // 2]
    return max(0, min(most, 1 - math.floor(math.log10(middle) + 1e-9)))


def money_decimals(values: Iterable[float]) -> int:
    """Two decimals, none once an amount reaches 10,000."""
    return 0 if any(abs(v) >= 10_000 for v in values if not is_missing(v)) else 2


def free_decimals(values: Iterable[float]) -> int:
    """Decimals of a column of which only the values are known: three significant digits of the largest."""
    known = [abs(v) for v in values if not is_missing(v) and math.isfinite(v)]
    largest = max(known, default=0.0)
    if largest == 0 or all(v == int(v) for v in known):
        return 0
    return max(0, min(4, 2 - math.floor(math.log10(largest))))


def significant(value: float, digits: int = 3) -> str:
    """A number of any size with so many significant digits, whole ones kept: 0.0231, 1.61, 22,764."""
    if is_missing(value) or not math.isfinite(value) or value == 0:
        return plain(value)
    return plain(value, max(0, min(9, digits - 1 - math.floor(math.log10(abs(value))))))


def duration(seconds: float) -> str:
    """``45 s``, ``12 min``, ``4.2 h``, ``26 h``, ``3.1 days``: in the unit that leaves two digits or so."""
    if is_missing(seconds):
        return MISSING
    size = abs(seconds)
    for limit, length, unit in ((90, 1, "s"), (5_400, 60, "min"), (172_800, 3_600, "h"), (math.inf, 86_400, "days")):
        if size < limit:
            value = seconds / length
            text = plain(value, 0 if length < 3600 or abs(value) >= 9.95 else 1)
            return with_unit(text, unit)
    return MISSING


def date(stamp: pd.Timestamp, *, year: bool = True) -> str:
    """``12 Oct 2026``, or ``12 Oct``."""
    if is_missing(stamp):
        return MISSING
    return f"{stamp.day} {stamp:%b}" + (f" {stamp.year}" if year else "")


def moment(stamp: pd.Timestamp) -> str:
    """``12 Oct 2026, 14:05``; midnight is a date."""
    if is_missing(stamp):
        return MISSING
    return date(stamp) if stamp == stamp.normalize() else f"{date(stamp)}, {stamp:%H:%M}"


def period(stamp: pd.Timestamp, length: str | None, *, year: bool = True) -> str:
    """A period by its start: ``12 Oct``, ``Mar 2026``, ``Q1 2026``, ``2026``."""
    if is_missing(stamp):
        return MISSING
    if length == "month":
        return f"{stamp:%b} {stamp.year}"
    if length == "quarter":
        return f"Q{stamp.quarter} {stamp.year}"
    if length == "year":
        return str(stamp.year)
    return date(stamp, year=year)


def period_in_words(stamp: pd.Timestamp, length: str | None) -> str:
    """A period inside a sentence: ``March 2026``, ``the week of 12 Oct 2026``."""
    if length == "month" and not is_missing(stamp):
        return f"{stamp:%B} {stamp.year}"
    if length in ("quarter", "year") or is_missing(stamp):
        return period(stamp, length)
    return f"the week of {date(stamp)}" if length == "week" else date(stamp)


def length_of(starts: pd.Series) -> str | None:
    """The period that these starts cut: day, week, month, quarter or year; None if it cannot be told."""
    known = pd.DatetimeIndex(starts.dropna().unique()).sort_values()
    if len(known) < 2:
        return None
    gap = (known[1:] - known[:-1]).min().days
    if (known.day == 1).all() and gap >= 28:
        return "year" if gap > 360 else "quarter" if gap > 88 else "month"
    return "week" if gap % 7 == 0 else "day"
