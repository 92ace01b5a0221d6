"""From data to HTML, and nothing else: each renderer is a function of what `facts` describes.

page.py    an executed notebook as a page        clean.py   what of its HTML may stand there
index.py   all pages and how they stand          error.py   a page that could not be built
runs.py    all runs and what they came to        pdf.py     a page printed by a Chromium
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reporting.pages.facts import (
    Alert,
    Attempt,
    Failure,
    Good,
    Index,
    KeyFigure,
    Origin,
    PageState,
    Point,
    RunLine,
    Trouble,
)

if TYPE_CHECKING:
    from reporting.pages.error import render_error
    from reporting.pages.index import render_index
    from reporting.pages.page import render_page
    from reporting.pages.runs import render_runs

__all__ = [
    "Alert",
    "Attempt",
    "Failure",
    "Good",
    "Index",
    "KeyFigure",
    "Origin",
    "PageState",
    "Point",
    "RunLine",
    "Trouble",
    "render_error",
    "render_index",
    "render_page",
    "render_runs",
]

_HOMES = {"render_error": "error", "render_index": "index", "render_page": "page", "render_runs": "runs"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reporting.pages' has no attribute {name!r}")
    return getattr(import_module(f"reporting.pages.{_HOMES[name]}"), name)
