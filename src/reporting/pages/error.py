"""The error page: what went wrong, where, and what to do."""

from reporting.pages.facts import Trouble
from reporting.pages.templates import render


def render_error(trouble: Trouble) -> str:
    """HTML of a page that says why its report is not there.

    Parameters
    ----------
    trouble
        Its `state` holds the failure.
    """
    title = trouble.state.title.split(":")[0].rstrip("?!.")
    return render("error.html.j2", title=title, trouble=trouble, good=trouble.state.good, failure=trouble.state.failure)
