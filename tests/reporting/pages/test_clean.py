from html.parser import HTMLParser

import pytest

from reporting.pages.clean import clean

PAYLOADS = [
    "<script>window.PWNED=1</script>",
    "<img src=x onerror=window.PWNED=1>",
    "<svg onload=window.PWNED=1>",
    "<svg><script>window.PWNED=1</script></svg>",
    "<svg><animate onbegin=window.PWNED=1 attributeName=x dur=1s></svg>",
    '<svg><a href="javascript:window.PWNED=1"><text>x</text></a></svg>',
    '<svg><use href="https://evil.example/x.svg#a"/></svg>',
    "<svg><foreignObject><iframe src=javascript:window.PWNED=1></iframe></foreignObject></svg>",
    "<svg></p><style><a title='</style><img src=x onerror=window.PWNED=1>'>",
    "<math><mtext><table><mglyph><style><img src=x onerror=window.PWNED=1></style></mglyph></table></mtext></math>",
    '<a href="javascript:window.PWNED=1">x</a>',
    '<a href="java&#10;script:window.PWNED=1">x</a>',
    '<a href="data:text/html,<script>window.PWNED=1</script>">x</a>',
    '<a href="//evil.example">x</a>',
    '<iframe srcdoc="<script>window.PWNED=1</script>"></iframe>',
    "<details open ontoggle=window.PWNED=1><summary>x</summary></details>",
    "<form action=https://evil.example><input autofocus onfocus=window.PWNED=1></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'><base href=https://evil.example>",
    "<link rel=stylesheet href=https://evil.example/x.css><style>@import 'https://evil.example/x.css'</style>",
    "<div style='background:url(https://evil.example)'>x</div>",
    "<svg><rect fill='url(https://evil.example/x.svg#a)'/></svg>",
    "<img src='https://evil.example/x.png'><img src='data:image/svg+xml,<svg onload=window.PWNED=1>'>",
    "</div></main></body><script>window.PWNED=1</script>",
    "<!--><img src=x onerror=window.PWNED=1>-->",
]


class Reader(HTMLParser):
    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def dangers(html, page=False):
    """Whatever in some HTML runs, fetches or frames."""
    found = []
    for tag, attributes in Reader(html).found:
        if tag in {
            "script",
            "iframe",
            "object",
            "embed",
            "form",
            "input",
            "base",
            "link",
            "use",
            "foreignobject",
            "animate",
        }:
            found.append(tag)
        if not page and tag in {"style", "meta"}:
            found.append(tag)
        for name, value in attributes.items():
            value = value or ""
            if name.startswith("on") or name in {"style", "srcdoc", "srcset", "action", "formaction"}:
                found.append(name)
            if name in {"href", "src", "xlink:href"} and not value.startswith(("#", "data:image/png")):
                found += [value] if not (page and value.endswith(".html") and "/" not in value) else []
            if "url(" in value and "url(#" not in value and name not in {"aria-label", "title", "alt"}:
                found.append(value)
    return found


@pytest.mark.parametrize("payload", PAYLOADS)
def test_nothing_that_runs_or_fetches_is_left(payload):
    assert dangers(payload) or "<!--" in payload or "<math" in payload  # the test would see it
    assert dangers(str(clean(payload))) == []
    assert dangers(str(clean(f"<table><tr><td>{payload}</td></tr></table>"))) == []


def test_cleaning_twice_changes_nothing():
    for payload in PAYLOADS:
        once = str(clean(payload))
        assert str(clean(once)) == once


def test_words_that_look_like_a_tag_are_kept():
    assert clean("<b>a &lt; b &amp;lt; c</b>") == "<b>a &lt; b &amp;lt; c</b>"


def test_a_drawing_keeps_its_shapes_names_and_hatch():
    drawing = (
        '<svg class="wide" viewBox="0 0 9 9" role="img" aria-label="a &lt; b"><defs>'
        '<pattern id="hatch-1" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"></pattern></defs>'
        '<rect fill="url(#hatch-1)" class="s-mid"></rect><text text-anchor="end">1<tspan dy="2">2</tspan></text></svg>'
    )
    assert str(clean(drawing)).replace("a < b", "a &lt; b") == drawing


def test_a_table_becomes_a_named_region_that_can_be_reached():
    html = clean(
        '<table border="1" class="dataframe"><caption>Users <b>now</b></caption><tr><th></th><td>1</td></tr></table>'
    )
    assert '<div class="table" role="region" aria-label="Users now" tabindex="0"><table>' in html
    assert "<td></td><td>1</td>" in html  # an empty head would be announced as one


def test_a_table_that_has_a_region_is_left_alone():
    html = '<div class="table" role="region" aria-label="Users" tabindex="0"><table><tbody></tbody></table></div>'
    assert clean(html) == html


def test_links_lead_to_this_page_or_one_beside_it():
    html = '<a href="#stop">1</a><a href="retention.html#who">2</a><a href="../x.html">3</a>'
    assert clean(html) == '<a href="#stop">1</a><a href="retention.html#who">2</a><a>3</a>'


def test_a_link_to_a_notebook_leads_to_its_page():
    html = '<a href="churn.ipynb">1</a><a href="churn.ipynb#who">2</a><a href="../x.ipynb">3</a>'
    assert clean(html) == '<a href="churn.html">1</a><a href="churn.html#who">2</a><a>3</a>'
