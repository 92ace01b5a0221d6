"""docs/scheduling.md does what it says: its recipe is read, its commands run, its files are there."""

import re
import shlex
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from reporting.cli import report
from reporting.notices import mail, webhook
from reporting.publishing.run import run_reports
from tests.reporting.notebooks import write_notebook
from tests.reporting.publishing.fakes import runner

DOC = (Path(__file__).parent.parent / "docs" / "scheduling.md").read_text(encoding="utf-8")
[RECIPE] = re.findall(r"```toml\n(.*?)```", DOC, re.S)
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", DOC, re.S) for line in block.splitlines()]

app = typer.Typer()
app.add_typer(report, name="report")


@pytest.fixture
def project(tmp_path, monkeypatch):
    for folder in ("notebooks", "reports"):
        (tmp_path / folder).mkdir()
    for name in ("churn", "nps"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", f"%md # The {name}")
    (tmp_path / "reports" / "reports.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(run_reports.__kwdefaults__, "runner", runner())
    return tmp_path


def metrics(line):
    return CliRunner().invoke(app, shlex.split(line, comments=True)[1:])


def test_every_command_runs_in_the_order_of_the_page(project):
    assert len(COMMANDS) >= 14
    for line in COMMANDS:
        answer = metrics(line)
        assert answer.exit_code == 0, (line, answer.output, answer.exception)


def test_every_file_that_is_named_is_written(project):
    for line in COMMANDS:
        if "--emit" in line:
            metrics(line)
    named = set(re.findall(r"`schedule/([\w.-]+)`", DOC))
    assert len(named) >= 5
    assert named <= {path.name for path in Path("schedule").iterdir()}
    assert {"metrics-reports.timer", "metrics-reports-failed.service"} <= {p.name for p in Path("schedule").iterdir()}


def test_nothing_is_due_after_a_run(project):
    metrics("metrics report run")
    assert "Nothing is due." in metrics("metrics report run --due").stdout


def test_the_ready_hooks_take_the_options_of_the_page(project, monkeypatch, capsys):
    recipe = project / "reports" / "reports.toml"
    from reporting.recipe.file import read_recipe

    loaded = read_recipe(recipe)
    for hook, module in ((loaded.on_failure, mail), (loaded.on_alert, webhook)):
        assert list(hook[:3]) == ["python", "-m", module.__name__]
        assert module.main(hook[3:]) == 1  # its secret is not there, and it says so
        assert "Set it before the run" in capsys.readouterr().err


def test_the_exit_codes_are_those_of_the_command(project):
    from reporting.cli import app as codes

    told = {int(code) for cell in re.findall(r"^\| ([\d, ]+) \|", DOC, re.M) for code in cell.split(", ")}
    assert {0, codes.REFUSED, codes.SOME_FAILED, codes.ALL_FAILED, codes.LOCKED, codes.TERMINATED} <= told


def test_a_time_that_is_none_is_refused_with_the_recipe(project):
    recipe = project / "reports" / "reports.toml"
    recipe.write_text(RECIPE.replace("every weekday at 06:00", "every weekday at dawn"))
    answer = metrics("metrics report check")
    assert answer.exit_code == 2
    assert "defaults.schedule: 'every weekday at dawn Europe/Berlin' names no time." in answer.stderr
