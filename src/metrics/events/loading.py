"""Loading: from export files to the event table, and the account of every row on the way.

Rows that can be of no use are rejected first, then duplicates go, then rows are
stitched to users. Nothing is dropped without being counted.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metrics.events.account import Account, account_of, added, check_refused, check_share
from metrics.events.duplicates import without_duplicates
from metrics.events.reading import Export, find_export
from metrics.events.stitching import stitch_users
from metrics.exports import KEY, RANK, WITHIN, Parsed
from metrics.files import PathLike
from metrics.files.kept import kept
from metrics.files.names import Rename
from metrics.files.reading import concat
from metrics.files.shaping import FILE, LINE, NOTE, PLACE

LEADING = ["user_id", "event", "timestamp", "event_id", "anonymous_id"]


@dataclass(frozen=True, eq=False)
class EventLoad:
    """A load: the event table, what became of every row, the rejected rows, and which format was taken why."""

    events: pd.DataFrame
    account: pd.DataFrame
    rejected: pd.DataFrame
    format: str

    def __repr__(self) -> str:
        """Say the account in one line."""
        rows = self.account.groupby("stage")["rows"].sum()
        parts = ", ".join(f"{rows[stage]:,} {stage}" for stage in ("duplicate", "system", "rejected"))
        n = self.events["user_id"].nunique()
        users = f"{n:,} user{'' if n == 1 else 's'}"
        return f"EventLoad: {rows['kept']:,} of {rows['read']:,} rows kept ({parts}), {users}, {self.format}"


def read_events(
    path: PathLike | Sequence[PathLike],
    *,
    format: str | None = None,
    rename: Rename = None,
    timezone: str | None = None,
    stitch: bool = True,
    dedupe: bool = True,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""What happened, as one event table?

    The same as `load_events`, which see, without the account (it is in
    ``.attrs["account"]``).

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "visits.csv"
    >>> _ = file.write_text("User ID,action,time\n007,visit,2026-01-05T09:00:00+01:00\n")
    >>> read_events(file)
      user_id  event                 timestamp
    0     007  visit 2026-01-05 08:00:00+00:00
    """
    load = load_events(
        path,
        format=format,
        rename=rename,
        timezone=timezone,
        stitch=stitch,
        dedupe=dedupe,
        max_refused=max_refused,
        **format_options,
    )
    load.events.attrs["account"] = Account(load.account.to_dict("records"))
    return load.events


def load_events(
    path: PathLike | Sequence[PathLike],
    *,
    format: str | None = None,
    rename: Rename = None,
    timezone: str | None = None,
    stitch: bool = True,
    dedupe: bool = True,
    max_refused: float = 0.01,
    **format_options: Any,
) -> EventLoad:
    r"""What happened, and what became of every row of the export?

    Reads CSV, TSV, JSON lines, JSON arrays and Parquet, plain, gzipped or
    zipped, told by their content. Columns are found by their usual names,
    whatever the case and punctuation; all others are kept as properties, of
    JSON at most 4,000. Files without rows are counted, unless all are.

    Parameters
    ----------
    path
        A file, a folder (read through), a glob, an archive, or a list of these.
    format
        Name of a format in `metrics.exports`; None finds it by content.
    rename
        Their names for columns to ours: ``{"kunde": "user_id"}`` or ``["kunde=user_id"]``.
    timezone
        Zone of times written without one: ``"Europe/Berlin"``. Of a local time
        that comes twice when the clocks go back the first is taken and counted;
        one that they skipped is rejected.
    stitch
        Give rows that have only an anonymous id to the known user who last used
        it at or before the row, else to the first one afterwards. Without, and
        where there is none, the anonymous id is the user.
    dedupe
        Of rows with the same event id keep the first received: the least
        `received_at` if there is such a column, else the first read. Without an
        event id nothing is a duplicate.
    max_refused
        Largest share of rejected rows that is accepted.
    **format_options
        For generic files: `delimiter`, `encoding`, `time_format`, and `event_name`
        where a file has no column for the event (a list of orders): the name of all.

    Returns
    -------
    EventLoad
        events    the event table, in time order (ties as read):
                  user_id str, event str, timestamp datetime64[us, UTC],
                  event_id and anonymous_id where known, properties
        account   stage, reason, rows, share;
                  read = kept + duplicate + system + rejected
        rejected  file, line, reason, the fields as they were written, and the
                  text of a line that was no record at all
        format    the format taken, and why

    Raises
    ------
    EventTableError
        A file is no export (a web page, cut short, without a time column, ids in
        the place of names, ...), no file has rows, more than `max_refused` of the
        rows are rejected, or none is left.
    ValueError
        An argument is wrong.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "visits.jsonl"
    >>> _ = file.write_text('{"user": 7, "event": "visit", "ts": 1767600000}\n{"user": 8, "event": ""}\n')
    >>> load_events(file, max_refused=0.5)
    EventLoad: 1 of 2 rows kept (0 duplicate, 0 system, 1 rejected), 1 user, generic (JSON objects)
    """
    check_share(max_refused)
    told = {"format": format, "rename": rename, "timezone": timezone, **format_options}
    asked = {**told, "stitch": stitch, "dedupe": dedupe, "max_refused": max_refused}

    def read() -> EventLoad:
        export = find_export(path, format, rename, timezone, format_options)
        return settle(export, export.parsed(), stitch=stitch, dedupe=dedupe, max_refused=max_refused)

    return kept("events", path, asked, read)


def settle(export: Export, parsed: Sequence[Parsed], *, stitch: bool, dedupe: bool, max_refused: float) -> EventLoad:
    """What only all rows together tell: which are there twice, whose they are, and whether too many are refused."""
    several = any(one.several for one in parsed)
    rows = concat([one.rows for one in parsed])
    rejected = pd.concat([one.rejected for one in parsed], ignore_index=True)
    system = added([one.system for one in parsed])
    rows, duplicate = without_duplicates(rows, dedupe=dedupe, several=several)
    duplicate = added([*(one.duplicate for one in parsed), duplicate])
    rows = rows.assign(user_id=_users(rows, parsed, stitch=stitch))
    rejected = rejected.sort_values(["file", "line"], kind="stable", ignore_index=True)

    places = rows.drop_duplicates([FILE, LINE]) if several else rows  # one row may be several events
    kept = {str(reason): int(n) for reason, n in places[NOTE].value_counts().items()}
    refused = {str(reason): int(n) for reason, n in rejected["reason"].value_counts().items()}
    stages = {"kept": kept, "duplicate": duplicate, "system": system, "rejected": refused}
    account = account_of(stages, export.empty)
    check_refused(account, rejected, max_refused=max_refused, name=export.name, noun="events")
    return EventLoad(_event_table(rows), account, rejected, export.how)


def _users(rows: pd.DataFrame, parsed: Sequence[Parsed], *, stitch: bool) -> pd.Series:
    if "anonymous_id" not in rows:
        return rows["user_id"]
    if not stitch:
        return rows["user_id"].fillna(rows["anonymous_id"])
    identities = [one.identities for one in parsed if one.identities is not None]
    return stitch_users(rows, pd.concat(identities, ignore_index=True) if identities else None)


def _event_table(rows: pd.DataFrame) -> pd.DataFrame:
    order = np.argsort(rows["timestamp"].astype("int64").to_numpy(), kind="stable")
    return rows[columns_of(map(str, rows))].iloc[order].reset_index(drop=True)


def columns_of(names: Iterable[str]) -> list[str]:
    """The columns of an event table, in their order, of rows that also have their place and what they are told by."""
    there = list(names)
    leading = [name for name in LEADING if name in there]
    return [*leading, *(name for name in there if name not in (*leading, *PLACE, KEY, RANK, WITHIN))]
