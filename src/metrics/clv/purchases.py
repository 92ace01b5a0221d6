"""How will customers go on buying? A model at given parameters: what it says of each customer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from metrics.clv.customers import Customers, distinct, read_customers
from metrics.clv.fitting import shifted
from metrics.clv.models import FAMILIES, Family
from metrics.clv.models.family import Parameter
from metrics.clv.schedule import schedule
from metrics.clv.units import in_units, known_unit
from metrics.intervals import Floats
from metrics.periods import Ints

FEW_KINDS = 16  # combinations of covariates up to which each is worked out as a model of its own


@dataclass(frozen=True, init=False)
class PurchaseModel:
    """What does a model of buying expect, at given parameters?

    Parameters
    ----------
    name
        ``"bgnbd"`` (r, alpha, a, b), ``"mbgnbd"`` (the same), ``"pareto_nbd"`` (r, alpha, s, beta), ``"nbd"``
        (r, alpha) or ``"bgbb"`` (alpha, beta, gamma, delta).
    unit
        Unit of the parameters, of recency and of T: ``"week"``. A table that carries another one is refused.
    covariates
        By column of the summary, the coefficients of buying and of dropping out.
    **parameters
        By name, all above 0.

    Raises
    ------
    ValueError
        A model, a unit or a parameter that does not exist; one that is missing or not above 0.

    Notes
    -----
    Fader, Hardie & Lee (2005), Marketing Science 24:275 (BG/NBD); Batislam, Denizel & Filiztekin (2007), International
    Journal of Research in Marketing 24:201 (MBG/NBD); Schmittlein, Morrison & Colombo (1987), Management Science 33:1
    (Pareto/NBD); Fader, Hardie & Shang (2010), Marketing Science 29:1086 (BG/BB). Derived in docs/lifetime_value.md.

    Examples
    --------
    >>> model = PurchaseModel("bgnbd", unit="week", r=0.243, alpha=4.414, a=0.793, b=2.426)
    >>> customer = pd.DataFrame({"frequency": [2], "recency": [30.43], "T": [38.86]})
    >>> model.expected_purchases(customer, horizon="39 weeks").round(3).tolist()
    [1.226]
    """

    name: str
    unit: str
    parameters: Mapping[str, float]
    covariates: Mapping[str, tuple[float, float]]

    def __init__(
        self,
        name: str,
        /,
        *,
        unit: str,
        covariates: Mapping[str, tuple[float, float]] | None = None,
        **parameters: float,
    ) -> None:
        family = family_of(name)
        known_unit(unit)
        if set(parameters) != set(family.names):
            raise ValueError(f"{name} has the parameters {', '.join(family.names)}; given are {', '.join(parameters)}.")
        wrong = {key: value for key, value in parameters.items() if not 0 < value < np.inf}
        if wrong:
            raise ValueError(f"{name}: {wrong} cannot be. Parameters are above 0.")
        if covariates and not family.purchase:
            raise ValueError(f"{name} takes no covariates.")
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "unit", unit)
        ordered = {key: float(parameters[key]) for key in family.names}
        object.__setattr__(self, "parameters", MappingProxyType(ordered))
        pairs = {key: (float(g), float(d)) for key, (g, d) in (covariates or {}).items()}
        object.__setattr__(self, "covariates", MappingProxyType(pairs))

    def __hash__(self) -> int:
        """Equal models have equal hashes."""
        return hash((self.name, self.unit, *self.parameters.items(), *self.covariates.items()))

    def __reduce__(self) -> tuple[object, ...]:
        """Copies and pickles are made from the parameters."""
        return _model, (self.name, self.unit, dict(self.covariates), dict(self.parameters))

    @property
    def family(self) -> Family:
        """The formulas of the model."""
        return FAMILIES[self.name]

    def log_likelihood(self, summary: pd.DataFrame, weights: str | None = None) -> float:
        """Log-likelihood of the customers: density of the purchase times, without the term x!.

        Parameters
        ----------
        summary
            Table with ``frequency, recency, T`` (and the covariates), as `orders_summary` returns it.
        weights
            Column that says how many customers a row stands for.

        Raises
        ------
        ValueError
            A column that is not there, another unit.
        EventTableError
            Impossible rows.
        """
        c = self.customers(summary, weights)
        return float(c.weight @ self._family_log_likelihood(c))

    def p_alive(self, summary: pd.DataFrame) -> pd.Series:
        """Probability of being a customer still at the end of T, 0 to 1; 1 for every one-time buyer of bgnbd.

        For bgbb: alive in the last season observed.
        """
        c = self.customers(summary)
        with np.errstate(all="ignore"):
            found = self.family.p_alive(self.of_rows(c), c)
        return self._series(summary, c, found, "p_alive")

    def p_buy(self, summary: pd.DataFrame, *, horizon: str) -> pd.Series:
        """Probability of at least one purchase in `horizon` after T: 1 - L(x, recency, T + t) / L(x, recency, T)."""
        c, t = self.customers(summary), in_units(horizon, self.unit)
        with np.errstate(all="ignore"):
            found = self.family.p_buy(self.of_rows(c), c, t)
        return self._series(summary, c, found, "p_buy")

    def expected_purchases(self, summary: pd.DataFrame | None = None, *, horizon: str) -> pd.Series | float:
        """Expected further purchases within `horizon` after T.

        Without a summary one number: of a new customer, the first purchase not counted.
        """
        times = np.array([in_units(horizon, self.unit)])
        return self._expected(summary, times, np.ones(1), "expected_purchases")

    def discounted_purchases(
        self,
        summary: pd.DataFrame | None = None,
        *,
        annual_discount: float,
        horizon: str | None = None,
        period: str | None = None,
    ) -> pd.Series | float:
        """Expected further purchases, each worth (1 + annual_discount) ** -(years after T).

        Parameters
        ----------
        summary
            As in `expected_purchases`; without one, one number for a new customer.
        annual_discount
            Yearly rate, compounded: 0.1 for 10 %.
        horizon
            None: all future purchases (DERT).
        period
            None: discounted when bought. ``"1 week"``: purchases of each week count at its end, the last period cut at
            the horizon.
        """
        times, weights = self.schedule(annual_discount, horizon, period)
        return self._expected(summary, times, weights, "discounted_purchases")

    def customers(self, summary: pd.DataFrame, weights: str | None = None) -> Customers:
        """The distinct rows of a summary in this model's unit."""
        same_unit(summary, self.unit)
        return read_customers(
            summary, covariates=tuple(self.covariates), weights=weights, whole_times=self.family.whole_times
        )

    def schedule(self, annual_discount: float, horizon: str | None, period: str | None) -> tuple[Floats, Floats]:
        """Times after T and what the purchases expected by then weigh."""
        scale = min(self.parameters.get(name, np.inf) for name in ("alpha", "beta"))
        scale = float(np.clip(scale, in_units("1 hour", self.unit), in_units("1 year", self.unit)))
        seasons = self.family.whole_times
        return schedule(self.unit, horizon, annual_discount, period, seasons=seasons, scale=scale)

    def alive_and_sum(self, c: Customers, times: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """P(alive) of each distinct row, and of those alive the sum of weights x expected purchases by the times."""
        with np.errstate(all="ignore"):
            alive = self.family.p_alive(self.of_rows(c), c)
            return alive, self.per_kind(
                c, lambda p, rows: self.family.alive_purchases(p, c.x[rows], c.T[rows], times, weights)
            )

    def per_kind(self, c: Customers, of: Callable[[list[Parameter], Ints], Floats]) -> Floats:
        """Work out what depends on parameters, x and T: kind by kind of covariates where these are few."""
        p = self.of_rows(c)
        if not c.z.shape[1] or not len(c):
            return of(p, np.arange(len(c)))
        first, kind = distinct(list(c.z.T))
        if len(first) > FEW_KINDS:
            return of(p, np.arange(len(c)))
        found: Floats | None = None
        for number, row in enumerate(first):
            rows = np.flatnonzero(kind == number)
            answer = of([q[row] if np.ndim(q) else q for q in p], rows)
            if found is None:
                found = np.empty((len(c), *answer.shape[1:]))
            found[rows] = answer
        return np.zeros(len(c)) if found is None else found

    def _expected(self, summary: pd.DataFrame | None, times: Floats, weights: Floats, name: str) -> pd.Series | float:
        if summary is None:  # nothing seen yet but the first purchase, made this moment
            row = pd.DataFrame({"frequency": [0], "recency": [0.0], "T": [0.0], **dict.fromkeys(self.covariates, 0.0)})
            alive, expected = self.alive_and_sum(self.customers(row), times, weights)
            return float(alive[0] * expected[0])
        c = self.customers(summary)
        alive, expected = self.alive_and_sum(c, times, weights)
        return self._series(summary, c, alive * expected, name)

    def of_rows(self, c: Customers) -> list[Parameter]:
        """The parameters of each row; a number where no covariate shifts them."""
        return list(shifted(self.family, list(self.parameters.values()), list(self.covariates.values()), c.z))

    def _family_log_likelihood(self, c: Customers) -> Floats:
        with np.errstate(all="ignore"):
            return self.family.log_likelihood(self.of_rows(c), c)

    def _series(self, summary: pd.DataFrame, c: Customers, values: Floats, name: str) -> pd.Series:
        return pd.Series(values[c.place], index=summary.index, name=name)


def family_of(name: str) -> Family:
    """The family of that name."""
    if name not in FAMILIES:
        raise ValueError(f"model: {name!r} is not known. Use one of {', '.join(map(repr, FAMILIES))}.")
    return FAMILIES[name]


def same_unit(summary: pd.DataFrame, unit: str) -> None:
    """Refuse a summary in another unit."""
    found = summary.attrs.get("unit")
    if found is not None and found != unit:
        raise ValueError(f"summary is in {found}s and the model in {unit}s. Make the summary with unit={unit!r}.")


def _model(
    name: str, unit: str, covariates: dict[str, tuple[float, float]], parameters: dict[str, float]
) -> PurchaseModel:
    return PurchaseModel(name, unit=unit, covariates=covariates, **parameters)
