"""Surveys: how satisfied are they?

The net promoter score is the share of promoters (9, 10) minus the share of detractors (0 to 6), in points. A score
that is blank, no whole number or outside 0 to 10 is rejected and counted, and never stands in a denominator.
"""

from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.engine import Span
from metrics.intervals import Floats, Numbers, normal_quantile, ratio
from metrics.periods import Calendar, Period, When, instant, microseconds, one_of
from metrics.results import blank, keys, result, too_few
from metrics.steps import unknown

PerRespondent: TypeAlias = Literal["latest", "first", "all", "mean"]
NpsInterval: TypeAlias = Literal["adjusted_wald", "wald"]
_SCORE = ["net_promoter_score", "net_promoter_score_low", "net_promoter_score_high"]
_COUNTS = ["responses", "promoters", "passives", "detractors"]
_RESULT = ["period_start", *_COUNTS, *_SCORE, "net_promoter_score_rounded", "rejected", "duplicates", "reason"]


def net_promoter_score(
    responses: pd.DataFrame,
    *,
    score: str = "score",
    per_respondent: PerRespondent = "latest",
    by: str | list[str] | None = None,
    period: Period | None = None,
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
    by
        Column or list for a breakdown; missing values are a group of their own.
    period
        None (default): one score; or ``"week"``, ``"month"``, … of `answered_at` on the clocks of `tz`.
    min_n
        A score over fewer responses is NA with the reason ``below_min_n``; its counts stand.
    interval
        ``"adjusted_wald"`` (default): three answers are added, three quarters each to promoters and detractors and
        the rest to passives. ``"wald"``: without them, too short for few answers.
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
        net_promoter_score (…)          -100 to 100  100 x (promoters - detractors) / responses with its limits
        net_promoter_score_rounded      whole        rounded once, half away from zero
        rejected                        count        blank, not a whole number, outside 0 to 10
        duplicates                      count        further answers of a respondent, left out by `per_respondent`
        reason                          text         ``no_responses`` or ``below_min_n`` where there is no score

    Raises
    ------
    ValueError
        A column that is missing, a mode that does not exist.

    Notes
    -----
    Reichheld (2003), Harvard Business Review 81(12):46. Interval: Agresti & Min (2005), Biometrics 61:515, with the
    weights that came out best in Rocks (2016), The American Statistician 70:365.

    Examples
    --------
    >>> answers = pd.DataFrame({"score": [10, 9, 8, 3, None]})
    >>> nps = net_promoter_score(answers, per_respondent="all", min_n=1)
    >>> nps[["responses", "promoters", "detractors", "net_promoter_score", "rejected"]]
       responses  promoters  detractors  net_promoter_score  rejected
    0          4          2           1                25.0         1
    """
    for name, value, allowed in (
        ("per_respondent", per_respondent, PerRespondent), ("interval", interval, NpsInterval),
    ):  # fmt: skip
        one_of(name, value, allowed)
    by = keys(by, taken=_RESULT)
    times = per_respondent in ("latest", "first") or bool(period or since or until)
    needed = [score, *by] + ["respondent_id"] * (per_respondent != "all") + ["answered_at"] * times
    for column in needed:
        if column not in responses:
            raise ValueError(unknown("responses", column, responses.columns, "a column of the responses", "columns"))
    responses = _nps_only(responses)
    answers = responses[list(dict.fromkeys(needed))].reset_index(drop=True)
    if times:
        answers = _in_range(answers, since, until, tz)
    group = list(by)
    if period is not None:
        calendar = Calendar(period, tz)
        answers["_period"] = calendar.number(microseconds(answers["answered_at"]))
        group = ["_period", *by]
    problem = problems_of(answers[score], (0, 10))
    answers["_value"] = pd.to_numeric(answers[score], errors="coerce").astype(float).where(problem.isna())
    answers["rejected"] = problem.notna()
    counts = _bands(_one_voice(answers, group, per_respondent), answers, group)
    if period is not None:
        counts = _with_empty(counts, by).sort_values(group, na_position="last", kind="stable")
        counts.insert(0, "period_start", calendar.start(counts.pop("_period").to_numpy(np.int64)))
    table = _score(counts, interval, population, confidence)
    reason = pd.Series(pd.NA, index=table.index, dtype="str").mask(table["responses"] == 0, "no_responses")
    table["reason"] = too_few(reason, table["responses"], min_n)
    table = blank(table, table["reason"].notna(), _SCORE)
    table["net_promoter_score_rounded"] = round_half_away(table["net_promoter_score"])
    settings = {
        "per_respondent": per_respondent, "interval": interval, "population": population, "period": period, "tz": tz,
        "since": str(since) if since else None, "until": str(until) if until else None,
        "min_n": min_n, "by": by or None, "confidence": confidence,
    }  # fmt: skip
    whose = {"all": "every answer counts", "mean": "a respondent's answers are averaged"}
    voice = whose.get(per_respondent, f"the {per_respondent} answer of a respondent counts")
    definition = (
        "100 x (promoters - detractors) / responses: promoters answered 9 or 10, detractors 0 to 6; "
        f"{voice}; blank and impossible scores are left out and counted."
    )
    columns = [*_RESULT[: int(period is not None)], *by, *_RESULT[1:]]
    return result(table, metric="net_promoter_score", definition=definition, settings=settings, columns=columns)


def _nps_only(responses: pd.DataFrame) -> pd.DataFrame:
    if "question_type" not in responses:
        return responses
    return responses[responses["question_type"].astype("str").str.lower() == "nps"]


def _in_range(answers: pd.DataFrame, since: When | None, until: When | None, tz: str) -> pd.DataFrame:
    stamps = pd.to_datetime(answers["answered_at"])
    if stamps.dt.tz is None:
        raise ValueError("answered_at has no zone. Localise it, or read the file with read_surveys(..., timezone=…).")
    if stamps.isna().any():
        first = int(np.argmax(stamps.isna()))
        raise ValueError(
            f"answered_at is missing in {stamps.isna().sum()} rows (first: row {first}). Fill or drop them."
        )
    answers["answered_at"] = stamps.dt.as_unit("us")
    if since is not None and until is not None:
        Span.read(since=since, until=until, as_of=until, tz=tz)
    keep = np.ones(len(answers), bool)
    if since is not None:
        keep &= microseconds(answers["answered_at"]) >= instant(since, tz=tz, name="since")
    if until is not None:
        keep &= microseconds(answers["answered_at"]) < instant(until, tz=tz, name="until")
    return answers.loc[keep].reset_index(drop=True)


def _one_voice(answers: pd.DataFrame, group: list[str], per_respondent: PerRespondent) -> pd.DataFrame:
    """The answers that count, one per respondent and group unless all do."""
    valid = answers[~answers["rejected"]]
    if per_respondent == "all":
        return valid
    # One voice in a period, also for somebody whose answers lie in different groups.
    who = [*(name for name in group if name == "_period" or per_respondent == "mean"), "respondent_id"]
    anonymous, named = valid[valid["respondent_id"].isna()], valid[valid["respondent_id"].notna()]
    if per_respondent == "mean":
        mean = named.groupby(who, dropna=False, sort=False)["_value"].mean().reset_index()
        return pd.concat([anonymous, mean], ignore_index=True)
    # Of two answers at one instant the lower one counts, whatever the order of the file.
    latest = per_respondent == "latest"
    named = named.sort_values(["answered_at", "_value"], ascending=[not latest, True], kind="stable")
    return pd.concat([anonymous, named.drop_duplicates(who)], ignore_index=True)


def _bands(counted: pd.DataFrame, answers: pd.DataFrame, group: list[str]) -> pd.DataFrame:
    """Counts per group: bands, and what was left out."""
    value = counted["_value"]
    counted = counted.assign(
        responses=1, promoters=value >= 8.5, passives=(value >= 6.5) & (value < 8.5), detractors=value < 6.5
    )
    if not group:
        counts = counted[_COUNTS].sum().astype(np.int64).to_frame().T
        return counts.assign(
            rejected=int(answers["rejected"].sum()), duplicates=len(answers) - answers["rejected"].sum() - len(counted)
        )
    everyone = answers.groupby(group, dropna=False)["rejected"].agg(rejected="sum", _rows="size")
    counts = everyone.join(counted.groupby(group, dropna=False)[_COUNTS].sum())
    counts[_COUNTS] = counts[_COUNTS].fillna(0).astype(np.int64)
    counts["duplicates"] = counts["_rows"] - counts["rejected"] - counts["responses"]
    table: pd.DataFrame = counts.drop(columns="_rows").reset_index()
    return table


def _with_empty(counts: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """The counts with a row of zeros for a period in between in which a group has no answers."""
    if not len(counts):
        return counts
    every = pd.DataFrame({"_period": np.arange(counts["_period"].min(), counts["_period"].max() + 1)})
    if by:
        every = counts[by].drop_duplicates().merge(every, how="cross")
    table = every.merge(counts, on=[*by, "_period"], how="left")
    numbers = [*_COUNTS, "rejected", "duplicates"]
    table[numbers] = table[numbers].fillna(0).astype(np.int64)
    return table


def _score(counts: pd.DataFrame, interval: NpsInterval, population: int | None, confidence: float) -> pd.DataFrame:
    n, up, down = (counts[name].to_numpy(float) for name in ("responses", "promoters", "detractors"))
    added = 0.75 if interval == "adjusted_wald" else 0.0
    size = np.where(n > 0, n + 4 * added, 0)
    centre = ratio(up - down, size)
    variance = ratio(up + down + 2 * added, size) - centre**2
    score, shrink = ratio(up - down, n), _finite(n, population)
    # The interval sits beside its score, for it is centred at the added answers; what shrinks it moves it back.
    centre = score + shrink * (centre - score)
    half = normal_quantile(confidence) * np.sqrt(ratio(variance, size)) * shrink
    return counts.assign(
        net_promoter_score=100 * score,
        net_promoter_score_low=100 * np.minimum(np.clip(centre - half, -1, 1), score),
        net_promoter_score_high=100 * np.maximum(np.clip(centre + half, -1, 1), score),
    )


def _finite(n: Floats, population: int | None) -> Floats:
    """Finite population correction: sqrt((N - n) / (N - 1))."""
    if population is None:
        return np.ones_like(n)
    if population < 2 or (n > population).any():
        raise ValueError(
            f"population: {population!r} is smaller than the {int(n.max())} responses. Give all who were asked."
        )
    return np.sqrt((population - n) / (population - 1))


def round_half_away(values: Numbers) -> pd.Series:
    """Whole numbers, half away from zero: 12.5 is 13 and -12.5 is -13. Missing stays missing."""
    exact = np.asarray(values, float)
    # A sum of thirds may sit a hair below the half that it is.
    return pd.Series(np.sign(exact) * np.floor(np.round(np.abs(exact), 9) + 0.5), dtype="Float64").astype("Int64")


def check_responses(responses: pd.DataFrame, *, score: str = "score", scale: tuple[int, int] = (0, 10)) -> pd.DataFrame:
    """Which answers cannot be counted, and why?

    Parameters
    ----------
    responses
        One row per answer. Where there is a ``question_type``, the scale 0 to 10 is that of ``nps`` questions only.
    score
        Column of the scores.
    scale
        Lowest and highest score that can be given.

    Returns
    -------
    DataFrame, one row per kind of problem
        problem   text    ``blank``, ``not_a_number``, ``out_of_range``, ``not_an_integer``
        rows      count
        share     0 to 1  of all rows; NaN without rows
        example   text    the first such score

    Raises
    ------
    ValueError
        The column is missing.

    Examples
    --------
    >>> check_responses(pd.DataFrame({"score": [9, None, 11, 7.5]}))[["problem", "rows"]]
              problem  rows
    0           blank     1
    1    not_a_number     0
    2    out_of_range     1
    3  not_an_integer     1
    """
    if score not in responses:
        raise ValueError(unknown("score", score, responses.columns, "a column of the responses", "columns"))
    if tuple(scale) == (0, 10):
        responses = _nps_only(responses)
    problem = problems_of(responses[score], scale).reset_index(drop=True)
    rows = []
    for kind in ("blank", "not_a_number", "out_of_range", "not_an_integer"):
        found = np.flatnonzero((problem == kind).to_numpy(bool, na_value=False))
        example = None if not len(found) or kind == "blank" else str(responses[score].iloc[found[0]])
        rows.append((kind, len(found), ratio(len(found), len(problem)).item(), example))
    return pd.DataFrame(rows, columns=["problem", "rows", "share", "example"]).astype({"example": "str"})


def problems_of(scores: pd.Series, scale: tuple[int, int]) -> pd.Series:
    """What is wrong with each score; missing where nothing is."""
    text = scores.astype("str").str.strip()
    number = pd.to_numeric(scores, errors="coerce").astype(float)
    blank_ = scores.isna() | text.isin(["", "nan", "None", "<NA>"])
    problem = pd.Series(pd.NA, index=scores.index, dtype="str")
    problem = problem.mask(number != np.floor(number), "not_an_integer")
    problem = problem.mask((number < scale[0]) | (number > scale[1]), "out_of_range")
    return problem.mask(number.isna(), "not_a_number").mask(blank_, "blank")
