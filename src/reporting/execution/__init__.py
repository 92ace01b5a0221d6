"""Notebooks are run here: a job in, an outcome out.

jobs.py       many jobs, each with its outcome       notebook.py   one notebook, by papermill
jupyter.py    Jupyter's own tools, imported without what is slow in them
"""

from reporting.execution.jobs import Event, Job, OnEvent, Outcome, Retry, Status, run_jobs

__all__ = ["Event", "Job", "OnEvent", "Outcome", "Retry", "Status", "run_jobs"]
