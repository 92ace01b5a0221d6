"""Would the forecast have been right? Learnt from the past of each cut-off alone, and asked about what came after."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.health.forecast import fitted, learnable
from metrics.health.logistic import expit
from metrics.intervals import Floats, add_rate, normal_quantile
from metrics.periods import one_of
from metrics.results import result
from metrics.steps import unknown

By: TypeAlias = Literal["cutoff", "fifth"]
MODEL, SAME = "logistic", "base_rate"
_SCORES = [
    "customers", "churned", "churn_rate", "predicted_rate", "auc", "auc_low", "auc_high",
    "auc_difference", "auc_difference_low", "auc_difference_high", "brier", "brier_low", "brier_high", "reason",
]  # fmt: skip
_FIFTHS = ["customers", "churned", "predicted_rate", "churn_rate", "churn_rate_low", "churn_rate_high"]


def backtest_churn(
    past: pd.DataFrame,
    *,
    signals: Sequence[str] | None = None,
    rule: str = "days_since_active",
    by: By | None = None,
    ridge: float = 5.0,
    min_churned: int = 20,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Would the forecast have found who left, and better than one simple rule?

    At each cut-off the regression of `forecast_churn` is fitted to the snapshots whose outcome was known by then, and
    asked about the customers of that cut-off. The rule is the same on one column. ``base_rate`` gives all the share
    that had left before: a forecast that is no better has learnt nothing.

    Parameters
    ----------
    past
        Snapshots with their outcome, as `customer_snapshots` gives them. With ``every`` equal to ``horizon`` each
        cut-off learns from all before it.
    signals, ridge, min_churned
        As in `forecast_churn`. Cut-offs before which fewer left are learnt from and not asked about.
    rule
        Column of the simple rule.
    by
        None: a row for each model. ``"cutoff"``: a row for each cut-off too. ``"fifth"``: whether what was predicted
        came, in fifths of the customers asked about, 1 those most likely to leave.
    confidence
        Level of the limits.

    Returns
    -------
    DataFrame, one row per model: ``logistic``, the column of the rule, ``base_rate`` (and cut-off or fifth)
        model
        cutoff               instant  with ``by="cutoff"``
        fifth                1 to 5   with ``by="fifth"``; equal forecasts share a fifth where they can
        customers            count    asked about; one customer is counted at each cut-off
        churned              count    of these, left
        churn_rate           0 to 1   churned / customers; with limits (Wilson) by fifth
        predicted_rate       0 to 1   mean forecast
        auc (…)              0 to 1   chance that one who left was ranked above one who stayed at the same cut-off, ties
                                      half; 0.5 is as good as a lot
        auc_difference (…)            auc - auc of the rule; limits above 0: better than the rule
        brier (…)            0 to 1   mean squared error of the forecast: low is good
        reason               text     ``too_few_churned``: no cut-off could be asked about; ``auc: zero_denominator``:
                                      at no cut-off some left and some stayed; ``auc_difference: control``: of the rule

    By fifth there are model, fifth, customers, churned, predicted_rate and churn_rate (…) only.

    Raises
    ------
    ValueError, EventTableError
        As `forecast_churn`.

    Notes
    -----
    Limits of an area: Newcombe (2006), Statistics in Medicine 25:559, method 5, widened where customers stand at
    several cut-offs as DeLong's error is by Obuchowski (1997), Biometrics 53:567. Of a difference: DeLong, DeLong &
    Clarke-Pearson (1988), Biometrics 44:837, with customers as such clusters. Brier (1950), Monthly Weather Review
    78:1. Cut by cut-off, limits are wide.

    Examples
    --------
    >>> months = pd.date_range("2026-01-01", periods=4, freq="30D", tz="UTC")
    >>> rows = [(months[k], months[k + 1], f"c{n}", 9 * (n > 3), n > 4) for k in range(3) for n in range(8)]
    >>> past = pd.DataFrame(rows, columns=["cutoff", "until", "customer_id", "days_since_active", "churned"])
    >>> table = backtest_churn(past, signals=["days_since_active"], min_churned=1).round(3)
    >>> table[["model", "customers", "churned", "auc"]]
                   model  customers  churned  auc
    0           logistic         16        6  0.9
    1  days_since_active         16        6  0.9
    2          base_rate         16        6  0.5
    """
    normal_quantile(confidence)
    if by is not None:
        one_of("by", by, By)
    rows, names, undecided = learnable(past, signals)
    if rule not in past:
        raise ValueError(unknown("rule", rule, past.columns, "a column of past", "columns"))
    ruled, _, _ = learnable(past, [rule])
    models = {MODEL: (rows, names), rule: (ruled, [rule])}
    asked, told = rows.iloc[:0], {name: np.zeros(0) for name in (MODEL, rule, SAME)}
    left_out = 0
    for moment in rows["cutoff"].drop_duplicates():
        known, here = (rows["until"] <= moment).to_numpy(), (rows["cutoff"] == moment).to_numpy()
        fits = {name: fitted(table[known], columns, ridge, min_churned) for name, (table, columns) in models.items()}
        if any(fit is None for fit in fits.values()):
            left_out += 1
            continue
        asked = pd.concat([asked, rows[here]])
        for name, fit in fits.items():
            table, columns = models[name]
            if fit is not None:
                score = fit.log_odds(table.loc[here, columns].to_numpy(float))
                told[name] = np.append(told[name], expit(score))
        told[SAME] = np.append(told[SAME], np.full(here.sum(), rows.loc[known, "churned"].mean()))
    asked = asked.reset_index(drop=True)
    if by == "fifth":
        table, columns = _fifths(asked, told, confidence), ["model", "fifth", *_FIFTHS]
    else:
        groups = [(None, np.ones(len(asked), bool))]
        if by == "cutoff":
            groups = [(moment, (asked["cutoff"] == moment).to_numpy()) for moment in asked["cutoff"].drop_duplicates()]
        found = [
            {"model": name, "cutoff": moment} | _scores(asked[mask], told[name][mask], told[rule][mask], confidence)
            for name in told
            for moment, mask in groups
        ]
        table = pd.DataFrame(found, columns=["model", "cutoff", *_SCORES])
        control = (table["model"] == rule) & table["auc"].notna()
        table["reason"] = table["reason"].astype("str").mask(control, "auc_difference: control")
        columns = ["model", *(["cutoff"] if by else []), *_SCORES]
    settings = {
        "signals": names, "rule": rule, "ridge": float(ridge), "by": by, "confidence": confidence,
        "not_asked": left_out or None, "undecided": undecided or None, "min_churned": min_churned,
        "horizon": past.attrs.get("settings", {}).get("horizon"),
    }  # fmt: skip
    definition = (
        f"Forecasts of who leaves within {settings['horizon'] or 'the horizon'}, each learnt from what was known at "
        f"its cut-off alone ({', '.join(names)}), beside {rule} alone and the share that had left before."
    )
    table = table.astype({"model": "str"})
    return result(table, metric="backtest_churn", definition=definition, settings=settings, columns=columns)


def _scores(asked: pd.DataFrame, told: Floats, rule: Floats, confidence: float) -> dict[str, object]:
    left = asked["churned"].to_numpy(float) == 1
    n, quantile = len(left), normal_quantile(confidence)
    row: dict[str, object] = {"customers": n, "churned": int(left.sum()), "reason": None}
    if not n:
        return row | {"reason": "too_few_churned"}
    who = pd.factorize(asked["customer_id"])[0]
    error = (told - left) ** 2
    row |= {"churn_rate": left.mean(), "predicted_rate": told.mean(), "brier": error.mean()}
    half = quantile * np.sqrt(_clustered(error - error.mean(), who) / n**2)
    row |= {"brier_low": max(0.0, error.mean() - half), "brier_high": min(1.0, error.mean() + half)}
    auc, influence = _area(told, left, asked["cutoff"])
    if np.isnan(auc):
        return row | {"reason": "auc: zero_denominator; auc_difference: zero_denominator"}
    low, high = _limits(auc, influence, left, asked["cutoff"], who, quantile)
    row |= {"auc": auc, "auc_low": low, "auc_high": high}
    if told is not rule and not np.array_equal(told, rule):
        other, influence_of_other = _area(rule, left, asked["cutoff"])
        half = quantile * np.sqrt(_clustered(influence - influence_of_other, who))
        below = above = half
        if half == 0 and not np.array_equal(_order(told, asked["cutoff"]), _order(rule, asked["cutoff"])):
            least, most = _limits(other, influence_of_other, left, asked["cutoff"], who, quantile)
            below, above = float(np.hypot(auc - low, most - other)), float(np.hypot(high - auc, other - least))
        lead = auc - other
        row |= {"auc_difference": lead, "auc_difference_low": lead - below, "auc_difference_high": lead + above}
    return row


def _limits(
    auc: float, influence: Floats, left: np.ndarray, cutoff: pd.Series, who: np.ndarray, quantile: float
) -> tuple[float, float]:
    """Limits of an area: all those from which this one could come.

    Newcombe's method 5 looks at the error of each possible area by how many left and stayed, not at that of the one
    found, which is too small where few pairs are ranked wrong. Customers at several cut-offs widen it as much as they
    widen DeLong's; where no pair tells an error each customer counts once.
    """
    error = _clustered(influence, who)
    moments, counts = cutoff.to_numpy(), pd.DataFrame({"left": left, "stayed": ~left})
    both = counts.groupby(moments).transform("any").all(axis=1).to_numpy()
    if error:
        wider = error / _clustered(influence, np.arange(len(influence)))
        sides = counts[both].groupby(moments[both]).sum()
    elif auc in (0.0, 1.0):
        names = who[both]
        wider, of_left = 1.0, left[both]
        sides = pd.DataFrame({"left": [len(np.unique(names[of_left]))], "stayed": [len(np.unique(names[~of_left]))]})
    else:  # all alike
        return auc, auc
    gone, stayed = sides["left"].to_numpy(float), sides["stayed"].to_numpy(float)
    pairs = gone * stayed

    def is_possible(area: float) -> bool:
        spread = 1 + ((gone + stayed) / 2 - 1) * ((1 - area) / (2 - area) + area / (1 + area))
        variance = wider * area * (1 - area) * (pairs * spread).sum() / pairs.sum() ** 2
        return bool((auc - area) ** 2 <= quantile**2 * variance)

    return _last(is_possible, auc, 0.0), _last(is_possible, auc, 1.0)


def _last(is_possible: Callable[[float], bool], inside: float, outside: float) -> float:
    """The last possible area on the way from one that is to one that need not be."""
    for _ in range(60):
        area = (inside + outside) / 2
        inside, outside = (area, outside) if is_possible(area) else (inside, area)
    return inside


def _order(told: Floats, cutoff: pd.Series) -> Floats:
    """Places of the forecasts of each cut-off, equals together."""
    return np.asarray(pd.Series(told).groupby(cutoff.to_numpy()).rank(), np.float64)


def _area(told: Floats, left: np.ndarray, cutoff: pd.Series) -> tuple[float, Floats]:
    """Share of the pairs of one cut-off that are ranked right, and what each row adds to its error."""
    beaten, others = np.zeros(len(told)), np.zeros(len(told))
    for rows in cutoff.groupby(cutoff).indices.values():
        chance, gone = told[rows], left[rows]
        up, down = np.sort(chance[gone]), np.sort(chance[~gone])
        of_gone = (np.searchsorted(down, chance, "left") + np.searchsorted(down, chance, "right")) / 2
        of_here = len(up) - (np.searchsorted(up, chance, "left") + np.searchsorted(up, chance, "right")) / 2
        beaten[rows] = np.where(gone, of_gone, of_here)
        others[rows] = np.where(gone, len(down), len(up))
    pairs = others[left].sum()
    if not pairs:
        return np.nan, np.full(len(told), np.nan)
    area = float(beaten[left].sum() / pairs)
    return area, (beaten - area * others) / pairs


def _clustered(parts: Floats, who: np.ndarray) -> float:
    """Variance of a sum whose parts of one customer go together."""
    sums = np.bincount(who, parts)
    return float((sums**2).sum() * len(sums) / max(len(sums) - 1, 1))


def _fifths(asked: pd.DataFrame, told: dict[str, Floats], confidence: float) -> pd.DataFrame:
    found = []
    for name, chance in told.items():
        # The middle of the places that equals share, so that equals stand in one fifth.
        place = pd.Series(-chance).rank(method="average").to_numpy(float)
        fifth = np.minimum(((place - 0.5) * 5 / max(len(chance), 1)).astype(int), 4) + 1
        rows = pd.DataFrame({"fifth": fifth, "churned": asked["churned"].to_numpy(float), "chance": chance})
        table = rows.groupby("fifth", as_index=False).agg(
            customers=("churned", "size"), churned=("churned", "sum"), predicted_rate=("chance", "mean")
        )
        found.append(table.assign(model=name))
    table = pd.concat(found, ignore_index=True).astype({"fifth": "int64", "customers": "int64", "churned": "int64"})
    return add_rate(table, "churn_rate", "churned", "customers", confidence)
