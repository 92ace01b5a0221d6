"""Who answers at all? The rate of response by the period in which a survey was sent.

Sends and answers counted by their own dates would drift apart: most answers to a survey of the last days of a month
come in the next one. A send whose time is not over has not failed yet.
"""

from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.files.values import id_texts
from metrics.intervals import add_rate, no_denominator
from metrics.periods import Period, WeekStart, When, duration, microseconds, one_of
from metrics.ranges import Range, on_every
from metrics.results import blank, keys, result, too_few
from metrics.steps import unknown
from metrics.surveys.answers import answer_times, flags

Denominator: TypeAlias = Literal["delivered", "sent"]
_RATE = ["response_rate", "response_rate_low", "response_rate_high"]
_RESULT = ["sent", "delivered", "answered", *_RATE, "complete", "reason"]


def response_rate(
    sends: pd.DataFrame,
    *,
    responses: pd.DataFrame,
    as_of: When,
    denominator: Denominator = "delivered",
    cutoff: str = "14 days",
    min_n: int = 10,
    by: str | list[str] | None = None,
    period: Period | None = "month",
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    week_start: WeekStart = "monday",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of those who were asked answers?

    Parameters
    ----------
    sends
        One row per survey that was sent: ``respondent_id``, ``sent_at`` (UTC), ``delivered``.
    responses
        One row per answer: ``respondent_id``, ``answered_at`` (UTC). Where both tables have a ``survey_id`` it has to
        agree. Answers are not looked into: a blank score is an answer here.
    as_of
        First moment not observed: a date in `tz` or an instant.
    denominator
        ``"delivered"`` (default) or ``"sent"``. Who answered has it delivered, whatever the table says.
    cutoff
        Time to answer: an answer counts in [sent, sent + `cutoff`). It belongs to the last send before it.
    min_n
        A rate over fewer is NA with the reason ``below_min_n``; its counts stand.
    by
        Column or list of `sends` for a breakdown; missing values are a group of their own.
    period
        Period of `sent_at` on the clocks of `tz`; None: the whole range as one.
    since, until
        Half-open range of `sent_at`; a period that it touches is taken whole. Default: the first send to `as_of`;
        with ``period=None`` to the last send whose time is over.
    tz, week_start
        Zone in which periods are cut; weeks start ``"monday"`` (default) or ``"sunday"``.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start       local time in `tz`; absent with ``period=None``
        sent               count
        delivered          count   of these
        answered           count   of these, within `cutoff`
        response_rate (…)  0 to 1  answered / delivered (or sent), Wilson
        complete           bool    the period and the time of all its sends are over at `as_of`
        reason             text    ``incomplete_period``, ``immature`` (somebody may still answer),
                                   ``zero_denominator`` or ``below_min_n`` where there is no rate

    Raises
    ------
    ValueError
        A column that is missing, times without a zone, a span without a unit.

    Examples
    --------
    >>> day = lambda *days: pd.to_datetime([f"2026-03-{d:02d}" for d in days], utc=True)
    >>> sends = pd.DataFrame({"respondent_id": list("abc"), "sent_at": day(1, 1, 1), "delivered": [True, True, False]})
    >>> answers = pd.DataFrame({"respondent_id": ["a", "b"], "answered_at": day(4, 15)})
    >>> rate = response_rate(sends, responses=answers, as_of="2026-04-01", min_n=1)
    >>> rate[["sent", "delivered", "answered", "response_rate"]]
       sent  delivered  answered  response_rate
    0     3          2         1            0.5
    """
    one_of("denominator", denominator, Denominator)
    by, wait = keys(by, taken=["period_start", *_RESULT]), duration(cutoff, name="cutoff")
    span = Range.read(period=period, since=since, until=until, as_of=as_of, tz=tz, week_start=week_start)
    if period is None and until is None:
        span = Range(None, type(span.span)(span.span.since, span.span.as_of - wait, span.span.as_of), span.span.as_of)
    needed = ["respondent_id", "sent_at", *["delivered"] * (denominator == "delivered"), *by]
    for name, table, columns in (("sends", sends, needed), ("responses", responses, ["respondent_id", "answered_at"])):
        for column in columns:
            if column not in table:
                raise ValueError(unknown(name, column, table.columns, f"a column of the {name}", "columns"))
    match = ["respondent_id", *["survey_id"] * ("survey_id" in sends and "survey_id" in responses)]
    kept = sends[list(dict.fromkeys([*needed, *match, *(c for c in ("delivered",) if c in sends)]))]
    kept = kept.reset_index(drop=True).assign(_time=microseconds(answer_times(sends, "sent_at")))
    kept = kept[kept["_time"] < span.span.as_of].reset_index(drop=True)
    kept["answered"] = _answered(kept, responses, match, wait, span.span.as_of)
    kept["delivered"] = _delivered(kept) | kept["answered"]
    time = kept["_time"].to_numpy(np.int64)
    kept["_period"] = span.place(time)
    kept["_over"] = time + wait
    numbers = span.numbers(time)
    counts = kept.groupby(["_period", *by], dropna=False).agg(
        sent=("_time", "size"), delivered=("delivered", "sum"), answered=("answered", "sum"), _over=("_over", "max")
    )  # fmt: skip
    table = on_every(counts, numbers, by, kept)
    table = table.sort_values(["_period", *by], na_position="last", kind="stable", ignore_index=True)
    table[["sent", "delivered", "answered"]] = table[["sent", "delivered", "answered"]].fillna(0).astype(np.int64)
    table = add_rate(table, "response_rate", "answered", denominator, confidence)
    place = table["_period"].to_numpy(np.int64)
    over = span.ends(place) <= span.span.as_of
    answered_all = table["_over"].fillna(0).to_numpy() <= span.span.as_of
    table["complete"] = over & answered_all
    reason = no_denominator(table[denominator]).mask(~answered_all, "immature").mask(~over, "incomplete_period")
    table["reason"] = too_few(reason, table[denominator], min_n)
    table = blank(table, table["reason"].notna(), _RATE)
    if period is not None:
        table["period_start"] = span.starts(place)
    settings: dict[str, Any] = {
        **span.settings(tz), "cutoff": cutoff, "denominator": denominator, "min_n": min_n, "by": by or None,
        "confidence": confidence,
    }  # fmt: skip
    definition = f"Answers within {cutoff} of sending / surveys {denominator}, by the time of sending ({tz})."
    columns = ["period_start"] * (period is not None) + by + _RESULT
    return result(table, metric="response_rate", definition=definition, settings=settings, columns=columns)


def _answered(sends: pd.DataFrame, responses: pd.DataFrame, match: list[str], wait: int, as_of: int) -> pd.Series:
    """Whether each send has an answer in time: an answer belongs to the last send before it."""
    answers = responses[match].reset_index(drop=True)
    answers = answers.assign(_at=microseconds(answer_times(responses))).dropna(subset="respondent_id")
    answers = answers[answers["_at"] < as_of].sort_values("_at", kind="stable")
    asked = sends[[*match, "_time"]].assign(_row=np.arange(len(sends))).dropna(subset="respondent_id")
    asked = asked.sort_values(["_time", "_row"], kind="stable")
    for name in match:  # ids of both tables as one type, or nothing would meet
        answers[name], asked[name] = id_texts(answers[name]), id_texts(asked[name])
    met = pd.merge_asof(answers, asked, left_on="_at", right_on="_time", by=match)
    met = met[met["_row"].notna() & (met["_at"] - met["_time"] < wait)]
    found = np.zeros(len(sends), bool)
    found[met["_row"].to_numpy(np.int64)] = True
    return pd.Series(found, index=sends.index)


def _delivered(sends: pd.DataFrame) -> pd.Series:
    """Whether each send arrived; a missing value is not known to have."""
    if "delivered" not in sends:
        return pd.Series(True, index=sends.index)
    return flags(sends["delivered"], "delivered").fillna(False).astype(bool)
