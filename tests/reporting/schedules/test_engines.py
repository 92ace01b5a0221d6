"""Each engine's own tool reads the files that were written for it (make schedule-test)."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.reporting.schedules.jobs import files

pytestmark = pytest.mark.schedule

ENVIRONMENTS = Path(".venv-schedules")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"]
SENTENCES = [
    "every hour at :15 UTC",
    "every day at 02:30 Europe/Berlin",
    "every weekday at 06:00 America/New_York",
    "every monday and saturday at 18:30 Asia/Kolkata",
    "every month on the 3rd at 09:00 Europe/Berlin",
]


def tool(name, folder=None):
    """Path of an engine's tool; without it these tests fail, for what nobody read is not checked."""
    path = shutil.which(name, path=None if folder is None else str((ENVIRONMENTS / folder / "bin").resolve()))
    assert path, f"{name} is not there. Run: make schedule-test"
    return path


def written(folder, emitted):
    for name, content in emitted.items():
        (folder / name).write_text(content, encoding="utf-8")
        (folder / name).chmod(0o755 if name.endswith(".sh") else 0o644)
    return [folder / name for name in emitted]


def run(*argv, **settings):
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=300, **settings)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize("clock", ZONES)
def test_crontab_takes_the_lines(clock, tmp_path):
    emitted = files("cron", tmp_path, *SENTENCES[:4], clock=clock)
    cron = next(path for path in written(tmp_path, emitted) if path.suffix == ".cron")
    code, said = run(tool("crontab"), "-n", str(cron))
    assert code == 0, said
    cron.write_text(cron.read_text() + "75 * * * * /bin/true\n")
    assert run(tool("crontab"), "-n", str(cron))[0] != 0  # the tool would see it


def test_the_shell_takes_the_script_of_cron(tmp_path):
    script = next(path for path in written(tmp_path, files("cron", tmp_path)) if path.suffix == ".sh")
    assert run("/bin/sh", "-n", str(script)) == (0, "")


def test_systemd_takes_the_units(tmp_path):
    units = written(tmp_path, files("systemd", tmp_path, *SENTENCES))
    code, said = run(tool("systemd-analyze"), "verify", "--man=no", *map(str, units))
    assert (code, [line for line in said.splitlines() if "metrics-reports" in line]) == (0, [])
    service = next(path for path in units if path.name == "metrics-reports.service")
    service.write_text(service.read_text().replace("Type=oneshot", "Type=onceshot"))
    assert (
        "onceshot" in run(tool("systemd-analyze"), "verify", "--man=no", *map(str, units))[1]
    )  # the tool would see it


def test_systemd_understands_each_time_as_it_is_meant(tmp_path):
    timer = files("systemd", tmp_path, *SENTENCES)["metrics-reports.timer"]
    calendars = [line.removeprefix("OnCalendar=") for line in timer.splitlines() if line.startswith("OnCalendar=")]
    assert len(calendars) == len(SENTENCES)
    for calendar in calendars:
        code, said = run(tool("systemd-analyze"), "calendar", "--iterations=3", calendar)
        assert code == 0, said


def test_airflow_imports_the_dags(tmp_path):
    home = tmp_path / "home"
    dags = home / "dags"
    dags.mkdir(parents=True)
    [_dag] = written(dags, files("airflow", tmp_path, *SENTENCES))
    check = f"""
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag({str(dags)!r})
print(json.dumps({{
    "errors": list(bag.import_errors.values()),
    "dags": {{name: dag.timetable.serialize() for name, dag in bag.dags.items()}},
    "tasks": [task.skip_on_exit_code for dag in bag.dags.values() for task in dag.tasks],
}}))
"""
    settings = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "PATH": os.environ["PATH"],
    }
    code, said = run(tool("python", "airflow"), "-W", "ignore", "-c", check, env=settings, cwd=home)
    assert code == 0, said
    answer = json.loads(next(line for line in said.splitlines() if line.startswith('{"errors"')))
    assert answer["errors"] == []
    assert len(answer["dags"]) == len(SENTENCES)
    third = answer["dags"]["metrics-reports-3"]
    assert (third["expression"], third["timezone"]) == ("0 6 * * 1-5", "America/New_York")
    assert answer["tasks"] == [[75]] * len(SENTENCES)


def test_github_takes_the_workflow(tmp_path):
    [workflow] = written(tmp_path, files("github-actions", tmp_path, *SENTENCES))
    schema = (tool("check-jsonschema", "others"), "--builtin-schema", "vendor.github-workflows", str(workflow))
    code, said = run(*schema)
    assert code == 0, said
    for step in yaml.safe_load(workflow.read_text())["jobs"]["build"]["steps"]:
        if "run" in step:
            assert run("bash", "-n", "-c", step["run"]) == (0, "")
    workflow.write_text(workflow.read_text().replace("timeout-minutes:", "timeout-minuets:"))
    assert run(*schema)[0] != 0  # the tool would see it


def test_jupyter_scheduler_takes_the_job_definitions(tmp_path):
    emitted = files("jupyter-scheduler", tmp_path, *SENTENCES)
    definitions = [json.loads(content) for name, content in emitted.items() if name.endswith(".job.json")]
    assert len(definitions) == len(SENTENCES)
    check = """
import json, sys
import nbformat
from jupyter_scheduler.models import CreateJobDefinition
for definition in json.loads(sys.argv[1]):
    model = CreateJobDefinition(input_uri=definition["input_filename"], **definition)
    assert model.timezone and model.schedule, definition
nbformat.validate(nbformat.reads(sys.argv[2], as_version=4))
from jupyter_scheduler.utils import compute_next_run_time
print([compute_next_run_time(d["schedule"], d["timezone"]) > 0 for d in json.loads(sys.argv[1])])
"""
    argv = [tool("python", "others"), "-W", "ignore", "-c", check]
    code, said = run(*argv, json.dumps(definitions), emitted["metrics-reports.ipynb"])
    assert code == 0, said
    assert "[True, True, True, True, True]" in said
