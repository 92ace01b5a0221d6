"""Satisfaction: how many are content?

The share of answers in the top boxes of the scale. A mean of the scale, or good minus bad, is another number, and who
gave no rating is in none of them.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from metrics.intervals import ratio, wilson
from metrics.periods import Period, When
from metrics.results import blank, result, too_few
from metrics.surveys.answers import LEFT_OUT, Counted, PerRespondent, Policy, counted, round_half_away, whole

TOP_BOXES = {3: {3}, 4: {3, 4}, 5: {4, 5}, 7: {6, 7}, 10: {8, 9, 10}}
_SCORE = ["customer_satisfaction", "customer_satisfaction_low", "customer_satisfaction_high"]
_RESULT = ["responses", "satisfied", *_SCORE, "customer_satisfaction_rounded", "mean_score", *LEFT_OUT, "reason"]


def customer_satisfaction(
    responses: pd.DataFrame,
    *,
    scale: int = 5,
    satisfied: Collection[int] | None = None,
    score: str = "score",
    per_respondent: PerRespondent = "all",
    by: str | list[str] | None = None,
    period: Period | None = None,
    min_n: int = 10,
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of the answers is content?

    Parameters
    ----------
    responses
        One row per answer, as for `net_promoter_score`. Where there is a ``question_type``, only the answers to
        ``csat`` questions are read.
    scale
        Highest score that can be given; the lowest is 1.
    satisfied
        Scores that count as content. Default, by scale: 3 of 3; 3 and 4 of 4; 4 and 5 of 5; 6 and 7 of 7; 8 to 10 of
        10.
    score
        Column of the scores.
    per_respondent
        ``"all"`` (default, for each answer is about another occasion), ``"latest"``, ``"first"`` or ``"mean"`` (content
        if the nearest score is).
    by
        Column or list for a breakdown; missing values are a group of their own.
    period
        None (default) or ``"week"``, ``"month"``, … of ``answered_at`` on the clocks of `tz`.
    min_n
        A share over fewer answers is NA with the reason ``below_min_n``; its counts stand.
    since, until
        Half-open range of ``answered_at``.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row (per period and group)
        responses                      count     answers that count
        satisfied                      count     of these, in the top boxes
        customer_satisfaction (…)      0 to 100  100 x satisfied / responses, Wilson; where people answer again, of
                                                 as many answers of strangers as would tell as much
        customer_satisfaction_rounded  whole     rounded once, half away from zero
        mean_score                     1 to scale  mean of the scores
        rejected                       count     blank, not a whole number, off the scale
        duplicates                     count     further answers of a respondent, left out by `per_respondent`
        reason                         text      ``no_responses`` or ``below_min_n`` where there is no share

    Raises
    ------
    ValueError
        A column that is missing; a scale without top boxes of its own, if `satisfied` does not say them.

    Notes
    -----
    Who answers again answers alike. Limits are those of as many strangers as would tell as much (Dean & Pagano 2015,
    Journal of Survey Statistics and Methodology 3:484; Korn & Graubard 1998, Survey Methodology 24:193), people being
    told apart by ``respondent_id``, where there is one.

    Examples
    --------
    >>> csat = customer_satisfaction(pd.DataFrame({"score": [5, 4, None, 2, None, 5]}), min_n=1)
    >>> csat[["responses", "satisfied", "customer_satisfaction", "mean_score", "rejected"]]
       responses  satisfied  customer_satisfaction  mean_score  rejected
    0          4          3                   75.0         4.0         2
    """
    boxes = _boxes(scale, satisfied)
    policy = Policy("csat", (1, scale), score, per_respondent, by, period, None, since, until, tz, min_n, confidence)
    found = counted(responses, policy, taken=_RESULT)
    voices = found.voices.assign(satisfied=whole(found.voices["_value"]).isin(boxes))
    table = Counted(voices, found.rows, found.by, found.calendar).table(
        ["satisfied", "_value"], "satisfied", confidence
    )
    table["satisfied"] = table["satisfied"].astype(np.int64)
    n = table["responses"]
    low, high = wilson(table["satisfied"] * table["_worth"], n * table["_worth"], confidence)
    table = table.assign(
        customer_satisfaction=100 * ratio(table["satisfied"], n),
        customer_satisfaction_low=100 * low,
        customer_satisfaction_high=100 * high,
        mean_score=ratio(table["_value"], n),
    )
    reason = pd.Series(pd.NA, index=table.index, dtype="str").mask(n == 0, "no_responses")
    table["reason"] = too_few(reason, n, min_n)
    table = blank(table, table["reason"].notna(), [*_SCORE, "mean_score"])
    table["customer_satisfaction_rounded"] = round_half_away(table["customer_satisfaction"])
    columns = ["period_start"] * (period is not None) + found.by + _RESULT
    words = ", ".join(map(str, sorted(boxes)))
    definition = f"100 x answers of {words} on a scale of 1 to {scale} / answers; {policy.voice()}."
    settings = policy.settings(scale=scale, satisfied=sorted(boxes))
    return result(table, metric="customer_satisfaction", definition=definition, settings=settings, columns=columns)


def _boxes(scale: int, satisfied: Collection[int] | None) -> set[int]:
    if not isinstance(scale, int | np.integer) or scale < 2:
        raise ValueError(f"scale: {scale!r} is not the highest of at least two scores. Use 5 for 1 to 5.")
    if satisfied is None:
        if scale not in TOP_BOXES:
            raise ValueError(
                f"scale: for 1 to {scale} it is not settled which scores are content (known: {sorted(TOP_BOXES)}). "
                "Say them: satisfied=[…]."
            )
        return TOP_BOXES[scale]
    boxes = {int(box) for box in satisfied}
    if not boxes or not boxes <= set(range(1, scale + 1)) or boxes != set(satisfied):
        raise ValueError(
            f"satisfied: {sorted(satisfied)} are not scores from 1 to {scale}. Name those that are content."
        )
    return boxes
