"""Every page in a real browser: silent, readable by all, and every figure there at both widths."""

import os
from pathlib import Path

import axe_playwright_python
import pytest

from tests.browser import facts
from tests.browser.conftest import some_pages, standing

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")

SHOWN = """() => [...document.querySelectorAll('figure')].map(figure => {
    const drawn = [...figure.querySelectorAll('svg.wide, svg.narrow, svg.plain, img')];
    return drawn.filter(svg => { const box = svg.getBoundingClientRect(); return box.width > 50 && box.height > 20; })
                .map(svg => svg.getAttribute('class') || 'img');
})"""


def test_a_page_asks_for_nothing_but_itself(open_page, page_file):
    page = open_page()
    assert [url for url in page.asked if not url.startswith("data:")] == [page_file.as_uri()]


def test_no_script_runs(open_page):
    page = open_page()
    for summary in page.locator("summary").all():
        summary.click()
    page.wait_for_timeout(100)
    assert page.evaluate("window.PWNED") is None
    assert page.locator("script").count() == 0


def test_without_its_policy_a_page_still_runs_nothing(open_page):
    page = open_page(bypass_csp=True)
    page.wait_for_timeout(100)
    assert page.evaluate("window.PWNED") is None


@pytest.mark.parametrize(("width", "drawing"), [(1280, "wide"), (360, "narrow")])
def test_every_figure_is_shown_once(open_page, width, drawing):
    for shown in open_page(width).evaluate(SHOWN):
        assert shown in ([drawing], ["plain"], ["img"])


def test_the_figures_are_there(open_page, page_file):
    figures = [kind for shown in open_page().evaluate(SHOWN) for kind in shown]
    assert figures or page_file.name != "full.html"
    assert figures == ["plain", "plain", "img"] or page_file.name != "frames.html"


def test_nothing_overflows_on_a_phone(open_page):
    page = open_page(360)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@some_pages(lambda page: Path(page).name in ("index.html", "states.html"))
def test_names_and_questions_of_the_index_have_the_width_of_a_phone(open_page):
    names = "document.querySelectorAll('.index tbody tr:not(.group) > th')"
    seen = open_page(360).evaluate(f"[...{names}].map(name => name.getBoundingClientRect().width)")
    assert seen
    assert min(seen) > 300


@some_pages(standing().__contains__)  # those made here are as wide as can be
def test_tables_of_reports_are_wholly_seen_on_a_wide_screen(open_page):
    wide = "[...document.querySelectorAll('.table')].filter(part => part.scrollWidth > part.clientWidth + 1)"
    assert open_page().evaluate(f"{wide}.map(part => part.getAttribute('aria-label'))") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_axe_finds_nothing(open_page, width, scheme):
    page = open_page(width, scheme, bypass_csp=True)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    page.evaluate(AXE)
    found = page.evaluate("axe.run(document)")["violations"]
    assert [(rule["id"], node["html"][:200]) for rule in found for node in rule["nodes"]] == []


@some_pages(lambda page: Path(page).name not in facts.pages())  # those are made of facts, not by a run
def test_links_lead_to_what_is_there(open_page, page_file):
    page = open_page()
    there = page_file.parent
    if page_file.name == "index.html" and not (there / "latest").exists():
        there = there.parent  # the index lies beside the pages, and readers open it one folder above
    links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.getAttribute('href'))")
    dead = [link for link in links if not os.path.exists(os.path.normpath(there / link.partition("#")[0]))]
    anchors = [link[1:] for link in links if link.startswith("#")]
    assert dead == []
    assert page.evaluate("names => names.filter(name => !document.getElementById(name))", anchors) == []


def test_a_short_table_prints_in_one_piece_with_its_foot_and_a_long_one_breaks_between_rows(open_page):
    page = open_page()
    page.emulate_media(media="print")
    tables = page.eval_on_selector_all(
        ".table",
        """tables => tables.map(table => {
            const inside = part => part && getComputedStyle(part).breakInside;
            const foot = table.closest('.with-foot');
            return [table.querySelectorAll('tbody tr').length <= 10, inside(table), inside(foot) || inside(table)];
        })""",
    )
    for short, alone, with_foot in tables:
        assert (alone, with_foot) == (("avoid", "avoid") if short else ("auto", "auto"))
    rows = page.eval_on_selector_all(".table tr", "rows => rows.map(row => getComputedStyle(row).breakInside)")
    heads = page.eval_on_selector_all(".table thead", "heads => heads.map(head => getComputedStyle(head).display)")
    assert set(rows) <= {"avoid"}
    assert set(heads) <= {"table-header-group"}  # repeated on each page
    kept = page.eval_on_selector_all(".parameters", "parts => parts.map(part => getComputedStyle(part).breakInside)")
    assert set(kept) <= {"avoid"}


def test_a_page_prints_with_its_parameters_open(open_page):
    page = open_page()
    page.emulate_media(media="print")
    hidden = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert hidden == "rgb(255, 255, 255)"


@some_pages(lambda page: Path(page).name == "runs.html")
def test_when_a_run_was_and_its_name_are_one_line_each(open_page):
    line = "cell.getBoundingClientRect().height / parseFloat(getComputedStyle(cell).lineHeight)"
    for width in (1280, 768):
        names = open_page(width).eval_on_selector_all(".runs small", f"cells => cells.map(cell => {line})")
        assert names
        assert max(names) < 1.5
