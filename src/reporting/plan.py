"""What a command will run, with every value settled, before anything runs.

Values come, the later over the earlier, from the notebook, the recipe's defaults,
the recipe's report, and the command line.
"""

import glob
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reporting.errors import RefusedError, did_you_mean
from reporting.parameters import Parameter, read_parameters, settle
from reporting.recipe import Recipe, Report


@dataclass(frozen=True)
class Plan:
    """One report that may run: every parameter has a value of its type."""

    report: Report
    parameters: Mapping[str, Parameter]
    given: Mapping[str, Any]
    values: Mapping[str, Any]

    @property
    def data_files(self) -> dict[str, Path]:
        """Files that the parameters ending in ``_file`` name, absolute."""
        folder = self.report.notebook.parent
        return {name: folder / value for name, value in self.values.items() if name.endswith("_file") and value}


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
            plan = _plan(report, declared[report.name], recipe.params, request)
            plans.append(plan)
            problems += _absent_files(plan)
        except RefusedError as error:
            problems.append(str(error))
    if problems:
        raise RefusedError("\n".join(dict.fromkeys(problems)))
    return plans, left_out


def _plan(report: Report, parameters: dict[str, Parameter], shared: Mapping[str, Any], request: Request) -> Plan:
    given = {name: value for name, value in shared.items() if name in parameters}
    given |= report.params
    if request.data is not None:
        if report.data is None:
            raise RefusedError(f"report.{report.name} has no key 'data', so --data cannot feed it. Add one, or use -p.")
        given[report.data] = os.path.relpath(request.data.absolute(), report.notebook.parent)
    problems = []
    for name, text in request.params.items():
        if name in parameters:
            try:
                given[name] = parameters[name].from_text(text)
            except RefusedError as error:
                problems.append(f"{report.notebook.name}: {error}")
    if problems:
        raise RefusedError("\n".join(problems))
    values = settle(report.notebook, parameters, given)
    return Plan(report, parameters, {name: values[name] for name in given}, values)


def _absent_files(plan: Plan) -> Iterable[str]:
    for name, path in plan.data_files.items():
        if not glob.glob(str(path)):
            yield (
                f"{plan.report.notebook.name}: {name} is {plan.values[name]!r}, and nothing is there. "
                f"Give a path relative to {plan.report.notebook.parent}."
            )
