"""How do we stand? The figure of `kpi_sheet`: a small panel for each key figure, all on one calendar.

The company's side stands above the customers'. A panel is read in one glance: name, last figure with its interval,
target and status in words; below them the line with its band, and the target as a thin line across it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.given import Given
from metrics.display.of_kpis import STATUS, decimals_of, goal, written
from metrics.display.worked import level
from metrics.plots.changes import ROW, join, marks_of, name_rows, told
from metrics.plots.needed import need, once, pixels, shorten
from metrics.plots.panels import Floats, Panel, panels_of
from metrics.plots.style import BAND, BLUE, GREY, INK, MUTED, NARROW, PAPER, RED, RULE, WIDE, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HEAD, _NAME, _LINE, _GRAPH, _TICKS, _GAP = 30.0, 17.0, 16.0, 46.0, 20.0, 12.0  # px, from above to below
_BETWEEN = 22.0  # px between columns
_LETTER = 6.7  # px of a letter of 12 px
_DENSE = 9.0  # px from point to point under which points are left out


def plot_kpi_sheet(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw each key figure in a panel of its own, with its interval as a band and its target as a line.

    Parameters
    ----------
    table
        Result of `kpi_sheet`. What is not over is hollow and dashed.
    ax
        Axes to draw on; without, a figure of its own is made.
    changes
        Change log, as `read_changes` returns it: a thin line in each panel for each change in these periods, named
        above the first panels of a side.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of a sheet.

    Examples
    --------
    >>> table = pd.DataFrame({
    ...     "side": "customer", "kpi": "churn_rate", "period_start": pd.to_datetime(["2026-01-01", "2026-02-01"]),
    ...     "n": [100, 120], "value": [0.05, 0.08], "value_low": [0.02, 0.04], "value_high": [0.11, 0.14],
    ...     "unit": "share", "target": 0.03, "direction": "lower", "status": ["unclear", "missed"],
    ...     "latest": [False, True], "complete": True, "reason": None,
    ... })  # fmt: skip
    >>> [text.get_text().replace("\u202f", " ") for text in plot_kpi_sheet(table).texts[:4]]
    ["The customers' side", 'Customer churn', '8 %', '4 to 14']
    """
    columns = [
        "side",
        "kpi",
        "period_start",
        "value",
        "value_low",
        "value_high",
        "unit",
        "target",
        "latest",
        "complete",
    ]
    need(table, "kpi_sheet", [*columns, "direction", "status"])
    return _sheet(changes).on(table, ax)


def _sheet(changes: pd.DataFrame | Given | None) -> Plot:
    """The figure with a line for each change that lies in its periods."""
    log = None if changes is None or isinstance(changes, Given) else changes  # not asked for, or no log is there
    if log is not None:
        need(log, "read_changes", ["change_id", "at"])

    @once
    def marks(table: pd.DataFrame) -> pd.DataFrame | None:
        return None if log is None or not len(table) else marks_of(table, log)

    def said(table: pd.DataFrame, *, dated: bool) -> str:
        found = marks(table)
        return "" if found is None else told(found, dated=dated)

    return Plot(
        paint=lambda ax, table, narrow: _paint(ax, table, narrow, marks(table)),
        height=lambda table, narrow: _height(table, narrow, marks(table)),
        margins=lambda table, narrow: Margins(),
        alt=lambda table: join(_alt(table), said(table, dated=True)),
        legend=lambda table: join(_legend(table), said(table, dated=False)),
    )


def _columns(narrow: bool) -> int:
    return 2 if narrow else 3


def _room(wide: float, narrow: bool) -> float:
    return (wide - _BETWEEN * (_columns(narrow) - 1)) / _columns(narrow)


@dataclass(frozen=True)
class _Lines:
    """The lines of words that the panels need, the same in all, so that their graphs stand in a row."""

    stacked: bool  # some interval has no room beside its figure
    aimed: bool  # some figure has a target
    named: float  # px for the names of changes, above the first graphs of a side

    @classmethod
    def of(cls, table: pd.DataFrame, narrow: bool, marks: pd.DataFrame | None) -> "_Lines":
        room = _room(NARROW if narrow else WIDE, narrow)
        panels = [panel for _, found in panels_of(table) for panel in found]
        wide = any(_beside(panel) + _LETTER * len(panel.interval) > room for panel in panels if panel.interval)
        names = [] if marks is None else _names(marks, room, table["period_start"].nunique())
        named = ROW * (1 + max(row for _, row in names)) + 4 if names else 0.0
        return cls(wide, bool(table["target"].notna().any()), named)

    @property
    def height(self) -> float:
        return _NAME + _LINE * (1 + self.stacked + self.aimed) + _GRAPH + _GAP


def _rows(many: int, columns: int) -> list[bool]:
    """Of each row of a side whether the time stands below it: where a column ends."""
    return [columns * (row + 2) > many for row in range(-(-many // columns))]


def _beside(panel: Panel) -> float:
    """Where the words beside a figure begin, in px."""
    return _wide(panel.figure, 8.4) + 7


def _wide(text: str, letter: float) -> float:
    return sum(3.5 if sign in (numbers.NARROW, " ", ".", ",") else 12 if sign == "%" else letter for sign in text)


def _height(table: pd.DataFrame, narrow: bool, marks: pd.DataFrame | None) -> float:
    lines = _Lines.of(table, narrow, marks)
    return sum(_HEAD + _tall(len(panels), lines, narrow) for _, panels in panels_of(table)) or 60


def _tall(many: int, lines: _Lines, narrow: bool) -> float:
    """Height of so many panels, of the names of changes above and of the time below them."""
    return lines.named + sum(lines.height + _TICKS * dated for dated in _rows(many, _columns(narrow)))


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool, marks: pd.DataFrame | None) -> None:
    sides = panels_of(table)
    if not sides:
        no_data(ax, "No key figure can be told of these tables.")
        return
    many, wide, lines = _columns(narrow), pixels(ax), _Lines.of(table, narrow, marks)
    ax.set_axis_off()
    ax.set_ylim(_height(table, narrow, marks), 0)
    ax.set_xlim(0, wide)
    room, top = _room(wide, narrow), 0.0
    for words, panels in sides:
        ax.text(0, top + 14, words, color=INK, fontweight="bold", fontsize=13, va="baseline")
        ax.plot([0, wide], [top + 21, top + 21], color=INK, linewidth=0.8)
        top += _HEAD
        for place, panel in enumerate(panels):
            below = place + many >= len(panels)  # the last of its column tells the time for all above it
            above = sum(lines.height + _TICKS * dated for dated in _rows(len(panels), many)[: place // many])
            first = place < many  # it names the changes for all below it
            above += 0 if first else lines.named
            left = place % many * (room + _BETWEEN)
            graph = _panel(ax, panel, left, top + above, room, lines) + lines.named * first
            if marks is not None:
                _changes(ax, panel, left, graph, room, marks, named=first)
            _graph(ax, panel, left, graph, room)
            if below:
                _ticks(ax, panel, left, graph + _GRAPH + 10, room)
        top += _tall(len(panels), lines, narrow)


def _panel(ax: "Axes", panel: Panel, left: float, top: float, room: float, lines: _Lines) -> float:
    """Write the words of a panel; where they end."""
    ax.text(left, top + 13, shorten(panel.name, room, letter=7.6), color=INK, fontweight="bold", va="baseline")
    line = top + _NAME + 12
    ax.text(left, line, panel.figure, color=BLUE, fontweight="bold", va="baseline")
    if lines.stacked:
        line += _LINE
    if panel.interval:
        ax.text(left + (0 if lines.stacked else _beside(panel)), line, panel.interval, color=MUTED, va="baseline")
    graph = top + _NAME + _LINE * (1 + lines.stacked)
    if lines.aimed:
        if panel.target:
            ax.text(left, graph + 12, panel.target, color=MUTED, va="baseline")
            missed = panel.status == STATUS["missed"]
            ax.text(
                left + _wide(panel.target, 7.6) + 8, graph + 12, panel.status, color=RED if missed else MUTED,
                fontweight="bold" if missed else "normal", va="baseline",
            )  # fmt: skip
        graph += _LINE
    return graph + 6


def _changes(
    ax: "Axes", panel: Panel, left: float, top: float, room: float, marks: pd.DataFrame, *, named: bool
) -> None:
    """A line through the graph for each change, where it lies in the periods of the panel."""
    starts = pd.DatetimeIndex(panel.rows["period_start"])
    mine = marks[marks["start"].isin(starts)]  # a panel may have fewer periods than the sheet
    mine = mine.assign(place=starts.get_indexer(pd.Index(mine["start"])) - 0.5 + (mine["place"] + 0.5) % 1)
    for place, name, (middle, row) in zip(mine["place"], mine["name"], _names(mine, room, len(starts)), strict=True):
        x = left + room * (place + 0.5) / len(starts)
        ax.plot([x, x], [top, top + _GRAPH - 6], color=GREY, linewidth=1, zorder=0.9)  # lighter than a target
        if named:
            ax.text(left + middle, top - 4 - ROW * row, str(name), color=MUTED, ha="center", va="baseline")


def _names(marks: pd.DataFrame, room: float, periods: int) -> list[tuple[float, int]]:
    """Where the names of changes stand above a graph, which they do not leave: the middle of each, and its row."""
    half = 7.6 * marks["name"].astype("str").str.len().to_numpy(float) / 2
    middle = np.clip(room * (marks["place"].to_numpy(float) + 0.5) / periods, half, room - half)
    rows = name_rows(marks.assign(place=middle / room * periods - 0.5), room, periods)
    return list(zip(middle.tolist(), rows, strict=True))


def _graph(ax: "Axes", panel: Panel, left: float, top: float, room: float) -> None:
    value, low, high = (panel.values(name) for name in ("value", "value_low", "value_high"))
    target = float(panel.values("target")[-1])
    bottom, tall = top + _GRAPH - 6, _GRAPH - 12
    ax.plot([left, left + room], [bottom, bottom], color=RULE, linewidth=0.8)
    if not np.isfinite(value).any():
        return
    least, most = panel.scale
    low, high = np.clip(low, least, most), np.clip(high, least, most)

    def up(values: Floats) -> Floats:
        return bottom - 3 - (values - least) / (most - least) * tall

    step = room / max(len(value), 1)
    x = left + step * (np.arange(len(value)) + 0.5)
    if np.isfinite(target):
        ax.plot([left, left + room], [up(np.array([target]))[0]] * 2, color=INK, linewidth=1)
    over = panel.rows["complete"].to_numpy(bool)
    done, sure = np.isfinite(value) & over, np.isfinite(low) & np.isfinite(high)
    ax.fill_between(x, up(low), up(high), where=list(done & sure), color=BLUE, alpha=BAND, linewidth=0)
    beside = np.r_[False, done[:-1]] | np.r_[done[1:], False]
    for k in np.flatnonzero(done & sure & ~beside):  # one period alone has no band
        ax.plot([x[k], x[k]], [up(low)[k], up(high)[k]], color=BLUE, linewidth=1)
    dense = step < _DENSE
    ax.plot(x, np.where(done, up(value), np.nan), color=BLUE, linewidth=1.6)
    points = np.flatnonzero(done & ~beside) if dense else np.flatnonzero(done)
    ax.plot(x[points], up(value)[points], linestyle="none", marker="o", markersize=4, color=BLUE, markeredgewidth=0)
    for k in np.flatnonzero(np.isfinite(value) & ~over):
        if k and np.isfinite(value[k - 1]):
            ax.plot(x[[k - 1, k]], up(value)[[k - 1, k]], color=BLUE, linewidth=1.2, linestyle=(0, (3, 2)))
        ax.plot(
            x[[k]], up(value)[[k]], linestyle="none", marker="o", markersize=5, color=BLUE, markerfacecolor=PAPER,
            markeredgewidth=1.2, zorder=4,
        )  # fmt: skip
    last = np.flatnonzero(panel.rows["latest"].to_numpy(bool) & done)
    if len(last):
        colour = RED if panel.status == STATUS["missed"] else BLUE
        ax.plot(
            x[last], up(value)[last], linestyle="none", marker="o", markersize=6, color=colour, markeredgewidth=0,
            zorder=5,
        )  # fmt: skip


def _ticks(ax: "Axes", panel: Panel, left: float, y: float, room: float) -> None:
    starts, length = panel.rows["period_start"], period_length(panel.rows)
    one_year = starts.iloc[0].year == starts.iloc[-1].year
    first, last = numbers.period(starts.iloc[0], length), numbers.period(starts.iloc[-1], length, year=not one_year)
    last = last[:3] if length == "month" and one_year else last
    if len(starts) > 1 and _LETTER * (len(first) + len(last) + 2) > room:
        first = numbers.period(starts.iloc[0], length, year=False)
    ax.text(left, y, first, color=MUTED, va="baseline")
    if len(starts) > 1:
        ax.text(left + room, y, last, color=MUTED, va="baseline", ha="right")


def _alt(table: pd.DataFrame) -> str:
    sides = panels_of(table)
    if not sides:
        return "Key figures: none can be told of these tables."
    said = []
    for words, panels in sides:
        told = "; ".join(_in_words(panel, period_length(table)) for panel in panels)
        said.append(f"{words}: {told}.")
    return f"Small panels, one for each key figure. {' '.join(said)}"


def _in_words(panel: Panel, length: str | None) -> str:
    rows = panel.rows[panel.rows["complete"].astype(bool) & panel.rows["value"].notna()]
    if not len(rows):
        return f"{panel.name} {panel.interval or 'is not known'}"
    when = numbers.period_in_words(panel.told["period_start"], length)
    text = f"{panel.name} {panel.figure}{f' ({panel.interval})' if panel.interval else ''} in {when}"
    first = rows.iloc[0]
    if len(rows) > 1:
        was = written(float(first["value"]), str(first["unit"]), decimals_of(first))
        text += f", {was} in {numbers.period_in_words(first['period_start'], length)}"
    if panel.target:
        way = "at least" if panel.told["direction"] == "higher" else "at most"
        aim = goal(float(panel.told["target"]), str(panel.told["unit"]))
        text += f", to be {way} {aim}: {panel.status}"
    return text


def _legend(table: pd.DataFrame) -> str:
    panels: Sequence[Panel] = [panel for _, found in panels_of(table) for panel in found]
    if not panels:
        return ""
    said = []
    if any(panel.interval and np.isfinite(panel.values("value_low")).any() for panel in panels):
        said.append(f"Band: {level(table)} interval.")
    if table["target"].notna().any():
        said.append("Thin line across: the target, ≥ to be reached, ≤ not to be passed.")
    said.append("Each panel has a scale of its own, which need not begin at 0.")
    if any(panel.is_cut for panel in panels):
        said.append("Bands much wider than the last are cut.")
    if not table["complete"].all():
        said.append("Hollow: not over yet.")
    return " ".join(said)
