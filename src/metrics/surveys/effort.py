"""Effort: how easy was it?

Three numbers go by this name, and the question is asked in two directions. "It was easy" and "How much effort?" turn
the same scale round, so the direction has to be said.
"""

from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.intervals import Votes, net_score, ratio, wilson
from metrics.periods import Period, When, one_of
from metrics.results import blank, result, too_few
from metrics.surveys.answers import LEFT_OUT, Counted, PerRespondent, Policy, counted, whole

Direction: TypeAlias = Literal["ease", "effort"]
Method: TypeAlias = Literal["percent", "mean", "net"]
AGREEING = {5: (4, 5), 7: (5, 6, 7)}
_SCORE = ["customer_effort", "customer_effort_low", "customer_effort_high"]
_RESULT = ["responses", *_SCORE, "method", "direction", *LEFT_OUT, "reason"]


def customer_effort(
    responses: pd.DataFrame,
    *,
    direction: Direction,
    method: Method = "percent",
    scale: int = 7,
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
    """How easy do they find it?

    Parameters
    ----------
    responses
        One row per answer, as for `net_promoter_score`. Where there is a ``question_type``, only the answers to
        ``ces`` questions are read.
    direction
        What a high score says: ``"ease"`` ("it was easy": I agree) or ``"effort"`` ("how much effort": much).
    method
        ``"percent"`` (default): share who found it easy. ``"net"``: these minus those who did not. ``"mean"``: mean of
        the scores as they were given, not turned.
    scale
        5 or 7, the highest score; the lowest is 1. Easy are 4 and 5 of 5, and 5 to 7 of 7; with ``"effort"`` 1 and 2,
        and 1 to 3.
    score, per_respondent, by, period, min_n, since, until, tz
        As for `customer_satisfaction`.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row (per period and group)
        responses            count        answers that count
        customer_effort (…)  0 to 100     ``"percent"``, Wilson
                             -100 to 100  ``"net"``, adjusted Wald as for `net_promoter_score`
                             1 to scale   ``"mean"``, adjusted Wald: the highest score as +1, the lowest as -1
        method, direction    text         as asked for
        rejected             count        blank, not a whole number, off the scale
        duplicates           count        further answers of a respondent, left out by `per_respondent`
        reason               text         ``no_responses`` or ``below_min_n`` where there is no score

    Raises
    ------
    ValueError
        A column that is missing, a mode or a scale that does not exist.

    Notes
    -----
    Dixon, Freeman & Toman (2010), Harvard Business Review 88(7):116. Limits of a mean are those of a net score, for
    Student's t says of twenty answers that are alike that nobody thinks otherwise. Where people answer again, limits
    are those of as many strangers as would tell as much, as for `customer_satisfaction`.

    Examples
    --------
    >>> answers = pd.DataFrame({"score": [7, 6, 5, 4, 1]})
    >>> customer_effort(answers, direction="ease", min_n=1)["customer_effort"].item()
    60.0
    >>> customer_effort(answers, direction="effort", method="net", min_n=1)["customer_effort"].item()
    -40.0
    """
    one_of("direction", direction, Direction)
    one_of("method", method, Method)
    if scale not in AGREEING:
        raise ValueError(f"scale: {scale!r} is not known. Effort is asked from 1 to 5 or from 1 to 7: use 5 or 7.")
    policy = Policy("ces", (1, scale), score, per_respondent, by, period, None, since, until, tz, min_n, confidence)
    found = counted(responses, policy, taken=_RESULT)
    given = found.voices["_value"]
    nearest = whole(given) if direction == "ease" else scale + 1 - whole(given)
    easy, hard = nearest.isin(AGREEING[scale]), (scale + 1 - nearest).isin(AGREEING[scale])
    voted = (2 * given - scale - 1) / (scale - 1)  # -1 to 1 from one end of the scale to the other
    voices = found.voices.assign(_easy=easy, _hard=hard, _vote=voted, _square=voted**2)
    sums = ["_easy", "_hard", "_value", "_vote", "_square"]
    voices["_net"] = voices["_easy"].astype(float) - voices["_hard"]
    told = {"percent": "_easy", "net": "_net", "mean": "_vote"}[method]
    table = Counted(voices, found.rows, found.by, found.calendar).table(sums, told, confidence)
    n, agree, against, vote, square = (
        (table[name] * table["_worth"]).to_numpy(float) for name in ("responses", "_easy", "_hard", "_vote", "_square")
    )
    if method == "percent":
        low, high = wilson(agree, n, confidence)
        score_, low, high = 100 * ratio(table["_easy"], table["responses"]), 100 * low, 100 * high
    elif method == "net":
        score_, low, high = (100 * v for v in net_score(Votes.counted(n, agree, against), confidence=confidence))
    else:
        score_ = ratio(table["_value"], table["responses"])
        votes = Votes(n, n, vote, n, vote, square, square)
        limits = net_score(votes, confidence=confidence)
        low, high = (((scale + 1) + (scale - 1) * limit) / 2 for limit in (limits.low, limits.high))
        low, high = np.fmin(low, score_), np.fmax(high, score_)
    table = table.assign(customer_effort=score_, customer_effort_low=low, customer_effort_high=high)
    table["method"], table["direction"] = (pd.Series(v, index=table.index, dtype="str") for v in (method, direction))
    reason = pd.Series(pd.NA, index=table.index, dtype="str").mask(table["responses"] == 0, "no_responses")
    table["reason"] = too_few(reason, table["responses"], min_n)
    table = blank(table, table["reason"].notna(), _SCORE)
    columns = ["period_start"] * (period is not None) + found.by + _RESULT
    settings = policy.settings(scale=scale, direction=direction, method=method)
    definition = f"{_formula(scale, direction, method)}; {policy.voice()}."
    return result(table, metric="customer_effort", definition=definition, settings=settings, columns=columns)


def _formula(scale: int, direction: Direction, method: Method) -> str:
    boxes = AGREEING[scale] if direction == "ease" else tuple(scale + 1 - box for box in reversed(AGREEING[scale]))
    others = [scale + 1 - box for box in reversed(boxes)]
    easy, hard = f"{boxes[0]} to {boxes[-1]}", f"{others[0]} to {others[-1]}"
    if method == "percent":
        return f"100 x answers of {easy} (easy) / answers, on a scale of 1 to {scale}"
    if method == "net":
        return f"100 x (answers of {easy}, easy, minus answers of {hard}) / answers, on a scale of 1 to {scale}"
    means = "easy" if direction == "ease" else "hard"
    return f"Mean of the answers on a scale of 1 to {scale}, on which high means {means}"
