"""Told: what the pieces of one load have said so far, so that they are read as if all had been read at once.

A file that is read in pieces has the columns of all its pieces, each taken for the same thing throughout, and a
property has one type. Where a piece says what earlier ones could not know, `Reconsider` has the load begin again with
that known from the start. It is rare, and each time more is known, so that it ends.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from metrics.files.refusal import refuse
from metrics.files.width import check_width

ALL_FILES = "all files"  # by which name pieces of several files tell of their columns
Units = dict[str, tuple[int, float]]  # by unit how many numbers of a time column are in it, and one of them


class Reconsider(Exception):
    """A piece showed that earlier ones were taken for what they are not."""


@dataclass
class Known:
    """What the last piece of JSON lines had: its columns of text, as an Arrow schema; None where nothing is known."""

    texts: Any = None


@dataclass
class Told:
    """What the pieces of one load have told."""

    columns: dict[str, dict[str, bool]] = field(default_factory=dict)  # by file, and whether inside `properties`
    taken: dict[str, dict[str, str]] = field(default_factory=dict)  # by file: what each column was taken for
    units: dict[tuple[str, str], Units] = field(default_factory=dict)  # by file and column of times
    texts: set[str] = field(default_factory=set)  # properties that are text, whatever a piece of them looks like
    shut: set[str] = field(default_factory=set)  # files whose `properties` are not always an object
    commas: dict[str, set[str]] = field(default_factory=dict)  # by file: columns with decimal commas
    read: dict[str, Known] = field(default_factory=dict)  # by file of JSON lines
    wide: dict[str, None] = field(default_factory=dict)  # columns of the last file of JSON
    wide_all: dict[str, None] = field(default_factory=dict)  # and of all
    wide_file: str = ""

    def again(self) -> "Told":
        """What is known from the start when the load begins again."""
        return Told(columns=self.columns, texts=self.texts, shut=self.shut, commas=self.commas)

    def known(self, file: str) -> Known:
        """What the next piece of a file of JSON lines may be read by."""
        return self.read.setdefault(file, Known())

    def names(self, file: str, found: Iterable[str], inside: Iterable[str]) -> dict[str, bool]:
        """All columns of a file so far, in the order in which they came, and whether they stood in `properties`."""
        known = self.columns.setdefault(file, {})
        for name in found:
            known.setdefault(name, name in inside)
        if "properties" in known and any(known.values()):
            self.shut.add(file)
            del self.columns[file]
            raise Reconsider(file)
        return known

    def widens(self, file: str, names: Iterable[str]) -> None:
        """Remember the columns of objects; too many are refused, of this file (whose pieces follow each other) or all.

        As if all had been read at once.
        """
        if self.wide_file != file:
            self.wide_file, self.wide = file, {}
        for known, whose in ((self.wide, file), (self.wide_all, ALL_FILES)):
            known.update(dict.fromkeys(names))
            check_width(known, whose)

    def takes(self, file: str, taken: Mapping[str, str]) -> None:
        """Remember what columns were taken for; another answer than before is a reason to begin again."""
        before = self.taken.setdefault(file, {})
        if any(before.get(name, what) != what for name, what in taken.items()):
            raise Reconsider(file)
        before.update(taken)

    def is_text(self, name: str) -> None:
        """Begin again with this property as text."""
        self.texts.add(name)
        raise Reconsider(name)

    def counts(self, file: str, column: str, units: Units) -> None:
        """Add up the units of a column of times, of which there may be one."""
        known = self.units.setdefault((file, column), {})
        for unit, (rows, example) in units.items():
            known[unit] = (known.get(unit, (0, 0.0))[0] + rows, known.get(unit, (0, example))[1])
        if len(known) > 1:
            raise mixed_units(file, column, known)


def mixed_units(file: str, column: str, units: Units) -> Exception:
    """The refusal of a column whose times are seconds here and milliseconds there."""
    counts = " and ".join(f"{rows} {unit} (as {example:.0f})" for unit, (rows, example) in units.items())
    return refuse(file, f"column {column!r} mixes units of time: {counts}", "Export it in one unit.")
