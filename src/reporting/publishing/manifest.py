"""What a run did: one JSON file in its folder, from which everything else can be told again.

`manifest.schema.json` describes it for other programs. Fields are only ever added within a version.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

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
    schema: int = SCHEMA

    def text(self) -> str:
        """The file."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into the folder of a run that is being built; all else is there already."""
    (folder / NAME).write_text(manifest.text(), encoding="utf-8")


def read_manifest(folder: Path) -> Manifest | None:
    """Manifest in the folder of a run; None if there is none that can be read."""
    try:
        table = json.loads((folder / NAME).read_bytes())
        pages = [entry_of(page) for page in table["pages"]]
        return Manifest(**(_known(Manifest, table) | {"pages": pages}))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def entry_of(table: Mapping[str, Any]) -> Entry:
    """Entry of its JSON; what a later version added is left out."""
    return Entry(**_known(Entry, table))


def _known(kind: type, table: Mapping[str, Any]) -> dict[str, Any]:
    names = {part.name for part in fields(kind)}
    return {name: value for name, value in table.items() if name in names}
