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
    with_data = { start_event = "" }  # with --data: what the demo's own data only have is not looked for

    [report.segment]                 # one page for each segment
    notebook = "../notebooks/segment.ipynb"
    title = "Segment {segment}"
    data = ["../data/segments.csv"]  # a list: files that it reads and no parameter names
    each.segment = { column = "segment", from = "../data/segments.csv" }
    params.weeks = { min = 1, max = 52 }
    retry = { times = 1, on = ["timeout", "killed"] }

Paths are relative to the folder of the recipe, those in `params` to the notebook's.
A key that is not known is refused: a misspelt one would otherwise be a setting that
silently does nothing.
"""

import os
import re
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reporting.errors import RefusedError, did_you_mean
from reporting.recipe.keys import Defaults, Entry, Keep, read_file
from reporting.recipe.rules import Rule, read_rule

RECIPE = Path("reports/reports.toml")  # read if no other is named
TAKEN = {"index", "runs"}
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
NUL = re.compile(r"\\u0{4}|\\U0{8}")  # as TOML has to write it


@dataclass(frozen=True)
class Report:
    """One report of a recipe: a notebook and what is set in it."""

    name: str
    notebook: Path
    title: str | None = None
    group: str = "Reports"
    data: str | None = None  # the parameter that --data sets
    any_data: bool = False  # whether it can do without that one, where --data gives it another
    sources: tuple[str, ...] = ()  # further files that it reads, absolute
    params: dict[str, Any] = field(default_factory=dict)
    with_data: dict[str, Any] = field(default_factory=dict)  # in place of params where --data feeds it
    rules: dict[str, Rule] = field(default_factory=dict)
    each: dict[str, Any] = field(default_factory=dict)
    timeout: float = 600.0
    memory: int | None = None  # bytes of data that its kernel may hold
    retry_times: int = 0
    retry_on: tuple[str, ...] = ()
    schedule: str | None = None  # as `reporting.schedules` reads it
    late_after: float | None = None  # seconds after which a page without a newer run is late
    on_failure: tuple[str, ...] = ()  # argv
    on_alert: tuple[str, ...] = ()


@dataclass(frozen=True)
class Recipe:
    """A recipe file, read and checked."""

    path: Path
    out: Path
    reports: dict[str, Report]
    text: str = ""  # of the file, as it was when it was read
    params: dict[str, Any] = field(default_factory=dict)
    elsewhere: Path | None = None  # folder that the user named in place of the file's `out`
    jobs: int | None = None
    kernel: str = "auto"
    timezone: str | None = None  # in which the day of a run begins
    keep: Keep | None = None
    lock: Path | None = None  # file that pins the packages
    on_failure: tuple[str, ...] = ()
    on_alert: tuple[str, ...] = ()

    @property
    def folder(self) -> Path:
        """Folder that its paths are relative to."""
        return self.path.absolute().parent

    def choose(self, names: list[str]) -> list[Report]:
        """Reports of these names, all of them if there is none, in the order of the recipe.

        A name may be that of one page of a report, ``segment/s01``.
        """
        wanted = {name.partition("/")[0] for name in names}
        for name in names:
            if name.partition("/")[0] not in self.reports:
                hint = did_you_mean(name, self.reports, "Its reports are")
                raise RefusedError(f"{self.path}: no report is called {name!r}. {hint}")
        return [report for report in self.reports.values() if not names or report.name in wanted]

    def absent(self) -> dict[str, str]:
        """Notebooks that are not there, as the recipe names them, by report: nothing else can be wrong with these."""
        return {
            report.name: os.path.relpath(report.notebook, self.folder.resolve())
            for report in self.reports.values()
            if not report.notebook.is_file()
        }

    def absences(self) -> dict[str, str]:
        """The same, a sentence each."""
        return {
            name: f"{self.path}: report.{name}.notebook: there is no {path!r} in {self.folder}. "
            "Correct the path; it is relative to the recipe."
            for name, path in self.absent().items()
        }


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
        The file is absent or no TOML, or a key is unknown, missing or of the wrong type. All problems
        are named, one a line. A notebook that is not there stops its own report alone: see `Recipe.absent`.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8-sig")  # as some editors write it
        table = tomllib.loads(text)
    except (FileNotFoundError, IsADirectoryError):
        raise RefusedError(f"{path}: no such file. Name the recipe with --recipe, or change to its project.") from None
    except (ValueError, RecursionError) as error:  # no TOML, no UTF-8, or a number or a table that is too long
        raise RefusedError(f"{path}: this is not TOML: {error}.") from None
    if NUL.search(text):
        raise RefusedError(f"{path}: it has the sign \\u0000, which no path and no word of a command can hold.")
    try:
        defaults, entries = read_file(table)
    except RefusedError as error:
        raise RefusedError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None

    folder = path.absolute().parent
    reports: dict[str, Report] = {}
    problems: list[str] = []
    for name, entry in entries.items():
        if not NAME.fullmatch(name) or name in TAKEN:
            problems.append(
                f"{path}: report.{name} is no name for a page. Use small letters, digits, '-' and '_', and not 'index'."
            )
            continue
        try:
            reports[name] = _report(name, entry, defaults, folder)
        except RefusedError as error:
            problems.append(f"{path}: report.{name}.{error}")
    if any(isinstance(value, dict) for value in defaults.params.values()):
        problems.append(f"{path}: defaults.params sets values only. Write rules into the params of a report.")
    if defaults.timezone is not None and not _is_zone(defaults.timezone):
        problems.append(f"{path}: defaults.timezone {defaults.timezone!r} is no time zone, such as Europe/Berlin.")
    if problems:
        raise RefusedError("\n".join(problems))
    return Recipe(
        path=path,
        out=_real(folder / defaults.out if out is None else out),
        reports=reports,
        text=text,
        params=defaults.params,
        elsewhere=out,
        jobs=defaults.jobs,
        kernel=defaults.kernel,
        timezone=defaults.timezone,
        keep=defaults.keep,
        lock=folder / defaults.lock if defaults.lock else None,
        on_failure=tuple(defaults.on_failure),
        on_alert=tuple(defaults.on_alert),
    )


def _report(name: str, entry: Entry, defaults: Defaults, folder: Path) -> Report:
    rules: dict[str, Rule] = {}
    for parameter, value in entry.params.items():
        if isinstance(value, dict):
            try:
                rules[parameter] = _absolute(read_rule(value), folder)
            except RefusedError as error:
                raise RefusedError(f"params.{parameter}: {error}") from None
    retry = entry.retry or defaults.retry
    sources = entry.data if isinstance(entry.data, list) else []
    return Report(
        name=name,
        notebook=_real(folder / entry.notebook),
        title=entry.title,
        group=entry.group,
        data=entry.data if isinstance(entry.data, str) else None,
        any_data=entry.any_data,
        sources=tuple(str(folder / source) for source in sources),
        params={key: value for key, value in entry.params.items() if key not in rules},
        with_data=entry.with_data,
        rules=rules,
        each={"": entry.each} if isinstance(entry.each, str) else entry.each,
        timeout=entry.timeout or defaults.timeout,
        memory=entry.memory or defaults.memory,
        retry_times=retry.times if retry else 0,
        retry_on=tuple(retry.on) if retry else (),
        schedule=entry.schedule or defaults.schedule,
        late_after=entry.late_after or defaults.late_after,
        on_failure=tuple(defaults.on_failure if entry.on_failure is None else entry.on_failure),
        on_alert=tuple(defaults.on_alert if entry.on_alert is None else entry.on_alert),
    )


def _absolute(rule: Rule, folder: Path) -> Rule:
    """The rule with the file of its secret found from the recipe, as the notebook runs elsewhere."""
    kind, _, where = (rule.reference or "").partition(":")
    return replace(rule, reference=f"file:{_real(folder / where)}") if kind == "file" else rule


def _real(path: Path) -> Path:
    """A path without links, as far as they lead; `Path.resolve` fails where they lead in a circle."""
    return Path(os.path.realpath(path))


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
