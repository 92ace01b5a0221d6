"""Pages of a run, each built from what stood there from its beginning to its end.

Data may be replaced while a run is at work. Then a page would name one state of them and tell of another, or of both.
So each page whose notebook or data are no longer as they were is built once more, with all the others of which this
is true; and if they change again, the page says so itself, and the next run builds it anew. Nor does a page link to
one that was to be built with it and failed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from reporting.errors import ReportError, cut
from reporting.execution.jobs import Job, OnEvent, Outcome, Retry
from reporting.pages.facts import LONGEST
from reporting.publishing.decide import Decision
from reporting.publishing.digests import Digests
from reporting.publishing.inputs import commit, imports_of, inputs_of, key_of, links_of
from reporting.publishing.manifest import BUILT, Entry
from reporting.publishing.page import accept, argument_of, remake, write_error_page
from reporting.publishing.plan import Plan, plan_anew
from reporting.publishing.rendering import THEN
from reporting.publishing.states import States
from reporting.recipe.file import Recipe
from reporting.recipe.notebook import read_title
from reporting.recipe.parameters import as_plain

Runner = Callable[..., Iterator[Outcome]]
WATCHED = ("notebook", "data")  # what a page is read from while it is built
MOVED = "moved"  # of what did not rest: no later state is the same
ENDS = ("html", "ipynb", "log", "error.html", "failed.ipynb")


@dataclass(frozen=True)
class Tools:
    """How jobs are run."""

    workers: int
    kernel: str
    on_event: OnEvent | None
    runner: Runner


@dataclass(frozen=True)
class Site:
    """Where pages are built, and what is known there."""

    run: str
    place: Path
    recipe: Recipe
    states: States
    digests: Digests
    pages: Mapping[str, Path]  # that may be linked to


def build_pages(
    decisions: Iterable[Decision], site: Site, tools: Tools
) -> tuple[dict[str, Entry], dict[str, ReportError]]:
    """Build what was decided; entries of all pages by their names, and the causes of those that failed."""
    todo = list(decisions)
    if not todo:
        return {}, {}
    entries, errors = _round(todo, site, tools)
    restless: dict[str, Decision] = {}
    if moved := _moved(todo, site):
        for decision in moved:
            for end in ENDS:
                (site.place / f"{decision.plan.name}.{end}").unlink(missing_ok=True)
            errors.pop(decision.plan.name, None)
        again, failed = _round(moved, site, tools)
        for name, entry in again.items():
            entry.attempts += entries[name].attempts
        entries, errors = entries | again, errors | failed
        anew = {decision.plan.name: decision for decision in moved}
        todo = [anew.get(decision.plan.name, decision) for decision in todo]
        restless = {decision.plan.name: decision for decision in _moved(moved, site)}
    stand = _standing(entries, site)
    for decision in todo:
        entry = entries[decision.plan.name]
        inputs = entry.inputs | _settled(restless.get(entry.name), entry)
        if not entry.failed and stand != site.pages:
            inputs["links"] = links_of(decision.plan, site.digests, stand)
        if not entry.failed and inputs != entry.inputs:
            entries[entry.name], error = _retold(decision.plan, entry, inputs, replace(site, pages=stand))
            errors |= {entry.name: error} if error else {}
    return entries, errors


def _standing(entries: Mapping[str, Entry], site: Site) -> Mapping[str, Path]:
    """Pages that may be linked to, now that it is known which failed."""
    failed = {name for name, entry in entries.items() if entry.failed}
    before = {name for name in failed if name in site.states.pages and site.states.pages[name].good}
    return {name: notebook for name, notebook in site.pages.items() if name not in failed - before}


def _moved(decisions: Iterable[Decision], site: Site) -> list[Decision]:
    """Decisions whose page was read from what is no longer as it was, with what it is now."""
    digests = site.digests.anew()
    found = []
    for decision in decisions:
        if decision.plan.absent:
            continue
        plan = decision.plan
        try:
            now = inputs_of(plan, digests, site.recipe.lock, site.pages)
            if now["notebook"] != decision.inputs["notebook"]:  # its defaults may be others, which the page names
                plan = plan_anew(plan)
                now = inputs_of(plan, digests, site.recipe.lock, site.pages)
        except OSError:  # it is just being replaced
            now = decision.inputs | dict.fromkeys(WATCHED, MOVED)
        if any(now[name] != decision.inputs[name] for name in WATCHED):
            found.append(replace(decision, plan=plan, inputs=now, key=key_of(now)))
    return found


def _settled(now: Decision | None, entry: Entry) -> dict[str, str]:
    """What is to stand for inputs that did not rest."""
    return {name: MOVED for name in WATCHED if now is not None and now.inputs[name] != entry.inputs[name]}


def _retold(plan: Plan, entry: Entry, inputs: dict[str, str], site: Site) -> tuple[Entry, ReportError | None]:
    """The page as it has to be by what turned out later: what did not rest, and which links lead nowhere."""
    parts = [name for name in WATCHED if inputs[name] == MOVED]
    entry = replace(entry, inputs=inputs, key=key_of(inputs), data=None if "data" in parts else entry.data)
    files = [*[entry.notebook] * ("notebook" in parts), *entry.files * ("data" in parts)]
    try:
        result = remake(plan, entry, site.place, site.pages, files)
        return accept(plan, entry, result, site.place), None
    except (OSError, ReportError) as problem:
        error = ReportError(plan.report.notebook, None, f"the page could not be written: {problem}")
        return _failed(plan, entry, error, site)


def _round(decisions: Iterable[Decision], site: Site, tools: Tools) -> tuple[dict[str, Entry], dict[str, ReportError]]:
    entries: dict[str, Entry] = {}
    errors: dict[str, ReportError] = {}
    jobs, started = [], {}
    for decision in decisions:
        (site.place / decision.plan.name).parent.mkdir(exist_ok=True)
        if decision.plan.absent:
            error = ReportError(decision.plan.report.notebook, None, decision.plan.absent)
            name = decision.plan.name
            entries[name], errors[name] = _failed(decision.plan, _entry(decision, site), error, site)
            continue
        started[decision.plan.name] = decision.plan, _entry(decision, site)
        jobs.append(_job(*started[decision.plan.name], site))
    outcomes = tools.runner(jobs, workers=tools.workers, kernel=tools.kernel, on_event=tools.on_event)
    for outcome in outcomes:
        entry, problem = _finish(*started[outcome.job.name], outcome, site)
        entries[entry.name] = entry
        if problem is not None:
            errors[entry.name] = problem
    return entries, errors


def _job(plan: Plan, entry: Entry, site: Site) -> Job:
    report = plan.report
    return Job(
        name=plan.name,
        notebook=report.notebook,
        given=plan.given,
        output=site.place / f"{plan.name}.ipynb",
        workdir=report.notebook.parent,
        secrets=plan.secrets,
        timeout=report.timeout,
        imports=imports_of(report.notebook, site.digests),
        memory=report.memory,
        retry=Retry(report.retry_times, report.retry_on),
        then=THEN,
        argument=argument_of(plan, entry, site.place, site.pages),
    )


def _finish(plan: Plan, entry: Entry, outcome: Outcome, site: Site) -> tuple[Entry, ReportError | None]:
    """Take the page of an outcome: the report, or why there is none."""
    entry = replace(
        entry,
        attempts=outcome.attempts,
        wall_seconds=round(outcome.wall_seconds, 2),
        cpu_seconds=round(outcome.cpu_seconds, 2),
        peak_bytes=outcome.peak_bytes,
    )
    if outcome.status == BUILT:
        try:
            return accept(plan, entry, outcome.result, site.place), None
        except ReportError as problem:
            error = problem
        except OSError as problem:
            error = ReportError(plan.report.notebook, None, f"a file could not be read or written: {problem}")
    else:
        error = outcome.error()
    return _failed(plan, entry, error, site, outcome.status if outcome.status != BUILT else "failed")


def _failed(
    plan: Plan, entry: Entry, error: ReportError, site: Site, status: str = "failed"
) -> tuple[Entry, ReportError]:
    """The entry of a page that could not be built, and its error page."""
    error = _told(plan, error)
    before = site.states.pages.get(plan.name)
    entry.status = status
    title = plan.title or (before and before.good and before.good.title) or read_title(plan.report.notebook)
    entry.title = cut(title, LONGEST)
    entry.cell, entry.first_line, entry.cause = error.cell, error.first_line, error.cause
    (site.place / entry.page).unlink(missing_ok=True)
    entry.page = f"{plan.name}.error.html"
    with suppress(OSError):  # a full disk: the manifest, if it can be written, says what happened
        write_error_page(plan, entry, error, before, site.place)
    return entry, error


def _told(plan: Plan, error: ReportError) -> ReportError:
    """The error as its reader may see it: paths as they know them, no secret."""
    hide = plan.secrets.redact
    return ReportError(
        error.notebook,
        error.cell,
        hide(plan.as_typed(error.cause)),
        source=hide(error.source),
        line=error.line,
        traceback=hide(error.traceback),
    )


def _entry(decision: Decision, site: Site) -> Entry:
    plan = decision.plan
    home = plan.report.notebook.parent
    return Entry(
        name=plan.name,
        report=plan.report.name,
        title=plan.title or "",
        group=plan.report.group,
        status=BUILT,
        run=site.run,
        day=plan.day.isoformat(),
        started=datetime.now(UTC).isoformat(),
        as_of=as_plain(plan.values.get("as_of")),
        key=decision.key,
        inputs=decision.inputs,
        parameters={name: as_plain(value) for name, value in plan.values.items()},
        files=plan.data_names,
        data=site.digests.of([*plan.data_files.values(), *map(Path, plan.report.sources)]),
        commit=site.digests.once(("commit", home), lambda: commit(home)),
        notebook=plan.report.notebook.name,
        page=f"{plan.name}.html",
        backfill=plan.backfill,
    )
