"""An executed notebook as a page: one question a section, code left out.

A page is read from the top: title, question, headlines, contents, sections with their
notes in the margin, parameters, and where the numbers come from. A notebook says all
this with its headings alone:

    # Title            title, its paragraph is the question
    metrics.headline   above the first section: the headlines
    metrics.alert      a rule: if it fired it stands under the headlines
    ## Heading         a section, its name in the contents
    > quotation        a note in the margin of its section
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from typing import Any
from unicodedata import normalize
from urllib.parse import unquote

from markupsafe import Markup

from reporting.errors import cut
from reporting.execution.jupyter import Exporter, IPythonRenderer, MarkdownWithMath
from reporting.pages.clean import TAG, clean, plain
from reporting.pages.facts import LONGEST, Alert, KeyFigure, Origin
from reporting.pages.templates import render

HEADLINE = "application/vnd.metrics.headline+json"
ALERT = "application/vnd.metrics.alert+json"
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TAKEN = {"main", "contents", "about"}  # anchors of the template's own
LONGEST_WARNING = 400  # letters


@dataclass
class Section:
    """A part of the page, and what stands in its margin."""

    title: str
    anchor: str
    content: list[Markup] = field(default_factory=list)
    notes: list[Markup] = field(default_factory=list)


@dataclass
class Page:
    """What a notebook says, in the order of the page."""

    title: str = ""
    question: str = ""
    headlines: Markup = field(default_factory=Markup)
    opening: Section = field(default_factory=lambda: Section("", ""))
    sections: list[Section] = field(default_factory=list)
    key_figure: KeyFigure | None = None
    alerts: list[Alert] = field(default_factory=list)  # rules that fired
    quiet: int = 0  # rules that did not
    warned: int = 0  # cells that wrote to stderr
    warnings: list[str] = field(default_factory=list)  # what they say to the reader, each once


class PageExporter(Exporter):
    """nbconvert exporter with this package's template; `origin` is passed in the resources."""

    file_extension = ".html"
    output_mimetype = "text/html"

    def from_notebook_node(self, nb: Any, resources: Any = None, **kw: Any) -> tuple[Any, dict[str, Any]]:
        """HTML of an executed notebook, and the resources with its `page`."""
        nb, resources = super().from_notebook_node(nb, resources, **kw)
        page = read_page(nb, resources.get("title"))
        resources["page"] = page
        origin = resources["origin"]
        html = render("report.html.j2", page=page, origin=origin)
        return name_regions_once(html if origin.pages is None else _linked(html, origin.pages)), resources


def render_page(notebook: Any, origin: Origin, title: str | None = None) -> tuple[str, Page]:
    """HTML of an executed notebook, and the page it was made from.

    Parameters
    ----------
    notebook
        Notebook node with its outputs.
    origin
        What the page says about its run.
    title
        Title in place of the notebook's own.
    """
    exporter = PageExporter()  # type: ignore[no-untyped-call]
    html, resources = exporter.from_notebook_node(notebook, {"origin": origin, "title": title})
    return html, resources["page"]


def read_page(notebook: Any, title: str | None = None) -> Page:
    """Sort the cells of an executed notebook into a page.

    Parameters
    ----------
    notebook
        Notebook node with its outputs.
    title
        Title in place of the notebook's own.
    """
    page = Page()
    anchors = set(TAKEN)
    headlines: list[Markup] = []
    section = page.opening
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for heading, text in _split(cell.source):
                if heading is not None and heading.startswith("# ") and not page.title:
                    page.title = plain(_markdown(heading[2:]))
                    page.question, text = _first_paragraph(text)
                elif heading is not None:
                    name = plain(_markdown(heading.lstrip("# "))) or "Section"
                    section = Section(name, _anchor(name, anchors))
                    page.sections.append(section)
                if _is_note(text):
                    section.notes.append(_note(text))
                elif text.strip():
                    section.content.append(_markdown(text))
        elif cell.cell_type == "code":
            outputs = cell.get("outputs", [])
            written = [part.text for part in outputs if part.output_type == "stream" and part.name == "stderr"]
            page.warned += bool(written)
            page.warnings += [said for said in _warnings("".join(written)) if said not in page.warnings]
            for part in outputs:
                if isinstance(rule := part.get("data", {}).get(ALERT), dict):
                    page.quiet += not _fired(rule)
                    page.alerts += [_alert(rule, section.anchor)] if _fired(rule) else []
                    continue
                html = _output(part)
                figure = part.get("data", {}).get(HEADLINE)
                if figure is not None:
                    page.key_figure = page.key_figure or _key_figure(figure)
                if figure is not None and section is page.opening:
                    headlines.append(html)
                elif html:
                    section.content.append(html)
    page.title = cut(title or page.title or "Report", LONGEST)
    # one list, so that a screen reader can say how many headlines there are
    page.headlines = Markup(re.sub(r'</ul>\s*<ul class="headlines">', "", "\n".join(headlines)))
    return page


def name_regions_once(html: str) -> str:
    """Give every region of a page a name of its own, by counting those that share one."""
    seen: dict[str, int] = {}

    def numbered(match: re.Match[str]) -> str:
        name = match[2]
        seen[name] = seen.get(name, 0) + 1
        return match[0] if seen[name] == 1 else f'{match[1]}aria-label="{name} ({seen[name]})"'

    return re.sub(rf'(<div(?={TAG}\s+role="region"){TAG}\s+)aria-label="([^"]*)"', numbered, html)


def _linked(html: str, pages: Mapping[str, str]) -> str:
    """Links to other notebooks' pages as these stand; of a page that does not, the words remain."""

    def link(match: re.Match[str]) -> str:
        page = pages.get(normalize("NFC", unquote(match["name"])))
        if page is None:
            return match["words"]
        return f'<a{match["before"]} href="{page}{match["place"] or ""}"{match["after"]}>{match["words"]}</a>'

    address = r'href="(?P<name>[\w%.~-]+)\.html(?P<place>#[\w-]+)?"'
    return re.sub(rf"<a(?P<before>{TAG})\s+{address}(?P<after>{TAG})>(?P<words>.*?)</a>", link, html, flags=re.S)


def _split(source: str) -> Iterable[tuple[str | None, str]]:
    """Markdown cut before each heading of the first two levels, code blocks left whole."""
    heading: str | None = None
    lines: list[str] = []
    fenced = False
    for line in source.splitlines():
        fenced ^= line.lstrip().startswith(("```", "~~~"))
        if not fenced and re.match(r"##? +\S", line):
            if heading is not None or "".join(lines).strip():
                yield heading, "\n".join(lines)
            heading, lines = line, []
        else:
            lines.append(line)
    yield heading, "\n".join(lines)


def _first_paragraph(text: str) -> tuple[str, str]:
    first, _, rest = text.strip().partition("\n\n")
    return plain(_markdown(first)), rest


def _is_note(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    return bool(lines) and all(line.startswith(">") for line in lines)


def _note(text: str) -> Markup:
    """A quotation as a note; the bold words it begins with are its heading."""
    html = str(_markdown("\n".join(re.sub(r"^> ?", "", line) for line in text.splitlines())))
    bold = re.match(r"\s*<p><strong>(.*?)</strong>\s*", html)
    if bold is None or not plain(bold[1]):
        return Markup(html)
    return Markup("<h3>{}</h3><p>{}").format(plain(bold[1]).rstrip("."), Markup(html[bold.end() :]))


def _markdown(text: str) -> Markup:
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True)
    html = MarkdownWithMath(renderer=renderer).render(text)
    parts = re.split(r"(<(code|pre)\b.*?</\2>)", html, flags=re.S)  # what is typed stays as it is
    parts[::3] = [re.sub(r"(?<=\d) %", "\u202f%", part) for part in parts[::3]]  # no line begins with a sign
    del parts[2::3]
    return clean("".join(parts))


def _anchor(name: str, taken: set[str]) -> str:
    """Stable anchor of a heading: its words, and a number only if another section has them."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "section"
    anchor, count = words, 1
    while anchor in taken:
        count += 1
        anchor = f"{words}-{count}"
    taken.add(anchor)
    return anchor


def _warnings(text: str) -> list[str]:
    r"""What was said by `warnings.warn` as a plain warning, which is for people; the other kinds are for programmers.

    >>> _warnings("/x/steps.py:9: UserWarning: 'pay' is in no row.\n  count()\n/x/y.py:1: FutureWarning: old\n")
    ["'pay' is in no row."]
    """
    return [cut(said, LONGEST_WARNING) for said in re.findall(r"^\S.*?:\d+: UserWarning: (.+)$", text, re.MULTILINE)]


def _output(part: Any) -> Markup:
    """An output in its best form for a page; text of any kind is escaped, stderr left to the notebook."""
    if part.output_type == "stream":
        return _pre(part.text) if part.name == "stdout" else Markup()
    data = part.get("data", {})
    if "text/html" in data:
        return clean(data["text/html"])
    if "image/svg+xml" in data:
        return clean(f"<figure>{data['image/svg+xml']}</figure>")
    for kind in ("image/png", "image/jpeg"):
        if kind in data:
            meta = part.get("metadata", {}).get(kind)
            words = meta.get("alt") if isinstance(meta, dict) else None
            alt = escape(str(words or data.get("text/plain", "Figure without a description")))
            return clean(f'<figure><img src="data:{kind};base64,{data[kind].strip()}" alt="{alt}"></figure>')
    if "text/markdown" in data:
        return _markdown(data["text/markdown"])
    return _pre(data.get("text/plain", ""))


def _pre(text: str) -> Markup:
    text = ANSI.sub("", text).rstrip()
    return Markup("<pre>{}</pre>").format(text) if text else Markup()


def _fired(rule: dict[str, Any]) -> bool:
    return bool(rule.get("fired")) and bool(rule.get("sentence"))


def _alert(rule: dict[str, Any], anchor: str) -> Alert:
    words = {key: str(rule.get(key, "")) for key in ("rule", "sentence", "severity", "detail")}
    return Alert(**words, anchor=anchor)


def _key_figure(figure: Any) -> KeyFigure | None:
    if not isinstance(figure, dict):
        return None
    words = {key: unescape(str(figure.get(key, ""))) for key in ("number", "unit", "text")}
    return KeyFigure(**words)
