"""A notebook file read as what it is, JSON: enough to know its title and parameters without running it."""

import json
from pathlib import Path
from typing import NamedTuple

from reporting.errors import RefusedError


class Cell(NamedTuple):
    """One cell: ``code`` or ``markdown``, its text and its tags."""

    kind: str
    source: str
    tags: list[str]


def read_cells(notebook: Path) -> list[Cell]:
    """Cells of a notebook file.

    Raises
    ------
    RefusedError
        The file cannot be read or is no notebook.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return [
            Cell(cell["cell_type"], writable("".join(cell["source"])), list(cell.get("metadata", {}).get("tags", [])))
            for cell in cells
        ]
    except OSError:
        raise RefusedError(f"{notebook}: this file cannot be read. Is the path right?") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise RefusedError(f"{notebook}: this is not a notebook (.ipynb, format 4).") from None


def writable(text: str) -> str:
    r"""A text that files can hold: JSON may name half a sign, as where an emoji was cut in two, and no encoding has it.

    >>> writable("Caf\u00e9 \ud83d")
    'Café ?'
    """
    return text.encode("utf-8", "replace").decode("utf-8")


def read_title(notebook: Path) -> str:
    """Title in the notebook's first heading; without one, its name in words."""
    try:
        lines = [line for cell in read_cells(notebook) if cell.kind == "markdown" for line in cell.source.splitlines()]
    except RefusedError:
        lines = []
    titles = [line[2:].strip() for line in lines if line.startswith("# ")]
    return titles[0] if titles else notebook.stem.replace("_", " ").capitalize()
