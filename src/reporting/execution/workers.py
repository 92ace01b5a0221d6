"""Processes for the runs of notebooks: forked from a host that has papermill loaded, or started one by one."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from importlib.resources import files
from itertools import chain
from typing import IO, Any

from reporting.execution.jobs import Job
from reporting.execution.scratch import Scratch
from reporting.kernels import NAME, SERVER

# Memory that was freed goes back to the system, for many processes live side by side: half as much in each, measured.
SPARING = {
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "2",
    "MALLOC_MMAP_THRESHOLD_": "262144",
    "MALLOC_TRIM_THRESHOLD_": "1048576",
}
WORKER = "reporting.execution.worker"
UNDEBUGGED = "reporting.kernels.undebugged"
LOG = 1_000_000  # bytes of a log, the rest is counted
ANYHOW = ("matplotlib", "pandas", "pyarrow", "reporting")  # loaded, for others import them too
ROLES = ("host", "kernels")  # of the servers; the second is a fork of the first
SHARED = ("jupyter_client.asynchronous.client", "jupyter_client.manager", "jupyter_client.session")
RESTARTS = 3  # of a server that ended in one run


class Worker:
    """A process that runs a task; its messages come line by line, its log beside them."""

    def __init__(self, process: Any, said: IO[bytes], log: IO[bytes]) -> None:
        self.process = process
        self.said = said
        self.log = log
        self.began = 0.0  # when the clock of its deadline began to run

    def wait(self) -> None:
        """Wait for its end, which is near: it has closed its output."""
        try:
            self.process.wait(5)
        except (TimeoutError, subprocess.TimeoutExpired):
            self.kill()

    def kill(self) -> None:
        """End the process, its group and its kernel."""
        from signal import SIGKILL

        if isinstance(self.process, subprocess.Popen):
            with suppress(OSError):
                os.killpg(self.process.pid, SIGKILL) if hasattr(os, "killpg") else self.process.kill()
        else:
            self.process.send_signal(SIGKILL)

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        with suppress(TimeoutError, subprocess.TimeoutExpired):
            self.process.wait(5)
        self.said.close()
        self.log.close()
        if not isinstance(self.process, subprocess.Popen):
            self.process.close()

    @property
    def lost(self) -> bool:
        """The host ended, and the worker with it."""
        return bool(getattr(self.process, "lost", False))

    @property
    def cpu(self) -> float:
        """Processor seconds, where they are known."""
        usage = getattr(self.process, "usage", None)
        return usage.cpu if usage is not None else 0.0


class Workers:
    """Starts workers, and the two servers that they and their kernels are forked from.

    Parameters
    ----------
    jobs
        What will run. If it is more than one, what one notebook has read may serve the next.
    warm
        Fork; otherwise every worker and every kernel is a new process.
    preload
        What kernels are to have loaded; None for what the jobs' notebooks need.
    side_by_side
        Kernels that run at the same time, and share the processors.
    """

    def __init__(
        self, jobs: Sequence[Job], *, warm: bool, preload: Sequence[str] | None, side_by_side: int = 1
    ) -> None:
        self._warm = warm
        self._env = {**_share_of_processors(side_by_side), **os.environ}
        self._several = len(jobs) > 1
        self._preload = needed(jobs) if preload is None else list(preload)
        self._thens = sorted({job.then.partition(":")[0] for job in jobs if job.then})
        self._lock = threading.Lock()
        self._servers: dict[str, Any] = {}
        self._restarts: dict[str, int] = {}
        self._running: set[Worker] = set()
        self._scratch = Scratch()
        self._stopped = False

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as stack:
            for server in self._servers.values():
                server.end()  # all at the same time
                stack.callback(server.close)
        self._scratch.remove()

    def prepare(self) -> None:
        """Let the servers begin to load; what both need, they load once."""
        from reporting.forking.client import start_servers

        if self._warm:
            with self._lock:
                started = start_servers(*map(self._settings, ROLES), shared=SHARED, env=self._environment())
                self._servers.update(zip(ROLES, started, strict=True))

    def start(self, task: Mapping[str, Any], *, warm: bool) -> Worker:
        """Start a worker; `warm` lets its kernel be forked."""
        with self._lock:
            kernels = self._address("kernels") if self._warm and warm else None
            host = self._address("host") if self._warm else None
        for server in filter(None, (host, kernels)):
            _load(server)
        env = {**self._env, SERVER: kernels or "none"}
        began = time.monotonic()
        tables = str(self._scratch.tables) if self._several else None
        task = {**task, "scratch": str(self._scratch.path), "tables": tables, "began": began}
        worker = _forked(host, task, env) if host else None
        worker = worker or _spawned(task, env)
        worker.began = began
        with self._lock:
            self._running.add(worker)
            if self._stopped:
                worker.kill()
        return worker

    def forget(self, worker: Worker) -> None:
        """End a worker, and leave nothing of it behind."""
        with self._lock:
            self._running.discard(worker)
        worker.close()

    def kill_all(self) -> None:
        """End all workers."""
        with self._lock:
            self._stopped = True
            for worker in self._running:
                worker.kill()

    def _address(self, role: str) -> str | None:
        """Socket of a server that lives; None once it ended too often."""
        from reporting.forking.client import start_servers

        server = self._servers.get(role)
        if server is not None and server.lives:
            return str(server.address)
        if server is not None:
            server.close()
            self._restarts[role] = self._restarts.get(role, 0) + 1
        if self._restarts.get(role, 0) > RESTARTS:
            return None
        [self._servers[role]] = start_servers(self._settings(role), env=self._environment())
        return str(self._servers[role].address)

    def _settings(self, role: str) -> dict[str, Any]:
        from reporting.kernels.kernel import PRELOAD

        if role == "kernels":
            return {"preload": [UNDEBUGGED, *PRELOAD, *self._preload], "name": NAME}
        warm_ups = [f"{then}:warm_up" for then in self._thens]
        modules = [WORKER, *self._thens, f"{WORKER}:warm_up", *warm_ups]
        return {"preload": modules, "name": "report-workers", "eager": True}

    def _environment(self) -> dict[str, str]:
        from reporting.kernels.shared import server_environment

        return {**SPARING, **server_environment(self._env)}


def _share_of_processors(kernels: int) -> dict[str, str]:
    """How many threads a kernel's libraries may start, if others run beside it: each takes memory, and they wait."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return {"OMP_NUM_THREADS": str(max(1, usable // kernels))} if kernels > 1 else {}


def needed(jobs: Sequence[Job]) -> list[str]:
    """What the kernel ``metrics-warm`` has loaded, as its kernelspec says, but for what no notebook imports.

    Nor are functions called that fill caches, if there is one job: they run while it does, too late for it.
    """
    content = files("reporting.kernels").joinpath("kernelspec/kernel.json").read_text(encoding="utf-8")
    entries = json.loads(content)["metadata"]["kernel_provisioner"]["config"]["preload"]
    if len(jobs) == 1:
        entries = [entry for entry in entries if ":" not in entry]
    imports = [job.imports for job in jobs]
    if None in imports:
        return list(entries)
    wanted = {*ANYHOW, *chain.from_iterable(filter(None, imports))}
    return [entry for entry in entries if entry.partition(":")[0].partition(".")[0] in wanted]


def talk(worker: Worker, job: Job) -> Iterator[Any]:
    """Messages of a worker until its end; then its log is written, if there is one."""
    reader = threading.Thread(target=_keep_log, args=(worker.log, job), daemon=True)
    reader.start()
    try:
        for line in worker.said:
            with suppress(ValueError):  # the last line of one that was killed
                yield json.loads(line)
    finally:
        reader.join(5)


def _keep_log(source: IO[bytes], job: Job) -> None:
    """Read a log to its end, and write as much of it as anyone would read."""
    kept, size = bytearray(), 0
    with suppress(ValueError, OSError):  # closed meanwhile
        while part := os.read(source.fileno(), 65536):
            kept += part[: max(0, LOG - len(kept))]
            size += len(part)
    text = job.secrets.redact(kept.decode(errors="replace"))
    if size > len(kept):
        text += f"\n… and {size - len(kept):,} bytes more, which were left out\n"
    if text:
        with suppress(OSError), job.log.open("a", encoding="utf-8") as file:
            file.write(text)


def _load(server: str) -> None:
    """Wait until a server has loaded: that is no time of the report's."""
    from reporting.forking.client import ask

    with suppress(OSError):  # then nobody can be forked from it, as will be seen
        ask(server)


def _forked(host: str, task: Mapping[str, Any], env: Mapping[str, str]) -> Worker | None:
    from reporting.forking.client import RefusedForkError, fork

    said, to_said = os.pipe()
    log, to_log = os.pipe()
    null = os.open(os.devnull, os.O_RDWR)
    try:
        process = fork(host, f"{WORKER}:run", dict(task), env=env, cwd="/", files=[null, to_said, to_log])
    except (OSError, RefusedForkError):
        os.close(said)
        os.close(log)
        return None
    finally:
        for number in (null, to_said, to_log):
            os.close(number)
    return Worker(process, os.fdopen(said, "rb"), os.fdopen(log, "rb", 0))


def _spawned(task: Mapping[str, Any], env: Mapping[str, str]) -> Worker:
    process = subprocess.Popen(
        [sys.executable, "-m", WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(env),
        start_new_session=True,
    )
    if process.stdin is None or process.stdout is None or process.stderr is None:
        raise RuntimeError("a process was started without its pipes")
    with suppress(BrokenPipeError), process.stdin:
        process.stdin.write(json.dumps({**task, "parent": os.getpid()}).encode())
    return Worker(process, process.stdout, process.stderr)
