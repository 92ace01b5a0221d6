"""Data that change while a run is at work: no page tells of one state and names another."""

import pytest

from reporting.publishing.manifest import read_manifest
from reporting.publishing.run import run_reports
from tests.reporting.notebooks import write_notebook
from tests.reporting.publishing import fakes
from tests.reporting.publishing.fakes import project


def changes(path, *texts):
    """A function that writes the next text at each call, until there is none."""
    left = list(texts)

    def change():
        if left:
            path.write_text(left.pop(0))

    return change


def test_data_replaced_while_a_run_works_are_read_again_by_all_its_pages(tmp_path):
    made, seen = project(tmp_path, "funnel", "nps"), []
    (tmp_path / "events.csv").write_text("old")
    run = made.run(seen=seen, meanwhile=changes(tmp_path / "events.csv", "new"))
    assert seen == ["funnel", "nps", "funnel", "nps"]
    assert [(entry.status, entry.attempts) for entry in run.entries] == [("built", 2)] * 2
    assert {entry.inputs["data"] for entry in run.entries} == {made.run().entries[0].inputs["data"]}
    assert made.run().id == ""
    assert "Changed while" not in made.latest()["funnel.html"]


@pytest.mark.parametrize("name", ["events.csv", "funnel.ipynb"])
def test_a_page_whose_files_never_rest_says_so_and_is_built_by_the_next_run(tmp_path, name):
    made = project(tmp_path, "funnel")
    path = tmp_path / name
    text = path.read_text()
    run = made.run(meanwhile=changes(path, f"{text} ", f"{text}  "))
    page = made.latest()["funnel.html"]
    assert f"Changed while this page was built:</strong> <code>{name}</code>." in page
    assert ("sha256:" in page) == (name != "events.csv")
    [entry] = read_manifest(made.out / "runs" / run.id).pages
    assert list(entry.inputs.values()).count("moved") == 1
    assert (entry.data is None) == (name == "events.csv")

    again = made.run()
    assert [entry.status for entry in again.entries] == ["built"]
    assert "Changed while" not in made.latest()["funnel.html"]
    assert made.run().id == ""


def test_a_notebook_replaced_while_a_run_works_is_told_by_the_parameters_it_has_now(tmp_path):
    made, told = project(tmp_path, "funnel"), []

    def replaced(jobs, **settings):
        told.extend({name: text for name, text, _ in job.argument["origin"]["parameters"]} for job in jobs)
        yield from fakes.runner()(jobs, **settings)
        write_notebook(tmp_path / "funnel.ipynb", "%md # The funnel", parameters="months: int = 9")

    run = run_reports(made.recipe, made.plans(), runner=replaced)
    assert told[-1] == {"months": "9"}
    assert run.entries[0].parameters == {"months": 9}
    assert made.run().id == ""  # for it was built as it would be built now


def test_a_notebook_that_no_longer_takes_what_the_recipe_gives_fails_if_it_came_while_a_run_worked(tmp_path):
    made = project(tmp_path, "funnel", "nps", more="params.weeks = 5\n")
    made.run()
    path = write_notebook(tmp_path / "other.ipynb", "%md # The nps", parameters="months: int = 9")
    run = made.run(force=True, meanwhile=changes(tmp_path / "nps.ipynb", path.read_text()))
    assert [entry.status for entry in run.entries] == ["built", "failed"]
    assert "it changed while the run was at work. nps.ipynb has no parameter 'weeks'" in run.entries[1].cause
    assert {"nps.html", "nps.error.html"} < set(made.latest())


def test_what_failed_on_half_a_file_is_tried_with_the_whole_one(tmp_path):
    made, seen, fails = project(tmp_path, "funnel"), [], ["funnel"]

    def half_then_whole(jobs, **settings):
        yield from fakes.runner(fails=tuple(fails), seen=seen)(jobs, **settings)
        fails.clear()
        (tmp_path / "events.csv").write_text("whole")

    (tmp_path / "events.csv").write_text("who")
    run = run_reports(made.recipe, made.plans(), runner=half_then_whole)
    assert (seen, run.entries[0].status, run.errors) == (["funnel", "funnel"], "built", {})
    names = sorted(path.name for path in (made.out / "runs" / run.id).iterdir())
    assert names == ["funnel.html", "funnel.ipynb", "funnel.log", "manifest.json"]


def test_a_file_that_was_only_touched_is_no_reason(tmp_path):
    made, seen = project(tmp_path, "funnel"), []
    made.run(seen=seen, meanwhile=(tmp_path / "events.csv").touch)
    assert seen == ["funnel"]


def test_data_that_are_gone_at_the_end_are_data_that_changed(tmp_path):
    made, seen = project(tmp_path, "funnel"), []
    made.run(seen=seen, meanwhile=lambda: (tmp_path / "events.csv").unlink(missing_ok=True))
    assert seen == ["funnel", "funnel"]
