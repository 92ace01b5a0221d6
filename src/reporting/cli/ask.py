"""Verbs that answer and change nothing: `check`, `params`, `plan`, `list`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from reporting.cli.app import (
    AsJson,
    AsOf,
    Data,
    Names,
    OutFolder,
    Params,
    RecipeFile,
    answered,
    assignments,
    counted,
    opened,
    report,
    say_absent,
    say_json,
    say_table,
)
from reporting.errors import RefusedError
from reporting.publishing.plan import Request, plan_reports
from reporting.recipe.file import RECIPE, read_recipe
from reporting.recipe.own_data import read_data
from reporting.recipe.parameters import as_plain, read_parameters


@report.command()
def check(
    names: Names = None,
    recipe: RecipeFile = RECIPE,
    as_of: AsOf = None,
    params: Params = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Check recipe, notebooks, parameters and data files; run nothing."""
    with answered():
        request = Request(names=names or [], params=assignments(params, as_of), data=read_data(data), strict=not names)
        loaded = read_recipe(recipe)
        plans, _ = plan_reports(loaded, request)
        say_absent(loaded)
        if as_json:
            say_json({plan.name: {name: as_plain(value) for name, value in plan.values.items()} for plan in plans})
        else:
            typer.echo(f"{recipe}: {counted(len(plans), 'report')}, nothing to mend.")


@report.command()
def params(
    notebook: Annotated[str, typer.Argument(help="A notebook file, or the name of a report.")],
    recipe: RecipeFile = RECIPE,
    as_json: AsJson = False,
) -> None:
    """Show the parameters of a notebook, without running it."""
    with answered():
        given: dict[str, Any] = {}
        if notebook.endswith(".ipynb"):
            found = read_parameters(Path(notebook))
        else:
            loaded = read_recipe(recipe)
            [chosen] = loaded.choose([notebook])
            if chosen.name in loaded.absences():
                raise RefusedError(loaded.absences()[chosen.name])
            found, given = read_parameters(chosen.notebook, chosen.rules), loaded.params | chosen.params
        values = {name: p.checked(given[name]) if name in given else p.default for name, p in found.items()}
        rows = [
            {
                "name": p.name,
                "type": p.declared,
                "required": p.required and p.name not in given,
                "value": as_plain(values[p.name]),
                "meaning": p.comment,
            }
            for p in found.values()
        ]
        if as_json:
            for row, p in zip(rows, found.values(), strict=True):
                rule = p.rule
                limits = {"pattern": rule.pattern, "min": rule.min, "max": rule.max, "choices": list(rule.choices)}
                row |= {name: as_plain(limit) for name, limit in limits.items() if limit not in (None, [])}
            say_json(rows)
            return
        say_table(
            ["parameter", "type", "value", "meaning"],
            [
                [
                    str(row["name"]),
                    str(row["type"]),
                    "required" if row["required"] else repr(row["value"]),
                    str(row["meaning"]),
                ]
                for row in rows
            ],
        )


@report.command()
def plan(
    names: Names = None,
    recipe: RecipeFile = RECIPE,
    as_of: AsOf = None,
    params: Params = None,
    data: Data = None,
    out: OutFolder = None,
    as_json: AsJson = False,
) -> None:
    """Say what a run would build and why, and build nothing."""
    from reporting.publishing.decide import decide
    from reporting.publishing.digests import Digests
    from reporting.publishing.folder import Folder
    from reporting.publishing.states import states_to_change

    with answered():
        loaded = opened(recipe, out)
        request = Request(names=names or [], params=assignments(params, as_of), data=read_data(data))
        plans, left_out = plan_reports(loaded, request)
        folder = Folder(loaded.out)
        decisions = decide(loaded, plans, states_to_change(folder, loaded), Digests(folder.cache / "digests.json"))
        if as_json:
            rows = [
                {
                    "report": d.plan.name,
                    "build": d.build,
                    "why": d.why,
                    "changed": list(d.changed),
                    "same_as": d.same_as or None,
                    "inputs": d.inputs,
                }
                for d in decisions
            ]
            say_json({"reports": rows, "left_out": [report.name for report in left_out]})
            return
        say_table(
            ["report", "would be", "because"],
            [
                [
                    d.plan.name,
                    "failed" if d.plan.absent else "built" if d.build else "left",
                    d.why or "nothing changed",
                ]
                for d in decisions
            ],
        )


@report.command("list")
def list_reports(
    recipe: RecipeFile = RECIPE,
    out: OutFolder = None,
    runs: Annotated[bool, typer.Option("--runs", help="The runs of the past, the last one first.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show every report and its state."""
    from dataclasses import asdict

    from reporting.publishing.history import list_runs
    from reporting.publishing.states import read_states

    with answered():
        loaded = opened(recipe, out)
        if runs:
            found = list_runs(loaded.out)
            if as_json:
                say_json(found)
            else:
                say_table(
                    ["run", "why", "built", "failed", "unchanged"],
                    [[str(row[key]) for key in ("run", "trigger", "built", "failed", "unchanged")] for row in found],
                )
            return
        rows = read_states(loaded)
        if as_json:
            say_json([{"state": row.state, **asdict(row)} for row in rows])
            return
        say_table(
            ["report", "group", "state", "as of", "last good run"],
            [
                [
                    row.name,
                    row.group,
                    row.label,
                    (row.good and row.good.as_of) or "-",
                    f"{row.good.built:%Y-%m-%d %H:%M} UTC" if row.good else "-",
                ]
                for row in rows
            ],
        )
