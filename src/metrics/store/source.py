"""The event source: what lies on disk, and how DuckDB is to read it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

import pandas as pd

from metrics.files import EventTableError, refuse, several
from metrics.files.refusal import shorten
from metrics.store.session import session

if TYPE_CHECKING:
    import duckdb


Version = tuple[int, int]  # size in bytes, time of the last change in nanoseconds


def version_of(file: str) -> Version | None:
    """What changes with a file; None where it cannot be found."""
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


@dataclass(frozen=True)
class EventSource:
    """Events on disk, as `open_events` found them; no metric reads more of it than it needs.

    Attributes
    ----------
    files     the files, in a fixed order
    kind      "parquet", "csv" or "json"
    columns   names and DuckDB types: user_id and event VARCHAR, timestamp TIMESTAMP WITH TIME ZONE, properties
    clean     it is certain that no row lacks a user_id, an event or a time; else those that do have NULL there
    rows      number of rows, estimated from the sizes of the files for CSV and JSON
    memory    bytes that reading may use
    threads   how many threads may read
    span      first and last time, where the statistics of the files tell it
    """

    files: tuple[str, ...]
    kind: str
    columns: dict[str, str]
    clean: bool
    rows: int
    memory: int
    threads: int
    span: tuple[pd.Timestamp, pd.Timestamp] | None = None
    relation: str = field(default="", repr=False)
    presence: str = field(default="", repr=False)  # text after FROM: quarters of an hour of users, where they are kept
    versions: tuple[Version | None, ...] = field(default=(), repr=False)  # of the files, as they were when opened

    def sql(self) -> str:
        """Text to stand after FROM: all columns of all rows, nothing left out."""
        return self.relation

    def connect(self) -> "duckdb.DuckDBPyConnection":
        """A cursor to run queries on, in UTC and within the memory and threads of this source; close it after use."""
        return session(self.memory, self.threads)

    @contextmanager
    def reading(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """A cursor for a `with` block, in which what DuckDB says about the data becomes an `EventTableError`."""
        self.check_unchanged()
        with explained(self.files, self.memory, self.versions), self.connect() as cursor:
            yield cursor
        self.check_unchanged()

    def check_unchanged(self) -> None:
        """Raise an `EventTableError` if a file is gone or was changed since it was opened; opens none of them."""
        change = _change(self.files, self.versions)
        if change is not None:
            raise change

    def __repr__(self) -> str:
        """Say in one line what there is."""
        files = self.files[0] if len(self.files) == 1 else f"{len(self.files):,} files"
        about = "" if self.kind == "parquet" else "about "
        span = "" if self.span is None else f", {self.span[0]:%Y-%m-%d} to {self.span[1]:%Y-%m-%d} UTC"
        rows = several(self.rows, "row", "rows")
        return f"EventSource: {files} ({self.kind}), {about}{rows}{span}, columns {', '.join(self.columns)}"


@contextmanager
def explained(files: tuple[str, ...], memory: int, versions: tuple[Version | None, ...] = ()) -> Iterator[None]:
    """Say what DuckDB found wrong with the files as other errors of data are said."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise MemoryError(
            f"{memory / 1e9:.3g} GB are not enough for this. Open the events with more memory=."
        ) from error
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise (_change(files, versions) or _told(files, error)) from error


def _change(files: tuple[str, ...], versions: tuple[Version | None, ...]) -> EventTableError | None:
    """An error about the first file that is gone or was changed, if there is one."""
    for file, before in zip_longest(files, versions):
        now = version_of(file)
        if now is None:
            return refuse(file, "was there when it was opened, and is gone now", "Open the events again.")
        if before not in (None, now):
            return refuse(file, "was changed since it was opened", "Open the events again.")
    return None


def _told(files: tuple[str, ...], error: Exception) -> EventTableError:
    said = re.split(r"^LINE \d+:", str(error), maxsplit=1, flags=re.MULTILINE)[0]  # from there it quotes our SQL
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    lines[0] = lines[0].partition(" Error: ")[2] or lines[0]
    fact = shorten("; ".join(line.removesuffix(".") for line in lines[:3]), 300)
    name = next(
        (file for file in files if file in str(error)), files[0] if len(files) == 1 else f"{len(files):,} files"
    )
    return refuse(name, f"cannot be read as it is ({fact})", "Mend it, or see what metrics.load_events makes of it.")
