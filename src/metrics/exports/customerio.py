"""Customer.io: reporting webhooks as JSON lines.

What is odd: a webhook that was not answered in time is sent again with the same `event_id`; a mail may be opened many
times; `converted` is the vendor's attribution, no act of the customer. `timestamp` is in seconds. A mail belongs to a
campaign, a broadcast, a newsletter or a transactional message, whose ids are numbers of their own each, so that all but
campaigns are told by their kind too (``newsletter 5``); a mail that belongs to none is one of ``no campaign``.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source
from metrics.files.column import Column
from metrics.files.records import System, filled, make, read_records

USED = {"customer_id", "identifiers"}


def recognise(sample: Sample) -> str | None:
    """A metric about a delivery."""

    def holds(row: dict[str, Any]) -> bool:
        data = row.get("data") if isinstance(row.get("data"), dict) else {}
        return "metric" in row and ("delivery_id" in row or "delivery_id" in (data or {}) or "object_type" in row)

    return "JSON with 'metric' and 'delivery_id'" if sample.most(holds) else None


def parse(sources: Sequence[Source]) -> Parsed:
    """One event a webhook."""
    made = make([(source.name, read_records(source), _event) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system)


def campaigns(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """One row a webhook about an e-mail."""
    made = make([(source.name, read_records(source), _mail) for source in sources], [*columns, *EVENTS[5:]])
    return Parsed(made.rows, made.rejected, made.system)


def _data(row: dict[str, Any]) -> dict[str, Any]:
    return {**filled(row), **(row.get("data") or {})}


def _who(data: dict[str, Any]) -> Any:
    identifiers = data.get("identifiers") or {}
    return data.get("customer_id") or identifiers.get("id") or identifiers.get("email") or data.get("recipient")


def _campaign(data: dict[str, Any]) -> Any:
    """What a mail is one of."""
    if data.get("campaign_id"):
        return data["campaign_id"]
    kinds = {"broadcast": "broadcast_id", "newsletter": "newsletter_id", "transactional": "transactional_message_id"}
    return next((f"{kind} {data[name]}" for kind, name in kinds.items() if data.get(name)), "no campaign")


def _event(row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    data = _data(row)
    yield {
        "user_id": _who(data),
        "event": f"{row.get('object_type') or 'email'}_{row['metric']}",
        "timestamp": row["timestamp"],
        "event_id": row["event_id"],
        KEY: row["event_id"],
        "properties": filled({name: value for name, value in (row.get("data") or {}).items() if name not in USED}),
    }


def _mail(row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    data = _data(row)
    if (row.get("object_type") or "email") != "email":
        yield System(f"about {row['object_type']}, no e-mail")
        return
    yield {
        "message_id": data.get("delivery_id"),
        "recipient_id": _who(data),
        "campaign_id": _campaign(data),
        "variant": data.get("content_id"),
        "event": row["metric"],
        "at": row["timestamp"],
        "machine": data.get("machine"),
        KEY: row["event_id"],
    }
