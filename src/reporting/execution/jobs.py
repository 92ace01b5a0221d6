"""Jobs in, outcomes out: what is run, and what came of it.

A `Job` is all that a kernel needs to know about one page. What happens to it is an
`Outcome`, never an exception: a failed report is news, and the others go on.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from reporting.errors import ReportError
from reporting.recipe.secrets import NONE, Secrets

Status = Literal["built", "failed", "timeout", "killed"]


@dataclass(frozen=True)
class Retry:
    """How often a job is tried again, and after which causes: ``timeout``, ``killed``, or names of exceptions."""

    times: int = 0
    on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """One page to build.

    Parameters
    ----------
    name
        Its page: ``retention``, ``segment/s01``.
    notebook
        Its notebook, which is left as it is.
    given
        Parameters to set, already checked. A secret is given as its reference, ``"env:DB_URL"``.
    output
        Where the executed notebook goes, whole; after a failure with what ran. Its log stands beside it, ``.log`` for
        ``.ipynb``.
    workdir
        Folder to run in.
    secrets
        What must not stand in any file that is written; it is masked in the executed notebook and the log.
    timeout
        Seconds for the whole run, `then` included.
    retry
        When to try again.
    imports
        Packages that the notebook imports, so that the kernel has them loaded; None if nobody looked.
    memory
        Bytes of data that the kernel may hold, which pandas and matplotlib alone take some 200 million of; None for no
        limit. Linux only.
    then
        ``"module:function"`` to call in the worker with the executed notebook and `argument`. What it returns is the
        outcome's `result`; its exceptions fail the job. A function `warm_up` of the module is called beforehand, once.
    argument
        For `then`. It and what `then` returns are what JSON can say.
    """

    name: str
    notebook: Path
    given: Mapping[str, Any]
    output: Path
    workdir: Path
    secrets: Secrets = NONE
    timeout: float = 600.0
    retry: Retry = Retry()
    imports: frozenset[str] | None = None
    memory: int | None = None
    then: str | None = None
    argument: Any = None

    @property
    def log(self) -> Path:
        """What worker and kernel wrote past the notebook, to their own stdout and stderr."""
        return self.output.with_suffix(".log")


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    `cause`, `source`, `line` and `traceback` say what `ReportError` says; they are empty when it was built.
    The executed notebook stands at the job's `output` if anything ran.

    Parameters
    ----------
    exception
        Name of the exception that failed it, empty if none did.
    attempts, wall_seconds, cpu_seconds
        Of all attempts; processor seconds of kernel and worker.
    peak_bytes
        The most that a kernel held in memory, pages shared with other processes included; 0 if unknown.
    warm
        The kernel of the last attempt was forked from the warm server.
    dropped
        Characters of printed text that were left out, for there were more than a page can hold.
    result
        What `Job.then` returned.
    """

    job: Job
    status: Status
    cell: int | None = None
    cause: str = ""
    source: str = ""
    line: int | None = None
    traceback: str = ""
    exception: str = ""
    attempts: int = 1
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    warm: bool = False
    dropped: int = 0
    result: Any = None

    def error(self) -> ReportError:
        """The same as an exception."""
        return ReportError(
            self.job.notebook, self.cell, self.cause, source=self.source, line=self.line, traceback=self.traceback
        )


@dataclass(frozen=True)
class Event:
    """Something that happened to a job, for whoever watches: ``cell`` comes before each cell and after the last.

    ``retry`` brings the outcome that is not the last.
    """

    kind: Literal["started", "cell", "retry", "ended"]
    job: Job
    done: int = 0
    cells: int = 0
    outcome: Outcome | None = field(default=None)


OnEvent = Callable[[Event], None]
