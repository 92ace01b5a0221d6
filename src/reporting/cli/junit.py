"""What came of runs as JUnit XML: continuous integration shows it as tests, one a page."""

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from reporting.errors import RefusedError

if TYPE_CHECKING:
    from reporting.publishing.manifest import Entry
    from reporting.publishing.run import Run

UNWRITABLE = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML has no way to say


def check_place(file: Path) -> None:
    """Refuse a file that could not be written after everything has run.

    Raises
    ------
    RefusedError
        Its folder is not there, or it is a folder itself, or it may not be written.
    """
    if file.is_dir() or not file.absolute().parent.is_dir():
        raise RefusedError(f"--junit {file}: this is no file in a folder that is there. Make the folder first.")
    if not os.access(file if file.exists() else file.absolute().parent, os.W_OK):
        raise RefusedError(f"--junit {file}: you may not write there. Name another file.")


def write_junit(file: Path, runs: Sequence["Run"]) -> None:
    """Write a file of all pages that were asked for: built ones pass, unchanged ones are skipped, failed ones fail."""
    entries = [(entry, run) for run in runs for entry in run.entries]
    suite = ET.Element(
        "testsuite",
        name="metrics report",
        tests=str(len(entries)),
        failures=str(sum(entry.failed for entry, _ in entries)),
        errors="0",
        skipped=str(sum(entry.status == "unchanged" for entry, _ in entries)),
        time=f"{sum(_seconds(entry) for entry, _ in entries):.2f}",
    )
    for entry, run in entries:
        name = f"{entry.name} {entry.day}" if entry.backfill else entry.name
        case = ET.SubElement(suite, "testcase", classname=entry.report, name=name, time=f"{_seconds(entry):.2f}")
        if entry.failed:
            error = run.errors[entry.name]
            failure = ET.SubElement(case, "failure", type=entry.status, message=_writable(str(error)))
            failure.text = _writable(error.traceback or error.cause)
        elif entry.status == "unchanged":
            ET.SubElement(case, "skipped", message="nothing changed")
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    file.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n")


def _seconds(entry: "Entry") -> float:
    return 0.0 if entry.status == "unchanged" else entry.wall_seconds


def _writable(text: str) -> str:
    return UNWRITABLE.sub("\ufffd", text)
