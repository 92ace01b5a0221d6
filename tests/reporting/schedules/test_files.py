"""What stands in the files, and what the scripts in them do. The engines' own tools read them in test_engines.py."""

import configparser
import os
import shlex
import subprocess
import sys
import types

import pytest
import yaml

from reporting.schedules import ENGINES, emit, job, machine_zone
from reporting.schedules.job import LOCKED
from tests.reporting.schedules.jobs import code_of, files, sample


def fake(folder, code, sleep=0):
    """A job whose command exits with `code` and whose notice leaves what it is told in a file."""
    made = sample(folder, timeout=60)
    said = folder / "said"
    for name, body in {"run": f"sleep {sleep}; exit {code}", "tell": f'echo "$@" >> {shlex.quote(str(said))}'}.items():
        (folder / name).write_text(f"#!/bin/sh\n{body}\n")
        (folder / name).chmod(0o755)
    settings = {"command": [str(folder / "run")], "notice": [str(folder / "tell"), "--exit"]}
    return type(made)(**{**made.__dict__, **settings}), said


@pytest.mark.parametrize("engine", ENGINES)
def test_all_paths_are_absolute_and_nothing_but_names_is_told_of_secrets(engine, tmp_path, monkeypatch):
    monkeypatch.setenv("DB_URL", "canary-7c31")
    emitted = files(engine, tmp_path)
    text = "\n".join(emitted.values())
    assert "canary-7c31" not in text
    assert "DB_URL" in text
    if engine != "github-actions":  # there, the paths of this machine mean nothing
        assert str(tmp_path) in text
        assert os.path.dirname(sys.executable) in text
    else:
        assert str(tmp_path) not in text


@pytest.mark.parametrize("engine", ENGINES)
def test_the_same_job_gives_the_same_files(engine, tmp_path):
    assert files(engine, tmp_path) == files(engine, tmp_path)


def test_a_job_without_a_time_and_an_unknown_engine_are_refused(tmp_path):
    nothing = job(tmp_path / "reports.toml", [], out=tmp_path, timeout=60)
    with pytest.raises(ValueError, match="No time is set"):
        emit("cron", nothing)
    with pytest.raises(ValueError, match=r"'crone' is no engine\. Use one of cron, systemd"):
        emit("crone", sample(tmp_path))


def test_cron_starts_the_script_on_the_clocks_of_the_machine(tmp_path):
    cron = files("cron", tmp_path)["metrics-reports.cron"]
    assert "CRON_TZ=UTC" in cron
    lines = [line for line in cron.splitlines() if line[:1].isdigit()]
    assert [" ".join(line.split()[:5]) for line in lines] == ["0 5 * * 1-5", "0 4 * * 1-5", "0 7 3 * *"]
    assert all(r"100\% her own/metrics-reports.sh'" in line for line in lines)
    there = files("cron", tmp_path, "every weekday at 06:00 Europe/Berlin", clock="Europe/Berlin")
    assert next(line for line in there["metrics-reports.cron"].splitlines() if line[:1].isdigit()).startswith(
        "0 6 * * 1-5"
    )
    assert "@reboot" in cron


def test_the_machine_has_a_zone(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    assert machine_zone() == "Europe/Berlin"


@pytest.mark.parametrize(
    ("code", "left", "told"),
    [(0, 0, None), (3, 3, None), (4, 4, None), (LOCKED, 0, None), (2, 2, "--exit 2"), (137, 137, "--exit 137")],
)
def test_the_script_of_cron_maps_the_exit_code_and_tells_what_the_run_could_not(code, left, told, tmp_path):
    made, said = fake(tmp_path, code)
    script = emit("cron", made, clock="UTC")["metrics-reports.sh"]
    assert subprocess.run(["/bin/sh", "-c", script], check=False).returncode == left
    assert (said.read_text().strip() if said.exists() else None) == told


@pytest.mark.slow
def test_the_script_ends_a_run_that_does_not_end(tmp_path):
    made, said = fake(tmp_path, 0, sleep=30)
    script = emit("cron", made, clock="UTC")["metrics-reports.sh"].replace("--kill-after=30 60", "--kill-after=1 1")
    assert subprocess.run(["/bin/sh", "-c", script], check=False, timeout=20).returncode == 124
    assert said.read_text().strip() == "--exit 124"


def test_the_script_reads_secrets_from_its_file(tmp_path):
    made, _ = fake(tmp_path, 0)
    (tmp_path / "run").write_text(f'#!/bin/sh\necho "$DB_URL" > {shlex.quote(str(tmp_path / "seen"))}\n')
    made.secrets_file.write_text("DB_URL='postgres://x y'\n")
    subprocess.run(["/bin/sh", "-c", emit("cron", made, clock="UTC")["metrics-reports.sh"]], check=True)
    assert (tmp_path / "seen").read_text().strip() == "postgres://x y"


def test_systemd_keeps_the_zone_catches_up_and_has_a_deadline(tmp_path):
    units = files("systemd", tmp_path)
    timer, service = units["metrics-reports.timer"], units["metrics-reports.service"]
    assert "OnCalendar=Mon,Tue,Wed,Thu,Fri *-*-* 06:00:00 Europe/Berlin\nOnCalendar=*-*-03 07:00:00 UTC" in timer
    assert "Persistent=true" in timer
    for line in (
        "Type=oneshot",
        "SuccessExitStatus=75",
        "TimeoutStartSec=1800",
        "OnFailure=metrics-reports-failed.service",
    ):
        assert line in service.splitlines()
    assert "100%% her own" in service
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.read_string(service)
    assert parser.sections() == ["Unit", "Service"]


@pytest.mark.parametrize(("status", "told"), [("3", None), ("4", None), ("2", "--exit 2"), ("TERM", "--exit TERM")])
def test_systemd_tells_how_the_run_ended(status, told, tmp_path):
    made, said = fake(tmp_path, 0)
    unit = emit("systemd", made)["metrics-reports-failed.service"]
    line = next(line for line in unit.splitlines() if line.startswith("ExecStart="))
    argv = shlex.split(line.removeprefix("ExecStart=").replace("%%", "%").replace("$$", "$"))
    subprocess.run(argv, check=True, env={**os.environ, "MONITOR_EXIT_STATUS": status})
    assert (said.read_text().strip() if said.exists() else None) == told


def airflow_stub(monkeypatch):
    """As much of Airflow 3 as a DAG file touches; what it was given is kept."""
    seen = {"dags": [], "tasks": []}

    class Dag:
        def __init__(self, **settings):
            seen["dags"].append(settings)

        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

    modules = {
        "airflow.sdk": {"DAG": Dag},
        "airflow.providers.standard.operators.bash": {"BashOperator": lambda **given: seen["tasks"].append(given)},
        "airflow.timetables.trigger": {"CronTriggerTimetable": lambda cron, timezone: (cron, timezone)},
    }
    for name, contents in modules.items():
        parts = name.split(".")
        for depth in range(1, len(parts) + 1):
            path = ".".join(parts[:depth])
            monkeypatch.setitem(sys.modules, path, sys.modules.get(path) or types.ModuleType(path))
        sys.modules[name].__dict__.update(contents)
    return seen


def test_a_dag_for_each_time_and_none_of_them_hides_a_failure(tmp_path, monkeypatch):
    seen = airflow_stub(monkeypatch)
    made, said = fake(tmp_path, 2)
    [(name, source)] = emit("airflow", made).items()
    assert name == "metrics_reports_dag.py"
    exec(compile(source, name, "exec"), {})
    assert [dag["schedule"] for dag in seen["dags"]] == [("0 6 * * 1-5", "Europe/Berlin"), ("0 7 3 * *", "UTC")]
    assert len({dag["dag_id"] for dag in seen["dags"]}) == 2
    assert all(dag["catchup"] is False and dag["max_active_runs"] == 1 for dag in seen["dags"])
    task = seen["tasks"][0]
    assert task["skip_on_exit_code"] == LOCKED
    assert subprocess.run(["/bin/sh", "-c", task["bash_command"]], check=False).returncode == 2
    assert said.read_text().strip() == "--exit 2"


def test_airflow_skips_a_run_that_found_another_at_work(tmp_path, monkeypatch):
    seen = airflow_stub(monkeypatch)
    made, said = fake(tmp_path, LOCKED)
    exec(compile(emit("airflow", made)["metrics_reports_dag.py"], "dag", "exec"), {})
    assert subprocess.run(["/bin/sh", "-c", seen["tasks"][0]["bash_command"]], check=False).returncode == LOCKED
    assert not said.exists()


@pytest.mark.parametrize(
    ("schedule", "month", "runs"),
    [("0 5 * * 1-5", "01", True), ("0 4 * * 1-5", "01", False), ("0 4 * * 1-5", "07", True), ("0 7 3 * *", "07", True)],
)
def test_github_takes_the_line_of_the_season(schedule, month, runs, tmp_path):
    workflow = yaml.safe_load(files("github-actions", tmp_path)["metrics-reports.yml"])
    assert [line["cron"] for line in workflow[True]["schedule"]] == ["0 5 * * 1-5", "0 4 * * 1-5", "0 7 3 * *"]
    step = workflow["jobs"]["build"]["steps"][0]
    (tmp_path / "date").write_text(  # as of a day in that month
        f'#!/bin/sh\nexec /bin/date -d 2026-{month}-15T12:00 "$@"\n'
    )
    (tmp_path / "date").chmod(0o755)
    output = tmp_path / "output"
    output.touch()
    given = {"EVENT": "schedule", "SCHEDULE": schedule, "GITHUB_OUTPUT": str(output)}
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run(["bash", "-e", "-c", step["run"]], check=True, env={**os.environ, **given, "PATH": path})
    assert ("yes=true" in output.read_text()) is runs


def test_github_runs_by_hand_reads_secrets_by_name_and_has_paths_of_the_repository(tmp_path):
    workflow = yaml.safe_load(files("github-actions", tmp_path)["metrics-reports.yml"])
    assert workflow["permissions"] == {"contents": "read"}
    assert "workflow_dispatch" in workflow[True]
    build = next(step for step in workflow["jobs"]["build"]["steps"] if step.get("name") == "Build the reports")
    assert build["env"] == {"DB_URL": "${{ secrets.DB_URL }}"}
    assert "metrics report run --recipe reports/reports.toml" in build["run"]
    elsewhere = job(tmp_path / "a.toml", sample(tmp_path).times, out=tmp_path, timeout=60, folder=tmp_path / "inner")
    with pytest.raises(ValueError, match="not in the repository"):
        emit("github-actions", elsewhere)


@pytest.mark.parametrize(("code", "fails"), [(0, False), (LOCKED, False), (3, True), (2, True)])
def test_the_notebook_of_jupyter_fails_where_the_run_failed(code, fails, tmp_path):
    made, _ = fake(tmp_path, code)
    cell = code_of(emit("jupyter-scheduler", made)["metrics-reports.ipynb"])
    if fails:
        with pytest.raises(RuntimeError, match=f"exit code {code}"):
            exec(cell, {})
    else:
        exec(cell, {})
