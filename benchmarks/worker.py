"""A process for each side of a pair: it stays alive, answers when asked, and says what that cost."""

import contextlib
import importlib
import multiprocessing
import resource
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

Answer = list[list[Any]] | None  # None: a bound, which reads and sorts but answers nothing
Ask = Callable[[], "Answer | Run"]


@dataclass(frozen=True)
class Run:
    """One answer and its cost."""

    answer: Answer
    wall: float  # seconds
    cpu: float | None  # seconds of all threads; None where the work is done by other processes
    peak: float | None  # megabytes that the process has held at most so far, libraries included; None likewise


def cpu_seconds() -> float:
    """Seconds that all threads of this process have computed."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_megabytes() -> float:
    """Most memory this process ever held; from /proc, for `ru_maxrss` may count the parent's before exec."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def timed(ask: Ask) -> Run:
    """Ask once. A side that takes its own time (in a process of its own) hands back a Run."""
    cpu, begin = cpu_seconds(), time.perf_counter()
    answer = ask()
    wall, cpu = time.perf_counter() - begin, cpu_seconds() - cpu
    return answer if isinstance(answer, Run) else Run(answer, wall, cpu, peak_megabytes())


def elsewhere(ask: Ask) -> Ask:
    """A side whose work other processes do (Spark's): only its wall time says something."""

    def waited() -> Run:
        begin = time.perf_counter()
        answer = ask()
        return Run(cast(Answer, answer), time.perf_counter() - begin, None, None)

    return waited


def serve(pipe: Any, name: str, settings: dict[str, Any]) -> None:
    """The worker: build the side ("module:function" of this package), then answer as often as asked."""
    try:
        module, function = name.split(":")
        ask = getattr(importlib.import_module(f"benchmarks.{module}"), function)(**settings)
        pipe.send("ready")
        while pipe.recv() == "ask":
            pipe.send(timed(ask))
    except EOFError:
        return
    except BaseException:
        pipe.send(RuntimeError(f"{name} {settings}\n{traceback.format_exc()}"))


class Worker:
    """The parent's end: `with Worker(name, settings) as worker: worker.ask()`."""

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        context = multiprocessing.get_context("spawn")  # a fork would inherit the parent's memory and threads
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, name, settings))
        self.process.start()
        other.close()

    def __enter__(self) -> "Worker":
        self._receive()
        return self

    def ask(self) -> Run:
        """One answer."""
        self.pipe.send("ask")
        run: Run = self._receive()
        return run

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.pipe.send("stop")
        self.process.join(20)
        if self.process.is_alive():
            self.process.terminate()

    def _receive(self) -> Any:
        try:
            got = self.pipe.recv()
        except EOFError:
            raise SystemExit("a side died without a word, most likely for want of memory.") from None
        if isinstance(got, RuntimeError):
            raise SystemExit(f"a side failed: {got}")
        return got
