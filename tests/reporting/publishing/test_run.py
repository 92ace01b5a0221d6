import json
from datetime import UTC, datetime

import pytest

from reporting.errors import LockedError
from reporting.execution.jobs import Event
from reporting.pages import templates
from reporting.publishing import inputs
from reporting.publishing.decide import decide
from reporting.publishing.digests import Digests
from reporting.publishing.folder import Folder
from reporting.publishing.history import difference, due, find_run
from reporting.publishing.inputs import imports_of
from reporting.publishing.manifest import read_manifest
from reporting.publishing.plan import plan_reports
from reporting.publishing.run import run_reports
from reporting.publishing.states import load_states, read_states
from reporting.recipe.file import read_recipe
from tests.reporting.notebooks import full_report, headline, write_notebook
from tests.reporting.publishing.fakes import project, runner


def names_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def states(made):
    return {row.name: row.state for row in read_states(made.recipe)}


def test_a_notebook_whose_title_has_half_a_sign_fails_alone(tmp_path):
    made = project(tmp_path, "funnel", "nps")
    write_notebook(tmp_path / "nps.ipynb", "%md # Half \ud83d of it")
    run = made.run(fails=["nps"])
    assert [entry.status for entry in run.entries] == ["built", "failed"]
    assert "Half ? of it" in made.latest()["nps.error.html"]
    assert made.run(fails=["nps"]).entries[0].status == "unchanged"


def test_a_run_leaves_pages_notebooks_logs_and_last_its_manifest(tmp_path):
    made = project(tmp_path, "funnel", "nps")
    run = made.run()
    place = made.out / "runs" / run.id
    assert names_in(place) == sorted(
        ["manifest.json"] + [f"{name}.{end}" for name in ("funnel", "nps") for end in ("html", "ipynb", "log")]
    )
    assert sorted(made.latest()) == ["funnel.html", "index.html", "nps.html"]
    assert (made.out / "index.html").read_text() == made.latest()["index.html"]
    manifest = read_manifest(place)
    assert [page.status for page in manifest.pages] == ["built", "built"]
    assert manifest.pages[0].parameters["steps"] == ["visit", "signup"]
    assert states(made) == {"funnel": "current", "nps": "current"}


def test_what_publishing_needs_is_compiled_while_the_first_jobs_run(tmp_path):
    made, compiled, told = project(tmp_path, "funnel"), [], []

    def watched(jobs, *, on_event, **settings):
        jobs = list(jobs)
        on_event(Event("started", jobs[0]))
        compiled.extend(name for _, name in templates._environment().cache)
        yield from runner()(jobs, on_event=on_event, **settings)

    templates._environment.cache_clear()
    templates.compile_ahead.cache_clear()
    run_reports(made.recipe, made.plans(), runner=watched, on_event=lambda event: told.append(event.kind))
    assert sorted(compiled) == ["index.html.j2", "layout.html.j2", "runs.html.j2"]
    assert told == ["started"]


def test_nothing_changed_builds_nothing_and_leaves_nothing(tmp_path):
    made = project(tmp_path, "funnel")
    first, seen = made.run(), []
    again = made.run(seen=seen)
    assert (again.id, seen, [entry.status for entry in again.entries]) == ("", [], ["unchanged"])
    assert Folder(made.out).run_ids() == [first.id]


def test_what_draws_figures_is_part_of_the_template(tmp_path, monkeypatch):
    made = project(tmp_path, "funnel")
    made.run()
    monkeypatch.setattr(inputs, "TEMPLATE", tuple(part for part in inputs.TEMPLATE if part != "figures"))
    assert decide(made.recipe, made.plans(), load_states(Folder(made.out)), Digests())[0].why == "changed: template"


def test_a_page_that_the_recipe_no_longer_has_is_not_shown_as_current(tmp_path):
    made = project(tmp_path, "funnel", more='schedule = "every day at 06:00"\neach = "plans.csv"\n')
    plans = tmp_path / "plans.csv"
    plans.write_text("plan\nfree\npaid\n")
    made.run()
    assert states(made) == {"funnel/free": "current", "funnel/paid": "current"}
    plans.write_text("plan\nfree\n")
    made.run()
    assert states(made) == {"funnel/free": "current"}
    assert sorted(made.latest()) == ["funnel/free.html", "index.html"]
    assert "paid" not in made.latest()["index.html"]
    assert due(made.recipe, datetime.now(UTC)) == []
    recipe = tmp_path / "reports.toml"
    recipe.write_text(recipe.read_text().replace('each = "plans.csv"\n', ""))
    assert states(made) == {"funnel": "not built"}
    made.run()
    assert sorted(made.latest()) == ["funnel.html", "index.html"]


@pytest.mark.parametrize(
    "cell",
    ["import top", "%%time\nimport under", "%time import under", "files = !ls\nimport under", "import under\nunder?",
     "import json; import under", "from inner import part", "%run -i script.py", "import bare.part"],
)  # fmt: skip
def test_what_a_notebook_imports_or_runs_is_part_of_the_package(tmp_path, cell):
    for folder in ("inner", "bare"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "part.py").write_text("rate = 1")
    (tmp_path / "inner" / "__init__.py").touch()
    for name, code in (("top", "from under import rate"), ("under", "rate = 1"), ("script", "import under")):
        (tmp_path / f"{name}.py").write_text(code)
    made = project(tmp_path, "funnel")
    write_notebook(tmp_path / "funnel.ipynb", "%md # The funnel", cell)
    made.run()
    assert [entry.status for entry in made.run().entries] == ["unchanged"]
    for name in ("under.py", "inner/part.py", "bare/part.py"):
        (tmp_path / name).write_text("rate = 22")
    assert decide(made.recipe, made.plans(), load_states(Folder(made.out)), Digests())[0].why == "changed: package"


def test_what_code_beside_a_notebook_imports_the_notebook_imports(tmp_path):
    (tmp_path / "team.py").write_text("import json, numpy.linalg\nfrom tools import rate")
    (tmp_path / "tools.py").write_text("def rate():\n    import duckdb")
    notebook = write_notebook(tmp_path / "funnel.ipynb", "%md # The funnel\n\nimport metrics", "%time import team")
    assert imports_of(notebook, Digests()) == {"team", "tools", "numpy", "duckdb"}
    assert imports_of(tmp_path / "gone.ipynb", Digests()) == set()


def test_names_that_a_pattern_matches_are_part_of_the_data(tmp_path):
    made = project(tmp_path, "funnel", more='data = ["in/*.csv"]\n')
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "june.csv").write_text("a")
    made.run()
    assert [entry.status for entry in made.run().entries] == ["unchanged"]
    (tmp_path / "in" / "june.csv").rename(tmp_path / "in" / "july.csv")  # a notebook may read the month there
    assert decide(made.recipe, made.plans(), load_states(Folder(made.out)), Digests())[0].why == "changed: data"


def test_a_failed_report_leaves_its_last_good_page_and_the_others_are_published(tmp_path):
    made = project(tmp_path, *[f"r{number:02}" for number in range(20)])
    made.run(number="1")
    before = made.latest()
    run = made.run(force=True, number="2", fails=["r07"])
    assert [entry.name for entry in run.failed] == ["r07"]
    after = made.latest()
    assert after["r07.html"] == before["r07.html"]
    assert sum("<p>2</p>" in page for page in after.values()) == 19
    assert "ValueError: no rows." in after["r07.error.html"]
    assert '<a href="../latest/r07.html">' in after["r07.error.html"]
    assert states(made)["r07"] == "failed"
    assert (made.out / "latest" / "r07.failed.ipynb").is_file()


def test_failures_in_a_row_are_counted_until_a_run_goes_well(tmp_path):
    made = project(tmp_path, "funnel")
    made.run()
    for _ in range(2):
        made.run(force=True, fails=["funnel"])
    [row] = read_states(made.recipe)
    assert row.failure.runs == 2
    assert row.failure.since < row.failure.at
    assert "two runs in a row" in made.latest()["funnel.error.html"]
    assert [entry.status for entry in made.run().entries] == ["built"]  # a failed report is tried again
    assert sorted(made.latest()) == ["funnel.html", "index.html"]
    assert states(made) == {"funnel": "current"}


def test_a_report_that_never_went_well_has_an_error_page_and_no_other(tmp_path):
    made = project(tmp_path, "funnel")
    made.run(fails=["funnel"], status="timeout")
    assert sorted(made.latest()) == ["funnel.error.html", "index.html"]
    assert "There is no earlier report" in made.latest()["funnel.error.html"]
    assert find_run(made.out, "last").pages[0].status == "timeout"


def test_another_run_at_work_is_left_alone_and_nothing_is_written(tmp_path):
    made = project(tmp_path, "funnel")
    made.run()
    before = names_in(made.out)
    with Folder(made.out).locked(), pytest.raises(LockedError, match="another run is at work here"):
        made.run(force=True)
    assert names_in(made.out) == before


def test_the_same_inputs_give_the_same_bytes(tmp_path):
    pages = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        made = project(folder, "funnel")
        made.run()
        pages.append((made.out / "latest" / "funnel.html").read_bytes())
    assert pages[0] == pages[1]


def test_what_a_killed_run_left_is_removed_and_made_up_for(tmp_path):
    made = project(tmp_path, "funnel")
    made.run(number="1")
    stale = [made.out / "runs/.tmp-x", made.out / "views/.tmp-y", made.out / ".cache/.tmp-z"]
    for path in stale:
        path.mkdir()
        (path / "funnel.html").write_text("half")
    latest = (made.out / "latest").readlink()
    made.run(force=True, number="2")
    (made.out / ".tmp-latest").symlink_to(latest)  # as if killed before the swap
    (made.out / ".tmp-latest").replace(made.out / "latest")
    (made.out / ".cache/states.json").unlink()
    assert "<p>1</p>" in made.latest()["funnel.html"]
    assert made.run().id == ""  # nothing to build, but something to show
    assert "<p>2</p>" in made.latest()["funnel.html"]
    assert not [path for path in stale if path.exists()]


def test_a_copy_of_the_folder_that_holds_no_links_is_taken_over(tmp_path):
    import shutil

    made = project(tmp_path, "funnel")
    made.run()
    shutil.copytree(made.out, tmp_path / "copy")  # follows links
    shutil.rmtree(made.out)
    (tmp_path / "copy").rename(made.out)
    assert (made.out / "latest").is_dir()
    made.run(force=True, number="9")
    assert "<p>9</p>" in made.latest()["funnel.html"]


def test_what_is_remembered_is_told_again_by_the_manifests(tmp_path):
    made = project(tmp_path, "funnel", "nps")
    for number in ("1", "2", "3"):
        made.run(force=True, number=number, fails=["nps"] if number == "3" else [])
    remembered = read_states(made.recipe)
    (made.out / ".cache/states.json").write_text("{ torn")
    assert read_states(made.recipe) == remembered
    assert [point.number for point in remembered[0].history] == [1, 2, 3]


def test_a_removed_run_is_forgotten(tmp_path):
    import shutil

    made = project(tmp_path, "funnel")
    ids = [made.run(force=True, number=number).id for number in ("1", "2")]
    shutil.rmtree(made.out / "runs" / ids[1])
    [row] = read_states(made.recipe)
    assert row.good.run == ids[0]


def test_a_folder_of_ones_own_lists_what_ran_there(tmp_path):
    made = project(tmp_path, "funnel", "nps")
    own = read_recipe(tmp_path / "reports.toml", tmp_path / "own")
    assert read_states(own) == []
    assert len(read_states(made.recipe)) == 2


def test_each_day_of_a_backfill_is_a_run_and_is_not_run_twice(tmp_path):
    from datetime import date

    made = project(tmp_path, "funnel")
    days = [date(2026, 6, number) for number in (1, 2, 3)]

    def backfill():
        return [made.run(request={"day": day}, trigger="backfill") for day in days]

    ids = [run.id for run in backfill()]
    assert all(ids)
    assert [run.id for run in backfill()] == ["", "", ""]
    assert [find_run(made.out, run).pages[0].as_of for run in ids] == ["2026-06-01", "2026-06-02", "2026-06-03"]
    assert '"as_of": "2026-06-03"' in made.latest()["funnel.html"]


def test_a_backfill_of_the_past_leaves_the_present_page(tmp_path):
    from datetime import date

    made = project(tmp_path, "funnel")
    made.run()
    present = made.latest()["funnel.html"]
    made.run(request={"day": date(2026, 1, 1)}, trigger="backfill")
    made.run(request={"day": date(2026, 1, 2)}, trigger="backfill", fails=["funnel"])
    assert made.latest()["funnel.html"] == present
    [row] = read_states(made.recipe)
    assert row.state == "current"
    assert [point.as_of for point in row.history] == ["2026-01-01", "2026-07-01"]


def test_late_is_who_has_no_new_run_after_its_time(tmp_path):
    from datetime import UTC, datetime, timedelta

    made = project(tmp_path, "funnel", more='late_after = "26 hours"\n')
    made.run()
    now = datetime.now(UTC)
    assert [row.state for row in read_states(made.recipe, now=now + timedelta(hours=25))] == ["current"]
    assert [row.state for row in read_states(made.recipe, now=now + timedelta(hours=27))] == ["late"]


def test_a_difference_names_the_inputs_and_the_figures(tmp_path):
    made = project(tmp_path, "funnel")
    made.run(number="1")
    (tmp_path / "events.csv").write_text("new")
    made.run(number="2", request={"params": {"weeks": "9"}})
    ids = Folder(made.out).run_ids()
    [row] = difference(*[find_run(made.out, run) for run in ids])
    assert row["changed"] == ["parameters", "data"]
    assert row["parameters"] == {"weeks": [4, 9]}
    assert row["key_figure"] == ["1 %", "2 %"]


def test_the_manifest_says_what_the_schema_says(tmp_path):
    jsonschema = pytest.importorskip("jsonschema")
    from importlib.resources import files

    made = project(tmp_path, "funnel", "nps")
    run = made.run(fails=["nps"])
    schema = json.loads((files("reporting.publishing") / "manifest.schema.json").read_text())
    jsonschema.validate(json.loads((made.out / "runs" / run.id / "manifest.json").read_text()), schema)


@pytest.fixture
def build(tmp_path):
    """Write the notebook and run its report with a kernel, into a folder of its own."""
    (tmp_path / "reports.toml").write_text('[defaults]\nout = "out"\n[report.funnel]\nnotebook = "funnel.ipynb"\n')

    def run(*cells):
        if cells:
            write_notebook(tmp_path / "funnel.ipynb", *cells)
        else:
            full_report(tmp_path / "funnel.ipynb")
        recipe = read_recipe(tmp_path / "reports.toml")
        return run_reports(recipe, plan_reports(recipe)[0], force=True)

    run.latest = tmp_path / "out/latest"
    return run


@pytest.mark.slow
def test_a_real_report_has_its_page_and_what_it_says(build):
    pages = []
    for _ in range(2):
        [entry] = build().entries
        pages.append((build.latest / "funnel.html").read_bytes())
    assert pages[0] == pages[1]
    assert (entry.status, entry.as_of, entry.key_figure["number"]) == ("built", "2026-07-01", "28.2")
    assert "As of 1 Jul 2026, 00:00 Europe/Berlin" in pages[0].decode()
    assert 'href="../index.html"' in pages[0].decode()
    assert len(pages[0]) < 30_000
    assert (entry.bytes, entry.run[:2]) == (len(pages[0]), "20")


@pytest.mark.slow
def test_a_real_failure_leaves_the_last_good_page_and_says_since_when(build):
    build("%md # Funnel", headline("28.2", "%", "share a project"))
    good = (build.latest / "funnel.html").read_bytes()
    run = build("%md # Funnel", "1 / 0")
    assert str(run.errors["funnel"]) == "funnel.ipynb, cell 3 (1 / 0): ZeroDivisionError: division by zero"
    assert (build.latest / "funnel.html").read_bytes() == good
    error_page = (build.latest / "funnel.error.html").read_text()
    assert "report as of 1 Jul 2026</a> is still in its place" in error_page
    assert "ZeroDivisionError: division by zero" in error_page
    assert (build.latest / "funnel.failed.ipynb").is_file()


def test_a_hostile_traceback_is_shown_as_text(tmp_path):
    from reporting.execution.jobs import Outcome

    made = project(tmp_path, "funnel")
    hostile = "<script>window.PWNED=1</script>"

    def fail(jobs, **settings):
        for job in jobs:
            yield Outcome(job, "failed", cell=2, cause=hostile, source=hostile, line=1, traceback=hostile)

    run_reports(made.recipe, made.plans(), runner=fail)
    assert "<script" not in made.latest()["funnel.error.html"]
    assert "<script" not in made.latest()["index.html"]
