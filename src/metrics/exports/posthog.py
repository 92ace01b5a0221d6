"""PostHog: batch and file exports, Parquet or JSON lines, and pages of the events API.

What is odd: `properties` is text in Parquet and an object in JSON lines; `distinct_id` is a device before somebody is
identified and a user after, and `person_id` is frozen at ingestion, so that people are put together again from
`$identify` (its `$anon_distinct_id`). A retry repeats whole files: `uuid` is the key, which the API calls `id`.
`$identify`, `$create_alias`, `$merge_dangerously`, `$set` and `$groupidentify` are no events.
"""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source
from metrics.files.json_records import mended
from metrics.files.records import System, make, others, read_records, records_with

SYSTEM = ("$identify", "$create_alias", "$merge_dangerously", "$groupidentify", "$set")
WANTED = {"uuid", "distinct_id", "event"}
PAGE = {"id", "distinct_id", "event", "properties", "elements_chain"}
USED = {"uuid", "event", "distinct_id", "timestamp", "properties"}


def recognise(sample: Sample) -> str | None:
    """Rows have a uuid, a distinct id and an event."""
    if sample.most(lambda row: row.keys() >= WANTED):
        return "JSON with 'uuid', 'distinct_id' and 'event'"
    if sample.most(lambda row: row.keys() >= PAGE):
        return "JSON with 'id', 'distinct_id', 'event' and 'elements_chain'"
    if sample.names >= WANTED and sample.names & {"properties", "_inserted_at", "person_id", "team_id"}:
        return "a table with 'uuid', 'distinct_id' and 'event'"
    return None


def before(sources: Sequence[Source]) -> set[str]:
    """Ids that were anonymous before somebody was identified."""
    devices = set()
    for record in records_with(sources, "$identify"):
        if record.get("event") == "$identify":
            devices.add(str(_opened(record.get("properties")).get("$anon_distinct_id")))
    return devices


def parse(sources: Sequence[Source], *, known: set[str]) -> Parsed:
    """Read all files as one export."""
    made = make([(source.name, read_records(source), partial(_row, known)) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system, made.identities)


def _opened(properties: Any) -> dict[str, Any]:
    if isinstance(properties, str):
        try:
            properties = mended(json.loads(properties), properties)
        except (ValueError, RecursionError):
            return {"properties_as_written": properties}
    return properties if isinstance(properties, dict) else {}


def _row(devices: set[str], row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    properties, who = _opened(row.get("properties")), row["distinct_id"]
    if row["event"] in SYSTEM:
        device = properties.get("$anon_distinct_id") or properties.get("alias")
        yield System(f"{row['event']} is no event", device, who, row.get("timestamp"))
        return
    device = properties.get("$device_id")
    uuid = row["uuid"] if "uuid" in row else row["id"]
    anonymous = who is not None and (
        who == device or str(who) in devices or properties.get("$is_identified") in (False, "false")
    )
    yield {
        "user_id": None if anonymous else who,
        "anonymous_id": who if anonymous else device,
        "event": row["event"],
        "timestamp": row.get("timestamp"),
        "event_id": uuid,
        KEY: uuid,
        **others(row, USED if "uuid" in row else {*USED, "id"}),
        "properties": properties,
    }
