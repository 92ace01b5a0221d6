"""The folder of a run for what none may see and nobody needs afterwards: sockets, and tables that kernels have read."""

import os
import shutil
import stat
import time
from contextlib import suppress
from pathlib import Path

from reporting.forking.folders import private_folder

PREFIX = "report-"
ALIVE = "alive"  # a file that its run keeps locked
YOUNG = 60.0  # seconds in which a run may not have come to lock its own


class Scratch:
    """A folder for the life of this process; those of runs that were killed are removed.

    Attributes
    ----------
    path
        The folder, for this user alone.
    tables
        Folder in it, in which kernels leave to each other the tables that they have read.
    """

    def __init__(self) -> None:
        self.path = Path(private_folder(PREFIX))
        self.tables = self.path / "tables"
        self.tables.mkdir()
        self._lock = (self.path / ALIVE).open("wb")
        _lock(self._lock.fileno())
        _remove_dead(self.path.parent)

    def remove(self) -> None:
        """Leave nothing behind."""
        self._lock.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _remove_dead(folder: Path) -> None:
    """Remove folders of runs that ended without a chance to do so."""
    if not hasattr(os, "getuid"):  # Windows, where files of a living run cannot be removed anyway
        return
    for place in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            state = place.lstat()
            if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.getuid() or state.st_mode & 0o077:
                continue
            if time.time() - state.st_mtime < YOUNG:
                continue
            with (place / ALIVE).open("rb") as mark:  # a folder without one is none of ours
                if _lock(mark.fileno()):
                    shutil.rmtree(place, ignore_errors=True)


def _lock(file: int) -> bool:
    """Lock an open file for as long as it is open; whether nobody else has."""
    try:
        import fcntl

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (ImportError, OSError):
        return False
    return True
