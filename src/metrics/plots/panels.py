"""One key figure of a sheet in words and numbers, as a panel of its figure shows it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import reason_in_words
from metrics.display.of_kpis import STATUS, decimals_of, goal, limits, scaled, short, written
from metrics.plots.needed import once

Floats = npt.NDArray[np.float64]
_SIDES = (("company", "The company's side"), ("customer", "The customers' side"))


@dataclass(frozen=True)
class Panel:
    """One key figure: its rows in time order, and the row that is told in words."""

    rows: pd.DataFrame
    told: "pd.Series[Any]"

    @property
    def name(self) -> str:
        return short(self.told["kpi"])

    @property
    def figure(self) -> str:
        if numbers.is_missing(self.told["value"]):
            return numbers.MISSING
        return written(float(self.told["value"]), str(self.told["unit"]), decimals_of(self.told))

    @property
    def interval(self) -> str:
        if numbers.is_missing(self.told["value"]):
            return reason_in_words(self.told.get("reason"))
        return limits(self.told)

    @property
    def target(self) -> str:
        """``≤ 4 %``, or nothing."""
        if numbers.is_missing(self.told["target"]):
            return ""
        sign = "≥" if self.told["direction"] == "higher" else "≤"
        return f"{sign}\u00a0{goal(float(self.told['target']), str(self.told['unit']))}"

    @property
    def status(self) -> str:
        return STATUS.get(str(self.told["status"]), "") if self.target else ""

    def values(self, name: str) -> Floats:
        """A column as it is shown, shares in per cent."""
        return np.asarray(scaled(1.0, str(self.told["unit"])) * self.rows[name].to_numpy(float, na_value=np.nan))

    @property
    def scale(self) -> tuple[float, float]:
        """Ends of the panel's axis: all figures, the target and the last interval; an older, much wider one is cut."""
        value, low, high = (self.values(name) for name in ("value", "value_low", "value_high"))
        latest = self.rows["latest"].to_numpy(bool)
        shown = np.concatenate([value, low[latest], high[latest], self.values("target")[-1:]])
        shown = shown[np.isfinite(shown)]
        least, most = float(shown.min()), float(shown.max())
        room = 0.6 * (most - least)
        limits_ = np.concatenate([low, high])
        limits_ = limits_[np.isfinite(limits_)]
        if len(limits_):
            least, most = min(least, max(least - room, limits_.min())), max(most, min(most + room, limits_.max()))
        if most - least < 1e-9 * max(1.0, abs(most)):
            return least - 1, most + 1
        return least, most

    @property
    def is_cut(self) -> bool:
        """Whether a band leaves the panel."""
        if not np.isfinite(self.values("value")).any():
            return False
        least, most = self.scale
        return bool((self.values("value_low") < least).any() or (self.values("value_high") > most).any())


@once
def panels_of(table: pd.DataFrame) -> list[tuple[str, list[Panel]]]:
    """The panels of each side, in the order of the table."""
    found = []
    for side, words in _SIDES:
        panels = []
        for _, rows in table[table["side"] == side].groupby("kpi", sort=False):
            rows = rows.sort_values("period_start", kind="stable", ignore_index=True)
            last = np.flatnonzero(rows["latest"].to_numpy(bool))
            panels.append(Panel(rows, rows.iloc[int(last[-1]) if len(last) else len(rows) - 1]))
        if panels:
            found.append((words, panels))
    return found
