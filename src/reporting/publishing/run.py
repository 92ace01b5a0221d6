"""Build reports and publish them: aside, then whole, then shown.

A run is built in a folder that nobody reads. Its manifest comes last, one rename puts the
run among the others, and one more lets `latest` show it. Killed at any moment, it leaves
what readers see as it was, and the next run removes what it left.
"""

import os
import platform
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from reporting.errors import ReportError
from reporting.execution.jobs import Event, OnEvent
from reporting.execution.running import run_jobs
from reporting.publishing.building import Runner, Site, Tools, build_pages
from reporting.publishing.decide import Decision, decide
from reporting.publishing.digests import Digests
from reporting.publishing.folder import Folder
from reporting.publishing.latest import is_current, make_ready, publish
from reporting.publishing.links import pages_of
from reporting.publishing.manifest import UNCHANGED, Entry, Manifest, read_manifest, write_manifest
from reporting.publishing.plan import Plan
from reporting.publishing.prune import prune
from reporting.publishing.states import States, names_of, save_states, states_to_change
from reporting.publishing.untold import Untold, news, owe
from reporting.recipe.file import Recipe


@dataclass
class Run:
    """What a run came to: its pages in the order of the plan, and the causes of those that failed."""

    id: str  # empty if nothing had changed, for then nothing was written
    entries: list[Entry]
    errors: dict[str, ReportError] = field(default_factory=dict)
    pruned: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)  # pages that the recipe no longer has, by its data
    untold: Untold | None = None  # what keeps its news for the next run, until `tell` has told it

    @property
    def failed(self) -> list[Entry]:
        """Pages that were tried and could not be built."""
        return [entry for entry in self.entries if entry.failed]


class UnshownError(OSError):
    """A run came to its end, and what comes after it failed: its pages may not be shown, or old runs not removed."""

    def __init__(self, run: Run, error: OSError) -> None:
        super().__init__(error.errno, error.strerror or str(error), error.filename)
        self.run = run


def run_reports(
    recipe: Recipe,
    plans: Sequence[Plan],
    *,
    force: bool = False,
    workers: int | None = None,
    kernel: str | None = None,
    on_event: OnEvent | None = None,
    trigger: str = "run",
    tells: bool = False,
    runner: Runner = run_jobs,
) -> Run:
    """Build what changed and publish it.

    Parameters
    ----------
    recipe
        What is built, and where.
    plans
        As `plan_reports` returns them.
    force
        Build what did not change too.
    workers, kernel, on_event
        As `run_jobs` takes them; by default as the recipe says.
    trigger
        Why it runs, for its manifest: ``run``, ``backfill``, ``rerun``.
    tells
        The caller will run the hooks, by `reporting.notices.runs.tell`; should it be killed before, the next run does.
    runner
        Runs the jobs.

    Raises
    ------
    LockedError
        Another run is at work in the same folder. Nothing was written.
    RefusedError
        The folder holds pages that readers would lose.
    UnshownError
        The run is whole, and the folder cannot be written any more. The next run shows it.
    OSError
        The folder cannot be written. What readers see is as it was.
    """
    folder = Folder(recipe.out)
    with folder.locked():
        states = states_to_change(folder, recipe)
        digests = Digests(folder.cache / "digests.json")
        decisions = decide(recipe, plans, states, digests, force=force)
        gone = _gone(recipe, plans, states)
        back = any(plan.name not in states.lists.get(plan.report.name, [plan.name]) for plan in plans)
        if not (gone or back or any(decision.build for decision in decisions)):
            now = datetime.now(UTC).isoformat()
            entries = [_unchanged(decision, states, folder) for decision in decisions]
            for entry in entries:
                if not entry.backfill:
                    states.pages[entry.name].checked = now
            _settle(folder, recipe, states, digests)
            return Run("", entries)
        run = folder.new_id()
        side_by_side = workers or recipe.jobs or min(2, os.cpu_count() or 1)
        tools = Tools(side_by_side, kernel or recipe.kernel, _made_ready(on_event), runner)
        return replace(_build(folder, recipe, states, digests, decisions, run, tools, trigger, tells), gone=gone)


def _made_ready(on_event: OnEvent | None) -> OnEvent:
    """`on_event`, and with the first event all is loaded that publishing needs: the jobs have only just begun then."""

    def tell(event: Event) -> None:
        if on_event is not None:
            on_event(event)
        make_ready()

    return tell


def _gone(recipe: Recipe, plans: Sequence[Plan], states: States) -> list[str]:
    """Pages that readers see and that their report no longer has, now that all it has are planned."""
    planned = {plan.name for plan in plans}
    whole = {plan.report.name: plan.report for plan in plans if plan.whole}
    return [name for report in whole.values() for name in names_of(recipe, report, states) if name not in planned]


def _build(
    folder: Folder,
    recipe: Recipe,
    states: States,
    digests: Digests,
    decisions: Sequence[Decision],
    run: str,
    tools: Tools,
    trigger: str,
    tells: bool,
) -> Run:
    began = datetime.now(UTC)
    place = folder.begin(run)
    entries = {d.plan.name: _unchanged(d, states, folder) for d in decisions if not d.build}
    try:
        pages = pages_of(recipe, states, {decision.plan.name for decision in decisions})
        todo = [decision for decision in decisions if decision.build]
        built, errors = build_pages(todo, Site(run, place, recipe, states, digests, pages), tools)
        entries |= built
        manifest = Manifest(
            run=run,
            started=began.isoformat(),
            ended=datetime.now(UTC).isoformat(),
            trigger=trigger,
            python=platform.python_version(),
            recipe=recipe.path.name,
            whole=sorted({d.plan.report.name for d in decisions if d.plan.whole and d.plan.report.each}),
            home=os.path.relpath(recipe.path.resolve(), recipe.out),
            pages=[entries[decision.plan.name] for decision in decisions if decision.plan.name in entries],
        )
        write_manifest(place, manifest)
        untold = owe(folder, run) if tells and news(recipe, run, manifest.pages) else None
        folder.finish(run)
    except BaseException:
        with suppress(OSError):
            folder.sweep()
        raise
    states.apply(manifest)
    try:
        _settle(folder, recipe, states, digests)
        pruned = prune(folder, states, recipe.keep) if recipe.keep else []
        if pruned:
            publish(folder, recipe, states)  # the page of runs names those that are kept
    except OSError as error:
        raise UnshownError(Run(run, manifest.pages, errors, untold=untold), error) from error
    return Run(run, manifest.pages, errors, pruned, untold=untold)


def _settle(folder: Folder, recipe: Recipe, states: States, digests: Digests) -> None:
    """Let readers see how all stands, and remember it. A run that was killed before this is made up for here."""
    if not is_current(folder, recipe, states):
        publish(folder, recipe, states)
    save_states(folder, states)
    digests.save()


def _unchanged(decision: Decision, states: States, folder: Folder) -> Entry:
    """Entry of a page that stands as an earlier run left it."""
    record = states.pages[decision.plan.name]
    entry = record.good
    if entry is None or entry.run != decision.same_as:  # of a day that is past
        manifest = read_manifest(folder.runs / decision.same_as)
        entry = next(page for page in manifest.pages if page.name == decision.plan.name) if manifest else entry
    if entry is None:
        raise OSError(f"{folder.runs / decision.same_as}: its manifest cannot be read. Remove this run, and run again.")
    return replace(entry, status=UNCHANGED, backfill=decision.plan.backfill)
