"""Were the warnings right? Scores and alerts held against who left afterwards.

A score or an alert is judged by what it finds, not by its looks: how many of those it names leave, how many of those
who leave it names, and how much better that is than naming customers by lot.
"""

from typing import Any, Literal

import numpy as np
import pandas as pd

from metrics.files import EventTableError, several
from metrics.files.values import id_texts, truths
from metrics.intervals import Floats, add_rate, no_denominator, ratio
from metrics.periods import one_of
from metrics.results import blank, join_reasons, result, too_few
from metrics.steps import unknown

BANDS = ("red", "yellow", "green", "unknown")

_LIFT = ["rows", "selected", "base_rate", "rate", "lift", "reason"]
_BANDS = [
    "band", "customers", "churned", "churn_rate", "churn_rate_low", "churn_rate_high", "base_rate", "lift", "reason",
]  # fmt: skip
_QUALITY = [
    "customers", "alerted", "churned", "precision", "precision_low", "precision_high",
    "recall", "recall_low", "recall_high", "base_rate", "lift", "reason",
]  # fmt: skip


def lift(
    table: pd.DataFrame,
    *,
    outcomes: pd.DataFrame | None = None,
    score: str = "score",
    outcome: str = "churned",
    fraction: float = 0.1,
    lowest: bool = False,
) -> pd.DataFrame:
    """How many times as many of those with the highest scores left as of all?

    Rate of the outcome among the `fraction` of rows with the highest scores / its rate among all. 1 is no better than
    a lot, and 1 / base_rate is the most there can be.

    Parameters
    ----------
    table
        One row per customer: a score, made before, and what came after. Rows without a score cannot be put in order;
        they are left out, and their number stands in the settings (``unscored``).
    outcomes
        Where the scores stand in one table and what came after in another: that one, joined by ``customer_id``, and by
        ``cutoff`` where both have it. Scores of whom nothing is told are left out too (``undecided``).
    score
        Column of the scores: high is likely to leave.
    outcome
        Column that is true, or 1, for those who left.
    fraction
        Share of the rows that is selected, rounded to whole rows and at least one.
    lowest
        Select the rows with the lowest scores: of a score that means health.

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
    undecided = 0
    if outcomes is not None:
        table, undecided = _joined(table, outcomes, outcome)
    for name, column in (("score", score), ("outcome", outcome)):
        if column not in table:
            raise ValueError(unknown(name, column, table.columns, "a column of the table", "columns"))
    if not isinstance(fraction, int | float | np.number) or not 0 < fraction <= 1:
        raise ValueError(f"fraction: {fraction!r} is not a share of the rows. Use 0.1 for the top tenth.")
    left = _outcomes(table[outcome], outcome)
    scores = _numbers(table[score], score) * (-1 if lowest else 1)
    known = ~np.isnan(scores)
    scores, left = scores[known], left[known]
    n = len(scores)
    places = min(n, max(1, int(np.floor(fraction * n + 0.5 + 1e-9))))
    rate = ratio(_expected(scores, left, places), places).item() if n else np.nan
    base = ratio(left.sum(), n).item()
    found = {"rows": n, "selected": places, "base_rate": base, "rate": rate, "lift": ratio(rate, base).item()}
    reason = pd.Series(["zero_denominator" if not n or base == 0 else None], dtype="str")
    end = "lowest" if lowest else "highest"
    definition = (
        f"Rate of {outcome} among the {100 * fraction:g} % of rows with the {end} {score} / its rate among all; "
        "equal scores at the cut share the places."
    )
    settings = {
        "score": score, "outcome": outcome, "fraction": float(fraction), "unscored": int((~known).sum()),
        "lowest": True if lowest else None, "undecided": undecided or None,
    }  # fmt: skip
    return result(
        pd.DataFrame([found]).assign(reason=reason), metric="lift", definition=definition, settings=settings,
        columns=_LIFT,
    )  # fmt: skip


def alert_quality(
    alerts: pd.DataFrame,
    *,
    outcomes: pd.DataFrame,
    by: Literal["cutoff", "rule"] | None = None,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Did those leave who had an alert, and had those an alert who left?

    Parameters
    ----------
    alerts
        Alerts as `churn_alerts` gives them: ``customer_id``, and ``alert`` where skipped customers are shown too. A
        customer with several alerts is one customer. With ``cutoff``, as `replay_alerts` gives them, they may be of
        several moments (a text or a time without a zone is one of UTC).
    outcomes
        Everyone who could have been alerted, one row each: ``customer_id`` and ``churned`` (true or 1: left within the
        time that you judge by), such as `customer_snapshots`; with ``cutoff`` one row each at every moment.
    by
        ``"cutoff"``: a row for each moment. ``"rule"``: a row for each rule that alerted somebody, as if it were alone.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row (per cut-off or rule, where asked for)
        customers      count   rows of `outcomes`: one customer at several moments is counted at each
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
    keys = ["customer_id"]
    if by is not None:
        one_of("by", by, Literal["cutoff", "rule"])
    if "cutoff" in outcomes or by == "cutoff":
        keys = ["cutoff", "customer_id"]
    for name, table in (("alerts", alerts), ("outcomes", outcomes)):
        wanted = keys + (["rule"] if by == "rule" and name == "alerts" else [])
        for column in wanted:
            if column not in table:
                raise ValueError(unknown(name, column, table.columns, f"a column of {name}", "columns"))
    alerts, outcomes = _same_moments(alerts, outcomes)
    everyone = outcomes[keys].assign(churned=_outcomes(outcomes["churned"], "churned"))
    everyone, alerts = (table.assign(customer_id=id_texts(table["customer_id"])) for table in (everyone, alerts))
    again = everyone.duplicated(keys)
    if again.any():
        raise EventTableError(
            f"outcomes: {several(int(again.sum()), 'customer stands', 'customers stand')} there twice (first: "
            f"{everyone.loc[again, 'customer_id'].iloc[0]!r}). Give one row for each."
        )
    named = alerts[truths(alerts["alert"]) == 1] if "alert" in alerts else alerts
    places = pd.MultiIndex.from_frame(everyone[keys])
    lost = named.loc[~pd.MultiIndex.from_frame(named[keys]).isin(places), "customer_id"]
    if len(lost):
        raise EventTableError(
            f"alerts: {several(lost.nunique(), 'customer has', 'customers have')} an alert and no outcome (first: "
            f"{lost.iloc[0]!r}). Give outcomes a row for everyone who could have been alerted, also for those who "
            "stayed."
        )
    groups: list[tuple[Any, pd.DataFrame, pd.DataFrame]]
    if by == "rule":
        groups = [(rule, everyone, rows) for rule, rows in named.groupby("rule", observed=True)]
    elif by == "cutoff":
        groups = [(moment, rows, named[named["cutoff"] == moment]) for moment, rows in everyone.groupby("cutoff")]
    else:
        groups = [(None, everyone, named)]
    rows = [{"group": group, **_counted(all_of_it, found, keys)} for group, all_of_it, found in groups]
    table = pd.DataFrame(rows, columns=["group", "customers", "alerted", "churned", "hit"])
    table = table.astype(dict.fromkeys(["customers", "alerted", "churned", "hit"], "int64"))
    if by:
        table[by] = table["group"].astype("str") if by == "rule" else table["group"]
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
        table, metric="alert_quality", definition=definition, settings={"confidence": confidence, "by": by},
        columns=[*([by] if by else []), *_QUALITY],
    )  # fmt: skip


def churn_by_band(
    scores: pd.DataFrame, *, outcomes: pd.DataFrame, min_n: int = 10, confidence: float = 0.95
) -> pd.DataFrame:
    """Did more of the red customers leave than of the green ones?

    Parameters
    ----------
    scores
        Result of `health_score` at moments of the past: ``customer_id``, ``band`` and, with several moments,
        ``cutoff``.
    outcomes
        ``customer_id``, ``churned`` and ``cutoff``, such as `customer_snapshots`. Scores of whom nothing is told are
        left out, and counted in ``attrs["settings"]["undecided"]``.
    min_n
        A rate over fewer customers is NA with the reason ``below_min_n``; its counts stand.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per band: ``red``, ``yellow``, ``green``, and ``unknown`` where there was no score
        band
        customers       count   one customer at several moments is counted at each
        churned         count   of these, left
        churn_rate (…)  0 to 1  churned / customers, Wilson
        base_rate       0 to 1  of all bands together
        lift            number  churn_rate / base_rate: 1 is as all
        reason          text    ``zero_denominator`` or ``below_min_n``

    Raises
    ------
    ValueError
        A column that is missing, a band that is none.
    EventTableError
        A customer who stands twice at a moment, an outcome that is neither true nor false.

    Examples
    --------
    >>> scores = pd.DataFrame({"customer_id": list("abcd"), "band": ["red", "red", "green", "green"]})
    >>> outcomes = pd.DataFrame({"customer_id": list("abcd"), "churned": [True, False, False, False]})
    >>> churn_by_band(scores, outcomes=outcomes, min_n=1)[["band", "customers", "churned", "churn_rate", "lift"]]
          band  customers  churned  churn_rate  lift
    0      red          2        1         0.5   2.0
    1   yellow          0        0         NaN   NaN
    2    green          2        0         0.0   0.0
    3  unknown          0        0         NaN   NaN
    """
    if "band" not in scores:
        raise ValueError(unknown("scores", "band", scores.columns, "a column of scores", "columns"))
    table, undecided = _joined(scores, outcomes, "churned")
    band = table["band"].astype("str").where(table["band"].notna(), BANDS[-1])
    strange = ~band.isin(BANDS)
    if strange.any():
        raise ValueError(
            f"band: {band[strange].iloc[0]!r} is none. Use {', '.join(BANDS)}, as health_score gives them."
        )
    left = _outcomes(table["churned"], "churned")
    counts = pd.DataFrame({"band": band, "customers": 1, "churned": left.astype(int)}).groupby("band").sum()
    found = counts.reindex(list(BANDS), fill_value=0).rename_axis("band").reset_index()
    found = add_rate(found, "churn_rate", "churned", "customers", confidence)
    found["base_rate"] = ratio(found["churned"].sum(), found["customers"].sum()).item()
    found["reason"] = too_few(no_denominator(found["customers"]), found["customers"], min_n)
    found = blank(found, found["reason"].notna(), ["churn_rate", "churn_rate_low", "churn_rate_high"])
    found["lift"] = ratio(found["churn_rate"], found["base_rate"])
    definition = "Customers of each band who left / customers of the band; lift: that / the rate of all."
    settings = {"min_n": min_n, "confidence": confidence, "undecided": undecided or None}
    return result(
        found.astype({"band": "str"}), metric="churn_by_band", definition=definition, settings=settings, columns=_BANDS
    )


def _joined(scores: pd.DataFrame, outcomes: pd.DataFrame, outcome: str) -> tuple[pd.DataFrame, int]:
    """Scores with what came after, and how many have none of it."""
    keys = ["customer_id", *(["cutoff"] if "cutoff" in scores and "cutoff" in outcomes else [])]
    for name, table, columns in (("scores", scores, keys), ("outcomes", outcomes, [*keys, outcome])):
        for column in columns:
            if column not in table:
                raise ValueError(unknown(name, column, table.columns, f"a column of {name}", "columns"))
        again = table.duplicated(keys)
        if again.any():
            raise EventTableError(
                f"{name}: {several(int(again.sum()), 'customer stands', 'customers stand')} there twice (first: "
                f"{table.loc[again, 'customer_id'].iloc[0]!r}). Give one row for each, or cutoff in both tables."
            )
    scores, outcomes = _same_moments(scores, outcomes)
    told = outcomes.loc[outcomes[outcome].notna(), [*keys, outcome]]
    told = told.assign(customer_id=id_texts(told["customer_id"]))
    rows = scores.drop(columns=outcome, errors="ignore").assign(customer_id=id_texts(scores["customer_id"]))
    table = rows.merge(told, on=keys, how="inner")
    return table, len(scores) - len(table)


def _same_moments(one: pd.DataFrame, other: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with their cut-offs as instants, where one has them as text, as a file does, or without a zone."""
    if "cutoff" not in one or "cutoff" not in other or one["cutoff"].dtype == other["cutoff"].dtype:
        return one, other
    if not any(pd.api.types.is_datetime64_any_dtype(table["cutoff"]) for table in (one, other)):
        return one, other
    first, second = (pd.to_datetime(table["cutoff"], utc=True).dt.as_unit("us") for table in (one, other))
    return one.assign(cutoff=first), other.assign(cutoff=second)


def _counted(everyone: pd.DataFrame, named: pd.DataFrame, keys: list[str]) -> dict[str, int]:
    alerted = pd.MultiIndex.from_frame(everyone[keys]).isin(pd.MultiIndex.from_frame(named[keys]))
    left = everyone["churned"].to_numpy(bool)
    return {
        "customers": len(everyone), "alerted": int(alerted.sum()), "churned": int(left.sum()),
        "hit": int((alerted & left).sum()),
    }  # fmt: skip


def _expected(scores: Floats, left: np.ndarray, places: int) -> float:
    """How many of the first `places` left, where those of one score come in any order alike."""
    cut = np.sort(scores)[len(scores) - places]
    above, equal = scores > cut, scores == cut
    return float(left[above].sum() + (places - above.sum()) * left[equal].sum() / equal.sum())


def _outcomes(column: "pd.Series", name: str) -> np.ndarray:
    """The column as true and false."""
    values = truths(column)
    wrong = np.isnan(values)
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
