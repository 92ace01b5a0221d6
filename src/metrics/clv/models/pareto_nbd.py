"""Pareto/NBD: purchases at a steady rate until the customer leaves, at any time.

The rate is λ ~ gamma(r, α), the rate of leaving μ ~ gamma(s, β). Schmittlein, Morrison & Colombo (1987), Management
Science 33:1. A customer is alive at T, or has left at some y between the last purchase and T:

    L = Γ(r + x) / Γ(r) α^r β^s { (α + T)^-(r + x) (β + T)^-s + s ∫ (α + y)^-(r + x) (β + y)^-(s + 1) dy }

The integral is taken in v = log (scale + y), the scale the smaller of α and β, by Gauss and Legendre's rule, whose
terms are all positive: nothing cancels, and the derivatives are those of a mixture.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np

from metrics.clv.customers import Customers
from metrics.clv.models.dice import Dice
from metrics.clv.models.family import Curves, Parameter, Slopes
from metrics.clv.models.nbd import moment_start, repeat_rate
from metrics.clv.models.sums import Rising, log_rising
from metrics.intervals import Floats
from metrics.periods import Ints

DEEP = 45.0  # beyond exp(-45) of the integrand nothing is left
ROWS = 20_000  # at once


@dataclass(frozen=True)
class ParetoNBD:
    """The model of leaving at any time."""

    name: str = "pareto_nbd"
    names: tuple[str, ...] = ("r", "alpha", "s", "beta")
    purchase: dict[str, int] = field(default_factory=lambda: {"alpha": -1})
    dropout: dict[str, int] = field(default_factory=lambda: {"beta": -1})
    whole_times: bool = False

    def likelihood(self, p: Sequence[Parameter], c: Customers) -> tuple[Floats, Slopes, Curves]:
        """Log-likelihood of each row with its derivatives."""
        r, alpha, s, beta = p
        k = r + c.x
        mixed, _, gone, parts = self._mixture(p, c, moments=True)
        rates = Rising(r, c.x)
        value = rates.log - c.x * np.log(alpha) + mixed
        la, ia, lb, ib, ilb, iib, la2, ia2, lb2, ib2, la_ia, la_lb, la_ib, ia_lb, ia_ib, lb_ib = parts
        # Means over the mixture of the derivatives of its terms; `gone` is the weight of those who have left.
        m = [-la, -k * ia, gone / s - lb, -s * ib - iib]
        slopes = [rates.first + m[0], r / alpha + m[1], m[2], s / beta + m[3]]
        # The power of (β + y) is s for who is alive and s + 1 for who has left, so that means of those are needed too.
        e_ss = lb2 - 2 * ilb / s + gone / s**2  # E[(g/s - lb)²]
        e_sb = s * lb_ib[0] + lb_ib[1] - (s + 1) * iib / s  # E[(g/s - lb)(-(s + g) ib)]
        e_bb = s**2 * ib2[0] + (2 * s + 1) * ib2[1]
        curves = {
            (0, 0): rates.second + la2 - m[0] ** 2,
            (0, 1): 1 / alpha - ia + k * la_ia - m[0] * m[1],
            (0, 2): la_lb[0] - la_lb[1] / s - m[0] * m[2],
            (0, 3): s * la_ib[0] + la_ib[1] - m[0] * m[3],
            (1, 1): -r / alpha**2 + k * ia2 + k**2 * ia2 - m[1] ** 2,
            (1, 2): k * (ia_lb[0] - ia_lb[1] / s) - m[1] * m[2],
            (1, 3): k * (s * ia_ib[0] + ia_ib[1]) - m[1] * m[3],
            (2, 2): -gone / s**2 + e_ss - m[2] ** 2,
            (2, 3): 1 / beta - ib + e_sb - m[2] * m[3],
            (3, 3): -s / beta**2 + s * ib2[0] + ib2[1] + e_bb - m[3] ** 2,
        }
        return value, slopes, curves

    def log_likelihood(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """The same without derivatives."""
        r, alpha = p[0], p[1]
        mixed = self._mixture(p, c, moments=False)[0]
        found: Floats = log_rising(r, c.x) - c.x * np.log(alpha) + mixed
        return found

    def p_alive(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """Probability of being alive at T."""
        return self._mixture(p, c, moments=False)[1]

    def p_buy(self, p: Sequence[Parameter], c: Customers, t: float) -> Floats:
        """Probability of a purchase within t after T: 1 - L(T + t) / L(T)."""
        later = Customers(c.x, c.recency, c.T + t, c.z, c.weight, c.place)
        found: Floats = -np.expm1(self.log_likelihood(p, later) - self.log_likelihood(p, c))
        return np.maximum(found, 0)

    def alive_purchases(self, p: Sequence[Parameter], x: Ints, T: Floats, times: Floats, weights: Floats) -> Floats:
        """Of those alive at T, expected purchases from T to T + times, @ weights.

        The rate is gamma(r + x, α + T), that of leaving gamma(s, β + T), of each other independent.
        """
        r, alpha, s, beta = p
        base = beta + T
        if np.ndim(beta) == 0:
            base, place = np.unique(base, return_inverse=True)
        late = np.log1p(times / base[:, None])
        stay = (base[:, None] * late * _grown((1 - s) * late)) @ weights
        if np.ndim(beta) == 0:
            stay = stay[place]
        found: Floats = ((r + x) / (alpha + T) * stay.T).T
        return found

    def alive_pairs(self, p: Sequence[Parameter], x: Ints, T: Floats, since: Floats, until: Floats) -> Floats:
        """Of those alive at T, E[Y (Y - 1)] of the purchases in T + since to T + until.

        Two purchases at u < v have the density λ² exp(-μ v).
        """
        r, alpha, s, beta = p
        nodes, share = _legendre(20)
        base = (beta + T)[:, None]
        late = np.log1p((until - since) / (base + since))
        w = late[:, :, None] * nodes
        inner = (np.expm1(w) * np.exp((1 - s) * w) * share).sum(axis=2) * late
        spread = (base + since) ** 2 * np.exp(-s * np.log1p(since / base)) * inner
        found: Floats = 2 * ((r + x) * (r + x + 1) / (alpha + T) ** 2)[:, None] * spread
        return found

    def lives(self, p: Sequence[Floats], x: Ints, T: Floats, t: float, dice: Dice) -> Floats:
        """Purchases in T to T + t of lives drawn for customers alive at T."""
        rate, left = self._drawn(p, x, T, dice)
        return dice.arrivals(rate * np.minimum(left, t))

    def worths(self, p: Sequence[Floats], x: Ints, T: Floats, rate: float, dice: Dice, shape: Floats) -> Floats:
        """For ever: gamma(shape) amounts of all purchases, discounted at a continuous rate."""
        buying, left = self._drawn(p, x, T, dice)
        return dice.discounted(buying, left, rate, shape)

    def _drawn(self, p: Sequence[Floats], x: Ints, T: Floats, dice: Dice) -> tuple[Floats, Floats]:
        """Rate of buying, and time until the customer leaves."""
        from scipy.special import gammaincinv

        r, alpha, s, beta = p
        rate = dice.rates(r, x) / (alpha + T[:, None])
        left = (beta + T[:, None]) * (-np.log(dice.third) / np.maximum(gammaincinv(s, dice.second), 1e-300))
        return rate, np.minimum(left, 1e300)

    def starts(self, rate: float, c: Customers) -> list[Floats]:
        """Logarithms of parameters to start from; T is about 1 here."""
        r, alpha = moment_start(c)
        tried = [(r, alpha, 0.6, 0.4), (r, alpha, 0.05, 1.0), (1.0, 1 / rate, 0.3, 0.1), (4.0, 4 / rate, 1.0, 0.05),
                 (r, alpha, 10.0, 10.0), (0.2, 0.2 / rate, 0.1, 0.01),
                 (20.0, 20 / repeat_rate(c), 0.3, 1e-4)]  # fmt: skip
        return [np.log(start) for start in tried]

    def edge(self, p: Sequence[float], at: Sequence[str], T: float) -> str:
        """Why the parameters named in `at` run to an edge."""
        _, _, s, beta = p
        if "s" in at or "beta" in at:
            gone = -np.expm1(-s * np.log1p(T / beta))  # share that leaves within T
            if gone < 0.02:
                return "no_dropout_seen"
            if gone > 0.98 or beta < 1e-4 * T:
                return "all_dropped_out"
        return "no_difference_between_customers"

    def _mixture(
        self, p: Sequence[Parameter], c: Customers, *, moments: bool
    ) -> tuple[Floats, Floats, Floats, tuple[Floats, ...]]:
        """Logarithm of the braces over α^-k β^-s, the shares of who is alive and who has left, and means over both."""
        values, alive, gone, parts = [], [], [], []
        for rows in [slice(i, i + ROWS) for i in range(0, max(len(c), 1), ROWS)]:
            some = [q[rows] if np.ndim(q) else q for q in p]
            found = _mixed(some, c.x[rows], c.recency[rows], c.T[rows], moments)
            values.append(found[0])
            alive.append(found[1])
            gone.append(found[2])
            parts.append(found[3])
        joined = tuple(np.concatenate(part, axis=-1) for part in zip(*parts, strict=True))
        return np.concatenate(values), np.concatenate(alive), np.concatenate(gone), joined


def _mixed(
    p: Sequence[Parameter], x: Ints, recency: Floats, T: Floats, moments: bool
) -> tuple[Floats, Floats, Floats, tuple[Floats, ...]]:
    r, alpha, s, beta = p
    k, start, n = r + x, alpha + recency, len(x)
    # The smaller of α and β is the scale on which the integrand bends first: equal steps in v = log (scale + y). Where
    # a power is so high that the integrand is over long before T, so are the steps.
    scale = np.minimum(alpha, beta) + recency
    span = np.minimum(T - recency, start * np.expm1(np.minimum(DEEP / k, 600)))
    span = np.minimum(span, (beta + recency) * np.expm1(np.minimum(DEEP / s, 600)))
    wide = np.log1p(span / scale)
    falls = k * np.log1p(span / start) + s * np.log1p(span / (beta + recency))
    value, still, gone = np.empty(n), np.empty(n), np.empty(n)
    out = [np.empty((2, n)) if name in _SPLIT else np.empty(n) for name in _MOMENTS] if moments else []
    need = np.ceil(np.maximum(wide / 6, falls / 14)).astype(np.int64)
    few = (wide < 2) & (falls < 4)
    panels = np.where(few, 0, np.maximum(need, 1))
    for many in np.unique(panels):
        rows = np.flatnonzero(panels == many)
        nodes, share = _composite(8 if many == 0 else 16, max(int(many), 1))
        al, be, kk = (q[rows] if np.ndim(q) else q for q in (alpha, beta, k))
        w = wide[rows, None] * nodes
        steps = np.exp(w) * scale[rows, None] * (share * wide[rows, None])  # dy
        y = recency[rows, None] + scale[rows, None] * np.expm1(w)
        al_, be_ = np.asarray(al)[..., None], np.asarray(be)[..., None]
        # Relative to α and β, so that nothing cancels where these are large.
        ln_a, ln_b = np.log1p(y / al_), np.log1p(y / be_)
        left = np.log(s / be_) + np.log(steps + 1e-300) - kk[:, None] * ln_a - (s + 1) * ln_b
        a_end, b_end = al + T[rows], be + T[rows]
        ln_a_end, ln_b_end = np.log1p(T[rows] / al), np.log1p(T[rows] / be)
        alive = -kk * ln_a_end - s * ln_b_end
        most = np.maximum(left.max(axis=1), alive)
        weight, stay = np.exp(left - most[:, None]), np.exp(alive - most)
        total = weight.sum(axis=1) + stay
        value[rows], still[rows], gone[rows] = most + np.log(total), stay / total, weight.sum(axis=1) / total
        if moments:
            weight /= total[:, None]
            stay /= total
            i_a, i_b = 1 / (al_ + y), 1 / (be_ + y)
            means = _means(weight, stay, (ln_a, i_a, ln_b, i_b), (ln_a_end, 1 / a_end, ln_b_end, 1 / b_end))
            for place, mean in zip(out, means, strict=True):
                place[..., rows] = mean
    return value, still, gone, tuple(out)


_MOMENTS = ("la", "ia", "lb", "ib", "ilb", "iib", "la2", "ia2", "lb2", "ib2", "la_ia", "la_lb", "la_ib", "ia_lb",
            "ia_ib", "lb_ib")  # fmt: skip
_SPLIT = ("ib2", "la_lb", "la_ib", "ia_lb", "ia_ib", "lb_ib")  # both over all, and over those who have left


def _means(weight: Floats, stay: Floats, inner: Sequence[Floats], end: Sequence[Floats]) -> list[Floats]:
    """Means over the mixture of log (1 + y / α), 1 / (α + y), log (1 + y / β), 1 / (β + y) and their products."""
    la, ia, lb, ib = inner
    la1, ia1, lb1, ib1 = end

    def left(values: Floats) -> Floats:
        found: Floats = np.einsum("ij,ij->i", weight, values)
        return found

    def both(product: Floats, at_end: Floats) -> Floats:
        of_left = left(product)
        return np.stack([of_left + stay * at_end, of_left])

    ilb, iib = left(lb), left(ib)
    return [
        left(la) + stay * la1, left(ia) + stay * ia1, ilb + stay * lb1, iib + stay * ib1, ilb, iib,
        left(la * la) + stay * la1**2, left(ia * ia) + stay * ia1**2, left(lb * lb) + stay * lb1**2,
        both(ib * ib, ib1**2), left(la * ia) + stay * la1 * ia1,
        _signed(both(la * lb, la1 * lb1), left(la)), both(la * ib, la1 * ib1),
        _signed(both(ia * lb, ia1 * lb1), left(ia)),
        both(ia * ib, ia1 * ib1), both(lb * ib, lb1 * ib1),
    ]  # fmt: skip


def _signed(pair: Floats, of_left: Floats) -> Floats:
    """The product over all, and the mean of its first factor over those who have left."""
    return np.stack([pair[0], of_left])


def _grown(y: Floats) -> Floats:
    """(exp(y) - 1) / y, 1 at 0."""
    safe = np.where(np.abs(y) < 1e-12, 1.0, y)
    return np.where(np.abs(y) < 1e-12, 1.0, np.expm1(safe) / safe)


@cache
def _legendre(many: int) -> tuple[Floats, Floats]:
    """Nodes and weights on 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(many)
    return (nodes + 1) / 2, weights / 2


@cache
def _composite(many: int, panels: int) -> tuple[Floats, Floats]:
    """The same, the interval cut into equal panels."""
    nodes, weights = _legendre(many)
    return (np.arange(panels)[:, None] + nodes).ravel() / panels, np.tile(weights, panels) / panels
