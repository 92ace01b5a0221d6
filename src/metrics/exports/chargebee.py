"""Chargebee: the log of MRR changes (`subscription_mrr_changes`) as CSV, Parquet or JSON lines.

What is odd: a row says from when on something holds (`record_start_at`) and when that was written down
(`record_recorded_at`), so that the past can be restated; a state ends where the next one of its subscription begins.
`mrr` is the amount after the change, in the unit of the export: say `minor_units=True` where it counts cents.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import pandas as pd

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source
from metrics.files.amounts import major
from metrics.files.column import Column
from metrics.files.records import Raw, System, filled, make, read_records

WANTED = {"subscription_id", "mrr", "record_start_at", "record_recorded_at"}
STATUS = {
    "in_trial": "trialing", "active": "active", "non_renewing": "active", "paused": "paused", "dunning": "past_due",
    "transferred": "active",
}  # fmt: skip


def recognise(sample: Sample) -> str | None:
    """From when on a change holds, and when it was recorded."""
    if sample.names >= WANTED or sample.most(lambda row: row.keys() >= WANTED):
        return "the columns of Chargebee's MRR changes"
    return None


def parse(sources: Sequence[Source], *, minor_units: bool = False) -> Parsed:
    """One event a change of MRR or status."""
    read = partial(_event, minor_units in (True, "true", "True"))
    made = make([(source.name, read_records(source), read) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system)


def subscriptions(sources: Sequence[Source], columns: Sequence[Column], *, minor_units: bool = False) -> Parsed:
    """The states of each subscription with their MRR, as they were recorded."""
    files = [(source.name, read_records(source)) for source in sources]
    ends = _ends([raw for _, raw in files])
    read = partial(_state, minor_units in (True, "true", "True"), ends)
    made = make([(name, raw, read) for name, raw in files], [*columns, *EVENTS[5:]])
    return Parsed(made.rows, made.rejected, made.system)


def _ends(files: Sequence[Raw]) -> dict[tuple[str, str], str]:
    """Of each subscription and start the next start."""
    starts: dict[str, set[str]] = {}
    for raw in files:
        for row in raw.records:
            starts.setdefault(str(row.get("subscription_id")), set()).add(str(row.get("record_start_at")))
    ends = {}
    for subscription, times in starts.items():
        ordered = sorted(times, key=_moment)
        ends.update({(subscription, one): other for one, other in pairwise(ordered)})
    return ends


def _moment(text: str) -> pd.Timestamp:
    number = float(text) if text.replace(".", "", 1).isdecimal() else None
    if number is not None:
        return pd.Timestamp(number, unit="s" if number < 1e11 else "ms", tz="UTC")
    found = pd.to_datetime(text, utc=True, errors="coerce")
    return found if isinstance(found, pd.Timestamp) else pd.Timestamp("1990-01-01", tz="UTC")


def _mrr(row: dict[str, Any], minor_units: bool) -> float | None:
    if row.get("mrr") is None:
        return None
    return major(row["mrr"], _currency(row) or "") if minor_units else float(row["mrr"])


def _currency(row: dict[str, Any]) -> Any:
    return row.get("currency_code") or row.get("currency")


def _key(row: dict[str, Any]) -> str:
    return f"{row['subscription_id']}|{row['record_start_at']}|{row['record_recorded_at']}"


def _event(minor_units: bool, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    status = row.get("status")
    changed = status != row.get("status_previous") and "status_previous" in row
    told = {"mrr": _mrr(row, minor_units), "status": status, "status_previous": row.get("status_previous")}
    yield {
        "user_id": row.get("customer_id") or row["subscription_id"],
        "event": f"subscription_{status}" if changed and status else "subscription_mrr_changed",
        "timestamp": row["record_start_at"],
        "event_id": _key(row),
        KEY: _key(row),
        "properties": filled({"subscription_id": row["subscription_id"], "currency": _currency(row), **told}),
    }


def _state(
    minor_units: bool, ends: dict[tuple[str, str], str], row: dict[str, Any]
) -> Iterator[dict[str, Any] | System]:
    status = str(row.get("status") or "active").lower()
    if status not in STATUS:
        yield System(f"{status}: ends the state before it")
        return
    yield {
        "customer_id": row.get("customer_id") or row["subscription_id"],
        "subscription_id": row["subscription_id"],
        "start": row["record_start_at"],
        "end": ends.get((str(row["subscription_id"]), str(row["record_start_at"]))),
        "status": STATUS[status],
        "mrr": _mrr(row, minor_units),
        "currency": _currency(row),
        "recorded_at": row["record_recorded_at"],
        "plan_id": row.get("plan_id") or row.get("item_price_id"),
        KEY: _key(row),
    }
