"""A rate or score over time: a line with its band, the finished solid, the unfinished dashed and hollow.

Shared by the trend of a funnel, the retention curve, churn and the net promoter score.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.kinds import parts
from metrics.display.numbers import percent, plain, with_unit
from metrics.display.worked import level
from metrics.plots.needed import once, pixels, shorten, tick_words
from metrics.plots.style import BAND, BLUE, CLEAR, HATCH, INK, MID, MUTED, PALETTE, PAPER, Margins, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = [BLUE, MID, INK, PALETTE["heat4"], MUTED, PALETTE["heat2"]]
Floats = npt.NDArray[np.float64]


MANY = 60
KEY = 12.0  # px of the dash before the name of a line
_DAYS = (1, 2, 5, 7, 10, 14, 30, 60, 90, 180, 365)  # steps of an axis of days


@dataclass(frozen=True)
class Series:
    """One line: where it stands, its values with limits (in per cent or points), what is finished."""

    name: str
    places: Floats
    words: tuple[str, ...]
    long_words: tuple[str, ...]
    value: Floats
    low: Floats
    high: Floats
    complete: npt.NDArray[np.bool_]
    unit: str
    days: bool = False
    months: tuple[float, ...] = ()  # places of days on which a month begins

    @classmethod
    def of(cls, name: str, table: pd.DataFrame, estimate: str, *, scale: float = 100, unit: str = "%") -> "Series":
        """The series of one group, by ``period_start`` or ``period``; a period with open windows only is left out."""
        if {"open", "users"} <= set(table.columns):
            table = table[(table["open"] < table["users"]) | table["complete"].astype(bool)]
        n = len(table)
        empty = pd.Series(np.nan, index=table.index)
        value, low, high = (
            np.asarray(scale * table.get(column, empty).to_numpy(np.float64, na_value=np.nan), np.float64)
            for column in (estimate, f"{estimate}_low", f"{estimate}_high")
        )
        complete = table["complete"].to_numpy(bool) if "complete" in table else np.ones(n, bool)
        length = period_length(table)
        if "period_start" in table:
            starts = list(table["period_start"])
            one_year = len({s.year for s in starts}) == 1
            words = [_tick(s, length, one_year, first=k == 0) for k, s in enumerate(starts)]
            long_words = [numbers.period_in_words(s, length) for s in starts]
            places = np.arange(n, dtype=float)
            months = [float(k) for k, s in enumerate(starts) if length == "day" and s.day == 1]
        else:
            words = [str(p) for p in table["period"]]
            long_words = [f"{length or 'period'} {p}" for p in table["period"]]
            places, months = table["period"].to_numpy(float), []
        shown = value, low, high, complete, unit
        return cls(name, places, tuple(words), tuple(long_words), *shown, days=length == "day", months=tuple(months))

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """Where there is a value."""
        return np.isfinite(self.value)

    def written(self, place: int) -> str:
        """A value in words, with the digits that its interval supports."""
        width = self.high[place] - self.low[place]
        digits = numbers.decimals_for([width] if np.isfinite(width) else [])
        if self.unit == "users":
            return numbers.count(self.value[place])
        if self.unit == "%" and self.value[place] in (0, 100):
            digits = 0
        if self.unit == "%":
            return with_unit(percent(self.value[place] / 100, digits))
        if not np.isfinite(width) and float(self.value[place]).is_integer():
            digits = 0  # a count
        return plain(self.value[place], digits)


def _tick(start: pd.Timestamp, length: str | None, one_year: bool, *, first: bool) -> str:
    if length == "month":
        return f"{start:%b}" if one_year and not first else f"{start:%b} {start.year}"
    return numbers.period(start, length, year=not one_year)


class LINES:
    """Size of a figure of lines."""

    @staticmethod
    def height(table: pd.DataFrame, narrow: bool) -> float:
        """Height in px."""
        return 290 if narrow else 300

    @staticmethod
    def margins(table: pd.DataFrame, narrow: bool) -> Margins:
        """Room for the labels at the ends of the lines and below."""
        longest = max((len(name) for name, _ in parts(table)), default=0)
        names = KEY + min(7.4 * longest + 60, 110 if narrow else 170) if longest else 0
        return Margins(left=40, right=max(74 if narrow else 96, names), top=24, bottom=30)


def paint_lines(ax: "Axes", lines: Sequence[Series], *, narrow: bool) -> None:
    """Draw the lines with their bands, labelled at their ends."""
    lines = [line for line in lines if line.known.any()][: len(_COLOURS)]
    if not lines:
        no_data(ax, "No finished period with enough to say.")
        return
    _axis(ax, lines, narrow)
    for place, line in enumerate(lines):
        _line(ax, line, _COLOURS[place], banded=len(lines) <= 2)
    _label_ends(ax, lines, narrow)


def ends(lines: Sequence[Series]) -> tuple[list[float], bool]:
    """Ticks of the value axis, and whether it starts elsewhere than at 0."""
    values = np.concatenate([np.concatenate([line.value, line.low, line.high]) for line in lines])
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    if lines[0].unit == "users" or (lines[0].unit == "%" and low < 0.45 * high):
        low = 0.0
    if high - low <= 1e-9 * max(abs(low), abs(high)):  # one value: seen against 0, for there is no course to see
        low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        return [0.0, 1.0], False
    room = max(high - low, 1e-9)
    size = 10 ** math.floor(math.log10(room / 4))
    step = next(m * size for m in (1, 2, 2.5, 5, 10) if room / (m * size) <= 5)
    step = max(step, 1.0) if lines[0].unit == "users" else step  # there is no half of one
    first = math.floor(low / step + 1e-9) * step
    ticks = [first]
    while ticks[-1] < high - 1e-9:
        ticks.append(round(first + step * len(ticks), 10))
    if lines[0].unit == "%" and high <= 100 < ticks[-1]:  # a share ends at 100 %; what may grow does not
        ticks = [t for t in ticks if t <= 100] or [0.0, 100.0]
    if len(ticks) == 1:
        ticks.append(ticks[0] + step)
    return ticks, lines[0].unit == "%" and abs(ticks[0]) > 1e-9


def _axis(ax: "Axes", lines: Sequence[Series], narrow: bool) -> None:
    ticks, _ = ends(lines)
    digits = 0 if all(abs(t - round(t)) < 1e-9 for t in ticks) else 1 if ticks[-1] - ticks[0] > 0.5 else 3
    names = tick_words(ticks, digits)
    names[-1] = with_unit(names[-1], lines[0].unit)
    ax.set_ylim(ticks[0], ticks[-1])
    ax.set_yticks(ticks, names)
    longest = max(lines, key=lambda line: len(line.places))
    places = np.unique(np.concatenate([line.places for line in lines]))
    margin = max(0.3, 0.02 * len(places))
    begun = any((~line.known & ~line.complete)[-1:].any() for line in lines)  # whose hatched place is as wide
    short = 6 * float(np.ptp(places)) / pixels(ax) or margin  # else rules end before the labels begin
    ax.set_xlim(places.min() - margin, places.max() + (margin if begun else min(margin, short)))
    words = dict(zip(longest.places, longest.words, strict=True))
    room = pixels(ax) / (9 * max(map(len, words.values())) + 8)
    keep = _kept(longest, list(words), max(2, room))
    ax.set_xticks(keep, [words[p] for p in keep])
    ax.spines["left"].set_visible(False)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.spines["bottom"].set_position(("data", ticks[0]))
    ax.tick_params(length=0, colors=MUTED)
    ax.grid(True, axis="y", color=PALETTE["rule"], linewidth=0.8)
    ax.grid(False, axis="x")
    if ticks[0] < 0 < ticks[-1]:
        ax.axhline(0, color=INK, linewidth=0.8)


def _kept(line: Series, places: list[float], room: float) -> list[float]:
    """Which places have room for their words; of many days the first of months, and numbers that a reader counts in."""
    every = max(1, math.ceil(len(places) / room))
    if every > 1 and len(line.months) > 2:
        return list(line.months)[:: math.ceil(len(line.months) / room)]
    if line.days and places[0] == 0:
        every = next((step for step in _DAYS if step >= every), every)
    return places[::every]


def _line(ax: "Axes", line: Series, colour: str, *, banded: bool) -> None:
    x, done = line.places, line.complete & line.known
    limits = np.isfinite(line.low) & np.isfinite(line.high)
    if banded:
        ax.fill_between(
            x, line.low, line.high, where=list(done & limits), color=colour, alpha=BAND, linewidth=0, interpolate=False
        )
        beside = np.r_[False, done[:-1]] | np.r_[done[1:], False]
        for k in np.flatnonzero(done & limits & ~beside):  # one period alone has no band
            ax.plot([x[k], x[k]], [line.low[k], line.high[k]], color=colour, linewidth=1)
    solid = np.where(done, line.value, np.nan)
    marker = "o" if len(x) <= MANY else ""  # so many points would make a caterpillar of the line
    ax.plot(x, solid, color=colour, marker=marker, markersize=5, markeredgewidth=0, clip_on=False)
    for k in np.flatnonzero(line.known & ~line.complete):
        if k and line.known[k - 1]:
            pair = [k - 1, k]
            ax.plot(x[pair], line.value[pair], color=colour, linewidth=1.5, linestyle=(0, (3, 2)))
            if banded and limits[pair].all():
                ax.fill_between(
                    x[pair], line.low[pair], line.high[pair], facecolor="none", edgecolor=MID, hatch=HATCH, linewidth=0
                )
        elif limits[k]:
            ax.plot([x[k], x[k]], [line.low[k], line.high[k]], color=MID, linewidth=1)
        ax.plot(
            [x[k]], [line.value[k]], marker="o", markersize=6, color=colour, markerfacecolor=PAPER,
            markeredgewidth=1.5, linestyle="none", zorder=4,
        )  # fmt: skip
    bottom, top = ax.get_ylim()
    for k in np.flatnonzero(~line.known & ~line.complete):  # begun, but without a value: a hatched place
        ax.fill_between(
            [x[k] - 0.3, x[k] + 0.3], [bottom] * 2, [top] * 2, facecolor="none", edgecolor=MID, hatch=HATCH, linewidth=0
        )


def _label_ends(ax: "Axes", lines: Sequence[Series], narrow: bool) -> None:
    bottom, top = ax.get_ylim()
    figure_height = ax.get_window_extent().height * 72 / (ax.figure.dpi or 72)
    px = (top - bottom) / figure_height
    last_place = max(line.places.max() for line in lines)
    wanted: list[tuple[float, str, str, bool]] = []
    keys: list[str] = []
    for n, line in enumerate(lines):
        last = int(np.flatnonzero(line.known)[-1])
        done = np.flatnonzero(line.known & line.complete)
        colour = _COLOURS[n] if _COLOURS[n] in (BLUE, INK, MUTED) else INK
        name = f"{shorten(line.name, 50 if narrow else 110, letter=7.4)} " if line.name else ""
        if not line.complete[last]:
            wanted.append((float(line.value[last]), f"{name}{line.written(last)}", MUTED, False))
            keys.append(_COLOURS[n])
            if not line.name:
                wanted.append((float(line.value[last]) - 14 * px, "unfinished", MUTED, False))
            if len(done) and not line.name:
                k = int(done[-1])
                low, high = (float(x[k] if np.isfinite(x[k]) else line.value[k]) for x in (line.low, line.high))
                over = line.value[last] < line.value[k] and high + 20 * px < top  # the dashed line leads down from it
                ax.annotate(
                    line.written(k), (line.places[k], high if over else low), textcoords="offset points",
                    xytext=(0, 7) if over else (4, -16), ha="center" if over else "right", color=colour,
                    fontweight="bold", annotation_clip=False, bbox=CLEAR,
                )  # fmt: skip
        elif line.places[last] < last_place and not line.name:  # beside the point lies what is not over
            rising = len(done) < 2 or line.value[last] >= line.value[done[-2]]
            edge = float(line.high[last] if rising else line.low[last])
            ax.annotate(
                line.written(last), (line.places[last], edge if np.isfinite(edge) else line.value[last]),
                xytext=(0, 7 if rising else -16), textcoords="offset points", ha="center", color=colour,
                fontweight="bold", annotation_clip=False, bbox=CLEAR,
            )  # fmt: skip
        else:
            wanted.append((float(line.value[last]), f"{name}{line.written(last)}", colour, not line.name))
            keys.append(_COLOURS[n])
    heights = spread([w[0] for w in wanted], 15 * px, bottom + 8 * px)
    named = all(line.name for line in lines) and len(lines) > 1  # else there are labels of no line, or one alone
    for number, (y, (_, text, colour, bold)) in enumerate(zip(heights, wanted, strict=True)):
        ax.annotate(
            text, (last_place, y), xytext=(10 + KEY * named, -4.3), textcoords="offset points", color=colour, ha="left",
            va="baseline", fontweight="bold" if bold else "normal", annotation_clip=False,
            arrowprops=line_key(keys[number]) if named else None,
        )  # fmt: skip


def line_key(colour: str) -> dict[str, Any]:
    """A dash in the colour of a line before its label, for labels that were moved apart and pale colours."""
    return {"arrowstyle": "-", "color": colour, "linewidth": 2.5, "shrinkA": 4, "shrinkB": 6, "relpos": (0, 0.45)}


def spread(heights: list[float], least: float, lowest: float = -math.inf) -> list[float]:
    """The heights moved apart so that no two labels touch, in their order, and none lies below `lowest`.

    Labels that would touch are centred on what they name: least squares with an order, by pooling neighbours.
    """
    order = sorted(range(len(heights)), key=lambda k: -heights[k])
    runs: list[tuple[float, int]] = []  # mean height of a run's first place, and how many labels it has
    for rank, k in enumerate(order):
        mean, many = heights[k] + rank * least, 1
        while runs and runs[-1][0] < mean:
            above, count = runs.pop()
            mean, many = (above * count + mean * many) / (count + many), count + many
        runs.append((mean, many))
    first = [max(mean, lowest + (len(order) - 1) * least) for mean, many in runs for _ in range(many)]
    placed = {k: first[rank] - rank * least for rank, k in enumerate(order)}
    return [placed[k] for k in range(len(heights))]


def series_alt(what: str, lines: Sequence[Series]) -> str:
    """What, when, first, last, extremes, what is unfinished."""
    said = []
    for line in lines:
        done = np.flatnonzero(line.known & line.complete)
        whose = f" of {line.name}" if line.name else ""
        if not len(line.places) or not line.known.any():
            said.append(f"{what}{whose}: no finished period with enough to say.")
            continue
        text = f"{what}{whose}, {len(line.places)} from {line.long_words[0]} to {line.long_words[-1]}."
        if len(done):
            first, last = int(done[0]), int(done[-1])
            low, high = int(done[line.value[done].argmin()]), int(done[line.value[done].argmax()])
            text += f" First {line.written(first)}, last finished {line.written(last)} ({line.long_words[last]})"
            text += f"; lowest {line.written(low)} ({line.long_words[low]}), highest {line.written(high)} "
            text += f"({line.long_words[high]})."
        for k in np.flatnonzero(~line.complete):
            so_far = f": {line.written(int(k))} so far" if line.known[k] else ""
            text += f" Unfinished: {line.long_words[k]}{so_far}."
        said.append(text)
    return " ".join(said)


def series_legend(table: pd.DataFrame, lines: Sequence[Series]) -> str:
    """What the band is, where the axis starts, what is unfinished."""
    known = [line for line in lines if line.known.any()]
    if not known:
        return ""
    said = [] if "period_start" in table else [f"{(period_length(table) or 'period').capitalize()}s after the start."]
    if any(np.isfinite(line.low).any() for line in known) and len(known) <= 2:
        said.append(f"Band: {level(table)} interval.")
    ticks, elsewhere = ends(known[: len(_COLOURS)])
    if elsewhere:
        said.append(f"The axis starts at {with_unit(plain(ticks[0], 0 if ticks[0] >= 1 else 1))}.")
    if any((~line.complete).any() for line in known):
        said.append("[hatch] not over yet.")
    if len(known) > len(_COLOURS):
        said.append(f"The first {len(_COLOURS)} of {len(known)} groups.")
    return " ".join(said)


def line_plot(what: str, estimate: str, **unit: Any) -> dict[str, Any]:
    """The parts of a `Plot` that draws one estimate of a table, a line for each of its groups."""

    @once
    def lines(table: pd.DataFrame) -> list[Series]:
        return [Series.of(name, part, estimate, **unit) for name, part in parts(table)]

    return {
        "paint": lambda ax, table, narrow: paint_lines(ax, lines(table), narrow=narrow),
        "height": LINES.height,
        "margins": LINES.margins,
        "alt": lambda table: series_alt(what, lines(table)),
        "legend": lambda table: series_legend(table, lines(table)),
    }
