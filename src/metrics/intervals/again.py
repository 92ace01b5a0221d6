"""What answers are worth of which several come from one person: who answers again answers alike."""

import numpy as np
import pandas as pd

from metrics.intervals.rates import normal_quantile, ratio


def worth(
    voices: pd.DataFrame, group: list[str], moves: "pd.Series[float]", confidence: float, person: str = "respondent_id"
) -> "pd.Series[float]":
    """By group, how many answers of strangers tell as much as one of these: 1 where nobody answers again.

    People are told apart by the column `person`. Where it makes the groups each is asked about by itself: 1 too.

    `moves` is by how much each answer moves the score. Answers count as so many as give a share the variance of a sum
    over people (Dean & Pagano 2015, Journal of Survey Statistics and Methodology 3:484), never as more than there are,
    and as fewer where few people say how alike one's answers are (Korn & Graubard 1998, Survey Methodology 24:193).
    Where all answers are alike each person counts once.
    """
    from scipy.special import stdtrit  # slow to import, and only needed here

    nobody = pd.Series(pd.NA, index=voices.index)
    who = nobody if person in group else voices.get(person, nobody)
    apart = np.where(who.isna(), -1 - np.arange(len(voices)), pd.factorize(who)[0])  # who has no name is one alone
    # Sorted, so that the order of rows does not reach the last digit of a sum.
    rows = voices[group].assign(_who=apart, _moves=moves.to_numpy(float)).sort_values("_moves", kind="stable")
    rows["_own"] = rows["_moves"] ** 2
    people = rows.groupby([*group, "_who"], dropna=False).agg(
        _moves=("_moves", "sum"), _own=("_own", "sum"), n=("_own", "size"), most=("_own", "max")
    )  # fmt: skip
    people = people.assign(_moves=people["_moves"] ** 2).sort_values(["_moves", "_own"], kind="stable")
    whole = people.groupby(level=list(range(len(group))), dropna=False).agg(
        apart=("_moves", "sum"), own=("_own", "sum"), n=("n", "sum"), people=("n", "size"), most=("most", "max")
    )  # fmt: skip
    n, many = whole["n"].to_numpy(float), whole["people"].to_numpy(float)
    alike = whole["most"].to_numpy(float) < 1e-20  # but for rounding
    together = ratio(whole["apart"] * many, whole["own"] * (many - 1))
    counted = np.where(alike | np.isnan(together), many, n / np.fmax(together, 1))
    few = (normal_quantile(confidence) / stdtrit(np.maximum(many - 1, 1), (1 + confidence) / 2)) ** 2
    counted = np.where(many > 1, np.maximum(counted * few, 1), 1)
    return pd.Series(np.where(many < n, counted / n, 1.0), index=whole.index)
