"""Which numbers are drawn? The lines, bars and dots of a figure as series, and as the table behind it."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

ROWS = 50


@dataclass(frozen=True)
class Series:
    """What was drawn in one go; `x` is text or a number, as the axis says it."""

    kind: str  # line, bars, dots
    name: str  # in the legend, else empty
    x: Sequence[Any]
    y: Sequence[Any]
    plot: int  # of the figure, from 0
    lying: bool = False  # bars whose places are on the axis that points up


def numbers_of(figure: "Figure") -> list[Series]:
    """The series of all plots of a figure, in the order in which they were drawn."""
    return [series for k, ax in plots_of(figure) for series in _series(ax, k)]


def plots_of(figure: "Figure") -> "list[tuple[int, Axes]]":
    """The plots of a figure, counted; bars of colours explain one and are none."""
    return list(enumerate(ax for ax in figure.axes if ax.get_visible() and ax.get_label() != "<colorbar>"))


def numbers_html(found: list[Series], rows: int = ROWS) -> str:
    """A table of the series, folded away; empty without any."""
    count = sum(len(series.x) for series in found)
    if not count:
        return ""
    lines = ((series, *pair) for series in found for pair in zip(series.x, series.y, strict=True))
    several, named = len({series.plot for series in found}) > 1, any(series.name for series in found)
    head = [*["plot"] * several, *["series"] * named, "x", "y"]
    body = "".join(
        _row([*[str(s.plot + 1)] * several, *[s.name] * named, *map(said, (y, x) if s.lying else (x, y))], "td")
        for s, x, y in islice(lines, rows)
    )
    more = f"<p>The first {rows} of {count:,} numbers.</p>" if count > rows else ""
    return (
        '<details class="data"><summary>The numbers behind this figure</summary>'
        f"<table><thead>{_row(head, 'th')}</thead><tbody>{body}</tbody></table>{more}</details>"
    )


def _row(cells: Iterable[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _series(ax: "Axes", plot: int) -> Iterator[Series]:
    from matplotlib.collections import PathCollection
    from matplotlib.container import BarContainer

    if ax.name == "3d":  # what its lines and dots know of themselves lies in the plane of the drawing
        return
    x, y = on_axis(ax.xaxis), on_axis(ax.yaxis)
    for line in _lines(ax):
        places = _plain(line.get_xdata(orig=True))
        numbers = 0 < len(places) <= ROWS and all(isinstance(place, int | float) for place in places)
        names = _names(ax.xaxis, places, beside=False) if numbers else None  # pandas counts what has names
        along: Sequence[Any] = names or _told(places, x)
        told = along, _told(_plain(line.get_ydata(orig=True)), y)
        if len(told[0]) == len(told[1]):
            yield Series("dots" if line.get_linestyle() == "None" else "line", _name(line), *told, plot)
    for container in ax.containers:
        if isinstance(container, BarContainer) and any(bar.get_visible() for bar in container.patches):
            yield _bars(ax, container, plot)
    for dots in ax.collections:
        if isinstance(dots, PathCollection) and dots.get_visible():
            offsets: Any = np.ma.asarray(dots.get_offsets(), dtype=float)
            dot = np.ma.filled(offsets, np.nan)  # a missing one is masked
            yield Series("dots", _name(dots), _told(dot[:, 0].tolist(), x), _told(dot[:, 1].tolist(), y), plot)


def _lines(ax: "Axes") -> "list[Line2D]":
    """The lines that are series: no ends of error bars, no parts of boxes, no sums of what is stacked."""
    from matplotlib.container import ErrorbarContainer, StemContainer

    if getattr(ax, "_stacker_pos_prior", None):  # as pandas notes it when it draws lines upon each other
        return []
    parts = {cap for whole in ax.containers if isinstance(whole, ErrorbarContainer) for cap in whole.lines[1]}
    parts |= {whole.baseline for whole in ax.containers if isinstance(whole, StemContainer)}
    found = [line for line in ax.lines if line.get_visible() and line.get_transform() == ax.transData]
    upright = {line for line in found if not _name(line) and _stays(line.get_xdata())}
    level = {line for line in found if not _name(line) and _stays(line.get_ydata())}
    if upright and level and len(upright | level) > 4:  # a box has two whiskers, their ends and a median
        return [line for line in found if _name(line)]
    return [line for line in found if line not in parts | upright]


def _stays(values: Any) -> bool:
    return len(values) == 2 and bool(values[0] == values[1])


def _bars(ax: "Axes", bars: "BarContainer", plot: int) -> Series:
    """Bars that stand or lie, told by their names or places; those of a histogram by where they begin and end."""
    lying = bars.orientation == "horizontal"
    axis, across = (ax.yaxis, ax.xaxis) if lying else (ax.xaxis, ax.yaxis)
    tell = on_axis(axis) or _as_it_is
    spans = [(bar.get_y(), bar.get_height()) if lying else (bar.get_x(), bar.get_width()) for bar in bars.patches]
    begins, ends = [float(begin) for begin, _ in spans], [float(begin + extent) for begin, extent in spans]
    middles = [(begin + end) / 2 for begin, end in zip(begins, ends, strict=True)]
    touching = len(spans) > 1 and all(map(math.isclose, begins[1:], ends[:-1]))
    places: list[Any] | None = _names(axis, middles, beside=not touching)
    if places is None and touching:
        edges = zip(begins, ends, strict=True)
        places = [" to ".join(said(tell(place), 4) for place in span) for span in edges]
    extents = [float(bar.get_width() if lying else bar.get_height()) for bar in bars.patches]
    told = places if places is not None else [tell(middle) for middle in middles]
    reach: list[Any] = extents
    if (date := on_axis(across)) is not None:  # spans of time, from a day to another
        starts = [float(bar.get_x() if lying else bar.get_y()) for bar in bars.patches]
        reach = [f"{said(date(a))} to {said(date(a + b))}" for a, b in zip(starts, extents, strict=True)]
    return Series("bars", _name(bars) or _name_of_first(bars), told, reach, plot, lying)


def _names(axis: Any, places: list[float], *, beside: bool) -> list[str] | None:
    """What stands at an axis at some places, or nearest to them, one name each; None where its ticks are no names.

    Bars of a group stand beside their name.
    """
    ticks = _categories(axis)
    if not ticks and type(axis.get_major_locator()).__name__ == "FixedLocator":
        pairs = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
        ticks = {float(place): label.get_text() for place, label in pairs if label.get_text()}
        counted = sorted(ticks) == list(range(len(ticks)))
        if not (counted or any(said(place) != text for place, text in ticks.items())):
            return None
    if not ticks:
        return None
    known = np.array(sorted(ticks))
    reach = (float(np.diff(known).min()) / 2 if len(known) > 1 else 0.5) if beside else 1e-6
    nearest = [float(known[np.abs(known - place).argmin()]) for place in places]
    close = all(abs(place - tick) < reach for place, tick in zip(places, nearest, strict=True))
    alone = len(set(nearest)) == len(nearest) or set(nearest) == set(places)
    return [ticks[tick] for tick in nearest] if close and alone else None


def _categories(axis: Any) -> dict[float, str]:
    """Names by their places on an axis of categories, whichever of them its ticks show."""
    if type(axis.get_converter()).__name__ != "StrCategoryConverter":
        return {}
    return {float(place): str(name) for name, place in axis.get_units()._mapping.items()}


def _plain(values: Any) -> list[Any]:
    """Values as Python's own, instants as they were given."""
    if getattr(getattr(values, "dtype", None), "kind", "") == "M":
        return [None if value is None else said(value) for value in values.astype("datetime64[us]").tolist()]
    return list(values.tolist()) if hasattr(values, "tolist") else list(values)


def _name(artist: Any) -> str:
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _name_of_first(bars: "BarContainer") -> str:
    """The name of a histogram stands at its first bar; where each has one, these are names of bars."""
    names = [_name(bar) for bar in bars.patches]
    return names[0] if names and not any(names[1:]) else ""


def on_axis(axis: Any) -> Callable[[Any], Any] | None:
    """How a number on an axis is told as it was given, a date or a category; None if it is a number."""
    freq = getattr(axis, "freq", None) or getattr(axis.get_major_locator(), "freq", None)  # as pandas notes periods
    if freq is not None:
        import pandas as pd

        return _of_numbers(lambda value: str(pd.Period(ordinal=round(value), freq=freq)))
    if names := _categories(axis):
        return _of_numbers(lambda value: names.get(value, value))
    if type(axis.get_converter()).__name__.startswith(("Date", "_SwitchableDate")):
        import datetime as dt

        from matplotlib.dates import num2date

        zone = axis.get_units() if isinstance(axis.get_units(), dt.tzinfo) else None
        return _of_numbers(lambda value: num2date(value, zone))  # type: ignore[no-untyped-call]
    return None


def _of_numbers(tell: Callable[[float], Any]) -> Callable[[Any], Any]:
    return lambda value: tell(value) if isinstance(value, int | float) and math.isfinite(value) else value


def _as_it_is(value: Any) -> Any:
    return value


class _Told(Sequence[Any]):
    """Values as an axis tells them, each when it is asked for: of a million only some are."""

    def __init__(self, values: list[Any], tell: Callable[[Any], Any]) -> None:
        self.values, self.tell = values, tell

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, place: Any) -> Any:
        return self.tell(self.values[place])


def _told(values: list[Any], tell: Callable[[Any], Any] | None) -> Sequence[Any]:
    return values if tell is None else _Told(values, tell)


def said(value: Any, digits: int = 6) -> str:
    """A number in some digits, a day without its midnight.

    >>> import datetime as dt
    >>> said(1234.5678), said(dt.datetime(2026, 7, 1)), said(float("nan"))
    ('1,234.57', '2026-07-01', '')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if not math.isfinite(value):
            return "" if math.isnan(value) else str(value)
        return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else _rounded(value, digits)
    return str(value).removesuffix("+00:00").removesuffix(" 00:00:00")


def _rounded(value: float, digits: int) -> str:
    if not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    text = f"{value:,.{max(0, digits - 1 - math.floor(math.log10(abs(value))))}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
