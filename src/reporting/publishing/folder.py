"""The folder that readers see, and how it changes: by one rename, from one whole state to the next.

    index.html                all pages and how they stand (a link into `latest`)
    latest/                   the last good page of every report (a link to one of `views`)
    runs/ID/manifest.json     what a run did; written last, so that a run with one is whole
    runs/ID/NAME.html         its pages, notebooks and logs
    views/ID/                 what `latest` shows, or showed a moment ago
    .lock  .cache/            one run at a time; what can be made again from the manifests

What is under way is called ``.tmp-…``. If its run was killed, the next one removes it.
"""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reporting.errors import LockedError, RefusedError

RUN = re.compile(r"[0-9]{8}T[0-9]{6}\.[0-9]{6}Z-[0-9a-f]{4}")
STAMP = "%Y%m%dT%H%M%S.%fZ"
TEMPORARY = ".tmp-"
LINKS = ("link-", "")  # before the name of what is about to be put into the place of another, or has left it
LOCK = ".lock"
GRACE = 600.0  # seconds that a view stays after it was replaced, for those who are reading


class Folder:
    """A folder of published reports."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.runs = out / "runs"
        self.views = out / "views"
        self.latest = out / "latest"
        self.index = out / "index.html"
        self.cache = out / ".cache"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only run here; make the folders that are missing, and remove what killed runs left.

        Raises
        ------
        LockedError
            Another run is at work. Nothing was written.
        RefusedError
            No run was ever here, and something of somebody's has a name that runs need. Nothing was written.
        """
        import fcntl

        self.out.mkdir(parents=True, exist_ok=True)
        taken = [path for path in (self.index, self.latest, self.runs, self.views) if os.path.lexists(path)]
        if taken and not (self.out / LOCK).exists() and not self.run_ids():
            raise RefusedError(
                f"{taken[0]}: this is there already, and of no run, which would take its place. "
                "Name another folder with --out, or by 'out' in the recipe."
            )
        lock = os.open(self.out / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise LockedError(f"{self.out}: another run is at work here. Wait for its end.") from None
            for folder in (self.runs, self.views, self.cache):
                folder.mkdir(exist_ok=True)
            self.sweep()
            yield
        finally:
            os.close(lock)

    def sweep(self) -> None:
        """Remove what runs left that did not come to their end; only who holds the lock may."""
        stale = [str(self.out / f"{TEMPORARY}{end}{path.name}") for path in (self.latest, self.index) for end in LINKS]
        for folder in (self.runs, self.views, self.cache):
            with os.scandir(folder) as entries:
                stale += [entry.path for entry in entries if entry.name.startswith(TEMPORARY)]
        for path in stale:
            remove(Path(path))
        shown = os.path.basename(self._shown())
        with os.scandir(self.views) as entries:
            views = [e for e in entries if RUN.fullmatch(e.name) and e.name != shown]
            old = [e.path for e in views if datetime.now().timestamp() - e.stat().st_mtime > GRACE]
        for path in old:
            remove(Path(path))

    def run_ids(self) -> list[str]:
        """Runs that came to their end, the oldest first."""
        if not self.runs.is_dir():
            return []
        return sorted(name for name in os.listdir(self.runs) if RUN.fullmatch(name))

    def new_id(self, now: datetime | None = None) -> str:
        """Name of a run, later than those of all other runs even if the clock was set back."""
        moment = (now or datetime.now(UTC)).astimezone(UTC)
        ids = self.run_ids()
        if ids and ids[-1][:23] >= moment.strftime(STAMP):
            try:
                moment = started(ids[-1]) + timedelta(microseconds=1)
            except (ValueError, OverflowError):
                raise RefusedError(
                    f"{self.runs / ids[-1]}: no run began then, and none can come after it. Remove this folder."
                ) from None
        return f"{moment.strftime(STAMP)}-{secrets.token_hex(2)}"

    def begin(self, run: str) -> Path:
        """Folder in which a run is built, for nobody else to read."""
        folder = self.runs / f"{TEMPORARY}{run}"
        folder.mkdir(mode=0o700)
        return folder

    def finish(self, run: str) -> None:
        """Put a built run among the others, whole; its manifest was written last."""
        folder = self.runs / f"{TEMPORARY}{run}"
        for path, _, files in os.walk(folder):
            for name in files:
                sync(Path(path, name))
            sync(Path(path))
        folder.chmod(0o755)
        os.rename(folder, self.runs / run)
        sync(self.runs)

    def show(self, view: Path) -> None:
        """Let `latest` show a view: one rename, before it readers see the old pages, after it the new ones."""
        for path, _, _ in os.walk(view):
            sync(Path(path))
        shown = self.views / view.name.removeprefix(TEMPORARY)
        os.rename(view, shown)
        if before := self.shows():
            os.utime(self.views / before)  # from now on it is old
        link(self.latest, f"views/{shown.name}")
        link(self.index, "latest/index.html")
        back = os.path.relpath(
            self.out, self.runs.resolve()
        )  # from another disk too, if a link leads to the runs there
        link(self.runs / "index.html", f"{back}/index.html")  # so that pages of a past run lead to the same places
        link(self.runs / "latest", f"{back}/latest")
        sync(self.out)

    def _shown(self) -> str:
        try:
            return os.readlink(self.latest)
        except OSError:
            return ""

    def shows(self) -> str:
        """Name of the view that `latest` shows, empty if there is none, or if somebody let it lead elsewhere."""
        folder, _, name = self._shown().rpartition("/")
        return name if name and folder == self.views.name and (self.views / name).is_dir() else ""


def started(run: str) -> datetime:
    """Moment in the name of a run."""
    return datetime.strptime(run[:23], STAMP).replace(tzinfo=UTC)


def link(path: Path, target: str) -> None:
    """Let a symbolic link lead to its target, by one rename if it does not yet."""
    with suppress(OSError):
        if os.readlink(path) == target:
            return
    part = path.with_name(f"{TEMPORARY}{LINKS[0]}{path.name}")
    part.unlink(missing_ok=True)
    os.symlink(target, part)
    if path.is_dir() and not path.is_symlink():  # a copy of the folder has pages where links were
        remove(path)
    os.replace(part, path)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    part = path.with_name(f"{TEMPORARY}{path.name}")
    try:
        part.write_text(text, encoding="utf-8")
        sync(part)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file or folder is on disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder; first out of sight, so that no half of it is ever taken for a whole."""
    if not path.is_dir() or path.is_symlink():
        path.unlink(missing_ok=True)
        return
    if not path.name.startswith(TEMPORARY):
        hidden = path.with_name(f"{TEMPORARY}{path.name}")
        os.rename(path, hidden)
        path = hidden
    shutil.rmtree(path, ignore_errors=True)
