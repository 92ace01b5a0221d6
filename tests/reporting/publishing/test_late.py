"""When is a page late? By its schedule or by its age, and never while its run may still be at work."""

from datetime import UTC, datetime, timedelta

from reporting.publishing.states import read_states
from tests.reporting.publishing.fakes import Project

DAILY = '[report.funnel]\nnotebook = "funnel.ipynb"\nschedule = "every day at 06:00 UTC"\ntimeout = "10 minutes"\n'


def state(made, now):
    [row] = read_states(made.recipe, now=now)
    return row


def test_a_page_is_late_once_its_run_should_have_ended(tmp_path):
    made = Project(tmp_path, DAILY, "funnel")
    made.run()
    now = datetime.now(UTC)
    due = now.replace(hour=6, minute=0, second=0, microsecond=0)
    due = due if due > now + timedelta(minutes=20) else due + timedelta(days=1)
    assert state(made, due - timedelta(minutes=1)).state == "current"
    assert state(made, due + timedelta(minutes=9)).state == "current"  # it may be at work
    late = state(made, due + timedelta(minutes=11))
    assert (late.state, late.late_since) == ("late", due)


def test_a_run_that_found_nothing_to_do_is_in_time(tmp_path):
    made = Project(tmp_path, DAILY, "funnel")
    made.run()
    made.run()
    assert state(made, datetime.now(UTC) + timedelta(minutes=1)).state == "current"


def test_what_never_ran_is_not_built_rather_than_late(tmp_path):
    made = Project(tmp_path, DAILY, "funnel")
    assert state(made, datetime.now(UTC) + timedelta(days=3)).state == "not built"


def test_an_age_of_the_recipe_makes_late_too(tmp_path):
    made = Project(tmp_path, '[report.funnel]\nnotebook = "funnel.ipynb"\nlate_after = "2 hours"\n', "funnel")
    made.run()
    assert state(made, datetime.now(UTC) + timedelta(hours=1)).state == "current"
    assert state(made, datetime.now(UTC) + timedelta(hours=3)).state == "late"
