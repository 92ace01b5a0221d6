"""The periods that a table reports on: from `since` to `until`, none left out, none begun after `as_of`."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from metrics.engine import Span
from metrics.periods import Calendar, Ints, Period, WeekStart, When, instant, spoken

_ALWAYS = -(2**62)


@dataclass(frozen=True)
class Range:
    """Periods on the clocks of a zone, or the whole of `since` to `until` as one (then `calendar` is None)."""

    calendar: Calendar | None
    span: Span
    asked: int  # the end that was asked for, before `as_of` cut it

    @classmethod
    def read(
        cls,
        *,
        period: Period | None,
        since: When | None,
        until: When | None,
        as_of: When,
        tz: str,
        week_start: WeekStart,
    ) -> "Range":
        """The range of a metric's arguments."""
        span = Span.read(since=since, until=until, as_of=as_of, tz=tz)
        calendar = Calendar(period or "day", tz, week_start)
        asked = span.as_of if until is None else instant(until, tz=tz, name="until")
        return cls(calendar if period else None, span, asked)

    def numbers(self, time: Ints) -> Ints:
        """Numbers of the periods, from `since` or else the first of these instants, to the last moment observed."""
        if self.calendar is None:
            return np.zeros(1, np.int64)
        if self.span.since == _ALWAYS and not len(time):
            return np.arange(0)
        first = int(time.min()) if self.span.since == _ALWAYS else self.span.since
        if first >= self.span.until:
            return np.arange(0)
        low, high = self.calendar.number(np.array([first, self.span.until - 1]))
        return self.calendar.between(int(low), int(high))

    def place(self, time: Ints) -> Ints:
        """Number of the period of each instant; without periods 0 in the range and -1 outside."""
        if self.calendar is None:
            return np.where((time >= self.span.since) & (time < self.span.until), 0, -1)
        return self.calendar.number(time)

    def ends(self, numbers: Ints) -> Ints:
        """First instant after each period."""
        return np.full(len(numbers), self.asked) if self.calendar is None else self.calendar.begins(numbers + 1)

    def starts(self, numbers: Ints) -> pd.DatetimeIndex:
        """First moment of each period on the clocks of its zone."""
        return (self.calendar or Calendar("day")).start(numbers)

    def settings(self, tz: str) -> dict[str, str | None]:
        """What a result says of its range."""
        return {
            "period": self.calendar.period if self.calendar else None, "tz": tz, "as_of": spoken(self.span.as_of, tz),
            "since": None if self.span.since == _ALWAYS else spoken(self.span.since, tz),
            "until": None if self.asked == self.span.as_of else spoken(self.asked, tz),
        }  # fmt: skip


def every(numbers: Ints, by: list[str], groups: pd.DataFrame, name: str = "_period") -> pd.DataFrame:
    """A row for each period and each group that occurs in `groups`."""
    periods = pd.DataFrame({name: numbers})
    return groups[by].drop_duplicates().merge(periods, how="cross")[[name, *by]] if by else periods


def on_every(counts: pd.DataFrame, numbers: Ints, by: list[str], groups: pd.DataFrame) -> pd.DataFrame:
    """What was counted by period and group, with a row also where nothing was."""
    table, told = every(numbers, by, groups), counts.reset_index()
    # Keys that are all missing come back as numbers, which meet no words.
    told = told.astype({name: groups[name].dtype for name in by if told[name].dtype != groups[name].dtype})
    return table.merge(told, on=["_period", *by], how="left")
