"""One job, as the schedule tests emit it."""

import io
import json
from pathlib import Path

from reporting.schedules import Times, emit, job

SENTENCES = ("every weekday at 06:00 Europe/Berlin", "every month on the 3rd at 07:00 UTC")


def sample(folder, *sentences, **settings):
    """A job in `folder`, whose name asks for quotes."""
    folder = Path(folder) / "100% her own"
    (folder / "reports").mkdir(parents=True, exist_ok=True)
    times = [Times.read(text) for text in sentences or SENTENCES]
    settings = {"timeout": 1800, "secrets": ["DB_URL"]} | settings
    return job(folder / "reports" / "reports.toml", times, out=folder / "reports", folder=folder, **settings)


def files(engine, folder, *sentences, clock="UTC", **settings):
    """The files of an engine, by name."""
    return emit(engine, sample(folder, *sentences, **settings), clock=clock)


def code_of(notebook):
    """Code of the last cell of a notebook's text."""
    return json.load(io.StringIO(notebook))["cells"][-1]["source"]
