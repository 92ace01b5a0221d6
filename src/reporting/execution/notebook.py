"""Run a notebook with papermill, to its end or to a clear error."""

import os
import re
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from reporting.errors import ReportError
from reporting.execution.jupyter import (
    CellTimeoutError,
    Config,
    DeadKernelError,
    PapermillExecutionError,
    nbformat,
    papermill,
)

# Sockets in the user's own folder: no ports to collide on, nothing for others on the machine to read.
TRANSPORT = Config({"KernelManager": {"transport": "ipc" if os.name == "posix" else "tcp"}})
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def execute_notebook(
    notebook: Path,
    output: Path,
    given: Mapping[str, Any],
    *,
    timeout: float = 600.0,
    progress: Callable[[int, int], None] | None = None,
) -> Any:
    """Run a notebook in its own folder and return it with its outputs.

    Parameters
    ----------
    notebook
        Left as it is.
    output
        Where the executed notebook goes; after a failure it holds what ran.
    given
        Parameters to set, already checked.
    timeout
        Seconds for the whole notebook.
    progress
        Called with the cells done and all cells.

    Raises
    ------
    ReportError
        A cell failed or stopped the run early, the kernel died, or time ran out.
    """
    os.environ["TQDM_DISABLE"] = "1"  # a page shows no bar that moved; the kernel inherits it
    deadline = time.monotonic() + timeout
    running: list[int] = []  # position of the cell that runs, in the executed notebook

    def on_start(cell: Any, cell_index: int) -> None:
        running[:] = [cell_index]
        if progress:
            progress(cell_index, cells + bool(given))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about ids of cells: nothing a reader could do
        source = nbformat.read(notebook, as_version=4)  # type: ignore[no-untyped-call]
    cells = len(source.cells)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the same, and about event loops
            executed = papermill.execute_notebook(
                _literal(notebook),
                _literal(output),
                parameters=dict(given),
                cwd=str(notebook.parent),
                kernel_name="python3",
                language="python",
                progress_bar=False,
                timeout_func=lambda cell: max(1.0, deadline - time.monotonic()),
                on_cell_start=on_start,
                shutdown_kernel="immediate",
                config=TRANSPORT,
            )
    except PapermillExecutionError as error:
        cause = _one_line(f"{error.ename}: {error.evalue}")
        traceback = ANSI.sub("", "\n".join(error.traceback))
        raise _failure(notebook, source, error.cell_index, given, cause, traceback) from None
    except CellTimeoutError:
        cause = f"the report took longer than its {timeout:g} seconds. Give it more with 'timeout', or read less data."
        raise _failure(notebook, source, running[-1], given, cause) from None
    except DeadKernelError:
        cause = "the kernel died. Most often memory ran out, or a library crashed."
        raise _failure(notebook, source, running[-1] if running else None, given, cause) from None
    except RuntimeError as error:  # the kernel never answered
        raise ReportError(notebook, None, f"the kernel did not start: {_one_line(str(error))}") from None
    for index, cell in enumerate(executed.cells):
        if any(part.output_type == "error" for part in cell.get("outputs", [])):
            cause = "the notebook stopped itself here, so the rest of the report is missing. Remove the exit."
            raise _failure(notebook, source, index, given, cause)
    if progress:
        progress(len(executed.cells), len(executed.cells))
    return executed


def _failure(
    notebook: Path, source: Any, index: int | None, given: Mapping[str, Any], cause: str, traceback: str = ""
) -> ReportError:
    """Error at a cell of the notebook as its author sees it: without the cell that papermill put in."""
    if index is None:
        return ReportError(notebook, None, cause, traceback=traceback)
    tagged = [i for i, cell in enumerate(source.cells) if "parameters" in cell.metadata.get("tags", [])]
    if given and (not tagged or index > tagged[0]):
        index -= 1
    index = min(max(index, 0), len(source.cells) - 1)
    lines = re.findall(r"Cell In\[\d+\], line (\d+)", traceback)
    code = source.cells[index].source
    line = int(lines[-1]) if lines and int(lines[-1]) <= len(code.splitlines()) else None
    return ReportError(notebook, index + 1, cause, source=code, line=line, traceback=traceback)


def _literal(path: Path) -> str:
    """Path as papermill takes it: it fills braces as fields."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _one_line(text: str) -> str:
    return " ".join(ANSI.sub("", text).split())
