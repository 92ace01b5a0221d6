"""The verbs that look back, and those that look at what is to come, on reports that take no time."""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reporting.cli import report
from reporting.cli.app import NOTHING, Terminated
from reporting.publishing.digests import Digests
from reporting.publishing.run import run_reports
from tests.reporting.notebooks import write_notebook
from tests.reporting.publishing.fakes import project, runner


@pytest.fixture
def verb(tmp_path, monkeypatch):
    """Say `metrics report …`; reports run without kernels, those named in `verb.fails` fail."""
    made = project(tmp_path, "funnel", "nps")
    monkeypatch.chdir(tmp_path)

    def say(words, code=0):
        monkeypatch.setitem(run_reports.__kwdefaults__, "runner", runner(fails=say.fails, seen=say.seen))
        answer = CliRunner().invoke(report, [*words.split(), "--recipe", "reports.toml"])
        assert answer.exit_code == code, answer.output
        return answer

    say.fails, say.seen, say.made = [], [], made
    return say


def said(answer):
    return json.loads(answer.stdout)


def test_links_that_lead_in_a_circle_are_told_in_a_line(verb):
    Path("nps.ipynb").unlink()
    Path("nps.ipynb").symlink_to("nps.ipynb")
    assert "there is no 'nps.ipynb'" in verb("check", code=2).stderr
    verb.made.out.symlink_to("out")
    assert "out: no folder can be made there: File exists. Name another" in verb("run funnel", code=2).stderr
    assert len(verb("list").stdout.splitlines()) == 3
    assert "out is not there yet" in verb("doctor", code=1).stdout


def test_a_plan_says_what_would_run_and_which_input_changed(verb):
    assert [row["why"] for row in said(verb("plan --json"))["reports"]] == ["never built"] * 2
    assert not verb.made.out.exists()
    verb("run")
    assert [row["build"] for row in said(verb("plan --json"))["reports"]] == [False, False]
    assert "nothing changed" in verb("plan").stdout

    Path("events.csv").write_text("user,event\n")
    assert [row["changed"] for row in said(verb("plan --json"))["reports"]] == [["data"], ["data"]]
    write_notebook(Path("nps.ipynb"), "%md # Another")
    Path("events.csv").write_text("")
    assert [row["changed"] for row in said(verb("plan --json"))["reports"]] == [[], ["notebook"]]
    assert said(verb("plan funnel -p weeks=9 --json"))["reports"][0]["changed"] == ["parameters"]
    verb("run")
    assert verb.seen == ["funnel", "nps", "nps"]


def test_a_file_that_may_not_be_read_is_said_in_a_line(verb, monkeypatch):
    def refuse(self, path):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Digests, "of_file", refuse)
    answer = verb("plan", code=2)
    assert answer.output.splitlines() == [
        "events.csv cannot be read or written: Permission denied. Is it yours, and is there room?"
    ]


def test_a_module_beside_the_notebook_is_an_input(verb):
    write_notebook(Path("funnel.ipynb"), "%md # The funnel", "import helpers")
    Path("helpers.py").write_text("rate = 1")
    verb("run")
    Path("helpers.py").write_text("rate = 2")
    assert [row["changed"] for row in said(verb("plan --json"))["reports"]] == [["package"], []]


def test_force_builds_what_did_not_change(verb):
    verb("run")
    assert "2 of 2 built, 2 unchanged" not in verb("run --force").stdout
    assert "0 of 2 built, 2 unchanged" in verb("run").stdout
    assert len(verb.seen) == 4


def test_show_tells_of_the_last_run_and_of_any_other(verb):
    verb("run")
    verb.fails.append("nps")
    verb("run --force", code=3)
    assert "ValueError: no rows." in verb("show").stdout
    first = said(verb("list --runs --json"))[-1]
    assert (first["built"], first["failed"]) == (2, 0)
    assert [page["status"] for page in said(verb(f"show {first['run'][:22]} --json"))["pages"]] == ["built", "built"]
    assert "there is no such run" in verb("show 1999", code=2).stderr
    assert "2 runs begin like this" in verb("show 2", code=2).stderr


def test_diff_names_what_changed(verb):
    verb("run")
    verb("run -p weeks=9")
    first = said(verb("list --runs --json"))[-1]["run"]
    assert "weeks: 4 → 9" in verb(f"diff {first}").stdout
    assert [row["changed"] for row in said(verb(f"diff {first} last --json"))] == [["parameters"]] * 2


def test_rerun_builds_the_failed_again_with_the_parameters_they_had(verb):
    verb.fails.append("nps")
    verb("run -p weeks=9 --as-of 2026-05-01", code=3)
    verb.fails.clear()
    verb("rerun last --failed")
    manifest = said(verb("show --json"))
    assert [(page["name"], page["parameters"]["weeks"], page["as_of"]) for page in manifest["pages"]] == [
        ("nps", 9, "2026-05-01")
    ]
    assert manifest["trigger"] == "rerun"
    assert "Nothing failed in" in verb("rerun last --failed", code=2).stderr


def test_a_run_of_a_past_day_again_leaves_the_newer_page(verb, monkeypatch):
    def on(day, words, code=0):
        monkeypatch.setattr("reporting.publishing.plan.today_in", lambda zone: date.fromisoformat(day))
        return verb(words, code)

    def stands():
        [row] = [row for row in said(verb("list --json")) if row["name"] == "funnel"]
        return row["state"], row["good"]["as_of"]

    text = Path("reports.toml").read_text().replace("[defaults]", '[defaults]\nparams = { as_of = "today" }')
    Path("reports.toml").write_text(text)
    verb.fails.append("funnel")
    on("2026-07-01", "run funnel", 4)
    first = said(verb("list --runs --json"))[0]["run"]
    on("2026-07-02", "run funnel", 4)
    verb.fails.clear()
    assert "out/runs/" in on("2026-07-02", f"rerun {first}").stdout
    assert stands() == ("failed", "2026-07-01")  # that of the second day still is
    on("2026-07-02", "run funnel")
    assert stands() == ("current", "2026-07-02")
    on("2026-07-02", f"rerun {first}")
    assert stands() == ("current", "2026-07-02")
    verb.fails.append("funnel")
    assert "See out/runs/" in on("2026-07-02", f"rerun {first}", 4).stderr
    assert stands() == ("current", "2026-07-02")


def test_a_page_that_failed_again_says_how_to_build_it_with_the_parameters_it_had(verb):
    verb.fails.append("nps")
    verb("run -p weeks=9 --as-of 2026-05-01", code=3)
    first = said(verb("list --runs --json"))[-1]["run"]
    verb("rerun last", code=3)
    page = Path("out/latest/nps.error.html").read_text()
    command = f"metrics report rerun {first} nps --recipe reports.toml"
    assert command in page
    verb.fails.clear()
    verb.seen.clear()
    verb(command.removeprefix("metrics report ").removesuffix(" --recipe reports.toml"))
    assert verb.seen == ["nps"]
    assert said(verb("show --json"))["pages"][0]["parameters"]["weeks"] == 9


def test_rerun_knows_which_pages_a_run_had(verb):
    verb("run funnel")
    assert "has no page 'funel'. Did you mean 'funnel'?" in verb("rerun last funel", code=2).stderr
    assert "has no page 'nps'" in verb("rerun last nps", code=2).stderr  # of the recipe, and not of this run


def test_prune_needs_a_rule_and_can_be_tried(verb):
    for _ in range(4):
        verb("run --force")
    assert "Nothing says what to keep" in verb("prune", code=2).stderr
    assert "2 runs would be removed, 2 kept." in verb("prune --keep-last 2 --dry-run").stdout
    assert len(said(verb("list --runs --json"))) == 4
    assert len(said(verb("prune --keep-last 2 --json"))["removed"]) == 2
    assert len(said(verb("list --runs --json"))) == 2


def test_the_page_of_runs_names_those_that_are_kept(verb):
    def named():
        page = (verb.made.out / "latest" / "runs.html").read_text()
        return sorted(set(re.findall(r'href="../runs/([^/"]+)/', page)))

    def kept():
        return sorted(row["run"] for row in said(verb("list --runs --json")))

    for _ in range(3):
        verb("run --force")
    verb("prune --keep-last 1")
    assert named() == kept()
    assert len(kept()) == 1
    text = Path("reports.toml").read_text()
    Path("reports.toml").write_text(text.replace("[defaults]", "[defaults]\nkeep = { last = 1 }"))
    verb("run --force")
    assert named() == kept()
    assert len(kept()) == 1


def test_the_index_is_made_again_from_the_manifests(verb):
    verb("run")
    shutil.rmtree(verb.made.out / "views")
    (verb.made.out / "latest").unlink()
    (verb.made.out / "index.html").unlink()
    assert [row["state"] for row in said(verb("index --json"))["reports"]] == ["current", "current"]
    assert sorted(verb.made.latest()) == ["funnel.html", "index.html", "nps.html"]


def test_an_index_is_not_made_without_pages_whose_manifest_is_broken(verb):
    verb("run")
    [run] = (verb.made.out / "runs").glob("2*")
    (run / "manifest.json").write_text("{")
    assert f"out/runs/{run.name}: its manifest cannot be read" in verb("index", code=2).stderr
    assert sorted(verb.made.latest()) == ["funnel.html", "index.html", "nps.html"]
    shutil.rmtree(run)
    assert [row["state"] for row in said(verb("index --json"))["reports"]] == ["not built", "not built"]


def test_pages_leave_as_files_of_their_own(verb):
    assert "There is no page of these reports yet" in verb("export --to away", code=2).stderr
    verb("run")
    verb("export funnel --to away")
    assert [path.name for path in Path("away").iterdir()] == ["funnel.html"]


def test_a_backfill_is_one_run_a_day_and_runs_once(verb):
    verb("run funnel --from 2026-06-01 --to 2026-06-03")
    assert [row["trigger"] for row in said(verb("list --runs --json"))] == ["backfill"] * 3
    answer = said(verb("run funnel --from 2026-06-01 --to 2026-06-04 --json"))
    assert [row["status"] for row in answer["reports"]] == ["unchanged"] * 3 + ["built"]
    assert [row["day"] for row in answer["reports"]] == [f"2026-06-0{day}" for day in (1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("run --from 2026-06-01", "--from and --to go together"),
        ("run --from June --to 2026-06-02", "--from is 'June', which is no date"),
        ("run --from 2026-06-02 --to 2026-06-01", "is before"),
        ("run --from 1926-06-02 --to 2026-06-01", "more than ten years"),
        ("run --from 2026-06-01 --to 2026-06-02 --as-of 2026-06-01", "Leave out --as-of"),
        ("run --kernel cold", "there is no such kernel"),
        ("plan -p wekks=3", "Did you mean 'weeks'?"),
        ("check fnnel", "Did you mean 'funnel'?"),
    ],
)
def test_what_is_wrong_is_refused_and_nothing_ran(verb, words, message):
    assert message in verb(words, code=2).stderr
    assert verb.seen == []
    assert not verb.made.out.exists()


def test_what_is_due_is_built_and_nothing_else(verb):
    text = Path("reports.toml").read_text()
    Path("reports.toml").write_text(text.replace('"nps.ipynb"', '"nps.ipynb"\nschedule = "every day at 06:00"'))
    verb("run --due")
    assert verb.seen == ["nps"]
    assert verb("run --due").stdout == "Nothing is due.\n"


def test_the_doctor_finds_a_run_that_cannot_be_read(verb):
    verb("run")
    assert {row["what"]: row["state"] for row in said(verb("doctor --json"))}["latest"] == "well"
    [run] = [row["run"] for row in said(verb("list --runs --json"))]
    (verb.made.out / "runs" / run / "manifest.json").write_text("{")
    assert {row["what"]: row["state"] for row in said(verb("doctor --json", code=1))}["runs"] == "wrong"


@pytest.fixture
def lost(verb):
    """The same after a good run, and then the notebook of `nps` was moved."""
    verb("run")
    Path("nps.ipynb").rename("voice.ipynb")
    verb.seen.clear()
    return verb


LOST = "report.nps.notebook: there is no 'nps.ipynb' in"


@pytest.mark.parametrize(
    "words",
    ["list", "list --runs", "show", "plan", "plan funnel", "check funnel", "run funnel", "index", "prune --keep-last 1",
     "export --to mails", "notify --job nightly --exit 137"],
)  # fmt: skip
def test_a_notebook_that_is_gone_is_said_in_a_line_by_verbs_that_do_without(lost, words):
    answer = lost(words)
    assert LOST in answer.stderr
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("words", ["run nps", "plan nps", "params nps", "check", "check nps", "run --force nps funnel"])
def test_a_notebook_that_is_gone_is_refused_where_it_is_needed(lost, words):
    answer = lost(words, code=2)
    assert LOST in answer.stderr
    assert lost.seen == []


def test_a_run_of_all_counts_a_report_whose_notebook_is_gone_as_failed(lost):
    good = lost.made.latest()["nps.html"]
    assert "nps     failed    its notebook is not there" in lost("plan").stdout
    answer = lost("run --json", code=3)
    assert {row["report"]: row["status"] for row in said(answer)["reports"]} == {"funnel": "unchanged", "nps": "failed"}
    assert "nps failed. nps.ipynb: there is no 'nps.ipynb'. Correct report.nps.notebook" in answer.stderr
    latest = lost.made.latest()
    assert latest["nps.html"] == good
    assert "Correct report.nps.notebook in reports.toml" in latest["nps.error.html"]
    assert {row["name"]: row["state"] for row in said(lost("list --json"))} == {"funnel": "current", "nps": "failed"}
    assert lost("run --from 2026-06-01 --to 2026-06-02", code=3).stderr.count("nps failed.") == 2
    lost("rerun last nps", code=4)
    lost("doctor", code=1)
    Path("voice.ipynb").rename("nps.ipynb")
    assert "nps     built     failed last time" in lost("plan").stdout
    lost("run")


def test_all_pages_of_a_report_fail_with_its_notebook(verb):
    recipe = Path("reports.toml")
    recipe.write_text(recipe.read_text() + 'each.segment = ["S01", "S02"]\ntitle = "Segment {segment}"\n')
    write_notebook(Path("nps.ipynb"), "%md # One", parameters='segment: str = "S01"')
    Path("nps.ipynb").rename("voice.ipynb")
    verb("run", code=3)
    assert [row["name"] for row in said(verb("list --json"))] == ["funnel", "nps"]
    assert "nps.error.html" in verb.made.latest()
    Path("voice.ipynb").rename("nps.ipynb")
    verb("run")
    assert [row["name"] for row in said(verb("list --json"))] == ["funnel", "nps/s01", "nps/s02"]
    Path("nps.ipynb").rename("voice.ipynb")
    failed = [row["report"] for row in said(verb("run --json", code=3))["reports"] if row["status"] == "failed"]
    assert failed == ["nps/s01", "nps/s02"]
    assert {"nps/s01.html", "nps/s01.error.html"} <= set(verb.made.latest())


SLOW_IMPORTS = ("pandas", "pyarrow", "matplotlib", "papermill", "nbformat", "nbconvert", "jinja2", "IPython")


@pytest.mark.parametrize("words", [["run", "-p", "wekks=3"], ["plan"], ["run"], ["list"], ["check"]])
def test_answers_that_need_no_kernel_load_nothing_slow(verb, words):
    verb("run")
    program = (
        "import sys\nfrom typer.testing import CliRunner\nfrom reporting.cli import report\n"
        f"CliRunner().invoke(report, {[*words, '--recipe', 'reports.toml']!r})\n"
        f"print([name for name in {SLOW_IMPORTS!r} if name in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


@pytest.mark.parametrize("closed", ["2>&-", "0<&- 2>&-"])
def test_a_run_without_its_streams_is_a_run(tmp_path, closed):
    project(tmp_path, "funnel")
    program = "from metrics.cli import main; main()"
    words = shlex.join([sys.executable, "-c", program, "report", "run", "--due", "--recipe", "reports.toml"])
    run = subprocess.run(["/bin/sh", "-c", f"{words} {closed}"], cwd=tmp_path, stdout=subprocess.PIPE, check=False)
    assert (run.returncode, run.stdout) == (0, b"Nothing is due.\n")


@pytest.mark.parametrize(("error", "code", "said"), [(KeyboardInterrupt, 130, "Int"), (Terminated, 143, "Term")])
def test_an_end_that_comes_while_hooks_are_told_says_that_the_run_stands(verb, monkeypatch, error, code, said):
    def told(recipe, run):
        raise error

    monkeypatch.setattr("reporting.notices.runs.tell", told)
    answer = verb("run --from 2026-06-01 --to 2026-06-03", code=code)
    assert answer.stderr.startswith(f"{said}")
    assert "Before that 3 runs ended and will be shown" in answer.stderr
    assert len(list((verb.made.out / "runs").glob("2*"))) == 3
    assert verb("run --from 2026-06-01 --to 2026-06-03", code=code).stderr.endswith(NOTHING + "\n")  # not built twice


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 143), (signal.SIGINT, 130)])
def test_a_run_that_is_told_to_end_leaves_no_process_and_no_file(tmp_path, number, code):
    write_notebook(tmp_path / "slow.ipynb", "%md # Slow", "import os, time\nprint(os.getpid(), flush=True)\n"
                   "open('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)")  # fmt: skip
    (tmp_path / "reports.toml").write_text('[defaults]\nout = "out"\n[report.slow]\nnotebook = "slow.ipynb"\n')
    program = "import sys; from metrics.cli import main; sys.exit(main())"
    words = [sys.executable, "-c", program, "report", "run", "--recipe", "reports.toml"]
    run = subprocess.Popen(words, cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)
    run.send_signal(number)
    _, error = run.communicate(timeout=30)
    assert run.returncode == code
    assert "Nothing of this run was published." in error
    assert not list((tmp_path / "out").rglob(".tmp-*"))
    kernel = int((tmp_path / "pid").read_text())
    time.sleep(2)
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)


def test_pages_whose_files_would_be_called_alike_are_all_exported(verb):
    pages = {"a": "['b-c', 'd']", "a-b": "['c']"}
    text = "".join(f"[report.{name}]\nnotebook = 'nps.ipynb'\neach.plan = {plans}\n" for name, plans in pages.items())
    Path("reports.toml").write_text(f'[defaults]\nout = "out"\n{text}[report.a-b-c]\nnotebook = "funnel.ipynb"\n')
    verb("run")
    verb("export --to away")
    files = {path.name: path.read_text().partition("<title>")[2].split()[0] for path in Path("away").iterdir()}
    assert files == {"a.b-c.html": "a/b-c", "a-d.html": "a/d", "a-b.c.html": "a-b/c", "a-b-c.html": "a-b-c"}


@pytest.mark.parametrize(("content", "why"), [(None, "No such file or directory"), (b"\xff", "it is no text")])
def test_a_page_that_cannot_be_read_is_not_exported(verb, content, why):
    verb("run funnel")
    [page] = (verb.made.out / "runs").glob("2*/funnel.html")
    page.unlink()
    if content:
        page.write_bytes(content)
    assert f"funnel.html cannot be read: {why}. Build it again." in verb("export --run last --to away", code=2).stderr


def test_doctor_says_where_the_folder_of_runs_is_none(verb):
    verb("run")
    shutil.rmtree(verb.made.out / "runs")
    (verb.made.out / "runs").touch()
    assert "runs is no folder" in verb("doctor", code=1).stdout


def test_what_may_not_be_read_or_written_is_refused_before_anything_runs(verb):
    Path("events.csv").chmod(0)
    if os.access("events.csv", os.R_OK):
        pytest.skip("whoever runs this may read and write everything")
    assert "events_file is 'events.csv', and nothing that you may read is there" in verb("check", code=2).stderr
    Path("events.csv").chmod(0o644)
    Path("junit.xml").touch(0o444)
    assert "--junit junit.xml: you may not write there." in verb("run --junit junit.xml", code=2).stderr
    assert not verb.made.out.exists()
