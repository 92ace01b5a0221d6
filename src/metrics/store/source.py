"""The event source: what lies on disk, and how DuckDB is to read it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from metrics.files import EventTableError, refuse
from metrics.files.refusal import shorten
from metrics.store.session import session

if TYPE_CHECKING:
    import duckdb


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

    def sql(self) -> str:
        """Text to stand after FROM: all columns of all rows, nothing left out."""
        return self.relation

    def connect(self) -> "duckdb.DuckDBPyConnection":
        """A cursor to run queries on, in UTC and within the memory and threads of this source; close it after use."""
        return session(self.memory, self.threads)

    @contextmanager
    def reading(self) -> Iterator["duckdb.DuckDBPyConnection"]:
        """A cursor for a `with` block, in which what DuckDB says about the data becomes an `EventTableError`."""
        with explained(self.files, self.memory), self.connect() as cursor:
            yield cursor

    def __repr__(self) -> str:
        """Say in one line what there is."""
        files = self.files[0] if len(self.files) == 1 else f"{len(self.files):,} files"
        about = "" if self.kind == "parquet" else "about "
        span = "" if self.span is None else f", {self.span[0]:%Y-%m-%d} to {self.span[1]:%Y-%m-%d} UTC"
        return f"EventSource: {files} ({self.kind}), {about}{self.rows:,} rows{span}, columns {', '.join(self.columns)}"


@contextmanager
def explained(files: tuple[str, ...], memory: int) -> Iterator[None]:
    """Say what DuckDB found wrong with the files as other errors of data are said."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise MemoryError(
            f"{memory / 1e9:.3g} GB are not enough for this. Open the events with more memory=."
        ) from error
    except (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException) as error:
        raise _told(files, error) from error


def _told(files: tuple[str, ...], error: Exception) -> EventTableError:
    gone = [file for file in files if not Path(file).exists()]
    if gone:
        return refuse(gone[0], "was there when it was opened, and is gone now", "Open the events again.")
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    lines[0] = lines[0].partition(" Error: ")[2] or lines[0]
    fact = shorten("; ".join(line.removesuffix(".") for line in lines[:3]), 300)
    name = next(
        (file for file in files if file in str(error)), files[0] if len(files) == 1 else f"{len(files):,} files"
    )
    return refuse(name, f"cannot be read as it is ({fact})", "Mend it, or see what metrics.load_events makes of it.")
