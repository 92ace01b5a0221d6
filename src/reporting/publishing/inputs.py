"""What a page is made from, as digests: if none of them changed, it would come out the same.

notebook     its file
parameters   every value, title and group
data         the files that parameters and recipe name
links        where the links of the notebook to other notebooks lead
package      code on this machine that the notebook imports
lock         the installed packages, and the file that pins them
template     what makes pages of notebooks
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote

import reporting
from reporting.errors import RefusedError
from reporting.publishing.digests import Digests, digest_of, files_in, names_in
from reporting.publishing.links import links_for
from reporting.publishing.plan import Plan
from reporting.recipe.notebook import read_cells
from reporting.recipe.parameters import as_plain

IMPORT = re.compile(
    r"(?:^|[;:])[ \t]*(?:%\w+[ \t]+)?(?:from[ \t]+([A-Za-z_]\w*)[\w.]*[ \t]+import\b|import[ \t]+([^#;\n]+))"
)
RUN = re.compile(r"^[ \t]*%run[ \t]+(?:-\w+[ \t]+)*[\"']?([^\s\"']+)", re.M)
# from the beginning of a word only, or a long one would be read from each of its letters on
LINK = re.compile(r"(?<![^\s/\\?#:()<>\"'])([^\s/\\?#:()<>\"']+)\.(?:ipynb|html)\b")
# of this package: what draws figures, what makes pages, and what it is told
TEMPLATE = ("figures", "pages", "publishing/links.py", "publishing/page.py", "publishing/rendering.py")
NAMES = ("notebook", "parameters", "data", "links", "package", "lock", "template")
UNSEEN = "unseen"  # data behind a secret: nobody can tell whether they changed


def inputs_of(
    plan: Plan, digests: Digests, lock: Path | None = None, pages: Mapping[str, Path] | None = None
) -> dict[str, str]:
    """Digests of all that a planned page is made from, by what they are digests of; `pages` may be linked to."""
    values = {name: as_plain(value) for name, value in plan.values.items() if name not in plan.data_files}
    files = [str(plan.values[name]) for name in plan.data_files]
    looks = [plan.title, plan.report.group, plan.data_names]
    notebook = plan.report.notebook
    paths = [*plan.data_files.values(), *map(Path, plan.report.sources)]
    data, names = digests.of(paths), names_in(paths)
    if data and names:
        data = digest_of(data, *names)
    if plan.secrets.values and not plan.report.sources:
        data = UNSEEN
    return {
        "notebook": digests.once(notebook, lambda: digests.of_file(notebook)),
        "parameters": digest_of(json.dumps([values, files, looks], sort_keys=True)),
        "data": data or "",
        "links": links_of(plan, digests, pages or {}),
        "package": digests.once(("package", notebook), lambda: _package(notebook, digests)),
        "lock": digests.once("lock", lambda: _lock(lock, digests)),
        "template": digests.once("template", lambda: _template(digests)),
    }


def key_of(inputs: dict[str, str]) -> str:
    """One digest for all of them."""
    return digest_of(*[f"{name} {digest}" for name, digest in sorted(inputs.items())])


def changed(before: dict[str, str], now: dict[str, str]) -> list[str]:
    """What changed, in the order of `inputs_of`; data that nobody can see may always have.

    >>> changed({"notebook": "1", "data": "2"}, {"notebook": "1", "data": "3"})
    ['data']
    """
    return [name for name, digest in now.items() if digest == UNSEEN or before.get(name) != digest]


def commit(folder: Path) -> str | None:
    """Commit that a folder stands at, with ``-dirty`` if files differ from it; None without git."""
    describe = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        answer = subprocess.run(describe, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def imports_of(notebook: Path, digests: Digests) -> frozenset[str]:
    """Modules that a notebook imports, itself or by code that is no installed package; of Python's own, none."""
    return frozenset(digests.once(("imported", notebook), lambda: _imported(notebook, digests)))


def _imported(notebook: Path, digests: Digests) -> dict[str, Path | None]:
    """What a notebook imports or runs, and what that imports: names and places, None for an installed package."""
    try:
        cells = [cell.source for cell in read_cells(notebook) if cell.kind == "code"]
    except RefusedError:
        return {}
    found: dict[str, Path | None] = {}
    todo = _names_in("\n".join(cells))
    while todo:
        name = todo.pop()
        if name not in found:
            path = found[name] = digests.once(("source", name, notebook.parent), partial(_source, name, notebook))
            if path is not None:
                todo |= digests.once(("imports", path), partial(_names_in_code, path))
    return found


def _names_in(code: str) -> set[str]:
    """Modules that code imports, and files that it runs; also of cells that are no Python, as those with magics."""
    lines = [line for line in code.split("\n") if "import" in line]  # a search of all lines takes ten times as long
    found = [names for line in lines for names in IMPORT.findall(line)]
    names = {name for name, _ in found if name}
    for _, several in found:
        names |= {word for part in several.split(",") for word in re.findall(r"^\s*([A-Za-z_]\w*)", part)}
    return (names - sys.stdlib_module_names) | set(RUN.findall(code) if "%run" in code else ())


def _names_in_code(path: Path) -> set[str]:
    names: set[str] = set()
    for file in files_in(path) if path.is_dir() else [path]:
        if file.suffix == ".py":
            with suppress(OSError):
                names |= _names_in(file.read_text(encoding="utf-8", errors="replace"))
    return names


def _source(name: str, notebook: Path) -> Path | None:
    folder = notebook.parent
    for beside in (folder / name / "__init__.py", folder / f"{name}.py", folder / name):
        if beside.is_file():
            return beside.parent if beside.name == "__init__.py" else beside
    # a folder without a first file is a package too, if there is no other
    plain = folder / name if (folder / name).is_dir() and name.isidentifier() else None
    try:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        return plain
    if spec is None or spec.origin is None:
        return plain
    origin = Path(spec.origin)
    if any(origin.is_relative_to(sysconfig.get_path(kind)) for kind in ("purelib", "platlib")):
        return None  # installed: its version counts, not its files
    return origin.parent if spec.submodule_search_locations else origin


def links_of(plan: Plan, digests: Digests, pages: Mapping[str, Path]) -> str:
    """Digest of where those notebooks' pages are that the notebook names."""
    notebook = plan.report.notebook
    known = links_for(plan.name, notebook, pages)
    return digest_of(
        *[f"{name} {known.get(name, '')}" for name in digests.once(("links", notebook), lambda: _named(notebook))]
    )


def _named(notebook: Path) -> list[str]:
    try:
        cells = read_cells(notebook)
    except RefusedError:
        return []
    return sorted({normalize("NFC", unquote(name)) for cell in cells for name in LINK.findall(cell.source)})


def _template(digests: Digests) -> str:
    home = Path(reporting.__file__).parent
    return digest_of(*[f"{part} {_code(home / part, digests)}" for part in TEMPLATE])


def _package(notebook: Path, digests: Digests) -> str:
    imported = digests.once(("imported", notebook), lambda: _imported(notebook, digests))
    parts = [(name, path, ("code", path)) for name, path in sorted(imported.items()) if path is not None]
    return digest_of(*[f"{name} {digests.once(key, partial(_code, path, digests))}" for name, path, key in parts])


def _lock(lock: Path | None, digests: Digests) -> str:
    return digest_of(_installed(), digests.of_file(lock) if lock and lock.is_file() else "")


def _code(path: Path, digests: Digests) -> str:
    return digests.of_tree(path) if path.is_dir() else digests.of_file(path)


def _installed() -> str:
    """Names and versions of the installed packages, as their folders say, and the version of Python."""
    folders = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    names = {name for folder in folders for name in os.listdir(folder) if name.endswith(".dist-info")}
    return digest_of(sys.version, *sorted(names))
