"""What a command will run, with every value settled, before anything runs.

Values come, the later over the earlier, from the notebook, the recipe's defaults,
the recipe's report, and the command line.
"""

import glob
import os
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reporting.errors import RefusedError, did_you_mean
from reporting.recipe.file import RECIPE, Recipe, Report
from reporting.recipe.parameters import Parameter, read_parameters, settle


@dataclass(frozen=True)
class Plan:
    """One report that may run: every parameter has a value of its type."""

    report: Report
    parameters: Mapping[str, Parameter]
    given: Mapping[str, Any]
    values: Mapping[str, Any]
    command: str  # builds this one report again, from the user's folder
    typed: Mapping[str, str]  # data files of the command line, as the user named them

    @property
    def data_files(self) -> dict[str, Path]:
        """Files that the parameters ending in ``_file`` name, absolute."""
        folder = self.report.notebook.parent
        return {name: folder / value for name, value in self.values.items() if name.endswith("_file") and value}

    @property
    def data_names(self) -> list[str]:
        """Names of these files, without the folders they lie in."""
        return list(dict.fromkeys(os.path.basename(os.path.abspath(path)) for path in self.data_files.values()))

    def as_typed(self, text: str) -> str:
        """A message of the notebook, which runs in its own folder, with its paths as the user knows them."""
        near = {}
        for name, path in self.data_files.items():
            inside = self.values[name]
            outside = self.typed.get(name) or (inside if os.path.isabs(inside) else os.path.relpath(path))
            folder, file = os.path.split(inside)
            if folder and outside.endswith(file):  # then what lies beside it, or matches its pattern, is named so too
                inside, outside = inside.removesuffix(file), outside.removesuffix(file)
            if re.search(r"\W", inside):  # a lone word would be found in any sentence
                near[inside] = outside
        paths = "|".join(re.escape(path) for path in sorted(near, key=len, reverse=True))
        return re.sub(rf"(?<![\w./-])(?:{paths})", lambda match: near[match[0]], text) if near else text


@dataclass(frozen=True)
class Request:
    """What the command line asked for."""

    names: list[str] = field(default_factory=list)
    params: Mapping[str, str] = field(default_factory=dict)
    data: Path | None = None


def plan_reports(recipe: Recipe, request: Request | None = None) -> tuple[list[Plan], list[Report]]:
    """Settle what will run.

    Returns
    -------
    plans, left_out
        One plan a report, in the order of the recipe; and the reports that a data file
        of the user's own cannot feed, because they read another kind of table.

    Raises
    ------
    RefusedError
        Anything is unknown, missing, ill-typed or not there. All problems, one a line.
    """
    request = request or Request()
    chosen = recipe.choose(request.names)
    left_out: list[Report] = []
    if request.data is not None:
        if not request.data.exists():
            raise RefusedError(f"--data {request.data}: no such file. Is the path right?")
        if not request.names:
            left_out = [report for report in chosen if report.data != "events_file"]
            chosen = [report for report in chosen if report.data == "events_file"]

    problems: list[str] = []
    declared: dict[str, dict[str, Parameter]] = {}
    for report in chosen:
        try:
            declared[report.name] = read_parameters(report.notebook)
        except RefusedError as error:
            problems.append(str(error))
    if problems:
        raise RefusedError("\n".join(problems))

    known = {name for parameters in declared.values() for name in parameters}
    problems += [
        f"No chosen report has a parameter {name!r}. {did_you_mean(name, known, 'Their parameters are')}"
        for name in request.params
        if name not in known
    ]
    plans = []
    for report in chosen:
        try:
            plan = _plan(report, declared[report.name], recipe, request)
            plans.append(plan)
            problems += _absent_files(plan)
        except RefusedError as error:
            problems.append(str(error))
    if problems:
        raise RefusedError("\n".join(dict.fromkeys(problems)))
    return plans, left_out


def _plan(report: Report, parameters: dict[str, Parameter], recipe: Recipe, request: Request) -> Plan:
    if report.notebook == report.out / f"{report.name}.ipynb":
        raise RefusedError(
            f"{report.notebook}: the notebook as it ran would take its place. "
            "Write pages to another folder, with 'out' in the recipe or with --out."
        )
    given = {name: value for name, value in recipe.params.items() if name in parameters}
    given |= report.params
    typed: dict[str, str] = {}
    if request.data is not None:
        if report.data is None:
            raise RefusedError(f"report.{report.name} has no key 'data', so --data cannot feed it. Add one, or use -p.")
        typed[report.data] = str(request.data)
    problems = []
    for name, text in request.params.items():
        if name in parameters:
            try:
                given[name] = parameters[name].from_text(text)
            except RefusedError as error:
                problems.append(f"{report.notebook.name}: {error}")
            if name.endswith("_file") and text:
                typed[name] = str(Path(text))
    if problems:
        raise RefusedError("\n".join(problems))
    for name, path in typed.items():
        given[name] = os.path.relpath(os.path.abspath(path), report.notebook.parent)
    values = settle(report.notebook, parameters, given)
    if typed and "as_of" not in request.params and values.get("as_of"):
        name, path = next(iter(typed.items()))
        option = f"--data {path}" if request.data is not None else f"-p {name}={path}"
        raise RefusedError(
            f"{option} comes without --as-of, and {values['as_of']} is the as_of of the recipe's own data. "
            "Give --as-of, the first moment not observed, such as the day after the export."
        )
    given = {name: values[name] for name in given}
    return Plan(report, parameters, given, values, _command(report, parameters, recipe, request), typed)


def _command(report: Report, parameters: Mapping[str, Parameter], recipe: Recipe, request: Request) -> str:
    """What was typed, for this report alone."""
    words = ["metrics", "report", "run", report.name]
    if recipe.path != RECIPE:
        words += ["--recipe", str(recipe.path)]
    if request.data is not None:
        words += ["--data", str(request.data)]
    for name, text in request.params.items():
        if name in parameters:
            words += ["--as-of", text] if name == "as_of" else ["-p", f"{name}={text}"]
    if recipe.elsewhere is not None:
        words += ["--out", str(recipe.elsewhere)]
    return shlex.join(words)


def _absent_files(plan: Plan) -> Iterable[str]:
    for name, path in plan.data_files.items():
        if not glob.glob(str(path)):
            said, folder = plan.values[name], plan.report.notebook.parent
            if name in plan.typed:
                said, folder = plan.typed[name], Path.cwd()
            yield (
                f"{plan.report.notebook.name}: {name} is {said!r}, and nothing is there. "
                f"Give a path relative to {folder}."
            )
