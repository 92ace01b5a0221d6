"""Would the forecast have been right? Models fitted on the past, held against what came after, beside simple rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.clv.buys import Merge
from metrics.clv.forecast import forecast_total
from metrics.clv.purchase_fits import PurchaseFit, fit_purchases
from metrics.clv.spend import spend_fit
from metrics.clv.split import day_text, split_of
from metrics.clv.summary import Refunds, orders_summary
from metrics.clv.units import Unit, known_unit
from metrics.engine import Events
from metrics.intervals import Floats, normal_quantile
from metrics.periods import When
from metrics.results import result
from metrics.steps import Mask

Baseline: TypeAlias = Literal["recency", "rate", "aov_x_frequency"]
BASELINES = ("recency", "rate", "aov_x_frequency")
MODELS = ("bgnbd", "mbgnbd", "pareto_nbd", "nbd")
MOST = 7  # frequencies from here on together


@dataclass(frozen=True)
class Forecast:
    """What a model or a rule says of each customer; NaN where it says nothing."""

    name: str
    purchases: Floats
    score: Floats  # for ranking
    p_buy: Floats
    fit: PurchaseFit | None = None
    revenue: float = np.nan
    reason: str | None = None


def holdout_check(
    orders: Events,
    *,
    split: When | None = None,
    end: When | None = None,
    as_of: When | None = None,
    models: Sequence[str] = ("bgnbd", "mbgnbd", "pareto_nbd"),
    baselines: Sequence[str] = BASELINES,
    by: Literal["frequency", "tenth"] | None = None,
    unit: Unit = "week",
    confidence: float = 0.8,
    customer: str = "user_id",
    time: str = "timestamp",
    amount: str = "net",
    tz: str = "UTC",
    merge: Merge = "day",
    refunds: Refunds = "net",
) -> pd.DataFrame:
    """How far off would the forecast have been?

    Each model is fitted to what was known at `split` and asked about the days after it; simple rules stand beside it.

    Parameters
    ----------
    orders, customer, time, amount, tz, merge, refunds
        As in `orders_summary`.
    split
        Last day of the calibration, a date in `tz`, that day included. None: of the first half of the time observed.
    end
        Last day of the holdout; default: the day of the last order.
    as_of
        First day not observed, in place of `end`.
    models
        ``"bgnbd"``, ``"mbgnbd"``, ``"pareto_nbd"``, ``"nbd"``.
    baselines
        ``"recency"`` (the last to have bought come first; it only ranks), ``"rate"`` (frequency / T x horizon),
        ``"aov_x_frequency"`` (all revenue / all T x horizon for every customer, first purchases included).
    by
        None: a row for each model. ``"frequency"``: sums over the customers of each frequency in the calibration.
        ``"tenth"``: sums over tenths of the customers, those first of whom the model or rule expects most.
    unit
        Unit of recency and T.
    confidence
        Level of the limits of the totals, of parameters and chance together.

    Returns
    -------
    DataFrame, one row per model and rule
        model
        customers                        count   of the calibration
        actual_purchases                 count   of theirs in the holdout, repeats all
        predicted_purchases (…)          count
        error                                    predicted / actual - 1
        mae, mse                                 mean absolute and mean squared error of single customers
        correlation                      -1 to 1 of predicted and actual purchases
        auc                              0 to 1  chance that who buys is ranked above who does not
        brier                            0 to 1  mean squared error of the probability to buy
        actual_buyers, predicted_buyers  count
        actual_revenue                   money   of their purchases in the holdout
        predicted_revenue (…)            money
        revenue_error                            predicted / actual - 1
        reason                           text    ``ranking_only``, or why a model is not identified

    With `by`: model, frequency (7: 7 and more) or tenth (1 to 10), customers, actual_purchases, predicted_purchases.
    What a rule cannot say is NA.

    Raises
    ------
    ValueError
        A split after the end, nobody in the calibration, two ends, names that do not exist, orders that cannot be
        used.

    Notes
    -----
    Fader, Hardie & Lee (2005), Marketing Science 24:275, section 4; Wübben & von Wangenheim (2008), Journal of
    Marketing 72(3):82, for the simple rules.

    Examples
    --------
    >>> days = ["2026-01-01", "2026-01-15", "2026-01-08", "2026-02-10", "2026-02-20"]
    >>> orders = pd.DataFrame({"user_id": list("aabab"), "timestamp": pd.to_datetime(days, utc=True), "net": 5.0})
    >>> check = holdout_check(orders, split="2026-01-31", end="2026-03-02", models=(), baselines=("rate",))
    >>> check[["customers", "actual_purchases", "predicted_purchases", "error"]]
       customers  actual_purchases  predicted_purchases  error
    0          2                 2                  1.0   -0.5
    """
    normal_quantile(confidence)
    known_names("models", models, MODELS)
    known_names("baselines", baselines, BASELINES)
    if by not in (None, "frequency", "tenth"):
        raise ValueError(f"by: {by!r} is not known. Use 'frequency', 'tenth' or None.")
    known_unit(unit)
    columns: dict[str, Any] = {"customer": customer, "time": time, "amount": amount, "tz": tz}
    split, final = split_of(orders, split, end, as_of, columns | {"merge": merge})
    columns |= {"unit": unit, "merge": merge, "refunds": refunds}
    summary = orders_summary(orders, end=split, holdout_end=day_text(final), **columns)
    if not len(summary):
        raise ValueError(f"split {split!s}: nobody has bought by then. Choose a later day.")
    length = float(summary["holdout_T"].iloc[0])
    horizon = f"{length!r} {unit}s"
    forecasts = [_model(name, summary, horizon) for name in models]
    forecasts += [_rule(name, summary, length) for name in baselines]
    table = _groups(forecasts, summary, by) if by else _scores(forecasts, summary, horizon, confidence)
    settings = {
        "split": str(summary.attrs["end"]), "end": summary.attrs["settings"]["holdout_end"], "unit": unit,
        "merge": merge or "none", "tz": tz, "confidence": confidence, "by": by,
        "currency": summary.attrs["settings"].get("currency"),
    }  # fmt: skip
    definition = (
        f"Models fitted to the orders up to {settings['split']} and held against the purchases of the same customers "
        f"up to {settings['end']}. Error: predicted / actual - 1."
    )
    return result(table, metric="holdout_check", definition=definition, settings=settings)


def known_names(argument: str, names: Sequence[str], allowed: Sequence[str]) -> None:
    """Check a list of names."""
    if isinstance(names, str):
        raise ValueError(f"{argument}: {names!r} is one name. Give a list: [{names!r}].")
    wrong = [name for name in names if name not in allowed]
    if wrong:
        raise ValueError(f"{argument}: {wrong[0]!r} is not known. Use {', '.join(map(repr, allowed))}.")


def _model(name: str, summary: pd.DataFrame, horizon: str) -> Forecast:
    fit = fit_purchases(summary, model=name)
    if fit.model is None:
        unknown = np.full(len(summary), np.nan)
        return Forecast(name, unknown, unknown, unknown, fit, reason=fit.reason)
    buy = fit.model.p_buy(summary, horizon=horizon).to_numpy(float)
    expected = fit.model.expected_purchases(summary, horizon=horizon)
    return Forecast(name, np.asarray(expected, float), buy, buy, fit)


def _rule(name: str, summary: pd.DataFrame, length: float) -> Forecast:
    n, T = len(summary), summary["T"].to_numpy(float)
    unknown = np.full(n, np.nan)
    if name == "recency":
        score = (summary["recency"] - summary["T"]).to_numpy(float)
        return Forecast(name, unknown, score, unknown, reason="ranking_only")
    if name == "rate":
        rate = np.divide(summary["frequency"].to_numpy(float), T, out=np.zeros(n), where=T > 0) * length
        return Forecast(name, rate, rate, unknown)
    watched = float(T.sum())
    if not watched > 0:
        return Forecast(name, unknown, unknown, unknown, reason="zero_denominator")
    each = float((summary["frequency"] + 1).sum()) / watched * length
    revenue = float(summary["revenue"].sum()) / watched * length * n
    return Forecast(name, np.full(n, each), unknown, unknown, revenue=revenue)


def _scores(forecasts: list[Forecast], summary: pd.DataFrame, horizon: str, confidence: float) -> pd.DataFrame:
    actual = summary["holdout_frequency"].to_numpy(float)
    revenue = float((summary["holdout_frequency"] * summary["holdout_monetary_value"].fillna(0)).sum())
    spend = None
    if any(f.fit is not None and f.fit.model is not None for f in forecasts):
        spend = spend_fit(summary)
    rows = []
    for f in forecasts:
        totals = _totals(f, summary, spend, horizon, confidence)
        wrong = f.purchases - actual
        predicted, paid = totals["predicted_purchases"], totals["predicted_revenue"]
        reason = f.reason
        if reason is None and not actual.sum():
            reason = "zero_denominator"
        rows.append({
            "model": f.name, "customers": len(summary), "actual_purchases": int(actual.sum()),
            **{k: totals[k] for k in ("predicted_purchases", "predicted_purchases_low", "predicted_purchases_high")},
            "error": predicted / actual.sum() - 1 if actual.sum() else np.nan,
            "mae": float(np.abs(wrong).mean()), "mse": float((wrong**2).mean()),
            "correlation": _correlation(f.purchases, actual), "auc": _auc(f.score, actual > 0),
            "brier": float(((f.p_buy - (actual > 0)) ** 2).mean()),
            "actual_buyers": int((actual > 0).sum()), "predicted_buyers": float(f.p_buy.sum()),
            "actual_revenue": revenue,
            **{k: totals[k] for k in ("predicted_revenue", "predicted_revenue_low", "predicted_revenue_high")},
            "revenue_error": paid / revenue - 1 if revenue > 0 else np.nan, "reason": reason,
        })  # fmt: skip
    names = [
        "model", "customers", "actual_purchases", "predicted_purchases", "predicted_purchases_low",
        "predicted_purchases_high", "error", "mae", "mse", "correlation", "auc", "brier", "actual_buyers",
        "predicted_buyers", "actual_revenue", "predicted_revenue", "predicted_revenue_low", "predicted_revenue_high",
        "revenue_error", "reason",
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=names)
    return table.astype({"model": "str", "reason": "str"})


def _totals(f: Forecast, summary: pd.DataFrame, spend: Any, horizon: str, confidence: float) -> dict[str, float]:
    found = {f"predicted_{what}{end}": np.nan for what in ("purchases", "revenue") for end in ("", "_low", "_high")}
    if f.fit is None or f.fit.model is None:
        return found | {"predicted_purchases": float(f.purchases.sum()), "predicted_revenue": f.revenue}
    value = spend if spend is not None and spend.model is not None else None
    total = forecast_total(
        summary, purchases=f.fit, spend=value, horizon=horizon, period=horizon, confidence=confidence
    ).iloc[0]
    for what in ("purchases", "revenue") if value is not None else ("purchases",):
        for end in ("", "_low", "_high"):
            found[f"predicted_{what}{end}"] = float(total[f"cumulative_{what}{end}"])
    return found


def _groups(forecasts: list[Forecast], summary: pd.DataFrame, by: str) -> pd.DataFrame:
    """Sums over groups of customers."""
    actual, n = summary["holdout_frequency"].to_numpy(np.int64), len(summary)
    tables = []
    for f in forecasts:
        group = np.minimum(summary["frequency"].to_numpy(np.int64), MOST)
        if by == "tenth":
            if np.isnan(f.score).any():  # says nothing of single customers
                continue
            group = np.empty(n, np.int64)
            first = f.score if np.isnan(f.purchases).any() else f.purchases
            group[np.argsort(-first, kind="stable")] = np.arange(n) * 10 // n + 1
        each = pd.DataFrame({by: group, "actual_purchases": actual, "predicted_purchases": f.purchases}).groupby(by)
        sums = each["predicted_purchases"].sum(min_count=1)
        tables.append(
            pd.DataFrame({
                "model": f.name, by: sums.index, "customers": each.size().to_numpy(),
                "actual_purchases": each["actual_purchases"].sum().to_numpy(), "predicted_purchases": sums.to_numpy(),
            })
        )  # fmt: skip
    names = ["model", by, "customers", "actual_purchases", "predicted_purchases"]
    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame({name: [] for name in names})


def _correlation(one: Floats, other: Floats) -> float:
    if np.isnan(one).any() or len(one) < 2 or not np.ptp(one) > 1e-12 * np.abs(one).max() or not np.ptp(other) > 0:
        return np.nan
    return float(np.corrcoef(one, other)[0, 1])


def _auc(score: Floats, bought: Mask) -> float:
    """Chance that a buyer's score is above another's, ties by half (Hanley & McNeil 1982, Radiology 143:29)."""
    yes, no = int(bought.sum()), int((~bought).sum())
    if np.isnan(score).any() or not yes or not no:
        return np.nan
    rank = pd.Series(score).rank().to_numpy()
    return float((rank[bought].sum() - yes * (yes + 1) / 2) / (yes * no))
