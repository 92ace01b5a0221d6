"""Loading: from export files to the event table, and the account of every row on the way.

Rows that can be of no use are rejected first, then duplicates go, then rows are
stitched to users. Nothing is dropped without being counted.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from metrics import exports
from metrics.events.account import account_of, added, check_refused
from metrics.events.duplicates import without_duplicates
from metrics.events.stitching import stitch_users
from metrics.exports import KEY, RANK, Parsed
from metrics.files import EventTableError, PathLike, find_sources, refuse_all
from metrics.files.names import Rename, read_rename
from metrics.files.reading import concat
from metrics.files.shaping import FILE, LINE, NOTE, PLACE
from metrics.periods import zone

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
    load.events.attrs["account"] = load.account.to_dict("records")
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
    whatever the case and punctuation; all others are kept as properties.

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
        A file is no export (a web page, cut short, without a time column, ...),
        more than `max_refused` of the rows are rejected, or none is left.
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
    if timezone is not None:
        zone(timezone, "timezone")
    if not 0 <= max_refused <= 1:
        raise ValueError(f"max_refused: {max_refused!r} is not a share. Use a number from 0 to 1, such as 0.01.")
    sources = find_sources(path)
    chosen = exports.choose(sources, format)
    declared = {"rename": read_rename(rename), "timezone": timezone, **format_options}
    given = {name: value for name, value in declared.items() if value is not None}
    exports.check_options([one for one, _, _ in chosen], given)
    parsed: list[Parsed] = []
    errors: list[EventTableError] = []
    for one, _, files in chosen:
        try:
            parsed.append(one.parse(files, **{name: value for name, value in given.items() if name in one.options}))
        except EventTableError as error:
            errors.append(error)
    if errors:
        raise refuse_all(errors)

    several = any(one.several for one in parsed)
    rows = concat([one.rows for one in parsed])
    rejected = pd.concat([one.rejected for one in parsed], ignore_index=True)
    system = added([one.system for one in parsed])

    nobody = rows["user_id"].isna()
    if "anonymous_id" in rows:
        nobody &= rows["anonymous_id"].isna()
    if nobody.any():
        rejected = pd.concat([rejected, _rejected(rows[nobody], "no user_id")], ignore_index=True)
        rows = rows[~nobody].reset_index(drop=True)
    rows, duplicate = without_duplicates(rows, dedupe=dedupe, several=several)
    duplicate = added([*(one.duplicate for one in parsed), duplicate])
    rows = rows.assign(user_id=_users(rows, parsed, stitch=stitch))
    rejected = rejected.sort_values(["file", "line"], kind="stable", ignore_index=True)

    places = rows.drop_duplicates([FILE, LINE]) if several else rows  # one row may be several events
    kept = {str(reason): int(n) for reason, n in places[NOTE].value_counts().items()}
    refused = {str(reason): int(n) for reason, n in rejected["reason"].value_counts().items()}
    account = account_of({"kept": kept, "duplicate": duplicate, "system": system, "rejected": refused})
    name = sources[0].name if len(sources) == 1 else _name_of(path)
    check_refused(account, rejected, max_refused=max_refused, name=name, noun="events")
    how = ", ".join(f"{one.name} ({reason})" for one, reason, _ in chosen)
    return EventLoad(_event_table(rows), account, rejected, how)


def _users(rows: pd.DataFrame, parsed: Sequence[Parsed], *, stitch: bool) -> pd.Series:
    if "anonymous_id" not in rows:
        return rows["user_id"]
    if not stitch:
        return rows["user_id"].fillna(rows["anonymous_id"])
    identities = [one.identities for one in parsed if one.identities is not None]
    return stitch_users(rows, pd.concat(identities, ignore_index=True) if identities else None)


def _rejected(rows: pd.DataFrame, reason: str) -> pd.DataFrame:
    stamps = rows["timestamp"].dt.strftime("%Y-%m-%dT%H:%M:%S.%fZ").astype("str")
    return (
        rows[[FILE, LINE]]
        .set_axis(["file", "line"], axis=1)
        .assign(reason=reason, user_id=rows["user_id"], event=rows["event"], timestamp=stamps, text=None)
    )


def _event_table(rows: pd.DataFrame) -> pd.DataFrame:
    order = np.argsort(rows["timestamp"].astype("int64").to_numpy(), kind="stable")
    names = [name for name in LEADING if name in rows]
    properties = [name for name in rows if name not in (*names, *PLACE, KEY, RANK)]
    return rows[[*names, *properties]].iloc[order].reset_index(drop=True)


def _name_of(path: PathLike | Sequence[PathLike]) -> str:
    if isinstance(path, (str, os.PathLike)):
        return str(path)
    return str(path[0]) if len(path) == 1 else f"{len(path)} paths"
