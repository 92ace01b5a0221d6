"""Staging: new files are made out of sight and take their places whole, or not at all.

They are written into a hidden folder beside, brought to disk, and renamed. The hidden folder is also the lock: who
writes holds it, and what a writer left who was killed is cleared by the next. Where folders cannot be held (Windows) a
file beside is the lock; one that a killed writer left has to be deleted by hand.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from metrics.files import EventTableError

try:
    import fcntl
except ModuleNotFoundError:  # Windows
    fcntl = None  # type: ignore[assignment]


@contextmanager
def staging(target: Path) -> Iterator[Path]:
    """An empty hidden folder beside `target`, for one writer at a time; it is gone afterwards."""
    folder = target.with_name(f".{target.name}.partial")
    with _locked(folder, target) if fcntl is not None else _marked(folder, target):
        for left in folder.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        yield folder


@contextmanager
def _marked(folder: Path, target: Path) -> Iterator[None]:
    lock = target.with_name(f".{target.name}.lock")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        lock.touch(exist_ok=False)
    except FileExistsError as error:
        advice = f"Wait until it is done; if it was killed, delete {lock}."
        raise EventTableError(f"{target}: is being written by another process. {advice}") from error
    try:
        folder.mkdir(exist_ok=True)
        yield
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink()


@contextmanager
def _locked(folder: Path, target: Path) -> Iterator[None]:
    held = _hold(folder, target)
    try:
        yield
    finally:
        if _is_held(held, folder):  # else it was renamed, and this may be the folder of the next writer
            shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _is_held(held: int, folder: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(held), folder.stat())
    except FileNotFoundError:
        return False


def _hold(folder: Path, target: Path) -> int:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(held)
            raise EventTableError(f"{target}: is being written by another process. Wait until it is done.") from error
        if _is_held(held, folder):
            return held
        os.close(held)  # the folder went with the writer before; make another


def publish(folder: Path, target: Path) -> None:
    """Bring the files of a staging folder to disk, then rename them into `target`, which may not be there yet."""
    for left in folder.iterdir():
        if left.is_dir():
            shutil.rmtree(left)
    files = sorted(folder.iterdir())
    for file in files:
        _sync(file)
    if target.exists():
        for file in files:
            os.replace(file, target / file.name)
        _sync(target)
    else:
        os.replace(folder, target)  # a new store appears with all of its files at once
        _sync(target.parent)


def _sync(path: Path) -> None:
    if fcntl is None and path.is_dir():
        return  # Windows opens no folder, and none needs it there
    opened = os.open(path, os.O_RDONLY if fcntl is not None else os.O_RDWR)  # Windows syncs only what it may write
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
