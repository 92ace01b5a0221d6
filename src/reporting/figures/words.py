"""What does a figure show, for those who cannot see it? Its kind, title and axes, and how far its numbers reach."""

import math
from typing import TYPE_CHECKING

from reporting.figures.numbers import Series, plots_of, said

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = {"line": "Line chart", "bars": "Bar chart", "dots": "Scatter plot"}
WORDS = 12  # texts that are told of what cannot be counted, such as the parts of a pie
SHORT = 60  # characters of a title or a name


def alt_of(figure: "Figure", found: list[Series]) -> str:
    """A sentence or two for each plot of a figure.

    >>> from matplotlib.figure import Figure
    >>> from reporting.figures.numbers import numbers_of
    >>> figure = Figure()
    >>> ax = figure.add_subplot(title="Users", ylabel="users")
    >>> line = ax.plot([1, 2, 3], [10, 40, 20])
    >>> alt_of(figure, numbers_of(figure))
    'Line chart: Users. y: users. 3 points, from 1 to 3; the lowest is 10, the highest 40, the last 20.'
    """
    above = figure.get_suptitle()
    told = [_plot(ax, [series for series in found if series.plot == k]) for k, ax in plots_of(figure)]
    return " ".join([f"{_short(above)}." if above else "", *told]).strip() or "Figure"


def _plot(ax: "Axes", series: list[Series]) -> str:
    title = _short(ax.get_title() or ax.get_title("left") or ax.get_title("right"))
    kind = " and ".join(dict.fromkeys(KINDS[one.kind] for one in series)) or "Chart"
    axes = [f"{name}: {_short(label)}" for name, label in (("x", ax.get_xlabel()), ("y", ax.get_ylabel())) if label]
    parts = [f"{kind}: {title}" if title else kind, *[", ".join(axes)] * bool(axes)]
    if len(series) > 1:
        names = [_short(one.name) for one in series if one.name]
        parts.append(
            f"{len(series)} series" + (f": {', '.join(names[:6])}{', …' if len(names) > 6 else ''}" if names else "")
        )
    elif series:
        parts.append(_reach(series[0]))
    elif written := [_short(text.get_text()) for text in ax.texts if text.get_text().strip()]:
        parts.append(f"It says: {', '.join(written[:WORDS])}{', …' if len(written) > WORDS else ''}")
    return " ".join(f"{part}." for part in parts if part)


def _reach(series: Series) -> str:
    """How many points there are, from where to where, and the least, the most and the last of them."""
    x, y = series.x, [float(v) for v in series.y if isinstance(v, int | float) and math.isfinite(v)]
    counted = f"{len(x):,} {'bar' if series.kind == 'bars' else 'point'}{'s' if len(x) != 1 else ''}"
    if not y:
        return counted
    low, high, last = (said(v, 4) for v in (min(y), max(y), y[-1]))
    if series.kind == "dots":
        return f"{counted}, y from {low} to {high}"
    ends = said(x[0], 4).split(" to ")[0], said(x[-1], 4).split(" to ")[-1]
    where = f", from {_short(ends[0])} to {_short(ends[1])}" if len(x) > 1 and all(ends) else ""
    return f"{counted}{where}; the lowest is {low}, the highest {high}, the last {last}"


def _short(text: str) -> str:
    words = " ".join(text.split()).rstrip(".")
    return words if len(words) <= SHORT else f"{words[: SHORT - 1].rstrip()}…"
