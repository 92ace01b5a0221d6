"""Which numbers are drawn? The lines, bars and dots of a figure as series, and as the table behind it."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure

ROWS = 50


@dataclass(frozen=True)
class Series:
    """What was drawn in one go; `x` is text or a number, as the axis says it."""

    kind: str  # line, bars, dots
    name: str  # in the legend, else empty
    x: list[Any]
    y: list[Any]
    plot: int  # of the figure, from 0


def numbers_of(figure: "Figure") -> list[Series]:
    """The series of all plots of a figure, in the order in which they were drawn."""
    return [series for k, ax in plots_of(figure) for series in _series(ax, k)]


def plots_of(figure: "Figure") -> "list[tuple[int, Axes]]":
    """The plots of a figure, counted; bars of colours explain one and are none."""
    return list(enumerate(ax for ax in figure.axes if ax.get_visible() and ax.get_label() != "<colorbar>"))


def numbers_html(found: list[Series], rows: int = ROWS) -> str:
    """A table of the series, folded away; empty without any."""
    lines = [(series, x, y) for series in found for x, y in zip(series.x, series.y, strict=True)]
    if not lines:
        return ""
    several, named = len({series.plot for series in found}) > 1, any(series.name for series in found)
    head = [*["plot"] * several, *["series"] * named, "x", "y"]
    body = "".join(
        _row([*[str(s.plot + 1)] * several, *[s.name] * named, said(x), said(y)], "td") for s, x, y in lines[:rows]
    )
    more = f"<p>The first {rows} of {len(lines):,} numbers.</p>" if len(lines) > rows else ""
    return (
        '<details class="data"><summary>The numbers behind this figure</summary>'
        f"<table><thead>{_row(head, 'th')}</thead><tbody>{body}</tbody></table>{more}</details>"
    )


def _row(cells: Iterable[str], tag: str) -> str:
    return f"<tr>{''.join(f'<{tag}>{escape(cell)}</{tag}>' for cell in cells)}</tr>"


def _series(ax: "Axes", plot: int) -> Iterator[Series]:
    from matplotlib.collections import PathCollection
    from matplotlib.container import BarContainer, ErrorbarContainer

    ends = {cap for whole in ax.containers if isinstance(whole, ErrorbarContainer) for cap in whole.lines[1]}
    for line in ax.lines:
        x, y = _plain(line.get_xdata(orig=True)), _plain(line.get_ydata(orig=True))
        if line.get_visible() and line not in ends and len(x) == len(y) and line.get_transform() == ax.transData:
            yield Series("line", _name(line), [_on_axis(ax.xaxis, v) for v in x], y, plot)
    for container in ax.containers:
        if isinstance(container, BarContainer):
            yield _bars(ax, container, plot)
    for dots in ax.collections:
        if isinstance(dots, PathCollection) and dots.get_visible():
            places = [list(map(float, place)) for place in dots.get_offsets().tolist()]  # type: ignore[union-attr]
            yield Series("dots", _name(dots), [_on_axis(ax.xaxis, x) for x, _ in places], [y for _, y in places], plot)


def _bars(ax: "Axes", bars: "BarContainer", plot: int) -> Series:
    """Bars that stand or lie, told by their names or places; those of a histogram by where they begin and end."""
    lying = bars.orientation == "horizontal"
    axis = ax.yaxis if lying else ax.xaxis
    ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=False)
    names = {round(float(place), 6): label.get_text() for place, label in ticks}
    categorical = type(axis.get_major_locator()).__name__ in ("FixedLocator", "StrCategoryLocator")
    spans = [(bar.get_y(), bar.get_height()) if lying else (bar.get_x(), bar.get_width()) for bar in bars.patches]
    begins, ends = [float(begin) for begin, _ in spans], [float(begin + extent) for begin, extent in spans]
    touching = len(spans) > 1 and all(math.isclose(a, b) for a, b in zip(begins[1:], ends[:-1], strict=True))
    x: list[Any] = []
    for begin, end in zip(begins, ends, strict=True):
        middle = (begin + end) / 2
        known = names.get(round(middle, 6)) if categorical else None
        edges = " to ".join(said(_on_axis(axis, place), 4) for place in (begin, end))
        x.append(known or (edges if touching else _on_axis(axis, middle)))
    y = [float(bar.get_width() if lying else bar.get_height()) for bar in bars.patches]
    return Series("bars", _name(bars), x, y, plot)


def _plain(values: Any) -> list[Any]:
    """Values as Python's own, instants as they were given."""
    if getattr(getattr(values, "dtype", None), "kind", "") == "M":
        return [None if value is None else said(value) for value in values.astype("datetime64[us]").tolist()]
    return list(values.tolist()) if hasattr(values, "tolist") else list(values)


def _name(artist: Any) -> str:
    label = str(artist.get_label())
    return "" if label.startswith("_") else label


def _on_axis(axis: Any, value: Any) -> Any:
    """A place on an axis as it was given: numbers of an axis of dates are dates."""
    freq = getattr(axis.axes, "freq", None)  # as pandas notes it when it draws periods
    if freq is not None and isinstance(value, int | float):
        import pandas as pd

        return str(pd.Period(ordinal=int(value), freq=freq))
    if isinstance(value, int | float) and type(axis.get_converter()).__name__.startswith(("Date", "_SwitchableDate")):
        from matplotlib.dates import num2date

        return num2date(value).replace(tzinfo=None)  # type: ignore[no-untyped-call]
    return value


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
