"""Chance for drawn lives: the same numbers for every customer, so that one's interval is no matter of the others."""

import numpy as np

from metrics.intervals import Floats
from metrics.periods import Ints

MANY = 500  # arrivals counted one by one; beyond, their number is as good as normal


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

    def sums(self, shape: Floats, number: Floats) -> Floats:
        """Sum of as many gamma(shape) variates as `number` says (rows x draws), in each draw the same ones."""
        values = np.random.default_rng(1).standard_gamma(np.broadcast_to(shape[:, None], (self.draws, MANY)))
        sums = np.concatenate([np.zeros((self.draws, 1)), values.cumsum(axis=1)], axis=1)
        place = np.minimum(number, MANY).astype(np.int64)
        found: Floats = sums[np.arange(self.draws), place] * np.maximum(number / MANY, 1)
        return found


def _normal(uniform: Floats) -> Floats:
    from scipy.special import ndtri

    found: Floats = ndtri(np.clip(uniform, 1e-9, 1 - 1e-9))
    return found
