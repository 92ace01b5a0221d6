"""Units of time and yearly rates: every decision about how long, and about what later money is worth."""

import math
import re
from typing import Any, Literal, TypeAlias

from metrics.periods import one_of

Unit: TypeAlias = Literal["second", "minute", "hour", "day", "week", "month", "year"]

YEAR = 365.25  # days
# In days: a week is 7, a year 365.25, a month a twelfth of a year.
UNIT_DAYS: dict[str, float] = {
    "second": 1 / 86400, "minute": 1 / 1440, "hour": 1 / 24, "day": 1.0,
    "week": 7.0, "month": YEAR / 12, "year": YEAR,
}  # fmt: skip


def in_units(span: str, unit: str, name: str = "horizon") -> float:
    """A span such as ``"39.5 weeks"`` or ``"12 months"`` in another unit.

    >>> in_units("2 weeks", "day")
    14.0
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([a-z]+?)s?\s*", span.lower()) if _is_text(span) else None
    if not found or found[2] not in UNIT_DAYS:
        raise ValueError(
            f"{name}: {span!r} is not a span of time. Use a number and a unit "
            f"({', '.join(f'{u}s' for u in UNIT_DAYS)}): '12 months'."
        )
    length = float(found[1]) * (UNIT_DAYS[found[2]] / UNIT_DAYS[unit])
    if not 0 < length < math.inf:
        raise ValueError(f"{name}: {span!r} is no time. Use a span above 0.")
    return length


def known_unit(unit: Any, name: str = "unit") -> str:
    """Check that `unit` is one of those that there are."""
    one_of(name, unit, Unit)
    return str(unit)


def years(unit: str) -> float:
    """Years of one unit."""
    return UNIT_DAYS[unit] / YEAR


def force(annual_discount: float) -> float:
    """The continuous rate a year that is the same as a yearly one: log(1 + rate)."""
    if isinstance(annual_discount, bool) or not isinstance(annual_discount, int | float) or not annual_discount >= 0:
        raise ValueError(f"annual_discount: {annual_discount!r} is not a yearly rate from 0. Write 10 % as 0.1.")
    return math.log1p(annual_discount)


def share(margin: float | None, name: str = "margin") -> float | None:
    """Check that a margin lies in 0 to 1."""
    if margin is not None and not 0 <= margin <= 1:
        raise ValueError(f"{name}: {margin!r} is not between 0 and 1. Write 40 % as 0.4.")
    return margin


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
