"""Why somebody is not counted, in words: the rows of one unit, looked at one by one.

What counts is decided by the search alone; here the rows that it did not use are asked why not.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from metrics import periods
from metrics.funnel.choices import Choices
from metrics.periods import Ints
from metrics.results import keys
from metrics.steps import Mask

_UNITS = (("day", periods.DAY), ("hour", 3600 * periods.SECOND), ("minute", 60 * periods.SECOND))
_MOST = 3  # reasons told of one step


def span(time: int) -> str:
    """A length of time in words, in its largest unit and the next.

    >>> span(26 * 3600 * 10**6), span(1_000)
    ('1 day 2 hours', '0.001 seconds')
    """
    left = abs(time)
    words: list[str] = []
    for name, size in _UNITS:
        count, left = divmod(left, size)
        if not count and words:
            return words[0]
        if count:
            words.append(f"{count:,} {name}{'s' * (count > 1)}")
        if len(words) == 2:
            return " ".join(words)
    if left or not words:
        seconds = f"{left / periods.SECOND:.6f}".rstrip("0").rstrip(".")
        words.append(f"{seconds} second{'s' * (left != periods.SECOND)}")
    return " ".join(words)


def clock(time: int, tz: str) -> str:
    """An instant on the clocks of `tz`, to the minute, the second or the microsecond, as it needs."""
    stamp = pd.Timestamp(time, unit="us", tz="UTC").tz_convert(tz)
    if time % (60 * periods.SECOND) == 0:
        return stamp.strftime("%Y-%m-%d %H:%M")
    text = stamp.strftime("%Y-%m-%d %H:%M:%S.%f")
    return text.rstrip("0").rstrip(".") if time % periods.SECOND else text[:19]


@dataclass(frozen=True)
class Witness:
    """All rows of one unit, and which of them the funnel could use."""

    choices: Choices
    time: Ints
    does: Mask  # steps x rows: event and properties are those of the step
    usable: Mask  # steps x rows: and the row may serve it
    mine: Mask  # rows with the properties that are held constant; the others are of the same unit
    columns: dict[str, "pd.Series[str]"]  # event and properties of each row, in words

    def clock(self, time: int) -> str:
        """An instant in words."""
        return clock(time, self.choices.tz)

    def enters_not(self, at: int) -> str:
        """Why the rows of an instant, which meet step 1, begin no attempt."""
        first = slice(None) if self.choices.order == "unordered" else slice(1)
        rows = np.flatnonzero(self.mine & (self.time == at) & self.does[first].any(axis=0))
        step = int(self.does[first][:, rows[0]].argmax())
        since, until, as_of = self.choices.span.since, self.choices.span.until, self.choices.span.as_of
        if at >= as_of:
            return f"not read: at or after as_of ({self.clock(as_of)})"
        if at < since:
            return f"does not enter: {span(since - at)} before since ({self.clock(since)})"
        if at >= until:
            return f"does not enter: not before until ({self.clock(until)})"
        return f"does not enter: {self._unusable(step, int(rows[0]))}"

    def never_entered(self) -> str:
        """Why there is no attempt at all."""
        steps = range(len(self.choices.path)) if self.choices.order == "unordered" else range(1)
        misses = [miss for step in steps for miss in self._other_properties(step, np.ones(len(self.time), bool))]
        done = self.columns["event"].value_counts(sort=False).sort_index()
        events = ", ".join(f"{event} ({count})" for event, count in list(done.items())[:8])
        more = f" and {len(done) - 8} more" if len(done) > 8 else ""
        return "; ".join(["never done", *misses[:_MOST], f"the events of this {self.choices.unit} are {events}{more}"])

    def missed(self, step: int, *, here: int, began: int, after: int) -> str:
        """Why no row serves `step` after the instant `here`, at which step `after` was done, of an attempt."""
        window, as_of = self.choices.rules.window, self.choices.span.as_of
        deadline = began + window
        own = self.mine & self.does[step]
        between = own & (self.time > here) & (self.time <= deadline)
        late = np.flatnonzero(own & (self.time > deadline) & (self.time < as_of))
        found = self._in_between(step, here, deadline, after)
        found += [self._unusable(step, row) for row in np.flatnonzero(between & ~self.usable[step])[:1]]
        if len(late):
            time = int(self.time[late[0]])
            found.append(f"done {self.clock(time)}, {span(time - deadline)} after the window")
        if not found or not between.any():
            found += self._elsewhere(step, here, deadline) + self._other_properties(
                step, (self.time > here) & (self.time <= deadline)
            )
        found += self._at_once(step, here, after) + self._before(step, here, after)
        if deadline <= as_of:
            text = f"not done within {self.choices.window} of step 1 (until {self.clock(deadline)})"
        elif self.choices.range_is_over:
            text = f"not done before until ({self.clock(self.choices.span.until)}), and every step must lie before it"
        else:
            text = f"not yet done, the window is open until {self.clock(deadline)}"
            return text + (": " + "; ".join(found[:_MOST]) if found else "")
        if not own.any() and not found:
            text += ": never done"
        return text + (": " + "; ".join(found[:_MOST]) if found else "")

    def void_by(self, path: Ints, marks: Sequence[Mask], began: int) -> str:
        """Which excluded row voids an attempt whose steps were done at `path` (instants, or below 0)."""
        for (event, from_step, to_step), mark in zip(self.choices.exclusions, marks, strict=True):
            begun, done = int(path[from_step - 1]), int(path[to_step - 1])
            if begun == NOT_DONE:
                continue
            rows = self.mine & mark & (self.time > begun) & (self.time < self.choices.span.as_of)
            rows &= self.time <= began + self.choices.rules.window if done == NOT_DONE else self.time < done
            if rows.any():
                time = self.clock(int(self.time[rows].min()))
                return f"void: excluded {event.label} at {time}, between step {from_step} and {to_step}"
        return "void by an exclusion"

    def _in_between(self, step: int, here: int, deadline: int, after: int) -> list[str]:
        """With strict order: the row that came instead."""
        if self.choices.order != "strict":
            return []
        later = np.flatnonzero(self.mine & (self.time > here) & (self.time < self.choices.span.as_of))
        for moment in np.unique(self.time[later]):
            rows = later[self.time[later] == moment]
            if self.usable[step, rows].any():
                return []
            if not self.usable[after, rows].any():
                if moment > deadline or self.does[step, rows].any():
                    return []
                name = self.columns["event"].iloc[rows[0]]
                return [f"the next event was {name} at {self.clock(int(moment))}, and strict order allows none between"]
        return []

    def _unusable(self, step: int, row: int) -> str:
        """Why a row that meets a step may not serve it."""
        time, choices = int(self.time[row]), self.choices
        since, until, as_of = choices.span.since, choices.span.until, choices.span.as_of
        done = f"done {self.clock(time)}"
        if time >= as_of:
            return f"{done}, which is not read: at or after as_of ({self.clock(as_of)})"
        first = int(self.time[self.mine & self.does[step]].min())
        if choices.path[step].first_time_only and time > first:
            return f"{done}, but not for the first time, which was {self.clock(first)}"
        if choices.range_applies_to == "all_steps" and time < since:
            return f"{done}, but every step must lie in the range, from {self.clock(since)} on"
        if choices.range_applies_to == "all_steps" and time >= until:
            return f"{done}, but every step must lie in the range, before {self.clock(until)}"
        return f"{done}, but in between was another event"

    def _at_once(self, step: int, here: int, after: int) -> list[str]:
        rows = self.mine & self.usable[step] & (self.time == here)
        if not rows.any():
            return []
        if self.choices.ties == "strict_increase" and self.choices.order != "unordered":
            return [f"done at the instant of step {after + 1}, and ties='strict_increase' asks for later"]
        return [f"done {self.clock(here)} by a row that serves another step, and one row serves one step"]

    def _before(self, step: int, here: int, after: int) -> list[str]:
        rows = self.mine & self.does[step] & (self.time < here)
        if not rows.any():
            return []
        time = int(self.time[rows].max())
        text = f"done {self.clock(time)}, {span(here - time)} before "
        if self.choices.order == "unordered":
            return [f"{text}the attempt"]
        grace = f", more than the grace of {self.choices.grace}" if here - time > self.choices.rules.grace > 0 else ""
        if self.choices.rules.grace and not grace:
            return [f"done {self.clock(time)} by a row that serves another step, and one row serves one step"]
        return [f"{text}step {after + 1} and not after it{grace}"]

    def _elsewhere(self, step: int, here: int, deadline: int) -> list[str]:
        """Done with other values of the properties that are held constant."""
        rows = np.flatnonzero(~self.mine & self.usable[step] & (self.time >= here) & (self.time <= deadline))
        if not len(rows) or not self.mine.any():
            return []
        ours = int(np.flatnonzero(self.mine)[0])
        other = [
            f"{name} = {self.columns[name].iloc[rows[0]]}, not {self.columns[name].iloc[ours]}"
            for name in self.choices.columns_of_unit[1:]
            if self.columns[name].iloc[rows[0]] != self.columns[name].iloc[ours]
        ]
        held = "hold_constant" if keys(self.choices.hold_constant) else "attribution='all_events'"
        return [f"done {self.clock(int(self.time[rows[0]]))} with {', '.join(other)} ({held})"]

    def _other_properties(self, step: int, when: Mask) -> list[str]:
        """The event done, but with other properties."""
        asked = self.choices.path[step]
        if asked.event is None or not asked.where:
            return []
        same = (self.columns["event"] == asked.event).to_numpy(bool)
        rows = np.flatnonzero(self.mine & same & ~self.does[step] & when & (self.time < self.choices.span.as_of))
        if not len(rows):
            return []
        other = [
            f"{name} = {self.columns[name].iloc[rows[0]]}"
            for name, value in asked.where.items()
            if self.columns[name].iloc[rows[0]] != in_words(value)
        ]
        return [f"{asked.event} done {self.clock(int(self.time[rows[0]]))} with {', '.join(other)}"]


NOT_DONE = np.iinfo(np.int64).min


def in_words(value: object) -> str:
    """A property value in words; 1.0 is 1, for a column with missing values holds its whole numbers so."""
    if isinstance(value, float | np.floating) and value.is_integer():
        return str(int(value))
    return "missing" if pd.isna(value) else str(value)  # type: ignore[call-overload]
