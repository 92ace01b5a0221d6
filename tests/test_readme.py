"""The README does what it says."""

import re
import shlex
import subprocess
from pathlib import Path

import matplotlib as mpl
import pandas as pd
import pytest
from typer.testing import CliRunner

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
    [line] = [line for line in SHELL if line.startswith(f".venv/bin/metrics {start}")]
    return shlex.split(line.replace("my.csv", str(my_csv)))[2:]


def test_own_data_are_checked(my_csv):
    result = CliRunner().invoke(app, ["check", *words_of("check", my_csv)[0:]])
    assert result.exit_code == 0, result.output
    assert re.search(r"kept\s+60", result.output)


@pytest.mark.slow
@pytest.mark.parametrize("start", ["report run retention churn", "report run onboarding_funnel"])
def test_own_data_become_reports(start, my_csv, tmp_path, monkeypatch):
    recipe = (ROOT / "reports/reports.toml").read_text().replace("../notebooks", str(ROOT / "notebooks"))
    (tmp_path / "reports.toml").write_text(recipe)
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(report, [*words_of(start, my_csv), "--recipe", str(tmp_path / "reports.toml")])
    assert result.exit_code == 0, result.output
    assert (tmp_path / "index.html").exists()


def test_the_command_line_has_the_commands_of_both_packages():
    out = subprocess.run(["metrics", "--help"], capture_output=True, text=True, check=False, env=_path()).stdout
    assert {"check", "load", "report", "demo"} <= set(out.split())


def _path():
    import os
    import sys

    return os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "COLUMNS": "200"}


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
