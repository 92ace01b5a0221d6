"""Does a run of many reports hold its memory? `python -m benchmarks.flat` builds 500 tiny ones, two at a time.

What lives as long as the run is looked at after each 25 reports: the run itself and the two servers that workers and
kernels are forked from. Two minutes on a quiet machine; more memory at the end than after the first tenth fails.
"""

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from reporting.execution.jobs import Event
from reporting.forking.linux import children
from reporting.publishing.plan import plan_reports
from reporting.publishing.run import run_reports
from reporting.recipe.file import read_recipe

EVERY = 25
ROOM = 1.05  # the last look / the first after a tenth


def held() -> dict[str, int]:
    """Resident megabytes of this process and of the servers, and this one's open files.

    The server of workers is its child, that of kernels a fork of the first, as the workers are, but with another name.
    """
    found = {"run": _resident(os.getpid())}
    for server in children(os.getpid()):
        own = _name(server)
        found[own] = _resident(server)
        for fork in children(server):
            with suppress(OSError):  # a worker that has just ended
                if (name := _name(fork)) != own:
                    found[name] = _resident(fork)
    if len(found) != 3:
        raise SystemExit(f"The run and its two servers are to be looked at; found were {', '.join(found)}.")
    return {**found, "open files": len(os.listdir("/proc/self/fd"))}


def recipe_for(reports: int, folder: Path) -> Path:
    """A recipe of as many pages of one notebook that shows its only parameter."""
    code = {"cell_type": "code", "execution_count": None, "outputs": []}
    cells = [
        {**code, "id": "given", "source": "n: int = 0", "metadata": {"tags": ["parameters"]}},
        {**code, "id": "shown", "source": "n", "metadata": {}},
    ]
    notebook = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "tiny.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    path = folder / "reports.toml"
    path.write_text(
        f'[defaults]\nout = "out"\njobs = 2\n[report.tiny]\nnotebook = "tiny.ipynb"\neach.n = {list(range(reports))}\n',
        encoding="utf-8",
    )
    return path


def main(reports: Annotated[int, typer.Option(min=50, help="How many to build.")] = 500) -> None:
    """Build them, and print what is held on the way."""
    looks: list[dict[str, int]] = []
    ended = 0

    def look(event: Event) -> None:
        nonlocal ended
        if event.kind != "ended":
            return
        ended += 1
        if ended % EVERY == 0:
            looks.append(held())
            print(ended, "reports:", ", ".join(f"{name} {size}" for name, size in looks[-1].items()), flush=True)

    with tempfile.TemporaryDirectory() as name:
        recipe = read_recipe(recipe_for(reports, Path(name)))
        failed = len(run_reports(recipe, plan_reports(recipe)[0], on_event=look).failed)
    first, last = looks[len(looks) // 10], looks[-1]
    grown = [name for name in first if name != "open files" and last.get(name, 0) > ROOM * first[name]]
    if failed or grown:
        raise SystemExit(f"{failed} failed; grown: {', '.join(grown) or 'nothing'}")


def _name(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()


def _resident(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) // 1024


if __name__ == "__main__":
    typer.run(main)
