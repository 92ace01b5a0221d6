from datetime import UTC, datetime

from reporting.pages.facts import Failure, Good, Index, KeyFigure, PageState
from reporting.pages.index import render_index

THEN = datetime(2026, 7, 1, 6, 2, tzinfo=UTC)
GROUPS = {"retention": "Voice", "funnel": "Product", "churn": "Voice"}


def index(*states):
    """The index of three reports, those that are not given never built."""
    given = {state.name: state for state in states}
    absent = {name: PageState(name, f"The {name}", group) for name, group in GROUPS.items()}
    return render_index(Index(states=list((absent | given).values()), recipe="reports.toml"))


def good(name, text="of new users stay (26.7 to 29.9): fewer than before.", failure=None, **facts):
    figure = KeyFigure(number="28.2", unit="%", text=text)
    built = Good(f"latest/{name}.html", f"The {name}", THEN, 2, as_of="2026-07-01", key_figure=figure, **facts)
    return PageState(name, f"The {name}", GROUPS[name], built, failure)


def failure(name):
    at = {"at": THEN, "since": THEN, "runs": 1, "seconds": 1}
    where = {"notebook": f"{name}.ipynb", "cell": 2, "first_line": "x"}
    return Failure(page=f"latest/{name}.error.html", cause="ValueError: <b>no rows", **at, **where)


def test_reports_that_never_ran_are_there_without_a_link():
    html = index()
    assert "No report is built yet." in html
    assert html.count("Not built") == 4  # three rows, one explanation
    assert "The retention" in html
    assert 'href="latest/retention.html"' not in html


def test_all_current_is_one_sentence():
    assert "All three reports are current." in index(*map(good, GROUPS))


def test_a_failed_report_links_its_last_good_page_and_what_happened():
    html = index(good("funnel"), good("churn", failure=failure("churn")))
    assert "One of three reports is current." in html
    assert 'One failed and shows its last good figures: <a href="latest/churn.error.html">The churn</a>.' in html
    assert "One is not built yet: The retention." in html
    assert '<a href="latest/churn.html">The churn</a>' in html
    assert "ValueError: &lt;b&gt;no rows" in html


def test_the_key_figure_is_told_up_to_its_interval():
    assert "<small>of new users stay</small>" in index(good("funnel"))


def test_a_key_figure_that_is_a_unit_alone_is_told_beyond_its_interval():
    text = "points (+4.2 to +10.3): 12.1 % of 644 with B, 4.9 % of 647 with A; p < 0.001."
    assert "<small>points: 12.1 % of 644 with B, 4.9 % of 647 with A</small>" in index(good("funnel", text))


def test_each_report_names_its_data():
    html = index(good("funnel", files=["my.csv", "orders.csv"]))
    assert '<small class="extra">Data <code>my.csv</code>, <code>orders.csv</code></small>' in html


def test_groups_stand_in_the_order_of_the_recipe():
    html = index()
    assert html.index(">Voice<") < html.index('<span class="name">The churn') < html.index(">Product<")


def test_hostile_titles_are_words():
    assert "<script" not in index(good("funnel", text="<script>window.PWNED=1</script>"))
