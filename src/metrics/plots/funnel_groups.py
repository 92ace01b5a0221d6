"""Who converts otherwise, and what goes with it? Figures of `compare_funnels` and `funnel_drivers`."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import reason_in_words
from metrics.display.kinds import limits_of
from metrics.display.numbers import percent, plain, signed, with_unit
from metrics.display.worked import level
from metrics.plots.needed import need, pixels, shorten
from metrics.plots.style import BLUE, INK, MUTED, RULE, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _MOST, _SURE = 44.0, 12, 0.05


def plot_funnel_groups(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw how much each group's conversion differs from that of the control.

    A row for each group: the difference at the last step, in points, with its interval.

    Parameters
    ----------
    table
        Result of `compare_funnels`.
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
    ...         "group": ["desk", "phone"],
    ...         "step": [2, 2],
    ...         "event": ["buy", "buy"],
    ...         "users": [40, 20],
    ...         "conversion_rate": [0.4, 0.2],
    ...         "difference": [None, -0.2],
    ...         "difference_low": [None, -0.3],
    ...         "difference_high": [None, -0.1],
    ...         "p_adjusted": [None, 0.01],
    ...         "reason": ["control", None],
    ...     }
    ... )
    >>> [text.get_text() for text in plot_funnel_groups(table).texts[:2]]
    ['phone', '−20 points (−30 to −10)']
    """
    need(table, "compare_funnels", ["group", "step", "difference", "difference_low", "difference_high", "reason"])
    return _GROUPS.on(table, ax)


def plot_funnel_drivers(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw which events go with conversion, and how surely.

    A row for each event that has an estimate: its odds ratio with its interval, on a scale of ratios.

    Parameters
    ----------
    table
        Result of `funnel_drivers`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of drivers.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "event": ["invite"],
    ...         "odds_ratio": [2.0],
    ...         "odds_ratio_low": [1.5],
    ...         "odds_ratio_high": [2.7],
    ...         "p_adjusted": [0.01],
    ...     }
    ... )
    >>> [text.get_text() for text in plot_funnel_drivers(table).texts[:2]]
    ['invite', '2.0 times the odds (1.5 to 2.7)']
    """
    need(table, "funnel_drivers", ["event", "odds_ratio", "odds_ratio_low", "odds_ratio_high"])
    return _DRIVERS.on(table, ax)


@dataclass(frozen=True)
class _Row:
    """One estimate on the common axis."""

    name: str
    value: float
    low: float
    high: float
    said: str
    sure: bool


def _group_rows(table: pd.DataFrame) -> list[_Row]:
    last = table[(table["step"] == table["step"].max()) & (table["reason"].fillna("") != "control")]
    return [_row(row, "group", "difference", 100, _points) for _, row in last.iterrows()]


def _driver_rows(table: pd.DataFrame) -> list[_Row]:
    known = table[table["odds_ratio"].notna()]
    return [_row(row, "event", "odds_ratio", 1, _times) for _, row in known.iterrows()]


def _row(row: "pd.Series[Any]", name: str, estimate: str, scale: float, say: Callable[..., str]) -> _Row:
    limits = limits_of(row, estimate)
    value, (low, high) = row[estimate], limits or (np.nan, np.nan)
    title = "(missing)" if numbers.is_missing(row[name]) else str(row[name])
    if numbers.is_missing(value):
        return _Row(title, np.nan, np.nan, np.nan, reason_in_words(row.get("reason")) or "no comparison", False)
    p: Any = row.get("p_adjusted")
    sure = not numbers.is_missing(p) and float(p) < _SURE
    value, low, high = scale * float(value), scale * low, scale * high
    return _Row(title, value, low, high, say(value, low, high), sure)


def _points(value: float, low: float, high: float) -> str:
    digits = numbers.decimals_for([high - low])
    return f"{signed(value, digits)} points ({signed(low, digits)} to {signed(high, digits)})"


def _times(value: float, low: float, high: float) -> str:
    value_said, low_said, high_said = (plain(at, max(0, 1 - math.floor(math.log10(at)))) for at in (value, low, high))
    return f"{value_said} times the odds ({low_said} to {high_said})"


def _paint_rows(ax: "Axes", rows: list[_Row], ticks: list[float], place: Callable[[float], float], same: float) -> None:
    wide, bottom = pixels(ax), _ROW * len(rows)
    low, high = place(ticks[0]), place(ticks[-1])
    ax.set_axis_off()
    ax.set_xlim(low, high)
    ax.set_ylim(bottom + 24, 0)
    for number, row in enumerate(rows):
        top = _ROW * number
        for tick in ticks:
            colour = INK if tick == same else RULE
            ax.plot([place(tick)] * 2, [top + 19, top + 35], color=colour, linewidth=0.8, zorder=0)
        said = row.said.replace(" times the odds", "") if wide < 400 else row.said
        room = wide - 7.2 * len(said) - 12
        ax.text(low, top + 13, shorten(row.name, room), fontsize=13, fontweight="bold", color=INK, va="baseline")
        ax.text(high, top + 13, said, ha="right", va="baseline", color=MUTED)
        if np.isfinite(row.value):
            colour = BLUE if row.sure else MUTED
            ends = [min(max(place(at), low), high) for at in (row.low, row.high)]
            ax.plot(ends, [top + 27, top + 27], color=colour, linewidth=2)
            ax.plot([place(row.value)], [top + 27], marker="o", markersize=8, color=colour, markeredgewidth=0)
    for number, tick in enumerate(ticks):
        side = "left" if number == 0 else "right" if number == len(ticks) - 1 else "center"
        said = plain(tick, 0) if tick == int(tick) else f"{tick:g}"
        ax.text(place(tick), bottom + 18, said, ha=side, va="baseline", color=MUTED)


def _paint_groups(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    rows = _group_rows(table)[:_MOST]
    if not rows:
        no_data(ax, "There is no second group.")
        return
    reach = np.nanmax([1.0, *(abs(at) for row in rows for at in (row.low, row.high) if np.isfinite(at))])
    step = next(size for size in (1, 2, 5, 10, 20, 25, 50) if 2 * size >= reach or size == 50)
    _paint_rows(ax, rows, [-2.0 * step, -1.0 * step, 0.0, 1.0 * step, 2.0 * step], float, 0.0)


def _paint_drivers(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    rows = _driver_rows(table)[:_MOST]
    if not rows:
        no_data(ax, "No event was done by enough to say.")
        return
    reach = max([2.0, *(max(row.value, 1 / row.value) for row in rows)])
    reach = max(reach, *(min(max(row.high, 1 / row.low), 4 * reach) for row in rows))
    step = next(size for size in (2.0, 4.0, 10.0, 100.0, 10_000.0, 1e12) if size**2 >= reach or size > 1e9)
    _paint_rows(ax, rows, [step**-2, 1 / step, 1.0, step, step**2], math.log, 1.0)


def _height(rows: list[_Row]) -> float:
    return _ROW * min(len(rows), _MOST) + 24 if rows else 60


def _alt_groups(table: pd.DataFrame) -> str:
    rows = _group_rows(table)
    if not rows:
        return "Comparison of groups without a second group."
    control = table[table["reason"].fillna("") == "control"].iloc[-1]
    said = [f"Conversion to {control['event']} against {control['group']}, {_rate(control)}."]
    return " ".join([*said, *(f"{row.name}: {row.said}." for row in rows)])


def _rate(row: "pd.Series[Any]") -> str:
    rate: Any = row.get("conversion_rate")
    return "nobody" if numbers.is_missing(rate) else with_unit(percent(rate))


def _alt_drivers(table: pd.DataFrame) -> str:
    rows = _driver_rows(table)
    if not rows:
        return "Events on the way to conversion: none was done by enough to say."
    return " ".join(
        ["Events on the way, of the converted against the dropped."] + [f"{r.name}: {r.said}." for r in rows]
    )


def _legend(table: pd.DataFrame, rows: list[_Row], what: str) -> str:
    if not rows:
        return ""
    more = f" The first {_MOST} of {len(rows)}." if len(rows) > _MOST else ""
    colours = "[blue] more than chance explains (adjusted p below 0.05), [muted] may be chance"
    return f"{what} Line: {level(table)} interval. {colours}.{more}"


def _group_legend(table: pd.DataFrame) -> str:
    rows = _group_rows(table)
    if not rows:
        return ""
    control = table[table["reason"].fillna("") == "control"].iloc[-1]
    name = "(missing)" if numbers.is_missing(control["group"]) else control["group"]
    return _legend(table, rows, f"0: as {name}, {_rate(control)} of whom reach {control['event']}.")


_GROUPS = Plot(
    _paint_groups,
    lambda table, narrow: _height(_group_rows(table)),
    lambda table, narrow: Margins(),
    _alt_groups,
    _group_legend,
)
_DRIVERS = Plot(
    _paint_drivers,
    lambda table, narrow: _height(_driver_rows(table)),
    lambda table, narrow: Margins(),
    _alt_drivers,
    lambda table: _legend(table, _driver_rows(table), "1: the converted and the dropped do it alike."),
)
