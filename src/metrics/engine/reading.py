"""What a metric reads: which rows, whose, and which of their properties."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from metrics.engine.cells import Cut
from metrics.periods import SLOT, Ints
from metrics.steps import Mask, Step, unknown


@dataclass(frozen=True)
class Mark:
    """Rows that a metric asks for by a step; `argument` is its name in messages.

    A `needed` mark that no row has is an error, for the metric is nothing without it; another one counts as never done.
    """

    step: Step
    argument: str
    needed: bool = False


@dataclass(frozen=True)
class Reading:
    """What a metric reads of an event table.

    Parameters
    ----------
    marks
        Conditions on rows; a kernel asks for them by their place.
    before
        Microseconds since 1970: rows at or after it are not read.
    unit
        Columns whose combinations are counted; a row without the first one belongs to no unit.
    everything
        Also read the rows that no mark means.
    groups
        Property columns to deliver as codes, in the order of their values.
    numbers
        Property columns to deliver as numbers.
    cut
        Where the kernel only asks in which cell of time a row lies: how time is cut. Rows that are alike may then come
        once, with the first instant of their cell for their time; whether they do is the source's affair.
    """

    marks: tuple[Mark, ...]
    before: int
    unit: tuple[str, ...] = ("user_id",)
    everything: bool = False
    groups: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    cut: Cut | None = None

    def check(self, columns: Iterable[Any]) -> None:
        """Refuse columns that are not there."""
        known = list(columns)
        first, *held = self.unit
        asked = [("unit", first), *(("hold_constant", name) for name in held if name not in self.groups)]
        asked += [("by", name) for name in self.groups] + [("value", name) for name in self.numbers]
        asked += [(mark.argument, name) for mark in self.marks for name in mark.step.where]
        for argument, name in asked:
            if name not in known:
                raise ValueError(unknown(argument, name, known, "a column of the event table", "columns"))

    @property
    def of_presence(self) -> bool:
        """Whether all but rows of named events is asked only for the quarter of an hour in which a user was there."""
        steps = self.kinds.steps
        everything = self.everything or any(step.event is None for step in steps)
        plain = not (self.kinds.values or self.groups or self.numbers)
        return everything and plain and self.unit == ("user_id",) and self.before % SLOT == 0

    @cached_property
    def kinds(self) -> "Kinds":
        """How rows are told apart by the marks that they meet."""
        return Kinds.of([mark.step for mark in self.marks])


@dataclass(frozen=True)
class Kinds:
    """The kind of a row, as one number of which each digit is a question: which of these events, which of these values.

    Digit 0 is none of them. Two rows of one kind meet the same marks, so that sources need only tell the kind.
    """

    steps: Sequence[Step]
    events: list[str] = field(default_factory=list)
    values: dict[str, list[Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, steps: Sequence[Step]) -> "Kinds":
        """The questions that the steps ask."""
        found = cls(steps)
        for step in steps:
            if step.event is not None and step.event not in found.events:
                found.events.append(step.event)
            for column, value in step.where.items():
                _check_value(column, value)
                asked = found.values.setdefault(column, [])
                if _place(asked, value) < 0:
                    asked.append(value)
        if found.count >= 2**62:
            raise ValueError(f"steps ask for {len(found.values)} properties, too many to tell apart. Use fewer.")
        return found

    @property
    def count(self) -> int:
        """How many kinds there can be."""
        count = len(self.events) + 1
        for asked in self.values.values():
            count *= len(asked) + 1
        return count

    def place(self, column: str, value: Any) -> int:
        """The digit of a value that is asked for."""
        return _place(self.values[column], value) + 1

    def number(self, event_digit: Any, digits: Sequence[Any]) -> Any:
        """The number of a kind from its digits (arrays, or whatever multiplies and adds)."""
        number, weight = event_digit, len(self.events) + 1
        for digit, asked in zip(digits, self.values.values(), strict=True):
            number = number + digit * weight
            weight *= len(asked) + 1
        return number

    def met(self, kinds: Ints) -> Mask:
        """Which marks the rows of each kind meet: marks x kinds."""
        rest, event = np.divmod(kinds, len(self.events) + 1)
        digit = {}
        for column, asked in self.values.items():
            rest, digit[column] = np.divmod(rest, len(asked) + 1)
        met = np.ones((len(self.steps), len(kinds)), bool)
        for row, step in zip(met, self.steps, strict=True):
            if step.event is not None:
                row &= event == self.events.index(step.event) + 1
            for column, value in step.where.items():
                row &= digit[column] == self.place(column, value)
        return met

    def classes(self, kinds: Ints) -> "Classes":
        """The classes of rows that these kinds fall into."""
        met = self.met(kinds)
        # In the order of the first mark that is met, so that rows of one instant come in the order of the steps.
        packed = np.packbits(~met, axis=0).T
        patterns, place = np.unique(packed, axis=0, return_inverse=True)
        place = place.reshape(-1)
        sample = np.full(len(patterns), 0)
        sample[place] = np.arange(len(kinds))
        none = np.flatnonzero(~met[:, sample].any(axis=0))
        order = np.r_[none, np.setdiff1d(np.arange(len(patterns)), none)]
        number = np.empty(len(patterns), np.int64)
        number[order] = np.arange(len(patterns)) + (0 if len(none) else 1)
        table = np.zeros((len(self.steps), len(patterns) + (0 if len(none) else 1)), bool)
        table[:, number] = met[:, sample]
        return Classes(table, kinds, number[place])


@dataclass(frozen=True)
class Classes:
    """Rows that meet the same marks form a class; class 0 meets none."""

    met: Mask  # marks x classes
    kinds: Ints
    of_kind: Ints  # class of each of `kinds`

    @property
    def bits(self) -> int:
        """Bits that hold the number of a class."""
        return max(int(self.met.shape[1] - 1).bit_length(), 1)

    def met_by(self, seen: Ints) -> Mask:
        """Which marks rows of these classes meet."""
        met: Mask = np.logical_or.reduce(self.met[:, seen], axis=1)
        return met


def digits_of(column: pd.Series, asked: list[Any]) -> Ints:
    """For each value of a column the place, from 1, of the value asked for that pandas calls equal, or 0."""
    digit = np.zeros(len(column), np.int64)
    if len(asked) > 3 and len(column) > 1000:  # many comparisons: those of the distinct values will do
        code, values = pd.factorize(column, use_na_sentinel=False)
        return digits_of(pd.Series(values), asked)[code]
    for place, value in enumerate(asked, start=1):
        same: Mask = (column.isna() if pd.isna(value) else column == value).to_numpy(bool, na_value=False)
        if (digit[same] > 0).any():
            other = asked[int(digit[same].max()) - 1]
            raise ValueError(f"where: {column.name!r} has a value that equals both {other!r} and {value!r}. Use one.")
        digit[same] = place
    return digit


def _check_value(column: str, value: Any) -> None:
    if not pd.api.types.is_scalar(value):
        raise ValueError(f"where={{{column!r}: {value!r}}} is not one value. Use one value a property.")


def _place(asked: list[Any], value: Any) -> int:
    """Place of a value among those asked for; missing is a value, and so is a number however it is written."""
    for place, other in enumerate(asked):
        if pd.isna(value) or pd.isna(other):
            if pd.isna(value) and pd.isna(other):
                return place
            continue
        number = isinstance(value, bool | int | float | np.number) and isinstance(other, bool | int | float | np.number)
        if (number or type(value) is type(other)) and bool(other == value):
            return place
    return -1
