"""Width: how many properties a file may have, for each of them becomes a column with a place in every row.

Names are few and come again. Where ids or values stand in their place each row brings new ones, and rows times columns
grow with the square of the file. That is said before any column is made.
"""

import re
from collections import Counter
from collections.abc import Collection
from itertools import islice

from metrics.files.refusal import refuse, shorten

MOST = 4_000  # Amplitude, whose limits are the widest known, has 2,000 properties of events and 1,000 of users
SHOWN = 3
NAME = re.compile(rb'"([^"\\]*)"\s*:')
STEP, WINDOW = 1 << 19, 1 << 12  # bytes from one look into a text to the next, and how far each goes
LOOKS = 16  # at least
RARE = 20  # names seen once in all looks, from which on all of the text is gone through
PART = 1 << 20


def is_too_wide(names: Collection[str | bytes]) -> bool:
    """Whether these are more columns than a table may have."""
    return len(names) > MOST


def check_width(names: Collection[str], file: str) -> None:
    """Refuse more columns than a table may have, with some names from where it gets too wide."""
    if not is_too_wide(names):
        return
    some = [shorten(name.removeprefix("properties."), 40) for name in islice(names, MOST + 1 - SHOWN, MOST + 1)]
    raise refuse(
        file,
        f"more than {MOST:,} different properties (such as {', '.join(map(repr, some))})",
        "Each would be a column. Where such names are ids or values, export them inside one property that holds an "
        "object or a list, which stays one column; else leave properties out of the export.",
    )


def is_wide(data: bytes) -> bool:
    """Whether JSON may hold more names than a table may have columns; those inside of values count as well.

    A few looks tell that names come again, which is nearly always so; only otherwise is all of it gone through.
    """
    seen: Counter[bytes] = Counter()
    for at in range(0, len(data), max(WINDOW, min(STEP, len(data) // LOOKS))):
        seen.update(NAME.findall(data, at, at + WINDOW))
    if sum(n == 1 for n in seen.values()) < RARE:
        return is_too_wide(seen)
    names: set[bytes] = set()
    for at in range(0, len(data), PART):
        names.update(NAME.findall(data, at, at + PART))
        if is_too_wide(names):
            return True
    return False
