"""BG/BB: seasons in which a customer buys or not, until they leave.

In each season alive they buy with probability p ~ beta(α, β); before each season they leave with probability
θ ~ beta(γ, δ). Fader, Hardie & Shang (2010), Marketing Science 29:1086, equation 5: alive after n seasons, or gone
after season recency + i for some i from 0.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from metrics.clv.customers import Customers
from metrics.clv.models.dice import FEW, Dice
from metrics.clv.models.family import Curves, Parameter, Slopes, per_pair
from metrics.clv.models.sums import Rising
from metrics.intervals import Floats
from metrics.periods import Ints

# The parameters, as place and shift, that each rising factorial of a term adds up: + for α, β, γ, δ, - for the sums.
_PARTS = ((0,), (1,), (0, 1), (2,), (3,), (2, 3))
_SIGNS = (1, 1, -1, 1, 1, -1)


@dataclass(frozen=True)
class BGBB:
    """The model of seasons."""

    name: str = "bgbb"
    names: tuple[str, ...] = ("alpha", "beta", "gamma", "delta")
    purchase: dict[str, int] = field(default_factory=dict)
    dropout: dict[str, int] = field(default_factory=dict)
    whole_times: bool = True

    def likelihood(self, p: Sequence[Parameter], c: Customers) -> tuple[Floats, Slopes, Curves]:
        """Log-likelihood of each row with its derivatives."""
        row, term, parts = self._terms(p, c)
        n = len(c)
        value, share = _mixed(row, term, n)
        slope = [np.zeros(len(row)) for _ in p]
        curve = {(i, j): np.zeros(len(row)) for i in range(4) for j in range(i, 4)}
        for part, places, sign in zip(parts, _PARTS, _SIGNS, strict=True):
            for i in places:
                slope[i] += sign * part.first
                for j in places:
                    if i <= j:
                        curve[i, j] += sign * part.second
        mean: Slopes = [np.bincount(row, share * s, n).astype(float) for s in slope]
        curves = {
            (i, j): np.bincount(row, share * (curve[i, j] + slope[i] * slope[j]), n) - mean[i] * mean[j]
            for i, j in curve
        }
        return value, mean, curves

    def log_likelihood(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """The same without derivatives."""
        row, term, _ = self._terms(p, c)
        return _mixed(row, term, len(c))[0]

    def p_alive(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """Probability of being alive in the last season, T."""
        row, term, _ = self._terms(p, c)
        return _mixed(row, term, len(c))[1][: len(c)]  # the terms of who is alive come first

    def p_buy(self, p: Sequence[Parameter], c: Customers, t: float) -> Floats:
        """Probability of a purchase within the next t seasons: 1 - L(T + t) / L(T)."""
        later = Customers(c.x, c.recency, c.T + whole(t), c.z, c.weight, c.place)
        found: Floats = -np.expm1(self.log_likelihood(p, later) - self.log_likelihood(p, c))
        return np.maximum(found, 0)

    def alive_purchases(self, p: Sequence[Parameter], x: Ints, T: Floats, times: Floats, weights: Floats) -> Floats:
        """Of those alive at T, expected purchases in the seasons up to T + times, @ weights."""
        alpha, beta, gamma, delta = p
        many = whole(float(times.max(initial=0)))
        later = np.zeros((many + 1, *weights.shape[1:]))  # weight of season j: of all times that it counts in
        np.add.at(later, np.rint(times).astype(np.int64), weights)
        later = np.cumsum(later[::-1], axis=0)[::-1][1:]

        def of(value: int, when: Floats) -> Floats:
            j = np.arange(many)
            stay = np.cumsum(-np.log1p(gamma / (delta + when[:, None] + j)), axis=1)
            found: Floats = ((alpha + value) / (alpha + beta + when) * (np.exp(stay) @ later).T).T
            return found

        return per_pair(x, T, weights.shape[1:], of)

    def alive_pairs(self, p: Sequence[Parameter], x: Ints, T: Floats, since: Floats, until: Floats) -> Floats:
        """Of those alive at T, E[Y (Y - 1)] of the purchases in the seasons after T + since up to T + until."""
        alpha, beta, gamma, delta = p
        many = whole(float(until.max(initial=0)))
        j = np.arange(1, many + 1)
        before = np.clip(j[:, None] - 1 - since, 0, None) * (j[:, None] <= until)  # seasons of the span before j

        def of(value: int, when: Floats) -> Floats:
            stay = np.cumsum(-np.log1p(gamma / (delta + when[:, None] + j - 1)), axis=1)
            a, all_ = alpha + value, alpha + beta + when
            square = a * (a + 1) / (all_ * (all_ + 1))
            found: Floats = 2 * square[:, None] * (np.exp(stay) @ before)
            return found

        return per_pair(x, T, since.shape, of)

    def lives(self, p: Sequence[Floats], x: Ints, T: Floats, t: float, dice: Dice) -> Floats:
        """Purchases in the t seasons after T of lives drawn for customers alive at T."""
        chance, left = self._drawn(p, x, T, dice)
        found = np.zeros_like(chance)
        for season, luck in enumerate(dice.seasons(whole(t)), start=1):
            found += (season <= left) & (luck < chance)
        return found

    def worths(self, p: Sequence[Floats], x: Ints, T: Floats, rate: float, dice: Dice, shape: Floats) -> Floats:
        """For ever: gamma(shape) amounts of all purchases, discounted at a continuous rate."""
        chance, left = self._drawn(p, x, T, dice)
        amounts, found = dice.amounts(shape), np.zeros_like(chance)
        for season, luck in enumerate(dice.seasons(FEW)[:FEW], start=1):
            bought = (season <= left) & (luck < chance)
            found += np.where(bought, amounts[:, season - 1] * np.exp(-rate * season), 0.0)
        late = np.maximum(left, FEW)
        once = (np.exp(-rate * FEW) - np.exp(-rate * late)) / np.expm1(rate)
        twice = (np.exp(-2 * rate * FEW) - np.exp(-2 * rate * late)) / np.expm1(2 * rate)
        spread = chance * shape * (shape + 1) - (chance * shape) ** 2
        return found + dice.rest(chance * shape * once, spread * twice)

    def _drawn(self, p: Sequence[Floats], x: Ints, T: Floats, dice: Dice) -> tuple[Floats, Floats]:
        """Chance of buying in a season, and the number of seasons left."""
        from scipy.special import betaincinv

        alpha, beta, gamma, delta = p
        chance = betaincinv(alpha + x[:, None], beta + T[:, None] - x[:, None], dice.first)
        leave = betaincinv(gamma, delta + T[:, None], dice.second)
        with np.errstate(divide="ignore"):
            left = np.floor(np.log(dice.third) / np.log1p(-np.clip(leave, 1e-300, 1 - 1e-16)))
        return chance, np.minimum(left, 1e9)

    def starts(self, rate: float, c: Customers) -> list[Floats]:
        """Logarithms of parameters to start from."""
        tried = [(1.0, 1.0, 0.5, 2.0), (0.5, 2.0, 0.5, 5.0), (2.0, 1.0, 1.0, 1.0), (1.0, 1.0, 0.05, 5.0),
                 (5.0, 5.0, 5.0, 20.0)]  # fmt: skip
        return [np.log(start) for start in tried]

    def edge(self, p: Sequence[float], at: Sequence[str], T: float) -> str:
        """Why the parameters named in `at` run to an edge."""
        _, _, gamma, delta = p
        if "gamma" in at or "delta" in at:
            if gamma / (gamma + delta) < 1e-2:
                return "no_dropout_seen"
            if gamma / (gamma + delta) > 1 - 1e-2 or gamma + delta < 1e-2:
                return "all_dropped_out"
        return "no_difference_between_customers"

    def _terms(self, p: Sequence[Parameter], c: Customers) -> tuple[Ints, Floats, list[Rising]]:
        """Row and logarithm of each term of the likelihood, alive ones first, and the factorials it is made of."""
        alpha, beta, gamma, delta = p
        x, last, n = c.x, c.recency.astype(np.int64), c.T.astype(np.int64)
        row = np.concatenate([np.arange(len(c)), np.repeat(np.arange(len(c)), n - last)])
        begin = np.cumsum(n - last) - (n - last)
        season = last[row[len(c) :]] + np.arange(len(row) - len(c)) - begin[row[len(c) :]]
        seen = np.concatenate([n, season])  # seasons in which they were alive
        gone = (np.arange(len(row)) >= len(c)).astype(np.int64)
        parts = [
            Rising(alpha, x[row]), Rising(beta, seen - x[row]), Rising(alpha + beta, seen),
            Rising(gamma, gone), Rising(delta, seen), Rising(gamma + delta, seen + gone),
        ]  # fmt: skip
        term: Floats = np.sum([sign * part.log for sign, part in zip(_SIGNS, parts, strict=True)], axis=0)
        return row, term, parts


def whole(seasons: float) -> int:
    """A number of seasons, which must be whole."""
    if abs(seasons - round(seasons)) > 1e-6:
        raise ValueError(f"horizon is {seasons:g} seasons, and bgbb knows whole ones. Use a multiple of the unit.")
    return round(seasons)


def _mixed(row: Ints, term: Floats, n: int) -> tuple[Floats, Floats]:
    """Logarithm of the sum of each row's terms, and the share of each term."""
    most = np.full(n, -np.inf)
    np.maximum.at(most, row, term)
    part = np.exp(term - most[row])
    total = np.bincount(row, part, n)
    return most + np.log(total), part / total[row]
