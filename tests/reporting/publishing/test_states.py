"""How pages stand, by manifests that others may have edited, and in folders that others may use."""

import json
import shutil
from dataclasses import replace
from datetime import date

import pytest

from reporting.errors import RefusedError
from reporting.publishing.folder import Folder
from reporting.publishing.manifest import read_manifest
from reporting.publishing.run import run_reports
from reporting.publishing.states import load_states, read_runs, read_states, states_to_change
from reporting.recipe.file import read_recipe
from tests.reporting.publishing.fakes import Project, project, runner


def edited(made, change):
    """Edit the manifest of the last run, and lose what is remembered."""
    path = made.out / "runs" / Folder(made.out).run_ids()[-1] / "manifest.json"
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))
    (made.out / ".cache" / "states.json").unlink()


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.update(schema=2),
        lambda table: table.update(run="another"),
        lambda table: table.update(ended="yesterday"),
        lambda table: table.update(pages={}),
        lambda table: table["pages"][0].update(started="06:00"),
        lambda table: table["pages"][0].update(started="2026-07-01T06:00:00"),
        lambda table: table["pages"][0].update(day="2026-02-30"),
        lambda table: table["pages"][0].update(name="../../etc/passwd"),
        lambda table: table["pages"][0].update(page="../../../etc/passwd"),
        lambda table: table["pages"][0].update(run="../.."),
        lambda table: table["pages"][0].update(wall_seconds="long"),
        lambda table: table["pages"][0].update(alerts=[{"rule": 1}]),
        lambda table: table["pages"][0].update(key_figure="28 %"),
    ],
    ids=["schema", "run", "ended", "pages", "hour", "zone", "day", "name", "page", "of", "seconds", "alerts", "figure"],
)
def test_a_manifest_that_no_run_writes_is_none_and_what_readers_see_stays(tmp_path, change):
    made = project(tmp_path, "funnel", "nps")
    run = made.run()
    before = made.latest()
    edited(made, change)
    assert read_manifest(made.out / "runs" / run.id) is None
    assert [row.state for row in read_states(made.recipe)] == ["not built"] * 2
    with pytest.raises(RefusedError, match=f"{run.id}: its manifest cannot be read by this version"):
        made.run(plans=made.plans(names=["funnel"]))
    assert made.latest() == before
    shutil.rmtree(made.out / "runs" / run.id)
    assert [entry.status for entry in made.run().entries] == ["built"] * 2


def test_what_a_later_version_adds_is_left_out(tmp_path):
    made = project(tmp_path, "funnel")
    made.run()
    edited(made, lambda table: (table.update(more=1), table["pages"][0].update(more=[1])))
    assert [row.state for row in read_states(made.recipe)] == ["current"]
    assert made.run().id == ""


@pytest.mark.parametrize(
    "damage",
    [
        '{"version": 1, "pages": []}',
        "{",
        "[]",
        "[" * 100_000,
        lambda page: page["good"].update(started="06:00"),
        lambda page: page.update(checked="06:00"),
        lambda page: page["points"][0].pop(),
        lambda page: page["points"][0].__setitem__(2, "today"),
        lambda page: page["attempts"].append([]),
        lambda page: page["attempts"][0].__setitem__(3, "../../../../etc/passwd"),
    ],
)
def test_what_is_remembered_wrongly_is_told_by_the_manifests(tmp_path, damage):
    made = project(tmp_path, "funnel")
    made.run()
    cache = made.out / ".cache" / "states.json"
    if callable(damage):
        table = json.loads(cache.read_text())
        damage(table["pages"]["funnel"])
        damage = json.dumps(table)
    cache.write_text(damage)
    (made.out / ".cache" / "digests.json").write_text("[" * 100_000)
    assert [row.state for row in read_states(made.recipe)] == ["current"]
    assert made.run().id == ""
    [line] = read_runs(made.recipe, load_states(Folder(made.out)))
    assert line.built == [("The funnel", f"runs/{line.id}/funnel.html")]


def test_a_second_recipe_takes_no_pages_from_the_readers_of_the_first(tmp_path):
    first = project(tmp_path, "funnel", "nps")
    first.run()
    before = first.latest()
    second = tmp_path / "weekly.toml"
    second.write_text('[defaults]\nout = "out"\n[report.funnel]\nnotebook = "nps.ipynb"\n')
    recipe = read_recipe(second)
    with pytest.raises(RefusedError, match=r"these are the pages of .*reports\.toml, and weekly\.toml would take"):
        run_reports(recipe, first.plans(recipe=recipe), runner=runner())
    assert first.latest() == before

    (tmp_path / "reports.toml").rename(tmp_path / "gone.toml")  # renamed: it is no second one
    run_reports(recipe, first.plans(recipe=recipe), runner=runner())
    assert sorted(first.latest()) == ["funnel.html", "index.html"]


def test_a_project_that_was_moved_has_its_pages_still(tmp_path):
    (tmp_path / "a").mkdir()
    project(tmp_path / "a", "funnel").run()
    (tmp_path / "a").rename(tmp_path / "b")
    made = Project.at(tmp_path / "b")
    assert [row.state for row in read_states(made.recipe)] == ["current"]
    assert states_to_change(Folder(made.out), made.recipe).home == "../reports.toml"
    assert load_states(Folder(made.out), anew=True).home == "../reports.toml"


def test_a_value_that_left_the_data_takes_its_page_along_and_says_so(tmp_path):
    made = project(tmp_path, "funnel", more='each.plan = { column = "plan", from = "plans.csv" }\n')
    plans = tmp_path / "plans.csv"
    plans.write_text("plan\nfree\npaid\n")
    made.run()
    assert sorted(made.latest()) == ["funnel/free.html", "funnel/paid.html", "index.html"]
    plans.write_text("plan\nfree\nteam\n")
    part = made.run(plans=made.plans(names=["funnel/team"]))  # one page alone says nothing of the others
    assert (part.gone, len(made.latest())) == ([], 4)
    run = made.run()
    assert (run.gone, [entry.status for entry in run.entries]) == (["funnel/paid"], ["unchanged"] * 2)
    assert sorted(made.latest()) == ["funnel/free.html", "funnel/team.html", "index.html"]
    (made.out / ".cache" / "states.json").unlink()
    assert [row.name for row in read_states(made.recipe)] == ["funnel/free", "funnel/team"]
    assert (made.run().id, made.run().gone) == ("", [])

    plans.write_text("plan\nfree\npaid\nteam\n")
    made.run(plans=made.plans(names=["funnel/paid"]))  # it is back
    assert sorted(made.latest()) == ["funnel/free.html", "funnel/paid.html", "funnel/team.html", "index.html"]


def test_a_past_day_says_nothing_of_the_pages_of_today(tmp_path):
    made = project(tmp_path, "funnel", more='each.plan = { column = "plan", from = "plans.csv" }\n')
    (tmp_path / "plans.csv").write_text("plan\nfree\npaid\n")
    made.run()
    (tmp_path / "plans.csv").write_text("plan\nfree\n")
    run = made.run(request={"day": date(2026, 6, 1)}, trigger="backfill")
    assert (run.gone, sorted(made.latest())) == ([], ["funnel/free.html", "funnel/paid.html", "index.html"])


def test_a_table_of_ones_own_says_nothing_of_the_pages_of_the_recipe(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    each = 'each.plan = { column = "plan", from = "events_file" }\n'
    made = project(tmp_path, "funnel", more=each)
    (tmp_path / "events.csv").write_text("plan\nfree\npaid\n")
    (tmp_path / "own.csv").write_text("plan\nteam\n")
    made.run()
    run = made.run(request={"params": {"events_file": "own.csv", "as_of": "2026-07-01"}})
    assert (run.gone, len(made.latest())) == ([], 4)
    own = replace(made.recipe, elsewhere=tmp_path / "own", out=tmp_path / "own")
    for file, gone in (("events.csv", []), ("own.csv", ["funnel/free", "funnel/paid"])):
        asked = {"params": {"events_file": file, "as_of": "2026-07-01"}}
        assert run_reports(own, made.plans(recipe=own, **asked), runner=runner()).gone == gone
