"""One page of a run: its files are searched for secrets, rendered and written."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from reporting.errors import ReportError
from reporting.pages.facts import Attempt, Failure, PageState, Trouble
from reporting.publishing.links import ROOT, links_for
from reporting.publishing.manifest import Entry
from reporting.publishing.plan import Plan
from reporting.publishing.states import Record, as_good, attempts_of
from reporting.recipe.advice import options_named


def argument_of(plan: Plan, entry: Entry, place: Path, pages: Mapping[str, Path]) -> dict[str, Any]:
    """What `rendering.make` must know to write a page; `pages` are those that it may link to."""
    shown = [(name, _text(plan.values[name]), known.comment) for name, known in plan.parameters.items()]
    return {
        "page": str(place / entry.page),
        "title": plan.title,
        "origin": {
            "group": entry.group,
            "period": period(plan),
            "parameters": shown,
            "notebook": f"{plan.name.rpartition('/')[2]}.ipynb",
            "commit": entry.commit,
            "data": entry.data,
            "files": entry.files,
            "root": ROOT * (plan.name.count("/") + 1),
            "pages": links_for(plan.name, plan.report.notebook, pages),
        },
    }


def remake(plan: Plan, entry: Entry, place: Path, pages: Mapping[str, Path], moved: Sequence[str]) -> dict[str, Any]:
    """Write the page of a notebook that was executed again, for one more thing to say: what changed meanwhile."""
    from reporting.execution.jupyter import nbformat
    from reporting.publishing.rendering import make

    argument = argument_of(plan, entry, place, pages)
    argument["origin"]["moved"] = list(moved)
    executed = nbformat.read(place / f"{plan.name}.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    return make(executed, argument)


def accept(plan: Plan, entry: Entry, result: dict[str, Any], place: Path) -> Entry:
    """Search what was written for secrets, and say in the entry what the page shows.

    Raises
    ------
    ReportError
        A secret would be shown that cannot be taken out; then no file of the page is left.
    """
    hide(plan, place)
    page = place / entry.page
    content = page.read_bytes()
    if plan.secrets.values:
        hidden = plan.secrets.redact(content.decode("utf-8")).encode("utf-8")
        if hidden != content:
            page.write_bytes(hidden)
        content = hidden
        result = {name: _hidden(plan, value) for name, value in result.items()}
        if shown := plan.secrets.found_in(content):
            _leave_nothing(plan, place)
            raise _leak(plan, shown)
    return replace(entry, **result, bytes=len(content), sha256=hashlib.sha256(content).hexdigest())


def write_error_page(plan: Plan, entry: Entry, error: ReportError, before: Record | None, place: Path) -> None:
    """Write the page that says why a report is not there, and keep the notebook as far as it ran."""
    from reporting.pages.error import render_error

    executed = place / f"{plan.name}.ipynb"
    kept = executed.with_name(f"{executed.stem}.failed.ipynb")
    try:
        hide(plan, place)
        os.replace(executed, kept)
    except (OSError, ReportError):
        executed.unlink(missing_ok=True)
    series = before.failures if before else 0
    failure = Failure(
        page=entry.page,
        at=datetime.fromisoformat(entry.started),
        since=datetime.fromisoformat((before.since if before else "") or entry.started),
        runs=series + 1,
        seconds=entry.wall_seconds,
        notebook=entry.notebook,
        cell=entry.cell,
        first_line=entry.first_line,
        cause=entry.cause,
        run=entry.run,
    )
    trouble = Trouble(
        state=PageState(plan.name, entry.title, entry.group, as_good(before.good if before else None), failure),
        executed=kept.name if kept.exists() else "",
        command=plan.command,
        options=options_named(entry.cause, entry.parameters, plan.report.data),
        source=error.source,
        line=error.line,
        traceback=error.traceback,
        commit=entry.commit,
        data=entry.data,
        files=entry.files,
        root=ROOT * (plan.name.count("/") + 1),
        attempts=[Attempt(failure.at, entry.status), *(attempts_of(before) if before else [])],
    )
    html = plan.secrets.redact(render_error(trouble))
    (place / entry.page).write_text(html, encoding="utf-8")


def hide(plan: Plan, place: Path) -> None:
    """Take secrets out of the notebook and the log of a page.

    Raises
    ------
    ReportError
        One is left that cannot be taken out; then both files are removed.
    """
    if not plan.secrets.values:
        return
    files = [place / f"{plan.name}.ipynb", place / f"{plan.name}.log"]
    for file in files:
        if not file.exists():
            continue
        take_out = plan.secrets.redact_notebook if file.suffix == ".ipynb" else plan.secrets.redact
        text = take_out(file.read_text(encoding="utf-8", errors="surrogateescape"))
        file.write_text(text, encoding="utf-8", errors="surrogateescape")
        shown = plan.secrets.found_in(file.read_bytes())
        if shown:
            _leave_nothing(plan, place)
            raise _leak(plan, shown)


def period(plan: Plan) -> str:
    """The time that the page speaks of, as far as its parameters tell; else the files it speaks of."""
    from reporting.pages.templates import day

    values = plan.values
    parts = [f"{word} {day(values[word])}" for word in ("since", "until") if values.get(word)]
    as_of = values.get("as_of")
    if as_of:
        zone = f", 00:00 {values['tz']}" if values.get("tz") and len(str(as_of)) == 10 else ""
        parts.append(f"as of {day(as_of)}{zone}")
    if not parts:
        parts = [f"from {', '.join(plan.data_names)}"] if plan.data_names else []
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _leave_nothing(plan: Plan, place: Path) -> None:
    for end in ("html", "ipynb", "log"):
        (place / f"{plan.name}.{end}").unlink(missing_ok=True)


def _hidden(plan: Plan, value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _hidden(plan, part) for key, part in value.items()}
    if isinstance(value, list):
        return [_hidden(plan, part) for part in value]
    return plan.secrets.redact(value) if isinstance(value, str) else value


def _leak(plan: Plan, names: list[str]) -> ReportError:
    cause = (
        f"the secret {', '.join(names)} would have been published, in pieces or in a form that cannot be taken out. "
        "Nothing of this run was kept. Do not print it, and do not put it into a table."
    )
    return ReportError(plan.report.notebook, None, cause)


def _text(value: Any) -> str:
    """A parameter's value as a reader would write it."""
    if value is None:
        return "–"
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
