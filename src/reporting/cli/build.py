"""Verbs that build: `run`, `rerun`, and `metrics demo`.

Exit codes tell a scheduler what happened: 0 all built or unchanged, 2 refused before anything
ran, 3 some failed, 4 all failed, 75 another run was at work, 130 and 143 interrupted.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from reporting.cli.app import (
    ALL_FAILED,
    SOME_FAILED,
    AsJson,
    AsOf,
    Data,
    Names,
    OutFolder,
    Params,
    RecipeFile,
    Terminated,
    answered,
    assignments,
    complain,
    counted,
    near,
    report,
    say_absent,
    say_json,
    saying,
    sentence,
)
from reporting.cli.junit import check_place, write_junit
from reporting.errors import RefusedError, did_you_mean
from reporting.publishing.plan import Plan, Request, plan_reports
from reporting.recipe.advice import options_named
from reporting.recipe.dates import is_date
from reporting.recipe.file import RECIPE, Recipe, read_recipe
from reporting.recipe.own_data import read_data

if TYPE_CHECKING:
    from reporting.execution.jobs import Event, OnEvent
    from reporting.publishing.run import Run

Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="Reports that run at the same time.")]
Kernel = Annotated[str | None, typer.Option("--kernel", help="warm, plain, or auto: warm where that is possible.")]
Junit = Annotated[
    Path | None, typer.Option("--junit", metavar="FILE", help="Write what came of each page as JUnit XML too.")
]
Force = Annotated[bool, typer.Option("--force", help="Build what did not change too.")]


@dataclass(frozen=True)
class How:
    """How a run is done, apart from what it builds."""

    force: bool = False
    jobs: int | None = None
    kernel: str | None = None
    as_json: bool = False
    trigger: str = "run"
    junit: Path | None = None


@report.command()
def run(
    names: Names = None,
    recipe: RecipeFile = RECIPE,
    as_of: AsOf = None,
    params: Params = None,
    data: Data = None,
    out: OutFolder = None,
    force: Force = False,
    jobs: Jobs = None,
    kernel: Kernel = None,
    first: Annotated[
        str | None, typer.Option("--from", metavar="DATE", help="Run as on each day from this one on.")
    ] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last of these days, included.")] = None,
    due: Annotated[
        bool, typer.Option("--due", help="Only what has come due by its schedule since it was built.")
    ] = False,
    junit: Junit = None,
    as_json: AsJson = False,
) -> None:
    """Build reports that changed, and the index.

    Exit codes: 0 all built, 2 refused before anything ran, 3 some failed, 4 all failed, 75 another run is at work.
    """
    with answered():
        how = How(force, jobs, _kernel(kernel), as_json, junit=junit)
        request = Request(names=names or [], params=assignments(params, as_of), data=read_data(data))
        loaded = read_recipe(recipe, out)
        if first or last:
            if as_of or due:
                raise RefusedError("--from and --to say the days. Leave out --as-of and --due.")
            build(loaded, [replace(request, day=day) for day in _days(first, last)], replace(how, trigger="backfill"))
        else:
            build(loaded, [_due(loaded, request) if due else request], how)


@report.command()
def rerun(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run, or the beginning of its name; 'last' is one.")],
    names: Annotated[list[str] | None, typer.Argument(help="Reports or pages of this run; all if none.")] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only the reports that failed.")] = False,
    recipe: RecipeFile = RECIPE,
    out: OutFolder = None,
    jobs: Jobs = None,
    kernel: Kernel = None,
    junit: Junit = None,
    as_json: AsJson = False,
) -> None:
    """Build the reports of a run again, with the parameters they had."""
    from reporting.publishing.history import find_run

    with answered():
        loaded = read_recipe(recipe, out)
        manifest = find_run(loaded.out, run)
        known = {word for entry in manifest.pages for word in (entry.name, entry.report)}
        for name in names or []:
            if name not in known:
                hint = did_you_mean(name, known, "Its pages are")
                raise RefusedError(f"{manifest.run} has no page {name!r}. {hint}")
        chosen = [entry for entry in manifest.pages if not names or {entry.name, entry.report} & set(names)]
        entries = [entry for entry in chosen if entry.failed or not failed]
        if not entries:
            raise RefusedError(f"Nothing failed in {manifest.run}. Leave out --failed to build all of it again.")
        requests = [
            Request(
                names=[entry.name],
                values=entry.parameters,
                run=manifest.run,
                today=date.fromisoformat(entry.day),
                day=date.fromisoformat(entry.day) if entry.backfill else None,
            )
            for entry in entries
        ]
        build(loaded, requests, How(True, jobs, _kernel(kernel), as_json, "rerun", junit), together=True)


def demo(recipe: RecipeFile = RECIPE, as_json: AsJson = False) -> None:
    """Build all reports on the demo data."""
    with answered():
        loaded = read_recipe(recipe)  # first, so that no data are left where there is no project
        _make_demo_data(recipe)
        build(loaded, [Request()], How(as_json=as_json))


def build(recipe: Recipe, requests: Sequence[Request], how: How, *, together: bool = False) -> None:
    """Plan all that is asked for, then run it, one run a request or all in one, and say what came of it."""
    if how.junit:
        check_place(how.junit)
    from reporting.notices.runs import tell, tell_late

    problems = tell_late(recipe)
    for problem in problems:
        complain(problem)
    planned = [plan_reports(recipe, request) for request in requests]
    left_out = [report for _, reports in planned for report in reports]
    rounds = [plans for plans, _ in planned]
    say_absent(recipe, {plan.report.name for plans in rounds for plan in plans})
    if left_out:
        complain(f"Left out, for they read another table: {', '.join(report.name for report in left_out)}.")
    if not any(rounds) and requests and not requests[0].due:
        raise RefusedError("No report was chosen. Name one whose key 'data' is set, or use -p.")
    if together:
        rounds = [[plan for plans in rounds for plan in plans]]
    from reporting.publishing.run import UnshownError, run_reports

    runs: list[Run] = []
    with _knowing_what_ended(recipe):
        for plans in rounds:
            with _progress(plans) as watch:
                try:
                    runs.append(
                        run_reports(
                            recipe,
                            plans,
                            force=how.force,
                            workers=how.jobs,
                            kernel=how.kernel,
                            on_event=watch,
                            trigger=how.trigger,
                            tells=True,
                        )
                    )
                except (FileExistsError, NotADirectoryError) as error:
                    raise RefusedError(
                        f"{near(recipe.out)}: no folder can be made there: {error.strerror}. Name another with --out."
                    ) from None
                except OSError as error:
                    where = near(Path(error.filename)) if isinstance(error.filename, str) else near(recipe.out)
                    stands = "What was published before stands"
                    if isinstance(error, UnshownError):  # else nobody would be told, for the next run has no news of it
                        stands = f"What this run built is kept in {near(recipe.out / 'runs' / error.run.id)}, and "
                        stands += "the next run shows it"
                        for problem in tell(recipe, error.run):
                            complain(problem)
                    raise RefusedError(
                        f"{where} cannot be read or written ({error.strerror or error}). {stands}. "
                        "Make room or make it writable, or choose another with --out."
                    ) from error
        for problem in [problem for run in runs for problem in tell(recipe, run)]:
            complain(problem)
            problems.append(problem)
    if how.junit:
        with saying(f"--junit {how.junit}"):
            write_junit(how.junit, runs)
    results = _results(recipe, runs, how)
    with saying("Standard output"):
        _tell(recipe, runs, results, left_out, how, problems)
    failed = sum(row["status"] not in ("built", "unchanged") for row in results)
    if failed:
        raise typer.Exit(ALL_FAILED if failed == len(results) else SOME_FAILED)


@contextmanager
def _knowing_what_ended(recipe: Recipe) -> Iterator[None]:
    """If it is interrupted, say which runs stand: those that came to their end, whose hooks may be at work."""
    from reporting.publishing.folder import Folder

    folder = Folder(recipe.out)
    before = folder.run_ids()
    try:
        yield
    except (KeyboardInterrupt, Terminated) as end:
        ended = sorted(set(folder.run_ids()) - set(before))
        if not ended:
            raise
        raise type(end)(
            f"Before that {counted(len(ended), 'run')} ended and will be shown; what its hooks were not told, the next "
            "run tells. See metrics report list --runs."
        ) from None


def _results(recipe: Recipe, runs: Sequence["Run"], how: How) -> list[dict[str, Any]]:
    """What came of each page; of those that failed it is said why."""
    results: list[dict[str, Any]] = []
    for run in runs:
        for entry in run.entries:
            past = entry.backfill or how.trigger == "rerun"  # what readers see may be of a later day
            page = recipe.out / (f"runs/{entry.run}" if past else "latest") / entry.page
            result: dict[str, Any] = {"report": entry.name, "status": entry.status, "page": str(page)}
            if entry.backfill:
                result["day"] = entry.day
            if entry.failed:
                error = run.errors[entry.name]
                result |= {"notebook": str(error.notebook), "cell": error.cell, "cause": error.cause}
                result["message"] = str(error)
                options = options_named(entry.cause, entry.parameters, recipe.reports[entry.report].data)
                advice = f"Here that is {options}. " if options else ""
                complain(f"{entry.name} failed. {sentence(str(error))} {advice}See {near(page)}")
            else:
                result["seconds"] = entry.wall_seconds
            results.append(result)
    return results


def _tell(
    recipe: Recipe,
    runs: Sequence["Run"],
    results: Sequence[dict[str, Any]],
    left_out: Sequence[Any],
    how: How,
    hooks: Sequence[str],
) -> None:
    gone = [name for run in runs for name in run.gone]
    for name in gone:
        complain(
            f"{name} is no page any more, for its report's 'each' no longer has it. What it was stays in its runs."
        )
    index = recipe.out / "index.html"
    tally = {status: sum(row["status"] == status for row in results) for status in ("built", "unchanged")}
    if how.as_json:
        say_json(
            {
                "index": str(index),
                "runs": [run.id for run in runs if run.id],
                "reports": results,
                "left_out": [report.name for report in left_out],
                "gone": gone,
                "hooks": list(hooks),
            }
        )
    elif not results:
        typer.echo("Nothing is due.")
    else:
        for row in results:
            if row["status"] == "built":
                typer.echo(f"{near(Path(row['page']))}  {row['seconds']:.1f} s")
        same = f", {tally['unchanged']} unchanged" if tally["unchanged"] else ""
        typer.echo(f"{tally['built']} of {len(results)} built{same}. Open {near(index)}")
        pruned = sum(len(run.pruned) for run in runs)
        if pruned:
            typer.echo(f"{counted(pruned, 'old run')} removed, by the rule 'keep' of the recipe.")


def _kernel(name: str | None) -> str | None:
    if name not in (None, "auto", "warm", "plain"):
        raise RefusedError(f"--kernel {name}: there is no such kernel. Use warm, plain or auto.")
    return name


def _days(first: str | None, last: str | None) -> list[date]:
    if not first or not last:
        raise RefusedError("--from and --to go together. Give both.")
    for option, text in (("--from", first), ("--to", last)):
        if not is_date(text) or len(text) != 10:
            raise RefusedError(f"{option} is {text!r}, which is no date. Write it as 2026-07-01.")
    begin, end = date.fromisoformat(first), date.fromisoformat(last)
    if end < begin:
        raise RefusedError(f"--to {last} is before --from {first}. Swap them.")
    if (end - begin).days >= 3660:
        raise RefusedError(f"--from {first} --to {last} are more than ten years of days. Is the year right?")
    return [begin + timedelta(days=number) for number in range((end - begin).days + 1)]


def _due(recipe: Recipe, request: Request) -> Request:
    """The request, for those reports alone whose time has come since their pages were built or checked."""
    from reporting.publishing.history import due

    chosen = {report.name for report in recipe.choose(request.names)}
    names = [name for name in due(recipe, datetime.now(UTC)) if name in chosen]
    asked = [name for name in request.names if name.partition("/")[0] in names]
    return replace(request, names=asked or names, due=True)


def _make_demo_data(recipe: Path) -> None:
    """Make the demo data if they are not there, in a process of its own: this package knows no events."""
    folder = recipe.absolute().parent.parent / "data" / "demo"
    if folder.is_dir() and any(folder.iterdir()):
        return
    complain(f"Making the demo data in {near(folder)}")
    part = folder.with_name(f".demo.{os.getpid()}")
    part.mkdir(parents=True)
    try:
        command = [sys.executable, "-m", "metrics.samples.fieldnote", str(part)]
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode:
            cause = (made.stderr.strip().splitlines() or ["no message"])[-1]
            raise RefusedError(f"The demo data could not be made in {folder}: {cause}")
        os.replace(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


@contextmanager
def _progress(plans: Sequence[Plan]) -> Iterator["OnEvent | None"]:
    """One bar over all reports, on stderr, only for someone who watches."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[part]}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(plans), part="")
        shares: dict[str, float] = {}

        def watch(event: "Event") -> None:
            share = 1.0 if event.kind == "ended" else event.done / max(event.cells, 1) if event.cells else 0.0
            shares[event.job.name] = share
            done = sum(part == 1.0 for part in shares.values())
            bar.update(task, completed=sum(shares.values()), description=event.job.name, part=f"{done} of {len(plans)}")

        yield watch
