"""Parameters of a notebook: their names, types and defaults, read without running it.

The cell tagged ``parameters`` is read as syntax, one parameter a line:

    as_of: str = "2026-07-01"  # first moment not observed
    window: str = "14 days"    # time allowed to finish

A misspelt or ill-typed value would otherwise run to its end and give a wrong report
that looks right. Text from a command line is read by the declared type, so that the
customer ``007`` does not become 7.
"""

import ast
import io
import math
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from reporting.errors import RefusedError, did_you_mean
from reporting.recipe.notebook import read_cells

TYPES = ("str", "int", "float", "bool", "list[str]")
DATES = ("as_of", "since", "until")  # texts that must be a date, whatever the notebook
WORDS = {"true": True, "yes": True, "false": False, "no": False}


@dataclass(frozen=True)
class Parameter:
    """One parameter as the notebook declares it."""

    name: str
    type: str
    optional: bool
    required: bool
    default: Any
    comment: str

    @property
    def declared(self) -> str:
        """Its type as written: ``str``, ``list[str]``, ``int | None``."""
        return f"{self.type} | None" if self.optional else self.type

    def from_text(self, text: str) -> Any:
        """Value of a text from the command line, by the declared type.

        Raises
        ------
        RefusedError
            The text is no value of this type.
        """
        if self.optional and text == "":
            return None
        if self.type == "int" and re.fullmatch(r"[+-]?[0-9]+", text):
            return int(text)
        if self.type == "float" and re.fullmatch(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]+)?", text, re.I):
            return self.checked(float(text))
        if self.type == "bool" and text.lower() in WORDS:
            return WORDS[text.lower()]
        if self.type == "list[str]":
            return [part.strip() for part in text.split(",") if part.strip()]
        if self.type == "str":
            return self.checked(text)
        raise self._refusal(text)

    def checked(self, value: Any) -> Any:
        """The same value, as the notebook will get it; a TOML date becomes its text.

        Raises
        ------
        RefusedError
            The value is not of the declared type.
        """
        if value is None and self.optional:
            return None
        if self.type == "str" and isinstance(value, date):  # a datetime is a date too
            value = value.isoformat()
        if self.type == "float" and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if not _is_of_type(value, self.type) or (self.name in DATES and not _is_date(value)):
            raise self._refusal(value)
        return value

    def _refusal(self, value: object) -> RefusedError:
        if self.name in DATES:
            nothing = ", or leave it empty" if self.optional else ""
            return RefusedError(f"{self.name} is {value!r}, which is no date. Write it as 2026-07-01{nothing}.")
        hints = {
            "int": "a whole number, such as 12",
            "float": "a number, such as 0.95",
            "bool": "true or false",
            "str": "a text",
            "list[str]": "a list of texts (on the command line: a,b,c)",
        }
        nothing = ", or nothing" if self.optional else ""
        return RefusedError(
            f"{self.name} is {value!r}, but it is declared {self.declared}. Give {hints[self.type]}{nothing}."
        )


def read_parameters(notebook: Path) -> dict[str, Parameter]:
    """Parameters of a notebook, in the order of its ``parameters`` cell.

    Raises
    ------
    RefusedError
        The file is no notebook, or the cell holds more than typed parameters.
    """
    source = _parameters_cell(notebook)
    if source is None:
        return {}
    try:
        lines = ast.parse(source).body
    except SyntaxError as error:
        raise RefusedError(
            f"{notebook.name}: the parameters cell is not Python: {error.msg}, line {error.lineno}."
        ) from None
    comments = _comments(source)
    found: dict[str, Parameter] = {}
    for line in lines:
        parameter = _parameter(notebook, line, comments.get(line.end_lineno or line.lineno, ""))
        if parameter.name in found:
            raise RefusedError(f"{notebook.name}: {parameter.name} is declared twice. Keep one of the lines.")
        found[parameter.name] = parameter
    return found


def settle(notebook: Path, parameters: Mapping[str, Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Value of every parameter: what is given, else its default.

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
            values[name] = parameter.checked(given.get(name, parameter.default))
        except RefusedError as error:
            problems.append(f"{notebook.name}: {error}")
    if problems:
        raise RefusedError("\n".join(problems))
    return values


def _parameters_cell(notebook: Path) -> str | None:
    sources = [cell.source for cell in read_cells(notebook) if cell.kind == "code" and "parameters" in cell.tags]
    if len(sources) > 1:
        raise RefusedError(f"{notebook.name}: {len(sources)} cells are tagged 'parameters'. Keep one.")
    return sources[0] if sources else None


def _parameter(notebook: Path, line: ast.stmt, comment: str) -> Parameter:
    where = f"{notebook.name}: parameters cell, line {line.lineno}"
    if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
        raise RefusedError(
            f"{where}: {ast.unparse(line)!r} is no typed parameter. Write one a line: name: str = 'value'"
        )
    declared = [ast.unparse(part) for part in _union(line.annotation)]
    kinds = [kind for kind in declared if kind != "None"]
    if len(kinds) != 1 or kinds[0] not in TYPES:
        raise RefusedError(
            f"{where}: {line.target.id} is declared {' | '.join(declared)}. "
            f"Use one of {', '.join(TYPES)}, with '| None' if it may be absent."
        )
    default: Any = None
    if line.value is not None:
        try:
            default = ast.literal_eval(line.value)
        except ValueError:
            raise RefusedError(
                f"{where}: the default of {line.target.id} is {ast.unparse(line.value)!r}, which would have to run. "
                "Write a plain value."
            ) from None
    parameter = Parameter(
        name=line.target.id,
        type=kinds[0],
        optional=len(declared) > 1,
        required=line.value is None,
        default=default,
        comment=comment,
    )
    if not parameter.required:
        try:
            parameter.checked(default)
        except RefusedError as error:
            raise RefusedError(f"{where}: {error}") from None
    return parameter


def _union(annotation: ast.expr) -> list[ast.expr]:
    if isinstance(annotation, ast.BinOp) and isinstance(annotation.op, ast.BitOr):
        return _union(annotation.left) + _union(annotation.right)
    return [annotation]


def _comments(source: str) -> dict[int, str]:
    """Comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.string.lstrip("# ") for token in tokens if token.type == tokenize.COMMENT}


def _is_of_type(value: object, kind: str) -> bool:
    if kind == "list[str]":
        return isinstance(value, list) and all(isinstance(part, str) for part in value)
    if kind == "float":
        return isinstance(value, float) and math.isfinite(value)
    if kind == "int":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, {"str": str, "bool": bool}[kind])


def _is_date(value: object) -> bool:
    try:
        datetime.fromisoformat(str(value))
    except ValueError:
        return False
    return re.match(r"\d{4}-\d{2}-\d{2}", str(value)) is not None
