"""Do long surveys lose people? Who finishes, by the number of questions that were asked."""

import numpy as np
import pandas as pd

from metrics.files import several
from metrics.intervals import add_rate, no_denominator
from metrics.results import blank, keys, result, too_few
from metrics.steps import unknown
from metrics.surveys.answers import flags

_RATE = ["completion_rate", "completion_rate_low", "completion_rate_high"]
_COUNTS = ["responses", "completed", "unknown"]
_RESULT = ["questions", "responses", "completed", *_RATE, "unknown", "reason"]


def completion_by_length(
    responses: pd.DataFrame,
    *,
    questions: str | None = "questions",
    completed: str = "completed",
    min_n: int = 10,
    by: str | list[str] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of those who begin a survey of so many questions finishes it?

    Parameters
    ----------
    responses
        One row per survey that somebody began, finished or not.
    questions
        Column with the number of questions asked. None: there is one row per question asked, and the rows of a
        ``response_id`` are counted.
    completed
        Column that says whether the survey was finished, the same in all rows of a response: true or false, yes or no,
        1 or 0. Missing where that is not known, as while somebody may still go on.
    min_n
        A rate over fewer is NA with the reason ``below_min_n``; its counts stand.
    by
        Column or list of `responses` for a breakdown; missing values are a group of their own.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row per (group and) number of questions, the shortest first
        questions            count   questions asked; NA where that is not known, at the end
        responses            count   surveys begun of which it is known whether they were finished
        completed            count   of these, finished
        completion_rate (…)  0 to 1  completed / responses, Wilson
        unknown              count   surveys begun of which it is not known
        reason               text    ``zero_denominator`` or ``below_min_n`` where there is no rate

    Raises
    ------
    ValueError
        A column that is missing, a number of questions that is none, a `completed` that is neither true nor false, a
        response that stands in several rows, or whose rows disagree.

    Notes
    -----
    Count the questions of the survey, not those that were reached: who leaves early reached few, so that short surveys
    would seem to be the ones that lose people. And an association: long surveys are often sent to other people.

    Examples
    --------
    >>> begun = pd.DataFrame({"questions": [3, 3, 20, 20], "completed": [True, True, True, False]})
    >>> completion_by_length(begun, min_n=1)[["questions", "responses", "completed", "completion_rate"]]
       questions  responses  completed  completion_rate
    0          3          2          2              1.0
    1         20          2          1              0.5
    """
    by = keys(by, taken=_RESULT)
    for column in [*([] if questions is None else [questions]), completed, *by, *["response_id"] * (questions is None)]:
        if column not in responses:
            raise ValueError(unknown("responses", column, responses.columns, "a column of the responses", "columns"))
    begun = responses[by].reset_index(drop=True)
    begun["_done"] = flags(responses[completed].reset_index(drop=True), completed)
    if questions is None:
        begun = _of_rows(begun.assign(_id=responses["response_id"].to_numpy()), by, completed)
    else:
        _once(responses)
        begun["questions"] = _numbers(responses[questions].reset_index(drop=True), questions)
    begun["unknown"] = begun["_done"].isna()
    begun["responses"] = ~begun["unknown"]
    begun["completed"] = begun["_done"].fillna(False).astype(bool)
    group = [*by, "questions"]
    table = begun.groupby(group, dropna=False)[_COUNTS].sum().astype(np.int64).reset_index()
    table = table.sort_values(group, na_position="last", kind="stable", ignore_index=True)
    table["questions"] = table["questions"].astype("Int64")
    table = add_rate(table, "completion_rate", "completed", "responses", confidence)
    table["reason"] = too_few(no_denominator(table["responses"]), table["responses"], min_n)
    table = blank(table, table["reason"].notna(), _RATE)
    settings = {"questions": questions, "min_n": min_n, "by": by or None, "confidence": confidence}
    definition = "Surveys finished / surveys begun of which it is known, by the number of questions asked."
    return result(table, metric="completion_by_length", definition=definition, settings=settings, columns=by + _RESULT)


def _numbers(asked: pd.Series, name: str) -> pd.Series:
    """Whole numbers from 1; missing stays missing."""
    number = pd.to_numeric(asked, errors="coerce").astype(float)
    given = asked.notna() & (asked.astype("str").str.strip() != "")
    wrong = given & ~((number >= 1) & (number == np.floor(number)) & np.isfinite(number))
    if wrong.any():
        raise ValueError(
            f"{name}: {asked[wrong].tolist()[0]!r} is no number of questions ({int(wrong.sum()):,} such rows). "
            "Give whole numbers from 1, and leave blank what is not known."
        )
    return number.astype("Int64")


def _once(responses: pd.DataFrame) -> None:
    """Refuse a response that would be counted twice."""
    if "response_id" not in responses:
        return
    again = responses["response_id"].duplicated() & responses["response_id"].notna()
    if again.any():
        first = responses.loc[again.to_numpy(), "response_id"].iloc[0]
        raise ValueError(
            f"response_id {first!r} stands in several rows "
            f"({several(int(again.sum()), 'row repeats', 'rows repeat')} one). "
            "Keep one row of each response, or count its rows as its questions: questions=None."
        )


def _of_rows(rows: pd.DataFrame, by: list[str], completed: str) -> pd.DataFrame:
    """A row per response from a row per question."""
    if rows["_id"].isna().any():
        raise ValueError(
            f"response_id is missing in {several(int(rows['_id'].isna().sum()), 'row', 'rows')}, so that their "
            "questions belong to nobody. Fill or drop them."
        )
    each = rows[["_id", "_done", *by]].drop_duplicates()
    if each["_id"].duplicated().any():
        first = each.loc[each["_id"].duplicated(), "_id"].iloc[0]
        raise ValueError(
            f"The rows of response {first!r} disagree in {', '.join([completed, *by])}. "
            "Say of each response once whether it was finished, the same in all its rows."
        )
    asked = rows.groupby("_id").size().rename("questions").astype("Int64")
    return each.merge(asked, left_on="_id", right_index=True)
