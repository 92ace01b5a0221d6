"""A link to a notebook leads to the page of its report, from wherever it is looked at, or nowhere at all."""

import hashlib
import os
import time
from dataclasses import replace

import pytest

from reporting.publishing.folder import Folder
from reporting.publishing.inputs import _named
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


def seen(made, name="nps"):
    """Pages by their notebooks, as a page of this name has them."""
    links = links_for(name, made.folder / f"{name}.ipynb", pages_of(made.recipe, States(), made.recipe.reports))
    return {notebook: address.removeprefix("../latest/").removesuffix(".html") for notebook, address in links.items()}


@pytest.fixture
def made(tmp_path):
    return Project(tmp_path, RECIPE, "churn", "nps", "customer")


def test_a_notebook_stands_for_the_first_report_made_of_it(made):
    assert seen(made) == {"churn": "weekly", "weekly": "weekly", "monthly": "monthly", "nps": "nps"}


def test_a_word_of_a_hundred_thousand_letters_is_looked_through_at_once(tmp_path):
    notebook = write_notebook(
        tmp_path / "a.ipynb", f"%md # {'T' * 100_000} [a](b.ipynb) [c](d%20e.html#f) {'x.' * 50_000}"
    )
    began = time.perf_counter()
    assert _named(notebook) == ["b", "d e"]
    assert time.perf_counter() - began < 1


def test_a_notebook_is_the_same_however_the_letters_of_its_name_are_put_together(tmp_path):
    one, two = "gr\u00f6\u00dfe", "gro\u0308\u00dfe"
    text = f'[report.size]\nnotebook = "{two}.ipynb"\n[report.nps]\nnotebook = "nps.ipynb"\n'
    assert seen(Project(tmp_path, text, two, "nps"))[one] == "size"
    assert _named(write_notebook(tmp_path / "a.ipynb", f"%md [a]({one}.ipynb) [b]({two}.ipynb)")) == [one]


def test_a_report_named_like_the_notebook_comes_first(tmp_path):
    text = RECIPE.replace("report.monthly", "report.churn")
    assert seen(Project(tmp_path, text, "churn", "nps", "customer"))["churn"] == "churn"


def test_a_notebook_comes_before_a_report_that_is_called_like_it(tmp_path):
    text = '[report.churn]\nnotebook = "nps.ipynb"\n[report.weekly]\nnotebook = "churn.ipynb"\n'
    assert seen(Project(tmp_path, text, "churn", "nps")) == {"churn": "weekly", "nps": "churn", "weekly": "weekly"}


def test_of_two_notebooks_of_one_name_the_one_beside_is_meant(tmp_path):
    pages = {"one": tmp_path / "a" / "churn.ipynb", "two": tmp_path / "b" / "churn.ipynb"}
    for folder, page in (("a", "one"), ("b", "two"), ("c", "one")):
        assert links_for("x", tmp_path / folder / "x.ipynb", pages)["churn"] == f"../latest/{page}.html"


def test_one_of_many_pages_looks_one_folder_further_up(tmp_path):
    pages = {"churn": tmp_path / "churn.ipynb"}
    assert links_for("customer/ann", tmp_path / "customer.ipynb", pages) == {"churn": "../../latest/churn.html"}
    assert links_for("nps", tmp_path / "nps.ipynb", pages) == {"churn": "../latest/churn.html"}


def test_in_a_folder_of_ones_own_only_what_is_built_there_counts(made, tmp_path):
    own = replace(made.recipe, elsewhere=tmp_path / "own", out=tmp_path / "own")
    assert list(pages_of(own, States(), ["nps"])) == ["nps"]
    made.run(request={"names": ["nps"]})
    assert list(pages_of(own, load_states(Folder(made.out)), ["weekly"])) == ["weekly", "nps"]


def test_a_page_is_built_again_when_its_links_lead_elsewhere(tmp_path):
    made = Project(tmp_path, RECIPE, "churn", "customer")
    for name in ("nps", "alone"):
        write_notebook(
            tmp_path / f"{name}.ipynb", f"%md # {name}\n\n[churn](churn.ipynb)" if name == "nps" else "%md # x"
        )
    recipe = tmp_path / "reports.toml"
    recipe.write_text(recipe.read_text() + '[report.alone]\nnotebook = "alone.ipynb"\n')
    made.run()
    recipe.write_text(recipe.read_text().replace("report.weekly", "report.daily"))
    built = []
    made.run(seen=built)
    assert built == ["daily", "nps"]


def test_no_page_links_to_one_that_failed_and_never_stood(tmp_path):
    made = Project(tmp_path, RECIPE, "churn", "nps", "customer")
    write_notebook(tmp_path / "nps.ipynb", "%md # x\n\n[churn](churn.ipynb)")
    ask = {"request": {"names": ["weekly", "nps"]}}
    first = made.run(fails=["weekly"], **ask)
    page = made.out / "latest" / "nps.html"
    assert page.read_text().startswith("<!DOCTYPE html>\n<html")  # rendered again, without the link
    assert hashlib.sha256(page.read_bytes()).hexdigest() == first.entries[1].sha256
    seen = []
    made.run(fails=["weekly"], seen=seen, **ask)
    assert seen == ["weekly"]  # nps is not built again for every run in which weekly fails
    made.run(seen=seen, **ask)
    made.run(seen=seen, **ask)
    assert seen == ["weekly", "weekly", "nps"]
    made.run(fails=["weekly"], force=True, **ask)
    made.run(seen=seen, **ask)
    assert seen == ["weekly", "weekly", "nps", "weekly"]  # its last good page stands


def test_a_report_that_never_ran_is_no_place_to_lead_to(made):
    made.run(request={"names": ["nps"]})
    assert list(pages_of(made.recipe, load_states(Folder(made.out)), ["monthly"])) == ["monthly", "nps"]


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
    for page, address in (("nps", "../latest"), ("weekly", "../latest"), ("customer/ann", "../../latest")):
        place = recipe.out / "latest" / f"{page}.html"
        link = f'See <a href="{address}/weekly.html#who">churn</a>, one customer and nobody.'
        assert link in place.read_text(encoding="utf-8")
    (tmp_path / "nps.ipynb").write_text((tmp_path / "nps.ipynb").read_text().replace("Question?", "Another?"))
    last = run_reports(recipe, plan_reports(recipe)[0]).id  # builds one page only, and its links still lead somewhere
    assert [path.name for path in (recipe.out / "runs" / last).glob("*.html")] == ["nps.html"]
    assert os.path.isfile(os.path.normpath(recipe.out / "runs" / last / "../latest/weekly.html"))
