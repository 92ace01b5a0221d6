"""How does a figure that a notebook drew with pyplot get onto a page? As SVG with words and with its numbers.

An extension of IPython that kernels of reports load. Where the notebook says nothing else, figures become HTML in place
of pixels: text stays text, a screen reader is told what is drawn, and the numbers stand behind the figure. Figures of
`metrics.show` are none of its business, for they are HTML already.
"""

import logging
import warnings
from html import escape
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_log = logging.getLogger(__name__)


def load_ipython_extension(shell: Any) -> None:
    """Show figures of pyplot as HTML from now on, and draw no pixels beside."""
    from reporting.figures.formatter import FigureFormatter
    from reporting.figures.formulas import install

    install()  # now, for a cell may lay out its figure before it shows it
    shell.config.InlineBackend.figure_formats = set()
    formatters = shell.display_formatter.formatters
    formatters["text/html"] = FigureFormatter.instead_of(formatters["text/html"])


def figure_html(figure: "Figure") -> str | None:
    """A figure of pyplot as HTML: drawn as SVG, as pixels where that would be large, its numbers behind it.

    None for a figure on which there is nothing.
    """
    if not (figure.axes or figure.lines):
        return None
    from reporting.figures.formulas import install

    install()
    from reporting.figures.numbers import numbers_html, numbers_of
    from reporting.figures.svg import NotDrawableError, figure_svg
    from reporting.figures.words import alt_of

    try:
        found = numbers_of(figure)
        alt, table = alt_of(figure, found), numbers_html(found)
    except Exception as error:  # an artist of a kind that nobody foresaw: the figure stands without them
        _log.warning("The numbers of a figure cannot be told: %s: %s", type(error).__name__, error)
        alt, table = alt_of(figure, []), ""
    try:
        with warnings.catch_warnings():
            # of letters that matplotlib's font lacks: they are text here, in the font of the page
            warnings.filterwarnings("ignore", "Glyph .* missing from font")
            drawn = figure_svg(figure, alt)
    except Exception as error:  # what pixels cannot show either fails there
        if not isinstance(error, NotDrawableError):
            _log.warning("A figure cannot be drawn as SVG: %s: %s", type(error).__name__, error)
        drawn = f'<img src="data:image/png;base64,{_pixels(figure)}" alt="{escape(alt, quote=True)}">'
    # drawn for a desk, it scrolls on a phone before its text becomes too small to read
    frame = f'<div class="scroll" role="region" aria-label="Figure" tabindex="0">{drawn}</div>'
    return f"<figure>{frame}{table}</figure>"


def _pixels(figure: "Figure") -> str:
    from IPython.core.pylabtools import print_figure

    return str(print_figure(figure, fmt="png", base64=True))  # type: ignore[no-untyped-call]
