"""How do we stand? The figure of `kpi_sheet`: a small panel for each key figure, all on one calendar.

The company's side stands above the customers'. A panel is read in one glance: name, last figure with its interval,
target and status in words; below them the line with its band, and the target as a thin line across it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length, reason_in_words
from metrics.display.of_kpis import STATUS, decimals_of, goal, limits, scaled, short, written
from metrics.display.worked import level
from metrics.plots.needed import need, pixels, shorten
from metrics.plots.style import BAND, BLUE, INK, MUTED, NARROW, PAPER, RED, RULE, WIDE, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
_SIDES = (("company", "The company's side"), ("customer", "The customers' side"))
_HEAD, _NAME, _LINE, _GRAPH, _TICKS, _GAP = 30.0, 17.0, 16.0, 46.0, 20.0, 12.0  # px, from above to below
_BETWEEN = 22.0  # px between columns
_LETTER = 6.7  # px of a letter of 12 px
_DENSE = 9.0  # px from point to point under which points are left out


def plot_kpi_sheet(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw each key figure in a panel of its own, with its interval as a band and its target as a line.

    Parameters
    ----------
    table
        Result of `kpi_sheet`. What is not over is hollow and dashed.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of a sheet.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "side": "customer",
    ...         "kpi": "churn_rate",
    ...         "period_start": pd.to_datetime(["2026-01-01", "2026-02-01"]),
    ...         "n": [100, 120],
    ...         "value": [0.05, 0.08],
    ...         "value_low": [0.02, 0.04],
    ...         "value_high": [0.11, 0.14],
    ...         "unit": "share",
    ...         "target": 0.03,
    ...         "direction": "lower",
    ...         "status": ["unclear", "missed"],
    ...         "latest": [False, True],
    ...         "complete": True,
    ...         "reason": None,
    ...     }
    ... )
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
    return _SHEET.on(table, ax)


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


def _panels(table: pd.DataFrame) -> list[tuple[str, list[Panel]]]:
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


def _columns(narrow: bool) -> int:
    return 2 if narrow else 3


def _room(wide: float, narrow: bool) -> float:
    return (wide - _BETWEEN * (_columns(narrow) - 1)) / _columns(narrow)


@dataclass(frozen=True)
class _Lines:
    """The lines of words that the panels need, the same in all, so that their graphs stand in a row."""

    stacked: bool  # some interval has no room beside its figure
    aimed: bool  # some figure has a target

    @classmethod
    def of(cls, table: pd.DataFrame, narrow: bool) -> "_Lines":
        room = _room(NARROW if narrow else WIDE, narrow)
        panels = [panel for _, found in _panels(table) for panel in found]
        wide = any(_beside(panel) + _LETTER * len(panel.interval) > room for panel in panels if panel.interval)
        return cls(wide, bool(table["target"].notna().any()))

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


def _height(table: pd.DataFrame, narrow: bool) -> float:
    row = _Lines.of(table, narrow).height
    return sum(_HEAD + _tall(len(panels), row, narrow) for _, panels in _panels(table)) or 60


def _tall(many: int, row: float, narrow: bool) -> float:
    """Height of so many panels, and of the time below them."""
    return sum(row + _TICKS * dated for dated in _rows(many, _columns(narrow)))


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    sides = _panels(table)
    if not sides:
        no_data(ax, "No key figure can be told of these tables.")
        return
    many, wide, lines = _columns(narrow), pixels(ax), _Lines.of(table, narrow)
    ax.set_axis_off()
    ax.set_ylim(_height(table, narrow), 0)
    ax.set_xlim(0, wide)
    room, top = _room(wide, narrow), 0.0
    for words, panels in sides:
        ax.text(0, top + 14, words, color=INK, fontweight="bold", fontsize=13, va="baseline")
        ax.plot([0, wide], [top + 21, top + 21], color=INK, linewidth=0.8)
        top += _HEAD
        for place, panel in enumerate(panels):
            below = place + many >= len(panels)  # the last of its column tells the time for all above it
            above = sum(lines.height + _TICKS * dated for dated in _rows(len(panels), many)[: place // many])
            _panel(ax, panel, place % many * (room + _BETWEEN), top + above, room, below, lines)
        top += _tall(len(panels), lines.height, narrow)


def _panel(ax: "Axes", panel: Panel, left: float, top: float, room: float, dated: bool, lines: _Lines) -> None:
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
    _graph(ax, panel, left, graph + 6, room)
    if dated:
        _ticks(ax, panel, left, graph + _GRAPH + 16, room)


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
    sides = _panels(table)
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
    panels: Sequence[Panel] = [panel for _, found in _panels(table) for panel in found]
    if not panels:
        return ""
    said = []
    if any(panel.interval and np.isfinite(panel.values("value_low")).any() for panel in panels):
        said.append(f"Band: {level(table)} interval.")
    if table["target"].notna().any():
        said.append("Thin line: the target, ≥ to be reached, ≤ not to be passed.")
    said.append("Each panel has a scale of its own, which need not begin at 0.")
    if any(panel.is_cut for panel in panels):
        said.append("Bands much wider than the last are cut.")
    if not table["complete"].all():
        said.append("Hollow: not over yet.")
    return " ".join(said)


_SHEET = Plot(_paint, _height, lambda table, narrow: Margins(), _alt, _legend)
