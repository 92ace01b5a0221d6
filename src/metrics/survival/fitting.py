"""Contracts: which model of retention fits the counts of a cohort, and how many are left later?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.files import several
from metrics.intervals import Floats, log_log, normal_quantile, wilson
from metrics.results import result
from metrics.survival.likelihood import Peak, homogeneous, peak
from metrics.survival.retention import PARAMETERS, Name, RetentionModel, Unit, _periods, check_names

Active: TypeAlias = Sequence[float] | Floats | pd.Series | pd.DataFrame
_NAMES = {"sbg": "sBG", "bdw": "BdW", "geometric": "geometric"}


@dataclass(frozen=True)
class RetentionFit:
    """A fitted model of retention.

    `status` is ``ok``; ``boundary`` (the likelihood is highest at an edge: the model is there, limits are not); or
    ``not_identified`` (the counts cannot tell: no model). `reason` says why it is not ``ok``.
    """

    table: pd.DataFrame  # parameter, estimate, std_error, low, high
    log_likelihood: float
    aic: float
    bic: float
    status: str
    reason: str | None
    customers: float
    unit: Unit
    model: RetentionModel | None
    _peak: Peak | None


def fit_retention(active: Active, *, model: Name = "sbg", unit: Unit, confidence: float = 0.95) -> RetentionFit:
    """Which retention fits the counts of a cohort best?

    Parameters
    ----------
    active
        Customers of one cohort still active at 0, 1, 2, … periods: a list, a Series, or a table with ``period`` and
        ``active``. Counts, not shares: how sure the fit is depends on how many they are.
    model
        ``"sbg"`` (default), ``"bdw"`` or ``"geometric"``: see `RetentionModel`.
    unit
        Length of a period: ``"month"``.
    confidence
        Level of the limits.

    Returns
    -------
    RetentionFit
        ``.table``            parameter, estimate, std_error, low, high: by the curvature of the log-likelihood on the
                              scale of logarithms; of ``retention_rate`` Wilson's limits
        ``.log_likelihood .aic .bic``  of when each customer left
        ``.status``           ``ok``, ``boundary`` or ``not_identified``, with ``.reason``:
                              ``no_difference_between_customers`` (one constant probability fits best),
                              ``nobody_lost_later`` (after the first period), ``shape_at_its_limit`` (of BdW's c),
                              ``no_single_maximum``; ``nobody_lost``, ``nobody_left`` (all were lost at once),
                              ``too_few_periods`` (fewer than parameters), ``too_few_customers`` (none)
        ``.customers .unit .model``    customers at period 0; the argument; a `RetentionModel`, or None

    Raises
    ------
    ValueError
        An unknown model or unit.
    EventTableError
        Counts that are missing, negative or grow; periods that are not 0, 1, 2, …

    Notes
    -----
    Fader & Hardie (2007), Journal of Interactive Marketing 21(1):76; Fader et al. (2018), the same 43:1.

    Examples
    --------
    >>> fit_retention([1000, 869, 743, 653, 593, 551, 517, 491], unit="year").table.round(3).iloc[:, :2]
      parameter  estimate
    0     alpha     0.668
    1      beta     3.806
    """
    check_names(model, unit)
    z, counts = normal_quantile(confidence), _counts(active)
    names, customers = PARAMETERS[model], float(counts[0]) if len(counts) else 0.0
    found, reason = _fit(model, counts)
    if found is None:
        empty = np.full(len(names), np.nan)
        table = pd.DataFrame({"parameter": names, "estimate": empty, "std_error": empty, "low": empty, "high": empty})
        return RetentionFit(table, np.nan, np.nan, np.nan, "not_identified", reason, customers, unit, None, None)
    error = found.log_errors()
    with np.errstate(over="ignore"):
        low, high = found.values * np.exp(-z * error), found.values * np.exp(z * error)
    table = pd.DataFrame({
        "parameter": names, "estimate": found.values, "std_error": found.values * error, "low": low, "high": high,
    })  # fmt: skip
    if model == "geometric":
        kept, exposed = counts[1:].sum(), counts[:-1].sum()
        limits = wilson(kept, exposed, confidence)
        table["low"], table["high"] = float(limits[0]), float(limits[1])
    aic = 2 * len(names) - 2 * found.log_likelihood
    bic = float(np.log(customers)) * len(names) - 2 * found.log_likelihood
    fitted = RetentionModel(model, unit=unit, **dict(zip(names, map(float, found.values), strict=True)))
    status = "ok" if reason is None else "boundary"
    return RetentionFit(table, found.log_likelihood, aic, bic, status, reason, customers, unit, fitted, found)


def project_retention(
    active: Active, *, model: Name = "sbg", unit: Unit, periods: int = 12, confidence: float | None = 0.95
) -> pd.DataFrame:
    """How many of a cohort will be left in the periods to come?

    Parameters
    ----------
    active, model, unit
        As in `fit_retention`.
    periods
        Last period told, counted from the start of the cohort.
    confidence
        Level of the limits, which hold for the expected share: what the counts leave open about the parameters, if
        the model is right. None leaves them out.

    Returns
    -------
    DataFrame, one row per period from 0 to `periods`
        period              count
        active              number  as given; NA ahead
        survival (…)        0 to 1  share still there, by the model
        retention_rate (…)  0 to 1  share of those of the period before who stay; NA in period 0
        reason              text    that of the fit, where there is no model

    Raises
    ------
    ValueError, EventTableError
        As `fit_retention`; `periods` below 1.

    Examples
    --------
    >>> ahead = project_retention([1000, 869, 743, 653, 593, 551, 517, 491], unit="year", periods=12)
    >>> ahead[["period", "active", "survival"]].round(3).iloc[[7, 8, 12]]
        period  active  survival
    7        7   491.0     0.489
    8        8     NaN     0.460
    12      12     NaN     0.378
    """
    last, counts = _periods(periods), _counts(active)
    fit = fit_retention(active, model=model, unit=unit, confidence=0.95 if confidence is None else confidence)
    number = np.arange(last + 1)
    table = pd.DataFrame({"period": number, "active": pd.Series(counts).reindex(number).to_numpy(float)})
    for name in ("survival", "retention_rate"):
        values = _of(fit.model, name, last)
        table[name] = values
        if confidence is not None:
            table[f"{name}_low"], table[f"{name}_high"] = _limits(fit, counts, name, values, confidence)
    table["reason"] = pd.Series([fit.reason if fit.model is None else None] * len(table), dtype="str")
    fitted = f"{fit.customers:g} customer{'' if fit.customers == 1 else 's'}"
    definition = (
        f"Share of the customers of a cohort still active after so many {unit}s, by the {_NAMES[model]} model, "
        f"fitted to {several(len(counts), 'count', 'counts')} of {fitted}. Retention rate: share of "
        f"those of the {unit} before. Limits: of the expected share, if the model is right."
    )
    settings = {"model": model, "unit": unit, "confidence": confidence, "customers": fit.customers,
                "observed_periods": max(len(counts) - 1, 0), "status": fit.status}  # fmt: skip
    return result(table, metric="project_retention", definition=definition, settings=settings)


def _counts(active: Active) -> Floats:
    """Active customers by period, checked."""
    if isinstance(active, pd.DataFrame):
        missing = [name for name in ("period", "active") if name not in active]
        if missing:
            raise EventTableError(f"active has no {missing}. Its columns must be period and active.")
        ordered = active.sort_values("period")
        if ordered["period"].tolist() != list(range(len(ordered))):
            raise EventTableError(f"active: the periods are {ordered['period'].tolist()}. They must be 0, 1, 2, …")
        active = ordered["active"]
    counts: Floats = pd.to_numeric(pd.Series(active, dtype="object"), errors="coerce").to_numpy(np.float64)
    fell = np.r_[True, ~(np.diff(counts) > 0)][: len(counts)]
    wrong = {"missing or endless": ~np.isfinite(counts), "below 0": counts < 0, "more than in the period before": ~fell}
    found = {problem: rows for problem, rows in wrong.items() if rows.any()}
    if found:
        said = "; ".join(f"{problem}: period {int(rows.argmax())}" for problem, rows in found.items())
        raise EventTableError(
            f"active: {said}. Give how many customers of one cohort were still active; who came later is of another.",
            [{"reason": problem, "rows": int(rows.sum())} for problem, rows in found.items()],
        )
    return counts


def _fit(model: Name, counts: Floats) -> tuple[Peak | None, str | None]:
    """Where the likelihood is highest, and why this is not the inside of the range; None if nothing can be told."""
    if not len(counts) or counts[0] == 0:
        return None, "too_few_customers"
    lost, left = -np.diff(counts), float(counts[-1])
    told = int((counts[:-1] > 0).sum())  # periods in which somebody could leave
    if model == "geometric":
        if not told:
            return None, "too_few_periods"
        reason = "nobody_lost" if not lost.sum() else "nobody_left" if lost[0] == counts[0] else None
        return homogeneous(lost, left, free_shape=False, as_rate=True), reason
    if not lost.sum():
        return None, "nobody_lost" if told else "too_few_periods"
    if lost[0] == counts[0]:
        return None, "nobody_left"
    if told < len(PARAMETERS[model]):
        return None, "too_few_periods"
    return peak(lost, left, free_shape=model == "bdw")


def _of(model: RetentionModel | None, name: str, last: int) -> Floats:
    """Values of a model by period from 0, NA where it has none."""
    if model is None:
        return np.full(last + 1, np.nan)
    series = getattr(model, name)(last)
    return np.asarray(series.reindex(range(last + 1)), dtype=np.float64)


def _limits(fit: RetentionFit, counts: Floats, name: str, values: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Limits of what follows from the parameters, on the log-log scale, where it has no bounds."""
    last = len(values) - 1
    if fit.model is None or fit._peak is None:
        return np.full(last + 1, np.nan), np.full(last + 1, np.nan)
    if fit.model.name == "geometric":
        low, high = (
            _of(RetentionModel("geometric", unit=fit.unit, retention_rate=float(limit)), name, last)
            for limit in wilson(counts[1:].sum(), counts[:-1].sum(), confidence)
        )
        return low, high
    names, unit, model = PARAMETERS[fit.model.name], fit.unit, fit.model.name

    def at(values: Floats) -> Floats:
        return _of(RetentionModel(model, unit=unit, **dict(zip(names, map(float, values), strict=True))), name, last)

    error = fit._peak.error_of(at)
    return log_log(values, error, confidence)
