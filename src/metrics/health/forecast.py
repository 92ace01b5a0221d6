"""Which customers will leave? A logistic regression on what was known of customers who have left or stayed since.

`backtest_churn` says whether it would have been right, and whether it is better than one simple rule.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.files import EventTableError, several
from metrics.files.values import id_texts
from metrics.health.logistic import Logistic, expit, fit_logistic, unpulled
from metrics.health.signals import need
from metrics.health.snapshots import KEYS, SIGNALS
from metrics.intervals import Floats, normal_quantile
from metrics.results import result
from metrics.steps import unknown

_RESULT = [
    "customer_id", "churn_probability", "churn_probability_low", "churn_probability_high", "top_reason", "mrr",
    "expected_loss", "reason",
]  # fmt: skip


def forecast_churn(
    past: pd.DataFrame,
    *,
    now: pd.DataFrame,
    signals: Sequence[str] | None = None,
    ridge: float = 5.0,
    min_churned: int = 20,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How likely is each customer to leave within the horizon of `past`, and what speaks for it most?

    Parameters
    ----------
    past
        Snapshots whose outcome is known, as `customer_snapshots` gives them; rows without `churned` are left out and
        counted in ``attrs["settings"]["undecided"]``.
    now
        Snapshots at one cut-off, of which is asked. It must not lie before the end of what `past` tells of.
    signals
        Columns to learn from. Default: those of `customer_snapshots` that both tables have. A column of your own must
        hold what was known at the cut-off, and no more.
    ridge
        Strength of the pull of all coefficients, per standard deviation, towards 0: above 0. 1 is that of scikit-learn;
        5 is stronger, for of most customers few leave. The limits are those of a fit without the pull, so that a chance
        may lie near the end of its interval: then the signals are stronger than the pull lets them be.
    min_churned
        With fewer who left, or who stayed, there is no forecast.
    confidence
        Level of the limits.

    Returns
    -------
    DataFrame, one row per customer of `now`, the most likely to leave first
        customer_id
        churn_probability (…)  0 to 1  within the horizon; limits of the fit without the ridge (Firth, Wald), not
                                       of the single case; they hold the chance that is told
        top_reason             text    signal that adds most to the log odds, against a customer with mean signals; NA
                                       if none adds
        mrr                    money   of `now`; NA where it has none
        expected_loss          money   churn_probability x mrr
        reason                 text    ``too_few_churned`` where there is no forecast

    Raises
    ------
    ValueError
        A column that is missing, more than one cut-off in `now`, one that lies before the last outcome of `past`.
    EventTableError
        A signal that is no number, an outcome that is neither true nor false, a customer who stands twice at a cut-off.

    Notes
    -----
    Signals are set to mean 0 and deviation 1; what is missing is as the mean. A customer is a row at each cut-off; the
    limits take rows as independent. Le Cessie & van Houwelingen (1992), Applied Statistics 41:191; of the limits Firth
    (1993), Biometrika 80:27, and Heinze & Schemper (2002), Statistics in Medicine 21:2409.

    Examples
    --------
    >>> days = pd.to_datetime(["2026-01-01", "2026-01-31"], utc=True)
    >>> past = pd.DataFrame({"customer_id": [f"c{k}" for k in range(8)], "days_since_active": [1, 1, 1, 1, 9, 9, 9, 9]})
    >>> past = past.assign(cutoff=days[0], until=days[1], churned=[0, 0, 0, 1, 1, 1, 1, 0])
    >>> now = pd.DataFrame({"customer_id": ["ann", "ben"], "cutoff": days[1], "days_since_active": [9, 1]})
    >>> table = forecast_churn(past, now=now, min_churned=1)
    >>> table[["customer_id", "churn_probability", "top_reason"]].round(2)
      customer_id  churn_probability         top_reason
    0         ann               0.57  days_since_active
    1         ben               0.43                NaN
    """
    quantile = normal_quantile(confidence)
    rows, names, undecided = learnable(past, signals, other=now)
    need("now", now, ["customer_id", "cutoff"])
    moments = now["cutoff"].drop_duplicates()
    if len(moments) > 1:
        raise ValueError(f"now has {len(moments)} cut-offs. Give snapshots at one: cutoffs=[as_of].")
    if len(moments) and len(rows) and rows["until"].max() > moments.iloc[0]:
        raise ValueError(
            f"past tells of outcomes up to {rows['until'].max()}, after the cut-off of now ({moments.iloc[0]}). Leave "
            "out what was not known then."
        )
    checked_keys(now, ["cutoff", "customer_id"], "now")
    fit = fitted(rows, names, ridge, min_churned)
    columns = numbers_of(now, names, "now")
    table = pd.DataFrame({"customer_id": id_texts(now["customer_id"]).to_numpy()})
    parts = np.zeros((len(table), 0))
    if fit is None:
        score = low = high = np.full(len(table), np.nan)
    else:
        score, parts = fit.log_odds(columns), fit.parts(columns)
        free = unpulled(fit, rows[names].to_numpy(float), rows["churned"].to_numpy(float))
        low, high = free.limits(columns, quantile)
    table["churn_probability"] = expit(score)
    table["churn_probability_low"], table["churn_probability_high"] = expit(low), expit(high)
    top = [names[row.argmax()] if len(row) and row.max() > 1e-12 else None for row in parts]
    table["top_reason"] = pd.Series(top, index=table.index, dtype="str")
    table["mrr"] = now["mrr"].to_numpy(float, na_value=np.nan) if "mrr" in now else np.nan
    table["expected_loss"] = table["churn_probability"] * table["mrr"]
    lacking = table["churn_probability"].isna()
    table["reason"] = pd.Series(pd.NA, index=table.index, dtype="str").mask(lacking, "too_few_churned")
    table = table.sort_values(["churn_probability", "customer_id"], ascending=[False, True], kind="stable")
    churned = int(rows["churned"].sum())
    horizon = past.attrs.get("settings", {}).get("horizon")
    settings = {
        "signals": names, "ridge": float(ridge), "confidence": confidence, "learned_from": len(rows),
        "learned_churned": churned, "undecided": undecided or None, "horizon": horizon,
    }  # fmt: skip
    definition = (
        f"Chance to leave within {horizon or 'the horizon'}, by logistic regression on "
        f"{', '.join(names)} of {several(len(rows), 'snapshot', 'snapshots')} of the past, of which {churned:,} left."
    )
    return result(table, metric="forecast_churn", definition=definition, settings=settings, columns=_RESULT)


def learnable(
    past: pd.DataFrame, signals: Sequence[str] | None, other: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, list[str], int]:
    """Snapshots with a known outcome as numbers, in an order of their own, the signals, and how many had no outcome."""
    need("past", past, [*KEYS, "churned"])
    there = past if other is None else past[[name for name in past if name in other]]
    names = [name for name in SIGNALS if name in there] if signals is None else list(dict.fromkeys(signals))
    for table, called in ((past, "past"), (past if other is None else other, "now")):
        for name in names:
            if name not in table:
                raise ValueError(unknown("signals", name, table.columns, f"a column of {called}", "columns"))
    if not names:
        raise ValueError(f"signals: none is left to learn from. Name columns, or give snapshots with {SIGNALS[0]!r}.")
    checked_keys(past, ["cutoff", "customer_id"], "past")
    known = past["churned"].notna().to_numpy()
    rows = past[known].reset_index(drop=True)
    left = pd.to_numeric(rows["churned"].astype(object), errors="coerce")
    if not left.isin([0, 1]).all():
        raise EventTableError("past: churned holds something that is neither true nor false. Mend it.")
    columns = pd.DataFrame(numbers_of(rows, names, "past"), columns=names)
    more = {name: rows[name] for name in KEYS} | {"churned": left.astype(float)}
    table = pd.DataFrame(more).assign(customer_id=id_texts(rows["customer_id"]), **columns)
    return table.sort_values(["cutoff", "customer_id"], ignore_index=True), names, int((~known).sum())


def fitted(rows: pd.DataFrame, names: Sequence[str], ridge: float, min_churned: int) -> Logistic | None:
    """The regression on these rows; None where too few left or stayed."""
    if not isinstance(ridge, int | float | np.number) or not 0 < ridge < np.inf:
        raise ValueError(f"ridge: {ridge!r} is not above 0. Use 1, or less to trust the data more.")
    if not isinstance(min_churned, int | np.integer) or min_churned < 1:
        raise ValueError(f"min_churned: {min_churned!r} is not a count. Use 20, or 1 to take whatever there is.")
    left = rows["churned"].to_numpy(float)
    if min(left.sum(), len(left) - left.sum()) < min_churned:
        return None
    return fit_logistic(rows[list(names)].to_numpy(float), left, ridge=float(ridge))


def numbers_of(table: pd.DataFrame, names: Sequence[str], what: str) -> Floats:
    """The signals as numbers; a missing one stays missing, a word is refused."""
    found = []
    for name in names:
        values = pd.to_numeric(table[name], errors="coerce").to_numpy(float, na_value=np.nan)
        wrong = (np.isnan(values) & table[name].notna().to_numpy()) | np.isinf(values)
        if wrong.any():
            first = table[name].iloc[int(np.argmax(wrong))]
            raise EventTableError(
                f"{what}: {name} is no number in {int(wrong.sum()):,} of {len(table):,} rows (first: {first!r}). Give "
                "numbers, or nothing where it is not known."
            )
        found.append(values)
    return np.column_stack(found)


def checked_keys(table: pd.DataFrame, columns: list[str], what: str) -> None:
    """Refuse a customer who stands twice at one cut-off, or a row without one of them."""
    wrong = table.duplicated(columns) | table[columns].isna().any(axis=1)
    if wrong.any():
        first = table.loc[wrong, "customer_id"].iloc[0]
        raise EventTableError(
            f"{what}: {several(int(wrong.sum()), 'row has', 'rows have')} no cut-off or customer, or those of "
            f"another row (first: {first!r}). Give one row for each customer and cut-off."
        )
