"""What the runs of a report left behind: a small JSON file beside its page.

The index is made of these files alone. A failed run changes only `failure`; what is
said about the last good page stays, as the page itself does.
"""

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from reporting.pages.facts import Failure, Good


class Manifest(BaseModel):
    """One report: its last good page, and its failure if the run after that failed."""

    model_config = ConfigDict(extra="ignore")

    version: int = 1
    name: str
    group: str = "Reports"
    title: str = ""
    good: Good | None = None
    failure: Failure | None = None


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
