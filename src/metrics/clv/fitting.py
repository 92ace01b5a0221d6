"""Maximum likelihood for any family: the log scale, covariates, and what a fit may say of its parameters."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from metrics.clv.customers import Customers
from metrics.clv.estimates import estimates
from metrics.clv.models import Family
from metrics.clv.newton import Maximum, highest, maximum
from metrics.intervals import Floats

MANY = 400  # repeat buyers from which one start will do, if it leads to an inner maximum


@dataclass(frozen=True)
class Fitted:
    """A maximum: logarithms of the parameters, then coefficients of buying and of dropping out."""

    family: Family
    maximum: Maximum
    log_likelihood: float
    shift: Floats  # logarithm of the unit in which the fit was made, for each parameter
    covariates: tuple[str, ...]
    likelihood: "Likelihood" = field(repr=False, compare=False)

    @property
    def at(self) -> Floats:
        """Where the maximum is, in the unit of the customers."""
        return self.maximum.at + self.shift

    @property
    def parameters(self) -> dict[str, float]:
        """Parameters of the model."""
        return dict(zip(self.family.names, np.exp(self.at[: len(self.family.names)]).tolist(), strict=True))

    @property
    def coefficients(self) -> dict[str, tuple[float, float]]:
        """Coefficients of each covariate: of buying, of dropping out."""
        return coefficients(self.family, self.covariates, self.at)

    def table(self, confidence: float | None) -> pd.DataFrame:
        """The parameters with standard errors and limits."""
        names = labels(self.family, self.covariates)
        return estimates(names, self.maximum, self.shift, len(self.family.names), self.likelihood, confidence)


def labels(family: Family, covariates: Sequence[str]) -> list[str]:
    """Names of all parameters in their order."""
    dropout = [f"dropout[{name}]" for name in covariates] if family.dropout else []
    return [*family.names, *(f"purchase[{name}]" for name in covariates), *dropout]


def coefficients(family: Family, covariates: Sequence[str], at: Floats) -> dict[str, tuple[float, float]]:
    """Coefficients by covariate, out of a vector of all parameters."""
    many, n = len(family.names), len(covariates)
    buy = at[many : many + n]
    stop = at[many + n : many + 2 * n] if family.dropout else np.zeros(n)
    return {name: (float(g), float(d)) for name, g, d in zip(covariates, buy, stop, strict=True)}


def shifted(
    family: Family, parameters: Sequence[float], pairs: Sequence[tuple[float, float]], z: Floats
) -> list[float | Floats]:
    """The parameters of each row; a number where no covariate shifts them."""
    if not z.shape[1]:
        return list(parameters)
    buy, stop = z @ np.array([g for g, _ in pairs]), z @ np.array([d for _, d in pairs])
    moved: list[float | Floats] = []
    for name, value in zip(family.names, parameters, strict=True):
        sign_buy, sign_stop = family.purchase.get(name, 0), family.dropout.get(name, 0)
        moved.append(value * np.exp(sign_buy * buy + sign_stop * stop) if sign_buy or sign_stop else value)
    return moved


class Likelihood:
    """The log-likelihood of a family over customers, as a function of the vector of all parameters."""

    def __init__(self, family: Family, customers: Customers, covariates: Sequence[str]) -> None:
        self._family, self._customers, self._covariates = family, customers, tuple(covariates)
        n, z = len(covariates), customers.z
        # Which entries of the vector shift each parameter, and by how much in each row.
        self._shifts: list[list[tuple[int, Floats | float]]] = []
        for place, name in enumerate(family.names):
            found: list[tuple[int, Floats | float]] = [(place, 1.0)]
            for k in range(n):
                if name in family.purchase:
                    found.append((len(family.names) + k, family.purchase[name] * z[:, k]))
                if name in family.dropout:
                    found.append((len(family.names) + n + k, family.dropout[name] * z[:, k]))
            self._shifts.append(found)
        self.size = len(labels(family, covariates))

    def __call__(self, at: Floats) -> tuple[float, Floats, Floats]:
        """Value, gradient and Hessian."""
        c, many = self._customers, len(self._family.names)
        with np.errstate(all="ignore"):
            pairs = list(coefficients(self._family, self._covariates, at).values())
            p = shifted(self._family, np.exp(at[:many]).tolist(), pairs, c.z)
            value, slopes, curves = self._family.likelihood(p, c)
            gradient, hessian = np.zeros(self.size), np.zeros((self.size, self.size))
            if not self._covariates:
                natural = np.array(p)
                gradient[:] = [float(c.weight @ slope) for slope in slopes] * natural
                for (i, j), curve in curves.items():
                    hessian[i, j] = hessian[j, i] = (
                        float(c.weight @ np.broadcast_to(curve, len(c))) * natural[i] * natural[j]
                    )
                hessian[np.diag_indices(self.size)] += gradient
            else:
                self._with_covariates(p, slopes, curves, gradient, hessian)
            return float(c.weight @ value), gradient, hessian

    def _with_covariates(
        self,
        p: list[float | Floats],
        slopes: list[Floats],
        curves: dict[tuple[int, int], Floats],
        gradient: Floats,
        hessian: Floats,
    ) -> None:
        weight = self._customers.weight
        log_slopes = [slope * q for slope, q in zip(slopes, p, strict=True)]
        for i, slope in enumerate(log_slopes):
            for place, by in self._shifts[i]:
                gradient[place] += float(weight @ (slope * by))
        for (i, j), curve in curves.items():
            on_log = curve * p[i] * p[j] + (log_slopes[i] if i == j else 0.0)
            for one, by_one in self._shifts[i]:
                for other, by_other in self._shifts[j]:
                    part = float(weight @ (on_log * by_one * by_other))
                    hessian[one, other] += part
                    if i != j:
                        hessian[other, one] += part


def fit_family(
    family: Family, customers: Customers, covariates: Sequence[str] = (), start: Floats | None = None
) -> Fitted:
    """The maximum of the likelihood, from a start of moments and, where that may not be the highest, from others."""
    unit = 1.0 if family.whole_times else float(customers.weight @ customers.T) / customers.total
    scaled = customers if unit == 1.0 else customers.scaled(unit)
    likelihood = Likelihood(family, scaled, covariates)
    shift = np.zeros(likelihood.size)
    if not family.whole_times:
        shift[: len(family.names)] = [np.log(unit) if name in ("alpha", "beta") else 0.0 for name in family.names]
    if start is not None:
        best = maximum(likelihood, start - shift)
    else:
        rate = float(scaled.weight @ scaled.x) / float(scaled.weight @ scaled.T)
        pad = np.zeros(likelihood.size - len(family.names))
        starts = [np.concatenate([s, pad]) for s in family.starts(rate, scaled)]
        best = maximum(likelihood, starts[0])
        if best.edge.any() or float(scaled.weight @ (scaled.x > 0)) < MANY:
            others = highest(likelihood, starts[1:])
            best = others if others.value > best.value + 1e-7 else best
    purchases = 0.0 if family.whole_times else float(customers.weight @ customers.x)
    return Fitted(family, best, best.value - purchases * float(np.log(unit)), shift, tuple(covariates), likelihood)
