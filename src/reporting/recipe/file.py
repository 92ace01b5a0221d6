"""The recipe: which notebooks become pages, with which parameters.

    [defaults]
    out = "."                        # where pages are written
    timeout = "10 minutes"           # for one report, start to end
    params = { as_of = "2026-07-01" }  # for every report that has the parameter

    [report.retention]
    notebook = "../notebooks/retention.ipynb"
    group = "Customers"
    data = "events_file"             # the parameter that --data sets
    params = { period = "week" }

Paths are relative to the folder of the recipe, those in `params` to the notebook's.
A key that is not known is refused: a misspelt one would otherwise be a setting that
silently does nothing.
"""

import re
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from reporting.errors import RefusedError, did_you_mean

RECIPE = Path("reports/reports.toml")  # read if no other is named
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
SECONDS = {"second": 1, "minute": 60, "hour": 3600}


@dataclass(frozen=True)
class Report:
    """One report of a recipe: a notebook and what is set in it."""

    name: str
    notebook: Path
    out: Path
    title: str | None = None
    group: str = "Reports"
    data: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    timeout: float = 600.0


@dataclass(frozen=True)
class Recipe:
    """A recipe file, read and checked."""

    path: Path
    out: Path
    reports: dict[str, Report]
    params: dict[str, Any] = field(default_factory=dict)
    elsewhere: Path | None = None  # folder that the user named in place of the file's `out`

    def choose(self, names: list[str]) -> list[Report]:
        """Reports of these names, all of them if there is none, in the order of the recipe."""
        for name in names:
            if name not in self.reports:
                hint = did_you_mean(name, self.reports, "Its reports are")
                raise RefusedError(f"{self.path}: no report is called {name!r}. {hint}")
        return [report for report in self.reports.values() if not names or report.name in names]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    @field_validator("timeout", mode="before", check_fields=False)
    @classmethod
    def _duration(cls, value: object) -> float | None:
        return None if value is None else _seconds(value)


class _Defaults(_Table):
    out: str = "."
    params: dict[str, Any] = Field(default_factory=dict)
    timeout: float = 600.0


class _Report(_Table):
    notebook: str
    title: str | None = None
    group: str = "Reports"
    data: str | None = None
    params: dict[str, Any] = Field(default_factory=dict)
    timeout: float | None = None


class _File(_Table):
    defaults: _Defaults = Field(default_factory=_Defaults)
    report: dict[str, _Report]


def read_recipe(path: Path | str, out: Path | None = None) -> Recipe:
    """Read a recipe.

    Parameters
    ----------
    path
        A TOML file, usually ``reports/reports.toml``.
    out
        Folder for the pages in place of the file's ``out``, relative to the working directory.

    Raises
    ------
    RefusedError
        The file is absent or no TOML, a key is unknown, missing or of the wrong type,
        or a notebook is not there. All problems are named, one a line.
    """
    path = Path(path)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, IsADirectoryError):
        raise RefusedError(f"{path}: no such file. Name the recipe with --recipe, or change to its project.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RefusedError(f"{path}: this is not TOML: {error}.") from None
    try:
        file = _File.model_validate(table)
    except ValidationError as errors:
        raise RefusedError("\n".join(f"{path}: {_in_words(dict(error))}" for error in errors.errors())) from None

    folder = path.absolute().parent
    pages = (folder / file.defaults.out if out is None else out).resolve()
    reports = {
        name: Report(
            name=name,
            notebook=(folder / entry.notebook).resolve(),
            out=pages,
            title=entry.title,
            group=entry.group,
            data=entry.data,
            params=entry.params,
            timeout=entry.timeout or file.defaults.timeout,
        )
        for name, entry in file.report.items()
    }
    problems = [
        f"{path}: report.{name} is no name for a page. Use small letters, digits, '-' and '_', and not 'index'."
        for name in reports
        if not NAME.fullmatch(name) or name == "index"
    ]
    problems += [
        f"{path}: report.{report.name}.notebook: there is no {file.report[report.name].notebook!r} "
        f"in {folder}. Correct the path; it is relative to the recipe."
        for report in reports.values()
        if not report.notebook.is_file()
    ]
    if problems:
        raise RefusedError("\n".join(problems))
    return Recipe(path=path, out=pages, reports=reports, params=file.defaults.params, elsewhere=out)


def _seconds(text: object) -> float:
    """Seconds of a duration with its unit, ``"10 minutes"``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *(second|minute|hour)s?", text) if isinstance(text, str) else None
    if match is None or float(match[1]) == 0:
        raise ValueError(f"{text!r} is no duration. Write a number with its unit: '90 seconds', '10 minutes', '1 hour'")
    return float(match[1]) * SECONDS[match[2]]


def _in_words(error: dict[str, Any]) -> str:
    """One problem that pydantic found, as a sentence about the file."""
    *parents, key = [str(part) for part in error["loc"]]
    where = ".".join([*parents, key])
    if error["type"] == "extra_forbidden":
        model = _File if not parents else _Defaults if parents == ["defaults"] else _Report
        return f"{where} is not a key. {did_you_mean(key, model.model_fields, 'The keys here are')}"
    if error["type"] == "missing":
        return f"{where} is missing. " + ("Add a table [report.NAME]." if key == "report" else f"Add {key} = …")
    if error["type"] == "value_error":
        return f"{where}: {error['ctx']['error']}."
    wanted = {"string_type": "a text in quotes", "dict_type": "a table", "model_type": "a table"}
    return f"{where} is {error['input']!r}, but it must be {wanted.get(error['type'], error['msg'])}."
