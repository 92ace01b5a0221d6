"""What does IPython ask for a figure's HTML? A formatter that knows figures, whatever is registered.

The inline backend clears what formatters have registered for figures when it wakes, in the midst of some cell. So this
one does not register, it looks.
"""

import sys
from typing import Any

from IPython.core.formatters import HTMLFormatter, catch_format_error

from reporting.figures import figure_html


class FigureFormatter(HTMLFormatter):
    """IPython's own for HTML, and figures."""

    @classmethod
    def instead_of(cls, other: HTMLFormatter) -> "FigureFormatter":
        """A formatter with what another one has been told."""
        new = cls(parent=other.parent)
        new.type_printers, new.deferred_printers = other.type_printers, other.deferred_printers
        new.singleton_printers = other.singleton_printers
        return new

    @catch_format_error  # type: ignore[untyped-decorator]
    def __call__(self, obj: Any) -> Any:
        """HTML of an object, None if it has none."""
        matplotlib = sys.modules.get("matplotlib.figure")
        if matplotlib is not None and isinstance(obj, matplotlib.Figure):
            return figure_html(obj)
        return super().__call__(obj)
