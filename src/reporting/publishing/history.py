"""Runs of the past: to find them, to list them, to set one against another."""

from datetime import datetime
from pathlib import Path
from typing import Any

from reporting.errors import RefusedError
from reporting.publishing.folder import Folder
from reporting.publishing.inputs import changed
from reporting.publishing.manifest import BUILT, UNCHANGED, Entry, Manifest, read_manifest
from reporting.publishing.states import load_states, names_of
from reporting.recipe.file import Recipe


def find_run(out: Path, name: str) -> Manifest:
    """Manifest of a run, by its name, the beginning of it, or ``last``.

    Raises
    ------
    RefusedError
        There is none, or more than one.
    """
    folder = Folder(out)
    ids = folder.run_ids()
    found = ids[-1:] if name == "last" else [run for run in ids if run.startswith(name)]
    if not found:
        raise RefusedError(f"{name}: there is no such run in {out}. See metrics report list --runs.")
    if len(found) > 1:
        raise RefusedError(f"{name}: {len(found)} runs begin like this, {found[0]} and {found[-1]} among them.")
    manifest = read_manifest(folder.runs / found[0])
    if manifest is None:
        raise RefusedError(f"{found[0]}: its manifest cannot be read; is it of a later version, or edited by hand?")
    return manifest


def list_runs(out: Path) -> list[dict[str, Any]]:
    """All runs, the last one first, and how many pages each built."""
    folder = Folder(out)
    rows = []
    for run in reversed(folder.run_ids()):
        manifest = read_manifest(folder.runs / run)
        if manifest is None:
            continue
        tally = {status: sum(page.status == status for page in manifest.pages) for status in (BUILT, UNCHANGED)}
        failed = sum(page.failed for page in manifest.pages)
        rows.append({"run": run, "trigger": manifest.trigger, "ended": manifest.ended, **tally, "failed": failed})
    return rows


def difference(before: Manifest, after: Manifest) -> list[dict[str, Any]]:
    """What became different from one run to another, page by page."""
    first, second = ({page.name: page for page in manifest.pages} for manifest in (before, after))
    rows: list[dict[str, Any]] = []
    for name in dict.fromkeys([*first, *second]):
        one, other = first.get(name), second.get(name)
        if one is None or other is None:
            rows.append({"report": name, "only_in": (after if one is None else before).run})
            continue
        parameters = {
            key: [one.parameters.get(key), other.parameters.get(key)]
            for key in dict.fromkeys([*one.parameters, *other.parameters])
            if one.parameters.get(key) != other.parameters.get(key)
        }
        rows.append(
            {
                "report": name,
                "status": [one.status, other.status],
                "changed": changed(one.inputs, other.inputs),
                "parameters": parameters,
                "key_figure": [_figure(one), _figure(other)],
                "same_page": bool(one.sha256) and one.sha256 == other.sha256,
            }
        )
    return rows


def due(recipe: Recipe, now: datetime) -> list[str]:
    """Reports whose scheduled time came since all their pages were last built or found unchanged."""
    from reporting.schedules.times import Times

    states = load_states(Folder(recipe.out))
    names = []
    for report in recipe.reports.values():
        if report.schedule is None:
            continue
        last = Times.read(report.schedule).last(now)
        pages = [states.pages[name] for name in names_of(recipe, report, states)]
        done = [page.done(now) for page in pages if not page.failure]
        if len(done) < len(pages) or not pages or any(at is None or at < last for at in done):
            names.append(report.name)
    return names


def _figure(entry: Entry) -> str:
    figure = entry.key_figure or {}
    return " ".join(part for part in (figure.get("number", ""), figure.get("unit", "").strip()) if part)
