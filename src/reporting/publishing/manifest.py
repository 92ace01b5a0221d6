"""What a run did: one JSON file in its folder, from which everything else can be told again.

`manifest.schema.json` describes it for other programs. Fields are only ever added within a version.
"""

import json
import re
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import msgspec

from reporting.publishing.folder import RUN

PAGE = r"[a-z0-9][a-z0-9_-]*(/[a-z0-9][a-z0-9_-]*)?"  # name of a page
SCHEMA = 1
NAME = "manifest.json"
BUILT, UNCHANGED = "built", "unchanged"
FAILED = ("failed", "timeout", "killed")


@dataclass
class Entry:
    """One page of a run.

    `status` is ``built``, ``unchanged``, ``failed``, ``timeout`` or ``killed``. `inputs` holds the digests that decide
    whether it must be built again, `key` the digest of them all. A secret stands as its reference.
    """

    name: str
    report: str
    title: str
    group: str
    status: str
    run: str  # whose folder holds its files
    day: str  # for which it was built
    started: str
    question: str = ""
    as_of: str | None = None
    key: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    parameters: dict[str, Any] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)  # data, without their folders
    data: str | None = None  # sha256
    commit: str | None = None
    attempts: int = 0
    wall_seconds: float = 0.0
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    notebook: str = ""
    cell: int | None = None
    first_line: str = ""
    cause: str = ""
    key_figure: dict[str, str] | None = None
    alerts: list[dict[str, str]] = field(default_factory=list)  # rules that fired
    page: str = ""  # path in the folder of the run
    bytes: int = 0
    sha256: str = ""  # of the page
    backfill: bool = False

    @property
    def failed(self) -> bool:
        """Whether it was tried and did not come to its end."""
        return self.status in FAILED


@dataclass
class Manifest:
    """A run, and its pages in the order of the recipe."""

    run: str
    started: str
    ended: str
    trigger: str  # run, backfill, rerun
    python: str
    recipe: str
    pages: list[Entry]
    whole: list[str] = field(default_factory=list)  # reports of which these are all pages there are
    home: str = ""  # the recipe, as its path is from the folder of pages
    schema: int = SCHEMA

    def text(self) -> str:
        """The file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into the folder of a run that is being built; all else is there already."""
    (folder / NAME).write_text(manifest.text(), encoding="utf-8")


def read_manifest(folder: Path) -> Manifest | None:
    """Manifest in the folder of a run; None if there is none that can be read, or only a later version could."""
    try:
        table = json.loads((folder / NAME).read_bytes())
        manifest = msgspec.convert(table, Manifest)  # what a later version added is left out
        for moment in (manifest.started, manifest.ended):
            check_moment(moment)
        for entry in manifest.pages:
            check_entry(entry)
        _check(manifest.run == folder.name and manifest.schema == SCHEMA)
        return manifest
    except (OSError, ValueError, RecursionError, msgspec.MsgspecError):
        return None


class _Start(msgspec.Struct):
    started: datetime


def began(folder: Path) -> datetime | None:
    """When the run in a folder began, UTC, by its manifest, of which nothing else is read; None if it does not tell."""
    try:
        return msgspec.json.decode((folder / NAME).read_bytes(), type=_Start).started.astimezone(UTC)
    except (OSError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError):
        return None


def check_entry(entry: Entry) -> None:
    """Refuse what no run writes: whoever edited it by hand could lead readers anywhere.

    Raises
    ------
    ValueError
        A name, a moment or a path is none.
    """
    check_page(entry.run, entry.page)
    _check(re.fullmatch(PAGE, entry.name) is not None)
    _check(entry.page in (f"{entry.name}.html", f"{entry.name}.error.html"))
    check_moment(entry.started)
    _check(date.fromisoformat(entry.day).isoformat() == entry.day)


def check_page(run: str, page: str) -> None:
    """Refuse a path of a page that could lead elsewhere than into its run, with a `ValueError`."""
    _check(re.fullmatch(rf"{PAGE}(\.error)?\.html", page) is not None and re.fullmatch(RUN, run) is not None)


def check_moment(text: str) -> None:
    """Refuse a text that is no moment with its zone, with a `ValueError`."""
    _check(datetime.fromisoformat(text).tzinfo is not None)


def _check(well: bool) -> None:
    if not well:
        raise ValueError("no run writes this")
