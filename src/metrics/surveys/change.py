"""Has the net promoter score moved, or is it chance?"""

import math
from typing import Literal

import numpy as np
import pandas as pd

from metrics.intervals import Floats, normal_quantile, ratio
from metrics.periods import Period, When
from metrics.results import beside, blank, result, too_few
from metrics.surveys.answers import PLACE, PerRespondent, Policy, counted
from metrics.surveys.nps import SCALE, with_bands

FEW = 30  # respondents of a side, below which normal limits are too narrow: at 30 Student's are 4 % wider
FARTHEST = 40.0  # z, beyond which p is 0
_DIFFERENCE = ["difference", "difference_low", "difference_high"]
_RESULT = ["responses_before", "responses_after", "before", "after", *_DIFFERENCE, "z", "p_value", "paired", "reason"]


def nps_change(
    before: pd.DataFrame,
    *,
    after: pd.DataFrame,
    paired: Literal["auto"] | bool = "auto",
    score: str = "score",
    per_respondent: PerRespondent = "latest",
    by: str | list[str] | None = None,
    min_n: int = 10,
    period: Period | None = None,
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """By how much did the net promoter score change, and could it be chance?

    Two waves of other people are independent samples. Who answered both times answers alike, so that the difference of
    the waves is surer than that of strangers: then the two answers of a respondent are taken together.

    Parameters
    ----------
    before, after
        Answers of the two times, as for `net_promoter_score`.
    paired
        ``"auto"`` (default): respondents with answers in both are taken together, where there are any. False: all
        answers are strangers. True: as ``"auto"``, but an error where nobody answered twice. Who answered only once
        counts too.
    score, per_respondent, by, min_n, period, since, until, tz
        As for `net_promoter_score`, for both tables alike. `min_n` holds for each side.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row (per period and group)
        responses_before, responses_after  count         answers that count
        before, after                      -100 to 100   the two scores
        difference (…)                     -200 to 200   after - before, in points
        z                                  number        difference / its standard error
        p_value                            number        two-sided, of no change: below 0.05 where limits of 95 % leave
                                                         out 0
        paired                             bool          whether anybody's two answers were taken together
        reason                             text          ``no_responses``, ``below_min_n``; ``p_value: zero_variance``
                                                         where all answers of each side are in one band (or all who
                                                         answered twice moved alike), so that nothing can be tested

    Raises
    ------
    ValueError
        As `net_promoter_score`; ``paired=True`` where nobody answered both times.

    Notes
    -----
    Votes are +1, 0, -1; the variance of the difference is the sum over respondents of (deviation after / n after -
    deviation before / n before) squared. With nobody in both this is the z test of two independent means, with
    everybody in both that of the mean difference. Where fewer than 30 people answered on a side, limits and p are
    Student's t, variances divide by n - 1, and the degrees of freedom are those of Satterthwaite (1946, Biometrics
    Bulletin 2:110) from who answered twice, only before and only after: Welch's test of strangers, the t test of pairs.

    What few answers do not show may be there all the same. No limit is nearer than Newcombe's sum of two squares (1998,
    Statistics in Medicine 17:873) of how far off each score may lie: of `n` people as many may think otherwise as
    Wilson (1927) leaves open where none of `n` does, each of them at the other end.

    Examples
    --------
    >>> was = pd.DataFrame({"respondent_id": list("abcd"), "score": [9, 8, 6, 3], "answered_at": "2026-01-05"})
    >>> now = pd.DataFrame({"respondent_id": list("abcd"), "score": [9, 9, 6, 8], "answered_at": "2026-04-05"})
    >>> was["answered_at"], now["answered_at"] = (pd.to_datetime(t["answered_at"], utc=True) for t in (was, now))
    >>> nps_change(was, after=now, min_n=1)[["before", "after", "difference", "paired"]]
       before  after  difference  paired
    0   -25.0   25.0        50.0    True
    """
    if paired not in ("auto", True, False):
        raise ValueError(f"paired: {paired!r} is not known. Use 'auto', True or False.")
    policy = Policy("nps", SCALE, score, per_respondent, by, period, None, since, until, tz, min_n, confidence)
    sides = [counted(t, policy, taken=_RESULT, name=n) for t, n in ((before, "before"), (after, "after"))]
    group = sides[0].group
    votes = pd.concat([with_bands(side.voices).assign(_side=k) for k, side in enumerate(sides)], ignore_index=True)
    who = votes.get("respondent_id", pd.Series(pd.NA, index=votes.index))
    if paired is not False:
        twice = votes[who.notna()].groupby([*group, who.rename("_who")], dropna=False)["_side"].nunique() == 2
        if paired is True and not twice.any():
            raise ValueError("paired: no respondent answered both times. Use paired='auto' or False.")
        pairs = twice.groupby(level=list(range(len(group))), dropna=False).any()
    # Who has no name, and everybody where nothing is taken together, is a stranger: told apart by the row.
    stranger = who.isna() | (paired is False)
    votes["_who"] = np.where(stranger, -1 - np.arange(len(votes)), pd.factorize(who)[0])
    table = pd.concat([side.rows[group] for side in sides]).drop_duplicates()
    if not (by or period or len(table)):
        table = pd.DataFrame({name: [0] for name in group})
    table = table.sort_values(group, na_position="last", kind="stable", ignore_index=True)
    for k, side in enumerate(("before", "after")):
        names = [f"responses_{side}", side]  # groups may be called size and mean
        mine = votes[votes["_side"] == k].groupby(group, dropna=False)["_vote"]
        table = beside(table, mine.agg(["size", "mean"]).set_axis(names, axis=1).reset_index(), group)
        table[f"responses_{side}"] = table[f"responses_{side}"].fillna(0).astype(np.int64)
    table = beside(table, _spread(votes, table, group), group)
    table["paired"] = (
        False
        if paired is False
        else beside(table[group], pairs.rename("paired").reset_index(), group)["paired"].eq(True)
    )
    table["difference"] = 100 * (table["after"] - table["before"])
    table[["before", "after"]] *= 100
    table["z"] = ratio(table["difference"], 100 * np.sqrt(table["_variance"].to_numpy(float)))
    table = table.assign(**_limits(table, confidence))
    least = table[["responses_before", "responses_after"]].min(axis=1)
    reason = pd.Series(pd.NA, index=table.index, dtype="str").mask(least == 0, "no_responses")
    reason = too_few(reason, least, min_n)
    for side in ("before", "after"):
        table = blank(table, table[f"responses_{side}"] < min_n, [side])
    table = blank(table, reason.notna(), [*_DIFFERENCE, "z", "p_value"])
    table["reason"] = reason.mask(reason.isna() & table["p_value"].isna(), "p_value: zero_variance")
    if sides[0].calendar is not None:
        table["period_start"] = sides[0].calendar.start(table[PLACE].to_numpy(np.int64))
    definition = (
        "Net promoter score after minus that before, in points; "
        + ("the two answers of a respondent are taken together; " if table["paired"].any() else "")
        + f"{policy.voice()}."
    )
    columns = ["period_start"] * (period is not None) + sides[0].by + _RESULT
    return result(table, metric="nps_change", definition=definition, settings=policy.settings(), columns=columns)


def _limits(table: pd.DataFrame, confidence: float) -> dict[str, Floats]:
    """Limits of the difference, and the p-value that agrees with them: 1 - the level at which they reach 0."""
    from scipy.special import ndtr, stdtr, stdtrit  # slow to import, and only needed here

    level, difference = (1 + confidence) / 2, table["difference"].to_numpy(float)
    few = table[["_people_before", "_people_after"]].min(axis=1).to_numpy(float) < FEW
    degrees = np.nan_to_num(table["_degrees"].to_numpy(float), nan=1.0)
    error = 100 * np.sqrt(table["_unbiased"].where(few, table["_variance"]).to_numpy(float))
    half = np.where(few, stdtrit(degrees, level), normal_quantile(confidence)) * error
    down, up = _unseen(table, normal_quantile(confidence))
    away = ratio(np.abs(difference), error)
    p = np.maximum(2 * np.where(few, stdtr(degrees, -away), ndtr(-away)), 2 * ndtr(-_reach(table)))
    return {
        "difference_low": np.clip(difference - np.maximum(half, down), -200, 200),
        "difference_high": np.clip(difference + np.maximum(half, up), -200, 200),
        "p_value": p,
    }


def _unseen(table: pd.DataFrame, z: Floats | float) -> tuple[Floats, Floats]:
    """How far down and up the difference may lie although no answer tells of it: Newcombe's sum of two squares.

    Of `n` who answer as many may be otherwise as Wilson leaves open of none, z² / (n + z²), each at the other end.
    """
    sides = []
    for side in ("before", "after"):
        score, n = table[side].to_numpy(float), table[f"_people_{side}"].to_numpy(float)
        other = ratio(z * z, n + z * z)
        sides.append((other * (score + 100), other * (100 - score)))
    (fell, rose), (falls, rises) = sides
    return np.hypot(falls, rose), np.hypot(rises, fell)


def _reach(table: pd.DataFrame) -> Floats:
    """The z with which `_unseen` reaches from each difference to 0."""
    difference = table["difference"].to_numpy(float)
    low, high = np.zeros(len(table)), np.full(len(table), FARTHEST)
    for _ in range(60):  # halving, for z stands in both squares
        z = (low + high) / 2
        down, up = _unseen(table, z)
        reached = np.where(difference > 0, down, up) >= np.abs(difference)
        low, high = np.where(reached, low, z), np.where(reached, z, high)
    return np.where(difference == 0, 0.0, high)


def _spread(votes: pd.DataFrame, table: pd.DataFrame, group: list[str]) -> pd.DataFrame:
    """Variance of the difference: what each respondent moves it by, squared and added up; and how sure that is."""
    within = [*group, "_who"]
    votes = votes.merge(table, on=group, how="left")
    late = votes["_side"] == 1
    people = votes.groupby([*group, "_side"], dropna=False)["_who"].transform("nunique").to_numpy(float)
    mean, n = (
        votes[a].where(late, votes[b]) for a, b in (("after", "before"), ("responses_after", "responses_before"))
    )
    votes["_moves"] = (votes["_vote"] - mean) / n * np.where(late, 1, -1)
    votes["_wider"] = votes["_moves"] * np.sqrt(people / np.maximum(people - 1, 1))
    # Sorted, so that the order of rows does not reach the last digit.
    votes = votes.sort_values(["_side", "_vote"], kind="stable").assign(_least=1e-12 / n, _last=votes["_side"])
    each = votes.groupby(within, dropna=False).agg(
        {"_moves": "sum", "_wider": "sum", "_least": "max", "_side": "min", "_last": "max"}
    )  # fmt: skip
    for name in ("_moves", "_wider"):  # what rounding leaves of two moves that cancel is no variance
        each[name] = each[name].mask(each[name].abs() < each["_least"], 0.0) ** 2
    each["_of"] = each["_side"] + each["_last"]  # 0 only before, 1 twice, 2 only after
    levels = list(group)
    parts = each.groupby([*levels, "_of"], dropna=False).agg(
        _variance=("_moves", math.fsum), _unbiased=("_wider", math.fsum), _people=("_wider", "size")
    ).reset_index()  # fmt: skip
    parts["_lost"] = parts["_unbiased"] ** 2 / np.maximum(parts["_people"] - 1, 1)
    for side, only in (("before", 2), ("after", 0)):
        parts[f"_people_{side}"] = parts["_people"].where(parts["_of"] != only, 0)
    sums = ["_variance", "_unbiased", "_people_before", "_people_after", "_lost"]
    whole = parts.groupby(levels, dropna=False)[sums].sum().reset_index()
    return whole.assign(_degrees=ratio(whole["_unbiased"] ** 2, whole["_lost"])).drop(columns="_lost")
