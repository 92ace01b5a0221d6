"""Command line of reports: `metrics report …` and `metrics demo`.

Exit codes tell a scheduler what happened: 0 all built, 2 refused before anything ran,
3 some failed, 4 all failed. A failure is one line on stderr, never a traceback.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from reporting.errors import RefusedError, ReportError
from reporting.publishing.plan import Plan, Request, plan_reports
from reporting.publishing.states import read_states, write_index
from reporting.recipe.file import RECIPE, Recipe, read_recipe
from reporting.recipe.parameters import read_parameters

REFUSED, SOME_FAILED, ALL_FAILED = 2, 3, 4

RecipeFile = Annotated[Path, typer.Option("--recipe", help="TOML file that says what is built.")]
OutFolder = Annotated[
    Path | None, typer.Option("--out", help="Folder for pages and their index, in place of the recipe's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON on stdout.")]

report = typer.Typer(name="report", help="Build HTML reports from notebooks.", no_args_is_help=True)


@report.command()
def run(
    names: Annotated[list[str] | None, typer.Argument(help="Reports to build; all of the recipe by default.")] = None,
    recipe: RecipeFile = RECIPE,
    as_of: Annotated[str | None, typer.Option(help="First moment not observed, such as 2026-07-01.")] = None,
    params: Annotated[
        list[str] | None,
        typer.Option(
            "-p",
            "--param",
            metavar="NAME=VALUE",
            help="Set a parameter. A NAME that ends in _file takes a path relative to your folder.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Your own export, in place of the recipe's data; a path relative to your folder."),
    ] = None,
    out: OutFolder = None,
    as_json: AsJson = False,
) -> None:
    """Build reports and the index.

    Exit codes: 0 all built, 2 refused before anything ran, 3 some failed, 4 all failed.
    """
    with _refusals():
        request = Request(names=names or [], params=_assignments(params or [], as_of), data=data)
        _run(read_recipe(recipe, out), request, as_json)


@report.command("list")
def list_reports(recipe: RecipeFile = RECIPE, out: OutFolder = None, as_json: AsJson = False) -> None:
    """Show every report and its state."""
    with _refusals():
        rows = read_states(read_recipe(recipe, out))
    if as_json:
        _say_json([{"state": row.state, **asdict(row)} for row in rows])
        return
    _say_table(
        ["report", "group", "state", "as of", "last good run"],
        [
            [
                row.name,
                row.group,
                row.state,
                (row.good and row.good.as_of) or "-",
                f"{row.good.built:%Y-%m-%d %H:%M} UTC" if row.good else "-",
            ]
            for row in rows
        ],
    )


@report.command()
def params(
    notebook: Annotated[str, typer.Argument(help="A notebook file, or the name of a report.")],
    recipe: RecipeFile = RECIPE,
    as_json: AsJson = False,
) -> None:
    """Show the parameters of a notebook, without running it."""
    with _refusals():
        given: dict[str, Any] = {}
        if notebook.endswith(".ipynb"):
            path = Path(notebook)
        else:
            loaded = read_recipe(recipe)
            [chosen] = loaded.choose([notebook])
            path, given = chosen.notebook, loaded.params | chosen.params
        found = read_parameters(path)
        values = {name: p.checked(given[name]) if name in given else p.default for name, p in found.items()}
    if as_json:
        _say_json(
            [
                {
                    "name": p.name,
                    "type": p.declared,
                    "required": p.required,
                    "value": values[p.name],
                    "meaning": p.comment,
                }
                for p in found.values()
            ]
        )
        return
    _say_table(
        ["parameter", "type", "value", "meaning"],
        [[p.name, p.declared, "required" if p.required else repr(values[p.name]), p.comment] for p in found.values()],
    )


@report.command()
def check(recipe: RecipeFile = RECIPE, as_json: AsJson = False) -> None:
    """Check recipe, notebooks, parameters and data files; run nothing."""
    with _refusals():
        plans, _ = plan_reports(read_recipe(recipe))
    if as_json:
        _say_json({plan.report.name: dict(plan.values) for plan in plans})
    else:
        typer.echo(f"{recipe}: {len(plans)} {'report' if len(plans) == 1 else 'reports'}, nothing to mend.")


def demo(recipe: RecipeFile = RECIPE, as_json: AsJson = False) -> None:
    """Build all reports on the demo data."""
    with _refusals():
        loaded = read_recipe(recipe)  # first, so that no data are left where there is no project
        _make_demo_data(recipe)
        _run(loaded, Request(), as_json)


def _run(recipe: Recipe, request: Request, as_json: bool) -> None:
    plans, left_out = plan_reports(recipe, request)
    if left_out:
        _complain(f"Left out, for they read another table: {', '.join(report.name for report in left_out)}.")
    if not plans:
        raise RefusedError("No report was chosen. Name one whose key 'data' is set, or use -p.")
    _make_folder(recipe.out)
    from reporting.publishing.run import run_report

    results: list[dict[str, Any]] = []
    errors: list[ReportError] = []
    with _progress(plans) as (start, step):
        for plan in plans:
            start(plan)
            page = plan.report.out / f"{plan.report.name}.html"
            try:
                manifest = run_report(plan, progress=step)
            except ReportError as error:
                errors.append(error)
                error_page = page.with_suffix(".error.html")
                results.append(
                    {
                        "report": plan.report.name,
                        "status": "failed",
                        "page": str(error_page),
                        "notebook": str(error.notebook),
                        "cell": error.cell,
                        "cause": error.cause,
                        "message": str(error),
                    }
                )
            else:
                seconds = manifest.good.seconds if manifest.good else 0.0
                results.append({"report": plan.report.name, "status": "built", "page": str(page), "seconds": seconds})
    try:
        write_index(recipe)
    except OSError as error:
        raise RefusedError(
            f"{_near(recipe.out)} cannot be written ({error.strerror}). Make it writable, or choose another with --out."
        ) from error
    for plan, result in zip(plans, results, strict=True):
        if result["status"] == "failed":
            _complain(f"{plan.report.name} failed. {_sentence(result['message'])} See {_near(Path(result['page']))}")
        elif not as_json:
            typer.echo(f"{_near(Path(result['page']))}  {result['seconds']:.1f} s")
    index = recipe.out / "index.html"
    if as_json:
        _say_json({"index": str(index), "reports": results, "left_out": [report.name for report in left_out]})
    else:
        typer.echo(f"{len(plans) - len(errors)} of {len(plans)} built. Open {_near(index)}")
    if errors:
        raise typer.Exit(ALL_FAILED if len(errors) == len(plans) else SOME_FAILED)


def _assignments(params: list[str], as_of: str | None) -> dict[str, str]:
    values: dict[str, str] = {} if as_of is None else {"as_of": as_of}
    for text in params:
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier():
            raise RefusedError(f"-p {text}: this is no assignment. Write -p name=value.")
        if name in values:
            raise RefusedError(f"{name} is given twice. Keep one of them.")
        values[name] = value
    return values


def _make_folder(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RefusedError(
            f"{_near(out)}: no folder can be made there: {error.strerror}. Name another with --out."
        ) from None


def _make_demo_data(recipe: Path) -> None:
    """Make the demo data if they are not there, in a process of its own: this package knows no events."""
    folder = recipe.absolute().parent.parent / "data" / "demo"
    if folder.is_dir() and any(folder.iterdir()):
        return
    _complain(f"Making the demo data in {_near(folder)}")
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
def _refusals() -> Iterator[None]:
    try:
        yield
    except RefusedError as error:
        _complain(str(error))
        raise typer.Exit(REFUSED) from None


@contextmanager
def _progress(plans: list[Plan]) -> Iterator[tuple[Callable[[Plan], None], Callable[[int, int], None]]]:
    """One bar over all reports, on stderr, only for someone who watches."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[part]}"), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=len(plans), part="")
        started = -1

        def start(plan: Plan) -> None:
            nonlocal started
            started += 1
            bar.update(task, completed=started, description=plan.report.name, part=f"{started + 1} of {len(plans)}")

        def step(done: int, cells: int) -> None:
            bar.update(task, completed=started + done / max(cells, 1))

        yield start, step


def _say_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def _say_table(heads: list[str], rows: list[list[str]]) -> None:
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    for row in [heads, *rows]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else f"{text}."


def _complain(message: str) -> None:
    typer.echo(message, err=True)


def _near(path: Path) -> str:
    """Path as the user would type it."""
    near = os.path.relpath(path)
    return str(path) if near.startswith("..") else near
