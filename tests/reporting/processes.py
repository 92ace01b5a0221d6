"""Waiting for other processes, with an end to every wait, on machines that may be slow."""

import os
import time
from pathlib import Path

PATIENCE = 20.0  # seconds; what should take a fraction of one may take long beside other tests


def until(condition, seconds=PATIENCE):
    """What `condition` returns once it is true, else what it returned at last."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found or time.monotonic() > end:
            return found
        time.sleep(0.02)


def lives(pid):
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def gone(*pids, seconds=PATIENCE):
    """Whether all processes end in time."""
    return until(lambda: not any(map(lives, pids)), seconds)


def pid_in(path):
    """Number that a process wrote into a file, once it is there."""
    text = until(lambda: path.exists() and path.read_text().strip())
    assert text, f"nothing wrote {path}"
    return int(text)


def processes_with(name, value):
    """Processes whose environment says so."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if f"{name}={value}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return [pid for pid in found if lives(pid)]
