"""What do figures look like? The palette, the settings of matplotlib while a figure is drawn, and its size.

Figures are drawn in the light colours only; the SVG pass writes each colour also as a class, so that a page can follow
in the dark and in print. 1 pt is 1 px: text of 12 is 12 px on a desk and on a phone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from weakref import WeakKeyDictionary

import pandas as pd

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = {
    "paper": "#fdfcf9",
    "ink": "#1d1c1a",
    "muted": "#5c5852",
    "rule": "#dedad2",
    "grey": "#d3cec4",
    "mid": "#8f8a82",
    "blue": "#12507a",
    "red": "#bd480d",
    "heat0": "#eef3f7",
    "heat1": "#d3e3ee",
    "heat2": "#aecbe0",
    "heat3": "#7fafd0",
    "heat4": "#4d8fbc",
    "heat5": "#2a71a2",
    "heat6": "#155382",
    "on-blue": "#ffffff",
}
# Text on heat has the colour of ink or paper in the light, but turns at another step in the dark: named by `set_gid`.
ON_HEAT = {"on-heat-light": "#1d1c1a", "on-heat-mid": "#1d1c1a", "on-heat-dark": "#ffffff"}
PAPER, INK, MUTED, RULE, GREY, MID = (PALETTE[n] for n in ("paper", "ink", "muted", "rule", "grey", "mid"))
BLUE, RED, ON_BLUE = PALETTE["blue"], PALETTE["red"], PALETTE["on-blue"]
HEAT = [PALETTE[f"heat{k}"] for k in range(7)]
HATCH = "////"  # whatever the pattern, the page draws its own
BAND = 0.16  # opacity of an interval's band
CLEAR: dict[str, Any] = {"facecolor": PAPER, "edgecolor": "none", "linewidth": 0, "pad": 1}  # words that a line crosses
WIDE, NARROW = 704, 328

_RC: dict[str, Any] = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 12, "text.color": INK,
    "axes.edgecolor": INK, "axes.linewidth": 0.8, "axes.labelcolor": MUTED, "axes.facecolor": "none",
    "figure.facecolor": PAPER, "savefig.facecolor": PAPER, "figure.dpi": 72, "savefig.dpi": 72,
    "axes.spines.top": False, "axes.spines.right": False, "axes.spines.left": False, "axes.axisbelow": True,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": RULE, "grid.linewidth": 0.8,
    "lines.linewidth": 2, "lines.markersize": 5, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.major.size": 0, "ytick.major.size": 0, "xtick.major.pad": 9, "ytick.major.pad": 6,
    "hatch.linewidth": 1, "hatch.color": MID, "legend.frameon": False, "text.parse_math": False,
    "axes.unicode_minus": True, "figure.autolayout": False, "figure.constrained_layout.use": False,
}  # fmt: skip


@dataclass(frozen=True)
class Margins:
    """Pixels between the axes and the edge of the figure."""

    left: float = 0
    right: float = 0
    top: float = 0
    bottom: float = 0


@dataclass(frozen=True)
class Plot:
    """All there is to know about one kind of figure.

    `paint` draws a table on axes (narrow or wide); `height` is the height of the figure in px; `alt` says it in
    words; `legend` is what the caption adds, with swatches as ``[blue]``, ``[grey]``, ``[red]``, ``[hatch]``.
    """

    paint: "Callable[[Axes, pd.DataFrame, bool], None]"
    height: Callable[[pd.DataFrame, bool], float]
    margins: Callable[[pd.DataFrame, bool], Margins]
    alt: Callable[[pd.DataFrame], str]
    legend: Callable[[pd.DataFrame], str]

    def on(self, table: pd.DataFrame, ax: "Axes | None") -> "Axes":
        """Draw on `ax`, or on a wide figure of its own that `show` can draw again."""
        table = table.copy()  # our own, for both widths and for what is said of them
        if ax is not None:
            with house_style():
                self.paint(ax, table, False)
            return ax
        import matplotlib.pyplot as plt

        # The first figure of a session wakes the backend, which changes settings that must outlive ours.
        size = (WIDE / 72, self.height(table, False) / 72)
        figure = plt.figure(figsize=size, dpi=72, facecolor=PAPER, layout="none")
        with house_style():
            own = self._fill(figure, table, narrow=False)
        DRAWN[own] = Drawing.of(self, table, own)
        return own

    def figure(self, table: pd.DataFrame, *, narrow: bool) -> "Figure":
        """A figure of its own, unknown to pyplot."""
        from matplotlib.figure import Figure

        with house_style():
            figure = Figure(figsize=((NARROW if narrow else WIDE) / 72, self.height(table, narrow) / 72))
            self._fill(figure, table, narrow=narrow)
        return figure

    def _fill(self, figure: "Figure", table: pd.DataFrame, *, narrow: bool) -> "Axes":
        width, height, m = NARROW if narrow else WIDE, self.height(table, narrow), self.margins(table, narrow)
        ax = figure.add_axes((
            m.left / width, m.bottom / height, (width - m.left - m.right) / width, (height - m.top - m.bottom) / height,
        ))  # fmt: skip
        self.paint(ax, table, narrow)
        return ax


@dataclass(frozen=True)
class Drawing:
    """What was drawn on axes: enough to draw it again in another width, and to see that nobody has added to it."""

    plot: Plot
    table: pd.DataFrame
    size: tuple[float, ...]

    @classmethod
    def of(cls, plot: Plot, table: pd.DataFrame, ax: "Axes") -> "Drawing":
        """Note what has just been drawn: matplotlib marks what changes from now on as stale."""
        figure = cast("Figure", ax.get_figure(root=True))
        for artist in _parts(figure):
            artist.stale = False
        return cls(plot, table, tuple(figure.get_size_inches()))

    def stands_alone(self, ax: "Axes") -> bool:
        """Whether the axes are surely as they were drawn; unsure once the figure is on paper, which ends all marks."""
        figure = ax.get_figure(root=True)
        return (
            figure is not None
            and figure.axes == [ax]
            and tuple(figure.get_size_inches()) == self.size
            and figure.get_layout_engine() is None
            and bool(figure.stale)
            and not any(artist.stale for artist in _parts(figure))
        )


def _parts(figure: "Figure") -> "list[Artist]":
    """All artists of a figure but ticks that nobody has asked for: an axis would make them to tell of them."""
    from matplotlib.axis import Axis

    found: list[Artist] = []
    ahead = figure.get_children()
    while ahead:
        part = ahead.pop()
        found.append(part)
        if isinstance(part, Axis):
            made = [*vars(part).get("majorTicks", ()), *vars(part).get("minorTicks", ())]
            ahead += [part.label, part.offsetText, *made]
        else:
            ahead += part.get_children()
    return found


DRAWN: "WeakKeyDictionary[Axes, Drawing]" = WeakKeyDictionary()


@contextmanager
def house_style() -> Iterator[None]:
    """Settings of matplotlib while a figure is drawn; those of the caller stand again afterwards."""
    import matplotlib as mpl

    with mpl.rc_context(cast(Any, _RC)):
        yield


def no_data(ax: "Axes", words: str = "No data") -> None:
    """Say on empty axes that there is nothing to draw."""
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(0, 1)
    ax.text(0, 0.5, words, color=MUTED, va="center", ha="left")
