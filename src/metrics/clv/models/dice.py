"""Chance for drawn lives: the same numbers for every customer, so that one's interval is no matter of the others."""

import numpy as np

from metrics.intervals import Floats
from metrics.periods import Ints

MANY = 500  # arrivals counted one by one; beyond, their number is as good as normal
FEW = 12  # purchases (or seasons) of a whole life that are paid one by one


class Dice:
    """Draws spread evenly over the unit interval (a Latin hypercube), and one Poisson process for each.

    McKay, Beckman & Conover (1979), Technometrics 21:239.
    """

    def __init__(self, draws: int = 400, parameters: int = 0, seed: int = 0) -> None:
        self.draws = draws
        self._generator = np.random.default_rng(seed)
        self.first, self.second, self.third, self.alive, self.value, *rest = (
            self._even() for _ in range(5 + parameters)
        )
        self.normal = _normal(np.array(rest)) if rest else np.zeros((0, draws))
        self._gaps = self._generator.standard_exponential((draws, MANY)).cumsum(axis=1)
        self._luck = self._generator.random((64, draws))
        self._shift = _normal(self._even()[None])[0]

    def _even(self) -> Floats:
        found: Floats = (self._generator.permutation(self.draws) + self._generator.random(self.draws)) / self.draws
        return found

    def rates(self, shape: Floats, x: Ints) -> Floats:
        """Gamma variates of shape + x, rows x draws."""
        from scipy.special import gammaincinv

        value, place = np.unique(x, return_inverse=True)
        found: Floats = gammaincinv(shape + value[:, None], self.first)[place]
        return found

    def arrivals(self, mean: Floats) -> Floats:
        """How many of each draw's Poisson process came by these times (rows x draws)."""
        found = np.empty(mean.shape)
        for draw in range(self.draws):
            found[:, draw] = np.searchsorted(self._gaps[draw], mean[:, draw], side="right")
        many = mean > 0.6 * MANY
        if many.any():
            busy = mean[many]
            shift = np.broadcast_to(self._shift, mean.shape)[many]
            found[many] = np.maximum(np.rint(busy + np.sqrt(busy) * shift), 0)
        return found

    def gamma(self, number: Floats) -> Floats:
        """When the arrival of that number (rows x draws) of each draw's process came."""
        place = np.minimum(number, MANY).astype(np.int64) - 1
        found: Floats = self._gaps[np.arange(self.draws), place] * np.maximum(number / MANY, 1)
        return found

    def seasons(self, many: int) -> Floats:
        """Luck of each season: seasons x draws."""
        while len(self._luck) < many:
            self._luck = np.concatenate([self._luck, self._generator.random(self._luck.shape)])
        return self._luck[:many]

    def amounts(self, shape: Floats) -> Floats:
        """Gamma(shape) variates of each draw: draws x MANY."""
        found: Floats = np.random.default_rng(1).standard_gamma(np.broadcast_to(shape[:, None], (self.draws, MANY)))
        return found

    def discounted(self, buying: Floats, left: Floats, rate: float, shape: Floats) -> Floats:
        """Sum of gamma(shape) amounts, each discounted, of all arrivals at rates `buying` up to `left` (rows x draws).

        The first are taken one by one, the rest together, by the mean and variance of a Poisson process of amounts.
        """
        amounts, found = self.amounts(shape), np.zeros(np.broadcast_shapes(buying.shape, left.shape))
        at = np.zeros_like(found)
        for k in range(FEW):
            at = self._gaps[:, k] / buying
            found += np.where(at <= left, amounts[:, k] * np.exp(-rate * at), 0.0)
        near, end = np.exp(-rate * at), np.exp(-rate * np.maximum(left, at))
        mean = shape * buying / rate * (near - end)
        return found + self.rest(mean, shape * (shape + 1) * buying / (2 * rate) * (near**2 - end**2))

    def rest(self, mean: Floats, variance: Floats) -> Floats:
        """Variates of about a gamma distribution: Wilson & Hilferty (1931), PNAS 17:684."""
        ninth = np.divide(variance, 9 * mean**2, out=np.zeros_like(mean), where=mean > 0)
        found: Floats = mean * np.maximum(1 - ninth + np.sqrt(ninth) * self._shift, 0) ** 3
        return found

    def sums(self, shape: Floats, number: Floats) -> Floats:
        """Sum of as many gamma(shape) variates as `number` says (rows x draws), in each draw the same ones."""
        sums = np.concatenate([np.zeros((self.draws, 1)), self.amounts(shape).cumsum(axis=1)], axis=1)
        place = np.minimum(number, MANY).astype(np.int64)
        found: Floats = sums[np.arange(self.draws), place] * np.maximum(number / MANY, 1)
        return found


def _normal(uniform: Floats) -> Floats:
    from scipy.special import ndtri

    found: Floats = ndtri(np.clip(uniform, 1e-9, 1 - 1e-9))
    return found
