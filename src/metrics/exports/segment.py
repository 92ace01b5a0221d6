"""Segment and RudderStack: logs as JSON lines (S3), and the tables of a warehouse as CSV or Parquet.

What is odd: `originalTimestamp` is the device's clock; the time of an event is `timestamp`, which is receivedAt -
(sentAt - originalTimestamp). A message is delivered at least once and has one `messageId`. `userId` may be "".
Page and screen calls are events under the name of the call; identify, alias and group are not, they say who somebody
is. In a warehouse `tracks` has no properties, and the table of each event has: of a message in both the row with the
properties is kept. `event` is a slug there, `event_text` the name. `received_at` and `uuid_ts` are not event times.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

import pandas as pd

from metrics.exports import EVENTS, KEY, RANK, Parsed, Sample
from metrics.files import Source
from metrics.files.records import System, filled, make, others, read_records

PAGE, SCREEN = "Page Viewed", "Screen Viewed"
CALLS = {"page": PAGE, "screen": SCREEN}
TYPES = {"track", "page", "screen", "identify", "alias", "group"}
STAMPED = {"type", "receivedAt", "originalTimestamp"}
NAMED = {"pages": PAGE, "screens": SCREEN}
CALLS_OF = {"identifies": "identify", "groups": "group", "aliases": "alias"}
WAREHOUSE = {"id", "received_at", "timestamp"}
USED = {"id", "anonymous_id", "user_id", "event", "event_text", "timestamp", "uuid_ts"}


def recognise(sample: Sample) -> str | None:
    """Logs by their keys, tables by their columns."""
    if sample.most(lambda row: "messageId" in row and (row.get("type") in TYPES or row.keys() >= STAMPED)):
        return "JSON with 'messageId' and 'type'"
    kind = _kind(sample.names)
    return None if kind is None else f"the columns of a warehouse's {kind}"


def parse(sources: Sequence[Source]) -> Parsed:
    """Read logs, or all tables of a warehouse."""
    files = []
    for source in sources:
        raw = read_records(source)
        names = {name for record in raw.records for name in record}
        kind = None if "messageId" in names else _kind(names)
        if kind == "identifies" and PurePath(source.name).name.lower().startswith("screens"):
            kind = "screens"  # nothing else tells screens without properties from traits
        files.append((source.name, raw, _message if kind is None else partial(_table_row, kind)))
    made = make(files, EVENTS)
    return Parsed(_received(made.rows), made.rejected, made.system, made.identities)


def _kind(names: set[str] | frozenset[str]) -> str | None:
    """Which table of a warehouse has these columns."""
    low = {name.lower() for name in names}
    if {"id", "received_at", "uuid_ts"} <= low and not low & {"event", "anonymous_id", "user_id"}:
        return "users"
    if {"table_name", "column_name", "column_value", "row_id"} <= low:
        return "discards"
    if not low >= WAREHOUSE or not low & {"anonymous_id", "user_id"}:
        return None
    if "event_text" in low:
        return "tracks" if "uuid_ts" in low and not _own(low) else "event table"
    if "event" in low:
        return None
    if {"url", "path"} <= low:
        return "pages"
    if "group_id" in low or "previous_id" in low:
        return "groups" if "group_id" in low else "aliases"
    if "anonymous_id" in low and "user_id" in low:
        return "identifies"
    return None


def _own(low: set[str]) -> set[str]:
    """Columns that are neither the warehouse's nor context."""
    known = USED | WAREHOUSE | {"original_timestamp", "sent_at", "channel"}
    return {name for name in low if name not in known and not name.startswith("context_")}


def _message(row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    user, device, time = row.get("userId") or None, row.get("anonymousId") or None, _time(row)
    call = row["type"]
    if call not in CALLS and call != "track":
        yield System(f"{call} call is no event", row.get("previousId") if call == "alias" else device, user, time)
        return
    properties = row.get("properties") or {}
    named = {"name": row["name"]} if call in CALLS and row.get("name") and "name" not in properties else {}
    yield {
        "user_id": user,
        "anonymous_id": device,
        "event": CALLS.get(call) or row.get("event"),
        "timestamp": time,
        "event_id": row["messageId"],
        KEY: row["messageId"],
        "received_at": row.get("receivedAt"),
        **filled({name: row.get(name) for name in ("channel", "context")}),
        "properties": {**named, **properties},
    }


def _time(row: dict[str, Any]) -> Any:
    if row.get("timestamp"):
        return row["timestamp"]
    stamps = [pd.Timestamp(row[name]) for name in ("receivedAt", "sentAt", "originalTimestamp") if row.get(name)]
    if len(stamps) < 3:
        return row.get("receivedAt")
    received, sent, original = stamps
    return (received - (sent - original)).isoformat()


def _table_row(kind: str, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    row = {name.lower(): value for name, value in row.items()}
    user, device, time = row.get("user_id"), row.get("anonymous_id"), row.get("timestamp")
    if kind in CALLS_OF:
        yield System(f"{CALLS_OF[kind]} call is no event", row.get("previous_id") or device, user, time)
        return
    if kind in ("users", "discards"):
        yield System(f"row of {kind} is no event")
        return
    yield {
        "user_id": user,
        "anonymous_id": device,
        "event": NAMED.get(kind) or row["event_text"],
        "timestamp": time,
        "event_id": row["id"],
        KEY: row["id"],
        RANK: 1 if kind == "tracks" else 0,  # of a message in two tables the one with the properties
        **others(row, USED),
    }


def _received(rows: pd.DataFrame) -> pd.DataFrame:
    """When a row was received, as a time; of a message that came twice the first received is kept."""
    if "received_at" not in rows:
        return rows
    received = pd.to_datetime(rows["received_at"], utc=True, errors="coerce", format="ISO8601").dt.as_unit("us")
    return rows.assign(received_at=received)
