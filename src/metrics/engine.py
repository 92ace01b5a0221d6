"""Rows for the kernels: who delivers them, and in which order.

Every event metric reads the same thing: rows as numpy arrays, a whole number for the unit (a user), a whole number
for the instant, all rows of a unit together and in time order. A metric's arithmetic never sees a DataFrame, so that
other sources of rows (files larger than memory, a cluster) can stand behind the same kernels.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from metrics.periods import Ints, When, instant, microseconds
from metrics.steps import Mask, unknown


@dataclass(frozen=True)
class Rows:
    """Rows of an event table, sorted by unit and time.

    `unit` is dense: unit 0 has the least label. `source` is the position of each row in `events`.
    """

    events: pd.DataFrame
    labels: pd.Index  # what each number of `unit` stands for
    unit: Ints
    time: Ints
    source: Ints

    def column(self, name: str) -> pd.Series:
        """A column of the event table in the order of the rows."""
        return self.events[name].iloc[self.source].reset_index(drop=True)

    def sorted(self, mask: Mask) -> Mask:
        """A mask over the event table in the order of the rows."""
        return mask[self.source]

    def first_of_unit(self, mask: Mask) -> Mask:
        """Of the rows in `mask`, those at the first instant of each unit that has one."""
        chosen = np.flatnonzero(mask)
        if not len(chosen):
            return mask
        units = self.unit[chosen]
        new = np.r_[True, units[1:] != units[:-1]]
        first_time = self.time[chosen][new]
        firsts: Mask = self.time == first_time[np.searchsorted(units[new], self.unit).clip(max=new.sum() - 1)]
        return mask & firsts


def user_rows(
    events: pd.DataFrame, *, unit: str | list[str] = "user_id", before: int | None = None, only: Mask | None = None
) -> Rows:
    """The rows of a conformed event table that belong to a unit and lie before an instant, sorted by unit and time.

    `only` leaves out rows that a metric need not see; sorting is what costs.
    A row without a value in the column `unit` belongs to none (a row outside every account, say). With several columns
    a unit is each combination of their values, and its label is the value of the first. The order of the rows in
    `events` never matters.
    """
    first, *held = [unit] if isinstance(unit, str) else unit
    for name, column in (("unit", first), *(("hold_constant", column) for column in held)):
        if column not in events:
            raise ValueError(unknown(name, column, events.columns, "a column of the event table", "columns"))
    time = microseconds(events["timestamp"])
    keep = events[first].notna().to_numpy()
    if before is not None:
        keep = keep & (time < before)
    if only is not None:
        keep = keep & only
    source = np.flatnonzero(keep)
    counted = events[first].iloc[source]
    code, found = pd.factorize(counted.astype("str") if counted.dtype == object else counted, sort=True)
    number, labels = code.astype(np.int64), pd.Index(found)
    if held:
        number, labels = _combined(events[held].iloc[source], number, labels)
    order = _by_unit_and_time(number, time[source])
    return Rows(events, labels, number[order], time[source[order]], source[order])


def _by_unit_and_time(unit: Ints, time: Ints) -> Ints:
    """Order of the rows; as one integer where both fit into 63 bits, which sorts several times faster."""
    if not len(unit):
        return unit
    since = time - time.min()
    if not (since % 1000).any():  # exports rarely tell more than milliseconds
        since //= 1000
    span = int(since.max()) + 1
    if (int(unit.max()) + 1) * span >= 2**63:
        return np.lexsort((since, unit))
    key = unit * span + since
    if (key[1:] >= key[:-1]).all():
        return np.arange(len(key))
    return np.argsort(key)


def _combined(held: pd.DataFrame, unit: Ints, labels: pd.Index) -> tuple[Ints, pd.Index]:
    """Numbers of the combinations of a unit with other columns, missing values being one of theirs."""
    codes = [pd.factorize(held.iloc[:, k], sort=True)[0] for k in range(held.shape[1])]
    both, first = unit, np.arange(len(labels))
    for code in codes:
        pairs = both * (int(code.max(initial=0)) + 2) + code + 1
        seen, both = np.unique(pairs, return_inverse=True)
        first = first[seen // (int(code.max(initial=0)) + 2)]
    return both.astype(np.int64), labels[first]


@dataclass(frozen=True)
class Span:
    """What is reported and what is observed: instants `since` <= t < `until`, nothing known from `as_of` on."""

    since: int
    until: int
    as_of: int

    @classmethod
    def read(cls, *, since: When | None, until: When | None, as_of: When, tz: str) -> "Span":
        """The span of a metric's arguments; absent bounds are the widest there are."""
        end = instant(as_of, tz=tz, name="as_of")
        low = -(2**62) if since is None else instant(since, tz=tz, name="since")
        high = end if until is None else min(instant(until, tz=tz, name="until"), end)
        if since is not None and until is not None and low >= instant(until, tz=tz, name="until"):
            raise ValueError(f"since {since!s} is not before until {until!s}. A span needs its start before its end.")
        return cls(low, high, end)
