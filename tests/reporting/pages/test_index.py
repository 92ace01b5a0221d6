from datetime import UTC, datetime

import pytest

from reporting.pages.facts import Failure, Good, KeyFigure
from reporting.pages.index import render_index
from reporting.publishing.manifest import Manifest, read_manifest, write_manifest
from reporting.publishing.states import read_index, read_states, write_index
from reporting.recipe.file import read_recipe
from tests.reporting.notebooks import write_notebook

THEN = datetime(2026, 7, 1, 6, 2, tzinfo=UTC)


@pytest.fixture
def recipe(tmp_path):
    text = ""
    for name, group in [("retention", "Voice"), ("funnel", "Product"), ("churn", "Voice")]:
        write_notebook(tmp_path / f"{name}.ipynb", f"%md # The {name}")
        text += f'[report.{name}]\nnotebook = "{name}.ipynb"\ngroup = "{group}"\n'
    (tmp_path / "reports.toml").write_text(text)
    return read_recipe(tmp_path / "reports.toml")


def good(out, name, text="of new users stay (26.7 to 29.9): fewer than before.", files=(), **facts):
    figure = KeyFigure(number="28.2", unit="%", text=text)
    facts_of_run = {"as_of": "2026-07-01", "built": THEN, "seconds": 2, "key_figure": figure, "files": list(files)}
    built = Good(page=f"{name}.html", title=f"The {name}", **facts_of_run)
    (out / f"{name}.html").touch()
    write_manifest(out, Manifest(name=name, title=f"The {name}", good=built, **facts))


def failure(name):
    facts = {
        "at": THEN,
        "since": THEN,
        "runs": 1,
        "seconds": 1,
        "notebook": f"{name}.ipynb",
        "cell": 2,
        "first_line": "x",
    }
    return Failure(page=f"{name}.error.html", cause="ValueError: <b>no rows", **facts)


def test_reports_that_never_ran_are_there_without_a_link(recipe):
    html = render_index(read_index(recipe))
    assert "No report is built yet." in html
    assert html.count("Not built") == 4  # three rows, one explanation
    assert "The retention" in html
    assert 'href="retention.html"' not in html


def test_all_current_is_one_sentence(recipe):
    for name in recipe.reports:
        good(recipe.out, name)
    assert "All three reports are current." in render_index(read_index(recipe))


def test_a_failed_report_links_its_last_good_page_and_what_happened(recipe):
    good(recipe.out, "funnel")
    good(recipe.out, "churn", failure=failure("churn"))
    html = render_index(read_index(recipe))
    assert "One of three reports is current." in html
    assert 'One failed and shows its last good figures: <a href="churn.error.html">The churn</a>.' in html
    assert "One is not built yet: The retention." in html
    assert '<a href="churn.html">The churn</a>' in html
    assert "ValueError: &lt;b&gt;no rows" in html


def test_the_key_figure_is_told_up_to_its_interval(recipe):
    good(recipe.out, "funnel")
    assert "<small>of new users stay</small>" in render_index(read_index(recipe))


def test_each_report_names_its_data(recipe):
    good(recipe.out, "funnel", files=["my.csv", "orders.csv"])
    assert "<small>Data <code>my.csv</code>, <code>orders.csv</code></small>" in render_index(read_index(recipe))


def test_a_folder_of_ones_own_lists_what_ran_there(recipe, tmp_path):
    own = read_recipe(recipe.path, tmp_path / "own")
    own.out.mkdir()
    good(recipe.out, "retention")
    good(own.out, "funnel")
    write_manifest(own.out, Manifest(name="churn", failure=failure("churn")))
    html = render_index(read_index(own))
    assert "One of two reports is current." in html
    assert "The retention" not in html


def test_groups_stand_in_the_order_of_the_recipe(recipe):
    html = render_index(read_index(recipe))
    assert html.index(">Voice<") < html.index('<span class="name">The churn') < html.index(">Product<")


def test_a_page_that_is_gone_is_not_linked(recipe):
    good(recipe.out, "funnel")
    (recipe.out / "funnel.html").unlink()
    assert {row.state for row in read_states(recipe)} == {"not built"}


def test_a_broken_manifest_is_as_none(recipe):
    (recipe.out / "funnel.json").write_text('{"name": "funnel", "good"')
    assert read_manifest(recipe.out, "funnel") == Manifest(name="funnel")


def test_the_index_is_written_whole(recipe):
    write_index(recipe)
    assert (recipe.out / "index.html").read_text() == render_index(read_index(recipe))
    assert not list(recipe.out.glob(".*"))


def test_hostile_titles_are_words(recipe):
    good(recipe.out, "funnel", text="<script>window.PWNED=1</script>")
    assert "<script" not in render_index(read_index(recipe))
