"""Run jobs side by side, each to an outcome, whatever its notebook does."""

import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from reporting.execution.jobs import Event, Job, OnEvent, Outcome
from reporting.execution.values import portable
from reporting.execution.workers import Worker, Workers, talk
from reporting.kernels import AVAILABLE

PATIENCE = 5.0  # seconds past its deadline that a worker has to tell of it; then it is killed


def run_jobs(
    jobs: Iterable[Job],
    *,
    workers: int = 1,
    kernel: str = "auto",
    on_event: OnEvent | None = None,
    preload: Sequence[str] | None = None,
) -> Iterator[Outcome]:
    """Run jobs, and give each outcome as soon as it is there, in whatever order that is.

    Parameters
    ----------
    jobs
        What to run, begun in this order. Their outputs lie in folders that are there.
    workers
        Jobs that run at the same time, at most.
    kernel
        ``warm``, forked from a process that has loaded `preload`; ``plain``, each started by itself; or ``auto``: warm
        where that is possible, which is on Linux. Where a warm kernel was lost or did not start, a plain one follows.
    on_event
        Called in this process, between outcomes and during the run.
    preload
        Modules to import and functions (``"module:function"``) to call before kernels are forked; by default those of
        the kernel ``metrics-warm``, as far as the jobs' notebooks import them.

    Yields
    ------
    Outcome
        One a job. A notebook's exceptions are told in it, never raised.
    """
    jobs = list(jobs)
    todo: queue.SimpleQueue[Job] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)
    events: queue.SimpleQueue[Event | BaseException] = queue.SimpleQueue()
    stop = threading.Event()
    warm = AVAILABLE and kernel != "plain"
    tell = on_event or (lambda event: None)
    side_by_side = max(1, min(workers, len(jobs)))
    with ExitStack() as stack:
        processes = stack.enter_context(Workers(jobs, warm=warm, preload=preload, side_by_side=side_by_side))
        threads = [
            threading.Thread(target=_work, args=(todo, events, processes, stop), daemon=True)
            for _ in range(side_by_side)
        ]
        stack.callback(_stop, stop, processes, threads)
        if jobs:
            processes.prepare()
        for thread in threads:
            thread.start()
        left = len(jobs)
        while left:
            event = events.get()
            if isinstance(event, BaseException):
                raise event
            tell(event)
            if event.kind == "ended" and event.outcome is not None:
                left -= 1
                yield event.outcome


def _stop(stop: threading.Event, processes: Workers, threads: Sequence[threading.Thread]) -> None:
    stop.set()
    processes.kill_all()
    for thread in threads:
        if thread.is_alive():
            thread.join(10)


def _work(
    todo: "queue.SimpleQueue[Job]",
    events: "queue.SimpleQueue[Event | BaseException]",
    processes: Workers,
    stop: threading.Event,
) -> None:
    while not stop.is_set():
        try:
            job = todo.get_nowait()
        except queue.Empty:
            return
        try:
            events.put(Event("started", job))
            events.put(Event("ended", job, outcome=_outcome(job, processes, stop, events.put)))
        except BaseException as error:  # of this package: whoever waits for the outcome must hear of it
            events.put(error)
            return


def _outcome(job: Job, processes: Workers, stop: threading.Event, tell: Callable[[Event], None]) -> Outcome:
    """Run a job until it went well, or no retry is declared for what happened."""
    attempts: list[Outcome] = []
    retried, warm = 0, True
    while not stop.is_set():
        outcome, lost = _attempt(job, processes, warm, tell)
        attempts.append(outcome)
        if lost and warm:
            warm = False  # it is no fault of the notebook: once more with a kernel that depends on nothing
        elif retried < job.retry.times and {outcome.status, outcome.exception} & set(job.retry.on) - {"built", ""}:
            retried += 1
        else:
            break
        tell(Event("retry", job, outcome=outcome))
    if not attempts:
        return Outcome(job, "killed", cause="the run was stopped.")
    return replace(
        attempts[-1],
        attempts=len(attempts),
        wall_seconds=sum(outcome.wall_seconds for outcome in attempts),
        cpu_seconds=sum(outcome.cpu_seconds for outcome in attempts),
        peak_bytes=max(outcome.peak_bytes for outcome in attempts),
    )


def _attempt(job: Job, processes: Workers, warm: bool, tell: Callable[[Event], None]) -> tuple[Outcome, bool]:
    """Outcome of one run; and whether it was lost with the server that its processes were forked from."""
    worker = processes.start(_task(job), warm=warm)
    late = threading.Timer(job.timeout + PATIENCE, worker.kill)
    late.daemon = True
    late.start()
    cells = done = 0
    ended: dict[str, Any] | None = None
    try:
        for message in talk(worker, job):
            if "ended" in message:
                ended = message["ended"]
            else:
                done, cells = message["done"], message["cells"]
                tell(Event("cell", job, done, cells))
        worker.wait()
    finally:
        late.cancel()
        processes.forget(worker)
    seconds = time.monotonic() - worker.began
    if ended is None:
        ended = _died(job, worker, seconds, f" in cell {done + 1} of {cells} of the executed notebook" if cells else "")
    lost = ended.pop("lost", False)
    outcome = Outcome(job, **ended)
    return replace(outcome, wall_seconds=seconds, cpu_seconds=outcome.cpu_seconds + worker.cpu), lost


def _task(job: Job) -> dict[str, Any]:
    return {
        "notebook": str(job.notebook.absolute()),
        "output": str(job.output.absolute()),
        "workdir": str(job.workdir.absolute()),
        "given": {name: portable(value) for name, value in job.given.items()},
        "secrets": dict(job.secrets.values),
        "timeout": job.timeout,
        "memory": job.memory,
        "then": job.then,
        "argument": job.argument,
    }


def _died(job: Job, worker: Worker, seconds: float, where: str) -> dict[str, Any]:
    """What is to say of a worker that ended without a word."""
    if seconds >= job.timeout:
        cause = f"the report took longer than its {job.timeout:g} seconds and did not end when asked, so it was killed"
        return {"status": "timeout", "cause": f"{cause}{where}."}
    return {"status": "killed", "cause": f"the process that runs the notebook ended{where}.", "lost": worker.lost}
