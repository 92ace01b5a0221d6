"""What is certain about a forecast: parameters as they may be, lives as they may go, and the limits of sums.

Parameters vary as the fit's logarithms do, normal with the inverse of the Hessian; those at an edge stand still. For a
single customer lives are drawn; for a sum over customers mean and variance are exact, and the limits are those of a
gamma distribution that has them. A bare model has no uncertain parameters.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from metrics.clv.customers import Customers
from metrics.clv.fitting import coefficients, shifted
from metrics.clv.models import Family
from metrics.clv.models.dice import Dice
from metrics.clv.newton import FAR
from metrics.clv.purchase_fits import PurchaseFit
from metrics.clv.purchases import PurchaseModel
from metrics.clv.spend import SpendFit, SpendModel
from metrics.intervals import Floats
from metrics.periods import Ints

DRAWS = 400
CHUNK = 4_000  # rows of drawn lives at once


@dataclass(frozen=True)
class Buying:
    """A model of buying with the covariance of the logarithms of its parameters (and of its coefficients)."""

    model: PurchaseModel
    at: Floats
    covariance: Floats

    @classmethod
    def of(cls, purchases: PurchaseFit | PurchaseModel) -> "Buying | None":
        """What there is to know; None where nothing is identified."""
        model = purchases.model if isinstance(purchases, PurchaseFit) else purchases
        if model is None:
            return None
        pairs = list(model.covariates.values())
        stop = [d for _, d in pairs] if model.family.dropout else []
        at = np.concatenate([np.log(list(model.parameters.values())), [g for g, _ in pairs], stop])
        covariance = np.zeros((len(at), len(at)))
        if isinstance(purchases, PurchaseFit) and purchases.fitted is not None:
            covariance = purchases.fitted.maximum.covariance
        return cls(model, at, covariance)

    def at_other(self, at: Floats) -> PurchaseModel:
        """The model at other parameters."""
        family = self.model.family
        many = len(family.names)
        p = dict(zip(family.names, np.exp(np.clip(at[:many], -50, 50)).tolist(), strict=True))
        return PurchaseModel(
            self.model.name, unit=self.model.unit, covariates=coefficients(family, list(self.model.covariates), at), **p
        )

    def variance_of(self, of: Callable[[PurchaseModel], Floats]) -> Floats:
        """Variance of a figure that comes from the parameters, by the delta method."""
        if not self.covariance.any():
            return np.zeros(1)
        slopes = slopes_of(lambda at: of(self.at_other(at)), self.at, self.covariance)
        found: Floats = np.einsum("i...,ij,j...->...", slopes, self.covariance, slopes)
        return found

    def draws(self, dice: Dice) -> Floats:
        """Vectors of parameters as they may be: parameters x draws."""
        values, axes = np.linalg.eigh(self.covariance)
        spread = (axes * np.sqrt(np.maximum(values, 0))) @ dice.normal[: len(self.at)]
        found: Floats = self.at[:, None] + np.clip(spread, -FAR, FAR)
        return found


def slopes_of(of: Callable[[Floats], Floats], at: Floats, covariance: Floats) -> Floats:
    """Derivatives of a figure by the logarithms of the parameters, 0 for those that stand still."""
    step = 0.02 * np.sqrt(np.diag(covariance))
    found: list[Floats] = []
    for k, move in enumerate(step):
        if move == 0:
            found.append(np.zeros(1))
            continue
        shift = np.zeros(len(at))
        shift[k] = min(move, 1e-3)
        found.append((of(at + shift) - of(at - shift)) / (2 * shift[k]))
    shape = np.broadcast_shapes(*(f.shape for f in found))
    return np.stack([np.broadcast_to(f, shape) for f in found])


def lives(
    buying: Buying,
    c: Customers,
    dice: Dice,
    *,
    horizon: float | None,
    rate: float,
    chosen: Ints,
    shape: Floats,
) -> Floats:
    """Of drawn lives of some distinct rows (rows x draws) the purchases within the horizon; for ever, what they pay.

    Then each purchase is a gamma(shape) amount, discounted at `rate`.
    """
    family, names = buying.model.family, buying.model.family.names
    drawn = buying.draws(dice)
    some = Customers(c.x[chosen], c.recency[chosen], c.T[chosen], c.z[chosen], c.weight[chosen], np.arange(len(chosen)))
    p = [np.exp(np.clip(row, -600, 600)) for row in drawn[: len(names)]]
    if c.z.shape[1]:
        p = _by_row(family, names, p, drawn[len(names) :], some.z)
    with np.errstate(all="ignore"):
        if horizon is None:
            found = family.worths(p, some.x, some.T, rate, dice, shape)
        else:
            found = family.lives(p, some.x, some.T, horizon, dice)
    return np.where(dice.alive < _alive(buying, some, drawn), np.nan_to_num(found), 0.0)


def _by_row(family: Family, names: tuple[str, ...], p: list[Floats], g: Floats, z: Floats) -> list[Floats]:
    """Parameters of each row and draw."""
    n = z.shape[1]
    buy, stop = z @ g[:n], z @ g[n : 2 * n] if family.dropout else 0.0
    moved = []
    for name, values in zip(names, p, strict=True):
        by = family.purchase.get(name, 0) * buy + family.dropout.get(name, 0) * stop
        moved.append(values * np.exp(by) if name in family.purchase or name in family.dropout else values)
    return moved


def _alive(buying: Buying, c: Customers, drawn: Floats) -> Floats:
    """P(alive) of each row at each draw's parameters: its logit moves nearly straight with their logarithms."""
    family, names = buying.model.family, list(buying.model.covariates)
    many = len(family.names)

    def logit(at: Floats) -> Floats:
        pairs = list(coefficients(family, names, at).values())
        with np.errstate(all="ignore"):
            alive = family.p_alive(shifted(family, np.exp(at[:many]).tolist(), pairs, c.z), c)
            found: Floats = np.clip(np.log(alive) - np.log1p(-alive), -700, 700)
            return found

    middle = logit(buying.at)
    if not buying.covariance.any():
        moved = np.broadcast_to(middle[:, None], (len(c), drawn.shape[1]))
    else:
        slopes = slopes_of(logit, buying.at, buying.covariance)
        moved = middle[:, None] + np.broadcast_to(slopes, (len(slopes), len(c))).T @ (drawn - buying.at[:, None])
    found: Floats = 1 / (1 + np.exp(-np.clip(moved, -700, 700)))
    return found


@dataclass(frozen=True)
class Spending:
    """A model of spend with the covariance of the logarithms of p, q and gamma."""

    model: SpendModel
    at: Floats
    covariance: Floats

    @classmethod
    def of(cls, spend: SpendFit | SpendModel | None) -> "Spending | None":
        """What there is to know; None where nothing is."""
        model = spend.model if isinstance(spend, SpendFit) else spend
        if model is None:
            return None
        at, covariance = np.log([model.p, model.q, model.gamma]), np.zeros((3, 3))
        if isinstance(spend, SpendFit) and spend.fitted is not None:
            covariance = spend.fitted.maximum.covariance
        return cls(model, at, covariance)

    def draws(self, dice: Dice) -> Floats:
        """Parameters as they may be: 3 x draws."""
        values, axes = np.linalg.eigh(self.covariance)
        spread = (axes * np.sqrt(np.maximum(values, 0))) @ dice.normal[-3:]
        found: Floats = np.exp(np.clip(self.at[:, None] + spread, -50, 50))
        return found


def spent(spending: Spending, x: Floats, value: Floats, number: Floats, dice: Dice, *, whole: bool) -> Floats:
    """Money of as many purchases as drawn (rows x draws), or of the amounts that were drawn in their place."""
    from scipy.special import gammaincinv

    p, q, gamma = spending.draws(dice)
    distinct, place = np.unique(x, return_inverse=True)
    scale = gammaincinv(q + p * distinct[:, None], dice.value)[place] / (gamma + (x * value)[:, None])
    bought = dice.sums(p, number) if whole else number
    found: Floats = bought / np.maximum(scale, 1e-300)
    return found


def gamma_limits(mean: Floats, variance: Floats, confidence: float) -> tuple[Floats, Floats]:
    """Limits of a sum that is never negative, from its mean and variance."""
    from scipy.special import gammaincinv

    tail = (1 - confidence) / 2
    with np.errstate(all="ignore"):
        shape = mean**2 / variance
        low, high = (mean * gammaincinv(shape, q) / shape for q in (tail, 1 - tail))
    exact = (variance <= 0) | (mean <= 0) | (shape > 1e12)
    low, high = np.where(exact, mean, low), np.where(exact, mean, high)
    unknown = ~np.isfinite(variance) | ~np.isfinite(mean)
    return np.where(unknown, np.nan, np.minimum(low, mean)), np.where(unknown, np.nan, np.maximum(high, mean))
