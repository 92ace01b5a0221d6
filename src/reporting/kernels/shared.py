"""The warm server that all processes of a user share, so that a kernel is warm whoever asks for it.

It lies in the user's runtime folder, one for each interpreter, each list of modules, and each environment that would
make a starting Python another one. It ends after ten minutes without a kernel, and makes room for a new one when a file
of a module that it has loaded was changed: a restarted kernel always runs the code on disk.
"""

import fcntl
import hashlib
import json
import os
import signal
import socket
import stat
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from reporting.forking.client import ask, connect, launch
from reporting.kernels import NAME
from reporting.kernels.kernel import PRELOAD

IDLE = 600.0  # seconds
# What an interpreter or a library reads once, when it starts or is imported.
DECISIVE = (
    "PYTHON", "LD_", "LC_", "LANG", "MPL", "MATPLOTLIB", "OMP_", "OPENBLAS_", "MKL_", "ARROW_", "MALLOC_", "NUMEXPR_",
    "IPYTHON", "JUPYTER_", "XDG_", "HOME", "TMPDIR",
)  # fmt: skip


def shared_server(preload: Sequence[str], env: Mapping[str, str]) -> str:
    """Socket of the user's server for these modules, started if it is not there.

    Raises
    ------
    OSError
        It cannot be started.
    """
    folder = runtime_folder()
    decisive = {name: value for name, value in sorted(env.items()) if name.startswith(DECISIVE)}
    key = hashlib.sha256(json.dumps([sys.executable, list(preload), decisive]).encode()).hexdigest()[:16]
    path = folder / key
    with (folder / f"{key}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with suppress(OSError):
            connect(str(path)).close()
            return str(path)
        path.unlink(missing_ok=True)
        start(path, preload, env)
    return str(path)


def start(path: Path, preload: Sequence[str], env: Mapping[str, str], idle: float = IDLE) -> None:
    """Start a shared server at `path`."""
    settings = {"preload": [*PRELOAD, *preload], "name": NAME, "idle": idle}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)
        log = path.with_suffix(".log")
        log.unlink(missing_ok=True)
        launch([{**settings, "listener": listener.fileno()}], log, server_environment(env)).wait(10)


def server_environment(env: Mapping[str, str]) -> dict[str, str]:
    """Environment of a server of kernels: matplotlib draws inline from the start, as in a kernel."""
    return {"MPLBACKEND": "module://matplotlib_inline.backend_inline", **env}


def shared_sockets() -> list[Path]:
    """Sockets of the user's shared servers; those that nobody serves any more are removed."""
    found = []
    for path in sorted(runtime_folder().iterdir()):
        if stat.S_ISSOCK(path.lstat().st_mode):
            try:
                connect(str(path), 5).close()
                found.append(path)
            except OSError:
                path.unlink(missing_ok=True)
    return found


def stop_shared_servers(timeout: float = 5.0) -> int:
    """End all shared servers of the user and their kernels; how many there were."""
    stopped = 0
    for path in shared_sockets():
        with suppress(OSError):
            os.kill(ask(str(path), timeout)["pid"], signal.SIGTERM)
            stopped += 1
            until = time.monotonic() + timeout
            while time.monotonic() < until:
                connect(str(path)).close()  # refused once it has ended
                time.sleep(0.05)
        path.unlink(missing_ok=True)
    return stopped


def runtime_folder() -> Path:
    """Folder for the user's sockets, which nobody else may enter."""
    parent = os.environ.get("XDG_RUNTIME_DIR")
    folder = Path(parent, NAME) if parent else Path(tempfile.gettempdir(), f"{NAME}-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise OSError(f"{folder} is not a folder of yours alone, so no warm kernel is taken from it. Remove it.")
    return folder
