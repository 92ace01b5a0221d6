"""Jobs in, outcomes out: what is run, and what came of it.

A `Job` is all that a kernel needs to know about one page. What happens to it is an
`Outcome`, never an exception: a failed report is news, and the others go on.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
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
        Where the executed notebook goes. Its log stands beside it, ``.log`` for ``.ipynb``.
    workdir
        Folder to run in.
    secrets
        What must not stand in any file that is written.
    timeout
        Seconds for the whole notebook.
    then
        ``"module:function"`` to call with the executed notebook and `argument`. What it returns is the outcome's
        `result`; its exceptions fail the job.
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
    then: str | None = None
    argument: Any = None

    @property
    def log(self) -> Path:
        """What the kernel wrote to its own stdout and stderr."""
        return self.output.with_suffix(".log")


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    `cause`, `source`, `line` and `traceback` say what `ReportError` says; they are empty when it was built.
    The executed notebook stands at the job's `output` if anything ran.
    """

    job: Job
    status: Status
    cell: int | None = None
    cause: str = ""
    source: str = ""
    line: int | None = None
    traceback: str = ""
    attempts: int = 1
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    result: Any = None

    def error(self) -> ReportError:
        """The same as an exception."""
        return ReportError(
            self.job.notebook, self.cell, self.cause, source=self.source, line=self.line, traceback=self.traceback
        )


@dataclass(frozen=True)
class Event:
    """Something that happened to a job, for whoever watches: ``cell`` comes before each cell and after the last."""

    kind: Literal["started", "cell", "retry", "ended"]
    job: Job
    done: int = 0
    cells: int = 0
    outcome: Outcome | None = field(default=None)


OnEvent = Callable[[Event], None]


def run_jobs(
    jobs: Iterable[Job], *, workers: int = 1, kernel: str = "auto", on_event: OnEvent | None = None
) -> Iterator[Outcome]:
    """Run jobs, and give each outcome as soon as it is there, in whatever order that is.

    Parameters
    ----------
    jobs
        What to run. Their outputs lie in folders that are there.
    workers
        Jobs that run at the same time, at most.
    kernel
        ``warm``, ``plain``, or ``auto``: warm where that is possible.
    on_event
        Called in this process, between outcomes and during the run.
    """
    from reporting.execution.notebook import execute_notebook

    tell = on_event or (lambda event: None)
    for job in jobs:
        tell(Event("started", job))
        began, cpu = time.monotonic(), time.process_time()

        def step(done: int, cells: int, job: Job = job) -> None:
            tell(Event("cell", job, done, cells))

        status: Status = "built"
        error: ReportError | None = None
        result = None
        try:
            executed = execute_notebook(job.notebook, job.output, job.given, timeout=job.timeout, progress=step)
            if job.then:
                module, _, function = job.then.partition(":")
                result = getattr(import_module(module), function)(executed, job.argument)
        except ReportError as problem:
            error, status = problem, "failed"
        outcome = Outcome(
            job,
            status,
            result=result,
            cell=error.cell if error else None,
            cause=error.cause if error else "",
            source=error.source if error else "",
            line=error.line if error else None,
            traceback=error.traceback if error else "",
            wall_seconds=time.monotonic() - began,
            cpu_seconds=time.process_time() - cpu,
        )
        tell(Event("ended", job, outcome=outcome))
        yield outcome
