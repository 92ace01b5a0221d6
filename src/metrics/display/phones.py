"""Does a table fit the width of a phone? What does not is shown there as a list: a row's cells below each other.

The widths are those of a wide system font, so that in another one there is room to spare.
"""

import re
from collections.abc import Iterable
from html import unescape

PHONE = 328  # pixels that a page leaves on a screen of 360
GAP = 9.6  # between two columns
TEXT, SMALL = 13, 12  # pixels: cells; heads and intervals
MOST = 20  # rows of a list; more of them are easier compared when moved sideways
_EM = {
    **dict.fromkeys("ijl.,:;'|!()[] \u00a0", 0.33),
    **dict.fromkeys("\u2009\u202f", 0.2),
    **dict.fromkeys("mwMW%+−", 0.9),
}


def is_too_wide(columns: Iterable[tuple[str, list[str], bool]], rows: int) -> bool:
    """Whether a table would have to be moved sideways on a phone, and is short enough for a list.

    `columns` are the head of each column, the HTML of its cells, and whether a line may end between its words.

    >>> is_too_wide([("Plan", ["team"], True), ("Converted, %", ["12.5"], False)], 1)
    False
    >>> is_too_wide([("Plan", ["team"], True)] + 4 * [("Unsubscribed, %", ["1.5"], False)], 1)
    True
    """
    if rows > MOST:
        return False
    widths = [
        max(_longest(head, SMALL), *(_cell(cell, wraps=wraps) for cell in cells), 0.0) for head, cells, wraps in columns
    ]
    return sum(widths) + GAP * (len(widths) - 1) > PHONE


def _cell(html: str, *, wraps: bool) -> float:
    """Width of a cell whose interval stands below its estimate."""
    estimate, mark, interval = html.partition('<small class="interval')
    plain = unescape(re.sub("<[^>]*>", "", estimate)).strip(" ")
    why = mark and interval.startswith(" reason")
    below = unescape(re.sub("<[^>]*>", "", interval.partition(">")[2]))
    return max(
        _longest(plain, TEXT) if wraps else _width(plain, TEXT),
        _longest(below, SMALL) if why else _width(below, SMALL),
    )


def _longest(text: str, size: int) -> float:
    return max((_width(word, size) for word in re.split(r"(?<=-)| ", text)), default=0.0)


def _width(text: str, size: int) -> float:
    return size * sum(_EM.get(letter, 0.7 if letter.isupper() else 0.63) for letter in text)
