from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from reporting.publishing.folder import STAMP, Folder
from reporting.publishing.manifest import Entry, Manifest, write_manifest
from reporting.publishing.prune import prune, to_remove
from reporting.publishing.states import load_states
from reporting.recipe.file import Keep
from tests.reporting.publishing.fakes import project

NAMES = [
    f"{(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=7 * number)).strftime(STAMP)}-{number:04x}"
    for number in range(200)
]
KEEPS = some.builds(Keep, some.integers(0, 5), some.integers(0, 5), some.integers(0, 5))


@settings(max_examples=50)
@given(some.sets(some.sampled_from(NAMES)), KEEPS, some.data())
def test_no_rule_removes_the_newest_or_what_readers_see(runs, keep, data):
    in_use = data.draw(some.sets(some.sampled_from(sorted(runs)))) if runs else set()
    gone = to_remove(runs, keep, in_use)
    assert not in_use & set(gone)
    assert not runs or max(runs) not in gone
    assert set(sorted(runs)[len(runs) - keep.last :] if keep.last else []).isdisjoint(gone)


@settings(max_examples=50)
@given(some.sets(some.sampled_from(NAMES)), KEEPS)
def test_a_rule_keeps_the_last_run_of_each_day_and_month_and_no_more_than_it_says(runs, keep):
    kept = runs - set(to_remove(runs, keep, []))
    days = sorted({run[:8] for run in runs}, reverse=True)[: keep.daily]
    assert {max(run for run in runs if run[:8] == day) for day in days} <= kept
    assert len(kept) <= max(keep.last, 1) + keep.daily + keep.monthly
    assert to_remove(kept, keep, []) == []  # twice is once


def test_what_readers_see_is_there_after_the_strictest_rule(tmp_path):
    made = project(tmp_path, "funnel", "nps")
    made.run(number="1")
    for number in ("2", "3", "4"):
        made.run(force=True, number=number, fails=["nps"])
    before = made.latest()
    folder = Folder(made.out)
    with folder.locked():
        gone = prune(folder, load_states(folder), Keep(last=1))
    assert len(gone) == 2  # the first holds the last good page of nps, the last is the last
    assert made.latest() == before
    assert [len(record.points) for record in load_states(folder).pages.values()] == [2, 1]
    assert made.run(fails=["nps"]).entries[0].status == "unchanged"


def test_a_rule_of_the_recipe_is_applied_after_each_run(tmp_path):
    made = project(tmp_path, "funnel")
    text = (tmp_path / "reports.toml").read_text()
    (tmp_path / "reports.toml").write_text(text.replace('out = "out"', 'out = "out"\nkeep = { last = 2 }'))
    for number in range(4):
        made.run(force=True, number=str(number))
    assert len(Folder(made.out).run_ids()) == 2


def test_after_a_clock_that_ran_ahead_each_day_has_its_run(tmp_path, monkeypatch):
    made = project(tmp_path, "funnel")
    now = [datetime(2027, 1, 1, 6, tzinfo=UTC)]

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return now[0].astimezone(tz)

    for module in ("building", "folder", "run"):
        monkeypatch.setattr(f"reporting.publishing.{module}.datetime", Clock)
    ids = [made.run(number="0").id]  # a year ahead
    for hour in range(0, 60, 12):  # two on the 1st of July, two on the 2nd, one on the 3rd
        now[0] = datetime(2026, 7, 1, 6, tzinfo=UTC) + timedelta(hours=hour)
        ids.append(made.run(force=True, number=str(hour)).id)
    assert ids == sorted(ids)
    folder = Folder(made.out)
    with folder.locked():
        gone = prune(folder, load_states(folder), Keep(daily=3))
    assert gone == [ids[0], ids[1], ids[3]]
    assert "<p>48</p>" in made.latest()["funnel.html"]


@pytest.fixture
def in_memory(tmp_path):
    """A folder that is measured without its disk, where there is such a one."""
    shared = Path("/dev/shm")
    with TemporaryDirectory(dir=shared if shared.is_dir() else tmp_path) as folder:
        yield Path(folder)


@pytest.mark.slow
def test_ten_thousand_runs_are_pruned_in_seconds(in_memory):
    folder = Folder(in_memory)
    with folder.locked():
        for number in range(10_000):
            moment = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=number)
            run = f"{moment.strftime(STAMP)}-{number:04x}"
            (folder.runs / run).mkdir()
            day, at = moment.date().isoformat(), moment.isoformat()
            entry = Entry(
                "funnel", "funnel", "The funnel", "Reports", "built", run, day, at, key=run, page="funnel.html"
            )
            write_manifest(folder.runs / run, Manifest(run, at, at, "run", "3.11", "reports.toml", [entry]))
        states = load_states(folder)
        gone = prune(folder, states, Keep(last=10, daily=30, monthly=12))
    assert len(gone) + len(folder.run_ids()) == 10_000
    assert len(folder.run_ids()) <= 52
