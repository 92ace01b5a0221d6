"""What DuckDB is asked: rows as numbers, so that nothing but numbers leaves it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.engine.reading import Classes, Kinds, Reading
from metrics.engine.rows import Batch
from metrics.files import EventTableError
from metrics.periods import Ints
from metrics.store.columns import quoted, text
from metrics.store.session import arrow_reader

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

ROWS_A_BATCH = 1 << 19
FEW_KINDS = 1024  # up to here all kinds are listed, beyond them only those that occur

_NUMBER = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
           "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
_BLANK = r"[\s\p{Z}\x1c-\x1f\x85]*"


class BlankRows(EventTableError):
    """Rows that lack what every row must have."""


@dataclass
class Query:
    """Rows of a relation in DuckDB.

    `digits` are columns that hold a digit of the rows' kinds ready-made, `codes` those that hold the codes of a group.
    """

    connection: "duckdb.DuckDBPyConnection"
    relation: str
    types: dict[str, str]
    clean: bool
    time: str = "epoch_us(timestamp)"
    digits: dict[str, str] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    found: dict[str, pd.Index] = field(default_factory=dict)

    def classes(self, reading: Reading) -> Classes:
        """The classes that its rows fall into."""
        kinds = reading.kinds
        if kinds.count <= FEW_KINDS:
            return kinds.classes(np.arange(kinds.count))
        seen = self._arrow(f"SELECT DISTINCT {self._kind(kinds)} AS kind FROM {self.relation}")["kind"]
        return kinds.classes(np.sort(seen.to_numpy()))

    def batches(self, reading: Reading, classes: Classes) -> Iterator[Batch]:
        """The rows that are read."""
        joins, columns = "", [f"{self._id(reading)} AS id"]
        columns.append(f"{self.time} * {2**classes.bits} + {self._class(reading.kinds, classes)} AS key")
        for place, group in enumerate(reading.groups):
            if group in self.codes:
                columns.append(f"{self.codes[group]} AS g{place}")
                continue
            self._register_codes(place, group)
            joins += f" LEFT JOIN codes_{place} ON source.{quoted(group)} = codes_{place}.value"
            columns.append(f"coalesce(codes_{place}.code, -1) AS g{place}")
        columns += [f"CAST({quoted(number)} AS DOUBLE) AS n{place}" for place, number in enumerate(reading.numbers)]
        if not self.clean:
            columns.append(f"{self._bad()} AS bad")
        relation = f"SELECT {', '.join(columns)} FROM {self.relation} AS source{joins} WHERE {self._where(reading)}"
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

    def progress(self) -> float:
        """How much of the rows is read, 0 to 1."""
        return max(self.connection.query_progress(), 0.0) / 100

    def values(self, name: str) -> pd.Index:
        """What the codes of a group stand for."""
        return self.found[name]

    def labels(self, reading: Reading, ids: Ints) -> pd.Index:
        """Names of units."""
        wanted = pd.DataFrame({"id": np.unique(ids).view(np.uint64)})
        self.connection.register("wanted", wanted)
        every = (
            f"SELECT {self._id(reading)} AS id, any_value({quoted(reading.unit[0])}) AS label "
            f"FROM {self.relation} AS source WHERE {self._where(reading)} GROUP BY 1"
        )
        found = self._arrow(f"SELECT id, label FROM ({every}) WHERE id IN (SELECT id FROM wanted)").to_pandas()
        place = pd.Index(found["id"]).get_indexer(ids.view(np.uint64))
        labels: pd.Index = pd.Index(found["label"])[place]
        return labels

    def distinct(self, columns: list[str]) -> pd.DataFrame:
        """Every combination of values of these columns."""
        return self._pandas(f"SELECT DISTINCT {', '.join(map(quoted, columns))} FROM {self.relation}")

    def rows_where(self, condition: str) -> pd.DataFrame:
        """Whole rows."""
        return self._pandas(f"SELECT * FROM {self.relation} WHERE {condition}")

    def equals(self, column: str, value: Any) -> str:
        """Condition that a column has a value, as pandas compares: other types are never equal."""
        name, type_ = quoted(column), self.types[column].split("(")[0].upper()
        if pd.isna(value):
            return f"({name} IS NULL OR isnan({name}))" if type_ in ("FLOAT", "DOUBLE") else f"{name} IS NULL"
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, str):
            if type_ in _NUMBER or type_ == "BOOLEAN":
                return "false"
            if type_.startswith(("TIMESTAMP", "DATE")):
                return f"{name} = try_cast({text(value)} AS {self.types[column]})"
            return f"CAST({name} AS VARCHAR) = {text(value)}"
        if isinstance(value, bool | int | float):
            if type_ == "BOOLEAN":
                return f"CAST({name} AS INTEGER) = {float(value)!r}" if value in (0, 1) else "false"
            return f"{name} = {int(value) if isinstance(value, bool) else value!r}" if type_ in _NUMBER else "false"
        if hasattr(value, "isoformat") and type_.startswith(("TIMESTAMP", "DATE")):
            return f"{name} = CAST({text(value.isoformat())} AS {self.types[column]})"
        return "false"

    def _id(self, reading: Reading) -> str:
        first, *held = reading.unit
        return f"hash({', '.join([quoted(first), *(self.codes.get(name, quoted(name)) for name in held)])})"

    def _where(self, reading: Reading) -> str:
        kinds = reading.kinds
        conditions = [f"{self.time} < {reading.before}" if self.time == "time" else _before(reading.before)]
        conditions.append(f"{quoted(reading.unit[0])} IS NOT NULL")
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
            number += f" + ({digit}) * {weight}"
            weight *= len(asked) + 1
        return number

    def _class(self, kinds: Kinds, classes: Classes) -> str:
        kind = self._kind(kinds)
        if np.array_equal(classes.kinds, classes.of_kind):
            return kind
        if kinds.count <= FEW_KINDS:
            return f"[{', '.join(map(str, classes.of_kind))}][{kind} + 1]"
        self.connection.register("classes", pd.DataFrame({"kind": classes.kinds, "class": classes.of_kind}))
        return f"(SELECT class FROM classes WHERE classes.kind = {kind})"

    def _bad(self) -> str:
        def blank(column: str) -> str:
            # Only names that begin with a blank or beyond ASCII can be blank; the others need no pattern.
            doubtful = f"({column} < '!' OR {column} > '~')"
            return f"{column} IS NULL OR ({doubtful} AND regexp_full_match({column}, '{_BLANK}'))"

        return f"({blank('user_id')} OR {blank('event')} OR {self.time} IS NULL)"

    def _refuse(self, bad: int) -> None:
        example = self._pandas(f"SELECT * FROM {self.relation} WHERE {self._bad()} LIMIT 1").iloc[0].to_dict()
        shown = {name: example[name] for name in ("user_id", "event", "timestamp") if name in example}
        raise BlankRows(
            f"events: {bad:,} rows have no user_id, no event or no time that can be read (one of them: {shown}). "
            "Write a clean copy with metrics.write_events, which counts what it refuses, and open that."
        )

    def _register_codes(self, place: int, group: str) -> None:
        import pyarrow as pa

        sql = f"SELECT DISTINCT {quoted(group)} AS value FROM {self.relation} WHERE {quoted(group)} IS NOT NULL"
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
