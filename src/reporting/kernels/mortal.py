"""An extension of IPython for kernels of reports: they end with the process that started them, whatever they do.

ipykernel itself looks for its parent once a second, which it cannot while a library holds the interpreter. What tells
Linux so counts the thread that started the kernel, not its process: in a worker that is the main one.
"""

import os
from typing import Any

from reporting.forking import linux
from reporting.kernels import AVAILABLE


def load_ipython_extension(shell: Any) -> None:
    """End with the parent from now on, at once if it is gone."""
    parent = os.environ.get("JPY_PARENT_PID")
    if AVAILABLE and parent:
        linux.die_with_parent(int(parent))
