"""A plot as a figure of a page: caption with its legend in words, both widths, and the numbers behind it."""

import hashlib
import re
from html import escape
from typing import TYPE_CHECKING

from metrics.display.tables import table_html
from metrics.plots.style import DRAWN, PALETTE, Drawing
from metrics.plots.svg import figure_svg, hatch_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def figure_html(ax: "Axes", caption: str, *, rows: int = 50) -> tuple[str, str]:
    """The figure of these axes as HTML, and its alt text; a figure that pyplot holds is closed."""
    drawing = DRAWN.get(ax)
    alt = drawing.plot.alt(drawing.table) if drawing else caption or "Figure"
    seed = hashlib.sha256(f"{caption}\0{alt}".encode()).hexdigest()[:8]
    hatch = f"hatch-{seed}"
    own = ax.get_figure(root=True)
    if own is None:
        raise ValueError("show: these axes belong to no figure. Draw the plot again and show what it returns.")
    alone = drawing is not None and drawing.stands_alone(ax)  # asked before it is drawn
    wide = figure_svg(own, kind="wide", alt=alt, hatch=hatch)
    slim = own  # a figure to which something was added by hand is drawn as it is in both widths
    if drawing:
        untouched = None if alone else drawing.plot.figure(drawing.table, narrow=False)
        if untouched is None or wide == figure_svg(untouched, kind="wide", alt=alt, hatch=hatch):
            slim = drawing.plot.figure(drawing.table, narrow=True)
    narrow = figure_svg(slim, kind="narrow", alt=alt, hatch=hatch)
    _close(ax)
    legend = _legend(drawing, hatch)
    pattern = hatch_svg(hatch) if f"#{hatch})" in legend + wide + narrow else ""
    title = f"<b>{escape(caption)}</b> " if caption else ""
    head = f"<figcaption>{title}{legend}</figcaption>" if title or legend else ""
    data = ""
    if drawing:
        behind = table_html(drawing.table, "", rows=rows, name=f"{caption}: numbers".lstrip(": "))
        data = f'<details class="data"><summary>The numbers behind this figure</summary>{behind}</details>'
    return f"<figure>{head}{pattern}{wide}{narrow}{data}</figure>", alt


def _legend(drawing: Drawing | None, hatch: str) -> str:
    words = escape(drawing.plot.legend(drawing.table)) if drawing else ""

    def marked(found: re.Match[str]) -> str:  # with its word, that no line ends between them
        return f'<span class="key">{_swatch(found[1], hatch)}\u00a0{found[2]}</span>'

    return re.sub(r"\[(blue|grey|red|muted|heat3|hatch)\] (\S+)", marked, words)


def _swatch(name: str, hatch: str) -> str:
    size = '<svg class="swatch" width="15" height="11" viewBox="0 0 15 11" aria-hidden="true">'
    if name == "hatch":
        edge = f'class="s-mid" stroke="{PALETTE["mid"]}" stroke-width=".8"'
        return f'{size}<path d="M.4 .4H14.6V10.6H.4z" fill="url(#{hatch})" {edge}/></svg>'
    return f'{size}<path d="M0 0H15V11H0z" class="f-{name}" fill="{PALETTE[name]}"/></svg>'


def _close(ax: "Axes") -> None:
    """A figure that was shown here must not appear a second time below the cell."""
    import matplotlib.pyplot as plt

    plt.close(ax.get_figure(root=True))
