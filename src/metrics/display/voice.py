"""What do customers say? Sentences of survey scores other than the promoter score, of answers, and of complaints."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import reason_in_words
from metrics.display.comparisons import groups_said, lasts, periods_said
from metrics.display.estimates import Estimate, Sentence, change, none
from metrics.display.kinds import group_of, has_groups, parts, setting
from metrics.display.numbers import count, counted, plain, signed, with_unit
from metrics.intervals import add_rate

Say = Callable[["pd.Series[Any]", str], str]


def change_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """By how much the promoter score moved, of several groups the one that moved most."""
    known = table[table["difference"].notna()]
    if not len(known):
        why = reason_in_words(table.iloc[0].get("reason")) if len(table) else "no answers"
        return none(f"the change of the net promoter score is not known: {why or 'no answers'}.")
    row = known.iloc[int(known["difference"].abs().argmax())]
    moved = Estimate.of(row, "difference", 1)
    digits = moved.decimals
    limits = f"({signed(moved.low, digits)} to {signed(moved.high, digits)})"
    group = group_of(table, row)
    of = f" of {group}" if group else ""
    text = f"points {limits}: the net promoter score{of} went from {plain(row['before'], digits)} to "
    text += plain(row["after"], digits)
    text += ", which may be chance" if moved.low <= 0 <= moved.high else ""
    if bool(row["paired"]):
        text += "; who answered both times counts as one"
    return Sentence(signed(moved.value, digits), f"{text}.", "", [limits])


def churn_by_band_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many detractors left, and how that differs from the reference; of several groups those of which most left."""
    reference = str(setting(table, "reference", "promoter"))
    band = "detractor" if reference != "detractor" else "promoter"
    if not len(table):
        return none("nobody answered.")
    if table["responses"].any() and setting(table, "known") == 0:
        answered = count(table["responses"].sum())
        return none(
            f"nobody of the {answered} who answered is in the subscriptions. Do both tables call customers alike?"
        )
    if has_groups(table):
        mine = [part[part["band"] == band].assign(group=f"the {band}s of {group}") for group, part in parts(table)]
        within = setting(table, "follow_up", "the time after")
        found = groups_said(pd.concat(mine), "churn_rate", f"left within {within}")
        return replace(found, text=f"{found.text} An association, not an effect.") if found.intervals else found
    rows = {str(row["band"]): row for _, row in table.iterrows()}
    if band not in rows:
        return none(f"{band}s are not in the table.")
    row, other = rows[band], rows.get(reference)
    if numbers.is_missing(row["churn_rate"]):
        watched = counted(table["followed"].sum(), "customer")
        return none(f"too few {band}s were watched for long enough to say who leaves ({watched} in all).")
    rate = Estimate.of(row, "churn_rate")
    limits: list[str] = []
    text = f"of {counted(row['followed'], band)} left within {setting(table, 'follow_up', 'the time after')} "
    text += rate.limits()
    if other is not None and not numbers.is_missing(row["difference"]):
        base = Estimate.of(other, "churn_rate")
        said, limits = change(rate, base, f"of {reference}s, {with_unit(base.number())}")
        text += f": {said}"
    return Sentence(rate.number(), f"{text}. An association, not an effect.", "%", [rate.limits(), *limits])


def _score(name: str, does: str, say: Say, *, unit: str = "%", scale: float = 1) -> Callable[..., Sentence]:
    """The sentence of a score: of groups the highest, of periods the last finished one."""

    def said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
        if has_groups(table):
            rows = lasts(table, name)
            if not len(rows):
                return none("in no group are there enough to say.")
            return groups_said(rows, name, does, unit=unit, scale=scale)
        return periods_said(table, before, name, say, unit=unit, scale=scale)

    return said


def _in(when: str) -> str:
    return f" in {when}" if when else ""


satisfaction_said = _score(
    "customer_satisfaction",
    "who answered are satisfied",
    lambda row, when: f"of {count(row['responses'])} who answered{_in(when)} are satisfied",
)
responses_said = _score(
    "response_rate",
    "surveys were answered",
    lambda row, when: f"of {counted(row['delivered'], 'survey')} that arrived{_sent(when)} were answered",
    scale=100,
)


def _sent(when: str) -> str:
    return f", sent in {when}," if when else ""


def effort_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How easy they found it, in the words of the method."""
    method = str(table["method"].iloc[0]) if len(table) else "percent"
    name = "customer_effort"
    if method == "percent":
        say: Say = lambda row, when: f"of {count(row['responses'])} who answered{_in(when)} found it easy"  # noqa: E731
        return _score(name, "who answered found it easy", say)(table, before)
    high = "easy" if not len(table) or table["direction"].iloc[0] == "ease" else "hard"
    what = "net effort score" if method == "net" else f"mean effort score ({high} is high)"
    return _score(
        name, what, lambda row, when: f"is the {what}{_in(when)} of {count(row['responses'])} who answered", unit=""
    )(table, before)


def completion_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """How many finish the longest survey, and how that differs from the shortest; groups are taken together."""
    rows = by_questions(table)
    rows = rows[rows["responses"] >= int(setting(table, "min_n", 1))]
    if not len(rows):
        n = count(table["responses"].sum())
        return none(f"too few surveys of one length were begun to say who finishes ({n}).")
    long, short = rows.iloc[-1], rows.iloc[0]
    rate, limits = Estimate.of(long, "completion_rate"), list[str]()
    text = f"of {counted(long['responses'], 'survey')} with {questions_in_words(long)} were finished {rate.limits()}"
    if len(rows) > 1:
        base = Estimate.of(short, "completion_rate")
        said, limits = change(rate, base, f"with {questions_in_words(short)}, {with_unit(base.number())}")
        text += f": {said}"
    return Sentence(rate.number(), f"{text}. An association, not an effect.", "%", [rate.limits(), *limits])


def by_questions(table: pd.DataFrame) -> pd.DataFrame:
    """Finished of begun for each known number of questions, all groups together."""
    counts = table.dropna(subset="questions").groupby("questions")[["responses", "completed"]].sum().reset_index()
    return add_rate(counts, "completion_rate", "completed", "responses", float(setting(table, "confidence", 0.95)))


def questions_in_words(row: "pd.Series[Any]") -> str:
    """``1 question``, ``20 questions``."""
    asked = int(row["questions"])
    return f"{count(asked)} question{'s' if asked != 1 else ''}"


def complaints_said(table: pd.DataFrame, before: pd.DataFrame | None) -> Sentence:
    """Complaints per so many customers."""
    per = f"{setting(table, 'per', 100):g}"

    def say(row: "pd.Series[Any]", when: str) -> str:
        return f"complaints came from {per} active customers{_in(when)}"

    does = f"number of complaints from {per} active customers"
    return _score("complaint_rate", does, say, unit="")(table, before)
