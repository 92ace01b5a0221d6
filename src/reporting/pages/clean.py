"""What of a notebook's HTML may stand on a page: an allow-list, nothing else.

Event names, customer names and column names come from outside and end up in outputs.
They may look like HTML. Scripts, styles, forms, frames, event handlers, comments and
everything that would be fetched are dropped; the words remain.
"""

import re
from html import escape, unescape
from urllib.parse import quote, unquote

import nh3
from markupsafe import Markup


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TEXT = _words("""a abbr b blockquote br caption cite code col colgroup dd del details div dl dt em figcaption figure
    h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span strong sub summary sup
    table tbody td tfoot th thead tr u ul var""")
DRAWING = _words("""svg circle clipPath defs desc ellipse g line linearGradient marker path pattern polygon polyline
    rect stop text title tspan""")

EVERYWHERE = {"class", "title", "lang", "dir", "role", "aria-label", "aria-hidden"}
SIZES = {"width", "height", "viewBox", "preserveAspectRatio"}
PAINT = _words("""d x y x1 x2 y1 y2 cx cy r rx ry dx dy points transform opacity display offset
    fill fill-opacity fill-rule stroke stroke-width stroke-opacity stroke-dasharray stroke-dashoffset stroke-linecap
    stroke-linejoin stroke-miterlimit stop-color stop-opacity clip-path vector-effect shape-rendering
    font-size font-weight font-style text-anchor dominant-baseline letter-spacing textLength""")

ATTRIBUTES: dict[str, set[str]] = {"*": EVERYWHERE}
ATTRIBUTES |= {tag: {*SIZES, *PAINT} for tag in DRAWING}
ATTRIBUTES |= {
    "a": {"href"},
    "div": {"tabindex"},
    "img": {"src", "alt", "width", "height"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "data-head"},
    "th": {"colspan", "rowspan", "scope"},
    "col": {"span"},
    "pattern": {*SIZES, *PAINT, "id", "patternUnits", "patternTransform", "patternContentUnits"},
    "clipPath": {*PAINT, "id", "clipPathUnits"},
    "linearGradient": {*PAINT, "id", "gradientUnits", "gradientTransform"},
    "marker": {*SIZES, *PAINT, "id", "markerWidth", "markerHeight", "refX", "refY", "orient"},
}
ROLES = {"img", "region", "note", "presentation", "list", "listitem"}
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+")
LOCAL = re.compile(r"#[\w-]+|[\w-]+\.html(#[\w-]+)?")  # a place on this page, or on a page beside it
NOTEBOOK = re.compile(r"([^/\\?#:]+)\.ipynb(#[\w-]+)?")  # a notebook links to another, its page to the other's page
TAG = r'(?:\s+[\w-]+(?:="[^"]*")?)*'  # attributes as the cleaner writes them


def clean(html: str) -> Markup:
    """HTML of a notebook's output with all but the allowed tags and attributes removed.

    >>> clean('<b onclick="x()">Ann</b><script>x()</script> <a href="https://example.org">page</a>')
    Markup('<b>Ann</b> <a>page</a>')
    """
    kept = nh3.clean(
        html,
        tags={*TEXT, *DRAWING},
        clean_content_tags={"script", "style", "template", "iframe", "object", "noscript", "head"},
        attributes=ATTRIBUTES,
        attribute_filter=_attribute,
        url_schemes={"data"},
        link_rel=None,
    )
    kept = re.sub(rf"<img{TAG}>", _picture, kept)
    kept = re.sub(rf"<(h[2-6]){TAG}>\s*</\1>", "", kept)
    return Markup(_name_tables(kept))


def plain(html: str) -> str:
    """Words of a piece of HTML, without its tags.

    >>> plain("Who <em>stays</em> &amp; why?")
    'Who stays & why?'
    """
    return " ".join(unescape(nh3.clean(html, tags=set())).split())


def _attribute(tag: str, name: str, value: str) -> str | None:
    if name == "href":
        if notebook := NOTEBOOK.fullmatch(value):  # whatever its name, it is beside this one
            stem = unquote(notebook[1])
            return None if "/" in stem else f"{quote(stem, safe='')}.html{notebook[2] or ''}"
        return value if LOCAL.fullmatch(value) else None
    if name == "src":
        return value if PICTURE.fullmatch(value) else None
    if name == "role":
        return value if value in ROLES else None
    if name == "tabindex":
        return value if value == "0" else None
    if "url(" in value.lower() and name not in ("aria-label", "title", "alt"):
        return value if re.fullmatch(r"url\(#[\w-]+\)", value) else None
    return value


def _picture(match: re.Match[str]) -> str:
    """A picture that has none goes; one without words says so to a screen reader."""
    if ' src="' not in match[0]:
        return ""
    return match[0] if ' alt="' in match[0] else match[0].replace("<img", '<img alt=""', 1)


def _name_tables(html: str) -> str:
    """A table that may scroll is a region with a name and can be reached by keyboard; an empty corner is no head."""
    if "<table" not in html:
        return html
    html = re.sub(rf"<th{TAG}>(\s|&nbsp;)*</th>", "<td></td>", html)
    if 'role="region"' in html:
        return html
    caption = re.search(rf"<caption{TAG}>(.*?)</caption>", html, re.S)
    name = escape(plain(caption[1]) if caption else "Table")
    html = re.sub(rf"<table{TAG}>", rf'<div class="table" role="region" aria-label="{name}" tabindex="0"><table>', html)
    return html.replace("</table>", "</table></div>")
