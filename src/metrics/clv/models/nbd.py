"""NBD without dropout: purchases at a steady rate λ ~ gamma(r, α) for ever. The yardstick for all others.

Ehrenberg (1959), Applied Statistics 8:26, as the density of the purchase times.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from metrics.clv.customers import Customers
from metrics.clv.models.dice import Dice
from metrics.clv.models.family import Curves, Parameter, Slopes
from metrics.clv.models.sums import Rising, log_rising
from metrics.intervals import Floats
from metrics.periods import Ints


@dataclass(frozen=True)
class NBD:
    """The model of buying without an end."""

    name: str = "nbd"
    names: tuple[str, ...] = ("r", "alpha")
    purchase: dict[str, int] = field(default_factory=lambda: {"alpha": -1})
    dropout: dict[str, int] = field(default_factory=dict)
    whole_times: bool = False

    def likelihood(self, p: Sequence[Parameter], c: Customers) -> tuple[Floats, Slopes, Curves]:
        """Log-likelihood of each row with its derivatives."""
        r, alpha = p
        rates, end, late = Rising(r, c.x), 1 / (alpha + c.T), np.log1p(c.T / alpha)
        value = rates.log - r * late - c.x * np.log(alpha + c.T)
        slopes = [rates.first - late, (r * c.T - c.x * alpha) * end / alpha]
        curves = {
            (0, 0): rates.second,
            (0, 1): c.T * end / alpha,
            (1, 1): (r + c.x) * end**2 - r / alpha**2,
        }
        return value, slopes, curves

    def log_likelihood(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """The same without derivatives."""
        r, alpha = p
        found: Floats = log_rising(r, c.x) - r * np.log1p(c.T / alpha) - c.x * np.log(alpha + c.T)
        return found

    def p_alive(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """Nobody ever leaves."""
        return np.ones(len(c))

    def p_buy(self, p: Sequence[Parameter], c: Customers, t: float) -> Floats:
        """Probability of a purchase within t after T."""
        r, alpha = p
        found: Floats = -np.expm1(-(r + c.x) * np.log1p(t / (alpha + c.T)))
        return found

    def alive_purchases(self, p: Sequence[Parameter], x: Ints, T: Floats, times: Floats, weights: Floats) -> Floats:
        """Expected purchases from T to T + times, @ weights."""
        r, alpha = p
        found: Floats = np.multiply.outer((r + x) / (alpha + T), times @ weights)
        return found

    def alive_pairs(self, p: Sequence[Parameter], x: Ints, T: Floats, since: Floats, until: Floats) -> Floats:
        """E[Y (Y - 1)] of the purchases in T + since to T + until."""
        r, alpha = p
        k = r + x
        found: Floats = (k * (k + 1) / (alpha + T) ** 2)[:, None] * (until - since) ** 2
        return found

    def lives(self, p: Sequence[Floats], x: Ints, T: Floats, t: float, dice: Dice) -> Floats:
        """Purchases in T to T + t of drawn lives."""
        r, alpha = p
        return dice.arrivals(dice.rates(r, x) / (alpha + T[:, None]) * t)

    def worths(self, p: Sequence[Floats], x: Ints, T: Floats, rate: float, dice: Dice, shape: Floats) -> Floats:
        """For ever: gamma(shape) amounts of all purchases, discounted at a continuous rate."""
        r, alpha = p
        buying = dice.rates(r, x) / (alpha + T[:, None])
        return dice.discounted(buying, np.full(buying.shape, np.inf), rate, shape)

    def starts(self, rate: float, c: Customers) -> list[Floats]:
        """Logarithms of parameters to start from."""
        r, alpha = moment_start(c)
        return [np.log(start) for start in ((r, alpha), (0.2, 0.2 / rate), (20.0, 20 / rate))]

    def edge(self, p: Sequence[float], at: Sequence[str], T: float) -> str:
        """Why the parameters named in `at` run to an edge."""
        return "no_difference_between_customers"


def moment_start(c: Customers) -> tuple[float, float]:
    """R and alpha from the mean and the spread of the purchases over their expectation at one common rate."""
    exposure, purchases = float(c.weight @ c.T), float(c.weight @ c.x)
    expected = purchases / exposure * c.T
    spread = float(c.weight @ ((c.x - expected) ** 2 - expected))
    square = float(c.weight @ expected**2)
    r = float(np.clip(square / spread if spread > 0 else 10.0, 0.1, 10.0))
    return r, r * exposure / purchases


def repeat_rate(c: Customers) -> float:
    """Purchases per unit of time of those with a repeat."""
    again = c.x > 0
    return float(c.weight[again] @ c.x[again]) / max(float(c.weight[again] @ c.recency[again]), 1e-6)
