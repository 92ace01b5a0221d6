"""Files for Jupyter Scheduler: a notebook that starts the run, and the job definition that starts the notebook."""

import json
from typing import Any

from reporting.schedules.job import Job, shell

CELL = """\
import os
import subprocess

SCRIPT = {script!r}
environment = {{**os.environ, **{environment!r}}}
code = subprocess.run(["/bin/sh", "-c", SCRIPT], cwd={folder!r}, env=environment).returncode
if code:
    raise RuntimeError(f"metrics report run ended with exit code {{code}}")
"""


def emit(job: Job) -> dict[str, str]:
    """Notebook and job definitions of a job, one for each time.

    The scheduler knows zones, but not what to do about an overlap, a deadline or a run that it missed: the command
    has all three.

    Parameters
    ----------
    job
        What to run.
    """
    cell = CELL.format(script=shell(job), environment=job.environment, folder=str(job.folder))
    words = "Starts the reports that are due. POST the .job.json beside it to /scheduler/job_definitions."
    if job.secrets:
        words += f" In the environment of the server: {', '.join(job.secrets)}."
    notebook = {
        "cells": [
            {"cell_type": "markdown", "id": "about", "metadata": {}, "source": words},
            {
                "cell_type": "code",
                "id": "run",
                "metadata": {},
                "source": cell,
                "outputs": [],
                "execution_count": None,
            },
        ],
        "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    files = {f"{job.name}.ipynb": json.dumps(notebook, indent=1) + "\n"}
    for number, times in enumerate(job.times, start=1):
        name = job.name if len(job.times) == 1 else f"{job.name}-{number}"
        definition: dict[str, Any] = {
            "name": name,
            "input_filename": f"{job.name}.ipynb",
            "output_formats": ["ipynb"],
            "runtime_environment_name": "python3",
            "schedule": times.cron(),
            "timezone": times.zone,
            "tags": ["reports"],
        }
        files[f"{name}.job.json"] = json.dumps(definition, indent=2) + "\n"
    return files
