"""Which model of buying fits the customers best, and how certain are its parameters?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.clv.customers import Customers, read_customers
from metrics.clv.estimates import described
from metrics.clv.fitting import Fitted, fit_family, labels
from metrics.clv.models import Family
from metrics.clv.purchases import PurchaseModel, family_of
from metrics.clv.units import known_unit
from metrics.files import several
from metrics.intervals import normal_quantile

Status: TypeAlias = Literal["ok", "boundary", "not_identified"]
AUTO = ("bgnbd", "mbgnbd", "pareto_nbd")


@dataclass(frozen=True)
class PurchaseFit:
    """A model of buying fitted to customers.

    Attributes
    ----------
    table           parameter, estimate, std_error, low, high; a covariate z adds purchase[z] and dropout[z]. The limits
                    are worked out when it is first asked for
    log_likelihood  at the maximum; aic, bic
    status          ok; boundary (the maximum lies at an edge); not_identified (nothing to learn from)
    reason          why it is not ok, else None
    customers       sum of the weights; distinct_rows: how many rows differ
    unit            of the parameters
    model           a `PurchaseModel`; None if nothing is identified
    compared        model, log_likelihood, bic, status of all that were tried
    """

    log_likelihood: float
    aic: float
    bic: float
    status: Status
    reason: str | None
    customers: float
    distinct_rows: int
    unit: str
    model: PurchaseModel | None
    compared: pd.DataFrame
    name: str = "bgnbd"
    parameters: tuple[str, ...] = field(default=(), repr=False)  # names of all, coefficients too
    confidence: float | None = 0.95
    fitted: Fitted | None = field(default=None, repr=False, compare=False)
    rows: Customers | None = field(default=None, repr=False, compare=False)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The parameters: estimate, standard error, limits by profile likelihood."""
        if self.fitted is not None:
            table = self.fitted.table(self.confidence)
        else:
            empty = {"parameter": list(self.parameters), "estimate": np.nan, "std_error": np.nan}
            table = pd.DataFrame(empty | ({} if self.confidence is None else {"low": np.nan, "high": np.nan}))
        return described(table, self.name, self.unit, self.status, self.reason, self.confidence)

    def __repr__(self) -> str:
        """Say in one line what was fitted."""
        said = f", {self.reason}" if self.reason else ""
        found = self.fitted.table(None) if self.fitted is not None else self.table
        values = ", ".join(f"{n} {v:.4g}" for n, v in zip(found["parameter"], found["estimate"], strict=True))
        fitted = several(round(self.customers), "customer", "customers")
        return f"PurchaseFit: {self.name} ({self.status}{said}), {fitted}, {values} ({self.unit}s)"


def fit_purchases(
    summary: pd.DataFrame,
    *,
    model: str = "auto",
    covariates: Sequence[str] = (),
    weights: str | None = None,
    unit: str | None = None,
    confidence: float | None = 0.95,
) -> PurchaseFit:
    """Which parameters make what the customers did most likely?

    Maximum likelihood on the log scale, by Newton's method on distinct rows. One-time buyers belong into the summary:
    without them a new customer looks far too busy.

    Parameters
    ----------
    summary
        Table with ``frequency, recency, T``, as `orders_summary` returns it.
    model
        ``"bgnbd"``, ``"mbgnbd"``, ``"pareto_nbd"``, ``"nbd"``, ``"bgbb"``, or ``"auto"``: of the first three the one
        with the lowest BIC. The holdout is the better judge: `holdout_check`.
    covariates
        Numeric columns of `summary` that do not change in time; each shifts buying and dropping out.
    weights
        Column that says how many customers a row stands for.
    unit
        Unit of recency and T; needed where the table does not carry it.
    confidence
        Level of the limits; None leaves them out.

    Returns
    -------
    PurchaseFit
        A customer base that cannot be fitted is no error: see its ``status`` and ``reason``.

    Raises
    ------
    ValueError
        Wrong arguments, no unit or two.
    EventTableError
        Impossible rows (recency above T, recency without a repeat, negative or missing numbers), all at once.

    Notes
    -----
    Sources: see `PurchaseModel`. Standard errors: from the inverse of the Hessian. Limits: of the profile likelihood
    (Venzon & Moolgavkar 1988, Applied Statistics 37:87), 0 or infinite where nothing bounds a parameter. Covariates:
    Fader & Hardie (2007), Incorporating time-invariant covariates, note 019.

    Examples
    --------
    >>> customers = pd.DataFrame(
    ...     {"frequency": [0, 1, 3, 9], "recency": [0, 8, 30, 35], "T": [39.0] * 4, "n": [40, 20, 20, 5]}
    ... )
    >>> fit = fit_purchases(customers, model="nbd", weights="n", unit="week")
    >>> fit.status, fit.customers, round(fit.model.parameters["r"], 1)
    ('ok', 85.0, 0.6)
    """
    unit = _unit(summary, unit)
    if confidence is not None:
        normal_quantile(confidence)
    names = AUTO if model == "auto" else (model,)
    families = [family_of(name) for name in names]
    if covariates and not all(family.purchase for family in families):
        raise ValueError(f"covariates: {model} takes none.")
    if isinstance(covariates, str) or len(set(covariates)) != len(list(covariates)):
        raise ValueError(f"covariates: {covariates!r} is no list of different columns.")
    rows = read_customers(
        summary, covariates=covariates, weights=weights, whole_times=any(family.whole_times for family in families)
    )
    fits = [_fit(family, rows, tuple(covariates), unit, confidence) for family in families]
    compared = pd.DataFrame({
        "model": [fit.name for fit in fits],
        "log_likelihood": [fit.log_likelihood for fit in fits],
        "bic": [fit.bic for fit in fits],
        "status": [fit.status for fit in fits],
    })  # fmt: skip
    known = [fit for fit in fits if fit.status != "not_identified"]
    best = min(known, key=lambda fit: fit.bic) if known else fits[0]
    object.__setattr__(best, "compared", compared)
    return best


def _unit(summary: pd.DataFrame, unit: str | None) -> str:
    carried = summary.attrs.get("unit")
    if unit is None and carried is None:
        raise ValueError("unit: the table does not say in which unit recency and T are. Give unit='week' or another.")
    if unit is not None and carried is not None and unit != carried:
        raise ValueError(f"unit is {unit!r}, but the summary is in {carried}s. Leave unit out, or make it anew.")
    return known_unit(unit if unit is not None else carried)


def _fit(
    family: Family, rows: Customers, covariates: tuple[str, ...], unit: str, confidence: float | None
) -> PurchaseFit:
    names = labels(family, covariates)
    reason = _nothing_to_learn(family, rows, len(names))
    if reason is not None:
        return PurchaseFit(
            log_likelihood=np.nan, aic=np.nan, bic=np.nan,
            status="not_identified", reason=reason, customers=rows.total, distinct_rows=len(rows), unit=unit,
            model=None, compared=pd.DataFrame(), name=family.name, parameters=tuple(names),
            confidence=confidence, rows=rows,
        )  # fmt: skip
    fitted = fit_family(family, rows, covariates)
    p, edge = fitted.parameters, fitted.maximum.edge
    status: Status = "boundary" if edge.any() else "ok"
    if edge.any():
        at = [name for name, there in zip(family.names, edge[: len(family.names)], strict=True) if there]
        reason = family.edge(list(p.values()), at, float(rows.weight @ rows.T) / rows.total)
    deviance, many = -2 * fitted.log_likelihood, len(names)
    return PurchaseFit(
        log_likelihood=fitted.log_likelihood, aic=deviance + 2 * many,
        bic=deviance + many * float(np.log(rows.total)), status=status, reason=reason, customers=rows.total,
        distinct_rows=len(rows), unit=unit,
        model=PurchaseModel(family.name, unit=unit, covariates=fitted.coefficients, **p),
        compared=pd.DataFrame(), name=family.name, parameters=tuple(names), confidence=confidence, fitted=fitted,
        rows=rows,
    )  # fmt: skip


def _nothing_to_learn(family: Family, rows: Customers, parameters: int) -> str | None:
    if rows.total < 2 or len(rows) < 2 or rows.total <= parameters:
        return "too_few_customers"
    if not (rows.x > 0).any() or (not family.whole_times and not (rows.T > 0).any()):
        return "no_repeat_purchases"
    return None
