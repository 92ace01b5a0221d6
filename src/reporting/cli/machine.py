"""Verbs about the machine and what leaves it: `doctor`, `export`."""

import importlib.metadata
import locale
import os
import platform
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from reporting.cli.app import AsJson, Names, OutFolder, RecipeFile, answered, near, opened, report, say_json, say_table
from reporting.errors import LockedError, RefusedError
from reporting.recipe.file import RECIPE, Recipe, read_recipe

PACKAGES = ("customer-metrics", "papermill", "nbclient", "nbconvert", "ipykernel", "pandas", "matplotlib")
ROOM = 1 << 30  # bytes


@report.command()
def doctor(recipe: RecipeFile = RECIPE, out: OutFolder = None, as_json: AsJson = False) -> None:
    """Look at what reports depend on: this machine, its programs, the folder of pages."""
    with answered():
        loaded = read_recipe(recipe, out)
        rows = [*_machine(), *_notebooks(loaded), *_folder(loaded)]
        if as_json:
            say_json([{"what": what, "state": state, "found": found} for what, state, found in rows])
        else:
            say_table(["what", "state", "found"], [list(row) for row in rows])
        if any(state == "wrong" for _, state, _ in rows):
            raise typer.Exit(1)


@report.command()
def export(
    names: Names = None,
    to: Annotated[Path, typer.Option("--to", help="Folder for the files.", show_default=False)] = Path(),
    run: Annotated[str | None, typer.Option("--run", help="A run of the past, not the last good pages.")] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="As PDF, printed by a Chromium of this machine.")] = False,
    timeout: Annotated[int, typer.Option("--timeout", min=1, help="Seconds for each PDF.")] = 60,
    recipe: RecipeFile = RECIPE,
    out: OutFolder = None,
    as_json: AsJson = False,
) -> None:
    """Copy pages to another folder, as files that stand alone."""
    from reporting.pages.alone import alone
    from reporting.pages.pdf import export as print_pdf
    from reporting.publishing.history import find_run
    from reporting.publishing.states import read_states

    with answered():
        loaded = opened(recipe, out)
        if run is None:
            pages = {row.name: loaded.out / row.good.page for row in read_states(loaded) if row.good}
        else:
            manifest = find_run(loaded.out, run)
            pages = {
                page.name: loaded.out / "runs" / page.run / page.page for page in manifest.pages if not page.failed
            }
        reports = {report.name for report in loaded.choose(names or [])}
        chosen = {
            name: path
            for name, path in pages.items()
            if name.partition("/")[0] in reports and (not names or name in names or name.partition("/")[0] in names)
        }
        if not chosen:
            raise RefusedError("There is no page of these reports yet. Build them with metrics report run.")
        beside = {name: f"{file}.{'pdf' if pdf else 'html'}" for name, file in _names(chosen).items()}
        written = []
        for name, path in chosen.items():
            target = to / beside[name]
            try:
                content = "" if pdf else path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                why = error.strerror if isinstance(error, OSError) else "it is no text"
                raise RefusedError(f"{near(path)} cannot be read: {why}. Build it again.") from None
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                if pdf:
                    print_pdf(path, target, timeout=timeout)
                else:
                    target.write_text(alone(content, beside), encoding="utf-8", newline="")
            except OSError as error:
                raise RefusedError(f"{target} cannot be written: {error.strerror}.") from None
            written.append(target)
        if as_json:
            say_json([str(path) for path in written])
        else:
            for path in written:
                typer.echo(near(path))


def _names(pages: Iterable[str]) -> dict[str, str]:
    """Names of files for pages, all in one folder: with a dot, which stands in no name of a page, where dashes mislead.

    >>> _names(["nps", "a/b-c", "a-b/c", "a/d"])
    {'nps': 'nps', 'a/b-c': 'a.b-c', 'a-b/c': 'a-b.c', 'a/d': 'a-d'}
    """
    plain = {page: page.replace("/", "-") for page in pages}
    taken = Counter(plain.values())
    return {page: name if taken[name] == 1 else page.replace("/", ".") for page, name in plain.items()}


def _machine() -> list[tuple[str, str, str]]:
    rows = [("python", "well", f"{platform.python_version()}, {sys.executable}")]
    for name in PACKAGES:
        try:
            rows.append((name, "well", importlib.metadata.version(name)))
        except importlib.metadata.PackageNotFoundError:
            rows.append((name, "wrong", "not installed"))
    encoding = locale.getpreferredencoding(False)
    rows.append(("locale", "well" if encoding.upper().replace("-", "") == "UTF8" else "odd", encoding))
    fork = "forked from a warm server" if sys.platform == "linux" else "started anew each time: this is no Linux"
    rows.append(("kernels", "well", fork))
    git = shutil.which("git")
    rows.append(("git", "well" if git else "odd", git or "absent: pages name no commit"))
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    rows.append(("chromium", "well" if browser else "odd", browser or "absent: no PDF"))
    fonts = shutil.which("fc-list")
    rows.append(("fonts", "well" if fonts else "odd", fonts or "fontconfig is absent: PDFs fall back to what there is"))
    return rows


def _notebooks(recipe: Recipe) -> list[tuple[str, str, str]]:
    absent = [f"{path} of {name} is not there" for name, path in recipe.absent().items()]
    return [("notebooks", "wrong" if absent else "well", "; ".join(absent) or f"{len(recipe.reports)}, all there")]


def _folder(recipe: Recipe) -> list[tuple[str, str, str]]:
    from reporting.publishing.folder import Folder
    from reporting.publishing.latest import is_current
    from reporting.publishing.manifest import read_manifest
    from reporting.publishing.states import load_states

    folder = Folder(recipe.out)
    if not folder.out.is_dir():
        return [("folder", "well", f"{near(folder.out)} is not there yet")]
    free = shutil.disk_usage(folder.out).free
    rows = [("folder", "well" if os.access(folder.out, os.W_OK) else "wrong", near(folder.out))]
    rows.append(("room", "well" if free > ROOM else "odd", f"{free / 1e9:.1f} GB free"))
    if not folder.runs.is_dir():
        return [*rows, ("runs", "wrong", f"{near(folder.runs)} is no folder")] if folder.runs.exists() else rows
    ids = folder.run_ids()
    unread = [run for run in ids if read_manifest(folder.runs / run) is None]
    rows.append(("runs", "wrong" if unread else "well", f"{len(ids)}, {len(unread)} without a manifest"))
    try:
        with folder.locked():
            current = is_current(folder, recipe, load_states(folder))
        rows.append(("lock", "well", "free"))
        rows.append(("latest", "well" if current else "odd", "current" if current else "behind; metrics report index"))
    except LockedError:
        rows.append(("lock", "odd", "another run is at work"))
    return rows
