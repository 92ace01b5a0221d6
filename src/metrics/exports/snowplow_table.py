"""Snowplow's table of events (`atomic.events`) as a warehouse exports it: CSV, TSV, Parquet or JSON with names.

What is odd: the names are in capitals where they come from Snowflake; a self-describing event has a column of its own,
``unstruct_event_`` with vendor, name and version, in which its properties stand as JSON without an envelope (BigQuery
has a struct there, Redshift a table of its own, which is not read). Times are UTC and do not say so. What rows mean is
the same as in the enriched stream.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.exports.snowplow import USED
from metrics.files import Source
from metrics.files.json_records import mended
from metrics.files.records import System, make, others, read_records

NEEDED = {"event_id", "collector_tstamp", "derived_tstamp", "event_name"}
DESCRIBED = "unstruct_event_"


def recognise(sample: Sample) -> str | None:
    """The columns of a Snowplow event by their names."""
    if {name.lower() for name in sample.names} >= NEEDED:
        return "the columns of Snowplow's table of events"
    if sample.most(lambda row: {name.lower() for name in row} >= NEEDED):
        return "JSON with the keys of Snowplow's table of events"
    return None


def parse(sources: Sequence[Source]) -> Parsed:
    """Read all files as one export."""
    made = make([(source.name, read_records(source), _row) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system, made.identities)


def _row(written: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    row = {name.lower(): value for name, value in written.items()}
    name = row.get("event_name") or row.get("event")
    if row.get("event") == "struct":
        name = row.get("se_action") or name
    described = {name: value for name, value in row.items() if name.startswith(DESCRIBED) and value is not None}
    yield {
        "user_id": row.get("user_id"),
        "anonymous_id": row.get("domain_userid"),
        "event": name,
        "timestamp": _moment(row.get("derived_tstamp") or row.get("collector_tstamp")),
        "event_id": row["event_id"],
        KEY: f"{row['event_id']}:{row.get('event_fingerprint') or ''}",
        **others(row, USED | set(described)),
        "properties": {key: value for name, text in described.items() for key, value in _told(name, text).items()},
    }


def _moment(time: Any) -> Any:
    """A time without the zone that BigQuery writes behind it, which is that of all."""
    return time.removesuffix(" UTC") if isinstance(time, str) else time


def _told(name: str, value: Any) -> dict[str, Any]:
    """The properties of a self-describing event; what is no object stays as it is."""
    told = value
    if isinstance(value, str):
        try:
            told = mended(json.loads(value), value)
        except (ValueError, RecursionError):
            told = None
    if not isinstance(told, dict):
        return {name: value}
    return {key: one for key, one in told.items() if one is not None}
