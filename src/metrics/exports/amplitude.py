"""Amplitude: the Export API (a ZIP of gzipped JSON lines) and its copies in S3.

What is odd: a file holds what was uploaded in its hour, so that a day's events sit in later files; `.json.gz` may be
a ZIP inside; `event_time` is UTC without saying so, `client_event_time` is the device's own clock and is not used.
A row sent twice has the same `$insert_id` and device within 7 days, the one that the server received first is kept;
without an `$insert_id` the `uuid` is the key. Where there is no device the vendor's own `amplitude_id` stands for it.
`$identify` and `$groupidentify` are no events, they say who a device belongs to; nor are the merged Amplitude ids that
lie beside the events in S3.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from metrics.exports import EVENTS, KEY, RANK, WITHIN, Parsed, Sample
from metrics.files import Source
from metrics.files.records import System, make, others, read_records

WINDOW_DAYS = 7  # in which the vendor takes a repeated $insert_id for the same event
SYSTEM = ("$identify", "$groupidentify")
MERGED = {"amplitude_id", "merged_amplitude_id"}
USED = {"event_type", "user_id", "device_id", "event_time", "$insert_id", "uuid", "event_properties"}


def recognise(sample: Sample) -> str | None:
    """Rows have an event type, and an insert id or an Amplitude id."""
    if sample.most(lambda row: "event_type" in row and ("$insert_id" in row or "amplitude_id" in row)):
        return "JSON with 'event_type' and '$insert_id' or 'amplitude_id'"
    if sample.most(lambda row: row.keys() >= MERGED):
        return "JSON with 'merged_amplitude_id'"
    return None


def parse(sources: Sequence[Source]) -> Parsed:
    """Read all files as one export."""
    made = make([(source.name, read_records(source), _row) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system, made.identities)


def _row(row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if row.keys() >= MERGED and "event_type" not in row:
        yield System("row of merged ids is no event")
        return
    user, time = row.get("user_id") or None, row.get("event_time")
    device = row.get("device_id") or row.get("amplitude_id") or None
    if row["event_type"] in SYSTEM:
        yield System(f"{row['event_type']} is no event", device, user, time)
        return
    inserted = row.get("$insert_id") or None
    yield {
        "user_id": user,
        "anonymous_id": device,
        "event": row["event_type"],
        "timestamp": time,
        "event_id": inserted or row.get("uuid"),
        KEY: f"{inserted}|{device}" if inserted else row.get("uuid"),
        WITHIN: WINDOW_DAYS,
        RANK: _received(row.get("server_received_time") or row.get("server_upload_time")),
        **others(row, USED),
        "properties": row.get("event_properties") or {},
    }


def _received(time: Any) -> float | None:
    """When the server received a row, as a number to be compared by; nothing where that is not told."""
    try:
        return datetime.fromisoformat(time).replace(tzinfo=None).timestamp()
    except (TypeError, ValueError):
        return None
