"""Loading exports of any size: a piece at a time into the stage, then what only all rows together tell.

Which rows are there twice, and whose they are, is asked of the same functions that a small load asks, a part of the
keys or devices after the other, so that memory does not grow with the export.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, count, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.events.account import account_of, added, check_refused
from metrics.events.duplicates import reason_of, repeated, unique_ids
from metrics.events.loading import EventLoad, columns_of, settle
from metrics.events.reading import Export
from metrics.events.stitching import stitch_users
from metrics.exports import KEY, RANK, WITHIN
from metrics.files.refusal import EventTableError
from metrics.files.shaping import FILE, LINE, NOTE
from metrics.files.told import Reconsider, Told
from metrics.store.columns import listed, literal_path, quoted, text
from metrics.store.session import arrow_reader, read_threads, session
from metrics.store.stage import Stage, Written

if TYPE_CHECKING:
    import duckdb

MEMORY = 512 * 10**6  # bytes for DuckDB, which spills what is more
ROWS = 10**6  # rows looked at together
MOST_BEGINNINGS = 50  # of one load, each with something new that is known; more would be going round in circles
TOLD_BY = (KEY, RANK, WITHIN, NOTE, FILE, LINE)


@dataclass
class Loaded:
    """An export that was read: its rows in time order, the account, and what was rejected."""

    schema: Any
    tables: Iterator[Any]
    rows: int
    account: pd.DataFrame
    rejected: pd.DataFrame
    format: str
    ready: Path | None = None  # a file that already is what is to be written


@contextmanager
def loading(
    export: Export,
    folder: Path,
    *,
    max_refused: float,
    watch: Callable[[int], None],
    stitch: bool = True,
    dedupe: bool = True,
) -> Iterator[Loaded | EventLoad]:
    """Read an export, in memory where it is one piece; `watch` is told how many rows were read."""
    told = Told()
    for begun in count():
        stage = Stage(folder, told)
        try:
            small = _read(export, stage, watch)
            break
        except Reconsider as one:
            if begun == MOST_BEGINNINGS:
                raise EventTableError(
                    f"{one}: its pieces contradict one another in more than {MOST_BEGINNINGS} ways. "
                    "Load smaller parts of the export one by one, with load_events."
                ) from None
            told = told.again()
            for file in folder.iterdir():
                file.unlink()
        finally:
            stage.close()
    if small is not None:
        yield settle(export, small, stitch=stitch, dedupe=dedupe, max_refused=max_refused)
        return
    with session(MEMORY, read_threads(None)) as con:
        try:
            yield _settle(con, export, stage, stitch=stitch, dedupe=dedupe, max_refused=max_refused)
        finally:
            for table in ("gone", "renamed", "who"):
                con.execute(f"DROP TABLE IF EXISTS {table}")


def _read(export: Export, stage: Stage, watch: Callable[[int], None]) -> list[Any] | None:
    """All pieces into the stage; or handed back, where there is one a format."""
    pieces = export.pieces(stage.told)
    first = list(islice(pieces, len(export.chosen)))
    more = next(pieces, None)
    if more is None:
        return first
    for piece in chain(first, [more], pieces):
        stage.add(piece)
        watch(stage.rows)
    return None


def _settle(
    con: "duckdb.DuckDBPyConnection", export: Export, stage: Stage, *, stitch: bool, dedupe: bool, max_refused: float
) -> Loaded:
    import pyarrow as pa

    reason, is_asked = reason_of(stage.names, dedupe=dedupe)
    lost = _duplicates(con, stage) if is_asked and stage.rows else {}
    kept = {note: n for note, n in ((note, n - lost.get(note, 0)) for note, n in stage.kept.items()) if n}
    duplicate = added([*stage.counted["duplicate"], {reason: sum(lost.values())}])
    system = added(stage.counted["system"])
    stages = {"kept": kept, "duplicate": duplicate, "system": system, "rejected": stage.refused}
    account = account_of(stages, export.empty)
    rejected = pd.concat(stage.rejected, ignore_index=True) if stage.rejected else _nothing_rejected()
    rejected = rejected.sort_values(["file", "line"], kind="stable", ignore_index=True)
    check_refused(account, rejected, max_refused=max_refused, name=export.name, noun="events")
    made = {name for (name,) in con.execute("SELECT table_name FROM duckdb_tables() WHERE temporary").fetchall()}
    if stage.is_open and stitch and "anonymous_id" in stage.names:
        made |= _strangers(con, stage, "gone" in made)
    rows = stage.rows - _count(con, "gone", made)
    query = _query(stage, made)
    schema = pa.schema([(name, stage.kinds[name]) for name in columns_of(stage.kinds)])
    [part] = stage.parts if len(stage.parts) == 1 else [None]
    is_ready = (
        part is not None and stage.is_sorted and not made and not stage.is_open and part.rows.schema.equals(schema)
    )
    ready = part.rows.path if is_ready and part is not None else None
    return Loaded(schema, _tables(con, query, schema), rows, account, rejected, export.how, ready)


def _duplicates(con: "duckdb.DuckDBPyConnection", stage: Stage) -> dict[str, int]:
    """Find the rows that are there twice (the table `gone`) and ids to be made different; how many are lost by note."""
    scan = _rows(stage, ["event_id", "received_at", "timestamp"], TOLD_BY)
    told = f"coalesce({_or_null(stage, 'event_id')}, {quoted(KEY) if KEY in stage.names else 'NULL'})"
    ids = f"SELECT hash({told}) AS mark FROM {scan} WHERE {told} IS NOT NULL"
    several, different = con.execute(f"SELECT count(*), count(DISTINCT mark) FROM ({ids})").fetchall()[0]
    if several == different:
        return {}
    con.execute(f"CREATE OR REPLACE TEMP TABLE again AS SELECT mark FROM ({ids}) GROUP BY mark HAVING count(*) > 1")
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE alike AS SELECT *, hash({told}) AS mark FROM {scan} "
        f"WHERE hash({told}) IN (FROM again)"
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE gone (pos BIGINT); CREATE OR REPLACE TEMP TABLE renamed (pos BIGINT, id VARCHAR)"
    )
    for rows in _shares(con, "alike", "mark"):
        again = repeated(rows)
        _fill(con, "gone", {"pos": rows["pos"][again]})
        left = rows[~again]
        if "event_id" in left:
            ids_now = unique_ids(left)
            changed = (ids_now != left["event_id"]) & ids_now.notna()
            _fill(con, "renamed", {"pos": left["pos"][changed], "id": ids_now[changed]})
    con.execute("DROP TABLE again; DROP TABLE alike")
    if not stage.several:
        notes = f"SELECT {quoted(NOTE)}, count(*) FROM {_rows(stage, [], [NOTE])} SEMI JOIN gone USING (pos) GROUP BY 1"
    else:
        places = _rows(stage, [], [NOTE, FILE, LINE])
        notes = (
            f"SELECT note, count(*) FROM (SELECT any_value({quoted(NOTE)}) AS note FROM {places} LEFT JOIN "
            f"(SELECT pos AS lost FROM gone) ON pos = lost GROUP BY {quoted(FILE)}, {quoted(LINE)} "
            "HAVING count(*) = count(lost)) GROUP BY note"
        )
    lost = {str(note): int(n) for note, n in con.execute(notes).fetchall()}
    for table in ("gone", "renamed"):
        if not con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]:
            con.execute(f"DROP TABLE {table}")
    return lost


def _strangers(con: "duckdb.DuckDBPyConnection", stage: Stage, some_gone: bool) -> set[str]:
    """Find whose the rows without a known user are: the table `who`."""
    scan = _rows(stage, ["user_id", "anonymous_id", "timestamp"], [])
    left = f"{scan} ANTI JOIN gone USING (pos)" if some_gone else scan
    devices = f"SELECT DISTINCT hash(anonymous_id) FROM {left} WHERE user_id IS NULL"
    known = "SELECT -1 AS pos, user_id, anonymous_id, timestamp FROM "
    told = (
        f"UNION ALL BY NAME {known} read_parquet({listed(literal_path(str(one)) for one in stage.identities)})"
        if stage.identities
        else ""
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE devices AS {devices}")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE met AS SELECT *, hash(anonymous_id) AS mark FROM "
        f"(SELECT pos, user_id, anonymous_id, timestamp FROM {left} {told}) WHERE hash(anonymous_id) IN (FROM devices)"
    )
    con.execute("CREATE OR REPLACE TEMP TABLE who (pos BIGINT, who VARCHAR)")
    for rows in _shares(con, "met", "mark"):
        is_row = rows["pos"] >= 0
        events, identities = rows[is_row].reset_index(drop=True), rows[~is_row].reset_index(drop=True)
        found = stitch_users(events, identities)
        unknown = events["user_id"].isna()
        _fill(con, "who", {"pos": events["pos"][unknown], "who": found[unknown]})
    con.execute("DROP TABLE devices; DROP TABLE met")
    return {"who"}


def _shares(con: "duckdb.DuckDBPyConnection", table: str, mark: str) -> Iterator[pd.DataFrame]:
    """The rows of a table in shares, those of one mark together, in the order in which they were read."""
    rows = con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]
    shares = -(-rows // ROWS)
    for share in range(shares):
        query = f"SELECT * EXCLUDE ({mark}) FROM {table} WHERE {mark} % {shares} = {share} ORDER BY pos"
        frame = arrow_reader(con, query).read_all().to_pandas()
        texts = [name for name in frame if frame[name].dtype == object or str(frame[name].dtype) == "str"]
        yield frame.astype(dict.fromkeys(texts, "str")).astype({"timestamp": "datetime64[us, UTC]"})


def _fill(con: "duckdb.DuckDBPyConnection", table: str, columns: dict[str, pd.Series]) -> None:
    import pyarrow as pa

    rows = pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})
    con.register("filling", rows)
    con.execute(f"INSERT INTO {table} FROM filling")
    con.unregister("filling")


def _count(con: "duckdb.DuckDBPyConnection", table: str, made: set[str]) -> int:
    return int(con.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]) if table in made else 0


def _or_null(stage: Stage, name: str) -> str:
    return quoted(name) if name in stage.names else "NULL"


def _rows(stage: Stage, columns: Any, aside: Any) -> str:
    """Text after FROM: these columns of all rows with their number, and what stands beside them."""
    wanted = [name for name in columns if name in stage.kinds]
    beside = [name for name in aside if name in stage.names]
    queries = []
    for part in stage.parts:
        picks = [f"file_row_number + {part.first} AS pos", *(_typed(stage, part, name) for name in wanted)]
        queries.append(f"SELECT {', '.join(picks)} FROM {_file(part.rows.path)}")
        if beside:
            there = [] if part.aside is None else part.aside.schema.names
            more = [quoted(name) if name in there else f"NULL AS {quoted(name)}" for name in beside]
            other = _file((part.rows if part.aside is None else part.aside).path)
            queries[-1] = (
                f"SELECT * FROM ({queries[-1]}) JOIN "
                f"(SELECT file_row_number + {part.first} AS pos, {', '.join(more)} FROM {other}) USING (pos)"
            )
    return f"({' UNION ALL BY NAME '.join(queries)})"


def _file(path: Path) -> str:
    return f"read_parquet({text(literal_path(str(path)))}, file_row_number = true)"


def _typed(stage: Stage, part: Written, name: str) -> str:
    """A column of a part in the type that all parts come to."""
    import pyarrow as pa

    kind = stage.kinds[name]
    there = part.rows.schema.field(name).type if name in part.rows.schema.names else pa.null()
    if there == kind and name in part.rows.schema.names:
        return quoted(name)
    into = {"string": "VARCHAR", "double": "DOUBLE", "int64": "BIGINT", "bool": "BOOLEAN"}.get(str(kind))
    if into is None:
        into = (
            "TIMESTAMPTZ"
            if pa.types.is_timestamp(kind) and kind.tz
            else "TIMESTAMP"
            if pa.types.is_timestamp(kind)
            else "VARCHAR"
        )
    return f"CAST({'NULL' if pa.types.is_null(there) else quoted(name)} AS {into}) AS {quoted(name)}"


def _query(stage: Stage, made: set[str]) -> str:
    """All that is kept, in time order, of the same time as they were read."""
    picks = []
    for name in columns_of(stage.kinds):
        if name == "user_id":
            sources = [
                *(["who"] if "who" in made else []),
                "user_id",
                *(["anonymous_id"] if "anonymous_id" in stage.kinds else []),
            ]
            picks.append(f"coalesce({', '.join(sources)}) AS user_id" if len(sources) > 1 else "user_id")
        elif name == "event_id" and "renamed" in made:
            picks.append("coalesce(id, event_id) AS event_id")
        else:
            picks.append(quoted(name))
    query = f"SELECT {', '.join(picks)} FROM {_rows(stage, stage.kinds, [])}"
    if "gone" in made:
        query += " ANTI JOIN gone USING (pos)"
    for table in ("who", "renamed"):
        if table in made:
            query += f" LEFT JOIN {table} USING (pos)"
    return f"{query} ORDER BY timestamp, pos"


def _tables(con: "duckdb.DuckDBPyConnection", query: str, schema: Any) -> Iterator[Any]:
    import pyarrow as pa

    for batch in arrow_reader(con, query):
        table = pa.Table.from_batches([batch])
        empty = {column.name for column in schema if pa.types.is_null(column.type)}
        arrays = {name: pa.nulls(table.num_rows) if name in empty else table.column(name) for name in schema.names}
        yield pa.table(arrays).cast(schema)


def _nothing_rejected() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([], dtype="str") for name in ("file", "line", "reason", "text")})
