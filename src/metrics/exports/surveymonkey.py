"""SurveyMonkey: all responses as CSV.

What is odd: there are two rows of names, the second with the choices; times are on the clock of the account and in
American order; scores come with their labels ("10 - Extremely likely"); a spreadsheet turns the id of a respondent into
``1.18E+11``, after which it tells nobody apart and is not used. Say `account_timezone`.
"""

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import pandas as pd

from metrics.exports import EVENTS, KEY, Parsed, Sample
from metrics.files import Source, refuse
from metrics.files.column import Column
from metrics.files.questions import comment_question, named_user, score_question, score_told, user_columns
from metrics.files.records import Raw, System, filled, make, read_records
from metrics.periods import zone

WHOLE = True  # which question is the score is told by all answers to it
ID, COLLECTOR = "Respondent ID", "Collector ID"
OWN = {
    ID, COLLECTOR, "Start Date", "End Date", "IP Address", "Email Address", "First Name", "Last Name", "Date Created",
    "Date Modified", *(f"Custom Data {i}" for i in range(1, 7)), "Custom Data",
}  # fmt: skip
UNNAMED = re.compile(r"unnamed_\d+")  # what a column without a name is called
CUSTOM = ("Custom Data 1", "Custom Data")


def recognise(sample: Sample) -> str | None:
    """Who answered, through which collector."""
    return "the columns of SurveyMonkey's responses" if {ID, COLLECTOR} <= sample.names else None


def parse(sources: Sequence[Source], *, account_timezone: str | None = None) -> Parsed:
    """One event an answer; times are on the clock of `account_timezone`."""
    return _parsed(sources, EVENTS, _event, account_timezone)


def surveys(sources: Sequence[Source], columns: Sequence[Column], *, account_timezone: str | None = None) -> Parsed:
    """One row an answer."""
    return _parsed(sources, [*columns, *EVENTS[5:]], _answer, account_timezone)


def _parsed(sources: Sequence[Source], columns: Sequence[Column], read: Any, timezone: str | None) -> Parsed:
    if timezone is None:
        advice = "They are on the clock of the account: say account_timezone='America/New_York' or another."
        raise refuse(sources[0].name, "column 'End Date' holds times without a zone", advice)
    zone(timezone, "account_timezone")
    files = []
    for source in sources:
        raw, choices = _without_choices(read_records(source))
        files.append((source.name, raw, partial(read, _Survey(raw, choices))))
    made = make(files, columns, timezone=timezone)
    return Parsed(made.rows, made.rejected, made.system)


def _without_choices(raw: Raw) -> tuple[Raw, set[str]]:
    """The records without the second row of names, in which nobody answers, and the columns of choices among others.

    Only the first choice of a question stands under its name; the others are called by the question too.
    """
    if not raw.records or raw.records[0].get(ID) is not None or raw.records[0].get("End Date") is not None:
        return raw, set()
    written, labels = list(raw.records[0]), list(raw.records[0].values())
    names: list[str] = []
    question = ""
    for at, name in enumerate(written):
        is_more = bool(UNNAMED.fullmatch(name)) and bool(question)
        question = question if is_more else name
        is_first = not is_more and at + 1 < len(written) and bool(UNNAMED.fullmatch(written[at + 1]))
        names.append(f"{question}: {labels[at]}" if (is_more or is_first) and labels[at] is not None else name)
    if len(set(names)) < len(names):
        names = written
    records = [dict(zip(names, record.values(), strict=True)) for record in raw.records[1:]]
    return Raw(records, raw.lines[1:], raw.broken), set(names) - set(written)


class _Survey:
    """The questions of one file."""

    def __init__(self, raw: Raw, choices: set[str]) -> None:
        names = list(raw.records[0]) if raw.records else []
        asked = [name for name in names if name not in OWN]
        self.users = [*user_columns(asked), *(name for name in CUSTOM if name in names)]
        questions = [name for name in asked if name not in self.users]
        self.score, self.kind = score_question(raw.records, questions)
        spoken = [name for name in questions if name not in choices or name == self.score]
        self.comment = comment_question(raw.records, spoken, self.score)
        self.others = [name for name in questions if name not in (self.score, self.comment)]


def _when(row: dict[str, Any]) -> Any:
    """The end of an answer as a time that is read the same everywhere."""
    text = str(row.get("End Date") or row.get("Date Modified") or "")
    for form in ("%m/%d/%Y %I:%M:%S %p", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M %p", "%m/%d/%Y %H:%M"):
        found = pd.to_datetime(text, format=form, errors="coerce")
        if isinstance(found, pd.Timestamp):
            return found.isoformat(sep=" ")
    return text or None


def _identified(row: dict[str, Any]) -> tuple[str, Any]:
    """An id of the answer that is sure, and the respondent's where it still tells people apart."""
    written = str(row[ID]) if row.get(ID) is not None else ""
    if written.isdigit():
        return written, written
    told = "|".join(f"{name}={value}" for name, value in row.items())
    return hashlib.sha1(told.encode(), usedforsecurity=False).hexdigest(), None


def _told(survey: _Survey, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "score": score_told(row.get(survey.score)) if survey.score else None,
        "comment": row.get(survey.comment) if survey.comment else None,
        **filled({name: row.get(name) for name in survey.others}),
    }


def _event(survey: _Survey, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    if survey.score is not None and row.get(survey.score) is None:
        yield System("no answer to the question of the score")
        return
    answer, respondent = _identified(row)
    yield {
        "user_id": named_user(row, survey.users) or respondent,
        "event": "survey_answered",
        "timestamp": _when(row),
        "event_id": answer,
        KEY: answer,
        "properties": {"survey_type": survey.kind, **_told(survey, row)},
    }


def _answer(survey: _Survey, row: dict[str, Any]) -> Iterator[dict[str, Any] | System]:
    answer, respondent = _identified(row)
    yield {
        "respondent_id": named_user(row, survey.users) or respondent,
        "answered_at": _when(row),
        "response_id": answer,
        "question_type": survey.kind,
        KEY: answer,
        **_told(survey, row),
    }
