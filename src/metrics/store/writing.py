"""Writing: a store of clean events, in time order, that opens fast and grows day by day.

A store is a folder of Parquet files, each named by the days it holds, which no other file holds. Files are never
changed: more days are more files. Only `replace="days"` writes a file anew, without the days that are to be replaced.
Beside each lies its presence, which tells who was there when in a quarter of the rows.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from metrics.events import EventLoad, conform
from metrics.events.account import account_of, check_share
from metrics.events.reading import find_export
from metrics.files import EventTableError, PathLike, refuse
from metrics.files.names import Rename
from metrics.files.times import EARLIEST, IMPLAUSIBLE, LATEST
from metrics.files.values import tidy
from metrics.periods import zone
from metrics.store.columns import listed, literal_path
from metrics.store.folder import Part, Store, finish, plain_types, write_parts
from metrics.store.layout import check_case
from metrics.store.loading import Loaded, loading
from metrics.store.parquet import MARK
from metrics.store.presence import write_presence
from metrics.store.session import arrow_reader, standard_session
from metrics.store.source import EventSource
from metrics.store.staging import publish, staging

UNREAD = "no time, or one that cannot be read"
REPLACED = "in the store before, on days written anew"
UNCHECKED = {"not checked: taken as it is": 0}


@dataclass
class Incoming:
    """Events on their way: tables in time order, and what became of their rows so far."""

    name: str
    schema: Any
    tables: Iterator[Any]
    kept: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    loaded: pd.DataFrame | None = None  # the account, where an export was loaded
    ready: Path | None = None  # a file that is what is to be written

    def good(self) -> Iterator[Any]:
        """Go through the tables without the rows that lack something; these are counted."""
        for table in self.tables:
            good = self._without_bad(table)
            self.kept += good.num_rows
            yield good

    def _without_bad(self, table: Any) -> Any:
        import pyarrow as pa
        import pyarrow.compute as pc

        time = table.column("timestamp")
        low, high = (pa.scalar(bound, time.type) for bound in (EARLIEST, LATEST))
        strange = pc.or_(pc.less(time, low), pc.greater_equal(time, high)).fill_null(False)
        reasons = {"no event": _blank(table.column("event")), "no user_id": _blank(table.column("user_id"))}
        reasons |= {UNREAD: pc.is_null(time), IMPLAUSIBLE: strange}
        bad = np.zeros(table.num_rows, bool)
        for reason, mask in reasons.items():
            hit = mask.to_numpy() & ~bad
            bad |= hit
            if hit.any():
                self.refused[reason] = self.refused.get(reason, 0) + int(hit.sum())
        return table.filter(pa.array(~bad)) if bad.any() else table

    def account(self, max_refused: float) -> pd.DataFrame:
        """The account, once all is read; an error if too many rows were refused, or none is left."""
        refused = sum(self.refused.values())
        read = self.kept + refused
        if self.kept == 0 or refused > max_refused * read:
            why = "; ".join(f"{n:,} {reason}" for reason, n in sorted(self.refused.items(), key=lambda pair: -pair[1]))
            advice = f"Fix them or raise max_refused (now {max_refused:g})." if self.kept else "Nothing is left."
            fact = f"{refused:,} of {read:,} rows refused: {why}" if refused else "there are no rows"
            problems = [{"file": self.name, "reason": reason, "rows": n} for reason, n in self.refused.items()]
            raise EventTableError(f"{self.name}: {fact}. {advice}", problems)
        if self.loaded is not None:
            return self.loaded
        return account_of({"kept": {"": self.kept}, "duplicate": UNCHECKED, "rejected": self.refused})


def _blank(column: Any) -> Any:
    import pyarrow.compute as pc

    return pc.or_kleene(pc.is_null(column), pc.equal(pc.utf8_trim_whitespace(column), "").fill_null(False))


def write_events(
    events: pd.DataFrame | EventSource | PathLike | Sequence[PathLike],
    path: PathLike,
    *,
    append: bool = False,
    replace: str | None = None,
    tz: str | None = None,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **options: Any,
) -> pd.DataFrame:
    r"""What went into the store?

    Writes events once in the form that is read fastest: Parquet in time order,
    every row good, statistics that let readers skip what they do not need. Each
    file appears whole or not at all; a store that is being read stays as it was.

    Parameters
    ----------
    events
        An event table; an `EventSource`, which may be larger than memory; or
        paths of exports, which are loaded together as `load_events` does.
    path
        A folder, the store; or a name that ends in ``.parquet`` for one file,
        which takes the place of one that is there.
    append
        Add to a store that is there: days that it has not, columns that it has not.
    replace
        ``"days"``: days that the store has already are replaced by the new rows.
        Without it they are refused, since the same export might be added twice.
    tz
        Zone in which the days of the store are cut, ``"UTC"`` unless said when
        it is first written. Take the zone in which your exports are cut.
    rename, timezone, max_refused, **options
        As in `load_events`; all but `max_refused` only with paths.

    Returns
    -------
    DataFrame
        The account, as in `load_events`: stage, reason, rows, share. With
        ``replace="days"`` also how many rows of the store gave way, as the stage
        "replaced"; these were not read, so they have no share.

    Raises
    ------
    EventTableError
        The store is there already, has a day already, has a column of another
        type, is being written, or the events are refused as in `load_events`.
    ValueError
        An argument is wrong.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> store = pathlib.Path(tempfile.mkdtemp()) / "store"
    >>> at = pd.to_datetime(["2026-01-05 09:00", "2026-01-06 09:00"], utc=True)
    >>> events = pd.DataFrame({"user_id": ["ann", "bob"], "event": "visit", "timestamp": at})
    >>> account = write_events(events[:1], store)
    >>> account = write_events(events[1:], store, append=True)
    >>> [file.name for file in sorted(store.glob("*.parquet"))]
    ['2026-01-05.parquet', '2026-01-06.parquet']
    """
    return write(
        events, path, append=append, replace=replace, tz=tz, rename=rename, timezone=timezone,
        max_refused=max_refused, **options,
    ).account  # fmt: skip


@dataclass(frozen=True)
class Writing:
    """What was written: how many rows, the account, the rejected rows (the first of very many), and how it was read."""

    rows: int
    account: pd.DataFrame
    rejected: pd.DataFrame | None = None
    format: str = ""


def write(
    events: pd.DataFrame | EventSource | PathLike | Sequence[PathLike],
    path: PathLike,
    *,
    append: bool = False,
    replace: str | None = None,
    tz: str | None = None,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    watch: Callable[[int], None] = lambda rows: None,
    **options: Any,
) -> Writing:
    """As `write_events`, and all that there is to say of it; `watch` is told how many rows of exports were read."""
    target = Path(path).absolute()
    is_file = target.suffix == ".parquet"
    check_share(max_refused)
    if replace not in (None, "days") or (replace and not append):
        raise ValueError(f"replace: {replace!r} cannot be done. Use append=True, replace='days', or leave it out.")
    if is_file and (append or tz):
        raise ValueError(f"path: {target.name!r} is one file, which has no days. Name a folder to append to.")
    if not is_file and not append and target.exists():
        raise refuse(str(target), "is there already", "Say append=True to add to it, or name another folder.")
    with ExitStack() as stack:
        if isinstance(events, (pd.DataFrame, EventSource)):
            asked = {"rename": rename, "timezone": timezone, **options}
            incoming, said = _events(events, asked), None
            folder = stack.enter_context(staging(target))
        else:
            how = {name: options.pop(name) for name in ("stitch", "dedupe") if name in options}
            export = find_export(events, options.pop("format", None), rename, timezone, options)
            folder = stack.enter_context(staging(target))
            stage = folder / "stage"
            stage.mkdir()
            said = stack.enter_context(loading(export, stage, max_refused=max_refused, watch=watch, **how))
            incoming = _loaded(said, str(events))
        account = _write(incoming, target, folder, append, replace, tz, max_refused)
    if said is None:
        return Writing(incoming.kept, account)
    rows = len(said.events) if isinstance(said, EventLoad) else said.rows
    return Writing(rows, account, said.rejected, said.format)


def _write(
    incoming: Incoming,
    target: Path,
    folder: Path,
    append: bool,
    replace: str | None,
    tz: str | None,
    max_refused: float,
) -> pd.DataFrame:
    check_case(incoming.schema.names, incoming.name)
    if target.suffix == ".parquet":
        if incoming.ready is not None:
            account = incoming.account(max_refused)
            incoming.ready.rename(folder / target.name)
        else:
            part = Part(folder / target.name, incoming.schema.with_metadata({MARK: b"1"}))
            for table in incoming.good():
                part.add(table)
            account = incoming.account(max_refused)
            part.close()
        _check_users([folder / target.name])
        publish(folder, target.parent)
        return account
    store = Store.read(target, tz) if target.exists() else Store(target, zone(tz or "UTC"))
    store.check_types(incoming.schema)
    parts = write_parts(incoming.good(), incoming.schema, folder, store, replace=replace is not None)
    account = incoming.account(max_refused)
    replaced = sum([finish(part, store) for part in parts])
    if replace is not None:
        line = pd.DataFrame({"stage": ["replaced"], "reason": REPLACED, "rows": replaced, "share": np.nan})
        account = pd.concat([account, line.astype(account.dtypes)], ignore_index=True)
    made = sorted(file for file in folder.iterdir() if file.is_file())
    names = {file.name for file in made}
    _check_users([*made, *(file for file in store.files.values() if file.name not in names)])
    for file in made:
        write_presence(file)
    publish(folder, target)
    return account


def _loaded(load: Loaded | EventLoad, name: str) -> Incoming:
    if isinstance(load, EventLoad):
        table = _arrow(load.events)
        return Incoming(name, table.schema, iter([table]), loaded=load.account)
    kept = load.rows if load.ready is not None else 0
    return Incoming(name, load.schema, load.tables, kept, loaded=load.account, ready=load.ready)


def _events(events: pd.DataFrame | EventSource, asked: dict[str, Any]) -> Incoming:
    given = [name for name, value in asked.items() if value is not None]
    if given:
        raise ValueError(f"{given[0]}: belongs to paths that are loaded, and these are events already. Leave it out.")
    if isinstance(events, pd.DataFrame):
        table = _arrow(conform(events))
        return Incoming("events", table.schema, iter([table]))
    with events.reading() as con:
        schema = plain_types(arrow_reader(con, f"FROM {events.sql()} LIMIT 0").schema)
    return Incoming(str(events.files[0]), schema, _stream(events, schema))


def _stream(source: EventSource, schema: Any) -> Iterator[Any]:
    """Rows of a source in time order, sorted by DuckDB, which spills to disk what does not fit into its memory."""
    import pyarrow as pa

    with source.reading() as con:
        for batch in arrow_reader(con, f"FROM {source.sql()} ORDER BY timestamp"):
            yield pa.Table.from_batches([batch]).cast(schema)


def _arrow(events: pd.DataFrame) -> Any:
    """An event table as Arrow, in time order; a column without any value stays open for every type."""
    import pyarrow as pa

    order = np.argsort(events["timestamp"].astype("int64").to_numpy(), kind="stable")
    columns = {}
    for name, column in events.items():
        plain = column.astype(column.cat.categories.dtype) if isinstance(column.dtype, pd.CategoricalDtype) else column
        plain = tidy(plain) if plain.dtype == object else plain
        array = pa.array(plain.iloc[order], from_pandas=True)
        if array.null_count == len(array) and len(array):
            array = pa.nulls(len(array))
        columns[str(name)] = array
    table = pa.table(columns)
    return table.cast(plain_types(table.schema))


def _check_users(files: Sequence[Path]) -> None:
    """Metrics tell users apart by 64-bit hashes of their ids: make sure that no two have the same."""
    scan = f"read_parquet({listed(literal_path(str(file)) for file in files)}, union_by_name = true)"
    query = f"SELECT count(*), count(DISTINCT hash) FROM (SELECT hash(user_id) AS hash FROM {scan} GROUP BY user_id)"
    with standard_session() as con:
        users, hashes = con.execute(query).fetchall()[0]
    if users != hashes:
        raise EventTableError(
            f"{users - hashes:,} of {users:,} users have ids whose 64-bit hashes are those of others, so metrics would "
            "take two for one. Put a letter before all ids and write them again."
        )
