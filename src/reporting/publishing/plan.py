"""What a command would run, with every value settled, before anything runs.

Values come, the later over the earlier, from the notebook, the recipe's defaults, the
recipe's report, its `each`, and the command line.
"""

import os
import re
import shlex
import string
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from reporting.errors import RefusedError, did_you_mean
from reporting.publishing.digests import matches
from reporting.recipe.choices import Choice, choices, slug_of
from reporting.recipe.dates import is_relative, today_in
from reporting.recipe.file import RECIPE, Recipe, Report
from reporting.recipe.own_data import MAIN, check_data, fed, is_fed, said
from reporting.recipe.parameters import Parameter, read_parameters, settle
from reporting.recipe.secrets import NONE, Secrets, secret


@dataclass(frozen=True)
class Plan:
    """One page that may be built: every parameter has a value of its type."""

    name: str  # of the page: that of its report, or ``report/slug``
    report: Report
    title: str | None
    parameters: Mapping[str, Parameter]
    given: Mapping[str, Any]
    values: Mapping[str, Any]
    command: str  # builds this one page again, from the user's folder
    typed: Mapping[str, str]  # data files of the command line, as the user named them
    day: date
    backfill: bool = False
    secrets: Secrets = NONE
    whole: bool = False  # all pages that its report has today are planned with it
    absent: str = ""  # why it can only fail: its notebook is not there, or no longer what was planned

    @property
    def data_files(self) -> dict[str, Path]:
        """Files that the parameters ending in ``_file`` name, absolute."""
        folder = self.report.notebook.parent
        return {name: folder / value for name, value in self.values.items() if name.endswith("_file") and value}

    @property
    def data_names(self) -> list[str]:
        """Names of these files, without the folders they lie in."""
        paths = [*self.data_files.values(), *map(Path, self.report.sources)]
        return list(dict.fromkeys(os.path.basename(os.path.abspath(path)) for path in paths))

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
    data: Mapping[str, Path] = field(default_factory=dict)  # tables of the user's own, by parameter
    day: date | None = None  # of a backfill: the run is as it would have been on that day
    today: date | None = None
    values: Mapping[str, Any] = field(default_factory=dict)  # of an earlier run, over those of the recipe
    run: str = ""  # this earlier run
    due: bool = False  # only `names`, even if there are none
    strict: bool = False  # a report whose notebook is not there is refused even if nobody named it


def plan_reports(recipe: Recipe, request: Request | None = None) -> tuple[list[Plan], list[Report]]:
    """Settle what will run.

    Returns
    -------
    plans, left_out
        One plan a page, in the order of the recipe; and the reports that a data file
        of the user's own cannot feed, because they read another kind of table. A report whose
        notebook is not there has one plan, which will fail and leave the others alone.

    Raises
    ------
    RefusedError
        Anything is unknown, missing, ill-typed or not there; a notebook, if its report was named.
        All problems, one a line.
    """
    request = request or Request()
    named = request.strict or bool(request.names and not (request.due or request.run))
    absences = recipe.absences()
    chosen = recipe.choose(request.names) if request.names or not request.due else []
    left_out: list[Report] = []
    declared: dict[str, dict[str, Parameter]] = {}
    problems: list[str] = []
    for report in chosen:
        if report.name in absences:
            declared[report.name] = {}
            problems += [absences[report.name]] * named
            continue
        try:
            declared[report.name] = read_parameters(report.notebook, report.rules)
        except RefusedError as error:
            problems.append(str(error))
    if problems:
        raise RefusedError("\n".join(problems))

    known = {name for parameters in declared.values() for name in parameters}
    problems = check_data(request.data, sorted(known))
    if problems:
        raise RefusedError("\n".join(problems))
    if request.data and not request.names:
        left_out = [report for report in chosen if not is_fed(report, request.data)]
        chosen = [report for report in chosen if is_fed(report, request.data)]
        known = {name for report in chosen for name in declared[report.name]}
    problems += [
        f"No chosen report has a parameter {name!r}. {did_you_mean(name, known, 'Their parameters are')}"
        for name in request.params
        if name not in known
    ]
    plans: list[Plan] = []
    for report in chosen:
        if report.name in absences:
            plans += _absent(report, recipe, request)
            continue
        try:
            given = _given(report, declared[report.name], recipe, request)
            found, whole = _chosen(report, declared[report.name], recipe, request, given)
            # a table of one's own says nothing of the recipe's pages
            whole &= not (given.typed and recipe.elsewhere is None) and request.day is None and not request.run
            for choice in found:
                plan = _plan(report, choice, declared[report.name], recipe, request, given)
                plans.append(replace(plan, whole=whole))
                problems += _absent_files(plan)
        except RefusedError as error:
            problems.append(str(error))
    if problems:
        raise RefusedError("\n".join(dict.fromkeys(line for problem in problems for line in problem.splitlines())))
    return plans, left_out


def _absent(report: Report, recipe: Recipe, request: Request) -> Iterable[Plan]:
    """Plans of a report whose notebook is not there: of the pages that an earlier run names, else one for all."""
    pages = [name for name in request.names if request.run and name.partition("/")[0] == report.name]
    for name in pages or [report.name]:
        yield Plan(
            name=name,
            report=report,
            title=None if report.title is None or "{" in report.title else report.title,
            parameters={},
            given={},
            values={},
            command=_command(name, {*request.params, *request.data}, recipe, request),
            typed={},
            day=request.day or request.today or today_in(recipe.timezone),
            backfill=request.day is not None,
            absent=f"there is no {recipe.absent()[report.name]!r}. Correct report.{report.name}.notebook in "
            f"{recipe.path.name}; its path is relative to the recipe.",
        )


@dataclass(frozen=True)
class _Given:
    """What is given to all pages of a report."""

    below: Mapping[str, Any]  # its `each`: by the recipe, and by an earlier run
    above: Mapping[str, Any]  # it: by the command line
    typed: Mapping[str, str]  # data files of the command line, as the user named them


def _given(report: Report, parameters: Mapping[str, Parameter], recipe: Recipe, request: Request) -> _Given:
    below = {key: value for key, value in recipe.params.items() if key in parameters}
    below |= report.params
    if request.data:
        below |= {
            name: parameters[name].from_text(value) if isinstance(value, str) else value  # "" is none, as with -p
            for name, value in report.with_data.items()
            if name in parameters
        }
    below |= {key: value for key, value in request.values.items() if key in parameters}
    above: dict[str, Any] = {}
    typed: dict[str, str] = {}
    problems = [
        f"report.{report.name}.with_data: {report.notebook.name} has no parameter {name!r}. "
        f"{did_you_mean(name, parameters, 'Its parameters are')}"
        for name in report.with_data
        if name not in parameters
    ]
    for key, text in {**fed(report, parameters, request.data), **request.params}.items():
        if key in parameters:
            try:
                above[key] = parameters[key].from_text(text)
            except RefusedError as error:
                problems.append(f"{report.notebook.name}: {error}")
            if key.endswith("_file") and text:
                typed[key] = str(Path(text))
                above[key] = os.path.relpath(os.path.abspath(text), report.notebook.parent)
    if problems:
        raise RefusedError("\n".join(problems))
    return _Given(below, above, typed)


def _chosen(
    report: Report, parameters: Mapping[str, Parameter], recipe: Recipe, request: Request, given: _Given
) -> tuple[list[tuple[Choice, dict[str, Any]]], bool]:
    """Pages of a report that are asked for, each with the values that make it; and whether these are all it has."""
    found: list[tuple[Choice, dict[str, Any]]] = []
    defaults = {name: parameter.default for name, parameter in parameters.items()}
    files = {name: path for name, path in {**defaults, **given.below, **given.above}.items() if name.endswith("_file")}
    for choice in choices(report, recipe.folder, files):
        values = {}
        for name, value in choice.values.items():
            if name not in parameters:
                hint = did_you_mean(name, parameters, "Its parameters are")
                raise RefusedError(
                    f"report.{report.name}.each: {report.notebook.name} has no parameter {name!r}. {hint}"
                )
            known = parameters[name]
            values[name] = known.from_text(value) if isinstance(value, str) else known.checked(value)
        found.append((choice, values))
    slugs = [name.partition("/")[2] for name in request.names if name.partition("/")[0] == report.name and "/" in name]
    known_slugs = [choice.slug for choice, _ in found]
    for slug in slugs:
        if slug not in known_slugs:
            raise RefusedError(
                f"{report.name} has no page {slug!r}. "
                + (did_you_mean(slug, known_slugs, "Its pages are") if report.each else "It is one page.")
            )
    if slugs and report.name not in request.names:
        found = [(choice, values) for choice, values in found if choice.slug in slugs]
    for name, text in request.params.items():  # a value of `each` chooses among its pages
        if name in report.each or ("" in report.each and found and name in found[0][1]):
            wanted = parameters[name].from_text(text)
            there = [str(values[name]) for _, values in found]
            found = [(choice, values) for choice, values in found if values[name] == wanted]
            if not found and request.data and list(report.each) == [name] and isinstance(report.each[name], list):
                found = [(Choice(slug_of(wanted), {name: wanted}), {name: wanted})]  # the list is of the recipe's data
            if not found:
                hint = did_you_mean(text, there, "They are")
                raise RefusedError(f"{report.name} has no page for {name} {text!r}. {hint}")
    return found, [choice.slug for choice, _ in found] == known_slugs


def _plan(
    report: Report,
    choice: tuple[Choice, dict[str, Any]],
    parameters: dict[str, Parameter],
    recipe: Recipe,
    request: Request,
    to_all: _Given,
) -> Plan:
    name = f"{report.name}/{choice[0].slug}" if choice[0].slug else report.name
    given = {**to_all.below, **to_all.above, **choice[1]}
    typed = to_all.typed
    day = request.day or request.today or today_in(_zone(parameters, given, recipe))
    as_of = parameters.get("as_of")
    if request.day is not None and as_of and not request.values and not is_relative(given.get("as_of", as_of.default)):
        given["as_of"] = request.day.isoformat()
    values = settle(report.notebook, parameters, given, day)
    if typed and "as_of" not in request.params and values.get("as_of") and request.day is None:
        key, path = next(iter(typed.items()))
        option = f"--data {path}" if request.data else f"-p {key}={path}"
        raise RefusedError(
            f"{option} comes without --as-of, and {values['as_of']} is the as_of of the recipe's own data. "
            "Give --as-of, the first moment not observed, such as the day after the export."
        )
    given = _told(parameters, given, values)
    return Plan(
        name=name,
        report=report,
        title=_title(report, values),
        parameters=parameters,
        given=given,
        values=values,
        command=_command(name, parameters, recipe, request),
        typed=typed,
        day=day,
        backfill=request.day is not None,
        secrets=_secrets(report, parameters, values),
    )


def plan_anew(plan: Plan) -> Plan:
    """The same page of a notebook that changed since, by its defaults of now; one that no longer fits can only fail."""
    report = plan.report
    try:
        parameters = read_parameters(report.notebook, report.rules)
        values = settle(report.notebook, parameters, plan.given, plan.day)
        given = _told(parameters, plan.given, values)
        secrets, title = _secrets(report, parameters, values), _title(report, values)
    except RefusedError as error:
        return replace(plan, absent=f"it changed while the run was at work. {error}")
    return replace(plan, parameters=parameters, given=given, values=values, secrets=secrets, title=title)


def _told(parameters: Mapping[str, Parameter], given: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """What the notebook must be told: what is given, and what the recipe's rules set, which it does not know."""
    ruled = [key for key, known in parameters.items() if known.rule.default is not None or known.is_secret]
    return {key: values[key] for key in dict.fromkeys([*given, *ruled])}


def _zone(parameters: Mapping[str, Parameter], given: Mapping[str, Any], recipe: Recipe) -> str | None:
    """Zone in which the day of the run begins: that of the report, else of the recipe."""
    zone = given.get("tz", parameters["tz"].default if "tz" in parameters else None)
    try:
        today_in(zone)
    except (ValueError, OSError, LookupError, TypeError):
        zone = None
    return zone or recipe.timezone


def _title(report: Report, values: Mapping[str, Any]) -> str | None:
    if report.title is None or "{" not in report.title:
        return report.title
    parts = []
    try:
        for text, name, form, conversion in string.Formatter().parse(report.title):
            parts.append(text)
            if name is None:
                continue
            if name not in values or form or conversion:
                raise RefusedError(
                    f"report.{report.name}.title: {{{name}}} is no parameter. "
                    f"{did_you_mean(name, values, 'Its parameters are')}"
                )
            parts.append(str(values[name]))
    except ValueError as error:
        raise RefusedError(f"report.{report.name}.title {report.title!r}: {error}.") from None
    return "".join(parts)


def _secrets(report: Report, parameters: Mapping[str, Parameter], values: Mapping[str, Any]) -> Secrets:
    found = {}
    for name, parameter in parameters.items():
        if parameter.is_secret:
            try:
                found[name] = secret(values[name])
            except RefusedError as error:
                raise RefusedError(f"{report.notebook.name}: {name}: {error}") from None
    try:
        return Secrets(found) if found else NONE
    except RefusedError as error:
        raise RefusedError(f"{report.notebook.name}: {error}") from None


def _command(name: str, parameters: Collection[str], recipe: Recipe, request: Request) -> str:
    """What was typed, for this page alone."""
    words = ["metrics", "report", *(["rerun", request.run] if request.run else ["run"]), name]
    if recipe.path != RECIPE:
        words += ["--recipe", str(recipe.path)]
    for key, path in request.data.items():
        if key in parameters or key == MAIN:
            words += ["--data", said(key, path)]
    for key, text in request.params.items():
        if key in parameters:
            words += ["--as-of", text] if key == "as_of" else ["-p", f"{key}={text}"]
    if request.day is not None and not request.run:
        words += ["--from", request.day.isoformat(), "--to", request.day.isoformat()]
    if recipe.elsewhere is not None:
        words += ["--out", str(recipe.elsewhere)]
    return shlex.join(words)


def _absent_files(plan: Plan) -> Iterable[str]:
    for name, path in plan.data_files.items():
        said, folder = plan.values[name], plan.report.notebook.parent
        if name in plan.typed:
            said, folder = plan.typed[name], Path.cwd()
        if problem := _problem(path):
            yield (
                f"{plan.report.notebook.name}: {name} is {said!r}, and {problem} there. "
                f"Give a path relative to {folder}."
            )
    for source in plan.report.sources:
        if problem := _problem(Path(source)):
            yield f"report.{plan.report.name}.data: {problem} at {source!r}. The path is relative to the recipe."


def _problem(path: Path) -> str:
    """Why a path names no data; empty if it does."""
    found = [match for match in matches(path) if match.exists()]
    if not found:
        return "nothing is"
    if not all(match.is_file() or match.is_dir() for match in found):
        return "neither a file nor a folder is"  # a pipe never ends, and cannot be read twice
    return "" if all(os.access(match, os.R_OK) for match in found) else "nothing that you may read is"
