"""In a forked child: become the kernel that `python -m ipykernel_launcher` would be."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from typing import Any

LAUNCHER = "ipykernel_launcher"
PRELOAD = [
    "ipykernel.kernelapp",
    "ipykernel.zmqshell",
    "ipykernel.debugger",
    "IPython.core.completer",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.core.magics",
    "IPython.core.oinspect",
    "IPython.core.pylabtools",
    "IPython.extensions.storemagic",
    "reporting.figures.formatter",
    "reporting.kernels.mortal",
]


def arguments(command: Sequence[str]) -> list[str] | None:
    """Arguments of the kernel in a command; None if the command starts something else."""
    if list(command[1:3]) != ["-m", LAUNCHER] or os.path.realpath(command[0]) != os.path.realpath(sys.executable):
        return None
    return list(command[3:])


def run(arguments: list[str], ready: int) -> None:
    """Run a kernel to its end; `ready` is a file that gets a byte when its sockets are open."""
    from ipykernel.kernelapp import IPKernelApp

    launcher = importlib.util.find_spec(LAUNCHER)
    sys.argv = [launcher.origin or LAUNCHER if launcher else LAUNCHER, *arguments]
    parent = os.getppid()  # the server, whose end is this kernel's
    os.environ["JPY_PARENT_PID"] = str(parent)
    app: Any = IPKernelApp.instance(parent_handle=parent)
    app.initialize(None)
    os.write(ready, b"1")
    os.close(ready)
    app.start()
