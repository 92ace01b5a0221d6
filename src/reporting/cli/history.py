"""Verbs about runs of the past: `show`, `diff`, `prune`, `index`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from reporting.cli.app import (
    AsJson,
    OutFolder,
    RecipeFile,
    answered,
    counted,
    near,
    opened,
    report,
    say_json,
    say_table,
    saying,
)
from reporting.errors import RefusedError
from reporting.recipe.file import RECIPE
from reporting.recipe.keys import Keep

RunName = Annotated[str, typer.Argument(metavar="RUN", help="A run, or the beginning of its name; 'last' is one.")]


@report.command()
def show(run: RunName = "last", recipe: RecipeFile = RECIPE, out: OutFolder = None, as_json: AsJson = False) -> None:
    """Show what a run did."""
    from reporting.publishing.history import find_run

    with answered():
        manifest = find_run(opened(recipe, out).out, run)
        if as_json:
            say_json(asdict(manifest))
            return
        typer.echo(f"{manifest.run}  {manifest.trigger}, ended {manifest.ended[:16].replace('T', ' ')} UTC")
        say_table(
            ["report", "status", "seconds", "MB", "key figure or cause"],
            [
                [
                    page.name,
                    page.status,
                    f"{page.wall_seconds:.1f}",
                    f"{page.peak_bytes / 1e6:.0f}" if page.peak_bytes else "-",
                    page.cause or " ".join((page.key_figure or {}).get(key, "") for key in ("number", "unit", "text")),
                ]
                for page in manifest.pages
            ],
        )


@report.command()
def diff(
    before: RunName,
    after: Annotated[str, typer.Argument(metavar="RUN", help="A later run.")] = "last",
    recipe: RecipeFile = RECIPE,
    out: OutFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say which inputs changed from one run to another, and what became of the key figures."""
    from reporting.publishing.history import difference, find_run

    with answered():
        folder = opened(recipe, out).out
        rows = difference(find_run(folder, before), find_run(folder, after))
        if as_json:
            say_json(rows)
            return
        table = []
        for row in rows:
            if "only_in" in row:
                table.append([row["report"], f"only in {row['only_in']}", "", ""])
                continue
            values = "; ".join(f"{name}: {old} → {new}" for name, (old, new) in row["parameters"].items())
            figure = " → ".join(dict.fromkeys(text or "-" for text in row["key_figure"]))
            table.append([row["report"], ", ".join(row["changed"]) or "nothing", figure, values])
        say_table(["report", "changed", "key figure", "parameters"], table)


@report.command()
def prune(
    keep_last: Annotated[int, typer.Option("--keep-last", min=0, help="Runs to keep, the last ones.")] = 0,
    keep_daily: Annotated[int, typer.Option("--keep-daily", min=0, help="Days of which to keep the last run.")] = 0,
    keep_monthly: Annotated[int, typer.Option("--keep-monthly", min=0, help="Months of which to do so.")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say which runs would go, and keep them.")] = False,
    recipe: RecipeFile = RECIPE,
    out: OutFolder = None,
    as_json: AsJson = False,
) -> None:
    """Remove old runs. The last run and what readers see are kept whatever the rule."""
    from reporting.publishing.folder import Folder
    from reporting.publishing.latest import is_current, publish
    from reporting.publishing.prune import prune as remove
    from reporting.publishing.states import load_states, states_to_change

    with answered():
        loaded = opened(recipe, out)
        keep = Keep(keep_last, keep_daily, keep_monthly)
        if keep == Keep():
            if loaded.keep is None:
                raise RefusedError("Nothing says what to keep. Give --keep-last 30, or a table 'keep' in the recipe.")
            keep = loaded.keep
        folder = Folder(loaded.out)
        if dry_run:
            gone = remove(folder, load_states(folder), keep, dry=True)
        else:
            with folder.locked():
                states = states_to_change(folder, loaded)
                gone = remove(folder, states, keep)
                if gone or not is_current(folder, loaded, states):
                    publish(folder, loaded, states)  # the page of runs names those that are kept
        with saying("Standard output"):
            if as_json:
                say_json({"removed": [] if dry_run else gone, "would_remove": gone if dry_run else []})
                return
            for run in gone:
                typer.echo(run)
            left = len(folder.run_ids()) - (len(gone) if dry_run else 0)
            typer.echo(f"{counted(len(gone), 'run')} {'would be ' if dry_run else ''}removed, {left:,} kept.")


@report.command()
def index(recipe: RecipeFile = RECIPE, out: OutFolder = None, as_json: AsJson = False) -> None:
    """Write the index anew from the manifests, and let `latest` show what they say."""
    from reporting.publishing.folder import Folder
    from reporting.publishing.latest import publish
    from reporting.publishing.states import read_states, save_states, states_to_change

    with answered():
        loaded = opened(recipe, out)
        folder = Folder(loaded.out)
        with folder.locked():
            states = states_to_change(folder, loaded, anew=True)
            publish(folder, loaded, states)
            save_states(folder, states)
        path: Path = folder.index
        rows = [{"report": row.name, "state": row.state} for row in read_states(loaded)]
        with saying("Standard output"):
            if as_json:
                say_json({"index": str(path), "reports": rows})
            else:
                typer.echo(near(path))
