"""Notebooks are run here: a job in, an outcome out, whatever the notebook does.

    Job → run_jobs → worker (papermill) → kernel (warm or plain) → Outcome

jobs.py      what is run, and what came of it         running.py   many jobs side by side, deadlines, retries
workers.py   the processes that runs happen in        worker.py    in such a process: one run
engine.py    papermill's engine, with its bounds      jupyter.py   Jupyter's own tools, without what is slow in them

Each run has a worker and a kernel of its own, so that what a notebook does, it does to itself. Workers are forked from
a process that has papermill loaded, kernels from one that has the notebook's libraries; the two load side by side.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reporting.execution.jobs import Event, Job, OnEvent, Outcome, Retry, Status

if TYPE_CHECKING:
    from reporting.execution.running import run_jobs

__all__ = ["Event", "Job", "OnEvent", "Outcome", "Retry", "Status", "run_jobs"]


def __getattr__(name: str) -> Any:
    if name != "run_jobs":
        raise AttributeError(f"module 'reporting.execution' has no attribute {name!r}")
    return import_module("reporting.execution.running").run_jobs
