"""A process that publishes until it is killed: `python -m tests.reporting.publishing.endless kill|loop FOLDER …`."""

import json
import os
import random
import signal
import sys
import time
from hashlib import sha256
from itertools import count
from pathlib import Path

from reporting.publishing.folder import Folder
from reporting.publishing.manifest import read_manifest
from tests.reporting.publishing.fakes import Project, project

REPORTS = ("churn", "funnel", "nps")


def torn(text):
    """Whether a page is not whole."""
    if not text.endswith("</html>\n") and not text.endswith("</html>"):
        return True
    if "<title>" not in text or text.count("\0"):
        return True
    mark = text.partition("<title>")[2].partition("</title>")[0]
    return "{" in mark and not text.endswith(f"{mark}</html>")


def damage(made):
    """What is wrong with a folder at this moment, in words."""
    found = []
    pages = made.latest()
    if sorted(pages) != sorted([*(f"{name}.html" for name in REPORTS), "index.html"]):
        found.append(f"latest has {sorted(pages)}")
    found += [f"{name} is torn" for name, text in pages.items() if torn(text)]
    numbers = {text.partition("<p>")[2].partition("</p>")[0] for name, text in pages.items() if name != "index.html"}
    if len(numbers) > 1:
        found.append(f"latest shows pages of {len(numbers)} runs")
    folder = Folder(made.out)
    for run in folder.run_ids():
        manifest = read_manifest(folder.runs / run)
        if manifest is None:
            found.append(f"{run} has no manifest")
            continue
        for page in manifest.pages:
            content = (folder.runs / run / page.page).read_bytes()
            if sha256(content).hexdigest() != page.sha256:
                found.append(f"{run}: {page.page} is not what its manifest says")
    return found


def publish(made, numbers):
    plans = made.plans()
    for number in numbers:
        made.run(force=True, plans=plans, number=str(number))


def kill(made, times, seed):
    """Kill a run at random instants, and look at what it left each time."""
    chance, found = random.Random(seed), []
    for number in range(times):
        child = os.fork()
        if child == 0:
            publish(made, count(1000 * (number + 1)))
            os._exit(0)
        time.sleep(chance.uniform(0.0, 0.2))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        found += [f"after kill {number}: {words}" for words in damage(made)]
        if number % 10 == 9:
            publish(made, [number])
            found += [f"not healed after {number}: {words}" for words in damage(made)]
            found += [f"left behind: {path}" for path in made.out.rglob(".tmp-*")]
            if f"<p>{number}</p>" not in made.latest()["funnel.html"]:
                found.append(f"latest does not show run {number}")
    return found


if __name__ == "__main__":
    what, where, *rest = sys.argv[1:]
    if what == "kill":
        made = project(Path(where), *REPORTS)
        publish(made, [0])
        print(json.dumps({"found": kill(made, int(rest[0]), int(rest[1])), "runs": len(Folder(made.out).run_ids())}))
    else:
        made = Project.at(Path(where))
        publish(made, count(1))
