"""Reports without kernels: what would take seconds takes a millisecond, and publishing is all that is left."""

import json
import time
from pathlib import Path

from reporting.execution.jobs import Outcome
from reporting.publishing.plan import Request, plan_reports
from reporting.publishing.run import run_reports
from reporting.recipe.file import read_recipe
from tests.reporting.notebooks import write_notebook


def page_of(job, number="28.2"):
    """A page that a reader can tell to be whole: it says twice what it is, at both ends."""
    mark = f"{job.name} {json.dumps(dict(job.given), sort_keys=True, default=str)}"
    return f"<!DOCTYPE html><title>{mark}</title>{'.' * 2000}<p>{number}</p>{mark}</html>"


def runner(fails=(), number="28.2", seconds=0.0, seen=None, status="failed", meanwhile=None):
    """Runs jobs as `run_jobs` does, without running them; those in `fails` fail, and `meanwhile` is called by each."""

    def run(jobs, *, workers, kernel, on_event):
        for job in jobs:
            if seen is not None:
                seen.append(job.name)
            time.sleep(seconds)
            if meanwhile is not None:
                meanwhile()
            notebook = {"cells": [], "metadata": {"name": job.name}, "nbformat": 4, "nbformat_minor": 5}
            job.output.write_text(json.dumps(notebook))
            job.log.write_text("")
            if job.name in fails:
                yield Outcome(job, status, cell=2, cause="ValueError: no rows.", source="1 / 0", line=1)
                continue
            Path(job.argument["page"]).write_text(page_of(job, number))
            result = {
                "title": f"The {job.name}",
                "question": "",
                "key_figure": {"number": number, "unit": "%", "text": ""},
            }
            yield Outcome(job, "built", result=result, wall_seconds=seconds)

    return run


class Project:
    """A recipe in a folder, and runs of it."""

    def __init__(self, folder, text, *notebooks):
        self.folder, self.out = folder, folder / "out"
        for name in notebooks:
            write_notebook(folder / f"{name}.ipynb", f"%md # The {name}")
        if text:
            (folder / "reports.toml").write_text('[defaults]\nout = "out"\n' + text)

    @classmethod
    def at(cls, folder):
        """The project that is there."""
        return cls(folder, "")

    @property
    def recipe(self):
        return read_recipe(self.folder / "reports.toml")

    def plans(self, recipe=None, **request):
        return plan_reports(recipe or self.recipe, Request(**request))[0]

    def run(self, force=False, plans=None, trigger="run", request=None, **settings):
        plans = self.plans(**(request or {})) if plans is None else plans
        return run_reports(self.recipe, plans, force=force, trigger=trigger, runner=runner(**settings))

    def latest(self):
        folder = self.out / "latest"
        pages = [path for path in sorted(folder.rglob("*.html")) if path.name != "runs.html"]
        return {str(path.relative_to(folder)): path.read_text() for path in pages}


def project(folder, *names, more=""):
    """A project with a report for each name."""
    text = "".join(f'[report.{name}]\nnotebook = "{name}.ipynb"\n' for name in names)
    return Project(folder, text + more, *names)
