"""What can go wrong: refused before anything ran, failed while it ran, or another run was at work.

A message is a fact, what was found, and what to do. It stands alone on a terminal
and on a page, so no traceback is needed to understand it.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class RefusedError(ValueError):
    """A recipe, a parameter or a file is wrong, and nothing ran."""


class ReportError(Exception):
    """A notebook could not be run to its end.

    Parameters
    ----------
    notebook
        The notebook as its author knows it, not the copy that was executed.
    cell
        Its cell, counted from 1 as in a notebook read from the top; None if no cell is to blame.
    cause
        What happened, in one line: ``"ValueError: steps: 'sign_up' is not in the event table."``
    source
        Code of that cell, empty if there is none.
    line
        Line of `source` that failed, counted from 1, where it is known.
    traceback
        What Python said, plain text.
    """

    def __init__(
        self,
        notebook: Path,
        cell: int | None,
        cause: str,
        *,
        source: str = "",
        line: int | None = None,
        traceback: str = "",
    ) -> None:
        self.notebook = notebook
        self.cell = cell
        self.cause = cause
        self.source = source
        self.line = line
        self.traceback = traceback
        super().__init__(cause)

    def __str__(self) -> str:
        return self.message

    @property
    def first_line(self) -> str:
        """First line of the cell that says something, to find it by."""
        return next((line.strip() for line in self.source.splitlines() if line.strip()), "")

    @property
    def message(self) -> str:
        """Notebook, cell and cause in one line."""
        where = self.notebook.name
        if self.cell is not None:
            where += f", cell {self.cell}"
        if self.first_line:
            where += f" ({self.first_line})"
        return f"{where}: {self.cause}"


def did_you_mean(name: str, known: Iterable[str], all_are: str) -> str:
    """Say which known name is nearest to an unknown one, or else which names there are.

    >>> did_you_mean("windw", ["as_of", "window"], "Its parameters are")
    "Did you mean 'window'?"
    >>> did_you_mean("colour", ["as_of", "window"], "Its parameters are")
    'Its parameters are as_of, window.'
    """
    names = sorted(known)
    nearest = get_close_matches(name, names, n=1)
    if nearest:
        return f"Did you mean {nearest[0]!r}?"
    return f"{all_are} {', '.join(names)}." if names else f"{all_are} none."


def cut(text: str, most: int, end: int = 0) -> str:
    """A text of no more than so many letters, `end` of them its last; what is left out is counted.

    >>> cut("abcdefghijklmnopqrstuvwxyz", 4, end=2)
    'ab … (22 letters left out) … yz'
    """
    if len(text) <= most:
        return text
    return f"{text[: most - end]} … ({len(text) - most:,} letters left out) … {text[len(text) - end :]}".removesuffix(
        " … "
    )


class LockedError(RuntimeError):
    """Another run writes into the same folder; nothing was done."""
