"""What a page is told, as plain data: renderers turn it into HTML and ask nobody else.

A page is called by its `name`: ``retention``, or ``segment/s01`` for one of many. It stands in
``latest/NAME.html``; the paths in `Good` and `Failure` begin at the folder of the index, and
`root` leads a page back to that folder.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

LONGEST = 300  # letters of a title
State = Literal["current", "failed", "late", "not built"]


@dataclass(frozen=True)
class KeyFigure:
    """The first headline of a page: ``28.2``, ``%``, ``of new users shared a project``."""

    number: str = ""
    unit: str = ""
    text: str = ""


@dataclass(frozen=True)
class Alert:
    """A rule that fired: a figure crossed a limit that someone wrote down beforehand."""

    rule: str
    sentence: str
    severity: str = "warning"
    detail: str = ""
    anchor: str = ""  # of the section of the page where it was raised


@dataclass(frozen=True)
class Origin:
    """What a page says about where it comes from: nothing that changes when nothing changed."""

    group: str
    period: str
    parameters: Sequence[tuple[str, str, str]]  # name, value, meaning
    notebook: str  # file name of the notebook as it ran, which lies beside the page
    commit: str | None = None
    data: str | None = None  # sha256
    files: Sequence[str] = ()
    moved: Sequence[str] = ()  # files that changed while the page was built
    root: str = ""
    pages: Mapping[str, str] | None = None  # address of the page of each notebook that has one; None: beside this one


@dataclass(frozen=True)
class Good:
    """The last run that went to its end; its page stands."""

    page: str
    title: str
    built: datetime
    seconds: float
    question: str = ""
    as_of: str | None = None
    commit: str | None = None
    data: str | None = None
    files: Sequence[str] = ()
    key_figure: KeyFigure | None = None
    parameters: dict[str, Any] = field(default_factory=dict)
    run: str = ""
    alerts: Sequence[Alert] = ()  # that fired


@dataclass(frozen=True)
class Failure:
    """The last run, if it failed, and since when all runs have."""

    page: str
    at: datetime
    since: datetime
    runs: int
    seconds: float
    notebook: str
    cell: int | None
    first_line: str
    cause: str
    run: str = ""


@dataclass(frozen=True)
class Point:
    """A key figure of the past, for the line that shows its course."""

    built: datetime
    as_of: str | None
    number: float | None


@dataclass(frozen=True)
class Attempt:
    """A run of one page: when, and how it ended, in words."""

    at: datetime
    result: str
    page: str = ""  # that it published, if it is still kept


@dataclass(frozen=True)
class PageState:
    """One page and how it stands: a row of the index."""

    name: str
    title: str
    group: str = "Reports"
    good: Good | None = None
    failure: Failure | None = None
    late_since: datetime | None = None
    history: Sequence[Point] = ()  # oldest first, the last good run at the end

    @property
    def state(self) -> State:
        """``failed`` if the last run failed, ``late`` if one is overdue, ``current`` if all is well."""
        if self.failure:
            return "failed"
        if self.good is None:
            return "not built"
        return "late" if self.late_since else "current"

    @property
    def label(self) -> str:
        """The state as a reader sees it: ``rule fired`` if it is current and has something to say."""
        return "rule fired" if self.state == "current" and self.good and self.good.alerts else self.state


@dataclass(frozen=True)
class Index:
    """All pages of a recipe, in its order."""

    states: Sequence[PageState]
    recipe: str
    root: str = ""
    runs: str = ""  # page of all runs, if there is one


@dataclass(frozen=True)
class RunLine:
    """A run as a line of the page of all runs."""

    id: str
    at: datetime
    built: Sequence[tuple[str, str]]  # title and page, from the folder of the index
    failed: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Trouble:
    """A page that could not be built: what an error page says."""

    state: PageState  # with its `failure`, and the last `good` if there is one
    executed: str  # file name of the notebook as far as it ran, beside the page; empty if none was kept
    command: str  # builds this page again
    source: str = ""  # of the failing cell
    line: int | None = None
    traceback: str = ""
    commit: str | None = None
    data: str | None = None
    files: Sequence[str] = ()
    root: str = ""
    attempts: Sequence[Attempt] = ()  # the last runs, newest first
    options: str = ""  # that set the parameters which the message names
