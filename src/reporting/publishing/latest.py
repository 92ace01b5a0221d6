"""What readers see: the last good page of every report, the error pages of those that failed, the index."""

import os
import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from reporting.pages.facts import Index
from reporting.publishing.digests import digest_of
from reporting.publishing.folder import TEMPORARY, Folder, sync
from reporting.publishing.manifest import Entry
from reporting.publishing.states import RUNS, States, names_of, read_index, read_runs, read_states
from reporting.recipe.file import Recipe

MARK = ".mark"  # what a view was made from, so that the next run can tell whether it is up to date


def publish(folder: Folder, recipe: Recipe, states: States, now: datetime | None = None) -> None:
    """Make a view of how all pages stand, and let `latest` show it.

    Files are linked, not copied: they are those of their runs, and stay if a run is removed.
    """
    view = folder.views / f"{TEMPORARY}{folder.new_id(now)}"
    view.mkdir()
    for entry in _shown(recipe, states):
        _place(folder.runs / entry.run, view, entry)
    written = {
        "index.html": _render(read_index(recipe, states, now)),
        RUNS: _render_runs(recipe, states),
        MARK: _mark(recipe, states, now),
    }
    for name, content in written.items():
        (view / name).write_text(content, encoding="utf-8")
        sync(view / name)
    folder.show(view)


def make_ready() -> None:
    """Load and compile what `publish` will need, while something else is waited for."""
    from reporting.pages import index, runs
    from reporting.pages.templates import compile_ahead

    compile_ahead(index.TEMPLATE, runs.TEMPLATE)


def is_current(folder: Folder, recipe: Recipe, states: States) -> bool:
    """Whether `latest` shows what the last run left, whole, as the recipe has it, and tells who is late."""
    shown = folder.shows()
    view = folder.views / shown
    try:
        if not shown or (view / MARK).read_text(encoding="utf-8") != _mark(recipe, states):
            return False
        if not (folder.index.is_file() and (view / RUNS).is_file()):
            return False
        return all(_is_placed(folder.runs / entry.run, view, entry) for entry in _shown(recipe, states))
    except OSError:
        return False


def _shown(recipe: Recipe, states: States) -> Iterator[Entry]:
    """What readers see: of each page of the recipe the last good run, and the last one if it failed."""
    for name in [name for report in recipe.reports.values() for name in names_of(recipe, report, states)]:
        for entry in (states.pages[name].good, states.pages[name].failure):
            if entry is not None:
                yield entry


def _is_placed(run: Path, view: Path, entry: Entry) -> bool:
    """Whether the files of a page stand in a view as they do in its run."""
    for name in files_of(entry):
        try:
            there = os.stat(run / name)
        except FileNotFoundError:
            continue
        here = os.stat(view / name)
        same = (here.st_size, here.st_mtime_ns) == (there.st_size, there.st_mtime_ns)  # where links are no files
        if not (os.path.samestat(here, there) or same):
            return False
    return True


def files_of(entry: Entry) -> list[str]:
    """Files of a page in the folder of its run."""
    stem = entry.page.removesuffix(".html")
    return [entry.page, f"{stem.removesuffix('.error')}.failed.ipynb" if entry.failed else f"{stem}.ipynb"]


def _place(run: Path, view: Path, entry: Entry) -> None:
    for name in files_of(entry):
        target = view / name
        target.parent.mkdir(exist_ok=True)
        try:
            os.link(run / name, target)
        except FileNotFoundError:
            continue  # no notebook is left of a run that was killed early
        except OSError:  # a file system without links
            shutil.copy2(run / name, target)


def _mark(recipe: Recipe, states: States, now: datetime | None = None) -> str:
    """What a view depends on: the last run, the recipe, its pages and which are late, and which runs are kept."""
    rows = [f"{row.name} {row.state == 'late'}" for row in read_states(recipe, states, now)]
    runs = {attempt[0] for record in states.pages.values() for attempt in record.attempts}
    return digest_of(states.last, recipe.text, *rows, *sorted(runs))


def _render_runs(recipe: Recipe, states: States) -> str:
    from reporting.pages.runs import render_runs

    return render_runs(read_runs(recipe, states), root="../")


def _render(index: Index) -> str:
    from reporting.pages.index import render_index

    return render_index(index)
