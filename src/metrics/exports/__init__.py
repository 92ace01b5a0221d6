"""Exports: one file per vendor format, registered by being there.

A format is a module in this folder with two functions:

``recognise(sample) -> str | None``
    Why these files are of this format (one clause, shown to people), or None.
    Decided by content alone: names of columns or keys, never names of files.
``parse(sources, **options) -> Parsed``
    Files of this format, or pieces of them, as rows of the event table with the
    place where each was written. Its keywords are the format's options.

Files that are larger than memory come to `parse` in pieces. A format that has to
know something of all files before it reads a row has ``before(sources)``, whose
answer `parse` is given as ``known``. One that cannot be cut says ``WHOLE = True``
and gets all of its files at once; one whose lines have neither quotes nor a header
says ``PLAIN = True``.

A format whose files hold one of `TABLES` (orders, subscriptions, surveys, …) has
a function of that name too, ``orders(sources, columns, **options)``, for
`read_orders` and its like.

Vendors are asked first. Two that claim one file are an error, not a guess.
`generic` is asked when none does.
"""

import inspect
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from functools import cache, cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

import pandas as pd

from metrics.files import EventTableError, Source, kind_of, refuse, refuse_all
from metrics.files.column import Column
from metrics.files.delimited import header_of
from metrics.files.json_records import first_objects
from metrics.files.kinds import Kind, as_utf8
from metrics.files.parquet import names_in_parquet

GENERIC = "generic"
TABLES = ("orders", "subscriptions", "cancellations", "invoices", "payment_attempts", "surveys", "campaigns", "tickets")
# Rows with one key (within so many days, if told) are one row: that of the least rank, then the one received first.
KEY, RANK, WITHIN = "_key", "_rank", "_within"

EVENTS = (  # what a vendor's format makes of a record
    Column("user_id", "id", filled=False, instead="anonymous_id"),
    Column("event", "text"),
    Column("timestamp", "time"),
    Column("event_id", "id", required=False, filled=False),
    Column("anonymous_id", "id", required=False, filled=False),
    Column(KEY, "id", required=False, filled=False),
    Column(RANK, "number", required=False, filled=False),
    Column(WITHIN, "number", required=False, filled=False),
)


LONG_RECORD = 8 * 2**20  # bytes of a first record that are read to recognise it
OBJECTS, FEW = 50, 5  # that are looked at in a file, and in one that begins like another


@dataclass(frozen=True)
class Sample:
    """The beginning of a file, enough to recognise its format."""

    name: str
    kind: Kind
    head: bytes
    source: Source
    objects: int = OBJECTS

    @classmethod
    def of(cls, source: Source) -> "Sample":
        """The beginning of this file."""
        head = source.head()
        return cls(source.name, kind_of(head, source.name), head, source)

    @cached_property
    def text(self) -> bytes:
        """The beginning as UTF-8."""
        return as_utf8(self.head, self.name, None, lenient=True)

    @cached_property
    def records(self) -> list[dict[str, Any]]:
        """The first objects of a JSON file; more is read where the first is larger than the beginning."""
        if self.kind != "json":
            return []
        found = first_objects(self.text, self.objects)
        return found or first_objects(
            as_utf8(self.source.head(LONG_RECORD), self.name, None, lenient=True), self.objects
        )

    @cached_property
    def names(self) -> frozenset[str]:
        """The columns of a table, none for JSON."""
        if self.kind == "json":
            return frozenset()
        return frozenset(names_in_parquet(self.source) if self.kind == "parquet" else header_of(self.text))

    def most(self, holds: Callable[[dict[str, Any]], bool]) -> bool:
        """Whether this is true of most of the first objects (some may be broken, or of another kind)."""
        return bool(self.records) and sum(map(holds, self.records)) > 0.8 * len(self.records)


@dataclass
class Parsed:
    """What one format made of its files.

    `rows` has `event`, `timestamp`, `user_id` (and where the format has them
    `event_id`, `anonymous_id`), `_file`, `_line` and `_note` (what was decided
    about the row, else ""), and the properties.
    `rejected` has `file`, `line`, `reason` and the fields as written. `system`
    counts rows that are no events, by reason; `identities` are those among them
    that tie an `anonymous_id` to a `user_id` at a `timestamp`. `duplicate` counts
    rows that the format itself knows to be there twice. `several` says that one
    row of a file can be several events, so that rows are counted by their place.
    """

    rows: pd.DataFrame
    rejected: pd.DataFrame
    system: dict[str, int] = field(default_factory=dict)
    identities: pd.DataFrame | None = None
    duplicate: dict[str, int] = field(default_factory=dict)
    several: bool = False


@dataclass(frozen=True)
class Format:
    """A registered format: its name, how it is recognised and parsed, its options."""

    name: str
    module: ModuleType

    @property
    def recognise(self) -> Callable[[Sample], str | None]:
        """Why files are of this format, or None."""
        return self.module.recognise  # type: ignore[no-any-return]

    @property
    def parse(self) -> Callable[..., Parsed]:
        """Files as rows of the event table."""
        return self.module.parse  # type: ignore[no-any-return]

    def table(self, name: str) -> Callable[..., Parsed] | None:
        """How files become a table of this name, None where the format has no such table."""
        return getattr(self.module, name, None) if name in TABLES else None

    @property
    def options(self) -> list[str]:
        """Names of the keywords that `parse` takes from the user."""
        return [name for name in options_of(self.parse) if name != "known"]

    @property
    def is_whole(self) -> bool:
        """Whether all files have to be there at once."""
        return bool(getattr(self.module, "WHOLE", False))

    @property
    def is_plain(self) -> bool:
        """Whether lines have neither quotes nor a header."""
        return bool(getattr(self.module, "PLAIN", False))

    def known(self, sources: Sequence[Source]) -> dict[str, Any]:
        """What `parse` has to know of all files before, as its keyword."""
        before = getattr(self.module, "before", None)
        return {} if before is None else {"known": before(sources)}


def options_of(function: Callable[..., Any]) -> list[str]:
    """Names of the keywords that a function takes."""
    kinds = inspect.signature(function).parameters.values()
    return [parameter.name for parameter in kinds if parameter.kind is parameter.KEYWORD_ONLY]


@cache
def formats() -> dict[str, Format]:
    """All formats by name, `generic` last."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = {}
    for name in sorted(names, key=lambda name: (name == GENERIC, name)):
        found[name] = Format(name, import_module(f"{__name__}.{name}"))
    return found


def choose(sources: Sequence[Source], format: str | None) -> list[tuple[Format, str, list[Source]]]:
    """Group files by format, with the reason of the choice."""
    known = formats()
    if format is not None:
        if format not in known:
            near = get_close_matches(format, known, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise ValueError(f"format: {format!r} is not known. The formats are {list(known)}.{hint}")
        return [(known[format], "as declared", list(sources))]
    groups: dict[str, tuple[Format, str, list[Source]]] = {}
    errors: list[EventTableError] = []
    alike: dict[tuple[object, ...], tuple[Format, str]] = {}
    for source in sources:
        try:
            chosen, reason = _recognise(source, alike)
        except EventTableError as error:
            errors.append(error)
            continue
        groups.setdefault(chosen.name, (chosen, reason, []))[2].append(source)
    if errors:
        raise refuse_all(errors)
    return list(groups.values())


def _recognise(source: Source, alike: dict[tuple[object, ...], tuple[Format, str]]) -> tuple[Format, str]:
    """The format of a file; `alike` remembers that of files with the same keys, which need only be confirmed."""
    sample = Sample.of(source)
    few = replace(sample, objects=FEW)
    keys = (few.kind, few.names, frozenset(key for record in few.records for key in record))
    if keys in alike and alike[keys][0].recognise(few) == alike[keys][1]:
        return alike[keys]
    claims = [(one, reason) for one in formats().values() if (reason := one.recognise(sample)) is not None]
    vendors = [claim for claim in claims if claim[0].name != GENERIC]
    if len(vendors) > 1:
        names = " and ".join(f"{one.name} ({reason})" for one, reason in vendors)
        raise refuse(source.name, f"could be {names}", f"Say format={vendors[0][0].name!r} or another one.")
    if not claims:
        raise refuse(source.name, "is of no known format", f"Say format= one of {list(formats())}.")
    alike[keys] = (vendors or claims)[0]
    return alike[keys]


def check_options(chosen: Sequence[Format], options: dict[str, Any]) -> None:
    """Refuse an option that none of the chosen formats has."""
    allowed = sorted({name for one in chosen for name in one.options})
    for name in options:
        if name not in allowed:
            near = get_close_matches(name, allowed, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            formats_named = ", ".join(one.name for one in chosen)
            raise ValueError(f"{name}: not an option of the format {formats_named}. Its options are {allowed}.{hint}")
