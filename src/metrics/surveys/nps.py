"""The net promoter score: would they recommend us?

The share of promoters (9, 10) minus the share of detractors (0 to 6), in points; of respondents, or of accounts that
have one voice each, weighted by their money if asked.
"""

import warnings
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.files import several
from metrics.intervals import Floats, Votes, net_score
from metrics.periods import Period, When, one_of
from metrics.results import blank, result, too_few
from metrics.surveys.answers import LEFT_OUT, Counted, PerRespondent, Policy, counted, round_half_away, whole

NpsInterval: TypeAlias = Literal["adjusted_wald", "wald"]
Level: TypeAlias = Literal["respondent", "account"]
SCALE = (0, 10)
BANDS = ("promoters", "passives", "detractors")
_SCORE = ["net_promoter_score", "net_promoter_score_low", "net_promoter_score_high"]
_RESULT = ["responses", *BANDS, *_SCORE, "net_promoter_score_rounded", *LEFT_OUT, "reason"]
_SUMS = ["_w", "_wv", "_ww", "_wwv", "_wwvv", "_wvv"]  # of weights and of votes, +1, 0, -1


def net_promoter_score(
    responses: pd.DataFrame,
    *,
    score: str = "score",
    per_respondent: PerRespondent = "latest",
    level: Level = "respondent",
    weight: str | None = None,
    by: str | list[str] | None = None,
    period: Period | None = None,
    rolling: str | None = None,
    min_n: int = 10,
    interval: NpsInterval = "adjusted_wald",
    population: int | None = None,
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How likely are they to recommend us?

    Parameters
    ----------
    responses
        One row per answer: `score`, ``respondent_id`` (unless `per_respondent` is ``"all"``) and ``answered_at`` (UTC;
        needed for ``"latest"``, ``"first"``, `period`, `since` and `until`). Where there is a ``question_type``, only
        the answers to ``nps`` questions are read.
    score
        Column of the scores, 0 to 10.
    per_respondent
        Which answers of one respondent count within a period: ``"latest"`` (default), ``"first"``, ``"all"``, or
        their ``"mean"`` (within a group; banded after averaging: under 6.5 a detractor, from 8.5 a promoter). An
        answer without a respondent stands for itself.
    level
        ``"respondent"`` (default), or ``"account"``: one voice per ``account_id``, the mean of the bands (+1, 0, -1)
        of its respondents. An answer without an account stands for itself.
    weight
        Column of weights, such as money a month; the mean over the answers of an account.
    by
        Column or list for a breakdown; missing values are a group of their own.
    period
        None (default): one score; or ``"week"``, ``"month"``, … of `answered_at` on the clocks of `tz`.
    rolling
        With `period`: each row scores the answers of this span up to the end of its period (or to `until`), such as
        ``"90 days"``. Answers before `since` still count in the windows that reach back to them.
    min_n
        A score over fewer voices is NA with the reason ``below_min_n``; its counts stand.
    interval
        ``"adjusted_wald"`` (default): three voices of mean weight are added, three quarters each to promoters and
        detractors and the rest to passives. ``"wald"``: without them, too short for few answers.
    population
        Number of customers, if all of them were asked: the interval shrinks by the finite population correction.
    since, until
        Half-open range of `answered_at`.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row (per period and group)
        responses                       count        answers that count
        promoters, passives, detractors count        9 and 10; 7 and 8; 0 to 6
        accounts                        count        voices; with ``level="account"`` only
        net_promoter_score (…)          -100 to 100  100 x (promoters - detractors) / responses with its limits; of
                                                     accounts and with weights, 100 x the (weighted) mean voice
        net_promoter_score_rounded      whole        rounded once, half away from zero
        rejected                        count        blank, not a whole number, outside 0 to 10
        duplicates                      count        further answers of a respondent, left out by `per_respondent`
        reason                          text         ``no_responses``, ``below_min_n`` or ``zero_denominator`` (no
                                                     weight) where there is no score

    Raises
    ------
    ValueError
        A column that is missing, a mode that does not exist, a weight that is missing or negative.

    Warns
    -----
    UserWarning
        None of fifty answers or more is above 7: they may be of a shorter scale.

    Notes
    -----
    Reichheld (2003), Harvard Business Review 81(12):46. Interval: Agresti & Min (2005), Biometrics 61:515, with the
    weights that came out best in Rocks (2016), The American Statistician 70:365; of weighted voices the variance of a
    ratio, Cochran (1977), Sampling Techniques, page 155, and no nearer than the limits of as many voices of one weight
    as weigh the same, Kish (1965), Survey Sampling, section 11.7. Where people answer again (``"all"``), limits are
    those of as many strangers as would tell as much, as for `customer_satisfaction`.

    Examples
    --------
    >>> answers = pd.DataFrame({"score": [10, 9, 8, 3, None]})
    >>> nps = net_promoter_score(answers, per_respondent="all", min_n=1)
    >>> nps[["responses", "promoters", "detractors", "net_promoter_score", "rejected"]]
       responses  promoters  detractors  net_promoter_score  rejected
    0          4          2           1                25.0         1
    """
    one_of("interval", interval, NpsInterval)
    one_of("level", level, Level)
    policy = Policy(
        "nps", SCALE, score, per_respondent, by, period, rolling, since, until, tz, min_n, confidence, weight
    )
    extra = ["account_id"] * (level == "account")
    found = counted(responses, policy, taken=[*_RESULT, "accounts"], extra=extra)
    _check_scale(found.voices["_value"], score)
    voices = with_bands(found.voices)
    voices["_weight"] = 1.0 if weight is None else voices[weight]
    table = Counted(voices, found.rows, found.by, found.calendar).table(BANDS)
    table[list(BANDS)] = table[list(BANDS)].astype(np.int64)
    if level == "account":
        voices = _accounts(voices, found.group)
    again = "_vote" if level == "respondent" else None  # an account is one voice, whoever spoke
    sums = Counted(_products(voices), found.rows, found.by, found.calendar).table(_SUMS, again, confidence)
    table["_worth"] = sums["_worth"] if again else 1.0
    table["accounts"] = sums["responses"]  # voices: they are the respondents unless accounts are asked for
    table = _score(table.join(sums[_SUMS]), interval, population, confidence)
    reason = pd.Series(pd.NA, index=table.index, dtype="str").mask(table["responses"] == 0, "no_responses")
    reason = too_few(reason, table["accounts"], min_n)
    table["reason"] = reason.mask(reason.isna() & (table["_w"] <= 0), "zero_denominator")
    table = blank(table, table["reason"].notna(), _SCORE)
    table["net_promoter_score_rounded"] = round_half_away(table["net_promoter_score"])
    settings = policy.settings(interval=interval, population=population, weight=weight)
    settings |= {"level": level} if level == "account" else {}
    definition = _definition(policy, level, weight)
    columns = ["period_start"] * (period is not None) + found.by + _RESULT
    if level == "account":
        columns.insert(columns.index("net_promoter_score"), "accounts")
    return result(table, metric="net_promoter_score", definition=definition, settings=settings, columns=columns)


def _definition(policy: Policy, level: Level, weight: str | None) -> str:
    said = "100 x (promoters - detractors) / responses: promoters answered 9 or 10, detractors 0 to 6; "
    if level == "account":
        said += "an account has one voice, the mean of its respondents' bands (+1, 0, -1); "
    if weight is not None:
        said += f"voices are weighted by {weight}; "
    if policy.rolling is not None:
        said += f"each row is of the {policy.rolling} before its period's end; "
    return f"{said}{policy.voice()}."


def with_bands(voices: pd.DataFrame) -> pd.DataFrame:
    """The voices with their band, and as a vote: +1, 0, -1."""
    value = whole(voices["_value"])
    up, down = value >= 9, value <= 6
    vote = up.astype(float) - down.astype(float)
    return voices.assign(promoters=up, passives=~(up | down), detractors=down, _vote=vote)


def _check_scale(values: pd.Series, score: str) -> None:
    known = values.dropna()
    if len(known) >= 50 and known.max() <= 7:
        warnings.warn(
            f"{score}: none of {len(known):,} answers is above {known.max():g}. A promoter score needs answers from 0 "
            "to 10; for a shorter scale use customer_satisfaction or customer_effort.",
            stacklevel=4,
        )


def _accounts(voices: pd.DataFrame, group: list[str]) -> pd.DataFrame:
    """One row per account: its mean vote and its mean weight."""
    alone = voices["account_id"].isna()
    # Sorted, so that the order of rows does not reach the last digit of a mean.
    named = voices[~alone].sort_values(["account_id", "_vote", "_weight"], kind="stable")
    means = named.groupby([*group, "account_id"], dropna=False, sort=False)[["_vote", "_weight"]].mean()
    return pd.concat([voices[alone], means.reset_index()], ignore_index=True)


def _products(voices: pd.DataFrame) -> pd.DataFrame:
    w, v = voices["_weight"], voices["_vote"]
    return voices.assign(_w=w, _wv=w * v, _ww=w * w, _wwv=w * w * v, _wwvv=w * w * v * v, _wvv=w * v * v)


def _score(table: pd.DataFrame, interval: NpsInterval, population: int | None, confidence: float) -> pd.DataFrame:
    votes = Votes(*((table[name] * table["_worth"]).to_numpy(float) for name in ("accounts", *_SUMS)))
    added, shrink = 0.75 if interval == "adjusted_wald" else 0.0, _finite(table["accounts"].to_numpy(float), population)
    value, low, high = net_score(votes, added=added, shrink=shrink, confidence=confidence)
    return table.assign(
        net_promoter_score=100 * value, net_promoter_score_low=100 * low, net_promoter_score_high=100 * high
    )


def _finite(n: Floats, population: int | None) -> Floats:
    """Finite population correction: sqrt((N - n) / (N - 1))."""
    if population is None:
        return np.ones_like(n)
    if population < 2 or (n > population).any():
        raise ValueError(
            f"population: {population!r} is smaller than the {several(int(n.max()), 'response', 'responses')}. Give "
            "all who were asked."
        )
    return np.sqrt((population - n) / (population - 1))
