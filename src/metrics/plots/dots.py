"""Estimates with their intervals, a row each: who lies where, and how surely.

Shared by the scores of groups, churn by answer, and tests of variants.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics.display import numbers
from metrics.display.numbers import with_unit
from metrics.plots.needed import pixels, shorten, tick_words
from metrics.plots.style import BLUE, CLEAR, GREY, INK, MUTED, RULE, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW, MOST, FOOT = 46.0, 14, 28.0
LETTER = 7.2  # px of a letter, about


@dataclass(frozen=True)
class Dot:
    """One row: its name, its value with limits, how it is written, and a context band (0 to `band`, both ways)."""

    name: str
    value: float
    low: float
    high: float
    words: str
    band: float = math.nan


def height(rows: int) -> float:
    """Height of the figure in px."""
    return 60.0 if not rows else ROW * min(rows, MOST) + FOOT


def paint_dots(
    ax: "Axes", dots: Sequence[Dot], *, unit: str, zero: bool, narrow: bool, reach: float = math.nan
) -> None:
    """Draw the rows from above; `zero` keeps 0 on the axis and marks it, `reach` is a value that must be on it."""
    dots = list(dots)[:MOST]
    if not any(math.isfinite(dot.value) for dot in dots):
        no_data(ax, "Nothing that can be said with enough behind it.")
        return
    known = [v for dot in dots for v in (dot.value, dot.low, dot.high, dot.band, -dot.band) if math.isfinite(v)]
    known += [reach] * math.isfinite(reach)
    low, high = min(known + [0.0] * zero), max(known + [0.0] * zero)
    ticks = _ticks(low, high, 4 if narrow else 6)
    ax.set_axis_off()
    ax.set_xlim(ticks[0], ticks[-1])
    bottom = ROW * len(dots)
    ax.set_ylim(bottom + FOOT, 0)
    wide = pixels(ax)
    digits = 0 if all(abs(t - round(t)) < 1e-9 for t in ticks) else 1
    texts = tick_words(ticks, digits)
    texts[-1] = with_unit(texts[-1], unit)
    needed = LETTER * (
        len(texts[-1]) + len(texts[-2]) / 2 + 1
    )  # for the last number with its unit, beside the one before
    if len(ticks) > 2 and wide / (len(ticks) - 1) < needed:
        texts[-2] = ""
    for tick, words in zip(ticks, texts, strict=True):
        marked = zero and tick == 0
        ax.plot([tick, tick], [22, bottom], color=INK if marked else RULE, linewidth=0.8, zorder=0, clip_on=False)
        side = "left" if tick == ticks[0] else "right" if tick == ticks[-1] else "center"
        ax.text(tick, bottom + 18, words, ha=side, va="baseline", color=MUTED)
    for place, dot in enumerate(dots):
        top = ROW * place
        room = wide - LETTER * len(dot.words) - 16
        over: dict[str, Any] = {"va": "baseline", "bbox": CLEAR}
        ax.text(ticks[0], top + 14, shorten(dot.name, room), fontsize=13, fontweight="bold", **over)
        ax.text(ticks[-1], top + 14, dot.words, ha="right", color=MUTED, **over)
        if math.isfinite(dot.band):
            ax.fill_betweenx([top + 23, top + 37], -dot.band, dot.band, color=GREY, linewidth=0, zorder=1)
        if math.isfinite(dot.low) and math.isfinite(dot.high):
            ax.plot([dot.low, dot.high], [top + 30] * 2, color=BLUE, linewidth=2, zorder=2)
        if math.isfinite(dot.value):
            ax.plot(
                [dot.value],
                [top + 30],
                marker="o",
                markersize=8,
                color=BLUE,
                markeredgewidth=0,
                zorder=3,
                clip_on=False,
            )


def _ticks(low: float, high: float, most: int) -> list[float]:
    room = max(high - low, 1e-9)
    size = 10 ** math.floor(math.log10(room / most))
    step = next(m * size for m in (1, 2, 2.5, 5, 10, 20) if room / (m * size) <= most)
    first = math.floor(low / step + 1e-9)
    last = max(math.ceil(high / step - 1e-9), first + 1)
    return [float(np.round(k * step, 10)) for k in range(first, last + 1)]


def written(value: float, low: float, high: float, *, unit: str = "", sign: bool = False) -> str:
    """``+4.0 (+1.1 to +6.9)``, with the digits that the interval supports."""
    if not math.isfinite(value):
        return ""
    write = numbers.signed if sign else numbers.plain
    digits = numbers.decimals_for([high - low] if math.isfinite(high - low) else [])
    said = with_unit(write(value, digits), unit)
    return f"{said} ({write(low, digits)} to {write(high, digits)})" if math.isfinite(high - low) else said
