"""Did the variant help? The figure of `compare_variants`."""

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import pandas as pd

from metrics.display.columns import reason_in_words
from metrics.display.kinds import parts, setting
from metrics.display.numbers import counted, plain, with_unit
from metrics.display.tests_said import compared
from metrics.display.worked import level
from metrics.plots.dots import MOST, Dot, height, paint_dots, written
from metrics.plots.needed import need
from metrics.plots.style import Margins, Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POWER = 0.8


def plot_variants(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the difference of each variant from the control with its interval, group by group.

    Behind it lie in grey the effects that were too small to be seen with as many users: those that a test of this size
    would have missed more often than once in five times.

    Parameters
    ----------
    table
        Result of `compare_variants`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of a comparison.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "variant": ["A", "B"],
    ...         "users": [500, 500],
    ...         "conversion_rate": [0.06, 0.11],
    ...         "difference": [None, 0.05],
    ...         "difference_low": [None, 0.015],
    ...         "difference_high": [None, 0.085],
    ...     }
    ... )
    >>> plot_variants(table).lines[-1].get_xdata().tolist()
    [5.0]
    """
    need(table, "compare_variants", ["variant", "users", "difference", "difference_low", "difference_high"])
    return _VARIANTS.on(table, ax)


def _dots(table: pd.DataFrame) -> list[Dot]:
    rates, confidence = "conversion_rate" in table, float(setting(table, "confidence", 0.95))
    name, scale = ("adjusted_difference" if "adjusted_difference" in table else "difference"), 100.0 if rates else 1.0
    z, power = NormalDist().inv_cdf((1 + confidence) / 2), NormalDist().inv_cdf(POWER)
    found = []
    for group, row, control in compared(table):
        named = ", ".join(word for word in (group, str(row["variant"])) if word)
        value, low, high = (
            scale * float(v) if not pd.isna(v) else math.nan
            for v in (row[name], row[f"{name}_low"], row[f"{name}_high"])
        )
        error = (high - low) / 2 / z
        if rates and math.isfinite(value):  # at the control's rate, if nothing differed
            p, n = float(control["conversion_rate"]), (float(row["users"]), float(control["users"]))
            error = scale * math.sqrt(p * (1 - p) * (1 / n[0] + 1 / n[1]))
        said = written(value, low, high, sign=True) or reason_in_words(row.get("reason"))
        found.append(Dot(named, value, low, high, said, (z + power) * error))
    return found


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    paint_dots(ax, _dots(table), unit=_unit(table), zero=True, narrow=narrow)


def _unit(table: pd.DataFrame) -> str:
    return "points" if "conversion_rate" in table else ""


def _alt(table: pd.DataFrame) -> str:
    if not len(table):
        return "Variants against the control: none."
    users = sum(part["users"].iloc[0] for _, part in parts(table))
    said = [f"Difference from {table.iloc[0]['variant']}, {counted(users, 'user')}."]
    for dot, (_, row, _) in zip(_dots(table), compared(table), strict=True):
        least = f", effects under {with_unit(plain(dot.band, 1), _unit(table))} too small to be seen"
        seen = least if math.isfinite(dot.band) else ""
        said.append(f"{dot.name}: {dot.words}, {counted(row['users'], 'user')}{seen}.")
    return " ".join(said)


def _legend(table: pd.DataFrame) -> str:
    if not any(math.isfinite(dot.value) for dot in _dots(table)):
        return ""
    rows = len(compared(table))
    more = f" The first {MOST} of {rows} rows." if rows > MOST else ""
    return (
        f"Difference from {table.iloc[0]['variant']}, with its {level(table)} interval. "
        f"[grey] too small to be seen with so many users.{more}"
    )


_VARIANTS = Plot(
    _paint, lambda table, narrow: height(len(compared(table))), lambda table, narrow: Margins(), _alt, _legend
)
