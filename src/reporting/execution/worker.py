"""One run of one notebook, in a process of its own.

The process gets what to do in JSON and says on its standard output, line by line, which cell it begins and at last how
it went. Everything else that anyone writes goes to its standard errors, the log.
"""

import json
import math
import os
import re
import sys
import traceback
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from reporting.errors import cut
from reporting.execution.engine import ENGINE, Control, OutputTooLargeError, ReportKernelManager, StoppedError
from reporting.execution.jupyter import (
    CellTimeoutError,
    Config,
    DeadKernelError,
    KernelProvisionerFactory,
    PapermillExecutionError,
    nbformat,
    papermill,
)
from reporting.execution.values import register_dates
from reporting.forking import linux
from reporting.kernels import AVAILABLE, NAME
from reporting.recipe.secrets import Secrets

register_dates()
START = 60  # seconds for a kernel to answer
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
# The user's history is for what users type.
KERNEL = [
    "--HistoryManager.enabled=False",
    "--Session.packer=reporting.kernels.packing.pack",
    *(f"--IPKernelApp.extra_extensions=reporting.{name}" for name in ("figures", "kernels.mortal")),
]
# Nothing is drawn that moves, for a page shows only its last state.
ENVIRONMENT = {"TQDM_DISABLE": "1"}
TABLES = "METRICS_KEEP"  # the folder where `metrics` leaves what it has read; whoever sets it decides
MOST = {"cause": 2_000, "traceback": 100_000}  # letters, for it stands on a page, in the manifest, and on a terminal
EXIT = "the notebook stopped itself here, so the rest of the report is missing. Remove the exit."
DIED = "the kernel died. Most often memory ran out, or a library crashed."
LOST = "the warm server ended, and the kernel with it."
FLOOD = "the kernel put out more than could be read, and part of it is lost. Let the cell print less."


def run(task: dict[str, Any]) -> None:
    """Run what a task says, and say how it went."""
    said = os.fdopen(os.dup(1), "w", encoding="utf-8", errors="replace")  # of half a sign, as of an emoji cut in two
    os.dup2(2, 1)

    def say(message: dict[str, Any]) -> None:
        said.write(json.dumps(message, ensure_ascii=False) + "\n")
        said.flush()

    secrets = Secrets(task["secrets"])
    env = {TABLES: task["tables"], **ENVIRONMENT} if task["tables"] and TABLES not in os.environ else ENVIRONMENT
    control = Control(task["began"] + task["timeout"], env, task["memory"])
    try:
        ended = _run(task, control, secrets, lambda done, cells: say({"done": done, "cells": cells}))
    except Exception as error:  # of this package, or of what is done with the notebook
        traceback.print_exc()
        name = type(error).__name__
        ended = {"status": "failed", "exception": name, "cause": _one_line(f"{name}: {error}")}
    ended = {
        name: _bounded(name, secrets.redact(value)) if isinstance(value, str) else value
        for name, value in ended.items()
    }
    say({"ended": {**ended, "dropped": control.dropped, **_taken(control.kernel)}})


def warm_up() -> None:
    """Do what every run would wait for: compile the rules for notebooks, and look who can start kernels."""
    KernelProvisionerFactory.instance()
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])  # type: ignore[no-untyped-call]
    nbformat.reads(nbformat.writes(notebook), as_version=4)  # type: ignore[no-untyped-call]


def _run(task: dict[str, Any], control: Control, secrets: Secrets, progress: Callable[[int, int], None]) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about ids of cells: nothing a reader could do
        source = nbformat.read(task["notebook"], as_version=4)  # type: ignore[no-untyped-call]
    author = _Author(source, bool(task["given"]))
    late = (
        f"the report took longer than its {task['timeout']:g} seconds. Give it more with 'timeout', or read less data."
    )
    try:
        executed = _execute(task, control, lambda done: progress(done, author.executed))
    except PapermillExecutionError as error:
        said = "" if error.evalue else _last_words(control.notebook)
        cause = said or _one_line(f"{error.ename}: {error.evalue}".removesuffix(": "))
        if error.ename.endswith(("MemoryError", "CellExecutionError")):  # the second if none is left to say so
            cause += _cap(task["memory"])
        return author.failure(cause, error.cell_index, error.ename, ANSI.sub("", "\n".join(error.traceback)))
    except CellTimeoutError:
        if control.late:
            return {**author.failure(late, control.cell), "status": "timeout"}
        return author.failure(FLOOD, control.cell)
    except DeadKernelError:
        lost = bool(getattr(control.kernel, "lost", False))
        cause = LOST if lost else DIED + _cap(task["memory"])
        return {**author.failure(cause, control.cell), "status": "killed", "lost": lost}
    except StoppedError:
        return author.failure(EXIT, control.cell, "SystemExit")
    except OutputTooLargeError as error:
        return author.failure(str(error), control.cell)
    except RuntimeError as error:  # the kernel never answered
        if control.late:
            return {"status": "timeout", "cause": late}
        if control.cell is not None:
            raise
        return {"status": "killed", "cause": f"the kernel did not start: {_one_line(str(error))}", "lost": True}
    finally:
        if control.notebook is not None:
            _redact(control.notebook, secrets)
            _write(Path(task["output"]), nbformat.writes(control.notebook))  # type: ignore[no-untyped-call]
    for index, cell in enumerate(executed.cells):
        if any(part.output_type == "error" for part in cell.get("outputs", [])):
            return author.failure(EXIT, index, "SystemExit")
    progress(author.executed, author.executed)
    result = None
    if task["then"]:
        module, _, function = task["then"].partition(":")
        result = getattr(import_module(module), function)(executed, task["argument"])
    return {"status": "built", "result": result}


class _Author:
    """A notebook as its author knows it: without the cell that papermill puts in when parameters are given."""

    def __init__(self, notebook: Any, given: bool) -> None:
        self.sources = [cell.source for cell in notebook.cells]
        tagged = [i for i, cell in enumerate(notebook.cells) if "parameters" in cell.metadata.get("tags", [])]
        self.injected = (tagged[0] + 1 if tagged else 0) if given else None

    @property
    def executed(self) -> int:
        """Cells of the executed notebook."""
        return len(self.sources) + (self.injected is not None)

    def failure(self, cause: str, index: int | None, exception: str = "", traceback: str = "") -> dict[str, Any]:
        """A failure at a cell of the executed notebook, told as of the author's."""
        failure = {"status": "failed", "cause": cause, "exception": exception, "traceback": traceback}
        if index is None or not self.sources:
            return failure
        if self.injected is not None and index >= self.injected:
            index -= 1
        index = min(max(index, 0), len(self.sources) - 1)
        source = self.sources[index]
        lines = [int(line) for line in re.findall(r"Cell In\[\d+\], line (\d+)", traceback)]
        line = lines[-1] if lines and lines[-1] <= len(source.splitlines()) else None
        return {**failure, "cell": index + 1, "source": source, "line": line}


def _execute(task: dict[str, Any], control: Control, progress: Callable[[int], None]) -> Any:
    def on_start(cell: Any, cell_index: int) -> None:
        control.cell = cell_index
        progress(cell_index)

    def on_executed(execute_reply: Any, **_: Any) -> None:
        if any(part.get("source") == "ask_exit" for part in execute_reply["content"].get("payload", [])):
            raise StoppedError

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about ids of cells, and about event loops
        return papermill.execute_notebook(
            task["notebook"].replace("{", "{{").replace("}", "}}"),  # papermill fills braces as fields
            None,  # else papermill writes the file anew before and after each cell
            parameters=task["given"],
            cwd=task["workdir"],
            engine_name=ENGINE,
            kernel_name=NAME,
            language="python",
            progress_bar=False,
            start_timeout=math.ceil(min(START, control.left)),
            timeout_func=lambda cell: control.left,
            on_cell_start=on_start,
            on_cell_executed=on_executed,
            shutdown_kernel="immediate",
            coalesce_streams=False,  # the engine does
            config=_connection(task["scratch"]),
            kernel_manager_class=ReportKernelManager,
            extra_arguments=list(KERNEL),
            control=control,
        )


def _connection(folder: str) -> Any:
    """Sockets in a folder for this user alone: no ports to collide on, nothing for others on the machine to read."""
    if os.name != "posix":
        return Config({"KernelManager": {"transport": "tcp"}})
    return Config({"KernelManager": {"transport": "ipc", "connection_file": f"{folder}/kernel-{os.getpid()}.json"}})


def _redact(part: Any, secrets: Secrets) -> None:
    """Mask secrets in all texts of a notebook, in place."""
    if not secrets.values:
        return
    for key, value in part.items() if isinstance(part, dict) else enumerate(part):
        if isinstance(value, str):
            part[key] = secrets.redact(value)
        elif isinstance(value, dict | list):
            _redact(value, secrets)


def _write(path: Path, text: str) -> None:
    """Write the executed notebook, whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with part.open("w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _taken(kernel: Any) -> dict[str, Any]:
    """What the kernel took, as far as it is known."""
    usage = getattr(kernel, "usage", None)
    warm = bool(getattr(kernel, "warm", False))
    if usage is not None:
        return {"warm": warm, "cpu_seconds": usage.cpu, "peak_bytes": usage.peak}
    try:
        import resource
    except ImportError:  # Windows
        return {"warm": warm}
    took = resource.getrusage(resource.RUSAGE_CHILDREN)
    unit = 1 if sys.platform == "darwin" else 1024
    return {"warm": warm, "cpu_seconds": took.ru_utime + took.ru_stime, "peak_bytes": took.ru_maxrss * unit}


def _cap(memory: int | None) -> str:
    """What to do if memory ran out because it is bounded."""
    return f" It may use {memory / 1e6:,.0f} MB: give it more with 'memory', or read less data." if memory else ""


def _one_line(text: str) -> str:
    return " ".join(ANSI.sub("", text).split())


def _last_words(notebook: Any) -> str:
    """The last line that the failing cell wrote to stderr: all that IPython says of a magic that is not there."""
    failed = [cell for cell in notebook.cells if cell.metadata.get("papermill", {}).get("exception")]
    said = "".join(part.text for cell in failed for part in cell.get("outputs", []) if part.get("name") == "stderr")
    return _one_line(said.strip().rpartition("\n")[2])


def _bounded(name: str, text: str) -> str:
    """A text for people to read: of the longest ones, which hold data, the beginning and the end."""
    most = MOST.get(name)
    return text if most is None else cut(text, most, most // 2)


if __name__ == "__main__":  # where processes cannot be forked
    told = json.loads(sys.stdin.read())
    if AVAILABLE:
        linux.die_with_parent(told["parent"])  # or rather with the thread of it that started this process
    run(told)
