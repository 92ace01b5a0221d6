"""How much do customers spend on a purchase? The Gamma-Gamma model.

Each purchase of a customer is gamma(p, ν), and ν is gamma(q, γ) among customers; spend has nothing to do with how often
they buy. Fader & Hardie (2013), The Gamma-Gamma Model of Monetary Value, note 025.
"""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from metrics.clv.customers import distinct
from metrics.clv.estimates import described, estimates
from metrics.clv.newton import Derivatives, Maximum, highest, maximum
from metrics.files import EventTableError, several
from metrics.intervals import Floats, normal_quantile
from metrics.periods import Ints
from metrics.steps import unknown

NAMES = ("p", "q", "gamma")
DEPENDENT = 0.3  # rank correlation of value and frequency from which the model's assumption is doubtful
MANY = 200


@dataclass(frozen=True)
class SpendModel:
    """What does the Gamma-Gamma model expect a purchase to be worth, at given parameters?

    Parameters
    ----------
    p, q
        Shapes of the values within and among customers.
    gamma
        Scale, in money.

    Attributes
    ----------
    population_mean   p gamma / (q - 1), NaN where q <= 1: the mean is infinite
    reason            ``no_population_mean`` there, else None

    Examples
    --------
    >>> model = SpendModel(p=6.25, q=3.74, gamma=15.44)
    >>> round(model.population_mean, 2)
    35.22
    >>> model.expected_value(pd.DataFrame({"frequency": [2, 0], "monetary_value": [22.345, None]})).round(2).tolist()
    [24.66, 35.22]
    """

    p: float
    q: float
    gamma: float

    def __init__(self, *, p: float, q: float, gamma: float) -> None:
        given = {"p": p, "q": q, "gamma": gamma}
        wrong = {name: value for name, value in given.items() if not 0 < value < np.inf}
        if wrong:
            raise ValueError(f"{wrong} cannot be. The parameters p, q and gamma are above 0.")
        for name, value in given.items():
            object.__setattr__(self, name, float(value))

    @property
    def population_mean(self) -> float:
        """Mean value of a purchase over all customers; NaN where there is none."""
        return self.p * self.gamma / (self.q - 1) if self.q > 1 else np.nan

    @property
    def reason(self) -> str | None:
        """Why there is no population mean."""
        return None if self.q > 1 else "no_population_mean"

    def log_likelihood(self, summary: pd.DataFrame) -> float:
        """Log-likelihood of the mean values of customers with a repeat and a positive value."""
        spent = _read(summary, None)
        return float(_derivatives(spent, np.log([self.p, self.q, self.gamma]))[0])

    def expected_value(self, summary: pd.DataFrame) -> pd.Series:
        """Mean value of a customer's future purchases, given those seen; the population mean where none was seen.

        NaN where there is no population mean and too little was seen, and where the value seen is not positive.
        """
        x, value = _columns(summary)
        seen = (x > 0) & (value > 0)
        weight, total = self.p * x + self.q - 1, self.p * (self.gamma + x * np.where(seen, value, 0))
        with np.errstate(all="ignore"):
            expected = np.where(seen, np.where(weight > 0, total / weight, np.nan), self.population_mean)
        expected = np.where((x > 0) & (value <= 0), np.nan, expected)
        return pd.Series(expected, index=summary.index, name="expected_value")


@dataclass(frozen=True)
class SpendFit:
    """A Gamma-Gamma model fitted to customers.

    Attributes
    ----------
    table           parameter, estimate, std_error, low, high; the limits are worked out when it is first asked for
    log_likelihood  at the maximum; aic, bic
    status          ok, boundary or not_identified
    reason          why it is not ok, or no_population_mean where q <= 1
    customers       how many were used (sum of the weights)
    excluded        reason (no_repeat, not_positive), customers
    spearman        rank correlation of value and frequency; the model takes it to be 0
    warning         said where it is above 0.3 either way, else None
    model           a `SpendModel`; None if nothing is identified
    """

    log_likelihood: float
    aic: float
    bic: float
    status: str
    reason: str | None
    customers: float
    excluded: pd.DataFrame
    spearman: float
    warning: str | None
    model: SpendModel | None
    confidence: float | None = 0.95
    fitted: "Fitted | None" = field(default=None, repr=False, compare=False)

    @cached_property
    def table(self) -> pd.DataFrame:
        """The parameters: estimate, standard error, limits by profile likelihood."""
        if self.fitted is not None:
            table = self.fitted.table(self.confidence)
        else:
            empty = {"parameter": list(NAMES), "estimate": np.nan, "std_error": np.nan}
            table = pd.DataFrame(empty | ({} if self.confidence is None else {"low": np.nan, "high": np.nan}))
        return described(table, "gamma_gamma", None, self.status, self.reason, self.confidence)

    def __repr__(self) -> str:
        """Say in one line what was fitted."""
        said = f", {self.reason}" if self.reason else ""
        found = self.fitted.table(None) if self.fitted is not None else self.table
        values = ", ".join(f"{n} {v:.4g}" for n, v in zip(found["parameter"], found["estimate"], strict=True))
        fitted = several(round(self.customers), "customer", "customers")
        return f"SpendFit: gamma_gamma ({self.status}{said}), {fitted}, {values}"


def fit_spend(summary: pd.DataFrame, *, weights: str | None = None, confidence: float | None = 0.95) -> SpendFit:
    """How do values of purchases differ within and among customers?

    Maximum likelihood over customers with a repeat purchase and a positive value; the others are counted.

    Parameters
    ----------
    summary
        Table with ``frequency`` and ``monetary_value``, the mean over the repeat purchases.
    weights
        Column that says how many customers a row stands for.
    confidence
        Level of the limits; None leaves them out.

    Returns
    -------
    SpendFit

    Raises
    ------
    ValueError
        A column that is not there.
    EventTableError
        Negative or missing frequencies or weights, a repeat without a value.

    Warns
    -----
    UserWarning
        Value and frequency go together (rank correlation above 0.3 either way), which the model takes for granted that
        they do not.

    Examples
    --------
    >>> few = pd.DataFrame({"frequency": [1, 2, 0], "monetary_value": [10.0, 0.0, None]})
    >>> fit = fit_spend(few)
    >>> fit.status, fit.reason
    ('not_identified', 'too_few_customers')
    >>> fit.excluded
             reason  customers
    0     no_repeat          1
    1  not_positive          1
    """
    fit = spend_fit(summary, weights, confidence)
    if fit.warning is not None:
        import warnings

        warnings.warn(fit.warning, stacklevel=3)
    return fit


def spend_fit(summary: pd.DataFrame, weights: str | None = None, confidence: float | None = 0.95) -> SpendFit:
    """The same without a warning, for those who say it themselves."""
    if confidence is not None:
        normal_quantile(confidence)
    spent = _read(summary, weights)
    excluded = pd.DataFrame({
        "reason": ["no_repeat", "not_positive"], "customers": [_count(spent.no_repeat), _count(spent.not_positive)],
    })  # fmt: skip
    reason = _nothing_to_learn(spent)
    spearman = _rank_correlation(spent.value, spent.x.astype(float), spent.weight)
    warning = None
    if abs(spearman) > DEPENDENT:
        warning = (
            f"Value and frequency go together (rank correlation {spearman:.2f}), but the model takes them to be "
            "independent: values of customers who buy seldom or often may be off. Compare them group by group."
        )
    if reason is not None:
        return SpendFit(
            np.nan, np.nan, np.nan, "not_identified", reason, _count(spent.total), excluded, spearman, warning, None,
            confidence,
        )  # fmt: skip
    fitted = fit_gamma_gamma(spent)
    model = SpendModel(**dict(zip(NAMES, np.exp(fitted.at).tolist(), strict=True)))
    edge = bool(fitted.maximum.edge.any())
    value = fitted.maximum.value - float(spent.weight.sum()) * fitted.shift[2]  # a density of money: its unit shifts it
    return SpendFit(
        value, 6 - 2 * value, 3 * float(np.log(spent.total)) - 2 * value, "boundary" if edge else "ok",
        "no_difference_between_customers" if edge else model.reason, _count(spent.total), excluded, spearman, warning,
        model, confidence, fitted,
    )  # fmt: skip


@dataclass(frozen=True)
class Spent:
    """Distinct pairs of frequency and mean value, and how many customers were left out."""

    x: Ints
    value: Floats
    weight: Floats
    no_repeat: float
    not_positive: float

    @property
    def total(self) -> float:
        """Customers used."""
        return float(self.weight.sum())


@dataclass(frozen=True)
class Fitted:
    """A maximum, with money in units of its mean."""

    maximum: Maximum
    shift: Floats  # back to the money of the table
    likelihood: Derivatives

    @property
    def at(self) -> Floats:
        """Where the maximum is, in the money of the table."""
        return self.maximum.at + self.shift

    def table(self, confidence: float | None) -> pd.DataFrame:
        """The parameters with standard errors and limits."""
        return estimates(NAMES, self.maximum, self.shift, len(NAMES), self.likelihood, confidence)


def fit_gamma_gamma(spent: Spent, start: Floats | None = None) -> Fitted:
    """The maximum of the likelihood, from one start and, where that may not be the highest, from others."""
    mean = float(spent.weight @ spent.value) / spent.total
    shift = np.array([0.0, 0.0, np.log(mean)])
    likelihood = Likelihood(Spent(spent.x, spent.value / mean, spent.weight, 0, 0))
    if start is not None:
        return Fitted(maximum(likelihood, start - shift), shift, likelihood)
    starts = [
        np.log(s) for s in ((4.0, 4.0, 0.75), (1.0, 3.0, 2.0), (50.0, 5.0, 0.08), (2.0, 1.2, 0.2), (5.0, 100.0, 20.0))
    ]
    best = maximum(likelihood, starts[0])
    if best.edge.any() or spent.total < MANY:
        others = highest(likelihood, starts[1:])
        best = others if others.value > best.value + 1e-7 else best
    return Fitted(best, shift, likelihood)


@dataclass(frozen=True)
class Likelihood:
    """The log-likelihood of mean values, as a function of the logarithms of p, q and gamma."""

    spent: Spent

    def __call__(self, at: Floats) -> tuple[float, Floats, Floats]:
        """Value, gradient and Hessian."""
        with np.errstate(all="ignore"):
            return _derivatives(self.spent, at)


def _derivatives(spent: Spent, at: Floats) -> tuple[float, Floats, Floats]:
    """Log-likelihood with gradient and Hessian by the logarithms of p, q and gamma.

    Per customer: log Γ(px + q) / (Γ(px) Γ(q)) + q log(γ / s) + px log(xz / s) - log z, s = γ + xz.
    """
    from scipy.special import betaln, psi, zeta

    p, q, gamma = np.exp(at)
    x, z, w = spent.x, spent.value, spent.weight
    share = x * z / (gamma + x * z)
    log_share, log_rest = np.log(share), -np.log1p(x * z / gamma)
    top = int(x.max(initial=0)) + 1
    many = np.bincount(x, w, top)
    k = np.flatnonzero(many)  # gamma functions only of the distinct frequencies
    many = many[k]
    sum_share = np.bincount(x, w * log_share, top)[k]
    pk = p * k
    value = float(many @ -betaln(pk, q) + p * (k @ sum_share) + q * (w @ log_rest) - w @ np.log(z))
    psi_sum, tri_sum = psi(pk + q), zeta(2, pk + q)
    d_p = float(k @ (many * (psi_sum - psi(pk)) + sum_share))
    d_q = float(many @ (psi_sum - psi(q)) + w @ log_rest)
    # d log(γ/s) / d log γ = share, d log(xz/s) / d log γ = share - 1
    first = float(w @ (q * share - p * x * (1 - share)))
    gradient = np.array([p * d_p, q * d_q, first])
    pp = float((k**2 * many) @ (tri_sum - zeta(2, pk)))
    pq = float((k * many) @ tri_sum)
    qq = float(many @ (tri_sum - zeta(2, q)))
    bend = float(-(w @ ((q + p * x) * share * (1 - share))))
    hessian = np.array([
        [p * p * pp + p * d_p, p * q * pq, -p * float(w @ (x * (1 - share)))],
        [p * q * pq, q * q * qq + q * d_q, q * float(w @ share)],
        [-p * float(w @ (x * (1 - share))), q * float(w @ share), bend],
    ])  # fmt: skip
    return value, gradient, hessian


def _columns(summary: pd.DataFrame) -> tuple[Ints, Floats]:
    for name in ("frequency", "monetary_value"):
        if name not in summary.columns:
            raise ValueError(unknown("summary", name, summary.columns, "a column of the summary", "columns"))
    x = pd.to_numeric(summary["frequency"], errors="coerce").to_numpy(float, na_value=np.nan)
    value = pd.to_numeric(summary["monetary_value"], errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = {
        "no frequency": ~np.isfinite(x), "a negative frequency": x < 0,
        "a frequency that is no whole number": np.isfinite(x) & (x != np.floor(x)),
        "a repeat but no value": (x > 0) & ~np.isfinite(value),
    }  # fmt: skip
    found = [{"reason": what, "rows": int(rows.sum()), "example": str(summary.iloc[int(np.argmax(rows))].to_dict())}
             for what, rows in wrong.items() if rows.any()]  # fmt: skip
    if found:
        said = "; ".join(f"{f['rows']:,} have {f['reason']}" for f in found)
        raise EventTableError(f"summary: of {len(x):,} rows {said}. Mend or drop them.", found)
    return x.astype(np.int64), value


def _read(summary: pd.DataFrame, weights: str | None) -> Spent:
    x, value = _columns(summary)
    weight = np.ones(len(x))
    if weights is not None:
        if weights not in summary.columns:
            raise ValueError(unknown("weights", weights, summary.columns, "a column of the summary", "columns"))
        weight = pd.to_numeric(summary[weights], errors="coerce").to_numpy(float, na_value=np.nan)
        if not (weight >= 0).all() or not np.isfinite(weight).all():
            raise EventTableError(f"summary: {weights!r} has missing or negative weights. Mend or drop these rows.")
    used = (x > 0) & (value > 0) & (weight > 0)
    first, place = distinct([x.astype(float), np.where(used, value, 0)], used)
    return Spent(
        x[first], value[first], np.bincount(place[used], weight[used], minlength=len(first)).astype(float),
        float(weight[x == 0].sum()), float(weight[(x > 0) & ~(value > 0)].sum()),
    )  # fmt: skip


def _nothing_to_learn(spent: Spent) -> str | None:
    if spent.total <= len(NAMES) or len(spent.x) < 2:
        return "too_few_customers"
    if len(np.unique(spent.value)) < 2:
        return "no_difference_between_customers"
    return None


def _rank_correlation(one: Floats, other: Floats, weight: Floats) -> float:
    """Spearman's, with middle ranks for ties and weights as numbers of customers; NaN of one customer."""
    if len(one) < 2:
        return np.nan

    def ranks(values: Floats) -> Floats:
        _, place = np.unique(values, return_inverse=True)
        many = np.bincount(place, weight)
        middle: Floats = (np.cumsum(many) - many / 2)[place]
        return middle - float(weight @ middle) / float(weight.sum())

    a, b = ranks(one), ranks(other)
    spread = float(np.sqrt((weight @ a**2) * (weight @ b**2)))
    return float(weight @ (a * b)) / spread if spread > 0 else np.nan


def _count(number: float) -> Any:
    return int(number) if float(number).is_integer() else number
