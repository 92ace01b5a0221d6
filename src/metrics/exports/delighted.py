"""Delighted: survey responses of the API as JSON, or its webhooks kept as JSON lines.

What is odd: pages of the API overlap, so that a response comes twice; surveys of several kinds (nps, csat, ces, ...)
stand in one list; a person is an object or only an id; properties may be null. Each answer is kept: which of a person
counts, `net_promoter_score` says. A webhook is sent when a score is given and again when a comment is, so that the
one that was updated last holds; who unsubscribes sends one too, which is no answer.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from metrics.exports import EVENTS, KEY, RANK, Parsed, Sample
from metrics.files import Source
from metrics.files.column import Column
from metrics.files.questions import named_user, user_columns
from metrics.files.records import System, filled, make, read_records

WEBHOOK = {"event_type", "event_id", "event_data"}


def recognise(sample: Sample) -> str | None:
    """Responses with a kind of survey, a score and a person."""
    if sample.most(lambda row: row.keys() >= {"survey_type", "score", "person"}):
        return "JSON with 'survey_type', 'score' and 'person'"
    if sample.most(lambda row: row.keys() >= WEBHOOK and str(row["event_type"]).startswith(("survey_r", "unsubs"))):
        return "JSON with 'event_type' and 'event_data' of a survey's response"
    return None


def parse(sources: Sequence[Source]) -> Parsed:
    """One event a response."""
    made = make([(source.name, read_records(source), _event) for source in sources], EVENTS)
    return Parsed(made.rows, made.rejected, made.system)


def surveys(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """One row a response."""
    made = make([(source.name, read_records(source), _answer) for source in sources], [*columns, *EVENTS[5:]])
    return Parsed(made.rows, made.rejected, made.system)


def _response(row: dict[str, Any]) -> dict[str, Any] | None:
    """The response of a record, None where a webhook tells of none."""
    if not row.keys() >= WEBHOOK:
        return row
    return row["event_data"] if str(row["event_type"]).startswith("survey_response.") else None


def _who(row: dict[str, Any]) -> str | None:
    """The user named in the person's properties, else the person's e-mail, else their id."""
    properties, person = row.get("person_properties") or {}, row.get("person")
    named = named_user(properties, user_columns(properties))
    if named is not None:
        return named
    if not isinstance(person, dict):
        return None if person is None else str(person)
    email = str(person.get("email") or "").strip().lower()
    return email or (None if person.get("id") is None else str(person["id"]))


def _told(row: dict[str, Any]) -> dict[str, Any]:
    return {"score": row.get("score"), "comment": row.get("comment"), **filled(row.get("person_properties") or {})}


def _last(row: dict[str, Any]) -> float | None:
    return None if row.get("updated_at") is None else -float(row["updated_at"])


def _event(record: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    row = _response(record)
    if row is None:
        yield System(f"{record['event_type']}: no answer")
        return
    yield {
        "user_id": _who(row),
        "event": "survey_answered",
        "timestamp": row.get("created_at"),
        "event_id": row["id"],
        KEY: row["id"],
        RANK: _last(row),
        "properties": {"survey_type": row["survey_type"], **_told(row)},
    }


def _answer(record: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    row = _response(record)
    if row is None:
        yield System(f"{record['event_type']}: no answer")
        return
    yield {
        "respondent_id": _who(row),
        "answered_at": row.get("created_at"),
        "response_id": row["id"],
        "question_type": row["survey_type"],
        KEY: row["id"],
        RANK: _last(row),
        **_told(row),
    }
