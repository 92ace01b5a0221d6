"""Reading: the files of an export by their formats, all at once or a piece at a time."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from metrics import exports
from metrics.exports import Format, Parsed
from metrics.files import EventTableError, PathLike, Source, find_sources, refuse_all
from metrics.files.empty import without_empty
from metrics.files.names import Rename, check_rename, read_rename
from metrics.files.pieces import pieces_of
from metrics.files.told import Told
from metrics.periods import zone


@dataclass(frozen=True)
class Export:
    """An export as it was asked for: its name in messages, its files by format with the reason, and the options."""

    name: str
    chosen: list[tuple[Format, str, list[Source]]]
    given: dict[str, Any]
    empty: list[str] = field(default_factory=list)  # files without rows

    @property
    def how(self) -> str:
        """Which formats were taken, and why."""
        return ", ".join(f"{one.name} ({reason})" for one, reason, _ in self.chosen)

    def options(self, one: Format) -> dict[str, Any]:
        """What was asked of this format."""
        return {name: value for name, value in self.given.items() if name in one.options}

    def parsed(self) -> list[Parsed]:
        """All files; those that cannot be read are refused together."""
        parsed: list[Parsed] = []
        errors: list[EventTableError] = []
        for one, _, files in self.chosen:
            try:
                parsed.append(one.parse(files, **one.known(files), **self.options(one)))
            except EventTableError as error:
                errors.append(error)
        if errors:
            raise refuse_all(errors)
        return parsed

    def pieces(self, told: Told) -> Iterator[Parsed]:
        """The files a piece at a time; what a piece shows of those before it is left to `told`."""
        how = {name: value for name, value in self.given.items() if name in ("encoding", "delimiter")}
        for one, _, files in self.chosen:
            known, options = one.known(files), self.options(one)
            cut = [files] if one.is_whole else pieces_of(files, told, plain=one.is_plain, **how)
            for some in cut:
                yield one.parse(some, **known, **options)
        found = [name for names in told.columns.values() for name in names]
        if found:
            check_rename(self.given.get("rename"), [*found, *(name.removeprefix("properties.") for name in found)])


def find_export(
    path: PathLike | Sequence[PathLike],
    format: str | None,
    rename: Rename,
    timezone: str | None,
    format_options: dict[str, Any],
) -> Export:
    """Find the files, choose their formats, and check the options."""
    if timezone is not None:
        zone(timezone, "timezone")
    found = find_sources(path)
    sources, empty = without_empty(found)
    chosen = exports.choose(sources, format)
    headless = {source.name for one, _, files in chosen if one.is_plain for source in files}
    declared = {"rename": read_rename(rename), "timezone": timezone, **format_options}
    given = {name: value for name, value in declared.items() if value is not None}
    exports.check_options([one for one, _, _ in chosen], given)
    name = found[0].name if len(found) == 1 else _name_of(path)
    return Export(name, chosen, given, [file for file in empty if file not in headless])


def _name_of(path: PathLike | Sequence[PathLike]) -> str:
    if isinstance(path, (str, os.PathLike)):
        return str(path)
    return str(path[0]) if len(path) == 1 else f"{len(path)} paths"
