"""What a run has to tell: each page that failed, each page on which a rule fired."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from reporting.notices.hooks import send

if TYPE_CHECKING:
    from reporting.publishing.manifest import Entry
    from reporting.publishing.run import Run
    from reporting.publishing.states import Record
    from reporting.publishing.untold import Untold
    from reporting.recipe.file import Recipe


def tell(recipe: "Recipe", run: "Run") -> list[str]:
    """Run the hooks of what was built or failed now; unchanged and backfilled pages are no news.

    Parameters
    ----------
    recipe
        Its reports name their hooks, `on_failure` and `on_alert`.
    run
        As `run_reports` returns it.

    Returns
    -------
    list of str
        What went wrong with the hooks, a sentence each.
    """
    return _tell(recipe, run.id, run.entries, run.untold)


def tell_late(recipe: "Recipe") -> list[str]:
    """Run the hooks of what was built or failed in runs that were killed before they had told it all.

    Returns
    -------
    list of str
        What went wrong with the hooks, a sentence each.
    """
    from reporting.publishing.folder import Folder
    from reporting.publishing.manifest import read_manifest
    from reporting.publishing.untold import owed

    folder = Folder(recipe.out)
    problems: list[str] = []
    for run, untold in owed(folder):
        if not (folder.runs / run).is_dir():  # it was killed before it came to its end
            untold.settle()
        elif (manifest := read_manifest(folder.runs / run)) is not None:
            told = untold.pages()
            problems += _tell(
                recipe, run, [page for page in manifest.pages if page.name not in told], untold, late=True
            )
    return problems


def _tell(
    recipe: "Recipe", run: str, entries: "Sequence[Entry]", untold: "Untold | None", *, late: bool = False
) -> list[str]:
    from reporting.publishing.folder import Folder
    from reporting.publishing.states import Record, load_states
    from reporting.publishing.untold import news

    problems: list[str] = []
    if found := news(recipe, run, entries):
        pages = load_states(Folder(recipe.out)).pages
        for entry in found:
            report = recipe.reports[entry.report]
            hook = report.on_failure if entry.failed else report.on_alert
            facts = dict(_facts(recipe, entry, pages.get(entry.name, Record()), late))
            problems += send(hook, facts, folder=recipe.folder)
            if untold is not None:
                untold.told(entry.name)
    if untold is not None:
        untold.settle()
    return problems


def tell_job(recipe: "Recipe", job: str, code: str) -> list[str]:
    """Run the hooks for failures of all reports, each once, for a job that ended before it could tell more.

    Parameters
    ----------
    recipe
        As `read_recipe` returns it.
    job
        Name of the job in its scheduler.
    code
        Its exit code, or the signal that ended it.
    """
    hooks = dict.fromkeys([recipe.on_failure, *(report.on_failure for report in recipe.reports.values())])
    facts = {"event": "job", "job": job, "exit": code, "index": str(recipe.out / "index.html")}
    return [problem for hook in hooks if hook for problem in send(hook, facts, folder=recipe.folder)]


def _facts(recipe: "Recipe", entry: "Entry", record: "Record", late: bool) -> Iterator[tuple[str, Any]]:
    yield "event", "failed" if entry.failed else "alert"
    yield "report", entry.name
    yield "title", entry.title
    yield "status", entry.status
    yield "run", entry.run
    yield "at", entry.started
    yield "as_of", entry.as_of
    shown = not late and any(kept is not None and kept.run == entry.run for kept in (record.good, record.failure))
    yield "page", str(recipe.out / ("latest" if shown else f"runs/{entry.run}") / entry.page)
    yield "index", str(recipe.out / "index.html")
    if entry.failed:
        yield "cause", entry.cause
        yield "notebook", entry.notebook
        yield "cell", entry.cell
        yield "since", record.since or entry.started
        yield "runs", max(1, record.failures)
        yield "last_good", str(recipe.out / "latest" / record.good.page) if record.good else None
    else:
        yield "alerts", list(entry.alerts)
