"""Small notebooks for the tests: cells in, file out. No metric is needed to test a report."""

import json
import re
from pathlib import Path

PARAMETERS = """
events_file: str = "events.csv"  # export to read
as_of: str = "2026-07-01"  # first moment not observed
tz: str = "Europe/Berlin"  # zone in which days begin
weeks: int = 4  # weeks to show
share: float = 0.95  # confidence of the intervals
by_plan: bool = False  # one line a plan
steps: list[str] = ["visit", "signup"]  # steps in order
plan: str | None = None  # only this plan
"""

FRAGMENTS = Path(__file__).parent / "fragments"
HEADLINE = "application/vnd.metrics.headline+json"


def headline(number: str, unit: str, text: str) -> str:
    """Code of a cell that puts out a headline; an interval stands in round brackets."""
    words = re.sub(r"(\(.*?\))", r'<span class="interval">\1</span>', text)
    item = f'<b class="number">{number}<span class="unit">\u202f{unit}</span></b> <p>{words}</p>'
    bundle = {
        "text/html": f'<ul class="headlines"><li>{item}</li></ul>',
        "text/plain": f"{number} {unit} {text}",
        HEADLINE: {"number": number, "unit": unit, "text": text},
    }
    return f"from IPython.display import display\ndisplay({bundle!r}, raw=True)"


def fragment(name: str) -> str:
    """HTML as a cell puts it out: figure, table, definitions or account."""
    return (FRAGMENTS / f"{name}.html").read_text(encoding="utf-8")


def shown(html: str) -> str:
    """Code of a cell that puts out `html`."""
    return f"from IPython.display import HTML\nHTML({html!r})"


def write_notebook(path: Path, *cells: str, parameters: str | None = PARAMETERS) -> Path:
    """Write a notebook; a cell that begins with ``%md `` is prose, all others are code."""
    first = [] if parameters is None else [_code(parameters.strip(), ["parameters"], "parameters")]
    body = [_cell(source, f"cell-{number}") for number, source in enumerate(cells)]
    cells_in_order = body[:1] + first + body[1:] if cells and cells[0].startswith("%md ") else first + body
    notebook = {"cells": cells_in_order, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(notebook), encoding="utf-8")
    (path.parent / "events.csv").touch()
    return path


def full_report(path: Path) -> Path:
    """A notebook with everything a page can hold."""
    return write_notebook(
        path,
        "%md # Onboarding: where do new users drop?\n\nHow many share a project, and where do the others stop?",
        headline(
            "28.2",
            "%",
            "of new users shared a project within 14 days (26.7 to 29.9): 2.9 points lower (\u22125.0 to \u22120.8).",
        ),
        headline("44.7", "%", "of those with a project stop before inviting anyone (42.5 to 46.9), the largest loss."),
        headline("+34", "", "net promoter score (29 to 39)."),
        "%md ## Where do they stop?\n\nThe largest loss is marked.",
        shown(fragment("figure")),
        shown(fragment("table")),
        "%md > **Still open is not lost.** Those within their 14 days are drawn hatched and left out of every rate.",
        "%md ## What the words mean",
        shown(fragment("definitions")),
        "%md ## Account of the data",
        shown(fragment("account")),
        "import sys\nprint('a line of text')\nprint('a warning', file=sys.stderr)",
    )


def _cell(source: str, name: str) -> dict[str, object]:
    if source.startswith("%md "):
        return {"cell_type": "markdown", "id": name, "metadata": {}, "source": source.removeprefix("%md ")}
    return _code(source, [], name)


def _code(source: str, tags: list[str], name: str) -> dict[str, object]:
    return {
        "cell_type": "code",
        "id": name,
        "metadata": {"tags": tags},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }
