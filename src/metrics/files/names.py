"""Names: which column of a file is which column of our table.

A table says what it needs as a list of `Column`s. A column of the file is found
by its own name or by one of the names that others give it; case and punctuation
do not count. The exact name wins; two other candidates are never guessed
between.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import TypeAlias

from metrics.files.column import Column
from metrics.files.nearest import nearest
from metrics.files.refusal import EventTableError, refuse, shorten

Rename: TypeAlias = Mapping[str, str] | Sequence[str] | None
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
UNNAMED = re.compile(r"unnamed_\d+")  # what a column without a name is called
LONGEST = 120  # letters of a column's name in a message


def read_rename(rename: Rename) -> dict[str, str] | None:
    """Their names to ours, from a mapping or from texts ``"theirs=ours"`` (as a parameter of a report has them)."""
    if rename is None or isinstance(rename, Mapping):
        return dict(rename) if rename else None
    pairs = {}
    for text in [rename] if isinstance(rename, str) else rename:
        theirs, equals, ours = text.rpartition("=")
        if not (theirs and equals and ours):
            raise ValueError(f"rename: {text!r} is not a pair of names. Write it as 'their name=our name'.")
        pairs[theirs.strip()] = ours.strip()
    return pairs or None


def rename_columns(found: Sequence[str], rename: Mapping[str, str] | None, file: str) -> list[str]:
    """Apply the names that the user declared; keys that this file does not have are left to `check_rename`."""
    names = [(rename or {}).get(name, name) for name in found]
    for new in set((rename or {}).values()):
        if names.count(new) > 1:
            both = [name for name, renamed in zip(found, names, strict=True) if renamed == new]
            raise refuse(
                file, f"rename= makes {len(both)} columns {new!r} (from {both})", "Rename the other one as well."
            )
    return names


def check_rename(rename: Mapping[str, str] | None, found: Iterable[str]) -> None:
    """Refuse a key of `rename` that is a column of no file."""
    columns = sorted(set(found))
    for key in rename or {}:
        if key not in columns:
            raise EventTableError(f"rename: {key!r} is not a column. {_columns_found(columns, key)}")


def assign(columns: Sequence[Column], found: Sequence[str], file: str, *, inner: Iterable[str] = ()) -> dict[str, str]:
    """Map our names to the names in the file; `inner` names are only asked for what is missing elsewhere."""
    inside = set(inner)
    outer = [name for name in found if name not in inside]
    chosen: dict[str, str] = {}
    for column in columns:
        name = _choose(column, outer, file, taken=set(chosen.values()))
        if name is None and column.required:
            plain = {other.removeprefix("properties."): other for other in found if other in inside}
            hit = _choose(column, list(plain), file, taken=set())
            name = None if hit is None else plain[hit]
        if name is not None:
            chosen[column.name] = name
    missing = [column for column in columns if column.required and column.name not in chosen]
    if missing:
        free = [name for name in found if name not in chosen.values()]
        what = " and no ".join(column.name for column in missing)
        # A title above the names, or a note, is one text in a row of its own.
        is_alone = len(found) > 1 and sum(not UNNAMED.fullmatch(name) for name in found) == 1
        is_title = is_alone or any(name.startswith("#") for name in found[:1])
        advice = " If the names stand further down, delete the lines above them." if is_title else _which(free, missing)
        raise refuse(file, f"has no {what} column", f"Its columns are {_shown(found)}.{advice}")
    return chosen


def _choose(column: Column, found: Sequence[str], file: str, *, taken: set[str]) -> str | None:
    if column.name in found:
        return column.name
    for wanted in ([column.name], column.synonyms):
        keys = {_plain(name) for name in wanted}
        hits = [name for name in found if _plain(name) in keys and name not in taken]
        if len(hits) > 1:
            raise refuse(
                file,
                f"has {len(hits)} columns that could be {column.name}: {', '.join(map(repr, hits))}",
                f"Say which, such as {_renamed({column.name: hits[0]})}.",
            )
        if hits:
            return hits[0]
    return None


def _plain(name: str) -> str:
    """A name without case and punctuation, its umlauts as those write them who have none: Währung is waehrung."""
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", name).casefold().translate(UMLAUTS))


def _shown(found: Sequence[str]) -> str:
    """The first columns; a name in full, for it is to be copied, unless it is longer than a question ever is."""
    more = f" and {len(found) - 20} more" if len(found) > 20 else ""
    return f"{[shorten(column, LONGEST) for column in found[:20]]}{more}"


def _columns_found(found: Sequence[str], name: str) -> str:
    plain = {_plain(column): column for column in found}
    near = get_close_matches(_plain(name), plain, n=1, cutoff=0.7)
    return f"Its columns are {_shown(found)}." + (f" Did you mean {plain[near[0]]!r}?" if near else "")


def _which(found: Sequence[str], missing: Sequence[Column]) -> str:
    """What to say of the columns that were not found: all of them, with those that are called nearly so."""
    told = nearest(found, missing)
    near = {column.name: told.get(column.name) for column in missing}
    asked = _renamed({ours: theirs or "their name" for ours, theirs in near.items()})
    if all(near.values()):
        names = ", ".join(repr(theirs) for theirs in near.values())
        return f" Nearest: {names}; if {'it is' if len(near) == 1 else 'they are'} meant, say {asked}."
    return f" Say which {'it is' if len(near) == 1 else 'they are'}, as {asked}."


def _renamed(theirs: Mapping[str, str]) -> str:
    """The argument as Python takes it; on a command line its pairs are said as they are."""
    return f"rename={[f'{name}={ours}' for ours, name in theirs.items()]}"
