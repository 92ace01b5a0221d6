"""GA4: the BigQuery export, `events_YYYYMMDD` and `events_intraday_YYYYMMDD`, as JSON lines or Parquet.

What is odd: whole numbers are texts in JSON; parameters are a list of keys with one typed value each; `event_date` is
a day in the property's zone, `event_timestamp` an instant in microseconds; there is no event id, so that one is made
of what tells rows apart (where rows have no `batch_…` ids, before July 2024, of their parameters too). An intraday
table is replaced by the day's own table: of a day in both, its intraday rows are duplicates (this is the one thing that
only the name of a file tells). Rows without consent have no id of any kind.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import PurePath
from typing import Any

from metrics.exports import EVENTS, Parsed, Sample
from metrics.files import Source
from metrics.files.records import System, make, others, read_records, records_with

KEYS = (
    "user_pseudo_id", "event_name", "event_timestamp", "event_bundle_sequence_id", "batch_page_id",
    "batch_ordering_id", "batch_event_index",
)  # fmt: skip
BATCH = ("batch_page_id", "batch_ordering_id", "batch_event_index")
VALUES = ("string_value", "int_value", "float_value", "double_value")
USED = {"user_id", "user_pseudo_id", "event_name", "event_timestamp", "event_params"}
INTRADAY = "intraday"


def recognise(sample: Sample) -> str | None:
    """Rows have typed parameters and a time in microseconds."""
    wanted = {"event_params", "event_timestamp", "event_name"}
    if sample.most(lambda row: wanted - {"event_params"} <= row.keys()) and any(
        "event_params" in row for row in sample.records
    ):
        return "JSON with 'event_params' and 'event_timestamp'"
    return "a table with 'event_params' and 'event_timestamp'" if wanted <= sample.names else None


def before(sources: Sequence[Source]) -> set[str]:
    """Days that have a table of their own; of no use, and not looked for, where there is no intraday table."""
    daily = [source for source in sources if not _is_intraday(source.name)]
    if len(daily) == len(sources):
        return set()
    return {str(row["event_date"]) for row in records_with(daily, "event_date") if row.get("event_date") is not None}


def parse(sources: Sequence[Source], *, known: set[str]) -> Parsed:
    """Read daily and intraday tables together."""
    readers = {True: partial(_row, known), False: partial(_row, set())}
    made = make([(one.name, read_records(one), readers[_is_intraday(one.name)]) for one in sources], EVENTS)
    again = made.system.pop(REPLACED, 0)
    return Parsed(made.rows, made.rejected, made.system, duplicate={REPLACED: again} if again else {})


REPLACED = "intraday row of a day that has its own table"


def _is_intraday(name: str) -> bool:
    return INTRADAY in PurePath(name).name.lower()


def _row(replaced: set[str], row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if str(row.get("event_date")) in replaced:
        yield System(REPLACED)
        return
    user, device = row.get("user_id") or None, row.get("user_pseudo_id") or None
    if user is None and device is None:
        yield System("no consent: neither user_id nor user_pseudo_id")
        return
    listed = _listed(row.get("event_params"))
    told = "|".join("" if row.get(name) is None else str(row[name]) for name in KEYS)
    if not any(name in row for name in BATCH):
        told += json.dumps([_parameters(listed), _listed(row.get("items"))], sort_keys=True, default=str)
    rest = {name: value for name, value in row.items() if name not in USED and name not in KEYS}
    yield {
        "user_id": user,
        "anonymous_id": device,
        "event": row["event_name"],
        "timestamp": int(row["event_timestamp"]),
        "event_id": hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest(),
        **others(rest, ()),
        "properties": _parameters(listed),
    }


def _listed(values: Any) -> list[Any]:
    """A list, also where Parquet writes it as BigQuery does: in an object `list` of objects `element`."""
    if isinstance(values, dict):
        values = values["list"]
        return [one.get("element", one.get("item", one)) for one in values or []]
    return list(values or [])


def _parameters(listed: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {one["key"]: _value(one.get("value") or {}) for one in listed}


def _value(typed: dict[str, Any]) -> Any:
    for kind in VALUES:
        if typed.get(kind) is not None:
            value = typed[kind]
            return int(value) if kind == "int_value" else value if kind == "string_value" else float(value)
    return None
