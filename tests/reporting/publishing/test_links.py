"""A link to a notebook leads to the page of its report, from wherever it is looked at, or nowhere at all."""

from dataclasses import replace

import pytest

from reporting.publishing.folder import Folder
from reporting.publishing.links import links_for, pages_of
from reporting.publishing.states import States, load_states
from reporting.recipe.file import read_recipe
from tests.reporting.notebooks import write_notebook
from tests.reporting.publishing.fakes import Project

RECIPE = """
[report.weekly]
notebook = "churn.ipynb"
params.weeks = 1
[report.monthly]
notebook = "churn.ipynb"
[report.nps]
notebook = "nps.ipynb"
[report.customer]
notebook = "customer.ipynb"
each.plan = ["ann", "bob"]
"""


@pytest.fixture
def made(tmp_path):
    return Project(tmp_path, RECIPE, "churn", "nps", "customer")


def test_a_notebook_stands_for_the_first_report_made_of_it(made):
    assert pages_of(made.recipe, States(), ()) == {
        "churn": "weekly", "weekly": "weekly", "monthly": "monthly", "nps": "nps",
    }  # fmt: skip


def test_a_report_named_like_the_notebook_comes_first(tmp_path):
    text = RECIPE.replace("report.monthly", "report.churn")
    assert pages_of(Project(tmp_path, text, "churn", "nps", "customer").recipe, States(), ())["churn"] == "churn"


def test_one_of_many_pages_looks_one_folder_up():
    assert links_for("customer/ann", {"churn": "weekly"}) == {"churn": "../weekly.html"}
    assert links_for("nps", {"churn": "weekly"}) == {"churn": "weekly.html"}


def test_in_a_folder_of_ones_own_only_what_is_built_there_counts(made, tmp_path):
    own = replace(made.recipe, elsewhere=tmp_path / "own", out=tmp_path / "own")
    assert pages_of(own, States(), ["nps"]) == {"nps": "nps"}
    made.run(request={"names": ["nps"]})
    assert pages_of(own, load_states(Folder(made.out)), ["weekly"]) == {
        "churn": "weekly",
        "weekly": "weekly",
        "nps": "nps",
    }


@pytest.mark.slow
def test_pages_of_a_run_lead_to_each_other(tmp_path):
    from reporting.publishing.plan import plan_reports
    from reporting.publishing.run import run_reports

    links = "See [churn](churn.ipynb#who), [one customer](customer.ipynb) and [nobody](nobody.ipynb)."
    for name in ("churn", "nps", "customer"):
        write_notebook(tmp_path / f"{name}.ipynb", f"%md # {name}\n\nQuestion?\n\n{links}\n\n## Who")
    (tmp_path / "reports.toml").write_text('[defaults]\nout = "out"\n' + RECIPE)
    recipe = read_recipe(tmp_path / "reports.toml")
    assert not run_reports(recipe, plan_reports(recipe)[0]).failed
    for page, address in (("nps", "weekly"), ("weekly", "weekly"), ("customer/ann", "../weekly")):
        html = (recipe.out / "latest" / f"{page}.html").read_text(encoding="utf-8")
        assert f'See <a href="{address}.html#who">churn</a>, one customer and nobody.' in html
