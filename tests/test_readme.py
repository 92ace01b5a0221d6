"""The README does what it says."""

import re
import shlex
import subprocess
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from typer.testing import CliRunner

import metrics
from metrics.cli import app
from reporting.cli import report

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
[PYTHON] = re.findall(r"```python\n(.*?)```", README, re.S)
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.S)).splitlines()


def test_the_example_has_six_lines_and_runs(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    with mpl.rc_context({"backend": "agg"}):
        exec(PYTHON, {})
    assert "who did sign_up did share_project within 14 days" in capsys.readouterr().out
    assert len([line for line in PYTHON.splitlines() if line]) == 6
    # In a notebook cell the last line is what is shown: the figure.
    assert PYTHON.splitlines()[-1].startswith("metrics.show(metrics.plot_funnel")


def test_the_two_commands_are_targets_of_the_makefile():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    named = [shlex.split(line)[1] for line in SHELL if line.startswith("make ")]
    assert named == ["report", "test"]
    assert set(re.findall(r"make ([a-z-]+)", README)) <= set(targets)


@pytest.fixture
def my_csv(tmp_path):
    """Three weeks of visits, sign-ups and purchases, in local time."""
    lines = ["user,event,time"]
    for user in range(30):
        for week, event in enumerate(["visit", "sign_up", "buy"][: 1 + user % 3]):
            lines.append(f"{user:03d},{event},2026-06-{1 + user % 5 + 7 * week:02d} 10:00")
    path = tmp_path / "my.csv"
    path.write_text("\n".join(lines))
    return path


def words_of(start, my_csv):
    """The words of a README line after its command, on the user's own file and folder."""
    [line] = [line for line in SHELL if line.startswith(f".venv/bin/metrics {start}")]
    line = line.replace("my.csv", str(my_csv)).replace("my.parquet", str(my_csv.with_suffix(".parquet")))
    return shlex.split(line.replace("my-reports", str(my_csv.parent / "my-reports")))[2:]


def test_what_a_refusal_advises_can_be_typed(my_csv):
    other = my_csv.with_name("other.csv")
    other.write_text(my_csv.read_text().replace("user,event", "Wer war es,event"))
    said = CliRunner().invoke(app, ["check", str(other)]).output
    assert "as --rename 'their name=user_id'." in said
    assert "rename=" not in said
    words = ["check", str(other), "--rename", "Wer war es=user_id"]
    said = CliRunner().invoke(app, words).output
    assert "such as --timezone Europe/Berlin." in said
    assert CliRunner().invoke(app, [*words, "--timezone", "Europe/Berlin"]).exit_code == 0


def test_own_data_are_loaded_and_checked(my_csv):
    for words in (["load", *words_of("load", my_csv)], ["check", str(my_csv), "--timezone", "Europe/Berlin"]):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        assert re.search(r"kept\s+60", result.output)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["report run retention churn", "report run onboarding_funnel"])
def test_own_data_become_reports(start, my_csv, monkeypatch):
    monkeypatch.chdir(ROOT)
    CliRunner().invoke(app, ["load", *words_of("load", my_csv)])
    result = CliRunner().invoke(report, words_of(start, my_csv))
    assert result.exit_code == 0, result.output
    assert (my_csv.parent / "my-reports" / "index.html").exists()


def test_the_command_line_has_the_commands_of_both_packages():
    out = subprocess.run(["metrics", "--help"], capture_output=True, text=True, check=False, env=_path()).stdout
    assert {"check", "load", "report", "demo"} <= set(out.split())


def _path():
    import os
    import sys

    return os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "200"}


def test_what_is_odd_about_a_file_can_be_told_on_the_command_line(tmp_path):
    file = tmp_path / "orders.csv"
    file.write_text("Kunde,Tag\n007,05.01.2026\n")
    words = ["check", str(file), "--timezone", "UTC", "--event-name", "order", "--time-format", "%d.%m.%Y"]
    result = CliRunner().invoke(app, [*words, "--rename", "Tag=timestamp"])
    assert result.exit_code == 0, result.output
    assert CliRunner().invoke(app, ["--version"]).output.strip() == metrics.__version__


def test_data_that_cannot_be_read_are_refused_in_one_line_and_exit_code_2(tmp_path):
    page = tmp_path / "export.csv"
    page.write_text("<!DOCTYPE html><title>Sign in</title>")
    result = CliRunner().invoke(app, ["check", str(page)])
    assert result.exit_code == 2
    assert "web page" in result.output


def test_load_writes_parquet_and_prints_the_account(my_csv, tmp_path):
    to = tmp_path / "events.parquet"
    result = CliRunner().invoke(app, ["load", str(my_csv), "--to", str(to), "--timezone", "UTC"])
    assert result.exit_code == 0, result.output
    assert "60 rows written" in result.output
    assert len(pd.read_parquet(to)) == 60
    assert list(tmp_path.glob(".*partial")) == []
