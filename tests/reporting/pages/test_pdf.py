"""PDF export where it does not get to a PDF; the real browser is in tests/browser/test_pdf.py."""

import os
import time

import pytest

from reporting.errors import RefusedError
from reporting.pages import pdf


@pytest.fixture
def page(tmp_path):
    (tmp_path / "page.html").write_text("<!DOCTYPE html><title>T</title>")
    return tmp_path / "page.html"


def browser(tmp_path, body):
    path = tmp_path / "chromium"
    path.write_text(
        f'#!/bin/sh\nfor word in "$@"; do case $word in --print-to-pdf=*) out=${{word#*=}} ;; esac; done\n{body}\n'
    )
    path.chmod(0o755)
    return str(path)


def test_without_a_chromium_it_says_what_to_do(page, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "NAMES", ())
    with pytest.raises(RefusedError, match="Install the package 'chromium'"):
        pdf.export(page, tmp_path / "page.pdf")


def test_without_a_page_too(tmp_path):
    with pytest.raises(RefusedError, match="no such page"):
        pdf.export(tmp_path / "page.html", tmp_path / "page.pdf")


def test_a_whole_pdf_takes_the_place_of_the_old_one(page, tmp_path):
    (tmp_path / "page.pdf").write_text("old")
    made = pdf.export(page, tmp_path / "page.pdf", browser=browser(tmp_path, "printf '%%PDF-1.4\\n%%%%EOF\\n' > $out"))
    assert made.read_bytes() == b"%PDF-1.4\n%%EOF\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chromium", "page.html", "page.pdf"]


@pytest.mark.parametrize("body", ["echo it broke >&2; exit 1", "printf '%%PDF-1.4 half' > $out; echo it broke"])
def test_a_broken_pdf_leaves_the_old_one_and_says_what_the_browser_said(body, page, tmp_path):
    (tmp_path / "page.pdf").write_text("old")
    with pytest.raises(RefusedError, match="It said: it broke"):
        pdf.export(page, tmp_path / "page.pdf", browser=browser(tmp_path, body))
    assert (tmp_path / "page.pdf").read_text() == "old"


def test_a_browser_that_does_not_end_is_ended_with_its_children(page, tmp_path):
    hangs = browser(tmp_path, f"sleep 60 & echo $! > {tmp_path}/child; wait")
    began = time.monotonic()
    with pytest.raises(RefusedError, match=r"longer than its 0\.5 seconds"):
        pdf.export(page, tmp_path / "page.pdf", browser=hangs, timeout=0.5)
    assert time.monotonic() - began < 5
    child = int((tmp_path / "child").read_text())
    for _ in range(50):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        with open(f"/proc/{child}/stat") as file:
            if file.read().split()[2] == "Z":
                return
        time.sleep(0.05)
    pytest.fail("the child is still there")


def test_a_pdf_does_not_say_where_the_pages_lie(page, tmp_path):
    page.write_text('<a href="../index.html">All reports</a> <a href="#here">Here</a>')
    keeps = f"for word; do :; done\ncp \"${{word#file://}}\" {tmp_path}/printed\nprintf '%%PDF-1.4\\n%%%%EOF\\n' > $out"
    pdf.export(page, tmp_path / "page.pdf", browser=browser(tmp_path, keeps))
    assert (tmp_path / "printed").read_text() == 'All reports <a href="#here">Here</a>'
