"""What DuckDB is asked: rows as numbers, so that nothing but numbers leaves it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.engine.cells import Cells
from metrics.engine.reading import Classes, Kinds, Reading, digits_of
from metrics.engine.rows import Batch, distinct
from metrics.files import EventTableError, several
from metrics.periods import Ints
from metrics.store.columns import BLANKS, FIRST, LAST, quoted, text
from metrics.store.session import arrow_reader

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROWS_A_BATCH = 1 << 19
FEW_KINDS = 1024  # up to here all kinds are listed, beyond them only those that occur

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")


class BlankRows(EventTableError):
    """Rows that lack what every row must have."""


@dataclass
class Query:
    """Rows of a relation in DuckDB.

    What the relation calls a column stands in `names`, where it is not the column's own name. `digits` are columns that
    hold a digit of the rows' kinds ready-made, `codes` those that hold the codes of a group.
    """

    connection: "duckdb.DuckDBPyConnection"
    relation: str
    types: dict[str, str]
    clean: bool
    time: str = "epoch_us(timestamp)"
    names: dict[str, str] = field(default_factory=dict)
    digits: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    found: dict[str, pd.Index] = field(default_factory=dict)

    def prepare(self, reading: Reading) -> None:
        """Join the digits of properties that only pandas can compare with what is asked."""
        for column, asked in reading.kinds.values.items():
            if column not in self.digits and not all(self._is_plain(column, value) for value in asked):
                self._join_digits(column, asked)

    def classes(self, reading: Reading) -> Classes:
        """The classes that its rows fall into."""
        self.prepare(reading)
        kinds = reading.kinds
        if kinds.count <= FEW_KINDS:
            return kinds.classes(np.arange(kinds.count))
        seen = self._arrow(f"SELECT DISTINCT {self._kind(kinds)} AS kind FROM {self.relation}")["kind"]
        return kinds.classes(np.sort(seen.to_numpy()))

    def batches(self, reading: Reading, classes: Classes) -> Iterator[Batch]:
        """The rows that are read."""
        # The inner query speaks the names of the relation, the outer one only names of its own.
        inner = [f"{self._id(reading)} AS id", f"{self.time} AS time_", f"{self._kind(reading.kinds)} AS kind"]
        class_, joins = self._class(reading.kinds, classes)
        outer = ["id", f"time_ * {2**classes.bits} + {class_} AS key"]
        for place, group in enumerate(reading.groups):
            if group in self.codes:
                inner.append(f"{self.codes[group]} AS g{place}")
                outer.append(f"g{place}")
                continue
            self._register_codes(place, group)
            inner.append(f"{self._column(group)} AS v{place}")
            outer.append(f"coalesce(codes_{place}.code, -1) AS g{place}")
            joins += f" LEFT JOIN codes_{place} ON v{place} = codes_{place}.value"
        for place, number in enumerate(reading.numbers):
            name = self.names.get(f"number {number}") or quoted(number)
            inner.append(f"CAST({name} AS DOUBLE) AS n{place}")
            outer.append(f"n{place}")
        if not self.clean:
            inner.append(f"{self._bad()} AS bad")
            outer.append("bad")
        rows = f"SELECT {', '.join(inner)} FROM {self.relation} WHERE {self._where(reading)}"
        relation = f"SELECT {', '.join(outer)} FROM ({rows}){joins}"
        names = [f"group {group}" for group in reading.groups], [f"number {number}" for number in reading.numbers]
        bad = 0
        for batch in self._stream(relation):
            if not self.clean and (wrong := int(batch["bad"].true_count)):
                bad += wrong
                batch = batch.filter(_not(batch["bad"]))
            arrays = {name: _numpy(batch[name]) for name in batch.schema.names if name != "bad"}
            yield {
                "id": arrays["id"].view(np.uint64),
                "key": arrays["key"],
                **{name: arrays[f"g{k}"].astype(np.int32) for k, name in enumerate(names[0])},
                **{name: arrays[f"n{k}"].astype(np.float64) for k, name in enumerate(names[1])},
            }
        if bad:
            self._refuse(bad)

    def range(self, before: int) -> tuple[int, int]:
        """First and last instant of all rows; nothing (1, 0) where there are none before `before`."""
        # As `timestamp` the statistics of the files tell it, and nothing is read.
        first, last = ("min(time)", "max(time)") if self.time == "time" else (
            "epoch_us(min(timestamp))", "epoch_us(max(timestamp))"
        )  # fmt: skip
        found = self._arrow(f"SELECT {first} AS first, {last} AS last FROM {self.relation}").to_pylist()[0]
        if found["first"] is None or found["first"] >= before:
            return 1, 0
        return int(found["first"]), min(int(found["last"]), before - 1)

    def packed(self, reading: Reading, classes: Classes, cells: Cells, last: int) -> Iterator[Any]:
        """The rows that are read, each as one number: the first bits of the unit's hash, the cell, the class."""
        class_bits = classes.bits
        inner = [f"{self._id(reading)} AS id", f"{self._kind(reading.kinds)} AS kind"]
        class_, joins = self._class(reading.kinds, classes)
        step, low = cells.step(last), class_
        if step is not None:
            inner.append(f"({self.time} - {cells.starts[0]}) // {step} AS cell")
            low = f"cell * {2**class_bits} + {class_}"
        else:  # numpy finds the cells in a tenth of the time that a join takes
            inner.append(f"{self.time} AS time_")
            cell_of = cells.finder(last)
        mask = 2**64 - 2 ** (cells.bits + class_bits)
        outer = [f"(id & {mask}) + ({low})::UBIGINT AS packed", *(["time_"] if step is None else [])]
        if not self.clean:
            inner.append(f"{self._bad()} AS bad")
            # A bad row may have no time, and so no cell.
            outer[0] = f"CASE WHEN bad THEN 0 ELSE (id & {mask}) + ({low})::UBIGINT END AS packed"
            outer.append("bad")
        rows = f"SELECT {', '.join(inner)} FROM {self.relation} WHERE {self._where(reading)}"
        bad = 0
        for batch in self._stream(f"SELECT {', '.join(outer)} FROM ({rows}){joins}"):
            if not self.clean and (wrong := int(batch["bad"].true_count)):
                bad += wrong
                batch = batch.filter(_not(batch["bad"]))
            packed = _numpy(batch["packed"])
            if step is None:
                packed = packed | cell_of(_numpy(batch["time_"])) << np.uint64(class_bits)
            yield packed
        if bad:
            self._refuse(bad)

    def progress(self) -> float:
        """How much of the rows is read, 0 to 1."""
        return max(self.connection.query_progress(), 0.0) / 100

    def values(self, name: str) -> pd.Index:
        """What the codes of a group stand for."""
        return self.found[name]

    def labels(self, reading: Reading, ids: Ints) -> pd.Index:
        """Names of units."""
        wanted = pd.DataFrame({"id": distinct(ids.view(np.uint64))})
        self.connection.register("wanted", wanted)
        every = (
            f"SELECT {self._id(reading)} AS id, any_value({self._column(reading.unit[0])}) AS label "
            f"FROM {self.relation} WHERE {self._where(reading)} GROUP BY 1"
        )
        found = self._arrow(f"SELECT id, label FROM ({every}) WHERE id IN (SELECT id FROM wanted)").to_pandas()
        place = pd.Index(found["id"]).get_indexer(ids.view(np.uint64))
        if (place < 0).any():
            raise EventTableError("events were changed while they were read. Open them again.")
        labels: pd.Index = pd.Index(found["label"])[place]
        return labels

    def distinct(self, columns: list[str]) -> pd.DataFrame:
        """Every combination of values of these columns."""
        return self._pandas(f"SELECT DISTINCT {', '.join(map(quoted, columns))} FROM {self.relation}")

    def of_unit(self, unit: str, value: Any) -> pd.DataFrame:
        """The rows of one unit; bad rows of anybody are refused here too."""
        if not self.clean:
            bad = self._arrow(f"SELECT count(*) AS rows FROM {self.relation} WHERE {self._bad()}")["rows"][0].as_py()
            if bad:
                self._refuse(bad)
        if not self._is_plain(unit, value):
            self._join_digits(unit, [value])
        condition = f"{self.digits[unit]} = 1" if unit in self.digits else self.equals(unit, value)
        columns = ", ".join(map(quoted, self.types))
        return self._pandas(f"SELECT {columns} FROM {self.relation} WHERE {condition}")

    def equals(self, column: str, value: Any) -> str:
        """Condition that a column has a plain value (see `_is_plain`)."""
        name, type_ = self._column(column), self._type(column)
        if pd.isna(value):
            return f"{name} IS NULL"
        if isinstance(value, str):
            return f"{name} = {text(value)}" if type_ == "VARCHAR" else "false"
        if type_ == "VARCHAR":
            return "false"
        if isinstance(value, bool) or type_ == "BOOLEAN":
            return f"CAST({name} AS INTEGER) = {int(value)}"
        return f"{name} = {int(value)}" if type_ in _WHOLE else f"{name} = '{float(value)!r}'::DOUBLE"

    def _is_plain(self, column: str, value: Any) -> bool:
        """Whether SQL says the same as pandas about this value in a column of this type."""
        type_ = self._type(column)
        if pd.api.types.is_scalar(value) and pd.isna(value):
            return True
        if type_ == "VARCHAR":
            return isinstance(value, str | bool | int | float)
        if type_ == "BOOLEAN":
            return isinstance(value, bool)
        if type_ in _WHOLE:
            return isinstance(value, str | bool | int) or (
                isinstance(value, float) and value.is_integer() and abs(value) < 2**53
            )
        if type_ == "DOUBLE":
            return isinstance(value, str | float) or (isinstance(value, int) and abs(value) < 2**53)
        return False

    def _join_digits(self, column: str, asked: list[Any]) -> None:
        """Ask pandas which distinct values of a column equal those asked for, and join the answer."""
        import pyarrow as pa

        place, name = len(self.digits), quoted(column)
        distinct = self._arrow(f"SELECT DISTINCT {name} AS value FROM {self.relation}")["value"]
        digit = digits_of(distinct.to_pandas(), asked)
        table = pa.table({f"metrics value {place}": distinct, f"metrics digit {place}": digit})
        self.connection.register(f"digits_{place}", table)
        joined = f"digits_{place}.{quoted(f'metrics value {place}')} IS NOT DISTINCT FROM source.{name}"
        self.relation = f"(SELECT * FROM {self.relation} AS source LEFT JOIN digits_{place} ON {joined})"
        self.digits[column] = quoted(f"metrics digit {place}")

    def _type(self, column: str) -> str:
        return self.types[column].split("(")[0].upper()

    def _column(self, column: str) -> str:
        """A column of the relation; what is no number is missing."""
        name = self.names.get(column) or quoted(column)
        if self.types.get(column, "").upper() in ("FLOAT", "DOUBLE"):
            return f"(CASE WHEN NOT isnan({name}) THEN {name} + 0.0 END)"  # and -0.0 is 0.0
        return name

    def _id(self, reading: Reading) -> str:
        first, *held = reading.unit
        columns = [self._column(first), *(self.codes.get(name) or self._column(name) for name in held)]
        return f"hash({', '.join(columns)})"

    def _where(self, reading: Reading) -> str:
        kinds = reading.kinds
        conditions = [f"{self.time} < {reading.before}" if self.time == "time" else _before(reading.before)]
        conditions.append(f"{self._column(reading.unit[0])} IS NOT NULL")
        if not reading.everything:
            if all(step.event is not None for step in kinds.steps):
                conditions.append(f"event IN ({', '.join(map(text, kinds.events))})")
            meant = [self._meant(step.event, step.where, kinds) for step in kinds.steps if step.where]
            if meant and len(meant) == len(kinds.steps):
                conditions.append(f"({' OR '.join(meant)})")
        where = " AND ".join(conditions)
        return where if self.clean else f"(({where}) OR {self._bad()})"

    def _meant(self, event: str | None, where: Any, kinds: Kinds) -> str:
        conditions = [] if event is None else [f"event = {text(event)}"]
        for column, value in where.items():
            place = kinds.place(column, value)
            ready = f"{self.digits[column]} = {place}" if column in self.digits else self.equals(column, value)
            conditions.append(ready)
        return f"({' AND '.join(conditions)})"

    def _kind(self, kinds: Kinds) -> str:
        event = "0"
        if kinds.events:
            listed = ", ".join(map(text, kinds.events))
            event = f"CAST(coalesce(list_position([{listed}], event), 0) AS BIGINT)"
        number, weight = event, len(kinds.events) + 1
        for column, asked in kinds.values.items():
            digit = self.digits.get(column)
            if digit is None:
                cases = " ".join(f"WHEN {self.equals(column, value)} THEN {k + 1}" for k, value in enumerate(asked))
                digit = f"CASE {cases} ELSE 0 END"
            number += f" + CAST({digit} AS BIGINT) * {weight}"
            weight *= len(asked) + 1
        return number

    def _class(self, kinds: Kinds, classes: Classes) -> tuple[str, str]:
        """The class of a row from its kind, and what must be joined for it."""
        if np.array_equal(classes.kinds, classes.of_kind):
            return "kind", ""
        if len(set(classes.of_kind)) == 1:
            return str(classes.of_kind[0]), ""
        if kinds.count <= FEW_KINDS:
            return f"[{', '.join(map(str, classes.of_kind))}][kind + 1]", ""
        self.connection.register("classes", pd.DataFrame({"kind_": classes.kinds, "class_": classes.of_kind}))
        return "class_", " JOIN classes ON kind = kind_"

    def _bad(self) -> str:
        def blank(column: str) -> str:
            # Only a text that begins with a blank or beyond ASCII can be blank. Trimming is slow, and CASE, unlike AND,
            # keeps it from the others.
            doubtful = f"{column} < {text(FIRST)} OR {column} >= {text(LAST)}"
            return f"{column} IS NULL OR CASE WHEN {doubtful} THEN trim({column}, {text(BLANKS)}) = '' ELSE false END"

        return f"({blank('user_id')} OR {blank('event')} OR {self.time} IS NULL)"

    def _refuse(self, bad: int) -> None:
        example = self._pandas(f"SELECT * FROM {self.relation} WHERE {self._bad()} LIMIT 1").iloc[0].to_dict()
        shown = {name: example[name] for name in ("user_id", "event", "timestamp") if name in example}
        raise BlankRows(
            f"events: {several(bad, 'row has', 'rows have')} no user_id, no event or no time that can be read (one of "
            f"them: {shown}). Write a clean copy with metrics.write_events, which counts what it refuses, and open "
            "that."
        )

    def _register_codes(self, place: int, group: str) -> None:
        import pyarrow as pa

        name = self._column(group)
        sql = f"SELECT DISTINCT {name} AS value FROM {self.relation} WHERE {name} IS NOT NULL"
        distinct = self._arrow(sql)
        values = distinct["value"].to_pandas()
        code, found = pd.factorize(values, sort=True)
        self.found[group] = pd.Index(found)
        known = code >= 0  # a number that is none (NaN) is missing
        table = pa.table({"value": distinct["value"].filter(pa.array(known)), "code": code[known].astype(np.int32)})
        self.connection.register(f"codes_{place}", table)

    def _stream(self, sql: str) -> Iterator["pa.RecordBatch"]:
        # Counted, but never printed: the bar is the engine's.
        self.connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
        yield from arrow_reader(self.connection, sql, ROWS_A_BATCH)

    def _arrow(self, sql: str) -> "pa.Table":
        return arrow_reader(self.connection, sql).read_all()

    def _pandas(self, sql: str) -> pd.DataFrame:
        frame: pd.DataFrame = self._arrow(sql).to_pandas()
        return frame


def _before(instant: int) -> str:
    # Written as a time, so that readers can skip by the statistics of a file.
    stamp = pd.Timestamp(instant, unit="us")
    return f"timestamp < TIMESTAMPTZ '{stamp.isoformat(sep=' ')}+00'"


def _not(mask: "pa.Array") -> "pa.Array":
    import pyarrow.compute as pc

    return pc.invert(mask)


def _numpy(column: "pa.Array") -> Any:
    return column.to_numpy(zero_copy_only=False)
