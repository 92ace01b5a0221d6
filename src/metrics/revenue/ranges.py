"""What is reported, and in which pieces: the arguments that all functions of money and churn share.

Inside, a moment is a local day, counted from 1970 on the clocks of the report's zone: all changes of one day are one.
"""

from dataclasses import dataclass
from typing import TypedDict

import numpy as np
import pandas as pd

from metrics.periods import DAY, Calendar, Ints, Period, WeekStart, When, instant, local_time, spoken


class RangeOptions(TypedDict, total=False):
    """Keyword arguments of a range, beside `as_of`."""

    period: Period | None
    since: When | None
    until: When | None
    tz: str
    week_start: WeekStart


@dataclass(frozen=True)
class Range:
    """The arguments as they were given; `of` cuts them into periods once the table's first moment is known."""

    as_of: When
    period: Period | None = "month"
    since: When | None = None
    until: When | None = None
    tz: str = "UTC"
    week_start: WeekStart = "monday"

    def __post_init__(self) -> None:
        if self.period is not None:
            Calendar(self.period, self.tz, self.week_start)
            if self.period == "hour":  # the changes of a local day are one
                raise ValueError(
                    "period: 'hour' is no length in local days. Use 'day', 'week', 'month', 'quarter' or 'year'."
                )
        if self.since is not None and self.until is not None:
            low, high = (instant(w, tz=self.tz, name=n) for n, w in (("since", self.since), ("until", self.until)))
            if low >= high:
                raise ValueError(
                    f"since {self.since!s} is not before until {self.until!s}. A span needs its start before its end."
                )

    @property
    def observed(self) -> int:
        """First instant not observed."""
        return instant(self.as_of, tz=self.tz, name="as_of")

    def days(self, time: Ints) -> Ints:
        """Local day of each instant."""
        return local_time(np.asarray(time, np.int64), self.tz) // DAY

    def periods(self, first: int | None) -> "Periods":
        """The periods from `since`, else from `first`, to `until`, as far as they have begun."""
        end = self.observed
        low = first if self.since is None else instant(self.since, tz=self.tz, name="since")
        high = end if self.until is None else min(end, instant(self.until, tz=self.tz, name="until"))
        if self.period is None:
            asked = end if self.until is None else instant(self.until, tz=self.tz, name="until")
            begin = int(self.days(np.array([high if low is None else low]))[0])
            close = _next_day(self, high)
            return Periods(self, None, np.array([begin, max(close, begin)]), np.array([asked <= end]))
        calendar = Calendar(self.period, self.tz, self.week_start)
        if low is None or low >= high:
            return Periods(self, np.arange(0), np.zeros(1, np.int64), np.zeros(0, bool))
        begin, last = calendar.number(np.array([low, high - 1]))
        numbers = np.arange(begin, last + 1)
        edges = calendar.start(np.r_[numbers, last + 1]).asi8 // DAY
        return Periods(self, numbers, edges, calendar.begins(numbers + 1) <= end)

    def said(self) -> dict[str, str | None]:
        """The range as settings of a result."""
        return {
            "period": self.period, "as_of": spoken(self.observed, self.tz), "tz": self.tz,
            "since": None if self.since is None else spoken(instant(self.since, tz=self.tz), self.tz),
            "until": None if self.until is None else spoken(instant(self.until, tz=self.tz), self.tz),
        }  # fmt: skip


def _next_day(span: Range, until: int) -> int:
    """First local day that begins at `until` or later."""
    wall = int(local_time(np.array([until]), span.tz)[0])
    return -(-wall // DAY)


@dataclass(frozen=True)
class Periods:
    """Periods by their running numbers; `edges` are the local days on which they begin, and the end of the last."""

    range: Range
    numbers: Ints | None
    edges: Ints
    complete: np.ndarray

    def __len__(self) -> int:
        return len(self.complete)

    def place(self, day: Ints) -> Ints:
        """Place of the period that holds each local day; -1 before the first, the number of periods after the last."""
        place = np.searchsorted(self.edges, day, side="right") - 1
        return np.asarray(np.minimum(place, len(self)), np.int64)

    def starts(self) -> pd.DatetimeIndex:
        """First moment of each period on the clocks of the zone."""
        return pd.DatetimeIndex((self.edges[:-1] * DAY).view("M8[us]"))

    def keyed(self, table: pd.DataFrame, place: np.ndarray | None = None) -> pd.DataFrame:
        """The table with `period_start` before its columns, unless the whole range is one."""
        if self.numbers is None:
            return table
        starts = self.starts() if place is None else self.starts()[place]
        table = table.copy()
        table.insert(0, "period_start", starts)
        return table
