"""Verbs for schedulers: `schedule` writes their files, `notify` tells of a run that could not tell itself."""

import os
import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from reporting.cli.app import (
    AsJson,
    Names,
    OutFolder,
    RecipeFile,
    answered,
    complain,
    near,
    opened,
    report,
    say_json,
)
from reporting.errors import RefusedError
from reporting.publishing.plan import Request, plan_reports
from reporting.recipe.file import RECIPE, Recipe, Report

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
REST = 60.0  # seconds for what is done once a run
ENDING = 10.0  # seconds that a kernel may take to end after its time, and the next one to start
HOOK = 35.0  # seconds for one that is told, and for its end


class Engine(StrEnum):
    """The schedulers whose files can be written."""

    CRON = "cron"
    SYSTEMD = "systemd"
    AIRFLOW = "airflow"
    GITHUB = "github-actions"
    JUPYTER = "jupyter-scheduler"


@report.command()
def schedule(
    names: Names = None,
    emit: Annotated[Engine | None, typer.Option("--emit", help="The scheduler.", show_default=False)] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder for the files; printed without it.", show_default=False)
    ] = None,
    at: Annotated[
        list[str] | None,
        typer.Option("--at", metavar="TIMES", help="In place of the recipe's: 'every weekday at 06:00 Europe/Berlin'."),
    ] = None,
    clock: Annotated[
        str | None, typer.Option("--clock", metavar="ZONE", help="Zone of the machine that will run cron.")
    ] = None,
    name: Annotated[str, typer.Option("--name", help="Name of the files and units.")] = "metrics-reports",
    timeout: Annotated[int | None, typer.Option("--timeout", min=60, help="Seconds for all reports.")] = None,
    recipe: RecipeFile = RECIPE,
    out: OutFolder = None,
    as_json: AsJson = False,
) -> None:
    """Print the files that a scheduler needs to build reports when they are due; install nothing."""
    from reporting import schedules

    with answered():
        if emit is None:
            raise RefusedError(f"--emit is missing. Name a scheduler: {', '.join(engine.value for engine in Engine)}.")
        if not NAME.fullmatch(name):
            raise RefusedError(f"--name {name}: use small letters, digits and '-', at most 64.")
        loaded = opened(recipe, out)
        chosen = loaded.choose(names or [])
        try:
            times = [schedules.Times.read(text) for text in at or _sentences(chosen)]
            job = schedules.job(
                loaded.path,
                times,
                name=name,
                reports=names or [],
                out=loaded.out,
                elsewhere=loaded.elsewhere,
                timeout=timeout or _seconds(loaded, chosen),
                secrets=_variables(loaded, chosen),
                due=not at,
            )
            files = schedules.emit(emit.value, job, clock=clock)
        except ValueError as error:
            raise RefusedError(str(error)) from None
        if to is None:
            if as_json:
                say_json(files)
            else:
                typer.echo("\n".join(f"# ---- {file} ----\n{content}" for file, content in files.items()), nl=False)
            return
        written = [_write(to / file, content) for file, content in files.items()]
        if as_json:
            say_json([str(path) for path in written])
        else:
            for path in written:
                typer.echo(near(path))


@report.command(hidden=True)
def notify(
    job: Annotated[str, typer.Option("--job", help="Name of the job in its scheduler.")],
    code: Annotated[str, typer.Option("--exit", help="Its exit code, or the signal that ended it.")],
    recipe: RecipeFile = RECIPE,
) -> None:
    """Run the hooks for failures, for a run that was refused, timed out or killed: it could not tell itself."""
    from reporting.notices.runs import tell_job, tell_late

    with answered():
        loaded = opened(recipe)
        problems = [*tell_job(loaded, job, code), *tell_late(loaded)]
        for problem in problems:
            complain(problem)
        if problems:
            raise typer.Exit(1)


def _sentences(chosen: Iterable[Report]) -> list[str]:
    return list(dict.fromkeys(report.schedule for report in chosen if report.schedule))


def _seconds(recipe: Recipe, chosen: list[Report]) -> float:
    """Time for all pages one after the other if each takes all that it may, but no more than a day."""
    return min(86_400.0, max(600.0, REST + sum(_pages(recipe, report) * _longest(report) for report in chosen)))


def _longest(report: Report) -> float:
    """Time for one page: tried again as declared and once more if its kernel is lost, all of it twice if data move."""
    attempts = 1 + report.retry_times + 1
    told = HOOK if report.on_failure or report.on_alert else 0.0
    return 2 * attempts * (report.timeout + ENDING) + told


def _pages(recipe: Recipe, report: Report) -> int:
    """Pages that a report has today."""
    try:
        return max(1, len(plan_reports(recipe, Request(names=[report.name]))[0])) if report.each else 1
    except RefusedError:  # its data are not here: then nobody knows
        return 1


def _variables(recipe: Recipe, chosen: Iterable[Report]) -> list[str]:
    """Environment variables that secrets and hooks refer to, in the order of the recipe."""

    def references(value: Any) -> Iterable[str]:
        if isinstance(value, str) and value.startswith("env:"):
            yield value.removeprefix("env:")
        elif isinstance(value, dict):
            for part in value.values():
                yield from references(part)
        elif isinstance(value, list | tuple):
            for part in value:
                yield from references(part)

    found: dict[str, None] = dict.fromkeys(references([recipe.params, recipe.on_failure, recipe.on_alert]))
    for one in chosen:
        rules = [rule.reference for rule in one.rules.values()]
        found |= dict.fromkeys(references([one.params, rules, one.on_failure, one.on_alert]))
    return list(found)


def _write(path: Path, content: str) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        if path.suffix == ".sh":
            os.chmod(path, 0o755)
    except OSError as error:
        raise RefusedError(f"{path} cannot be written: {error.strerror}. Choose another folder with --to.") from None
    return path
