"""Typeform: the responses as CSV.

What is odd: a byte order mark and line breaks inside cells; the questions are the names of columns; who answered is a
hidden field, which holds ``xxxxx`` where the link did not fill it, else only the network is told (``net:…``); an answer
that was begun but not submitted is a row too. Older exports have no `Response Type`.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source
from metrics.files.column import Column
from metrics.files.questions import comment_question, named_user, score_question, score_told, user_columns
from metrics.files.records import Raw, System, filled, make, read_records

WHOLE = True  # which question is the score is told by all answers to it
ID, SUBMITTED, NETWORK = "#", "Submit Date (UTC)", "Network ID"
OWN = {ID, SUBMITTED, NETWORK, "Response Type", "Start Date (UTC)", "Stage Date (UTC)", "Tags", "Ending"}


def recognise(sample: Sample) -> str | None:
    """The token of a response and when it was submitted."""
    told = {ID, SUBMITTED} <= sample.names and sample.names & {NETWORK, "Start Date (UTC)", "Response Type"}
    return "the columns of Typeform's responses" if told else None


def parse(sources: Sequence[Source]) -> Parsed:
    """One event an answer."""
    return _parsed(sources, EVENTS, _event)


def surveys(sources: Sequence[Source], columns: Sequence[Column]) -> Parsed:
    """One row an answer."""
    return _parsed(sources, [*columns, *EVENTS[5:]], _answer)


def _parsed(sources: Sequence[Source], columns: Sequence[Column], read: Any) -> Parsed:
    files = []
    for source in sources:
        raw = read_records(source)
        files.append((source.name, raw, partial(read, _Form(raw))))
    made = make(files, columns)
    return Parsed(made.rows, made.rejected, made.system)


class _Form:
    """The questions of one file."""

    def __init__(self, raw: Raw) -> None:
        names = list(raw.records[0]) if raw.records else []
        asked = [name for name in names if name not in OWN]
        self.users = user_columns(asked)
        questions = [name for name in asked if name not in self.users]
        self.score, self.kind = score_question(raw.records, questions)
        self.comment = comment_question(raw.records, questions, self.score)
        self.others = [name for name in asked if name not in (*self.users, self.score, self.comment)]


def _unfinished(row: dict[str, Any]) -> System | None:
    kind = row.get("Response Type")
    if kind not in (None, "completed") or row.get(SUBMITTED) is None:
        return System(f"{kind or 'begun'}: an answer that was not submitted")
    return None


def _told(form: _Form, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "score": score_told(row.get(form.score)) if form.score else None,
        "comment": row.get(form.comment) if form.comment else None,
        **filled({name: row.get(name) for name in form.others}),
    }


def _who(form: _Form, row: dict[str, Any]) -> str | None:
    """The user that the link named, else the network that the answer came from, marked as such."""
    network = row.get(NETWORK)
    return named_user(row, form.users) or (None if network is None else f"net:{network}")


def _event(form: _Form, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    unfinished = _unfinished(row)
    if unfinished:
        yield unfinished
        return
    yield {
        "user_id": _who(form, row),
        "event": "survey_answered",
        "timestamp": row[SUBMITTED],
        "event_id": row[ID],
        KEY: row[ID],
        "properties": {"survey_type": form.kind, **_told(form, row)},
    }


def _answer(form: _Form, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    unfinished = _unfinished(row)
    if unfinished:
        yield unfinished
        return
    yield {
        "respondent_id": _who(form, row),
        "answered_at": row[SUBMITTED],
        "response_id": row[ID],
        "question_type": form.kind,
        KEY: row[ID],
        **_told(form, row),
    }
