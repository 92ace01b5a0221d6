"""Tables on a phone and on a desk: what is wider than a phone becomes a list, names of cohorts stay in sight, words do
not touch the numbers beside them.
"""

from itertools import pairwise

import pandas as pd
import pytest
from nbformat import v4

import metrics
from reporting.pages.page import render_page
from tests.browser import hostile

pytestmark = pytest.mark.browser

RATES = ("opened_rate", "clicked_rate", "unsubscribed_rate", "converted_rate")
MAILS = pd.DataFrame({"campaign_id": ["welcome-1", "invite-your-team"]}).assign(
    **{f"{rate}{end}": [x, x / 3] for rate in RATES for end, x in (("", 0.482), ("_low", 0.413), ("_high", 0.567))}
)


def opened(browser, tmp_path, table, width=360):
    notebook = v4.new_notebook(cells=[hostile.cell_of(metrics.show(table, "Some words"))])
    (tmp_path / "page.html").write_text(render_page(notebook, hostile.origin("x"))[0], encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.goto((tmp_path / "page.html").as_uri())
    return page


def test_a_table_that_is_wider_than_a_phone_is_a_list_there(browser, tmp_path):
    page = opened(browser, tmp_path, MAILS)
    part = page.locator(".table").first
    assert part.evaluate("part => part.scrollWidth - part.clientWidth") <= 0
    lines = part.evaluate("""part => [...part.querySelectorAll('tbody tr > *')].map(cell => {
        const box = cell.getBoundingClientRect();
        return [getComputedStyle(cell, '::before').content, box.left, box.right, box.top, box.bottom];
    })""")
    heads = part.locator("thead th").all_text_contents()
    assert [said.strip('"') for said, *_ in lines] == 2 * ["none", *heads[1:]]  # a name, and each number with its head
    assert len({(left, right) for _, left, right, _, _ in lines}) == 1  # one under the other, on the whole width
    assert all(above[4] <= below[3] for above, below in pairwise(lines))
    said = part.aria_snapshot()
    assert 'rowheader "welcome-1"' in said  # it is a table still for who does not see
    assert f'columnheader "{heads[-1]}"' in said
    page.close()


def test_on_a_desk_and_in_print_it_is_a_table(browser, tmp_path):
    page = opened(browser, tmp_path, MAILS, width=1280)
    look = "[...document.querySelector('.table').querySelectorAll('td')].map(td => getComputedStyle(td).display)"
    assert set(page.evaluate(look)) == {"table-cell"}
    page.set_viewport_size({"width": 360, "height": 800})
    page.emulate_media(media="print")
    assert set(page.evaluate(look)) == {"table-cell"}
    page.close()


def test_names_of_cohorts_stay_in_sight_where_their_table_is_moved(browser, tmp_path):
    weeks = pd.date_range("2026-01-05", periods=9, freq="7D")
    table = pd.DataFrame([
        {"cohort": week, "period": p, "users": 50, "retained": 20, "retention_rate": 0.4, "complete": True}
        for week in weeks
        for p in range(12)
    ])  # fmt: skip
    table.attrs = {"metric": "cohort_retention", "parameters": {"period": "week"}}
    page = opened(browser, tmp_path, table)
    moved, left, name = page.evaluate("""() => {
        const part = document.querySelector('.table');
        part.scrollLeft = 1000;
        const name = part.querySelector('tbody th').getBoundingClientRect();
        return [part.scrollLeft, part.getBoundingClientRect().left, name.left];
    }""")
    assert moved > 0
    assert name == left
    page.close()


def test_words_stand_apart_from_the_number_that_ends_beside_them(browser, tmp_path):
    table = pd.DataFrame({"plan": ["free"], "users": [1_234], "band": ["red"]})
    page = opened(browser, tmp_path, table, width=1280)
    part = page.locator(".table").first
    between = part.evaluate("""part => {
        const words = part.querySelector('tbody td.text');
        const [number, text] = [words.previousElementSibling, words].map(cell => {
            const range = document.createRange();
            range.selectNodeContents(cell);
            return range.getBoundingClientRect();
        });
        return text.left - number.right;
    }""")
    page.close()
    assert between >= 20
