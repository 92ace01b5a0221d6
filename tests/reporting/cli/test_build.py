import html
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import reporting.cli.build
import reporting.publishing.run
from reporting.cli import demo, report
from reporting.execution.jobs import Outcome
from reporting.publishing.run import run_reports
from tests.reporting.notebooks import headline, write_notebook
from tests.reporting.publishing.fakes import runner

app = typer.Typer()
app.add_typer(report, name="report")
app.command("demo")(demo)

RECIPE = """
[report.funnel]
notebook = "../notebooks/funnel.ipynb"
data = "events_file"
[report.broken]
notebook = "../notebooks/broken.ipynb"
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    for folder in ("notebooks", "reports"):
        (tmp_path / folder).mkdir()
    write_notebook(tmp_path / "notebooks/funnel.ipynb", "%md # The funnel", headline("28.2", "%", "share a project"))
    write_notebook(tmp_path / "notebooks/broken.ipynb", "%md # Broken", "1 / 0", parameters=None)
    (tmp_path / "reports/reports.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def metrics(*words):
    answer = CliRunner().invoke(app, list(words))
    assert answer.exception is None or isinstance(answer.exception, SystemExit)
    return answer


@pytest.mark.slow
def test_a_good_run_says_where_the_page_is(project):
    answer = metrics("report", "run", "funnel", "--as-of", "2026-06-01", "-p", "weeks=3")
    assert answer.exit_code == 0
    assert answer.stderr == ""
    assert "1 of 1 built. Open reports/index.html" in answer.stdout
    [written] = json.loads(metrics("report", "show", "--json").stdout)["pages"]
    assert (written["as_of"], written["parameters"]["weeks"]) == ("2026-06-01", 3)


@pytest.mark.slow
def test_some_failed_is_3_and_all_failed_is_4(project):
    answer = metrics("report", "run")
    assert answer.exit_code == 3
    cause = "broken.ipynb, cell 2 (1 / 0): ZeroDivisionError: division by zero"
    assert answer.stderr == f"broken failed. {cause}. See reports/latest/broken.error.html\n"
    assert metrics("report", "run", "broken").exit_code == 4
    states = json.loads(metrics("report", "list", "--json").stdout)
    assert {row["name"]: row["state"] for row in states} == {"funnel": "current", "broken": "failed"}


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is bounded on Linux alone")
@pytest.mark.parametrize("kernel", ["warm", "plain"])
def test_what_wants_more_memory_than_the_recipe_allows_fails_alone(project, kernel):
    write_notebook(project / "notebooks/broken.ipynb", "%md # Greedy", "len(bytearray(700_000_000))", parameters=None)
    (project / "reports/reports.toml").write_text(f'[defaults]\nmemory = "700 MB"\n{RECIPE}')
    answer = metrics("report", "run", "--kernel", kernel)
    assert answer.exit_code == 3
    assert "It may use 700 MB: give it more with 'memory', or read less data." in answer.stderr
    assert "1 of 2 built." in answer.stdout
    (project / "reports/reports.toml").write_text(f'[defaults]\nmemory = "2 GB"\n{RECIPE}')
    assert metrics("report", "run", "--kernel", kernel).exit_code == 0


@pytest.mark.slow
def test_data_of_ones_own(project):
    (project / "my.csv").touch()
    answer = metrics("report", "run", "--data", "my.csv", "--as-of", "2026-05-01", "--out", "own", "--json")
    assert answer.exit_code == 0
    assert answer.stderr == "Left out, for they read another table: broken.\n"
    said = json.loads(answer.stdout)
    assert [(row["report"], row["status"]) for row in said["reports"]] == [("funnel", "built")]
    assert said["left_out"] == ["broken"]
    files = sorted(path.name for path in Path("own/latest").iterdir() if path.name[0] != ".")
    assert files == ["funnel.html", "funnel.ipynb", "index.html", "runs.html"]
    assert [path.name for path in Path("reports").iterdir()] == ["reports.toml"]
    assert "The one report is current." in Path("own/index.html").read_text()
    for page in ("index.html", "funnel.html"):
        assert "Data <code>my.csv</code>" in Path("own/latest", page).read_text()
    assert [row["name"] for row in json.loads(metrics("report", "list", "--out", "own", "--json").stdout)] == ["funnel"]


def test_a_failure_says_how_the_parameters_that_it_names_are_set(project, monkeypatch):
    def fail(jobs, **settings):
        for job in jobs:
            yield Outcome(job, "failed", cell=2, cause="ValueError: steps: 'sign_up' is not in the event table.")

    monkeypatch.setitem(run_reports.__kwdefaults__, "runner", fail)
    answer = metrics("report", "run", "funnel")
    assert "is not in the event table. Here that is -p steps=A,B. See reports/latest/funnel.error.html" in answer.stderr
    assert "<pre>-p steps=A,B</pre>" in Path("reports/latest/funnel.error.html").read_text()


def test_a_failure_names_the_users_file_and_the_command_that_was_run(project, monkeypatch):
    def fail(jobs, **settings):
        for job in jobs:
            yield Outcome(job, "failed", cell=2, cause=f"ValueError: {job.given['events_file']}: no rows.")

    monkeypatch.setitem(run_reports.__kwdefaults__, "runner", fail)
    Path("my data").mkdir()
    Path("my data/empty.csv").touch()
    words = ["--data", "my data/empty.csv", "--as-of", "2026-05-01", "-p", "steps=sign up,pay", "--out", "own"]
    answer = metrics("report", "run", "funnel", *words)
    cause = "ValueError: my data/empty.csv: no rows."
    assert answer.stderr == f"funnel failed. funnel.ipynb, cell 2: {cause} See own/latest/funnel.error.html\n"
    for page in ("index.html", "funnel.error.html"):
        assert cause in Path("own/latest", page).read_text()
    options = "--data 'my data/empty.csv' --as-of 2026-05-01 -p 'steps=sign up,pay' --out own"
    page = html.unescape(Path("own/latest/funnel.error.html").read_text())
    assert f"<pre>metrics report run funnel {options}</pre>" in page
    assert "Data <code>empty.csv</code>" in page


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run funel", "no report is called 'funel'. Did you mean 'funnel'?"),
        ("run -p wekks=3", "No chosen report has a parameter 'wekks'. Did you mean 'weeks'?"),
        ("run -p weeks=abc", "weeks is 'abc', but it is declared int. Give a whole number, such as 12."),
        ("run -p weeks", "this is no assignment. Write -p name=value."),
        ("run -p weeks=1 -p weeks=2", "weeks is given twice. Keep one of them."),
        ("run --as-of soon", "as_of is 'soon'"),
        ("run broken --as-of 2026-01-01", "No chosen report has a parameter 'as_of'."),
        ("run --data gone.csv", "--data gone.csv: no such file. Is the path right?"),
        ("run --data reports", "--data reports comes without --as-of, and 2026-07-01 is the as_of of the recipe's own"),
        ("run --out reports/reports.toml", "reports/reports.toml: no folder can be made there: File exists."),
        ("run broken --data reports/reports.toml", "has no key 'data'"),
        ("run --recipe gone.toml", "gone.toml: no such file."),
        ("check --recipe gone.toml", "gone.toml: no such file."),
        ("params gone.ipynb", "this file cannot be read"),
        ("params funel", "Did you mean 'funnel'?"),
    ],
)
def test_what_is_wrong_is_refused_before_anything_runs(project, words, message):
    answer = metrics("report", *words.split())
    assert answer.exit_code == 2
    assert message in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert answer.stdout == ""
    assert [path.name for path in (project / "reports").iterdir()] == ["reports.toml"]


def test_a_refusal_loads_nothing_slow(project):
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom reporting.cli import report\n"
        "code = CliRunner().invoke(report, ['run', '-p', 'wekks=3']).exit_code\n"
        "print(code, [name for name in ('pandas', 'pyarrow', 'papermill', 'nbformat') if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "2 []\n"


def test_help_tells_the_exit_codes(project):
    assert "Exit codes: 0 all built, 2 refused" in " ".join(metrics("report", "run", "--help").stdout.split())


def test_params_shows_the_schema(project):
    said = metrics("report", "params", "funnel").stdout
    assert said.splitlines()[0].split() == ["parameter", "type", "value", "meaning"]
    assert "as_of        str         '2026-07-01'         first moment not observed" in said
    shown = json.loads(metrics("report", "params", "notebooks/funnel.ipynb", "--json").stdout)
    assert shown[3] == {"name": "weeks", "type": "int", "required": False, "value": 4, "meaning": "weeks to show"}


def test_check_runs_nothing(project):
    assert metrics("report", "check").stdout == "reports/reports.toml: 2 reports, nothing to mend.\n"
    assert [path.name for path in (project / "reports").iterdir()] == ["reports.toml"]


def test_demo_makes_its_data_once_and_runs_the_recipe(project, monkeypatch):
    made, ran = [], []

    def make(command, **settings):
        made.append(command[1:3])
        (Path(command[3]) / "events.csv").touch()
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(reporting.cli.build.subprocess, "run", make)
    monkeypatch.setattr(reporting.cli.build, "build", lambda *request: ran.append(request))
    for _ in range(2):
        assert metrics("demo").exit_code == 0
    assert made == [["-m", "metrics.samples.fieldnote"]]
    assert len(ran) == 2


def test_demo_without_a_recipe_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    answer = metrics("demo")
    assert answer.exit_code == 2
    assert answer.stderr.startswith("reports/reports.toml: no such file.")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_said_in_one_line(project, monkeypatch):
    def full(folder, recipe, states):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reporting.publishing.run, "publish", full)
    monkeypatch.setitem(run_reports.__kwdefaults__, "runner", runner())
    answer = metrics("report", "run", "funnel")
    assert answer.exit_code == 2
    assert "reports cannot be read or written (No space left on device)" in answer.stderr
    assert len(answer.stderr.strip().splitlines()) == 1


FULL = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no file here is always full")
ALONE = """
import sys
from reporting.cli import report
from reporting.publishing.run import run_reports
from tests.reporting.publishing.fakes import runner
run_reports.__kwdefaults__["runner"] = runner(fails=["broken"])
report(sys.argv[1:])
"""


def in_a_shell(words, end):
    """Exit code of a verb, started by a shell that says where its words go, and what came on its standard error."""
    command = f'exec "$0" "$@" {end}'
    root = Path(__file__).parents[3]
    answer = subprocess.run(
        ["bash", "-c", command, sys.executable, "-c", ALONE, *words.split()],
        env={**os.environ, "PYTHONPATH": str(root), "PYTHONUNBUFFERED": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in answer.stderr
    return answer.returncode, answer.stderr


@FULL
@pytest.mark.parametrize(
    ("words", "code"),
    [("run funnel", 0), ("run funnel --json", 0), ("run", 3), ("run broken", 4), ("prune --keep-last 1", 0)],
)
def test_where_an_answer_cannot_be_written_the_exit_code_still_tells_what_was_done(project, words, code):
    in_a_shell("run funnel", "> /dev/null")
    found, said = in_a_shell(words, "> /dev/full")
    assert found == code
    assert "Standard output cannot be written: No space left on device. What was done stands" in said
    assert in_a_shell(words, "> /dev/full 2> /dev/full")[0] == code


@pytest.mark.skipif(sys.platform == "win32", reason="pipes of a shell")
def test_whoever_stops_reading_does_not_change_what_a_run_came_to(project):
    assert in_a_shell("run --json", "> >(exec <&-)") == (3, in_a_shell("run --force", "> /dev/null")[1])


@FULL
def test_a_file_for_continuous_integration_that_cannot_be_written_is_told(project):
    found, said = in_a_shell("run funnel --junit /dev/full", "> /dev/null")
    assert (found, len(said.splitlines())) == (0, 1)
    assert said.startswith("--junit /dev/full cannot be written: No space left on device.")
