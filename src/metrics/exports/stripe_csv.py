"""Stripe, the dashboard's export of subscriptions as CSV.

What is odd: which columns there are is chosen by who exports. `Canceled At` is when somebody asked, `Ended At` when it
ended; `Status` of one that will be cancelled at the period's end is still active. Incomplete ones never started, a
trial that ends with its subscription never paid. `Interval` hides how many: a plan that calls itself quarterly is
taken for three months. Amounts are in major units, one of them times `Quantity`. A subscription may be listed twice.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source
from metrics.files.amounts import minor, number
from metrics.files.names import Column
from metrics.files.records import System, make, read_records

MONTHS = {"month": 1.0, "year": 12.0, "week": 12 / 52, "day": 12 / 365}
LONGER = {3: r"quarter|3[ -]?month|three[ -]month", 6: r"half[ -]?year|semi[ -]?annual|6[ -]?month|six[ -]month"}
REQUESTED = Column("cancel_requested_at", "time", required=False, filled=False)
NEVER = ("incomplete", "incomplete_expired")


def recognise(sample: Sample) -> str | None:
    """The customer's id and when the subscription was canceled."""
    if {"Customer ID", "Status"} <= sample.names and sample.names & {"Canceled At (UTC)", "Ended At (UTC)"}:
        return "the columns of Stripe's subscriptions"
    return None


def parse(sources: Sequence[Source]) -> Parsed:
    """What happened to each subscription: started, cancellation requested, ended."""
    made = make([(source.name, read_records(source), _events) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system, several=True)


def subscriptions(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """The states of each subscription: a trial, then what is paid for."""
    made = make(
        [(source.name, read_records(source), _states) for source in sources], [*columns, REQUESTED, *EVENTS[5:]]
    )
    return Parsed(made.rows, made.rejected, made.system, several=True)


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
        "unit_amount_minor": minor(row.get("Amount"), str(row.get("Currency"))),
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
    amount = number(row.get("Amount"))
    if unit not in MONTHS or amount is None:
        return None
    return float(amount) * float(row.get("Quantity") or 1) / (MONTHS[unit] * count)
