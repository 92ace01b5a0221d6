"""What the Linux kernel can do for a process that forks others, and Python has no name for."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER, PR_SET_NAME = 1, 36, 15
MADV_DONTNEED = 4
OWNER = "REPORTING_FORKED_BY"  # in the environment of a forked child, and so of all that it starts


def die_with_parent(parent: int) -> None:
    """End this process when its parent `parent` ends, at once if that has happened."""
    _libc().prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent ended."""
    _libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def name_process(name: str) -> None:
    """Name of this process in `top` and `ps -o comm`, 15 characters at most."""
    _libc().prctl(PR_SET_NAME, name.encode()[:15], 0, 0, 0)


def give_memory_back() -> None:
    """Return to the system what was freed, so that no fork shares it, and the code that importing took."""
    with suppress(AttributeError):  # glibc only
        _libc().malloc_trim(0)
    for start, size in _code_of_files():
        _libc().madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), MADV_DONTNEED)


def _code_of_files() -> Iterator[tuple[int, int]]:
    """Places and sizes of mapped files to which nothing was written, so that they can be read again when needed."""
    start = end = 0
    for line in Path("/proc/self/smaps").read_text().splitlines():
        first, *words = line.split(None, 5)
        if not first.endswith(":"):
            constant = words[0] in ("r-xp", "r--p") and words[-1].startswith("/")
            start, end = (int(place, 16) for place in first.split("-"))
        elif first == "Anonymous:" and words[0] == "0" and constant:
            yield start, end - start


def children(pid: int) -> list[int]:
    """Children of a process, started by any of its threads."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def owner(pid: int) -> str | None:
    """Mark of the forked child that a process descends from; None if there is none."""
    with suppress(OSError):
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            name, _, value = entry.partition(b"=")
            if name == OWNER.encode():
                return value.decode()
    return None


def kill_tree(pid: int) -> None:
    """Kill a process and all its descendants, the parent first, so that it starts no more."""
    with suppress(OSError):
        os.kill(pid, signal.SIGSTOP)
    below = children(pid)
    with suppress(OSError):
        os.kill(pid, signal.SIGKILL)
    for child in below:
        kill_tree(child)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
