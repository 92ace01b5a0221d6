"""Parameters of a notebook: their names, types and defaults, read without running it.

The cell tagged ``parameters`` is read as syntax, one parameter a line:

    as_of: str = "2026-07-01"  # first moment not observed
    window: str = "14 days"    # time allowed to finish

A misspelt or ill-typed value would otherwise run to its end and give a wrong report
that looks right.
"""

import ast
import io
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from reporting.errors import RefusedError, did_you_mean
from reporting.recipe.dates import is_relative, resolved
from reporting.recipe.notebook import read_cells
from reporting.recipe.rules import NO_RULE, Rule, merged
from reporting.recipe.secrets import check_reference
from reporting.recipe.types import ALL, Type, read_type

DATES = ("as_of", "since", "until")  # texts that must be a date, whatever the notebook


@dataclass(frozen=True)
class Parameter:
    """One parameter as the notebook declares it and the recipe narrows it."""

    name: str
    type: Type
    required: bool
    default: Any
    comment: str
    rule: Rule = NO_RULE

    @property
    def declared(self) -> str:
        """Its type as written: ``str``, ``list[str]``, ``int | None``."""
        return str(self.type)

    @property
    def is_secret(self) -> bool:
        """Whether its value is only where to find the value."""
        return self.type.kind == "secret"

    def from_text(self, text: str) -> Any:
        """Value of a text from the command line, by the declared type.

        Raises
        ------
        RefusedError
            The text is no value of this type, or breaks its rule.
        """
        if self.is_secret:
            return check_reference(self.name, text)
        try:
            return self._ruled(self.type.from_text(text))
        except ValueError as error:
            raise self._refusal(text, error) from None

    def checked(self, value: Any) -> Any:
        """The same value, as the notebook will get it; a TOML date becomes its text.

        Raises
        ------
        RefusedError
            The value is not of the declared type, or breaks its rule.
        """
        if self.is_secret:
            return check_reference(self.name, value)
        try:
            return self._ruled(self.type.checked(value))
        except ValueError as error:
            raise self._refusal(value, error) from None

    def on(self, value: Any, today: date) -> Any:
        """The same value on the day of the run: what is counted from today becomes a date.

        Raises
        ------
        RefusedError
            The date breaks the rule of the parameter.
        """
        kind = self.type.item if self.type.item else self.type
        if kind.kind not in ("date", "datetime") or not value:
            return value
        try:
            if isinstance(value, list):
                return self.checked([resolved(part, today) if isinstance(part, str) else part for part in value])
            return self.checked(resolved(value, today)) if isinstance(value, str) else value
        except ValueError as error:
            raise error if isinstance(error, RefusedError) else RefusedError(f"{self.name}: {error}.") from None

    def ruled_by(self, rule: Rule) -> "Parameter":
        """This parameter with what a recipe says about it.

        Raises
        ------
        RefusedError
            Notebook and recipe contradict each other.
        """
        try:
            kind = merged(self.type, rule)
        except RefusedError as error:
            raise RefusedError(f"params.{self.name}.{error}") from None
        ruled = replace(self, type=kind, rule=rule, comment=rule.meaning or self.comment)
        default = rule.reference if kind.kind == "secret" else rule.default
        if kind.kind == "secret":
            if self.default not in (None, ""):
                check_reference(self.name, self.default)  # a secret that is written into a notebook is none
            default = default or self.default
            if not default:
                return replace(ruled, required=True, default=None)
        if default is None:
            return ruled
        return replace(ruled, required=False, default=ruled.checked(default))

    def _ruled(self, value: Any) -> Any:
        for part in value if isinstance(value, list) else [value]:
            if part is not None:
                self._check(part)
        return value

    def _check(self, value: Any) -> None:
        rule = self.rule
        kind = self.type.item if self.type.kind == "list" and self.type.item else self.type
        if rule.pattern is not None and re.fullmatch(rule.pattern, value) is None:
            raise _Broken(f"but it must match the pattern {rule.pattern!r}")
        if rule.choices and value not in [kind.checked(choice) for choice in rule.choices]:
            names = [str(choice) for choice in rule.choices]
            raise _Broken(f"which is none of its choices. {did_you_mean(str(value), names, 'They are')}".rstrip("."))
        if kind.kind in ("date", "datetime") and is_relative(value):
            return  # counted from today: it is measured on the day
        if rule.min is not None and _measure(value) < _measure(kind.checked(rule.min)):
            raise _Broken(f"but the least is {rule.min}")
        if rule.max is not None and _measure(value) > _measure(kind.checked(rule.max)):
            raise _Broken(f"but the most is {rule.max}")

    def _refusal(self, value: object, error: ValueError) -> RefusedError:
        if isinstance(error, _Broken):
            end = "" if str(error).endswith("?") else "."
            return RefusedError(f"{self.name} is {value!r}, {error}{end}")
        if self.type.kind == "date":
            nothing = ", or leave it empty" if self.type.optional else ""
            return RefusedError(f"{self.name} is {value!r}, which is no date. Write it as 2026-07-01{nothing}.")
        near = self.type.choice_hint(value)
        if near.startswith("Did"):
            return RefusedError(f"{self.name} is {value!r}, but it is declared {self.declared}. {near}")
        return RefusedError(f"{self.name} is {value!r}, but it is declared {self.declared}. Give {self.type.hint}.")


class _Broken(ValueError):
    """A value of the right type that breaks a rule."""


def read_parameters(notebook: Path, rules: Mapping[str, Rule] | None = None) -> dict[str, Parameter]:
    """Parameters of a notebook, in the order of its ``parameters`` cell.

    Parameters
    ----------
    notebook
        A notebook file.
    rules
        What a recipe says about them, by name.

    Raises
    ------
    RefusedError
        The file is no notebook, the cell holds more than typed parameters, or a rule does not fit.
    """
    found = _declared(notebook)
    for name, rule in (rules or {}).items():
        if name not in found:
            hint = did_you_mean(name, found, "Its parameters are")
            raise RefusedError(f"{notebook.name} has no parameter {name!r}. {hint}")
        try:
            found[name] = found[name].ruled_by(rule)
        except RefusedError as error:
            raise RefusedError(f"{notebook.name}: {error}") from None
    return found


def settle(
    notebook: Path, parameters: Mapping[str, Parameter], given: Mapping[str, Any], today: date | None = None
) -> dict[str, Any]:
    """Value of every parameter: what is given, else its default.

    Parameters
    ----------
    notebook
        For messages.
    parameters
        As `read_parameters` returns them.
    given
        Values by name.
    today
        The day of the run, from which relative dates are counted.

    Raises
    ------
    RefusedError
        A given name is unknown, a value has the wrong type, or a required one is missing.
        All problems are named, one a line.
    """
    problems = []
    values: dict[str, Any] = {}
    for name in given:
        if name not in parameters:
            hint = did_you_mean(name, parameters, "Its parameters are")
            problems.append(f"{notebook.name} has no parameter {name!r}. {hint}")
    for name, parameter in parameters.items():
        if name not in given and parameter.required:
            problems.append(f"{notebook.name}: {name} has no value. Give one: -p {name}=…")
            continue
        try:
            value = parameter.checked(given.get(name, parameter.default))
            values[name] = value if today is None else parameter.on(value, today)
        except RefusedError as error:
            problems.append(f"{notebook.name}: {error}")
    if problems:
        raise RefusedError("\n".join(problems))
    return values


def as_plain(value: Any) -> Any:
    """A value as JSON holds it: dates as text."""
    if isinstance(value, list):
        return [as_plain(part) for part in value]
    return value.isoformat() if isinstance(value, date) else value


def _measure(value: Any) -> Any:
    """What limits compare: a number, or a date as text, without its time of day."""
    if isinstance(value, datetime):
        return value.isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _declared(notebook: Path) -> dict[str, Parameter]:
    source = _parameters_cell(notebook)
    if source is None:
        return {}
    try:
        lines = ast.parse(source).body
        comments = _comments(source)
    except (SyntaxError, tokenize.TokenError) as error:
        said = f"{error.msg}, line {error.lineno}" if isinstance(error, SyntaxError) else str(error.args[0])
        raise RefusedError(f"{notebook.name}: the parameters cell is not Python: {said}.") from None
    except (ValueError, RecursionError, MemoryError):
        raise RefusedError(f"{notebook.name}: the parameters cell is not Python.") from None
    found: dict[str, Parameter] = {}
    for line in lines:
        if _is_import(line):
            continue
        parameter = _parameter(notebook, line, comments.get(line.end_lineno or line.lineno, ""))
        if parameter.name in found:
            raise RefusedError(f"{notebook.name}: {parameter.name} is declared twice. Keep one of the lines.")
        found[parameter.name] = parameter
    return found


def _parameters_cell(notebook: Path) -> str | None:
    sources = [cell.source for cell in read_cells(notebook) if cell.kind == "code" and "parameters" in cell.tags]
    if len(sources) > 1:
        raise RefusedError(f"{notebook.name}: {len(sources)} cells are tagged 'parameters'. Keep one.")
    return sources[0] if sources else None


def _is_import(line: ast.stmt) -> bool:
    """Types have to come from somewhere: such an import is no parameter, and is not run here."""
    modules = {"datetime", "typing", "__future__"}
    if isinstance(line, ast.Import):
        return all(name.name in modules for name in line.names)
    return isinstance(line, ast.ImportFrom) and line.module in modules


def _parameter(notebook: Path, line: ast.stmt, comment: str) -> Parameter:
    where = f"{notebook.name}: parameters cell, line {line.lineno}"
    if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
        raise RefusedError(
            f"{where}: {ast.unparse(line)!r} is no typed parameter. Write one a line: name: str = 'value'"
        )
    name = line.target.id
    try:
        kind = read_type(line.annotation)
    except ValueError:
        raise RefusedError(
            f"{where}: {name} is declared {ast.unparse(line.annotation)}. "
            f"Use one of {ALL}, with '| None' if it may be absent."
        ) from None
    if name in DATES and kind.kind == "str":
        kind = Type("date", kind.optional, as_text=True)
    default: Any = None
    if line.value is not None:
        try:
            default = _plain_value(line.value)
        except (ValueError, TypeError, MemoryError, RecursionError):
            raise RefusedError(
                f"{where}: the default of {name} is {ast.unparse(line.value)!r}, which would have to run. "
                "Write a plain value."
            ) from None
    parameter = Parameter(name=name, type=kind, required=line.value is None, default=default, comment=comment)
    if not parameter.required:
        try:
            if kind.kind in ("date", "datetime") and is_relative(default):  # the notebook alone would not know the day
                raise parameter._refusal(default, ValueError())
            default = parameter.checked(default)
        except RefusedError as error:
            raise RefusedError(f"{where}: {error}") from None
    return replace(parameter, default=default)


def _plain_value(node: ast.expr) -> Any:
    """Value of a literal, or of a date written as ``date(2026, 7, 1)``; nothing is called but that."""
    if isinstance(node, ast.List):
        return [_plain_value(part) for part in node.elts]
    if isinstance(node, ast.Call) and not node.keywords:
        called = ast.unparse(node.func).removeprefix("datetime.")
        makers: dict[str, Any] = {"date": date, "datetime": datetime}
        if called in makers:
            return makers[called](*[ast.literal_eval(part) for part in node.args])
    return ast.literal_eval(node)


def _comments(source: str) -> dict[int, str]:
    """Comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}
