import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from reporting.cli import report
from reporting.publishing.run import run_reports
from tests.reporting.notebooks import write_notebook
from tests.reporting.publishing.fakes import Project, runner

app = typer.Typer()
app.add_typer(report, name="report")

REPORTS = """
schedule = "every weekday at 06:00 Europe/Berlin"
on_failure = ["python", "-c", "import sys; open('told', 'a').write(sys.stdin.read())", "env:CHAT_WEBHOOK"]
[report.funnel]
notebook = "funnel.ipynb"
[report.nps]
notebook = "nps.ipynb"
schedule = "every month on the 3rd at 07:00"
"""


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Project(tmp_path, REPORTS, "funnel", "nps")


def metrics(*words):
    answer = CliRunner().invoke(app, ["report", *words, "--recipe", "reports.toml"])
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
    return answer


@pytest.mark.parametrize("engine", ["cron", "systemd", "airflow", "github-actions", "jupyter-scheduler"])
def test_the_files_of_an_engine_are_printed_or_written_and_nothing_else_happens(made, engine):
    before = sorted(made.folder.iterdir())
    printed = metrics("schedule", "--emit", engine, "--clock", "UTC")
    assert printed.exit_code == 0
    assert sorted(made.folder.iterdir()) == before
    files = json.loads(metrics("schedule", "--emit", engine, "--clock", "UTC", "--json").stdout)
    assert all(f"# ---- {name} ----" in printed.stdout for name in files)
    written = metrics("schedule", "--emit", engine, "--clock", "UTC", "--to", "files")
    assert written.stdout.splitlines() == [f"files/{name}" for name in files]
    assert {path.name: path.read_text() for path in Path("files").iterdir()} == files


def test_each_time_of_the_recipe_is_there_once_and_the_run_asks_what_is_due(made):
    timer = metrics("schedule", "--emit", "systemd").stdout
    assert timer.count("OnCalendar=") == 2
    assert "report run --due --recipe" in timer
    assert str(made.folder / "reports.toml") in timer
    assert "# CHAT_WEBHOOK, by name" in timer


@pytest.mark.parametrize(
    ("more", "seconds"),
    [
        (
            "",
            2 * (4 * 610 + 35) + 60,
        ),  # ten minutes and an end; a kernel may be lost, and data may move; hooks; a minute
        ("retry = { times = 2 }\n", (4 * 610 + 35) + (8 * 610 + 35) + 60),  # of the second report
        ("each = 'plans.csv'\n", (1 + 3) * (4 * 610 + 35) + 60),
        ("each = 'gone.csv'\n", 2 * (4 * 610 + 35) + 60),
        ("timeout = '9 hours'\n", 24 * 3600),
    ],
)
def test_a_run_has_the_time_that_all_its_pages_may_take(made, more, seconds):
    write_notebook(Path("nps.ipynb"), "%md # Plan", parameters='plan: str = "free"')
    Path("plans.csv").write_text("plan\nfree\npro\nteam\n")
    with Path("reports.toml").open("a") as recipe:
        recipe.write(more)
    assert f"TimeoutStartSec={seconds}\n" in metrics("schedule", "--emit", "systemd").stdout


def test_times_reports_and_folder_of_ones_own(made):
    words = ["schedule", "nps", "--emit", "systemd", "--at", "every hour at :15", "--out", "elsewhere"]
    text = metrics(*words, "--name", "nps-hourly", "--timeout", "300").stdout
    assert "OnCalendar=*-*-* *:15:00 UTC" in text
    assert f"report run nps --out {made.folder}/elsewhere --recipe" in text  # not --due: the recipe has other times
    assert "nps-hourly.timer" in text
    assert "TimeoutStartSec=300" in text


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("schedule", "--emit is missing. Name a scheduler: cron, systemd, airflow"),
        ("schedule --emit cron --at someday", "'someday' names no time"),
        ("schedule --emit cron --name ../x", "--name ../x: use small letters"),
        ("schedule --emit cron npss", "Did you mean 'nps'?"),
        ("schedule --emit cron --to reports.toml/x", "cannot be written: Not a directory"),
    ],
)
def test_what_is_wrong_is_refused(made, words, message):
    answer = metrics(*words.split())
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert answer.stdout == ""


def test_a_recipe_without_times_is_told_how_to_name_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Project(tmp_path, '[report.nps]\nnotebook = "nps.ipynb"\n', "nps")
    answer = metrics("schedule", "--emit", "cron")
    assert answer.exit_code == 2
    assert "No time is set" in answer.stderr


def test_a_run_tells_its_hooks_and_keeps_its_exit_code(made, monkeypatch):
    monkeypatch.setitem(run_reports.__kwdefaults__, "runner", runner(fails=["nps"]))
    assert metrics("run").exit_code == 3
    assert json.loads(Path("told").read_text())["report"] == "nps"


def test_what_cannot_be_shown_is_told_all_the_same(made, monkeypatch):
    def full(*given):
        raise OSError(28, "No space left on device", str(made.out / "views"))

    monkeypatch.setitem(run_reports.__kwdefaults__, "runner", runner(fails=["nps"]))
    monkeypatch.setattr("reporting.publishing.run.publish", full)
    answer = metrics("run")
    assert answer.exit_code == 2
    assert (
        "out/views cannot be read or written (No space left on device). What this run built is kept in" in answer.stderr
    )
    assert json.loads(Path("told").read_text())["report"] == "nps"
    monkeypatch.undo()
    monkeypatch.chdir(made.folder)
    monkeypatch.setitem(run_reports.__kwdefaults__, "runner", runner())
    assert metrics("run", "funnel").exit_code == 0
    assert sorted(made.latest()) == ["funnel.html", "index.html", "nps.error.html"]


def test_a_broken_hook_is_said_and_the_exit_code_stays(made, monkeypatch):
    (made.folder / "reports.toml").write_text('[defaults]\nout = "out"\n' + REPORTS.replace('"python"', '"no-such"', 1))
    monkeypatch.setitem(run_reports.__kwdefaults__, "runner", runner(fails=["nps"]))
    answer = metrics("run", "--json")
    assert answer.exit_code == 3
    assert "The hook 'no-such' was not run" in answer.stderr
    assert json.loads(answer.stdout)["hooks"] == ["The hook 'no-such' was not run: there is no such program."]


def test_a_scheduler_tells_of_a_run_that_could_not(made):
    assert metrics("notify", "--job", "metrics-reports", "--exit", "137").exit_code == 0
    assert json.loads(Path("told").read_text())["exit"] == "137"
