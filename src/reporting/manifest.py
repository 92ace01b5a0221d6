"""What the runs of a report left behind: a small JSON file beside its page.

The index is made of these files alone. A failed run changes only `failure`; what is
said about the last good page stays, as the page itself does.
"""

import os
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

State = Literal["current", "failed", "not built"]


class KeyFigure(BaseModel):
    """The first headline of a page: ``28.2``, ``%``, ``of new users shared a project``."""

    number: str = ""
    unit: str = ""
    text: str = ""


class Good(BaseModel):
    """The last run that went to its end; its page stands."""

    page: str
    title: str
    question: str = ""
    as_of: str | None = None
    built: datetime
    seconds: float
    commit: str | None = None
    data: str | None = None
    files: list[str] = []
    key_figure: KeyFigure | None = None
    parameters: dict[str, Any] = {}


class Failure(BaseModel):
    """The last run, if it failed, and since when all runs have."""

    page: str
    at: datetime
    since: datetime
    runs: int
    seconds: float
    notebook: str
    cell: int | None
    first_line: str
    cause: str


class Manifest(BaseModel):
    """One report: its last good page, and its failure if the run after that failed."""

    model_config = ConfigDict(extra="ignore")

    version: int = 1
    name: str
    group: str = "Reports"
    title: str = ""
    good: Good | None = None
    failure: Failure | None = None

    @property
    def state(self) -> State:
        """``failed`` if the last run failed, ``current`` if it went well."""
        if self.failure:
            return "failed"
        return "current" if self.good else "not built"


def read_manifest(out: Path, name: str) -> Manifest:
    """Manifest of the report `name`, an empty one if it never ran or cannot be read."""
    try:
        manifest = Manifest.model_validate_json((out / f"{name}.json").read_bytes())
    except (FileNotFoundError, ValidationError):
        manifest = Manifest(name=name)
    if manifest.good and not (out / manifest.good.page).is_file():
        manifest.good = None  # what nobody can open is not built
    return manifest


def write_manifest(out: Path, manifest: Manifest) -> None:
    """Write a manifest beside its page."""
    write_whole(out / f"{manifest.name}.json", manifest.model_dump_json(indent=2) + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
