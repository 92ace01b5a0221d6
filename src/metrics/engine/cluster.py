"""Rows of a Spark DataFrame: the same kernels, run where the rows are.

Spark repartitions the rows by unit and hands each task its part; only what the kernels return comes back.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.engine.local import Columns, Kernel, folded
from metrics.engine.pieces import Pieces
from metrics.engine.reading import Classes, Reading
from metrics.engine.rows import Batch, empty_batch
from metrics.files import EventTableError, several
from metrics.periods import Ints
from metrics.steps import Mask

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame
    from typing_extensions import TypeIs

TASK_MEMORY = 2**30  # bytes of rows that a task holds before it writes them to its disk
TASK_BITS = 4
_SEEN, _BAD = "_seen", "_bad"  # what a task saw beside the kernel's columns


def is_spark(events: Any) -> "TypeIs[DataFrame]":
    """Whether this is a Spark DataFrame, without importing Spark."""
    return type(events).__module__.startswith("pyspark.sql") and hasattr(events, "mapInArrow")


class SparkSource:
    """An event table in Spark."""

    def __init__(self, events: "DataFrame") -> None:
        self.columns = list(events.columns)
        missing = [name for name in ("user_id", "event", "timestamp") if name not in self.columns]
        if missing:
            raise EventTableError(f"events has no column {', '.join(missing)}. Its columns are {self.columns[:20]}.")
        types = {field.name: field.dataType.typeName() for field in events.schema.fields}
        if types["timestamp"] != "timestamp":
            raise EventTableError(
                f"events: 'timestamp' is {types['timestamp']}, not an instant. Make it one: "
                "to_utc_timestamp(timestamp, 'Europe/Berlin') for times on the clocks of a zone."
            )
        for name in ("user_id", "event"):
            if types[name] in ("float", "double", "binary"):
                raise EventTableError(
                    f"events: {name!r} is {types[name]}, which cannot hold names exactly. Use strings."
                )
            if types[name] != "string":
                events = events.withColumn(name, events[name].cast("string"))
                types[name] = "string"
        self._events, self._types = events, types
        self._values: dict[str, pd.Index] = {}
        self._reading: Reading | None = None

    def run(self, reading: Reading, kernel: Kernel) -> tuple[Columns, Mask]:
        """What the kernel makes of all rows, and which marks were met."""
        self._reading = reading
        kinds = reading.kinds
        classes = kinds.classes(np.arange(kinds.count) if kinds.count <= 1024 else self._kinds_seen(reading))
        rows = self._rows(reading, classes)
        example = kernel_schema(reading, classes, kernel)
        task = _Task(reading, classes, kernel)
        with _unwrapped():
            found = rows.repartition("id").mapInArrow(task, _spark_schema(example)).toArrow()
        return _separate(found, example, classes, self._refuse)

    def range(self, before: int) -> tuple[int, int]:
        """First and last instant of rows before `before`."""
        from pyspark.sql import functions as f

        time = f.unix_micros("timestamp")
        found = self._events.filter(time < before).agg(f.min(time).alias("first"), f.max(time).alias("last"))
        row = found.toArrow().to_pylist()[0]
        return (1, 0) if row["first"] is None else (int(row["first"]), int(row["last"]))

    def values(self, name: str) -> pd.Index:
        """What the codes of a group stand for."""
        return self._values[name]

    def labels(self, ids: Ints) -> pd.Index:
        """Names of units."""
        import pyarrow as pa
        from pyspark.sql import functions as f

        if self._reading is None or not len(ids):
            return pd.Index([], dtype="str")
        first = self._reading.unit[0]
        wanted = self._events.sparkSession.createDataFrame(pa.table({"id": np.unique(ids)}))
        named = self._events.filter(self._column(first).isNotNull())
        named = named.select(self._id(self._reading).alias("id"), self._column(first).alias("label"))
        found = named.join(f.broadcast(wanted), "id", "left_semi").groupBy("id").agg(f.min("label").alias("label"))
        table = found.toArrow().to_pandas()
        labels: pd.Index = pd.Index(table["label"])[pd.Index(table["id"]).get_indexer(ids)]
        return labels

    def examples(self, columns: list[str]) -> pd.DataFrame:
        """Every combination of values of these columns."""
        found: pd.DataFrame = self._events.select(*map(_quoted, columns)).distinct().toArrow().to_pandas()
        return found

    def of_unit(self, unit: str, value: Any) -> pd.DataFrame:
        """The rows of one unit."""
        found: pd.DataFrame = self._events.filter(self._equals(unit, value)).toArrow().to_pandas()
        return found

    def _rows(self, reading: Reading, classes: Classes) -> "DataFrame":
        """One row per event that is read: id, key, codes and numbers."""
        from pyspark.sql import functions as f

        kind = self._kind(reading)
        number = kind
        if not np.array_equal(classes.kinds, classes.of_kind):
            listed = np.stack([classes.kinds, classes.of_kind], axis=1).ravel().tolist()
            number = f.element_at(f.create_map(*map(f.lit, listed)), kind)
        bad = self._bad()
        keep = f.col("timestamp") < f.timestamp_micros(f.lit(reading.before))
        keep &= self._column(reading.unit[0]).isNotNull()
        if not reading.everything:
            if all(step.event is not None for step in reading.kinds.steps):
                keep &= f.col("event").isin(reading.kinds.events)
            if reading.kinds.values:
                keep &= number > 0
        events = self._events.filter(keep | bad)
        columns = [
            self._id(reading).alias("id"),
            (f.unix_micros("timestamp") * 2**classes.bits + number.cast("long")).alias("key"),
            bad.alias("bad"),
        ]
        for place, group in enumerate(reading.groups):
            codes = self._codes(place, group)
            events = events.join(f.broadcast(codes), f.col(_quoted(group)) == f.col(f"value {place}"), "left")
            columns.append(f.coalesce(f.col(f"code {place}"), f.lit(-1)).cast("int").alias(f"g{place}"))
        columns += [
            f.col(_quoted(name)).cast("double").alias(f"n{place}") for place, name in enumerate(reading.numbers)
        ]
        return events.select(*columns)

    def _column(self, name: str) -> "Column":
        """A column; what is no number is missing, and -0.0 is 0.0."""
        from pyspark.sql import functions as f

        column = f.col(_quoted(name))
        if self._types[name] in ("float", "double"):
            return f.when(~f.isnan(column), column + 0.0)
        return column

    def _id(self, reading: Reading) -> "Column":
        from pyspark.sql import functions as f

        columns = [self._column(reading.unit[0])]
        for name in reading.unit[1:]:  # Spark's hash passes over missing values: say where they are
            columns += [self._column(name), self._column(name).isNull()]
        return f.xxhash64(*columns)

    def _kind(self, reading: Reading) -> "Column":
        from pyspark.sql import functions as f

        kinds, event = reading.kinds, f.lit(0).cast("long")
        if kinds.events:
            event = f.coalesce(f.array_position(f.array(*map(f.lit, kinds.events)), f.col("event")), f.lit(0))
        digits = []
        for column, asked in kinds.values.items():
            digit = f.lit(0)
            for place, value in reversed(list(enumerate(asked))):
                digit = f.when(self._equals(column, value), f.lit(place + 1)).otherwise(digit)
            digits.append(digit)
        number: Column = kinds.number(event, digits)
        return number

    def _kinds_seen(self, reading: Reading) -> Ints:
        seen: Ints = np.sort(
            self._events.select(self._kind(reading).alias("kind")).distinct().toArrow()["kind"].to_numpy()
        )
        return seen

    def _equals(self, column: str, value: Any) -> "Column":
        """A column has a value, as pandas compares: other types are never equal."""
        from pyspark.sql import functions as f

        name, type_ = f.col(_quoted(column)), self._types[column]
        if pd.isna(value):
            return name.isNull() | f.isnan(name) if type_ in ("float", "double") else name.isNull()
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, str):
            same = name == f.lit(value) if type_ == "string" else f.lit(False)
        elif isinstance(value, bool | int | float):
            if type_ == "boolean":
                same = name == f.lit(bool(value)) if value in (0, 1) else f.lit(False)
            else:
                numeric = type_ in ("byte", "short", "integer", "long", "float", "double", "decimal")
                same = name == f.lit(int(value) if isinstance(value, bool) else value) if numeric else f.lit(False)
        elif hasattr(value, "isoformat") and type_ in ("timestamp", "date"):
            same = name == f.lit(value)
        else:
            same = f.lit(False)
        return f.coalesce(same, f.lit(False))

    def _codes(self, place: int, group: str) -> "DataFrame":
        """A small table of the values of a group and their codes."""
        import pyarrow as pa
        from pyspark.sql import functions as f

        distinct = self._events.select(f.col(_quoted(group)).alias("value")).distinct().toArrow()["value"]
        code, found = pd.factorize(distinct.to_pandas(), sort=True)
        self._values[group] = pd.Index(found)
        known = pa.array(code >= 0)
        values = distinct.combine_chunks().filter(known)
        table = pa.table({f"value {place}": values, f"code {place}": code[code >= 0].astype(np.int32)})
        return self._events.sparkSession.createDataFrame(table)

    def _bad(self) -> "Column":
        from pyspark.sql import functions as f

        def blank(name: str) -> "Column":
            column = f.col(name)
            doubtful = (column < "!") | (column > "~")
            return column.isNull() | (doubtful & column.rlike(r"^[\s\p{Z}\x1c-\x1f\x85]*$"))

        return f.coalesce(blank("user_id") | blank("event") | f.col("timestamp").isNull(), f.lit(True))

    def _refuse(self, bad: int) -> None:
        example = self._events.filter(self._bad()).limit(1).toArrow().to_pandas().iloc[0].to_dict()
        shown = {name: example[name] for name in ("user_id", "event", "timestamp")}
        raise EventTableError(
            f"events: {several(bad, 'row has', 'rows have')} no user_id, no event or no time (one of them: {shown}). "
            "Filter or mend them before."
        )


@contextmanager
def _unwrapped() -> Iterator[None]:
    """Let an error that a kernel raised about its arguments arrive as it was raised."""
    from pyspark.errors import PythonException

    try:
        yield
    except PythonException as error:
        if "No module named 'metrics'" in str(error):
            raise ModuleNotFoundError(
                "Spark's workers cannot import metrics: they run another Python. Install it there; on one machine, set "
                "PYSPARK_PYTHON to sys.executable before the session begins."
            ) from error
        said = re.findall(r"^\s*(?:builtins\.)?ValueError: (.*)$", str(error), re.MULTILINE)
        if not said:
            raise
        raise ValueError(said[-1]) from error


class _Task:
    """What runs in a Spark task: batches in, the kernel's columns and what was seen out."""

    def __init__(self, reading: Reading, classes: Classes, kernel: Kernel) -> None:
        self._reading, self._classes, self._kernel = reading, classes, kernel

    def __call__(self, batches: "Iterator[pa.RecordBatch]") -> "Iterator[pa.RecordBatch]":
        import pyarrow.compute as pc

        schema = kernel_schema(self._reading, self._classes, self._kernel)
        seen, bad = np.zeros(self._classes.met.shape[1], bool), 0
        with Pieces(TASK_BITS, TASK_MEMORY) as pieces:
            for batch in batches:
                good = batch.filter(pc.invert(batch["bad"]))
                bad += len(batch) - len(good)
                pieces.add(_numpy(good, self._reading))
            for number in pieces.numbers():
                columns, of_piece = folded(pieces.piece(number), self._classes, self._kernel)
                seen |= of_piece
                yield _arrow(columns, schema)
        yield _arrow({_SEEN: np.flatnonzero(seen)}, schema)
        yield _arrow({_BAD: np.array([bad])}, schema)


def kernel_schema(reading: Reading, classes: Classes, kernel: Kernel) -> "pa.Schema":
    """The columns of a kernel, as it returns them for no rows, and what a task saw."""
    import pyarrow as pa

    columns, _ = folded(empty_batch(reading), classes, kernel)
    fields = [pa.field(name, pa.from_numpy_dtype(column.dtype)) for name, column in columns.items()]
    return pa.schema([*fields, pa.field(_SEEN, pa.int64()), pa.field(_BAD, pa.int64())])


def _spark_schema(schema: "pa.Schema") -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema

    return from_arrow_schema(schema)


def _numpy(batch: "pa.RecordBatch", reading: Reading) -> Batch:
    def column(name: str) -> Any:
        return batch[name].to_numpy(zero_copy_only=False)

    return {
        "id": column("id").view(np.uint64),
        "key": column("key"),
        **{f"group {name}": column(f"g{place}") for place, name in enumerate(reading.groups)},
        **{f"number {name}": column(f"n{place}").astype(np.float64) for place, name in enumerate(reading.numbers)},
    }


def _arrow(columns: Columns, schema: "pa.Schema") -> "pa.RecordBatch":
    """A batch of the schema; columns that are not given are missing."""
    import pyarrow as pa

    length = len(next(iter(columns.values())))
    arrays = [
        pa.array(columns[field.name], field.type) if field.name in columns else pa.nulls(length, field.type)
        for field in schema
    ]
    return pa.record_batch(arrays, schema=schema)


def _separate(found: "pa.Table", schema: "pa.Schema", classes: Classes, refuse: Any) -> tuple[Columns, Mask]:
    """The kernel's columns, and which marks were met."""
    import pyarrow.compute as pc

    bad = pc.sum(found[_BAD]).as_py() or 0
    if bad:
        refuse(bad)
    seen = np.unique(found[_SEEN].drop_null().to_numpy())
    rows = found.filter(pc.and_(pc.is_null(found[_SEEN]), pc.is_null(found[_BAD])))
    columns = {
        name: rows[name].to_numpy().astype(schema.field(name).type.to_pandas_dtype())
        for name in schema.names
        if name not in (_SEEN, _BAD)
    }
    return columns, classes.met_by(seen)


def _quoted(column: str) -> str:
    return "`" + column.replace("`", "``") + "`"
