from pathlib import Path

import pytest

from reporting.errors import RefusedError
from reporting.plan import Request, plan_reports
from reporting.recipe import read_recipe
from tests.reporting.notebooks import write_notebook

RECIPE = """
[defaults]
params = { as_of = 2026-06-01, weeks = 8 }
[report.funnel]
notebook = "notebooks/funnel.ipynb"
data = "events_file"
params = { weeks = 12 }
[report.nps]
notebook = "notebooks/nps.ipynb"
data = "surveys_file"
"""


@pytest.fixture
def recipe(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    write_notebook(tmp_path / "notebooks/funnel.ipynb", "%md # Funnel")
    write_notebook(
        tmp_path / "notebooks/nps.ipynb",
        "%md # Score",
        parameters='surveys_file: str = "events.csv"\nas_of: str = "2026-07-01"',
    )
    (tmp_path / "reports.toml").write_text(RECIPE)
    monkeypatch.chdir(tmp_path)
    return read_recipe(Path("reports.toml"))


def values(recipe, **request):
    plans, _ = plan_reports(recipe, Request(**request))
    return {plan.report.name: plan.values for plan in plans}


def test_the_nearer_setting_wins(recipe):
    planned = values(recipe)["funnel"]
    assert planned["tz"] == "Europe/Berlin"  # notebook
    assert planned["as_of"] == "2026-06-01"  # defaults of the recipe
    assert planned["weeks"] == 12  # its report
    assert values(recipe, params={"weeks": "3"})["funnel"]["weeks"] == 3  # command line


def test_a_parameter_reaches_the_reports_that_have_it(recipe):
    planned = values(recipe, params={"as_of": "2026-05-01", "weeks": "3"})
    assert planned["nps"] == {"surveys_file": "events.csv", "as_of": "2026-05-01"}
    assert planned["funnel"]["weeks"] == 3


def test_a_parameter_that_no_report_has_is_refused(recipe):
    with pytest.raises(RefusedError, match=r"No chosen report has a parameter 'week'. Did you mean 'weeks'\?"):
        plan_reports(recipe, Request(params={"week": "3"}))
    with pytest.raises(RefusedError, match="No chosen report has a parameter 'weeks'"):
        plan_reports(recipe, Request(names=["nps"], params={"weeks": "3"}))


def test_data_of_ones_own_go_to_the_reports_that_read_events(recipe):
    Path("my.csv").touch()
    plans, left_out = plan_reports(recipe, Request(data=Path("my.csv")))
    assert [plan.report.name for plan in plans] == ["funnel"]
    assert [report.name for report in left_out] == ["nps"]
    assert plans[0].values["events_file"] == "../my.csv"  # from the notebook's folder


def test_data_of_ones_own_go_to_a_named_report(recipe):
    Path("answers.csv").touch()
    assert values(recipe, names=["nps"], data=Path("answers.csv"))["nps"]["surveys_file"] == "../answers.csv"


def test_absent_data_are_refused(recipe):
    with pytest.raises(RefusedError, match=r"--data my.csv: no such file"):
        plan_reports(recipe, Request(data=Path("my.csv")))
    with pytest.raises(RefusedError, match=r"events_file is 'gone.csv', and nothing is there"):
        plan_reports(recipe, Request(params={"events_file": "gone.csv"}))
