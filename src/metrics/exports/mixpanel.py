"""Mixpanel: the raw export, JSON lines.

What is odd: the export is not deduplicated. Rows with the same event, distinct id, `$insert_id` and day are one, of
which the one processed last is kept. Times are seconds, or milliseconds with `time_in_ms`. Projects from before 2023
store the clock of the project as if it were UTC: say `project_timezone`, for the file does not tell. `distinct_id` is
``$device:…`` before somebody logs in. `$identify`, `$create_alias` and `$merge` are no events.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd

from metrics.exports import EVENTS, KEY, RANK, Parsed, Sample
from metrics.files import Source
from metrics.files.records import System, make, read_records
from metrics.periods import zone

DEVICE = "$device:"
IDENTITY = ("$identify", "$create_alias", "$merge")
USED = {"time", "$insert_id", "$user_id", "$device_id"}
MILLISECONDS = 1e11  # a time from here on is not in seconds


def recognise(sample: Sample) -> str | None:
    """Rows have an event, and properties with a time."""

    def holds(row: dict[str, Any]) -> bool:
        properties = row.get("properties")
        return "event" in row and isinstance(properties, dict) and "time" in properties and "uuid" not in row

    return "JSON with 'event' and 'properties.time'" if sample.most(holds) else None


def parse(sources: Sequence[Source], *, project_timezone: str | None = None) -> Parsed:
    """Read all files; with `project_timezone` their times are the clock of that zone (projects from before 2023)."""
    if project_timezone is not None:
        zone(project_timezone, "project_timezone")
    read = partial(_row, local=project_timezone is not None)
    files = [(source.name, read_records(source), read) for source in sources]
    made = make(files, EVENTS, timezone=project_timezone or "UTC")
    return Parsed(made.rows, made.rejected, made.system, made.identities)


def _row(row: dict[str, Any], *, local: bool) -> Iterator[dict[str, Any] | System]:
    properties = row["properties"]
    time = _clock(properties["time"]) if local else properties["time"]
    if row["event"] in IDENTITY:
        yield System(f"{row['event']} is no event", *_tied(row["event"], properties), time)
        return
    distinct, inserted = properties.get("distinct_id"), properties.get("$insert_id")
    day = str(_clock(properties["time"]))[:10]
    processed = properties.get("mp_processing_time_ms")
    yield {
        "user_id": _user(properties),
        "anonymous_id": _plain(properties.get("$device_id")) or _anonymous(distinct),
        "event": row["event"],
        "timestamp": time,
        "event_id": inserted,
        KEY: f"{row['event']}|{distinct}|{day}|{inserted}" if inserted else None,
        RANK: None if processed is None else -float(processed),
        "properties": {name: value for name, value in properties.items() if name not in USED},
    }


def _clock(time: Any) -> Any:
    """What a clock shows at this many seconds or milliseconds; anything else as it is, to be refused."""
    try:
        number = float(time)
    except (TypeError, ValueError):
        return time
    unit = "ms" if abs(number) >= MILLISECONDS else "s"
    return pd.Timestamp(int(number) if number == int(number) else number, unit=unit).isoformat(sep=" ")


def _user(properties: dict[str, Any]) -> Any:
    """The known user; an older project has no `$user_id`, there a distinct id that is no device's is one."""
    if properties.get("$user_id"):
        return properties["$user_id"]
    distinct = properties.get("distinct_id")
    if not distinct or str(distinct).startswith(DEVICE) or distinct == properties.get("$device_id"):
        return None
    return distinct


def _anonymous(distinct: Any) -> Any:
    return _plain(distinct) if str(distinct).startswith(DEVICE) else None


def _plain(device: Any) -> Any:
    return str(device).removeprefix(DEVICE) if device else None


def _tied(event: str, properties: dict[str, Any]) -> tuple[Any, Any]:
    """Device and user that a row ties together."""
    if event == "$identify":
        return _plain(properties.get("$anon_id") or properties.get("$anon_distinct_id")), (
            properties.get("$identified_id") or properties.get("$user_id") or _user(properties)
        )
    if event == "$create_alias":
        return _plain(properties.get("distinct_id")), properties.get("alias")
    both = [str(one) for one in properties.get("$distinct_ids") or []]
    devices = [one for one in both if one.startswith(DEVICE)]
    users = [one for one in both if not one.startswith(DEVICE)]
    return (_plain(devices[0]), users[0]) if len(devices) == 1 and len(users) == 1 else (None, None)
