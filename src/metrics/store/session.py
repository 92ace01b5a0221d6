"""Sessions with DuckDB: one database in a process for each memory and thread setting, nothing fetched from a network.

Starting DuckDB takes some 40 ms, so it is started once and every reader gets a cursor of it. After a fork the child
starts its own: threads do not survive a fork, and the one of the parent would wait for them for ever.
"""

import atexit
import ctypes
import functools
import os
import re
import shutil
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb

SHARE = 4  # by default a source takes one part in four of the memory that is free for this process
LEAST = 256 * 2**20
UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
UNITS |= {"kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}

_lock = threading.Lock()
_open: dict[tuple[int, int], "duckdb.DuckDBPyConnection"] = {}


def session(memory: int, threads: int) -> "duckdb.DuckDBPyConnection":
    """A new cursor of the database with these settings; it belongs to the thread that asked."""
    key = (memory, threads)
    with _lock:
        if key not in _open:
            _open[key] = _start(memory, threads)
        cursor = _open[key].cursor()
    cursor.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
    return cursor


def standard_session() -> "duckdb.DuckDBPyConnection":
    """A cursor with the memory and threads that are used where nothing is said."""
    return session(read_memory(None), read_threads(None))


def arrow_reader(con: "duckdb.DuckDBPyConnection", query: str, rows: int = 2**17) -> Any:
    """The result of a query as a reader of Arrow batches of about so many rows."""
    relation = con.sql(query)
    return (getattr(relation, "to_arrow_reader", None) or relation.fetch_record_batch)(rows)  # the latter before 1.5


def _start(memory: int, threads: int) -> "duckdb.DuckDBPyConnection":
    import duckdb

    spill = tempfile.mkdtemp(prefix="metrics-")
    atexit.register(_remove, spill, os.getpid())
    return duckdb.connect(
        ":memory:",
        config={
            "memory_limit": f"{memory}B",
            "threads": threads,
            "temp_directory": spill,
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
        },
    )


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:  # a forked child must not take its parent's away
        shutil.rmtree(folder, ignore_errors=True)


def _forked() -> None:
    """In a child: a lock that another thread held would stay held, and what the parent opened must never be closed.

    Closing waits for threads, which are the parent's; one reference more keeps it from being closed at exit.
    """
    global _lock
    _lock = threading.Lock()
    for connection in _open.values():
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)


def read_memory(memory: str | int | None) -> int:
    """Bytes that a source may use: as told (``"2 GB"``), else a share of what is free for this process."""
    if memory is None:
        return max(LEAST, free_memory() // SHARE)
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*", str(memory))
    if found is None or found[2].lower() not in UNITS:
        raise ValueError(f"memory: {memory!r} is not an amount of memory. Write it as '2 GB' or '500 MB'.")
    told = int(float(found[1]) * UNITS[found[2].lower()])
    if told < 64 * 10**6:
        raise ValueError(f"memory: {memory!r} is too little to read events with. Allow at least 64 MB.")
    return told


@functools.cache  # asked once: another answer would be another setting, and so another database
def free_memory() -> int:
    """Bytes free for this process: what the machine has, or less where its control group allows less."""
    free = _machine_memory()
    for limit, used in (
        ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
        ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
    ):
        allowed, taken = _number(limit), _number(used)
        if allowed is not None:
            free = min(free, max(0, allowed - (taken or 0)))
    return free


def _machine_memory() -> int:
    try:
        found = re.search(r"^MemAvailable:\s*(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found is not None:
        return int(found[1]) * 1024
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):  # no such question on this system
        return 4 * 2**30


def _number(path: str) -> int | None:
    try:
        text = Path(path).read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdecimal() else None


def read_threads(threads: int | None) -> int:
    """Threads that a source may use: as told, else the CPUs that this process may use."""
    if threads is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise ValueError(f"threads: {threads!r} is not a number of threads. Use a whole number from 1.")
    return threads
