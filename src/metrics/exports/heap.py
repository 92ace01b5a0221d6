"""Heap Connect: tables as CSV or Parquet, `all_events`, one a named event, `users`, `user_migrations`.

What is odd: ids have up to 19 digits and are no floats; one click can be several events, so that the key is event id
and table; who somebody is stands in `users.identity`, and `user_migrations` says which ids became one. Times are UTC.
The table of one event has no column for its name: there the name is that of the file, or of its folder where the file
is only a part of it.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

from metrics.exports import EVENTS, KEY, RANK, Parsed, Sample
from metrics.files import Source
from metrics.files.records import System, make, others, read_records, records_with

USED = {"event_id", "user_id", "time", "event_table_name"}
PART = re.compile(r"(part|data)?[-_]?\d[\d_-]*(-[0-9a-f-]{8,}.*)?", re.IGNORECASE)
ALWAYS = "1990-01-01T00:00:00Z"  # an identity holds for all events of a user, also those before it


def recognise(sample: Sample) -> str | None:
    """The columns of one of Heap's tables."""
    kind = _kind(sample.names)
    return None if kind is None else f"the columns of Heap's {kind}"


def _kind(names: frozenset[str] | set[str]) -> str | None:
    if "event_table_name" in names:
        return "all_events"
    if {"from_user_id", "to_user_id"} <= names:
        return "user_migrations"
    own = "session_time" in names or not names & {"event", "event_name", "timestamp"}
    if {"event_id", "user_id", "session_id", "time"} <= names and own:
        return "event table"
    if {"user_id", "session_id", "time", "library"} <= names and "event_id" not in names:
        return "sessions"
    if {"user_id", "identity"} <= names and not names & {"event", "event_name", "timestamp", "time"}:
        return "users"
    return None


def before(sources: Sequence[Source]) -> tuple[dict[str, Any], dict[str, str]]:
    """Who is who by `users`, and which ids became one by `user_migrations`."""
    identity: dict[str, Any] = {}
    moved: dict[str, str] = {}
    for source in sources:
        kind = _kind(Sample.of(source).names)
        for row in records_with([source]) if kind in ("users", "user_migrations") else ():
            if kind == "users" and row.get("identity"):
                identity[str(row["user_id"])] = row["identity"]
            elif kind == "user_migrations":
                moved[str(row["from_user_id"])] = str(row["to_user_id"])
    return identity, moved


def parse(sources: Sequence[Source], *, known: tuple[dict[str, Any], dict[str, str]]) -> Parsed:
    """Read all tables together."""
    readers = []
    for source in sources:
        raw = read_records(source)
        kind = _kind({name for record in raw.records for name in record})
        table = _table(source.name)
        readers.append((source.name, raw, partial(_row, kind, table, *known)))
    made = make(readers, EVENTS)
    return Parsed(made.rows, made.rejected, made.system, made.identities)


def _table(name: str) -> str:
    """Which table a file holds, by its name; that of a part (``part-0001.csv``, ``000000_0``) says nothing."""
    path = PurePath(name)
    stem = path.name.partition(".")[0]
    return path.parent.name if PART.fullmatch(stem) and path.parent.name else stem


def _row(
    kind: str | None, table: str, identity: dict[str, Any], moved: dict[str, str], row: dict[str, Any]
) -> Iterator[dict[str, Any] | System]:
    if kind == "users":
        yield System("row of users is no event", row["user_id"], row.get("identity"), ALWAYS)
        return
    if kind == "user_migrations":
        last = _last(str(row["from_user_id"]), moved)
        yield System("row of user_migrations is no event", row["from_user_id"], identity.get(last, last), ALWAYS)
        return
    if kind == "sessions":
        yield System("row of sessions is no event")
        return
    event = row["event_table_name"] if kind == "all_events" else table
    yield {
        "user_id": None,
        "anonymous_id": row["user_id"],
        "event": event,
        "timestamp": row["time"],
        "event_id": f"{row['event_id']}:{event}",
        KEY: f"{row['event_id']}:{event}",
        RANK: 1 if kind == "all_events" else 0,  # the event's own table has its properties
        **others(row, USED),
    }


def _last(user: str, moved: dict[str, str]) -> str:
    """Who a user became in the end."""
    seen = set()
    while user in moved and user not in seen:
        seen.add(user)
        user = moved[user]
    return user
