"""Rows of event data on disk, read by DuckDB."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any

import pandas as pd

from metrics.engine.cells import Cells
from metrics.engine.local import Columns, Kernel, run
from metrics.engine.query import Query
from metrics.engine.reading import Classes, Reading
from metrics.engine.rows import Batch
from metrics.periods import Ints
from metrics.steps import Mask
from metrics.store import EventSource
from metrics.store.columns import text
from metrics.store.source import explained


class FileSource:
    """An `EventSource` for the engine."""

    def __init__(self, events: EventSource) -> None:
        self._events = events
        self.columns = list(events.columns)
        self.rows, self.threads = events.rows, events.threads
        self.packs = events.kind == "parquet"  # whose statistics tell the range; others are not read twice for it
        self.memory = events.memory // 2  # the other half is for DuckDB's buffers and the kernels' room
        self._query = Query(events.connect(), events.sql(), events.columns, events.clean)
        self._reading: Reading | None = None

    def run(self, reading: Reading, kernel: Kernel) -> tuple[Columns, Mask]:
        """What the kernel makes of all rows, and which marks were met."""
        self._events.check_unchanged()
        with self._explained():
            found = run(self, reading, kernel)
        self._events.check_unchanged()
        return found

    def classes(self, reading: Reading) -> Classes:
        """The classes that its rows fall into."""
        self._reading = reading
        return self._query.classes(reading)

    def batches(self, reading: Reading, classes: Classes) -> Iterator[Batch]:
        """The rows that are read."""
        return self._query.batches(reading, classes)

    def range(self, before: int) -> tuple[int, int]:
        """First and last instant of rows before `before`."""
        span = self._events.span  # of several files DuckDB would read all rows for it
        if span is None:
            return self._query.range(before)
        first, last = (time.value // 1000 for time in span)
        return (first, min(last, before - 1)) if first < before else (1, 0)

    def packed(self, reading: Reading, classes: Classes, cells: Cells, last: int) -> Iterator[Any]:
        """The rows that are read, each as one number."""
        query = self._query
        if self._events.presence and reading.of_presence:
            query = replace(query, relation=_present(self._events, reading.kinds.events))
        return query.packed(reading, classes, cells, last)

    def progress(self) -> float:
        """How much of them is read, 0 to 1."""
        return self._query.progress()

    def values(self, name: str) -> pd.Index:
        """What the codes of a group stand for."""
        return self._query.values(name)

    def labels(self, ids: Ints) -> pd.Index:
        """Names of units."""
        if self._reading is None or not len(ids):
            return pd.Index([], dtype="str")
        self._events.check_unchanged()
        query, reading = self._query, self._reading
        if self._events.presence and reading.unit == ("user_id",):  # whose rows are fewer, and hold every user
            query = replace(query, relation=_present(self._events, []))
            reading = Reading((), reading.before, everything=True)
        with self._explained():
            return query.labels(reading, ids)

    def examples(self, columns: list[str]) -> pd.DataFrame:
        """Rows that hold every combination of values of these columns."""
        with self._explained():
            return self._query.distinct(columns)

    def of_unit(self, unit: str, value: Any) -> pd.DataFrame:
        """The rows of one unit."""
        with self._explained():
            return self._query.of_unit(unit, value)

    def _explained(self) -> AbstractContextManager[None]:
        return explained(self._events.files, self._events.memory, self._events.versions)


def _present(events: EventSource, named: list[str]) -> str:
    """The presence of the users, which tells as much as all rows do, and the rows of the events that are told apart."""
    columns = "user_id, event, timestamp"
    rows = f"SELECT {columns.replace('event', 'NULL AS event')} FROM {events.presence}"
    if named:
        rows += f" UNION ALL SELECT {columns} FROM {events.sql()} WHERE event IN ({', '.join(map(text, named))})"
    return f"({rows})"
