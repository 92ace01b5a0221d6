"""The page of all runs: as facts say it, and as publishing fills it."""

from datetime import UTC, datetime

from reporting.pages.facts import RunLine
from reporting.pages.runs import NAMED, render_runs
from tests.reporting.publishing.fakes import project

AT = datetime(2026, 7, 1, 6, 2, tzinfo=UTC)


def test_each_run_says_what_it_built_and_what_failed():
    html = render_runs(
        [RunLine("20260701-a", AT, [("Churn", "runs/a/churn.html")], [("NPS", "runs/a/nps.error.html")])], root="../"
    )
    assert "1 Jul 2026, 06:02" in html
    assert '<a href="../runs/a/churn.html">Churn</a>' in html
    assert 'Failed: <a href="../runs/a/nps.error.html">NPS</a>' in html
    assert '<td class="hot">1</td>' in html


def test_of_many_pages_a_few_are_named_and_the_rest_counted():
    built = [(f"S{number}", f"s{number}.html") for number in range(NAMED + 1500)]
    html = render_runs([RunLine("r", AT, built, [])])
    assert html.count("<a href=") == NAMED + 1  # and the way back
    assert "and 1,500 more" in html


def test_without_runs_it_says_so_and_hostile_titles_are_words():
    assert "No run has left a page yet." in render_runs([])
    assert "<script" not in render_runs([RunLine("<script>", AT, [("<script>", "<script>")], [])])


def test_runs_stand_newest_first_and_their_pages_can_be_opened(tmp_path):
    made = project(tmp_path, "funnel", "nps")
    first = made.run(number="1")
    second = made.run(force=True, fails=["nps"])
    made.run(plans=made.plans(names=["funnel"]))  # nothing changed: no run
    html = (made.out / "latest" / "runs.html").read_text()
    assert html.index(second.id) < html.index(first.id)
    assert html.count('<tr><th scope="row">') == 2
    for page in (f"runs/{first.id}/nps.html", f"runs/{second.id}/nps.error.html", f"runs/{second.id}/funnel.html"):
        assert f'href="../{page}"' in html
        assert (made.out / page).is_file()
    assert 'href="latest/runs.html"' in (made.out / "index.html").read_text()
