"""The gallery shows every report, in the words of its notebook."""

import pytest

from docs.pictures import GALLERY, PICTURES, gallery, reports, words_of


def test_the_gallery_is_as_the_notebooks_say():
    assert GALLERY.read_text(encoding="utf-8") == gallery(), "Run `make pictures`."


@pytest.mark.parametrize("report", reports(), ids=lambda report: report.name)
def test_every_report_has_a_question_and_a_picture(report):
    title, question = words_of(report)
    assert "?" in title + question
    assert 5_000 < (PICTURES / f"{report.name}.png").stat().st_size < 80_000
