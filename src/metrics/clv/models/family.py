"""What a model of buying must be able to say; fits and forecasts are written once for all of them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np

from metrics.clv.customers import Customers
from metrics.clv.models.dice import Dice
from metrics.intervals import Floats
from metrics.periods import Ints

Parameter: TypeAlias = Any  # a float, or one for each row where covariates shift it
Slopes: TypeAlias = list[Floats]  # by parameter, natural scale
Curves: TypeAlias = dict[tuple[int, int], Floats]  # by pair of parameters, the smaller place first


class Family(Protocol):
    """A model of buying with all its formulas."""

    @property
    def name(self) -> str:
        """Name of the model."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """Its parameters, in the order in which they are handed over."""
        ...

    @property
    def purchase(self) -> Mapping[str, int]:
        """Parameters that covariates of buying shift on the log scale, and in which direction."""
        ...

    @property
    def dropout(self) -> Mapping[str, int]:
        """Parameters that covariates of dropping out shift."""
        ...

    @property
    def whole_times(self) -> bool:
        """Times are whole seasons."""
        ...

    def likelihood(self, p: Sequence[Parameter], c: Customers) -> tuple[Floats, Slopes, Curves]:
        """Log-likelihood of each row with its derivatives."""
        ...

    def log_likelihood(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """The same without derivatives."""
        ...

    def p_alive(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """Probability of being alive at T."""
        ...

    def p_buy(self, p: Sequence[Parameter], c: Customers, t: float) -> Floats:
        """Probability of a purchase within t after T."""
        ...

    def alive_purchases(self, p: Sequence[Parameter], x: Ints, T: Floats, times: Floats, weights: Floats) -> Floats:
        """Of those alive at T, expected purchases from T to T + times, @ weights (times, or times x sums)."""
        ...

    def alive_pairs(self, p: Sequence[Parameter], x: Ints, T: Floats, since: Floats, until: Floats) -> Floats:
        """Of those alive at T, E[Y (Y - 1)] of the purchases Y in T + since to T + until: rows x spans."""
        ...

    def lives(self, p: Sequence[Floats], x: Ints, T: Floats, t: float, dice: Dice) -> Floats:
        """Purchases in T to T + t of lives drawn for customers alive at T: rows x draws, as each of `p` may be."""
        ...

    def worths(self, p: Sequence[Floats], x: Ints, T: Floats, rate: float, dice: Dice, shape: Floats) -> Floats:
        """For ever: gamma(shape) amounts of all purchases, discounted at a continuous rate."""
        ...

    def starts(self, rate: float, c: Customers) -> list[Floats]:
        """Logarithms of parameters to start from; purchases per unit of time are about `rate`."""
        ...

    def edge(self, p: Sequence[float], at: Sequence[str], T: float) -> str:
        """Why the parameters named in `at` run to an edge."""
        ...


Table = Callable[[Floats], Floats]


def smooth(of: Table, values: Floats, shift: float, nodes: int = 30) -> Floats:
    """A function of T at many values, by Chebyshev's polynomials in log(shift + T) where that saves work.

    Expected purchases given that a customer is alive are analytic in that variable, so that 30 nodes are exact to
    about 12 digits.
    """
    if len(values) <= nodes + 2:
        return of(values)
    place = np.log(shift + values)
    low, high = float(place.min()), float(place.max())
    grid = np.cos(np.pi * (np.arange(nodes) + 0.5) / nodes)
    found = of(np.exp((high - low) / 2 * (grid + 1) + low) - shift)
    basis = np.cos(np.outer(np.arange(nodes), np.arccos(grid)))
    factors = 2 / nodes * basis @ found
    factors[0] /= 2
    at: Floats = np.polynomial.chebyshev.chebval(2 * (place - low) / max(high - low, 1e-300) - 1, factors)
    return at if at.ndim == 1 else at.T


def per_pair(x: Ints, T: Floats, shape: tuple[int, ...], of: Callable[[int, Floats], Floats]) -> Floats:
    """Work a function of (x, T), of that shape, out once for each distinct pair: `of` gets one x with its T."""
    found = np.empty((len(x), *shape))
    for value in np.unique(x):
        rows = np.flatnonzero(x == value)
        times, place = np.unique(T[rows], return_inverse=True)
        found[rows] = of(int(value), times)[place]
    return found
