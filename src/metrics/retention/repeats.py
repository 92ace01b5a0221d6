"""Units in several cohorts: how their returns go together, so that limits over cohorts do not count them as strangers.

With ``cohort="recurring"`` a unit is in the cohort of every period in which it began. Its x cohorts that are over for
period k, and the y of them to which it came back, are one observation, and the rate is sum of y / sum of x, a ratio
over units.
"""

from typing import Any

import numpy as np
import pandas as pd

from metrics.engine.combinations import combinations
from metrics.engine.local import Columns
from metrics.intervals import Floats, wilson
from metrics.periods import Ints
from metrics.retention import facts
from metrics.retention.cohorts import Members

_SUMS = ["x", "y", "xx", "yy", "xy", "units"]


def together(who: Members, back: tuple[Ints, Ints], over: Ints, width: int) -> Columns:
    """Sums over the units of each group by cell: x, y, their squares, their product, and how many units there are.

    `back` are member and cell of each return that counts; of a member the first `over` cells are finished.
    """
    groups = list(who.groups.values())
    unit, place = combinations([*groups, who.unit])
    of_group, group = combinations([*unit[:-1], np.zeros(unit.shape[1], np.int64)])
    size = unit.shape[1]
    x = np.bincount(place * (width + 1) + over, minlength=size * (width + 1)).reshape(size, width + 1)
    x = x[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    member, cell = back
    counts = cell < over[member]
    y = np.bincount(place[member[counts]] * width + cell[counts], minlength=size * width).reshape(size, width)
    y[:, 0] = x[:, 0]

    def summed(values: Ints) -> Ints:
        total = np.zeros((of_group.shape[1], width), np.int64)
        np.add.at(total, group, values)
        return total.ravel()

    many = of_group.shape[1]
    names = {f"group {name}": np.repeat(code, width) for name, code in zip(who.groups, of_group[:-1], strict=True)}
    keys = names, np.zeros(many * width, np.int64), np.tile(np.arange(width), many)
    return facts.joined([
        facts.fact(facts.PAIRS, *keys, first=summed(x), second=summed(y)),
        facts.fact(facts.SQUARES, *keys, first=summed(x * x), second=summed(y * y)),
        facts.fact(facts.PRODUCTS, *keys, first=summed(x * y), second=summed((x > 0).astype(np.int64))),
    ])  # fmt: skip


def told(table: pd.DataFrame, by: list[str]) -> list[list[Any]]:
    """The sums as plain rows: group in words, cell, x, y, xx, yy, xy, units."""
    wide: dict[str, list[int]] = {}
    for what, names in ((facts.PAIRS, _SUMS[:2]), (facts.SQUARES, _SUMS[2:4]), (facts.PRODUCTS, _SUMS[4:])):
        part = table[table["what"] == what]
        wide |= {names[0]: part["first"].tolist(), names[1]: part["second"].tolist()}
    part = table[table["what"] == facts.PAIRS]
    groups = named(part, by)
    return [list(row) for row in zip(groups, part["cell"].tolist(), *(wide[name] for name in _SUMS), strict=True)]


def named(table: pd.DataFrame, by: list[str]) -> list[str]:
    """The group of each row in words."""
    if not by:
        return [""] * len(table)
    return [", ".join("(missing)" if pd.isna(v) else str(v) for v in row) for row in table[by].itertuples(index=False)]


def limits(curve: pd.DataFrame, by: list[str], rows: list[list[Any]], confidence: float) -> tuple[Floats, Floats]:
    """Limits of each rate of a curve; NaN where the sums are not those of its users.

    Wilson limits for as many strangers as would tell as much (Dean & Pagano 2015, Journal of Survey Statistics and
    Methodology 3:484), by the variance of a ratio over units (Cochran 1977, Sampling Techniques, page 155). Units that
    all do alike are worth one answer each.
    """
    known = {(group, cell): sums for group, cell, *sums in rows}
    nothing = [np.nan] * len(_SUMS)
    keys = zip(named(curve, by), curve["period"].tolist(), strict=True)
    x, y, xx, yy, xy, units = np.array([known.get(key, nothing) for key in keys], float).reshape(-1, len(_SUMS)).T
    same = (x == curve["users"].to_numpy()) & (y == curve["retained"].to_numpy())  # else somebody chose some cohorts
    with np.errstate(all="ignore"):
        rate = y / x
        variance = (yy - 2 * rate * xy + rate**2 * xx) / x**2 * units / (units - 1)
        worth = np.where(variance > 0, np.minimum(rate * (1 - rate) / variance, x), units)
    worth = np.where(same & (units > 0), worth, np.nan)
    low, high = wilson(np.where(same, rate, np.nan) * worth, worth, confidence)
    return low, high
