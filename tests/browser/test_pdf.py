"""A page as a PDF: tagged, with an outline, in time."""

import re
import time
import zlib

import pandas as pd
import pytest
from nbformat import v4

import metrics
from reporting.pages.page import render_page
from reporting.pages.pdf import export
from tests.browser import hostile

pytestmark = pytest.mark.browser


def words_of(content):
    """The file with its streams unpacked, so that its objects can be searched."""
    parts = [content]
    for match in re.finditer(rb"stream\r?\n(.*?)endstream", content, re.S):
        try:
            parts.append(zlib.decompress(match[1]))
        except zlib.error:
            continue
    return b"\n".join(parts)


@pytest.mark.parametrize("page", ["full.html", "broken.error.html", "index.html"])
def test_a_page_is_printed_tagged_with_an_outline(site, tmp_path, page):
    began = time.monotonic()
    content = words_of(export(site / page, tmp_path / "page.pdf", timeout=60).read_bytes())
    assert time.monotonic() - began < 30
    assert re.search(rb"/Marked\s+true", content)  # tagged
    assert b"/StructTreeRoot" in content
    assert b"/Lang" in content
    assert re.search(rb"/Outlines\s+\d+ 0 R", content)
    titles = re.findall(rb"/Title\s*\(", content)
    assert len(titles) >= 3  # the document's and its headings'
    assert b"/JavaScript" not in content


def test_a_long_table_breaks_between_rows_in_place_of_leaving_half_a_page_empty(tmp_path):
    prose = "\n\n".join(["Some words."] * 14)
    table = pd.DataFrame({"plan": [f"plan {number}" for number in range(26)], "users": 1})
    before, after = (v4.new_markdown_cell(prose, id=name) for name in ("before", "after"))
    cells = [before, hostile.cell_of(metrics.show(table, "Users")), after]
    (tmp_path / "long.html").write_text(
        render_page(v4.new_notebook(cells=cells), hostile.origin("x"))[0], encoding="utf-8"
    )
    content = words_of(export(tmp_path / "long.html", tmp_path / "long.pdf", timeout=60).read_bytes())
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 2


def test_a_note_is_printed_under_the_heading_of_its_section(browser, site):
    """After the section it opened a page alone wherever the section ended with a page."""
    page = browser.new_page()
    page.goto((site / "full.html").as_uri())
    page.emulate_media(media="print")
    placed = page.eval_on_selector_all(
        "section .note",
        """notes => notes.map(note => {
            const [head, content] = [note.closest('section').querySelector('h2'), note.parentElement.firstElementChild];
            return [head, note, content].map(part => part.getBoundingClientRect()).map(box => [box.top, box.bottom]);
        })""",
    )
    page.close()
    assert placed
    for (_, head), (above, below), (content, _) in placed:
        assert head <= above < below <= content
