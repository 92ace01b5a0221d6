"""Empty: files without rows, which a day on which nothing happened leaves behind, are counted and not refused.

Nothing at all, or an empty list of JSON, tells nothing of its format, and is set aside. Only a header, or Parquet
without rows, is read like any file, for its columns may be wrong.
"""

import json
import re
from collections.abc import Sequence
from pathlib import PurePosixPath

from metrics.files.delimited import header_end
from metrics.files.finding import HEAD_BYTES, Source
from metrics.files.json_records import AROUND, PAGES
from metrics.files.kinds import as_utf8
from metrics.files.parquet import open_parquet
from metrics.files.refusal import EventTableError, refuse, refuse_all, shorten

NO_LIST = re.compile(rb"\[\s*\]")
LONGEST = 4096  # bytes of a page without a list


def without_empty(sources: Sequence[Source]) -> tuple[list[Source], list[str]]:
    """Files that say what they are, and the names of all that have no rows. One alone, or all, is an error."""
    if len(sources) == 1:
        return list(sources), []
    left: list[Source] = []
    empty: list[str] = []
    for source in sources:
        is_empty, is_blank = _look(source)
        if is_empty or is_blank:
            empty.append(source.name)
        if not is_blank:
            left.append(source)
    if not left:
        raise refuse_all([refuse(source.name, "is empty", "Export it again.") for source in sources])
    return left, empty


def said_of(empty: Sequence[str]) -> str:
    """What the account says of files without rows.

    >>> said_of(["in/may.csv"]), said_of(["in/may.csv", "in/june.csv"])
    ('1 file without rows (may.csv)', '2 files without rows (may.csv, ...)')
    """
    first = shorten(PurePosixPath(empty[0]).name, 60)
    if len(empty) == 1:
        return f"1 file without rows ({first})"
    return f"{len(empty):,} files without rows ({first}, ...)"


def _look(source: Source) -> tuple[bool, bool]:
    """Whether a file has a header and no rows, and whether it has nothing."""
    try:
        head = source.head()
        if len(head) == HEAD_BYTES:
            return False, False
        if head[:4] == b"PAR1":
            opened = open_parquet(source)
            return opened is not None and opened.metadata.num_rows == 0, False
        text = as_utf8(head, source.name, None, lenient=True)
        start = text.lstrip()[:1]
        if start in (b"", b"{", b"["):
            return False, not start or _lists_nothing(text)
        return not text[header_end(text, source.name)[0] :].strip(b"\r\n"), False
    except EventTableError:  # said when it is read
        return False, False


def _lists_nothing(text: bytes) -> bool:
    """Whether this is an empty array, or a page of an API whose list is empty."""
    if len(text) > LONGEST or not NO_LIST.search(text):
        return False
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        return False
    if isinstance(whole, list):
        return not whole
    lists = [whole[name] for name in PAGES if name in whole]
    return whole.keys() <= {*PAGES, *AROUND} and bool(lists) and not any(lists)
