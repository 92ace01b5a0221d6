"""Zendesk: tickets as JSON lines, or as a page of the API.

What is odd: snapshots repeat a ticket, of which the one updated last holds; deleted tickets and those that were merged
into another are no requests of their own; a satisfaction score of ``offered`` or ``unoffered`` is no answer.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from metrics.exports import EVENTS, Parsed, Sample
from metrics.files import Source
from metrics.files.column import Column
from metrics.files.records import Raw, System, filled, make, read_records

WHOLE = True  # which snapshot of a ticket is the last is told by all of them
MERGED = "closed_by_merge"
ANSWERS = ("good", "bad")


def recognise(sample: Sample) -> str | None:
    """Tickets with a requester and a satisfaction rating."""
    if sample.most(lambda row: "requester_id" in row and "satisfaction_rating" in row):
        return "JSON with 'requester_id' and 'satisfaction_rating'"
    return None


def parse(sources: Sequence[Source]) -> Parsed:
    """A ticket created, and solved."""
    made, again = _made(sources, EVENTS, _events)
    return Parsed(made.rows, made.rejected, made.system, duplicate=again, several=True)


def tickets(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """One row a ticket, as it was last seen."""
    made, again = _made(sources, [*columns, *EVENTS[5:]], _ticket)
    return Parsed(made.rows, made.rejected, made.system, duplicate=again)


OLDER = "an older snapshot of a ticket"


def _made(sources: Sequence[Source], columns: Sequence[Column], read: Any) -> tuple[Any, dict[str, int]]:
    files = [(source.name, read_records(source)) for source in sources]
    last = _last([raw for _, raw in files])
    made = make([(name, raw, partial(read, last)) for name, raw in files], columns)
    again = made.system.pop(OLDER, 0)
    return made, {OLDER: again} if again else {}


def _last(files: Sequence[Raw]) -> dict[str, int]:
    """Of each ticket the object of the snapshot that was updated last; of two alike the first read."""
    last: dict[str, tuple[str, dict[str, Any]]] = {}
    for raw in files:
        for row in raw.records:
            updated = str(row.get("updated_at") or "")  # ISO 8601 in UTC, whose order is that of the text
            key = str(row.get("id"))
            if key not in last or updated > last[key][0]:
                last[key] = (updated, row)
    return {key: id(row) for key, (_, row) in last.items()}


def _aside(last: dict[str, int], row: dict[str, Any]) -> System | None:
    if last[str(row["id"])] != id(row):
        return System(OLDER)
    if row.get("status") == "deleted":
        return System("a deleted ticket")
    if MERGED in (row.get("tags") or []):
        return System("a ticket merged into another")
    return None


def _who(row: dict[str, Any]) -> Any:
    requester = row.get("requester")
    outside = requester.get("external_id") if isinstance(requester, dict) else row.get("requester_external_id")
    return outside or row.get("requester_id")


def _solved(row: dict[str, Any]) -> Any:
    return (row.get("metric_set") or {}).get("solved_at") or row.get("solved_at")


def _answer(row: dict[str, Any]) -> str | None:
    score = (row.get("satisfaction_rating") or {}).get("score")
    return score if score in ANSWERS else None


def _events(last: dict[str, int], row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    aside = _aside(last, row)
    if aside:
        yield aside
        return
    told = filled({"subject": row.get("subject"), "status": row.get("status"), "priority": row.get("priority")})
    solved = {"ticket_solved": _solved(row)} if _solved(row) else {}
    for event, time in {"ticket_created": row.get("created_at"), **solved}.items():
        yield {
            "user_id": _who(row),
            "event": event,
            "timestamp": time,
            "event_id": f"{row['id']}:{event.removeprefix('ticket_')}",
            "properties": {"ticket_id": str(row["id"]), **told, "satisfaction": _answer(row)},
        }


def _ticket(last: dict[str, int], row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    aside = _aside(last, row)
    if aside:
        yield aside
        return
    times = row.get("metric_set") or {}
    channel = (row.get("via") or {}).get("channel")
    yield {
        "ticket_id": row["id"],
        "customer_id": _who(row),
        "created_at": row.get("created_at"),
        "first_reply_at": times.get("first_replied_at"),
        "solved_at": _solved(row),
        "reopens": times.get("reopens"),
        "satisfaction": (row.get("satisfaction_rating") or {}).get("score"),
        **filled({"channel": channel, "topic": row.get("type"), "subject": row.get("subject")}),
    }
