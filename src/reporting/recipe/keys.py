"""Which keys may stand in a recipe, and what may they be? Everything that is wrong with them is told at once."""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta, Struct, field

from reporting.errors import RefusedError, did_you_mean
from reporting.schedules.times import Times

SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
LONGEST = 3660 * 86_400  # seconds
BYTES = {"MB": 10**6, "GB": 10**9}
LEAST = 500 * 10**6  # bytes that a notebook needs before it has read anything, and some to read with

Count = Annotated[int, Meta(ge=0)]


class Keep(Struct, frozen=True):
    """Which runs `prune` keeps: the last ones, the last of each of so many days, and of so many months."""

    last: Count = 0
    daily: Count = 0
    monthly: Count = 0


class Retry(Struct, frozen=True):
    """How often a report is tried again, and after which causes."""

    times: Annotated[int, Meta(ge=0, le=10)] = 1
    on: list[str] = field(default_factory=lambda: ["timeout", "killed"])


class Defaults(Struct, frozen=True):
    """The table ``[defaults]``."""

    out: str = "."
    params: dict[str, Any] = field(default_factory=dict)
    timeout: float = 600.0
    memory: int | None = None
    jobs: Annotated[int, Meta(ge=1)] | None = None
    kernel: Literal["auto", "warm", "plain"] = "auto"
    retry: Retry | None = None
    timezone: str | None = None
    keep: Keep | None = None
    lock: str | None = None
    schedule: str | None = None
    late_after: float | None = None
    on_failure: list[str] = field(default_factory=list)
    on_alert: list[str] = field(default_factory=list)


class Entry(Struct, frozen=True):
    """A table ``[report.NAME]``."""

    notebook: str
    title: str | None = None
    group: str = "Reports"
    data: str | list[str] | None = None
    any_data: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    with_data: dict[str, Any] = field(default_factory=dict)
    each: dict[str, Any] | str = field(default_factory=dict)
    timeout: float | None = None
    memory: int | None = None
    retry: Retry | None = None
    schedule: str | None = None
    late_after: float | None = None
    on_failure: list[str] | None = None
    on_alert: list[str] | None = None


class File(Struct, frozen=True):
    """The whole file."""

    report: dict[str, Any]
    defaults: Defaults = field(default_factory=Defaults)


T = TypeVar("T", bound=Struct)


def read_file(table: dict[str, Any]) -> tuple[Defaults, dict[str, Entry]]:
    """The defaults and the reports of a recipe.

    Raises
    ------
    RefusedError
        A key is unknown, missing or of the wrong type. All problems are named, one a line.
    """
    problems: list[str] = []
    file = _read(File, table, "", problems)
    reports = table.get("report")
    entries = {
        name: _read(Entry, entry, f"report.{name}", problems)
        for name, entry in (reports.items() if isinstance(reports, dict) else ())
    }
    if problems or file is None:
        raise RefusedError("\n".join(problems))
    return file.defaults, {name: entry for name, entry in entries.items() if entry is not None}


def _read(kind: type[T], table: object, where: str, problems: list[str]) -> T | None:
    """A table as what it is to be; None, and what is wrong, if it is not."""
    if not isinstance(table, dict):
        problems.append(f"{where} is {table!r}, but it must be a table.")
        return None
    known = {one.name: one for one in msgspec.structs.fields(kind)}
    types = get_type_hints(kind, include_extras=True)
    found = len(problems)
    inside = f"{where}." if where else ""
    problems += [
        f"{inside}{name} is not a key. {did_you_mean(name, known, 'The keys here are')}"
        for name in table
        if name not in known
    ]
    problems += [
        f"{inside}{name} is missing. " + ("Add a table [report.NAME]." if name == "report" else f"Add {name} = …")
        for name, one in known.items()
        if one.required and name not in table
    ]
    values = {
        name: _value(name, types[name], value, f"{inside}{name}", problems)
        for name, value in table.items()
        if name in known
    }
    return kind(**values) if len(problems) == found else None


def _value(name: str, wanted: Any, value: object, where: str, problems: list[str]) -> Any:
    """A value as what it is to be."""
    table = next(
        (part for part in (wanted, *get_args(wanted)) if isinstance(part, type) and issubclass(part, Struct)), None
    )
    if table is not None:
        return _read(table, value, where, problems)
    try:
        return _READ[name](value) if name in _READ else msgspec.convert(value, wanted)
    except msgspec.ValidationError:
        problems.append(f"{where} is {value!r}, but it must be {_in_words(wanted)}.")
    except ValueError as error:
        problems.append(f"{where}: {error}.")
    return None


def _in_words(wanted: Any) -> str:
    """A type as the file's author would say it."""
    kind, parts = get_origin(wanted) or wanted, get_args(wanted)
    if kind is Annotated:
        limits = [f"of at least {parts[1].ge}"] + ([f"and at most {parts[1].le}"] if parts[1].le is not None else [])
        return " ".join([_in_words(parts[0]), *limits])
    if kind is Literal:
        return " or ".join(repr(part) for part in parts)
    words = {str: "a text in quotes", int: "a whole number", dict: "a table", list: "a list of texts in quotes"}
    return words.get(kind) or " or ".join(_in_words(part) for part in parts if part is not type(None))


def _seconds(text: object) -> float:
    """Seconds of a duration with its unit, ``"10 minutes"``, in the words in which parameters name their windows."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+?)s?\s*", text.lower()) if isinstance(text, str) else None
    seconds = float(match[1]) * SECONDS.get(match[2], 0) if match else 0.0
    if seconds == 0:
        raise ValueError(f"{text!r} is no duration. Write a number with its unit: '90 seconds', '26 hours', '2 days'")
    if seconds > LONGEST:
        raise ValueError(f"{text!r} is more than ten years. Write a shorter time")
    return seconds


def _bytes(text: object) -> int:
    """Bytes of an amount with its unit, ``"2 GB"``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?) *(MB|GB)", text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is no amount of memory. Write a number with its unit: '800 MB', '2 GB'")
    amount = int(float(match[1]) * BYTES[match[2]])
    if amount < LEAST:
        raise ValueError(f"{text!r} is less than the 500 MB that a notebook and its libraries need. Give it more")
    return amount


def _times(text: object) -> str:
    """A schedule in its usual form."""
    try:
        return str(Times.read(msgspec.convert(text, str)))
    except msgspec.ValidationError:
        raise
    except ValueError as error:
        raise ValueError(str(error).removesuffix(".")) from None


_READ: dict[str, Callable[[object], Any]] = {
    "timeout": _seconds,
    "late_after": _seconds,
    "memory": _bytes,
    "schedule": _times,
}
