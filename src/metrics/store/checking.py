"""Checking an export of any size: it is read in pieces as for a store, and what looks odd told a chunk at a time."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from metrics.events import EventLoad, check_events
from metrics.events.account import check_share
from metrics.events.checking import check_chunks
from metrics.events.reading import find_export
from metrics.files import PathLike
from metrics.files.names import Rename
from metrics.store.layout import check_case
from metrics.store.loading import Loaded, loading


@dataclass(frozen=True)
class Checked:
    """What would be kept of an export, the account of its rows, how it was read, and what looks odd."""

    rows: int
    account: pd.DataFrame
    format: str
    problems: pd.DataFrame


def check_export(
    path: PathLike | Sequence[PathLike],
    *,
    format: str | None = None,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    watch: Callable[[int], None] = lambda rows: None,
    **format_options: Any,
) -> Checked:
    """What `load_events` would say of an export, and `check_events` of its events, in little memory.

    The parameters are those of `load_events`; `watch` is told how many rows were read.
    """
    check_share(max_refused)
    export = find_export(path, format, rename, timezone, format_options)
    with (
        tempfile.TemporaryDirectory(prefix="metrics-") as folder,
        loading(export, Path(folder), max_refused=max_refused, watch=watch) as load,
    ):
        if isinstance(load, EventLoad):
            check_case([str(name) for name in load.events], export.name)
            return Checked(len(load.events), load.account, load.format, check_events(load.events))
        check_case(load.schema.names, export.name)
        return Checked(load.rows, load.account, load.format, check_chunks(_chunks(load)))


def _chunks(load: Loaded) -> Iterator[pd.DataFrame]:
    """Events as tables; whole numbers with gaps stay whole."""
    import pyarrow as pa

    exact = {pa.int64(): pd.Int64Dtype(), pa.bool_(): pd.BooleanDtype()}
    for table in load.tables:
        yield table.to_pandas(types_mapper=exact.get)
