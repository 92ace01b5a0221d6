"""Build a report: run its notebook, write its page, leave a manifest.

A page is replaced only by a page that is whole. A run that fails writes an error page of
its own, says so in the manifest, and leaves the last good page where it is.

    retention.html  retention.ipynb         last good page, and the notebook as it ran
    retention.error.html  retention.failed.ipynb    the last run, if it failed
    retention.json                          what the index says about both
"""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from reporting.errors import ReportError
from reporting.execution.notebook import execute_notebook
from reporting.pages.error import render_error
from reporting.pages.facts import Failure, Good, Origin, PageState, Trouble
from reporting.pages.page import render_page
from reporting.pages.templates import day
from reporting.publishing.manifest import Manifest, read_manifest, write_manifest, write_whole
from reporting.publishing.plan import Plan
from reporting.publishing.provenance import commit, digest
from reporting.recipe.notebook import read_title


def run_report(plan: Plan, *, progress: Callable[[int, int], None] | None = None) -> Manifest:
    """Run one planned report and publish its page.

    Parameters
    ----------
    plan
        As `plan_reports` returns it.
    progress
        Called with the cells done and all cells.

    Returns
    -------
    Manifest
        What now stands beside the page.

    Raises
    ------
    ReportError
        The notebook did not run to its end. The error page and the manifest are written.
    """
    report = plan.report
    report.out.mkdir(parents=True, exist_ok=True)
    manifest = read_manifest(report.out, report.name)
    manifest.group = report.group
    paths = {kind: report.out / f"{report.name}.{kind}" for kind in ("html", "ipynb", "error.html", "failed.ipynb")}
    running = report.out / f".{report.name}.{os.getpid()}.ipynb"
    began, clock = datetime.now(UTC), time.monotonic()
    try:
        executed = execute_notebook(report.notebook, running, plan.given, timeout=report.timeout, progress=progress)
        origin = Origin(
            group=report.group,
            period=_period(plan),
            parameters=[(name, _text(plan.values[name]), known.comment) for name, known in plan.parameters.items()],
            notebook=paths["ipynb"].name,
            commit=commit(report.notebook.parent),
            data=digest(plan.data_files.values()),
            files=plan.data_names,
        )
        html, page = render_page(executed, origin, report.title)
        manifest.title = page.title
        manifest.failure = None
        manifest.good = Good(
            page=paths["html"].name,
            title=page.title,
            question=page.question,
            as_of=plan.values.get("as_of"),
            built=datetime.now(UTC),
            seconds=round(time.monotonic() - clock, 1),
            commit=origin.commit,
            data=origin.data,
            files=origin.files,
            key_figure=page.key_figure,
            alerts=page.alerts,
            parameters=dict(plan.values),
        )
        os.replace(running, paths["ipynb"])
        write_whole(paths["html"], html)
        write_manifest(report.out, manifest)
        paths["error.html"].unlink(missing_ok=True)
        paths["failed.ipynb"].unlink(missing_ok=True)
    except (ReportError, OSError) as problem:
        error = problem if isinstance(problem, ReportError) else _unwritten(plan, problem)
        error.cause = plan.as_typed(error.cause)
        before = manifest.failure
        manifest.title = report.title or manifest.title or read_title(report.notebook)
        manifest.failure = Failure(
            page=paths["error.html"].name,
            at=began,
            since=before.since if before else began,
            runs=before.runs + 1 if before else 1,
            seconds=round(time.monotonic() - clock, 1),
            notebook=report.notebook.name,
            cell=error.cell,
            first_line=error.first_line,
            cause=error.cause,
        )
        with suppress(OSError):  # what cannot be written here is told by the error that is raised
            if running.exists():
                os.replace(running, paths["failed.ipynb"])
            write_whole(paths["error.html"], _error_page(plan, manifest, error, paths["failed.ipynb"].name))
            write_manifest(report.out, manifest)
        raise error from None
    finally:
        running.unlink(missing_ok=True)
    return manifest


def _unwritten(plan: Plan, problem: OSError) -> ReportError:
    return ReportError(plan.report.notebook, None, f"a file could not be read or written: {problem}")


def _error_page(plan: Plan, manifest: Manifest, error: ReportError, executed: str) -> str:
    return render_error(
        Trouble(
            state=PageState(plan.report.name, manifest.title, manifest.group, manifest.good, manifest.failure),
            executed=executed,
            command=plan.command,
            source=error.source,
            line=error.line,
            traceback=error.traceback,
            commit=commit(plan.report.notebook.parent),
            data=digest(plan.data_files.values()),
            files=plan.data_names,
        )
    )


def _period(plan: Plan) -> str:
    """The time that the page speaks of, as far as its parameters tell; else the files it speaks of."""
    values = plan.values
    parts = [f"{word} {day(values[word])}" for word in ("since", "until") if values.get(word)]
    if values.get("as_of"):
        zone = f", 00:00 {values['tz']}" if values.get("tz") and len(values["as_of"]) == 10 else ""
        parts.append(f"as of {day(values['as_of'])}{zone}")
    if not parts:
        parts = [f"from {', '.join(plan.data_names)}"] if plan.data_files else []
    text = ", ".join(parts)
    return text[:1].upper() + text[1:]


def _text(value: object) -> str:
    """A parameter's value as a reader would write it."""
    if value is None:
        return "–"
    return ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
