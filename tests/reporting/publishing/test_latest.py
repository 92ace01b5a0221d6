"""What readers see is put right by the next run, whatever became of it meanwhile."""

import os
import shutil

import pytest

from reporting.errors import RefusedError
from reporting.publishing.decide import decide
from reporting.publishing.digests import Digests
from reporting.publishing.folder import Folder
from reporting.publishing.states import load_states
from tests.reporting.publishing.fakes import project


@pytest.mark.parametrize("name", ["latest/funnel.html", "latest/funnel.ipynb", "latest/runs.html", "index.html"])
def test_a_file_that_was_removed_is_there_again_and_nothing_is_built(tmp_path, name):
    made, seen = project(tmp_path, "funnel", "nps"), []
    made.run()
    before = made.latest()
    (made.out / name).unlink()
    made.run(seen=seen)
    assert seen == []
    assert (made.out / name).is_file()
    assert made.latest() == before


def test_latest_that_somebody_let_lead_elsewhere_leads_to_the_pages_again(tmp_path):
    made = project(tmp_path, "funnel", "nps")
    made.run()
    before = made.latest()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("Dear Ann,")
    (made.out / "latest").unlink()
    (made.out / "latest").symlink_to(tmp_path / "mine")
    made.run()
    assert made.latest() == before
    assert (tmp_path / "mine" / "letter.txt").read_text() == "Dear Ann,"


@pytest.mark.parametrize("name", ["99991231T235959.999999Z-abcd", "20301399T250000.000000Z-abcd"])
def test_a_folder_that_is_called_like_a_run_of_no_time_is_refused(tmp_path, name):
    made = project(tmp_path, "funnel")
    made.run()
    (made.out / "runs" / name).mkdir()
    with pytest.raises(RefusedError, match=f"{name}: no run began then, and none can come after it. Remove"):
        made.run(force=True)


@pytest.mark.parametrize("name", ["index.html", "latest/letter.txt", "runs/log.txt", "views/home.py"])
def test_a_folder_with_something_of_ones_own_in_the_place_of_pages_is_refused_and_left_alone(tmp_path, name):
    made = project(tmp_path, "funnel")
    mine = made.out / name
    mine.parent.mkdir(parents=True)
    mine.write_text("Dear Ann,")
    os.utime(mine, (1e9, 1e9))
    with pytest.raises(RefusedError, match="this is there already, and of no run, which would take its place"):
        made.run()
    assert [path for path in made.out.rglob("*") if path.is_file()] == [mine]


def test_what_lies_beside_pages_is_left_alone(tmp_path):
    made = project(tmp_path, "funnel")
    made.run()
    for name in (".tmp-notes", "views/home.py"):
        (made.out / name).write_text("Dear Ann,")
        os.utime(made.out / name, (1e9, 1e9))
    made.run(force=True)
    assert (made.out / ".tmp-notes").read_text() == (made.out / "views/home.py").read_text() == "Dear Ann,"


def test_a_copy_without_hidden_files_is_a_folder_of_pages_still(tmp_path):
    made = project(tmp_path, "funnel")
    made.run()
    (made.out / ".lock").unlink()
    shutil.rmtree(made.out / ".cache")
    assert made.run().id == ""


def test_a_page_that_was_written_over_is_the_page_again(tmp_path):
    made, seen = project(tmp_path, "funnel", "nps"), []
    made.run()
    before = made.latest()
    page = made.out / "latest" / "funnel.html"
    page.unlink()  # an editor writes another file
    page.write_text("<p>Half a pa")
    made.run(seen=seen)
    assert (seen, made.latest()) == ([], before)


@pytest.mark.parametrize("text", ["", "<p>Churn is 2 %</p>"])
def test_a_page_that_is_not_as_it_was_built_is_built_again(tmp_path, text):
    made, seen = project(tmp_path, "funnel", "nps"), []
    made.run()
    (made.out / "latest" / "nps.html").write_text(text)  # the file of its run as well
    states = load_states(Folder(made.out))
    whys = [decision.why for decision in decide(made.recipe, made.plans(), states, Digests())]
    assert whys == ["", "its page is damaged, or was edited"]
    made.run(seen=seen)
    assert seen == ["nps"]
    assert made.latest()["nps.html"].startswith("<!DOCTYPE html>")


def test_a_recipe_that_is_gone_while_a_run_works_takes_no_page_along(tmp_path):
    made = project(tmp_path, "funnel")
    made.run(meanwhile=(tmp_path / "reports.toml").unlink)
    assert sorted(made.latest()) == ["funnel.html", "index.html"]


def test_pages_of_the_past_lead_back_from_another_disk(tmp_path):
    made = project(tmp_path, "funnel")
    made.run()
    (tmp_path / "large").mkdir()
    shutil.move(made.out / "runs", tmp_path / "large/runs")
    (made.out / "runs").symlink_to(tmp_path / "large/runs")
    run = made.run(force=True)
    assert (made.out / "runs" / "latest" / "funnel.html").samefile(made.out / "runs" / run.id / "funnel.html")
    assert (made.out / "runs" / "index.html").samefile(made.out / "index.html")


def test_a_copy_without_links_is_as_current_as_what_it_was_copied_from(tmp_path):
    made, seen = project(tmp_path, "funnel"), []
    made.run()
    for path in (made.out / "latest").resolve().glob("funnel.*"):
        copy = path.with_suffix(".copy")
        shutil.copy2(path, copy)
        copy.replace(path)
    shown = Folder(made.out).shows()
    made.run(seen=seen)
    assert (seen, Folder(made.out).shows()) == ([], shown)
