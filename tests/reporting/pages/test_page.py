from dataclasses import replace

import pytest
from nbformat import from_dict, v4

from reporting.pages.page import ALERT, HEADLINE, Origin, read_page, render_page
from tests.reporting.notebooks import fragment
from tests.reporting.pages.test_clean import PAYLOADS, Reader, dangers

ORIGIN = Origin(
    group="Product",
    period="As of 1 Jul 2026",
    parameters=[("weeks", "4", "weeks to show")],
    notebook="funnel.ipynb",
    commit="c41d90e",
    data="9be104d752af6c30" * 4,
    files=["events.csv"],
)


def md(source):
    return v4.new_markdown_cell(source)


def out(data, **metadata):
    return v4.new_code_cell("secret = 1", outputs=[v4.new_output("display_data", data, metadata=metadata)])


def stream(text, name="stdout"):
    return v4.new_code_cell("", outputs=[v4.new_output("stream", text=text, name=name)])


def headline(number, text):
    html = f'<ul class="headlines"><li><b class="number">{number}</b> <p>{text}</p></li></ul>'
    return out({"text/html": html, HEADLINE: {"number": number, "unit": "%", "text": text}})


def notebook(cells):
    return from_dict({**v4.new_notebook(), "cells": [{**cell, "id": f"cell-{i}"} for i, cell in enumerate(cells)]})


def test_links_lead_where_the_pages_of_notebooks_stand():
    links = md("[a](churn.ipynb#who) [b *x*](nps.html) [c](#here) [d](nobody.ipynb)\n\n## Here")
    origin = replace(ORIGIN, pages={"churn": "../weekly.html"}, root="../../")
    html = render_page(notebook([links]), origin)[0]
    assert '<a href="../weekly.html#who">a</a> b <em>x</em> <a href="#here">c</a> d' in html
    assert '<a href="../../index.html">All reports</a>' in html
    assert '<a href="churn.html#who">a</a>' in render_page(notebook([links]), ORIGIN)[0]
    links = md('[a](churn.ipynb "Who > what?") [b](größe%20x.ipynb#who) [c](a%2Fchurn.ipynb)')
    origin = replace(ORIGIN, pages={"churn": "../weekly.html", "größe x": "size.html"})
    html = render_page(notebook([links]), origin)[0]
    assert '<a href="../weekly.html" title="Who &gt; what?">a</a> <a href="size.html#who">b</a> <a>c</a>' in html


def page(*cells, **settings):
    return read_page(notebook(cells), **settings)


def html(*cells, origin=ORIGIN):
    return render_page(notebook(cells), origin)[0]


def test_a_link_is_the_same_however_its_letters_are_put_together():
    links = md("[a](gr\u00f6\u00dfe.ipynb) [b](gro\u0308\u00dfe.ipynb) [c](gro%CC%88%C3%9Fe.ipynb)")
    html = render_page(notebook([links]), replace(ORIGIN, pages={"gr\u00f6\u00dfe": "../size.html"}))[0]
    assert html.count('<a href="../size.html">') == 3


def test_a_title_is_as_long_as_a_title():
    read = page(md("# " + "T" * 100_000))
    assert read.title == "T" * 300 + " … (99,700 letters left out)"
    assert page(md("# A"), title="T" * 1000).title.endswith("(700 letters left out)")


def test_title_and_question_come_from_the_first_cell():
    read = page(md("# Who *stays*?\n\nAnd for\nhow long?\n\nMore words."))
    assert (read.title, read.question) == ("Who stays?", "And for how long?")
    assert "More words." in read.opening.content[0]


def test_the_recipe_may_name_the_title():
    assert page(md("# Who stays?"), title="Retention").title == "Retention"


def test_headlines_above_the_first_section_open_the_page_as_one_list():
    read = page(md("# T"), headline("28.2", "share"), headline("44.7", "stop"), md("## S"), headline("1", "late"))
    assert read.headlines.count("<ul") == 1
    assert read.headlines.count("<li>") == 2
    assert read.key_figure.number == "28.2"
    assert "late" in read.sections[0].content[0]


def test_a_heading_opens_a_section_with_a_stable_anchor():
    read = page(
        md("# T\n\nQ\n\n## Where do they stop?\n\na\n\n### detail\n\n```\n## no heading\n```\n\n## Main"), md("## Main")
    )
    assert [section.anchor for section in read.sections] == ["where-do-they-stop", "main-2", "main-3"]
    assert "## no heading" in read.sections[0].content[0]
    assert "<h3>detail</h3>" in read.sections[0].content[0]


def test_a_quotation_goes_into_the_margin_and_its_bold_words_are_its_heading():
    [section] = page(md("## S"), md("> **How to read it.** A row is one week.\n> Down a column.")).sections
    assert section.content == []
    assert section.notes[0].strip() == "<h3>How to read it</h3><p>A row is one week.\nDown a column.</p>"


def test_prose_with_a_quotation_in_it_stays_where_it_is():
    [section] = page(md("## S\n\nShe said:\n\n> so")).sections
    assert section.notes == []


def test_what_a_cell_warns_of_stands_once_below_the_headlines():
    said = "/lib/steps.py:9: UserWarning: steps: '<b>pay</b>' is in no row.\n  answer = count()\n"
    text = html(md("# T"), headline("0", "bought"), stream(said, "stderr"), stream(said, "stderr"), md("## Part"))
    assert text.count("steps: ") == 1
    assert "<strong>Warning:</strong> steps: &#39;&lt;b&gt;pay&lt;/b&gt;&#39; is in no row.</p>" in text
    assert text.index('class="headlines"') < text.index("Warning:") < text.index(">Part</h2>")
    assert "Two cells wrote warnings" in text


def test_many_warnings_are_cut_and_those_for_programmers_stay_in_the_notebook():
    many = "".join(f"/lib/a.py:{k}: UserWarning: number {k}\n" for k in range(7))
    text = html(md("# T"), stream(f"/lib/a.py:1: FutureWarning: old\n{many}", "stderr"))
    assert ("number 4" in text, "number 5" in text, "old" in text.split("<main")[1]) == (True, False, False)
    assert "Two more are in the notebook as it ran." in text


def test_code_and_stderr_stay_in_the_notebook_and_warnings_are_counted():
    text = html(md("# T"), out({"text/plain": "kept"}), stream("UserWarning: old", "stderr"), stream("said"))
    assert "secret" not in text
    assert "UserWarning" not in text
    assert "<pre>kept</pre>" in text
    assert "<pre>said</pre>" in text
    assert "One cell wrote warnings" in text


def test_colours_of_a_terminal_are_left_out():
    assert "<pre>red</pre>" in html(stream("\x1b[31mred\x1b[0m\n"))


def test_a_picture_has_words():
    data = {"image/png": "iVBORw0KGgo=\n", "text/plain": "<Figure size 640x480>"}
    assert 'alt="Users by &lt;week&gt;"' in html(out(data, **{"image/png": {"alt": "Users by <week>"}})).replace(
        "<week>", "&lt;week&gt;"
    )
    assert 'src="data:image/png;base64,iVBORw0KGgo="' in html(out(data))


def test_what_is_said_of_a_picture_may_be_anything():
    html = render_page(notebook([out({"image/png": "aGk="}, **{"image/png": 5})]), ORIGIN)[0]
    assert 'alt="Figure without a description"' in html


def test_two_tables_of_one_name_are_told_apart():
    text = html(md("## S"), out({"text/html": fragment("account")}), out({"text/html": fragment("account")}))
    assert 'aria-label="Account of the data"' in text
    assert 'aria-label="Account of the data (2)"' in text


def test_the_page_has_one_title_landmarks_contents_and_its_origin():
    text = html(md("# Who stays?\n\nAnd why?"), md("## Who & when?"), out({"text/html": fragment("table")}))
    assert text.count("<h1>") == text.count("<main ") == text.count("<nav ") == text.count("<footer>") == 1
    assert '<li><a href="#who-when">Who &amp; when?</a></li>' in text
    for words in (
        "As of 1 Jul 2026",
        "c41d90e",
        "Data <code>events.csv</code>, <code>sha256:9be1 04d7 52af 6c30</code>",
        "weeks to show",
    ):
        assert words in text


def test_the_page_forbids_itself_scripts_and_requests():
    text = html(md("# T"))
    assert text.index("Content-Security-Policy") < text.index("<title>")
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'" in text
    assert dangers(text, page=True) == []


def test_the_same_notebook_gives_the_same_bytes():
    cells = [md("# T"), headline("1", "a"), md("## S"), out({"text/html": fragment("figure")})]
    assert html(*cells) == html(*cells)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_hostile_name_does_nothing_wherever_it_stands(payload):
    hostile = Origin(payload, payload, [(payload, payload, payload)], payload, payload, payload, [payload])
    text = html(
        md(f"# {payload}\n\n{payload}"),
        headline(payload, payload),
        md(f"## {payload}\n\n{payload}"),
        md(f"> **{payload}** {payload}"),
        out({"text/html": payload}),
        out({"text/html": f'<svg aria-label="{payload}"><text>{payload}</text></svg>'}),
        out({"text/html": f"<table><caption>{payload}</caption><tr><th>{payload}</th></tr></table>"}),
        out({"text/markdown": payload}),
        out({"image/svg+xml": f"<svg><title>{payload}</title></svg>"}),
        out({"image/png": payload, "text/plain": payload}, **{"image/png": {"alt": payload}}),
        out({"text/plain": payload}),
        out({"text/latex": payload, "application/javascript": payload}),
        stream(payload),
        origin=hostile,
    )
    assert dangers(text, page=True) == []
    assert [tag for tag, _ in Reader(text).found].count("main") == 1


def rule(sentence="Churn: 40 %, above the limit of 35 %.", name="churn-high", **facts):
    data = {"rule": name, "sentence": sentence, "severity": "warning", "detail": "churn_rate > 0.35", "fired": True}
    return out({"text/html": "<p>not this</p>", "text/plain": sentence, ALERT: data | facts})


def test_a_rule_that_fired_stands_under_the_headlines_wherever_it_was_raised():
    text = html(md("# T"), headline("1", "a"), md("## Who leaves?"), rule())
    [alert] = page(md("## Who leaves?"), rule()).alerts
    assert (alert.rule, alert.anchor) == ("churn-high", "who-leaves")
    assert "not this" not in text
    assert text.index('class="headlines"') < text.index("A rule fired:") < text.index('id="who-leaves"')
    assert 'above the limit of 35 %. <a href="#who-leaves">Where</a>' in text
    assert "Rule <code>churn-high</code>: churn_rate &gt; 0.35." in text


def test_rules_that_are_quiet_are_counted():
    quiet = rule("", fired=False)
    assert "Two other rules are quiet." in html(md("# T"), quiet, rule(), quiet)
    assert "The one rule of this report is quiet." in html(md("# T"), quiet)
    assert "rule fired" not in html(md("# T"), quiet)


def test_a_rule_that_is_no_rule_is_not_read():
    assert page(out({"text/plain": "so", ALERT: ["no", "rule"]})).alerts == []
    assert page(rule("")).alerts == []  # it has nothing to say


def test_no_line_of_prose_begins_with_a_sign_of_per_cent_and_code_stays_as_it_is():
    html, _ = render_page(notebook([md("## A\n\nThe 95 % interval, and `5 % 3`.")]), ORIGIN)
    assert "The 95\u202f% interval, and <code>5 % 3</code>." in html
