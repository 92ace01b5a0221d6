"""Sums over customers: what all of them will buy and pay in spans of time ahead, with the variance of both."""

import numpy as np
import pandas as pd

from metrics.clv.purchases import PurchaseModel
from metrics.clv.spend import SpendModel
from metrics.clv.uncertain import Buying, Spending, gamma_limits, slopes_of
from metrics.intervals import Floats


class Totals:
    """Purchases and revenue of the customers of a summary, each a row of sums over the spans."""

    def __init__(
        self, summary: pd.DataFrame, buying: Buying, spending: Spending | None, since: Floats, until: Floats
    ) -> None:
        self._buying, self._spending, self._since, self._until = buying, spending, since, until
        self._customers = buying.model.customers(summary)
        if spending is not None:
            x = summary["frequency"].to_numpy(float)
            value = summary["monetary_value"].to_numpy(float, na_value=np.nan)
            seen = (x > 0) & (value > 0)
            self._seen, self._paid = np.where(seen, x, 0.0), np.where(seen, x * value, 0.0)
        self._rows = self._expected(buying.model)
        self.mean = self._sums(self._rows)

    def limits(self, confidence: float) -> tuple[Floats, Floats]:
        """Limits of the sums, of chance and of the parameters together."""
        return gamma_limits(self.mean, self._chance() + self._parameters(), confidence)

    def _expected(self, model: PurchaseModel) -> Floats:
        """Expected purchases of each distinct row in each span."""
        spans = len(self._since)
        times, place = np.unique(np.r_[self._since, self._until], return_inverse=True)
        weights = np.zeros((len(times), spans))
        weights[place[:spans], np.arange(spans)] -= 1
        weights[place[spans:], np.arange(spans)] += 1
        alive, found = model.alive_and_sum(self._customers, times[times > 0], weights[times > 0])
        return alive[:, None] * found

    def _sums(self, rows: Floats, spend: SpendModel | None = None) -> Floats:
        """Purchases, and revenue where spend is known: sums x spans."""
        model = spend or (self._spending.model if self._spending else None)
        purchases = self._customers.weight @ rows
        return np.stack([purchases, self._by_row(self._values(model)) @ rows] if model else [purchases])

    def _values(self, spend: SpendModel) -> Floats:
        """Expected value of a purchase of each customer; the population mean where nothing was seen."""
        base = spend.p * self._seen + spend.q - 1
        with np.errstate(all="ignore"):
            found: Floats = np.where(base > 0, spend.p * (spend.gamma + self._paid) / base, np.nan)
        return found

    def _by_row(self, values: Floats) -> Floats:
        c = self._customers
        return np.bincount(c.place, values, minlength=len(c)).astype(float)

    def _chance(self) -> Floats:
        """Variance of the sums at given parameters: customers are independent."""
        model, c, mean = self._buying.model, self._customers, self._rows
        with np.errstate(all="ignore"):
            alive = model.family.p_alive(model.of_rows(c), c)
            pairs = alive[:, None] * model.per_kind(
                c, lambda p, rows: model.family.alive_pairs(p, c.x[rows], c.T[rows], self._since, self._until)
            )
            purchases: Floats = c.weight @ (pairs + mean - mean**2)
            if self._spending is None:
                return purchases[None]
            # Of Y purchases gamma(p, ν): E[S²] = (E[Y] p + E[Y²] p²) E[1 / ν²], and ν is gamma(px + q, γ + paid).
            s = self._spending.model
            shape, scale = s.p * self._seen + s.q, s.gamma + self._paid
            square = np.where(shape > 2, scale**2 / ((shape - 1) * (shape - 2)), np.inf)
            once, twice = self._by_row(square * s.p), self._by_row(square * s.p**2)
            revenue = once @ mean + twice @ (pairs + mean) - self._by_row(self._values(s) ** 2) @ mean**2
        return np.stack([purchases, revenue])

    def _parameters(self) -> Floats:
        """Variance that comes from the parameters of both models, which are estimated apart."""
        variance = self._buying.variance_of(lambda model: self._sums(self._expected(model)))
        if self._spending is not None and self._spending.covariance.any():

            def of(at: Floats) -> Floats:
                p, q, gamma = np.exp(at)
                return self._sums(self._rows, SpendModel(p=p, q=q, gamma=gamma))

            slopes = slopes_of(of, self._spending.at, self._spending.covariance)
            variance = variance + np.einsum("i...,ij,j...->...", slopes, self._spending.covariance, slopes)
        return np.broadcast_to(variance, self.mean.shape)
