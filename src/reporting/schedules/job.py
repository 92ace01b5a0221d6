"""What a scheduler is asked to run: one command, when, where, with what, for how long."""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reporting.schedules.times import Times

LOCKED = 75  # exit code of a run that found another one at work
TOLD = (3, 4)  # exit codes after which the run itself has sent its notices


@dataclass(frozen=True)
class Job:
    """One run of `metrics report`, with absolute paths, as every engine needs it."""

    name: str
    command: Sequence[str]  # argv
    notice: Sequence[str]  # argv that tells the hooks of the recipe; the exit code is added at its end
    folder: Path  # working directory
    times: Sequence[Times]
    out: Path  # folder of the pages
    timeout: int = 3600  # seconds for all reports together
    secrets: Sequence[str] = ()  # environment variables that secret parameters refer to, by name
    program: Path = field(default_factory=lambda: Path(sys.executable).parent)

    @property
    def environment(self) -> dict[str, str]:
        """All that the command needs to know; schedulers start with next to nothing."""
        return {"LANG": "C.UTF-8", "PATH": f"{self.program}:/usr/local/bin:/usr/bin:/bin"}

    @property
    def secrets_file(self) -> Path:
        """Where the values of the secrets are expected, readable by nobody else."""
        return self.folder / f".{self.name}.env"


def job(
    recipe: Path,
    times: Sequence[Times],
    *,
    name: str = "metrics-reports",
    reports: Sequence[str] = (),
    out: Path,
    timeout: float,
    secrets: Sequence[str] = (),
    folder: Path | None = None,
    elsewhere: Path | None = None,
    due: bool = True,
) -> Job:
    """The job that builds what is due in a recipe.

    Parameters
    ----------
    recipe
        The TOML file.
    times
        When to look; what is due then is for the run to say.
    name
        Name of the files and units.
    reports
        Reports to build, all if there is none.
    out
        Folder of the pages.
    timeout
        Seconds for all reports together.
    secrets
        Environment variables that secret parameters refer to.
    folder
        Working directory, the current one if it is not given.
    elsewhere
        Folder of the pages in place of the recipe's.
    due
        Whether the run is to build what has come due by the recipe; otherwise it builds what has changed.
    """
    recipe = Path(os.path.abspath(recipe))
    program = Path(sys.executable).parent
    metrics = str(program / "metrics")
    distinct = list(dict.fromkeys(times))
    options = ["--due"] if due else []
    options += ["--out", os.path.abspath(elsewhere)] if elsewhere is not None else []
    return Job(
        name=name,
        command=[metrics, "report", "run", *reports, *options, "--recipe", str(recipe)],
        notice=[metrics, "report", "notify", "--recipe", str(recipe), "--job", name, "--exit"],
        folder=Path(os.path.abspath(folder or Path.cwd())),
        times=distinct,
        out=Path(os.path.abspath(out)),
        timeout=max(60, round(timeout)),
        secrets=tuple(dict.fromkeys(secrets)),
        program=program,
    )


def shell(job: Job, *, locked: int = 0, command: Sequence[str] | None = None, notice: str | None = None) -> str:
    """Lines of POSIX shell that run the command in bounded time, tell the hooks what the run could not, and exit.

    Parameters
    ----------
    job
        What to run.
    locked
        Exit code where another run is at work: most engines should call it well.
    command
        In place of the job's own.
    notice
        Shell words, in place of the job's own, before the exit code.
    """
    told = "|".join(str(code) for code in (0, *TOLD))
    notice = notice or shlex.join(job.notice)
    return f"""\
timeout --kill-after=30 {job.timeout} {shlex.join(command or job.command)}
code=$?
case $code in
  {told}) ;;  # well, or the run has told of the reports that failed
  {LOCKED}) code={locked} ;;  # another run is at work, and does this work too
  *) {notice} "$code" ;;  # refused, out of time or killed: the run could not tell
esac
exit $code
"""
