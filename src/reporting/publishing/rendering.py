"""An executed notebook made into a page, where it was executed: a worker calls `make`."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from reporting.pages.facts import Origin

THEN = f"{__name__}:make"


def make(executed: Any, argument: dict[str, Any]) -> dict[str, Any]:
    """Write the page of an executed notebook, and say what it shows.

    Parameters
    ----------
    executed
        Notebook node with its outputs.
    argument
        ``page``: the file to write; ``title``: in place of the notebook's own; ``origin``: what `Origin` takes.
    """
    from reporting.pages.page import render_page

    origin = Origin(**argument["origin"])
    html, page = render_page(executed, origin, argument["title"])
    path = Path(argument["page"])
    path.write_text(html, encoding="utf-8", errors="replace", newline="")
    return {
        "title": page.title,
        "question": page.question,
        "key_figure": asdict(page.key_figure) if page.key_figure else None,
        "alerts": [asdict(alert) for alert in page.alerts],
    }


def warm_up() -> None:
    """Do what the first page would wait for: load the renderer and compile its templates."""
    from reporting.execution.jupyter import nbformat
    from reporting.pages.page import render_page

    cell = nbformat.v4.new_markdown_cell("# Title\n\nText\n\n## Section")  # type: ignore[no-untyped-call]
    notebook = nbformat.v4.new_notebook(cells=[cell])  # type: ignore[no-untyped-call]
    render_page(notebook, Origin(group="", period="", parameters=[], notebook=""), None)
