"""What a run has to tell to its hooks, kept for the next one should it be killed before it has.

    .cache/untold-ID    from before readers see the run until its hooks were told; a line for each page that was

The run keeps the file locked while it lives, so that nobody else tells meanwhile.
"""

import os
import weakref
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from reporting.publishing.folder import RUN, TEMPORARY, Folder, sync
from reporting.publishing.manifest import Entry
from reporting.recipe.file import Recipe

MARK = "untold-"


class Untold:
    """The file of one run, locked.

    Raises
    ------
    OSError
        It cannot be opened, or who it belongs to is alive.
    """

    def __init__(self, path: Path, flags: int = 0) -> None:
        import fcntl

        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | flags, 0o644)
        self._open = weakref.finalize(self, os.close, self._file)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._open()
            raise

    def told(self, page: str) -> None:
        """Note that the hooks of a page were told."""
        with suppress(OSError):  # a full disk: then it is told twice
            os.write(self._file, f"{page}\n".encode())

    def pages(self) -> set[str]:
        """Pages whose hooks were told."""
        return set(self.path.read_text(encoding="utf-8", errors="replace").splitlines())

    def settle(self) -> None:
        """Leave nothing to tell."""
        with suppress(OSError):
            self.path.unlink()
        self._open()


def news(recipe: Recipe, run: str, entries: Iterable[Entry]) -> list[Entry]:
    """Pages of a run that a hook is to be told of: those that failed now, and those on which a rule fired now."""
    found = []
    for entry in entries:
        report = recipe.reports.get(entry.report)
        hook = report and (report.on_failure if entry.failed else report.on_alert)
        if hook and entry.run == run and not entry.backfill and (entry.failed or entry.alerts):
            found.append(entry)
    return found


def owe(folder: Folder, run: str) -> Untold:
    """Write down that a run that is about to be shown has to tell; for one that holds the lock of the folder."""
    part = folder.cache / f"{TEMPORARY}{MARK}{run}"
    untold = Untold(part, os.O_CREAT)
    untold.path = folder.cache / f"{MARK}{run}"
    os.rename(part, untold.path)  # locked before anybody looks at it
    sync(folder.cache)
    return untold


def owed(folder: Folder) -> Iterator[tuple[str, Untold]]:
    """Runs that were killed before they told all, the oldest first."""
    for path in sorted(folder.cache.glob(f"{MARK}*")):
        run = path.name.removeprefix(MARK)
        if not RUN.fullmatch(run):
            continue
        try:
            untold = Untold(path)
            if path.exists():  # else another run told it at this moment
                yield run, untold
        except OSError:
            continue
