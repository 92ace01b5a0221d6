"""Was the forecast right? Figures of `holdout_tracking` and `holdout_check`: what came in ink, models in colour."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.display.columns import MODELS
from metrics.display.kinds import setting
from metrics.display.numbers import count, percent, plain, signed, with_unit
from metrics.intervals import Floats
from metrics.plots.lines import KEY, line_key, spread
from metrics.plots.needed import need, pixels, tick_words
from metrics.plots.style import BLUE, INK, MID, MUTED, PALETTE, RULE, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = [BLUE, MID, PALETTE["heat4"], MUTED, PALETTE["heat2"]]
_UNIT_DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}


def plot_holdout_tracking(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw repeat purchases so far, as they came and as models expect them.

    Parameters
    ----------
    table
        Result of `holdout_tracking`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` is no such result.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"model": "bgnbd", "period": [1, 2], "cumulative_actual": [3, 9], "cumulative_expected": [4.0, 8.0]}
    ... )
    >>> [line.get_ydata().tolist() for line in plot_holdout_tracking(table).lines]
    [[4.0, 8.0], [3.0, 9.0]]
    """
    need(table, "holdout_tracking", ["model", "period", "cumulative_actual", "cumulative_expected"])
    return _TRACKING.on(table, ax)


def plot_holdout_frequency(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw purchases in the holdout by how often a customer had bought before, as they came and as predicted.

    Parameters
    ----------
    table
        Result of `holdout_check` with ``by="frequency"``.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` is no such result.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "model": "bgnbd",
    ...         "frequency": [0, 1],
    ...         "customers": [10, 5],
    ...         "actual_purchases": [2, 4],
    ...         "predicted_purchases": [3.0, 3.5],
    ...     }
    ... )
    >>> [line.get_ydata().round(2).tolist() for line in plot_holdout_frequency(table).lines]
    [[0.3, 0.7], [0.2, 0.8]]
    """
    need(table, "holdout_check(by='frequency')", ["model", "frequency", "customers", "predicted_purchases"])
    return _FREQUENCY.on(table, ax)


def plot_calibration(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw what tenths of the customers bought against what was predicted of them; on the diagonal both are alike.

    Parameters
    ----------
    table
        Result of `holdout_check` with ``by="tenth"``.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` is no such result.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "model": "bgnbd",
    ...         "tenth": [1, 2],
    ...         "customers": [5, 5],
    ...         "actual_purchases": [9, 1],
    ...         "predicted_purchases": [8.0, 2.0],
    ...     }
    ... )
    >>> plot_calibration(table).lines[-1].get_xydata().round(1).tolist()
    [[0.4, 0.2], [1.6, 1.8]]
    """
    need(table, "holdout_check(by='tenth')", ["model", "tenth", "customers", "predicted_purchases"])
    return _CALIBRATION.on(table, ax)


def plot_gain(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw which share of all purchases the first tenths of the customers brought, the most expected of first.

    Parameters
    ----------
    table
        Result of `holdout_check` with ``by="tenth"``.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` is no such result.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "model": "bgnbd",
    ...         "tenth": [1, 2],
    ...         "customers": [5, 5],
    ...         "actual_purchases": [9, 1],
    ...         "predicted_purchases": [8.0, 2.0],
    ...     }
    ... )
    >>> plot_gain(table).lines[-1].get_ydata().tolist()
    [0.0, 90.0, 100.0]
    """
    need(table, "holdout_check(by='tenth')", ["model", "tenth", "customers", "actual_purchases"])
    return _GAIN.on(table, ax)


@dataclass(frozen=True)
class _Line:
    """One line of the figure, drawn with marks or without."""

    name: str
    x: Floats
    y: Floats
    colour: str
    marks: bool = False


def _models(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(str(name), part) for name, part in table.groupby("model", sort=False)]


def _word(name: str) -> str:
    return MODELS.get(name, name.replace("_", " "))


def _paint(ax: "Axes", lines: Sequence[_Line], narrow: bool, *, unit: str = "", digits: int = 0) -> None:
    """Lines labelled at their ends, on axes that begin at 0."""
    lines = [line for line in lines if np.isfinite(line.y).any()]
    if not lines:
        no_data(ax, "No forecast to draw.")
        return
    for line in lines:
        ax.plot(
            line.x, line.y, color=line.colour, linewidth=2, marker="o" if line.marks else None, markersize=5,
            markeredgewidth=0, clip_on=False, zorder=3 if line.colour == INK else 2,
        )  # fmt: skip
    top = max(float(np.nanmax(line.y)) for line in lines)
    ticks = _ticks(top or 1.0)  # of those who bought nothing too
    ax.set_ylim(0, ticks[-1])
    words = tick_words(ticks, digits if ticks[-1] >= 5 else 1)
    ax.set_yticks(ticks, [*words[:-1], with_unit(words[-1], unit) if unit else words[-1]])
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0, colors=MUTED)
    ax.grid(True, axis="y", color=RULE, linewidth=0.8)
    ax.grid(False, axis="x")
    px = ticks[-1] / (ax.get_window_extent().height * 72 / (ax.figure.dpi or 72))
    last = max(float(line.x[-1]) for line in lines)
    places = spread([float(line.y[np.isfinite(line.y)][-1]) for line in lines], 15 * px, 8 * px)
    for line, y in zip(lines, places, strict=True):
        colour, weight = (line.colour, "bold") if line.colour in (BLUE, INK) else (MUTED, "normal")
        ax.annotate(
            line.name, (last, y), xytext=(10 + KEY, -4.3), textcoords="offset points", ha="left", color=colour,
            fontweight=weight, annotation_clip=False, arrowprops=line_key(line.colour),
        )  # fmt: skip


def _ticks(top: float) -> list[float]:
    size = 10 ** math.floor(math.log10(max(top, 1e-9) / 4))
    step = next(m * size for m in (1, 2, 2.5, 5, 10) if top / (m * size) <= 5)
    return [round(k * step, 10) for k in range(math.ceil(top / step - 1e-9) + 1)]


def _paint_tracking(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    lines = _tracking(table)
    _paint(ax, lines, narrow)
    if not lines:
        return
    unit, last = str(setting(table, "unit", "period")), int(lines[0].x[-1])
    step = max(last // (3 if narrow else 6), 1)
    ticks = sorted({1, *range(step, last, step), last} if last > 6 else set(range(1, last + 1)))
    room = last / (4 if narrow else 10)  # what the words of a tick need
    if len(ticks) > 2 and ticks[1] - ticks[0] < room:
        ticks = ticks[1:]
    if len(ticks) > 2 and ticks[-1] - ticks[-2] < room:
        del ticks[-2]
    ax.set_xticks(ticks, [f"{unit} {ticks[0]}", *map(str, ticks[1:])])
    ax.set_xlim(0, last)
    edge = _split(table)
    if edge is not None and 0 < edge < last:
        ax.axvline(edge, color=MID, linewidth=0.8, linestyle=(0, (3, 2)))
        ax.annotate(
            "forecast from here" if not narrow else "forecast", (edge, 0), xytext=(6, 8), textcoords="offset points",
            color=MUTED, ha="left", annotation_clip=False,
        )  # fmt: skip


def _tracking(table: pd.DataFrame) -> list[_Line]:
    lines = []
    for place, (name, part) in enumerate(_models(table)[: len(_COLOURS)]):
        x, y = part["period"].to_numpy(float), part["cumulative_expected"].to_numpy(float)
        if np.isfinite(y).any():
            lines.append(_Line(_word(name), x, y, _COLOURS[place]))
    if lines:
        actual = _models(table)[0][1]["cumulative_actual"].to_numpy(float)
        lines.append(_Line("came", lines[0].x, actual, INK))
    return lines


def _split(table: pd.DataFrame) -> float | None:
    """The period up to which models were fitted."""
    split, start, unit = (setting(table, name) for name in ("split", "start", "unit"))
    if split is None or start is None or unit not in _UNIT_DAYS:
        return None
    return float(((pd.Timestamp(split) - pd.Timestamp(start)).days + 1) / _UNIT_DAYS[str(unit)])


def _alt_tracking(table: pd.DataFrame) -> str:
    lines = _tracking(table)
    if not lines:
        return "Repeat purchases so far: no model expects any."
    actual, unit = lines[-1].y[-1], setting(table, "unit", "period")
    said = [f"Lines: repeat purchases so far by {unit}. {count(actual)} came by {unit} {count(lines[0].x[-1])}."]
    for line in lines[:-1]:
        off = signed(100 * (line.y[-1] / actual - 1), 1) if actual else "–"
        said.append(f"{line.name} expects {plain(line.y[-1], 0)} ({with_unit(off)}).")
    return " ".join(said)


def _frequency(table: pd.DataFrame) -> list[_Line]:
    lines = []
    for place, (name, part) in enumerate(_models(table)[: len(_COLOURS)]):
        x = part["frequency"].to_numpy(float)
        y = (part["predicted_purchases"] / part["customers"]).to_numpy(float)
        if np.isfinite(y).any():
            lines.append(_Line(_word(name), x, y, _COLOURS[place], marks=True))
    if lines:
        part = _models(table)[0][1]
        came = (part["actual_purchases"] / part["customers"]).to_numpy(float)
        lines.append(_Line("came", part["frequency"].to_numpy(float), came, INK, marks=True))
    return lines


def _paint_frequency(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    lines = _frequency(table)
    _paint(ax, lines, narrow)
    if lines:
        x = lines[-1].x.astype(int)
        words = [f"{k}+" if k == 7 else str(k) for k in x]
        ax.set_xticks(x, [f"{words[0]} repeats" if pixels(ax) > 500 else words[0], *words[1:]])
        ax.set_xlim(x[0] - 0.2, x[-1])


def _alt_frequency(table: pd.DataFrame) -> str:
    lines = _frequency(table)
    if not lines:
        return "Purchases by frequency: nothing predicted."
    last = int(lines[-1].x[-1])
    said = [f"Lines: mean purchases after the split by repeats before it, 0 to {last}."]
    said += [f"{line.name}: {plain(line.y[0], 2)} to {plain(line.y[-1], 2)}." for line in lines]
    return " ".join(said)


def _calibration(table: pd.DataFrame) -> list[_Line]:
    lines = []
    for place, (name, part) in enumerate(_models(table)[: len(_COLOURS)]):
        part = part.sort_values("predicted_purchases")
        x = (part["predicted_purchases"] / part["customers"]).to_numpy(float)
        if np.isfinite(x).all():
            y = (part["actual_purchases"] / part["customers"]).to_numpy(float)
            lines.append(_Line(_word(name), x, y, _COLOURS[place], marks=True))
    return lines[::-1]  # the first model above the others


def _paint_calibration(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    lines = _calibration(table)
    most = max((float(max(line.x.max(), line.y.max())) for line in lines), default=0.0)
    if most > 0:
        ax.plot([0, most], [0, most], color=MID, linewidth=0.8, linestyle=(0, (3, 2)))
    _paint(ax, lines, narrow)
    if lines:
        ticks = [t for t in _ticks(most) if t <= most]
        ax.set_xticks(ticks, [plain(t, 0 if most >= 5 else 1) for t in ticks])
        ax.set_xlim(0, most)


def _alt_calibration(table: pd.DataFrame) -> str:
    said = ["Lines: mean purchases that came against those predicted, by tenths of the customers."]
    for line in _calibration(table)[::-1]:
        said.append(f"{line.name}: predicted {plain(line.x[-1], 2)} of the best tenth, {plain(line.y[-1], 2)} came.")
    return " ".join(said)


def _gain(table: pd.DataFrame) -> list[_Line]:
    lines = []
    for place, (name, part) in enumerate(_models(table)[: len(_COLOURS)]):
        part = part.sort_values("tenth")
        total, people = part["actual_purchases"].sum(), part["customers"].sum()
        if total > 0:
            x = np.r_[0.0, 100 * part["customers"].cumsum() / people]
            y = np.r_[0.0, 100 * part["actual_purchases"].cumsum() / total]
            lines.append(_Line(_word(name), x, y, _COLOURS[place]))
    return lines[::-1]


def _paint_gain(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    lines = _gain(table)
    if not lines:
        no_data(ax, "No forecast to draw.")
        return
    ax.plot([0, 100], [0, 100], color=MID, linewidth=0.8, linestyle=(0, (3, 2)))
    _paint(ax, lines, narrow, unit="%")
    ax.set_xticks([0, 20, 40, 60, 80, 100], ["0", "20", "40", "60", "80", with_unit("100")])
    ax.set_xlim(0, 100)


def _alt_gain(table: pd.DataFrame) -> str:
    said = ["Lines: share of all purchases by share of the customers, those first of whom most is expected."]
    for line in _gain(table)[::-1]:
        said.append(f"{line.name}: the first tenth brings {with_unit(percent(line.y[1] / 100, 0))}.")
    return " ".join(said)


def _height(table: pd.DataFrame, narrow: bool) -> float:
    return 290 if narrow else 320


def _margins(table: pd.DataFrame, narrow: bool) -> Margins:
    longest = max((len(_word(name)) for name, _ in _models(table)), default=4)
    return Margins(left=44, right=KEY + min(7.6 * longest + 16, 120 if narrow else 190), top=16, bottom=32)


_TRACKING = Plot(
    _paint_tracking, _height, _margins, _alt_tracking,
    lambda table: "Repeat purchases so far, of the customers that were there at the split.",
)  # fmt: skip
_FREQUENCY = Plot(
    _paint_frequency, _height, _margins, _alt_frequency,
    lambda table: "Mean purchases after the split, by repeat purchases before it.",
)  # fmt: skip
_CALIBRATION = Plot(
    _paint_calibration, _height, _margins, _alt_calibration,
    lambda table: "Across: mean purchases predicted of a tenth of the customers. Up: those that came. Dashed: alike.",
)  # fmt: skip
_GAIN = Plot(
    _paint_gain, _height, _margins, _alt_gain,
    lambda table: "Across: share of the customers, those first of whom most is expected. Up: their share of all "
    "purchases. Dashed: blind.",
)  # fmt: skip
