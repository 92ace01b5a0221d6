"""Rows of a DataFrame."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.engine.cells import Cells
from metrics.engine.local import Columns, Kernel, run
from metrics.engine.query import BlankRows, Query
from metrics.engine.reading import Classes, Reading, digits_of
from metrics.engine.rows import Batch
from metrics.events import conform
from metrics.intervals import Floats
from metrics.periods import Ints, microseconds
from metrics.steps import Mask
from metrics.store.session import read_memory, read_threads, session

if TYPE_CHECKING:
    import pyarrow as pa


def frame_source(events: pd.DataFrame) -> "FrameSource | LargeFrameSource":
    """An event table in memory as a source of rows."""
    if not isinstance(events, pd.DataFrame) or len(events) < MANY:
        return FrameSource(conform(events))
    return LargeFrameSource(conform(events, look_for_blanks=False))


# From here on reading with two threads and numbering units by a hash repays opening DuckDB.
MANY = 300_000


@dataclass
class FrameSource:
    """An event table in memory."""

    events: pd.DataFrame
    _labels: pd.Index | None = None
    _values: dict[str, pd.Index] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.columns = list(self.events.columns)
        self.rows = len(self.events)
        self.memory, self.threads, self.packs = 2**62, 1, False

    def run(self, reading: Reading, kernel: Kernel) -> tuple[Columns, Mask]:
        """What the kernel makes of all rows, and which marks were met."""
        return run(self, reading, kernel)

    def classes(self, reading: Reading) -> Classes:
        """The classes of its rows."""
        self._kind = _kinds(self.events, reading)
        return reading.kinds.classes(np.unique(self._kind))

    def batches(self, reading: Reading, classes: Classes) -> Iterator[Batch]:
        """Its rows, in one batch."""
        kind = classes.of_kind[np.searchsorted(classes.kinds, self._kind)]
        time = microseconds(self.events["timestamp"])
        first = self.events[reading.unit[0]]
        keep = first.notna().to_numpy() & (time < reading.before)
        if not reading.everything:
            keep &= kind > 0
        chosen = np.flatnonzero(keep)
        ids, self._labels = _numbered(self.events, reading.unit, chosen)
        batch: Batch = {"id": ids.view(np.uint64), "key": time[chosen] * 2**classes.bits + kind[chosen]}
        for name in reading.groups:
            code, values = _codes(self.events[name].iloc[chosen])
            batch[f"group {name}"], self._values[name] = code, values
        for name in reading.numbers:
            batch[f"number {name}"] = _numbers(self.events[name].iloc[chosen])
        yield batch

    def range(self, before: int) -> tuple[int, int]:
        """First and last instant of rows before `before`."""
        time = microseconds(self.events["timestamp"])
        time = time[time < before]
        return (int(time.min()), int(time.max())) if len(time) else (1, 0)

    def packed(self, reading: Reading, classes: Classes, cells: Cells, last: int) -> Iterator[Any]:
        """A small table is read as it is."""
        raise NotImplementedError

    def progress(self) -> float:
        """How much of them is read, 0 to 1."""
        return 1.0

    def values(self, name: str) -> pd.Index:
        """What the codes of a group stand for."""
        return self._values[name]

    def labels(self, ids: Ints) -> pd.Index:
        """Names of units."""
        if self._labels is None:
            return pd.Index([], dtype="str")
        return self._labels[ids]

    def examples(self, columns: list[str]) -> pd.DataFrame:
        """Rows that hold every combination of values of these columns."""
        return self.events[columns]

    def of_unit(self, unit: str, value: Any) -> pd.DataFrame:
        """The rows of one unit."""
        found: pd.DataFrame = self.events[(self.events[unit] == value).to_numpy(bool, na_value=False)]
        return found


@dataclass
class LargeFrameSource:
    """An event table in memory that is so large that two threads and hashes of names repay asking DuckDB."""

    events: pd.DataFrame

    def __post_init__(self) -> None:
        self.columns, self.rows = list(self.events.columns), len(self.events)
        self.threads, self.memory, self.packs = read_threads(None), read_memory(None), True

    def run(self, reading: Reading, kernel: Kernel) -> tuple[Columns, Mask]:
        """What the kernel makes of all rows, and which marks were met."""
        return run(self, reading, kernel)

    def classes(self, reading: Reading) -> Classes:
        """The classes of its rows."""
        self._reading = reading
        # Columns get names of our own: those of the table may be alike but for capitals, which SQL cannot tell apart.
        columns: dict[str, Any] = {name: _arrow(self.events[name]) for name in ("user_id", "event")}
        columns |= {"time": microseconds(self.events["timestamp"]), "unit": _arrow(self.events[reading.unit[0]])}
        names, digits, codes, found = {reading.unit[0]: "unit"}, {}, {}, {}
        for place, (column, asked) in enumerate(reading.kinds.values.items()):
            digits[column] = f"digit_{place}"
            columns[digits[column]] = digits_of(self.events[column], asked)
        for place, column in enumerate(dict.fromkeys([*reading.groups, *reading.unit[1:]])):
            codes[column] = f"code_{place}"
            columns[codes[column]], found[column] = _codes(self.events[column])
        for place, column in enumerate(reading.numbers):
            names[f"number {column}"] = f"number_{place}"
            columns[f"number_{place}"] = _numbers(self.events[column])
        connection = session(self.memory, self.threads)
        connection.register("frame", _table(columns))
        self._query = Query(
            connection, "frame", {}, clean=False, time="time", names=names, digits=digits, codes=codes, found=found
        )
        return self._query.classes(reading)

    def batches(self, reading: Reading, classes: Classes) -> Iterator[Batch]:
        """Its rows."""
        try:
            yield from self._query.batches(reading, classes)
        except BlankRows:
            conform(self.events)  # says which, in the words of a table
            raise

    def range(self, before: int) -> tuple[int, int]:
        """First and last instant of rows before `before`."""
        time = microseconds(self.events["timestamp"])
        known = self.events["timestamp"].notna().to_numpy() & (time < before)
        return (int(time[known].min()), int(time[known].max())) if known.any() else (1, 0)

    def packed(self, reading: Reading, classes: Classes, cells: Cells, last: int) -> Iterator[Any]:
        """Its rows, each as one number."""
        try:
            yield from self._query.packed(reading, classes, cells, last)
        except BlankRows:
            conform(self.events)
            raise

    def progress(self) -> float:
        """How much of them is read, 0 to 1."""
        return self._query.progress()

    def values(self, name: str) -> pd.Index:
        """What the codes of a group stand for."""
        return self._query.values(name)

    def labels(self, ids: Ints) -> pd.Index:
        """Names of units."""
        return self._query.labels(self._reading, ids)

    def examples(self, columns: list[str]) -> pd.DataFrame:
        """Rows that hold every combination of values of these columns."""
        return self.events[columns]

    def of_unit(self, unit: str, value: Any) -> pd.DataFrame:
        """The rows of one unit."""
        return FrameSource(conform(self.events)).of_unit(unit, value)


def _kinds(events: pd.DataFrame, reading: Reading) -> Ints:
    kinds = reading.kinds
    event: Ints = np.zeros(len(events), np.int64)
    if kinds.events:
        event = pd.Index(kinds.events, dtype="str").get_indexer(pd.Index(events["event"])).astype(np.int64) + 1
    number: Ints = kinds.number(event, [digits_of(events[column], asked) for column, asked in kinds.values.items()])
    return number


def _arrow(column: pd.Series) -> Any:
    """A column as DuckDB reads it without a copy."""
    import pyarrow as pa

    column = column.astype("str") if column.dtype == object else column
    return pa.array(column, from_pandas=True)


def _table(columns: dict[str, Any]) -> "pa.Table":
    import pyarrow as pa

    return pa.table(columns)


def _codes(column: pd.Series) -> tuple[Ints, pd.Index]:
    if isinstance(column.dtype, pd.CategoricalDtype):  # in the order of the values, which every source knows
        column = column.astype(column.cat.categories.dtype)
    if isinstance(column.dtype, pd.ArrowDtype) and str(column.dtype).startswith("dictionary"):  # arrow's categories
        column = column.astype(pd.ArrowDtype(column.dtype.pyarrow_dtype.value_type))
    if pd.api.types.is_float_dtype(column.dtype):
        column = column + 0.0  # -0.0 is 0.0
    try:
        code, values = pd.factorize(column, sort=True)
    except (TypeError, NotImplementedError) as cause:  # lists, dictionaries
        given = column.dropna().iloc[:1].tolist()
        raise ValueError(f"{column.name!r} holds {given}, which cannot be told apart. Name single values.") from cause
    return code.astype(np.int64), pd.Index(values)


def _numbers(column: pd.Series) -> Floats:
    try:
        return np.asarray(pd.to_numeric(column).to_numpy(float), np.float64)
    except (TypeError, ValueError) as cause:
        wrong = column[pd.to_numeric(column, errors="coerce").isna() & column.notna()].iloc[:1].tolist()
        raise ValueError(f"value: {column.name!r} holds {wrong}, no numbers. Mend or change the column.") from cause


def _numbered(events: pd.DataFrame, unit: tuple[str, ...], chosen: Ints) -> tuple[Ints, pd.Index]:
    """A number for each combination of the unit's columns, and the value of the first one for each number."""
    first = events[unit[0]].iloc[chosen]
    number, labels = _codes(first.astype("str") if first.dtype == object else first)
    place = np.arange(len(labels))
    for name in unit[1:]:
        code, values = _codes(events[name].iloc[chosen])
        width = len(values) + 1
        seen, number = np.unique(number * width + code + 1, return_inverse=True)
        place = place[seen // width]
    return number.astype(np.int64), labels[place]
