"""A page that leaves its folder: what it says of other pages must not lead where none is."""

import re
from collections.abc import Mapping

from reporting.pages.clean import TAG

LINK = re.compile(
    rf'<a(?P<before>{TAG})\s+href="(?:\.\./)+(?:latest/(?P<page>[\w/-]+)|index)\.html(?P<place>#[\w-]+)?"(?P<after>{TAG})>'
    r"(?P<words>.*?)</a>",
    re.S,
)


def alone(html: str, beside: Mapping[str, str]) -> str:
    """A page whose links lead to the files beside it; of all others the words remain.

    Parameters
    ----------
    html
        A page of a run.
    beside
        Files that go with it, by the names of their pages.

    >>> alone('<a href="../index.html">All</a> <a href="../latest/nps.html#who">NPS</a>', {"nps": "nps.html"})
    'All <a href="nps.html#who">NPS</a>'
    """

    def link(match: re.Match[str]) -> str:
        file = beside.get(match["page"] or "")
        if file is None:
            return match["words"]
        return f'<a{match["before"]} href="{file}{match["place"] or ""}"{match["after"]}>{match["words"]}</a>'

    return LINK.sub(link, html)
