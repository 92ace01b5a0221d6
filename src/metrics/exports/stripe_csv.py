"""Stripe, the dashboard's export of subscriptions as CSV.

What is odd: which columns there are is chosen by who exports. `Canceled At` is when somebody asked, `Ended At` when it
ended; `Status` of one that will be cancelled at the period's end is still active. Incomplete ones never started, a
trial that ends with its subscription never paid. `Interval` hides how many: a plan that calls itself quarterly is
taken for three months. Amounts are in major units, one of them times `Quantity`. A subscription may be listed twice.
Times are on the clock that their columns name, ``(UTC)`` or another zone; where they name none, or one that could be
several (``(EST)``), say `account_timezone`.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import pandas as pd

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source, refuse
from metrics.files.amounts import minor, number
from metrics.files.column import Column
from metrics.files.records import NotRead, Raw, System, make, read_records
from metrics.files.shaping import NO_NUMBER
from metrics.periods import zone

MONTHS = {"month": 1.0, "year": 12.0, "week": 12 / 52, "day": 12 / 365}
LONGER = {3: r"quarter|3[ -]?month|three[ -]month", 6: r"half[ -]?year|semi[ -]?annual|6[ -]?month|six[ -]month"}
REQUESTED = Column("cancel_requested_at", "time", required=False, filled=False)
TIMES = {
    "Created", "Start", "Start Date", "Current Period Start", "Current Period End", "Trial Start", "Trial End",
    "Canceled At", "Ended At",
}  # fmt: skip
NEVER = ("incomplete", "incomplete_expired")


def recognise(sample: Sample) -> str | None:
    """The customer's id and when the subscription was canceled."""
    plain = {_clock(name)[0] for name in sample.names}
    if {"Customer ID", "Status"} <= sample.names and plain & {"Canceled At", "Ended At"}:
        return "the columns of Stripe's subscriptions"
    return None


def parse(sources: Sequence[Source], *, account_timezone: str | None = None) -> Parsed:
    """What happened to each subscription: started, cancellation requested, ended."""
    made = make([(source.name, _read(source, account_timezone), _events) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system, several=True)


def subscriptions(
    sources: Sequence[Source], columns: Sequence[Column], *, account_timezone: str | None = None
) -> Parsed:
    """The states of each subscription: a trial, then what is paid for."""
    files = [(source.name, _read(source, account_timezone), _states) for source in sources]
    made = make(files, [*columns, REQUESTED, *EVENTS[5:]])
    return Parsed(made.rows, made.rejected, made.system, several=True)


def _clock(name: str) -> tuple[str, str | None]:
    """A column of times without the zone that it names, and that zone; other columns as they are."""
    found = re.fullmatch(r"(.*?)(?: \((.+)\))?", name)
    plain, clock = (found[1], found[2]) if found else (name, None)
    plain = {"Created date": "Created", "Cancelled At": "Canceled At"}.get(plain, plain)
    return (plain, clock) if plain in TIMES else (name, None)


def _read(source: Source, account_timezone: str | None) -> Raw:
    """Records with all times in UTC, and their columns called so."""
    raw = read_records(source)
    if account_timezone is not None:
        zone(account_timezone, "account_timezone")
    names = {name: _clock(name) for record in raw.records for name in record} if raw.records else {}
    names = {name: told for name, told in names.items() if told[0] in TIMES and name != f"{told[0]} (UTC)"}
    if not names:
        return raw
    clocks: dict[str, ZoneInfo] = {}
    for name, (_, clock) in names.items():
        told = "UTC" if clock == "GMT" else clock if clock == "UTC" or "/" in str(clock) else account_timezone
        if told not in available_timezones():
            fact = f"column {name!r} holds times of which it is not sure in which zone they are"
            raise refuse(source.name, fact, "Say account_timezone='America/New_York' or another.")
        clocks[name] = ZoneInfo(str(told))
    records = [
        {
            **{name: value for name, value in record.items() if name not in names},
            **{f"{names[name][0]} (UTC)": _utc(record.get(name), clock) for name, clock in clocks.items()},
        }
        for record in raw.records
    ]
    return raw._replace(records=records)


def _utc(time: Any, clock: ZoneInfo) -> Any:
    """A time on this clock, in UTC; what cannot be read is left to be refused."""
    try:
        return datetime.fromisoformat(time).replace(tzinfo=clock).astimezone(UTC).isoformat(" ")
    except (TypeError, ValueError, OverflowError):
        return time


def _events(row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if row["Status"] in NEVER:
        yield System(f"{row['Status'].replace('_', ' ')}: never started")
        return
    happened: list[tuple[str, Any, dict[str, Any]]] = [
        (
            "started",
            _start(row),
            {"plan": _plan(row), "currency": row.get("Currency"), "mrr": _mrr(row), "status": row["Status"]},
        ),
        ("cancel_requested", row.get("Canceled At (UTC)"), {"reason": row.get("Cancellation Reason")}),
        ("ended", row.get("Ended At (UTC)"), {"was_paying": _paying_from(row) is not None}),
    ]
    for what, time, properties in happened:
        if time is not None or what == "started":
            yield {
                "user_id": row["Customer ID"],
                "event": f"subscription_{what}",
                "timestamp": time,
                "event_id": f"{row['id']}:{what}",
                "properties": {"subscription_id": row["id"], **properties},
            }


def _states(row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if row["Status"] in NEVER:
        yield System(f"{row['Status'].replace('_', ' ')}: never started")
        return
    start, trial_end, end = _start(row), row.get("Trial End (UTC)"), row.get("Ended At (UTC)")
    status = "active" if row["Status"] in ("canceled", "trialing") else row["Status"]
    unit, count = _interval(row)
    common = {
        "customer_id": row["Customer ID"],
        "subscription_id": row["id"],
        "interval": unit,
        "interval_count": count,
        "unit_amount_minor": None if _amount(row) is None else minor(row["Amount"], str(row.get("Currency"))),
        "quantity": row.get("Quantity") or 1,
        "currency": row.get("Currency"),
        "renews_at": row.get("Current Period End (UTC)"),
        "plan_id": row.get("Plan price ID"),
        "product_family": row.get("Product"),
        "plan": _plan(row),
        "cancel_requested_at": row.get("Canceled At (UTC)"),
        "cancellation_reason": row.get("Cancellation Reason"),
    }
    if trial_end is not None:
        over = min(trial_end, end) if end is not None else None if row["Status"] == "trialing" else trial_end
        yield {**common, "status": "trialing", "start": start, "end": over, KEY: f"{row['id']}|trialing"}
        start = trial_end
    if _paying_from(row) is not None:
        yield {**common, "status": status, "start": start, "end": end, KEY: f"{row['id']}|paying"}


def _start(row: dict[str, Any]) -> Any:
    return row.get("Start Date (UTC)") or row.get("Start (UTC)") or row.get("Created (UTC)")


def _paying_from(row: dict[str, Any]) -> Any:
    """When somebody begins to pay; None in a trial, and where the end comes no later than the trial's."""
    trial_end, end = row.get("Trial End (UTC)"), row.get("Ended At (UTC)")
    begins = trial_end or _start(row)
    if row["Status"] == "trialing" or (trial_end and end and pd.Timestamp(end) <= pd.Timestamp(trial_end)):
        return None
    return begins


def _plan(row: dict[str, Any]) -> Any:
    return row.get("Plan") or row.get("Product")


def _interval(row: dict[str, Any]) -> tuple[str, int]:
    unit = str(row.get("Interval") or "month").lower()
    count = int(row.get("Interval Count") or 1)
    if unit == "month" and count == 1:
        named = " ".join(str(row.get(name) or "") for name in ("Plan", "Product")).lower()
        count = next((months for months, words in LONGER.items() if re.search(words, named)), 1)
    return unit, count


def _mrr(row: dict[str, Any]) -> float | None:
    unit, count = _interval(row)
    amount = _amount(row)
    if unit not in MONTHS or amount is None:
        return None
    return float(amount) * float(row.get("Quantity") or 1) / (MONTHS[unit] * count)


def _amount(row: dict[str, Any]) -> Decimal | None:
    """What one unit costs; None where the export does not tell it."""
    if row.get("Amount") is None:
        return None
    amount = number(row["Amount"])
    if amount is None:
        raise NotRead(f"Amount {NO_NUMBER}")
    return amount
