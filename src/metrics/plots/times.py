"""How long do they take from step to step? The figure of the times in `conversion_funnel`.

Most are there after minutes and some after days, so that the axis is one of ratios: a step to the right is so many
times as long. Where the times of all steps are of one size it is a plain one, from 0.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.display.kinds import groups_of, parts
from metrics.display.numbers import duration, is_missing, with_unit
from metrics.plots.needed import need, pixels, shorten
from metrics.plots.style import BLUE, INK, MUTED, RULE, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _GROUP_ROW, _FOOT = 48.0, 28.0, 26.0  # px
_MOST_GROUPS = 6
_COLUMNS = ["p25_seconds", "median_seconds", "p75_seconds", "p90_seconds"]
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0
_TICKS = [
    1, 10, _MINUTE, 10 * _MINUTE, _HOUR, 6 * _HOUR, _DAY, 7 * _DAY, 30 * _DAY, 365 * _DAY, 3_650 * _DAY,
]  # fmt: skip
_WIDE_RANGE = 20.0  # from here on a plain axis would press the short times together


def plot_time_to_convert(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    r"""Draw how long those who reached a step took to it.

    A row for each step: the middle half as a bar, the median as a point in it, and a line up to the time within which
    nine tenths were there. Times count from the step before, of those who reached the step: while windows are open,
    the slow are still missing.

    Parameters
    ----------
    table
        Result of `conversion_funnel`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the times of a funnel.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "step": [1, 2],
    ...         "event": ["visit", "buy"],
    ...         "users": [10, 4],
    ...         "dropped": [0, 5],
    ...         "open": [0, 1],
    ...         "p25_seconds": [None, 60.0],
    ...         "median_seconds": [None, 120.0],
    ...         "p75_seconds": [None, 300.0],
    ...         "p90_seconds": [None, 600.0],
    ...     }
    ... )
    >>> [text.get_text().replace("\u202f", " ") for text in plot_time_to_convert(table).texts[:2]]
    ['buy', 'median 2 min, nine tenths within 10 min']
    """
    need(table, "conversion_funnel", ["step", "event", "users", *_COLUMNS])
    times = ["step", "event", "users", "open", *_COLUMNS]
    shown = [name for name in table.columns if name in {*groups_of(table), *times}]
    return _TIMES.on(table[shown], ax)


@dataclass(frozen=True)
class _Times:
    """The quartiles of one step (of one group) and what nine tenths took, in seconds."""

    step: str
    group: str
    low: float
    median: float
    high: float
    most: float

    def said(self, narrow: bool) -> str:
        if narrow:
            return f"{duration(self.median)}, {duration(self.most)}"
        return f"median {duration(self.median)}, nine tenths within {duration(self.most)}"


def _steps(table: pd.DataFrame) -> Iterator[list[_Times]]:
    """The times of each step after the first, those of all groups together; steps that nobody reached are left out."""
    if not len(table):
        return
    groups = parts(table)[:_MOST_GROUPS]
    for step in sorted(set(table["step"]))[1:]:
        times = []
        for group, part in groups:
            for _, row in part[part["step"] == step].iterrows():
                if not any(is_missing(row[name]) for name in _COLUMNS):
                    times.append(_Times(str(row["event"]), group, *(float(row[name]) for name in _COLUMNS)))
        if times:
            yield times


@dataclass(frozen=True)
class _Axis:
    """The common axis of times: its ticks, and where a time stands."""

    ticks: list[float]
    words: list[str]
    place: Callable[[float], float]

    @classmethod
    def of(cls, times: list[_Times], narrow: bool) -> "_Axis":
        shortest, longest = max(min(one.low for one in times), 1.0), max(max(one.most for one in times), 1.0)
        if longest / shortest < _WIDE_RANGE:
            return cls._plain(longest)
        first = max(k for k, tick in enumerate(_TICKS) if tick <= shortest or k == 0)
        last = min(k for k, tick in enumerate(_TICKS) if tick >= longest or k == len(_TICKS) - 1)
        ticks = [float(tick) for tick in _TICKS[first : last + 1]]
        start = ticks[0]
        shown = ticks if not narrow or len(ticks) < 6 else [*ticks[:-1:2], ticks[-1]] if len(ticks) % 2 else ticks[1::2]
        return cls(ticks, [_tick(at) if at in shown else "" for at in ticks], lambda s: math.log(max(s, start)))

    @classmethod
    def _plain(cls, longest: float) -> "_Axis":
        unit = next(size for size in (_DAY, _HOUR, _MINUTE, 1.0) if longest >= 2 * size or size == 1)
        step = next(
            m * 10.0**e for e in range(9) for m in (1, 2, 5) if math.ceil(longest / (m * 10.0**e * unit) - 1e-9) <= 5
        )
        ticks = [step * unit * k for k in range(math.ceil(longest / (step * unit) - 1e-9) + 1)]
        return cls(ticks, [_tick(at) if at else "0" for at in ticks], float)


def _tick(seconds: float) -> str:
    for size, name in ((_DAY, "day"), (_HOUR, "h"), (_MINUTE, "min"), (1.0, "s")):
        if seconds >= size and seconds % size == 0:
            many = round(seconds / size)
            return with_unit(f"{many:,}", f"{name}{'s' if name == 'day' and many > 1 else ''}")
    return duration(seconds)


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    steps = list(_steps(table))
    if not steps:
        no_data(ax, "Nobody reached a second step.")
        return
    axis = _Axis.of([one for times in steps for one in times], narrow)
    bottom, wide = _height(table, narrow) - _FOOT, pixels(ax)
    low, high = axis.place(axis.ticks[0]), axis.place(axis.ticks[-1])
    ax.set_axis_off()
    ax.set_xlim(low, high)
    ax.set_ylim(bottom + _FOOT, 0)
    top = 0.0
    for times in steps:
        grouped = len(times) > 1 or bool(times[0].group)
        room = wide - (0 if grouped else 7.0 * len(times[0].said(narrow)) + 14)
        ax.text(low, top + 13, shorten(times[0].step, room), fontsize=13, fontweight="bold", color=INK, va="baseline")
        top += 18 if grouped else 0
        for one in times:
            if grouped:
                ax.text(low, top + 13, shorten(one.group, wide / 2), color=MUTED, va="baseline")
            ax.text(high, top + 13, one.said(narrow), ha="right", va="baseline", color=MUTED)
            _row(ax, one, axis, top + 28)
            top += _GROUP_ROW + 14 if grouped else _ROW
        top += 8 if grouped else 0
    for k, (tick, words) in enumerate(zip(axis.ticks, axis.words, strict=True)):
        side = "left" if k == 0 else "right" if k == len(axis.ticks) - 1 else "center"
        ax.text(axis.place(tick), bottom + 18, words, ha=side, va="baseline", color=MUTED)


def _row(ax: "Axes", one: _Times, axis: _Axis, y: float) -> None:
    for tick in axis.ticks:
        ax.plot([axis.place(tick)] * 2, [y - 9, y + 9], color=RULE, linewidth=0.8, zorder=0)
    low, median, high, most = (axis.place(at) for at in (one.low, one.median, one.high, one.most))
    ax.plot([high, most], [y, y], color=BLUE, linewidth=1)
    ax.plot([most, most], [y - 4, y + 4], color=BLUE, linewidth=1.5)
    ax.plot([low, high], [y, y], color=BLUE, linewidth=8, alpha=0.35, solid_capstyle="butt")
    ax.plot([median], [y], marker="o", markersize=8, color=BLUE, markeredgewidth=0)


def _height(table: pd.DataFrame, narrow: bool) -> float:
    steps = list(_steps(table))
    if not steps:
        return 60
    rows = sum(
        _ROW if len(times) == 1 and not times[0].group else 26 + (_GROUP_ROW + 14) * len(times) for times in steps
    )
    return rows + _FOOT


def _alt(table: pd.DataFrame) -> str:
    steps = list(_steps(table))
    if not steps:
        return "Times from step to step: nobody reached a second step."
    said = ["Time from the step before, of those who reached the step."]
    for one in (one for times in steps for one in times):
        whose = f" of {one.group}" if one.group else ""
        said.append(
            f"{one.step}{whose}: median {duration(one.median)}, half between {duration(one.low)} and "
            f"{duration(one.high)}, nine tenths within {duration(one.most)}."
        )
    return " ".join(said)


def _legend(table: pd.DataFrame) -> str:
    steps = list(_steps(table))
    if not steps:
        return ""
    axis = _Axis.of([one for times in steps for one in times], narrow=False)
    scale = "" if axis.ticks[0] == 0 else " Each mark of the scale is several times the one before."
    open_: Any = table["open"].sum() if "open" in table else 0
    still = " While windows are open, the slowest are missing." if open_ else ""
    count = len(parts(table))
    more = f" The first {_MOST_GROUPS} of {count} groups." if count > _MOST_GROUPS else ""
    return (
        "[blue] point: median, bar: the middle half, line: up to nine tenths. Right: median and nine tenths."
        f"{scale}{still}{more}"
    )


_TIMES = Plot(_paint, _height, lambda table, narrow: Margins(), _alt, _legend)
