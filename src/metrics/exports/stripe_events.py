"""Stripe, event objects as the API and webhooks give them: JSON lines or a list.

What is odd: delivery repeats events and does not keep their order; amounts are in the smallest unit, which some
currencies do not have; `livemode` false is a test; `created` is in seconds. What an event is about stands in
`data.object` as it was then, so that the states of a subscription are read from its events, the last of each moment.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from metrics.exports import EVENTS, KEY, RANK, Parsed, Sample
from metrics.files import Source
from metrics.files.amounts import major
from metrics.files.column import Column
from metrics.files.records import System, filled, make, read_records

AMOUNTS = ("amount", "amount_due", "amount_paid", "amount_remaining", "total", "amount_refunded")
KEPT = ("status", "billing_reason", "cancel_at_period_end", "attempt_count", "number", "currency")
STATES = {"active", "trialing", "past_due", "unpaid", "paused"}


def recognise(sample: Sample) -> str | None:
    """Objects that call themselves events, and say whether they are real."""
    if sample.most(lambda row: row.get("object") == "event" and "livemode" in row):
        return "JSON with 'object' = 'event' and 'livemode'"
    return None


def parse(sources: Sequence[Source]) -> Parsed:
    """Events under the names that Stripe gives them."""
    made = make([(source.name, read_records(source), _event) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system)


def subscriptions(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """The states of each subscription, one row from each change to the next."""
    seen: dict[str, dict[str, Any]] = {}
    files = [(source.name, read_records(source)) for source in sources]
    for _, raw in files:
        for row in raw.records:
            if row.get("livemode") and str(row.get("type", "")).startswith("customer.subscription."):
                seen[str(row["id"])] = row
    states = _states(list(seen.values()))
    made = make([(name, raw, partial(_of, states)) for name, raw in files], [*columns, *EVENTS[5:]])
    return Parsed(made.rows, made.rejected, made.system, several=True)


def cancellations(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """When a cancellation was asked for, and when it took effect."""
    return _table(sources, columns, "customer.subscription.", _cancellation)


def invoices(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """Each invoice as it was last seen."""
    return _table(sources, columns, "invoice.", _invoice)


def payment_attempts(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """Each charge of an invoice, whether it came through or not."""
    made = make([(s.name, read_records(s), _attempt) for s in sources], [*columns, *EVENTS[5:]])
    return Parsed(made.rows, made.rejected, made.system)


def _table(sources: Sequence[Source], columns: Sequence[Column], kind: str, read: Any) -> Parsed:
    """One row an object: what its last event says."""
    made = make(
        [(source.name, read_records(source), partial(_last, kind, read)) for source in sources],
        [*columns, *EVENTS[5:]],
    )
    return Parsed(made.rows, made.rejected, made.system)


def _last(kind: str, read: Any, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if not row["livemode"]:
        yield System("a test (livemode false)")
        return
    about = row["data"]["object"]
    found = read(about) if str(row["type"]).startswith(kind) else None
    if found is None:
        yield System(f"says nothing of this kind: {row['type']}")
    else:
        yield {**found, KEY: about["id"], RANK: -float(row["created"]) - _late(row) / 10}


def _cancellation(about: dict[str, Any]) -> dict[str, Any] | None:
    asked, ended = about.get("canceled_at"), about.get("ended_at")
    if asked is None and ended is None:
        return None
    told = about.get("cancellation_details") or {}
    by = {"payment_failed": "system", "payment_disputed": "dispute", "cancellation_requested": "customer"}
    return {
        "customer_id": about["customer"],
        "subscription_id": about["id"],
        "requested_at": asked,
        "effective_at": ended or about.get("cancel_at") or about.get("current_period_end"),
        "ended_by": by.get(str(told.get("reason"))),
        "reason": told.get("feedback") or told.get("reason"),
        "comment": told.get("comment"),
    }


def _invoice(about: dict[str, Any]) -> dict[str, Any]:
    return {
        "invoice_id": about["id"],
        "customer_id": about["customer"],
        "subscription_id": about.get("subscription"),
        "due_at": about.get("due_date") or about.get("created"),
        "paid_at": (about.get("status_transitions") or {}).get("paid_at"),
        "amount_due_minor": about.get("amount_due"),
        "currency": about.get("currency"),
        "billing_reason": about.get("billing_reason"),
    }


def _attempt(row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    results = {"charge.succeeded": "succeeded", "charge.failed": "failed"}
    about = row["data"]["object"]
    if not row["livemode"]:
        yield System("a test (livemode false)")
    elif row["type"] not in results or not about.get("invoice"):
        yield System("is no charge of an invoice")
    else:
        yield {
            "invoice_id": about["invoice"],
            "attempted_at": about.get("created") or row["created"],
            "result": results[row["type"]],
            "failure_code": about.get("failure_code"),
            "payment_method_id": about.get("payment_method"),
            KEY: about["id"],
        }


def _event(row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if not row["livemode"]:
        yield System("a test (livemode false)")
        return
    about = row["data"]["object"]
    customer = about["id"] if about.get("object") == "customer" else about.get("customer")
    if isinstance(customer, dict):
        customer = customer.get("id")
    if not customer:
        yield System("is about no customer")
        return
    yield {
        "user_id": customer,
        "event": row["type"],
        "timestamp": row["created"],
        "event_id": row["id"],
        KEY: row["id"],
        "properties": _properties(about),
    }


def _properties(about: dict[str, Any]) -> dict[str, Any]:
    currency = str(about.get("currency") or "")
    told = {name: about.get(name) for name in KEPT}
    told |= {name: major(about[name], currency) for name in AMOUNTS if about.get(name) is not None}
    told[f"{about.get('object', 'object')}_id"] = about.get("id")
    for other in ("subscription", "invoice"):
        if isinstance(about.get(other), str):
            told[f"{other}_id"] = about[other]
    reason = (about.get("cancellation_details") or {}).get("reason")
    return filled({**told, "cancellation_reason": reason})


def _states(events: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """By event, the states that begin with it."""
    by_subscription: dict[str, list[dict[str, Any]]] = {}
    for event in sorted(events, key=lambda one: (one["created"], _late(one), one["id"])):
        by_subscription.setdefault(event["data"]["object"]["id"], []).append(event)
    states: dict[str, list[dict[str, Any]]] = {}
    for changes in by_subscription.values():
        for at, change in enumerate(changes):
            about = change["data"]["object"]
            if about.get("status") not in STATES:
                continue
            until = changes[at + 1]["created"] if at + 1 < len(changes) else about.get("ended_at")
            begun = about.get("start_date") if at == 0 and change["type"].endswith("created") else None
            start = begun or change["created"]
            if until is not None and until <= start:
                continue
            states[str(change["id"])] = list(_items(about, start, until))
    return states


def _late(event: dict[str, Any]) -> int:
    """Of events in one second: created, then updated, then deleted."""
    return {"created": 0, "deleted": 2}.get(str(event["type"]).rsplit(".", 1)[-1], 1)


def _items(about: dict[str, Any], start: Any, end: Any) -> Iterator[dict[str, Any]]:
    """A row an item: its price, how many, how often."""
    paused = bool(about.get("pause_collection"))
    items = (about.get("items") or {}).get("data") or [about]
    for number, item in enumerate(items):
        price = item.get("price") or item.get("plan") or about.get("plan") or {}
        recurring = price.get("recurring") or price
        yield {
            "customer_id": about["customer"],
            "subscription_id": about["id"] if len(items) == 1 else f"{about['id']}:{item.get('id', number)}",
            "start": start,
            "end": end,
            "status": "paused" if paused else about["status"],
            "interval": recurring.get("interval"),
            "interval_count": recurring.get("interval_count") or 1,
            "unit_amount_minor": price.get("unit_amount", price.get("amount")),
            "quantity": item.get("quantity") or 1,
            "currency": price.get("currency") or about.get("currency"),
            "renews_at": about.get("current_period_end") or item.get("current_period_end"),
            "plan_id": price.get("id"),
            "product_family": price.get("product"),
        }


def _of(states: dict[str, list[dict[str, Any]]], row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if not row["livemode"]:
        yield System("a test (livemode false)")
    elif not str(row["type"]).startswith("customer.subscription."):
        yield System("is about no subscription")
    elif row["id"] not in states:
        yield System("ends the state before it")
    else:
        for number, state in enumerate(states[row["id"]]):
            yield {**state, KEY: f"{row['id']}|{number}"}
