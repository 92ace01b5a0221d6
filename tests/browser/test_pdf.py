"""A page as a PDF: tagged, with an outline, in time."""

import re
import time
import zlib

import pytest

from reporting.pages.pdf import export

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
