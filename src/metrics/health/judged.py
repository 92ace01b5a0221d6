"""Were the warnings right? Scores and alerts held against who left afterwards.

A score or an alert is judged by what it finds, not by its looks: how many of those it names leave, how many of those
who leave it names, and how much better that is than naming customers by lot.
"""

import numpy as np
import pandas as pd

from metrics.files import EventTableError
from metrics.intervals import Floats, add_rate, ratio
from metrics.results import join_reasons, result
from metrics.steps import unknown

_LIFT = ["rows", "selected", "base_rate", "rate", "lift", "reason"]
_QUALITY = [
    "customers", "alerted", "churned", "precision", "precision_low", "precision_high",
    "recall", "recall_low", "recall_high", "base_rate", "lift", "reason",
]  # fmt: skip


def lift(table: pd.DataFrame, *, score: str = "score", outcome: str = "churned", fraction: float = 0.1) -> pd.DataFrame:
    """How many times as many of those with the highest scores left as of all?

    Rate of the outcome among the `fraction` of rows with the highest scores / its rate among all. 1 is no better than
    a lot, and 1 / base_rate is the most there can be.

    Parameters
    ----------
    table
        One row per customer: a score, made before, and what came after. Rows without a score cannot be put in order;
        they are left out, and their number stands in the settings (``unscored``).
    score
        Column of the scores: high is likely to leave. Turn a score that means health round:
        ``table.assign(score=-table["score"])``.
    outcome
        Column that is true, or 1, for those who left.
    fraction
        Share of the rows that is selected, rounded to whole rows and at least one.

    Returns
    -------
    DataFrame, one row
        rows       count   with a score
        selected   count   of these, those at the top
        base_rate  0 to 1  of all rows, those who left
        rate       0 to 1  of the selected, those who left; where equal scores stand at the cut they share the places
                           that are left, so that it is an expected value
        lift       number  rate / base_rate
        reason     text    ``zero_denominator`` where there are no rows, or nobody left

    Raises
    ------
    ValueError
        A column that is missing, a fraction that is not above 0 and at most 1.
    EventTableError
        An outcome that is missing or neither true nor false, a score that is no number.

    Notes
    -----
    Sorting by score and then by outcome puts those who left on top of their equals, and makes any score look good.
    Berry & Linoff (2004), Data Mining Techniques, 2nd edition, page 81 (lift).

    Examples
    --------
    Of the four at the top of the list two places are given: the first leaves, and one of the three equals behind.

    >>> told = pd.DataFrame({"score": [9, 8, 8, 8, 1, 1, 1, 1], "churned": [1, 1, 0, 0, 0, 0, 0, 0]})
    >>> lift(told, fraction=0.25).round(3)[["rows", "selected", "base_rate", "rate", "lift"]]
       rows  selected  base_rate   rate   lift
    0     8         2       0.25  0.667  2.667
    """
    for name, column in (("score", score), ("outcome", outcome)):
        if column not in table:
            raise ValueError(unknown(name, column, table.columns, "a column of the table", "columns"))
    if not isinstance(fraction, int | float | np.number) or not 0 < fraction <= 1:
        raise ValueError(f"fraction: {fraction!r} is not a share of the rows. Use 0.1 for the top tenth.")
    left = _outcomes(table[outcome], outcome)
    scores = _numbers(table[score], score)
    known = ~np.isnan(scores)
    scores, left = scores[known], left[known]
    n = len(scores)
    places = min(n, max(1, int(np.floor(fraction * n + 0.5 + 1e-9))))
    rate = ratio(_expected(scores, left, places), places).item() if n else np.nan
    base = ratio(left.sum(), n).item()
    found = {"rows": n, "selected": places, "base_rate": base, "rate": rate, "lift": ratio(rate, base).item()}
    reason = pd.Series(["zero_denominator" if not n or base == 0 else None], dtype="str")
    definition = (
        f"Rate of {outcome} among the {100 * fraction:g} % of rows with the highest {score} / its rate among all; "
        "equal scores at the cut share the places."
    )
    settings = {"score": score, "outcome": outcome, "fraction": float(fraction), "unscored": int((~known).sum())}
    return result(
        pd.DataFrame([found]).assign(reason=reason), metric="lift", definition=definition, settings=settings,
        columns=_LIFT,
    )  # fmt: skip


def alert_quality(alerts: pd.DataFrame, *, outcomes: pd.DataFrame, confidence: float = 0.95) -> pd.DataFrame:
    """Did those leave who had an alert, and had those an alert who left?

    Parameters
    ----------
    alerts
        Alerts as `churn_alerts` gives them: ``customer_id``, and ``alert`` where skipped customers are shown too. A
        customer with several alerts is one customer.
    outcomes
        Everyone who could have been alerted, one row each: ``customer_id`` and ``churned`` (true or 1: left within the
        time that you judge by).
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row
        customers      count   rows of `outcomes`
        alerted        count   of these, with an alert
        churned        count   of these, left
        precision (…)  0 to 1  of the alerted, those who left; Wilson
        recall (…)     0 to 1  of those who left, the alerted; Wilson
        base_rate      0 to 1  churned / customers
        lift           number  precision / base_rate: 1 is no better than a lot
        reason         text    ``precision: zero_denominator`` and the like, for each estimate that is missing

    Raises
    ------
    ValueError
        A column that is missing.
    EventTableError
        A customer who stands in `outcomes` twice, or has an alert and no outcome; an outcome that is missing.

    Notes
    -----
    An alert that is acted on and helps looks wrong here. Leave some alerts without action, by lot, to see the
    difference.

    Examples
    --------
    >>> outcomes = pd.DataFrame({"customer_id": list("abcdef"), "churned": [1, 1, 0, 0, 0, 0]})
    >>> alerts = pd.DataFrame({"customer_id": ["a", "c"]})
    >>> alert_quality(alerts, outcomes=outcomes)[["alerted", "churned", "precision", "recall", "lift"]]
       alerted  churned  precision  recall  lift
    0        2        2        0.5     0.5   1.5
    """
    for name, table, columns in (
        ("alerts", alerts, ["customer_id"]),
        ("outcomes", outcomes, ["customer_id", "churned"]),
    ):
        for column in columns:
            if column not in table:
                raise ValueError(unknown(name, column, table.columns, f"a column of {name}", "columns"))
    left = _outcomes(outcomes["churned"], "churned")
    everyone = outcomes["customer_id"]
    if everyone.duplicated().any():
        raise EventTableError(
            f"outcomes: {int(everyone.duplicated().sum()):,} customers stand there twice (first: "
            f"{everyone[everyone.duplicated()].iloc[0]!r}). Give one row for each."
        )
    named = alerts[alerts["alert"].fillna(False).astype(bool)] if "alert" in alerts else alerts
    lost = named.loc[~named["customer_id"].isin(everyone), "customer_id"]
    if len(lost):
        raise EventTableError(
            f"alerts: {lost.nunique():,} customers have an alert and no outcome (first: {lost.iloc[0]!r}). Give "
            "outcomes a row for everyone who could have been alerted, also for those who stayed."
        )
    alerted = everyone.isin(named["customer_id"]).to_numpy(bool)
    counts = {
        "customers": len(everyone),
        "alerted": alerted.sum(),
        "churned": left.sum(),
        "hit": (alerted & left).sum(),
    }
    table = pd.DataFrame([counts]).astype("int64")
    table = add_rate(table, "precision", "hit", "alerted", confidence)
    table = add_rate(table, "recall", "hit", "churned", confidence)
    table["base_rate"] = ratio(table["churned"], table["customers"])
    table["lift"] = ratio(table["precision"], table["base_rate"])
    missing = {
        name: pd.Series(pd.NA, index=table.index, dtype="str").mask(table[name].isna(), "zero_denominator")
        for name in ("precision", "recall", "base_rate", "lift")
    }
    table["reason"] = join_reasons(table, **missing)
    definition = (
        "Precision: alerted who left / alerted. Recall: alerted who left / all who left. Lift: precision / base."
    )
    return result(
        table, metric="alert_quality", definition=definition, settings={"confidence": confidence}, columns=_QUALITY
    )


def _expected(scores: Floats, left: np.ndarray, places: int) -> float:
    """How many of the first `places` left, where those of one score come in any order alike."""
    cut = np.sort(scores)[len(scores) - places]
    above, equal = scores > cut, scores == cut
    return float(left[above].sum() + (places - above.sum()) * left[equal].sum() / equal.sum())


def _outcomes(column: "pd.Series", name: str) -> np.ndarray:
    """The column as true and false."""
    values = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = ~np.isin(values, (0.0, 1.0))
    if wrong.any():
        raise EventTableError(
            f"{name}: {int(wrong.sum()):,} of {len(column):,} rows are neither true nor false (first: "
            f"{column.iloc[int(np.argmax(wrong))]!r}). Fill them in, or leave out those whose outcome is not known yet."
        )
    return np.asarray(values == 1)


def _numbers(column: "pd.Series", name: str) -> Floats:
    """The column as numbers; a missing one stays missing, a word is refused."""
    values: Floats = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = np.isnan(values) & column.notna().to_numpy()
    if wrong.any():
        raise EventTableError(
            f"{name}: {int(wrong.sum()):,} of {len(column):,} rows are no number (first: "
            f"{column.iloc[int(np.argmax(wrong))]!r}). Give numbers, or nothing where there is no score."
        )
    return values
