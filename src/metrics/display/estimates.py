"""The pieces of a sentence: a key figure, an estimate with its limits, and how one differs from another."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.numbers import percent, plain, signed


@dataclass(frozen=True)
class Sentence:
    """A key figure and the words after it; `intervals` are the pieces of the text that a page sets smaller."""

    number: str
    text: str
    unit: str = ""
    intervals: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Estimate:
    """A value with its limits, in the unit it is shown in (per cent, points of NPS)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, row: pd.Series, name: str, scale: float = 100) -> "Estimate":
        """The estimate `name` of a row, times `scale`."""
        low, high = row.get(f"{name}_low", np.nan), row.get(f"{name}_high", np.nan)
        return cls(scale * float(row[name]), scale * float(low), scale * float(high))

    @property
    def decimals(self) -> int:
        """Decimals that the interval supports."""
        return numbers.decimals_for([self.high - self.low])

    def number(self) -> str:
        """A rate as ``28.2``."""
        return percent(self.value / 100, 0 if self.value in (0, 100) else self.decimals)

    def limits(self) -> str:
        """``(26.7 to 29.9)``, or nothing where it has no interval, or none of any width."""
        if not self.low < self.high:
            return ""
        return f"({plain(self.low, self.decimals)} to {plain(self.high, self.decimals)})"


def change(now: Estimate, before: Estimate, than: str, unit: str = "points") -> tuple[str, list[str]]:
    """``2.9 points lower than before (−5.0 to −0.8)``, from both intervals (Newcombe's square-and-add).

    Newcombe (1998), Statistics in Medicine 17:873, method 10; the same step serves scores that are no rates.
    """
    if np.isnan(now.value) or np.isnan(before.value):
        return "", []
    difference = now.value - before.value
    low = difference - np.hypot(now.value - now.low, before.high - before.value)
    high = difference + np.hypot(now.high - now.value, before.value - before.low)
    decimals = numbers.decimals_for([high - low])
    if not low < high:  # without intervals nothing can be said about chance
        if difference == 0:
            return ("as before" if than == "before" else f"the same as {than}"), []
        word = "lower" if difference < 0 else "higher"
        return f"{plain(abs(difference), decimals)} {unit} {word} than {than}", []
    limits = f"({signed(low, decimals)} to {signed(high, decimals)})"
    amount = plain(abs(difference), decimals)
    nothing = not amount.strip("0.")
    amount = plain(10.0**-decimals, decimals) if nothing else amount
    unit = "point" if amount == "1" and unit == "points" else unit
    if nothing:
        same = "as before within" if than == "before" else "the same within"
        as_what = "" if than == "before" else f" as {than}"
        return f"{same} {amount} {unit}{as_what} {limits}", [limits]
    word = "lower" if difference < 0 else "higher"
    chance = ", which may be chance" if low <= 0 <= high else ""
    return f"{amount} {unit} {word} than {than} {limits}{chance}", [limits]


def compared(now: Estimate, row: pd.Series | None, name: str, than: str, scale: float = 100) -> tuple[str, list[str]]:
    """What `change` says of the estimate `name` of a row, after a colon; nothing without a row."""
    if row is None:
        return "", []
    said, limits = change(now, Estimate.of(row, name, scale), than)
    return (f": {said}" if said else ""), limits


def none(why: str) -> Sentence:
    """That there is no number, and why."""
    return Sentence(numbers.MISSING, why)
