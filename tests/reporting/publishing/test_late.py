"""When is a page late? By its schedule or by its age, and never while its run may still be at work."""

from datetime import UTC, date, datetime, timedelta

from reporting.publishing.folder import Folder
from reporting.publishing.history import due
from reporting.publishing.states import load_states, read_runs, read_states, save_states
from tests.reporting.publishing.fakes import Project

DAILY = '[report.funnel]\nnotebook = "funnel.ipynb"\nschedule = "every day at 06:00 UTC"\ntimeout = "10 minutes"\n'


def state(made, now):
    [row] = read_states(made.recipe, now=now)
    return row


def test_a_page_is_late_once_its_run_should_have_ended(tmp_path):
    made = Project(tmp_path, DAILY, "funnel")
    made.run()
    now = datetime.now(UTC)
    at = now.replace(hour=6, minute=0, second=0, microsecond=0)
    at = at if at > now + timedelta(minutes=20) else at + timedelta(days=1)
    assert state(made, at - timedelta(minutes=1)).state == "current"
    assert state(made, at + timedelta(minutes=9)).state == "current"  # it may be at work
    late = state(made, at + timedelta(minutes=11))
    assert (late.state, late.late_since) == ("late", at)


def test_a_run_that_found_nothing_to_do_is_in_time(tmp_path):
    made = Project(tmp_path, DAILY, "funnel")
    made.run()
    made.run()
    assert state(made, datetime.now(UTC) + timedelta(minutes=1)).state == "current"


def test_days_of_the_past_are_no_run_of_today(tmp_path):
    made = Project(tmp_path, DAILY, "funnel")
    past = {"names": ["funnel"], "day": date(2026, 6, 1)}
    tomorrow = datetime.now(UTC) + timedelta(days=1, minutes=20)
    for _ in range(2):  # built, and found unchanged
        made.run(request=past, trigger="backfill")
        assert due(made.recipe, datetime.now(UTC)) == ["funnel"]
        assert state(made, datetime.now(UTC)).state == "late"
    made.run()
    assert due(made.recipe, datetime.now(UTC)) == []
    states = load_states(Folder(made.out))
    states.pages["funnel"].good.started = states.pages["funnel"].checked = "2026-06-02T06:00:00+00:00"
    save_states(Folder(made.out), states)
    made.run(request=past, trigger="backfill")
    assert due(made.recipe, datetime.now(UTC)) == ["funnel"]
    assert state(made, tomorrow).state == "late"


def test_what_never_ran_is_not_built_rather_than_late(tmp_path):
    made = Project(tmp_path, DAILY, "funnel")
    assert state(made, datetime.now(UTC) + timedelta(days=3)).state == "not built"


def test_an_age_of_the_recipe_makes_late_too(tmp_path):
    made = Project(tmp_path, '[report.funnel]\nnotebook = "funnel.ipynb"\nlate_after = "2 hours"\n', "funnel")
    made.run()
    assert state(made, datetime.now(UTC) + timedelta(hours=1)).state == "current"
    assert state(made, datetime.now(UTC) + timedelta(hours=3)).state == "late"


def test_a_clock_that_ran_ahead_puts_off_no_run_once_it_is_right(tmp_path):
    made = Project(tmp_path, DAILY + 'late_after = "48 hours"\n', "funnel")
    made.run()
    states = load_states(Folder(made.out))
    record = states.pages["funnel"]
    record.good.started = record.checked = (datetime.now(UTC) + timedelta(days=1500)).isoformat()
    save_states(Folder(made.out), states)
    assert due(made.recipe, datetime.now(UTC)) == ["funnel"]
    assert state(made, datetime.now(UTC)).state == "late"
    made.run()
    assert due(made.recipe, datetime.now(UTC)) == []


def test_a_run_is_told_by_its_own_time_after_a_clock_that_ran_ahead(tmp_path, monkeypatch):
    made = Project(tmp_path, DAILY, "funnel")
    ahead = Folder.new_id
    monkeypatch.setattr(
        Folder, "new_id", lambda folder, now=None: ahead(folder, now or datetime(2099, 1, 1, tzinfo=UTC))
    )
    made.run()
    monkeypatch.undo()
    made.run(force=True)
    newest = read_runs(made.recipe, load_states(Folder(made.out)))[0]
    assert newest.id.startswith("20990101T")  # later than all others, by its name
    assert abs(newest.at - datetime.now(UTC)) < timedelta(minutes=5)


def test_clocks_of_two_machines_may_differ_a_little(tmp_path):
    made = Project(tmp_path, DAILY, "funnel")
    made.run()
    assert due(made.recipe, datetime.now(UTC) - timedelta(minutes=5)) == []
