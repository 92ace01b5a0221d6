"""papermill's engine, with what a report needs: one deadline, bounded output, a warm kernel, no file rewritten."""

import asyncio
import json
import os
import signal
import time
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from importlib.resources import files
from queue import Empty
from typing import Any

from reporting.execution.bundles import well_formed
from reporting.execution.jupyter import (
    KernelClient,
    KernelManager,
    KernelProvisionerFactory,
    KernelSpec,
    NBClientEngine,
    PapermillNotebookClient,
    papermill_engines,
    run_sync,
)
from reporting.execution.streams import merged
from reporting.kernels import NAME
from reporting.kernels.provisioner import WarmProvisioner
from reporting.recipe.notebook import writable

ENGINE = "report"
TEXT = 1_000_000  # characters that cells may print, in all
DISPLAYED = 64 * 2**20  # characters of everything else that they put out
GRACE = 2.0  # seconds that a kernel has to end by itself


class OutputTooLargeError(Exception):
    """A notebook put out more than a page could hold."""


class StoppedError(Exception):
    """A notebook asked its kernel to end, as `exit` does: whether later cells run before it does is chance."""


class ReportKernelClient(KernelClient):
    """Begins as soon as the kernel answers."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Wait for an answer on both channels.

        Jupyter's own goes on to wait until nothing has come for 0.2 seconds. There is no need, for whoever reads the
        outputs of a cell passes over what belongs to no cell.
        """
        until = time.monotonic() + (timeout or float("inf"))
        while time.monotonic() < until:
            self.kernel_info()
            try:
                reply = await self.shell_channel.get_msg(timeout=1)
                await self.iopub_channel.get_msg(timeout=0.2)  # or it is not connected yet, and would lose outputs
            except Empty:
                if not await self.is_alive():
                    raise RuntimeError("it ended before it answered") from None
                continue
            if reply["msg_type"] == "kernel_info_reply":
                self._handle_kernel_info_reply(reply)
                return
        raise RuntimeError(f"it did not answer in {timeout:g} seconds")


class ReportKernelManager(KernelManager):
    """Knows the kernel ``metrics-warm`` whether or not it is installed for Jupyter."""

    client_factory = ReportKernelClient

    @property
    def kernel_spec(self) -> Any:
        """What the package itself says of its kernel."""
        if self.kernel_name != NAME:
            return super().kernel_spec
        if self._kernel_spec is None:
            factory = KernelProvisionerFactory.instance(parent=self.parent)
            home = f"{WarmProvisioner.__module__}:{WarmProvisioner.__qualname__}"
            factory.provisioners.setdefault(NAME, EntryPoint(NAME, home, factory.GROUP_NAME))
            content = files("reporting.kernels").joinpath("kernelspec/kernel.json").read_text(encoding="utf-8")
            self._kernel_spec = KernelSpec(resource_dir="", **json.loads(content))
        return self._kernel_spec


class ReportClient(PapermillNotebookClient):  # type: ignore[misc]
    """Runs the cells of one report.

    Parameters
    ----------
    control
        What is asked and found out; see `Control`.
    """

    def __init__(self, *args: Any, control: "Control", **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.control = control
        control.notebook = self.nb
        for cell in self.nb.cells:
            cell.source = writable(cell.source)  # half a sign goes to no kernel and onto no page

    async def async_start_new_kernel(self, **kwargs: Any) -> None:
        """Start the kernel in its environment, and bound its memory."""
        await super().async_start_new_kernel(env={**os.environ, **self.control.env}, **kwargs)
        self.control.kernel = self.km.provisioner
        if self.control.memory is not None and hasattr(self.km.provisioner, "pid"):
            _bound(self.km.provisioner.pid, self.control.memory)

    start_new_kernel = run_sync(async_start_new_kernel)

    async def async_execute_cell(self, cell: Any, cell_index: int, *args: Any, **kwargs: Any) -> Any:
        """Run a cell; what it prints becomes one text, whether or not it comes to its end."""
        try:
            return await super().async_execute_cell(cell, cell_index, *args, **kwargs)
        finally:
            if cell.cell_type == "code":
                cell.outputs = merged(cell.outputs)

    execute_cell = run_sync(async_execute_cell)

    def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
        """Take an output, unless there is too much of it."""
        content = msg["content"]
        if msg["msg_type"] == "stream":
            content["text"] = self.control.printed(content["text"])
        elif msg["msg_type"] in ("display_data", "execute_result", "update_display_data"):
            content["data"] = well_formed(content.get("data", {}))
            self.control.displayed(content["data"])
        return super().process_message(msg, cell, cell_index)

    async def _async_cleanup_kernel(self) -> None:
        """End the kernel, which has nothing more to do; one that did not end in time is asked first."""
        asked = [(signal.SIGTERM, GRACE)] if self.control.late else []
        for number, patience in (*asked, (signal.SIGKILL, GRACE)):
            until = time.monotonic() + patience
            if self.km.has_kernel and await self.km.is_alive():
                await self.km.signal_kernel(number)
            while time.monotonic() < until and await self.km.is_alive():
                await asyncio.sleep(0.005)
        await super()._async_cleanup_kernel()

    _cleanup_kernel = run_sync(_async_cleanup_kernel)


class ReportEngine(NBClientEngine):  # type: ignore[misc]
    """papermill's own engine, with a client that knows its limits."""

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **settings: Any) -> Any:
        """Run all cells."""
        for name in ("input_path", "stdout_file", "stderr_file", "execution_timeout"):
            settings.pop(name, None)
        startup = settings.pop("start_timeout")
        return ReportClient(nb_man, kernel_name=kernel_name, startup_timeout=startup, **settings).execute()


papermill_engines.register(ENGINE, ReportEngine)


class Control:
    """What a run is told, and what it finds out before it ends, however it ends."""

    def __init__(self, deadline: float, env: Mapping[str, str], memory: int | None) -> None:
        self.deadline = deadline
        self.env = env
        self.memory = memory
        self.kernel: Any = None
        self.notebook: Any = None
        self.cell: int | None = None  # that runs, in the executed notebook
        self.dropped = 0
        self._printed = 0
        self._displayed = 0

    @property
    def left(self) -> float:
        """Seconds until the deadline; never 0, which nbclient takes for all the time in the world."""
        return max(0.01, self.deadline - time.monotonic())

    @property
    def late(self) -> bool:
        """The deadline has passed."""
        return time.monotonic() >= self.deadline

    def printed(self, text: str) -> str:
        """As much of a text as may still be kept."""
        room = max(0, TEXT - self._printed)
        self._printed += min(len(text), room)
        self.dropped += max(0, len(text) - room)
        return text[:room]

    def displayed(self, data: Mapping[str, Any]) -> None:
        """Count an output, and stop the run at too many."""
        self._displayed += sum(len(part) if isinstance(part, str) else len(str(part)) for part in data.values())
        if self._displayed > DISPLAYED:
            raise OutputTooLargeError(
                f"the notebook puts out more than {DISPLAYED / 2**20:.0f} MB, which no page could hold. "
                "Show fewer rows, or fewer figures."
            )


def _bound(pid: int, memory: int) -> None:
    try:
        import resource

        resource.prlimit(pid, resource.RLIMIT_DATA, (memory, memory))
    except (ImportError, AttributeError, OSError):
        return  # not here; said in the documentation
