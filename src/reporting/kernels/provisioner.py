"""Kernel provisioner ``metrics-warm``: starts kernels by having them forked."""

import asyncio
import os
import select
import signal
import subprocess
from collections.abc import Mapping
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import List, Unicode

from reporting.forking.client import Forked, RefusedForkError, Usage, fork
from reporting.kernels import AVAILABLE, SERVER, kernel

SERVER_PATIENCE = 60.0  # seconds for a server to load and fork
KERNEL_PATIENCE = 20.0  # seconds for a forked kernel to open its sockets, which takes a fraction of one
POLL = 0.02
TARGET = "reporting.kernels.kernel:run"


class WarmProvisioner(LocalProvisioner):
    """Forks kernels from a warm server, and starts plain ones where that cannot be.

    The server is the one that the kernel's environment names in ``REPORTING_WARM_SERVER``, else one that all
    processes of the user share and that is started when it is first needed.
    """

    preload = List(Unicode(), help="Modules to import and functions to call before kernels are forked.")
    warm = False  # whether the last kernel was forked
    lost = False  # whether it went with its server
    usage: Usage | None = None  # what it took, once it ended

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Start the kernel, warm if possible."""
        arguments = kernel.arguments(cmd)
        env = dict(kwargs.get("env") or os.environ)
        if arguments is None or not AVAILABLE or env.get(SERVER) == "none":
            return await super().launch_kernel(cmd, **kwargs)
        try:
            started = await asyncio.to_thread(self._fork, arguments, env, kwargs)
        except (OSError, RefusedForkError) as problem:
            self.log.warning("No warm kernel, a plain one is started: %s", problem)
            return await super().launch_kernel(cmd, **kwargs)
        self.process: Any = started
        self.warm, self.lost, self.usage = True, False, None
        self.pid = self.pgid = started.pid
        self.cwd = kwargs.get("cwd") or os.getcwd()
        return self.connection_info

    async def poll(self) -> int | None:
        """Status of the kernel, None while it runs."""
        status = await super().poll()
        if isinstance(self.process, Forked):
            self.lost, self.usage = self.process.lost, self.process.usage
        return None if status is None else int(status)

    async def wait(self) -> int | None:
        """Wait for the kernel to end."""
        if not isinstance(self.process, Forked):
            return await super().wait()
        while await self.poll() is None:
            await asyncio.sleep(POLL)
        status, self.process = self.process.returncode, None
        return status

    async def cleanup(self, restart: bool = False) -> None:
        """Let go of the kernel's process, which ends it if it still runs."""
        if isinstance(self.process, Forked):
            self.process.close()
        await super().cleanup(restart=restart)

    def _fork(self, arguments: list[str], env: Mapping[str, str], kwargs: Mapping[str, Any]) -> Forked:
        from reporting.kernels.shared import shared_server  # which cannot be imported everywhere

        address = env.get(SERVER)
        for _ in range(2):  # a server that is about to end makes room for one of today's code
            try:
                return self._fork_at(address or shared_server(self.preload, env), arguments, env, kwargs)
            except RefusedForkError as refusal:
                if address or not str(refusal).startswith("stale"):
                    raise
        raise RefusedForkError("the code changes faster than it can be loaded")

    def _fork_at(self, address: str, arguments: list[str], env: Mapping[str, str], kwargs: Mapping[str, Any]) -> Forked:
        null = os.open(os.devnull, os.O_RDWR)
        reading, writing = os.pipe()
        try:
            files = [null, *(_file(kwargs.get(name), place, null) for place, name in ((1, "stdout"), (2, "stderr")))]
            forked = fork(
                address,
                TARGET,
                arguments,
                env=env,
                cwd=os.path.abspath(kwargs.get("cwd") or os.getcwd()),
                files=[*files, writing],
                timeout=SERVER_PATIENCE,
            )
            os.close(writing)
            writing = null
            if not select.select([reading], [], [], KERNEL_PATIENCE)[0]:
                forked.send_signal(signal.SIGKILL)
                forked.close()
                raise RefusedForkError(f"the forked kernel was not ready after {KERNEL_PATIENCE:g} seconds")
            if not os.read(reading, 1):
                forked.close()
                raise RefusedForkError("the forked kernel ended before it was ready")
            return forked
        finally:
            for number in {null, reading, writing}:
                os.close(number)


def _file(given: Any, place: int, null: int) -> int:
    """Number of the file that `subprocess` would make of an argument."""
    if given is None:
        return place
    if given in (subprocess.DEVNULL, subprocess.PIPE):
        return null
    return given if isinstance(given, int) else int(given.fileno())
