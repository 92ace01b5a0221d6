"""Raw: one file as a table of what is written in it, nothing interpreted yet.

Every record keeps the physical line on which it begins, and a record that is
no record at all (wrong number of fields, broken JSON) is set aside with its
line and its reason, never dropped.
"""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pandas as pd

from metrics.files.kinds import Kind
from metrics.files.told import Told


class Broken(NamedTuple):
    """A line that is no record: where, why, and the text there."""

    line: int
    reason: str
    text: str
    file: str = ""  # where there are several


@dataclass
class RawTable:
    """Records of one file: values as written, the line of each, and what was no record."""

    kind: Kind
    frame: pd.DataFrame
    lines: Any  # int64, from 1
    broken: list[Broken] = field(default_factory=list)
    nested: frozenset[str] = frozenset()  # columns that stood inside `properties`
    files: Any = None  # name of the file of each record, where there are several
    told: Told | None = None  # what other pieces have told, where this is a piece of a load
    told_as: str = ""  # by which name, if not by that of the file
    points: frozenset[str] = frozenset()  # columns whose points may stand between thousands

    @property
    def read(self) -> int:
        """Rows found in the file, good or not."""
        return len(self.frame) + len(self.broken)
