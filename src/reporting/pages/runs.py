"""The page of all runs: when each was, what it built, what failed."""

from collections.abc import Sequence

from reporting.pages.facts import RunLine
from reporting.pages.templates import render

TEMPLATE = "runs.html.j2"
NAMED = 12  # pages of a run that are named; of more their number is said


def render_runs(runs: Sequence[RunLine], *, root: str = "") -> str:
    """HTML of the page of all runs.

    Parameters
    ----------
    runs
        Newest first.
    root
        Leads from the page to the folder of the index.
    """
    return render(TEMPLATE, runs=runs, root=root, named=NAMED)
