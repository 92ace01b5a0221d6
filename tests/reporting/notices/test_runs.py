"""What a run tells, and to which hook; no kernel is needed for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reporting.notices.runs import tell, tell_job, tell_late
from reporting.publishing.folder import Folder
from reporting.publishing.untold import owe
from tests.reporting.publishing.fakes import Project, runner

ALERT = {"rule": "low", "sentence": "Too low.", "severity": "warning", "detail": "x < 1", "anchor": ""}
HOOK = '["python", "-c", "import sys; open(\'{name}\', \'a\').write(sys.stdin.read() + chr(10))"]'


@pytest.fixture
def made(tmp_path):
    text = "\n".join(f"on_{name} = {HOOK.format(name=name)}" for name in ("failure", "alert"))
    reports = "".join(f'[report.{name}]\nnotebook = "{name}.ipynb"\n' for name in ("funnel", "nps"))
    return Project(tmp_path, f"{text}\n{reports}", "funnel", "nps")


def told(made, name):
    path = made.folder / name
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def run(made, alerts=(), tells=False, **settings):
    """A run, with a rule that fired on each page in `alerts`."""
    inner = runner(**settings)

    def outer(jobs, **tools):
        for outcome in inner(jobs, **tools):
            if outcome.result and outcome.job.name in alerts:
                outcome.result["alerts"] = [ALERT]
            yield outcome

    from reporting.publishing.run import run_reports

    return run_reports(made.recipe, made.plans(), force=True, tells=tells, runner=outer)


def test_each_page_that_failed_is_told_with_its_last_good_one_and_since_when(made):
    run(made)
    for _ in range(2):
        assert tell(made.recipe, run(made, fails=["nps"])) == []
    first, second = told(made, "failure")
    assert (second["event"], second["report"], second["cause"]) == ("failed", "nps", "ValueError: no rows.")
    assert (first["runs"], second["runs"]) == (1, 2)
    assert first["since"] == second["since"] == first["at"]
    assert second["last_good"] == str(made.out / "latest" / "nps.html")
    assert second["page"] == str(made.out / "latest" / "nps.error.html")
    assert told(made, "alert") == []


def test_each_page_on_which_a_rule_fired_is_told(made):
    assert tell(made.recipe, run(made, alerts=["funnel"])) == []
    [fired] = told(made, "alert")
    assert (fired["event"], fired["report"], fired["alerts"]) == ("alert", "funnel", [ALERT])
    assert told(made, "failure") == []


def test_a_run_in_which_nothing_happened_tells_nothing(made):
    assert tell(made.recipe, run(made)) == []
    assert tell(made.recipe, made.run()) == []  # nothing changed
    assert told(made, "failure") == told(made, "alert") == []


def test_what_an_earlier_run_told_is_not_told_again(made):
    tell(made.recipe, run(made, alerts=["funnel"]))
    tell(made.recipe, made.run())  # unchanged, the rule still stands on the page
    assert len(told(made, "alert")) == 1


def test_what_a_run_came_not_to_tell_is_told_once_by_the_next_one(made):
    ended = run(made, alerts=["funnel"], fails=["nps"], tells=True)
    assert tell_late(made.recipe) == []
    assert told(made, "failure") == told(made, "alert") == []  # it lives, and may be telling
    ended.untold.told("funnel")
    del ended  # as one that is killed lets go
    run(made)
    for _ in range(2):
        assert tell_late(made.recipe) == []
    assert told(made, "alert") == []
    [failed] = told(made, "failure")
    assert (failed["report"], failed["cause"]) == ("nps", "ValueError: no rows.")
    assert Path(failed["page"]).is_file()  # in its run, for readers see a later one
    assert not list(made.out.rglob("*untold*"))


def test_a_run_that_tells_leaves_nothing_to_the_next_one(made):
    assert tell(made.recipe, run(made, alerts=["funnel"], tells=True)) == []
    assert tell_late(made.recipe) == []
    assert len(told(made, "alert")) == 1
    assert not list(made.out.rglob("*untold*"))


def test_what_a_run_would_have_told_that_never_ended_is_told_by_nobody(made):
    run(made)
    folder = Folder(made.out)
    owe(folder, folder.new_id())
    assert tell_late(made.recipe) == []
    assert not list(made.out.rglob("*untold*"))


KILLS = """
import json, os, sys
said = json.load(sys.stdin)
with open("told", "a") as file:
    file.write(said["report"] + "\\n")
if said["report"] == "nps" and not os.path.exists("killed"):
    open("killed", "w")
    os.kill(os.getppid(), 9)
"""
ALONE = """
import sys
from reporting.cli import report
from reporting.publishing.run import run_reports
from tests.reporting.publishing.fakes import runner
run_reports.__kwdefaults__["runner"] = runner(fails=["funnel", "nps"])
report(sys.argv[1:])
"""


@pytest.mark.parametrize("next_one", ["run", "notify --job nightly --exit 137"])
def test_a_run_that_is_killed_at_its_hooks_is_made_up_for(tmp_path, next_one):
    (tmp_path / "hook.py").write_text(KILLS)
    reports = "".join(f'[report.{name}]\nnotebook = "{name}.ipynb"\n' for name in ("funnel", "nps"))
    Project(tmp_path, f'on_failure = ["python", "hook.py"]\n{reports}', "funnel", "nps")

    def metrics(words):
        return subprocess.run(
            [sys.executable, "-c", ALONE, *words.split(), "--recipe", str(tmp_path / "reports.toml")],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
            capture_output=True,
            check=False,
        ).returncode

    assert metrics("run") == -9
    assert (tmp_path / "told").read_text().split() == ["funnel", "nps"]
    (tmp_path / "told").unlink()
    if next_one == "run":
        assert metrics(next_one) == 4
        assert (tmp_path / "told").read_text().split() == ["nps", "funnel", "nps"]  # late, then its own
    else:
        (tmp_path / "hook.py").write_text(KILLS.replace('said["report"]', 'said.get("report", "job")'))
        assert metrics(next_one) == 0
        assert (tmp_path / "told").read_text().split() == ["job", "nps"]


def test_a_broken_hook_is_a_sentence(tmp_path):
    reports = 'on_failure = ["no-such-program"]\n[report.funnel]\nnotebook = "funnel.ipynb"\n'
    made = Project(tmp_path, reports, "funnel")
    assert tell(made.recipe, run(made, fails=["funnel"])) == [
        "The hook 'no-such-program' was not run: there is no such program."
    ]


def test_a_job_that_could_not_tell_runs_each_hook_once(made):
    assert tell_job(made.recipe, "metrics-reports", "137") == []
    [said] = told(made, "failure")
    assert (said["event"], said["job"], said["exit"]) == ("job", "metrics-reports", "137")
