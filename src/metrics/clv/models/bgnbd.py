"""BG/NBD and MBG/NBD: purchases at a steady rate until a coin, thrown after a purchase, says stop.

While alive a customer buys at rate λ ~ gamma(r, α); after each repeat purchase (BG), or after each purchase, the first
too (MBG), they drop out with probability p ~ beta(a, b). Fader, Hardie & Lee (2005), Marketing Science 24:275;
Batislam, Denizel & Filiztekin (2007), International Journal of Research in Marketing 24:201. Written for n coins
survived at least: n = x for BG, n = x + 1 for MBG, of which the last may also have said stop.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from metrics.clv.customers import Customers
from metrics.clv.models.dice import Dice
from metrics.clv.models.family import Curves, Parameter, Slopes, per_pair, smooth
from metrics.clv.models.nbd import moment_start, repeat_rate
from metrics.clv.models.sums import Rising, log_rising, log_share
from metrics.intervals import Floats
from metrics.periods import Ints

SHARP = 50.0  # a and b from which all coins are so alike that nothing bends among them, however far ahead


@dataclass(frozen=True)
class BGNBD:
    """Both models; `first` is 1 where a coin is thrown after the first purchase too."""

    name: str
    first: int
    names: tuple[str, ...] = ("r", "alpha", "a", "b")
    purchase: dict[str, int] = field(default_factory=lambda: {"alpha": -1})
    dropout: dict[str, int] = field(default_factory=lambda: {"a": 1, "b": 1})
    whole_times: bool = False

    def likelihood(self, p: Sequence[Parameter], c: Customers) -> tuple[Floats, Slopes, Curves]:
        """Log-likelihood of each row with its derivatives."""
        r, alpha, a, b = p
        x, n = c.x, c.x + self.first
        end, last = 1 / (alpha + c.T), 1 / (alpha + c.recency)
        rates, b_n, ab_n = Rising(r, x), Rising(b, n), Rising(a + b, n)
        late = np.log1p(c.T / alpha)
        base = rates.log - r * late - x * np.log(alpha + c.T) + log_share(b, a, n)
        u, gap = self._odds(p, c)
        s = 1 / (1 + np.exp(-u))
        g_r, g_alpha = gap, (r + x) * (end - last)
        g_a, g_b = 1 / a, np.where(n > 0, -1 / (b + (n - 1) + (n == 0)), 0.0)
        v = s * (1 - s)
        slopes = [
            rates.first - late + s * g_r,
            (r * c.T - x * alpha) * end / alpha + s * g_alpha,
            -ab_n.first + s * g_a,
            b_n.first - ab_n.first + s * g_b,
        ]
        curves = {
            (0, 0): rates.second + v * g_r**2,
            (0, 1): c.T * end / alpha + s * (end - last) + v * g_r * g_alpha,
            (0, 2): v * g_r * g_a,
            (0, 3): v * g_r * g_b,
            (1, 1): (r + x) * end**2 - r / alpha**2 - s * (r + x) * (end**2 - last**2) + v * g_alpha**2,
            (1, 2): v * g_alpha * g_a,
            (1, 3): v * g_alpha * g_b,
            (2, 2): -ab_n.second - s * g_a**2 + v * g_a**2,
            (2, 3): -ab_n.second + v * g_a * g_b,
            (3, 3): b_n.second - ab_n.second + s * g_b**2 + v * g_b**2,
        }
        return base + np.logaddexp(0, u), slopes, curves

    def log_likelihood(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """The same without derivatives."""
        r, alpha, a, b = p
        u, _ = self._odds(p, c)
        steady = log_rising(r, c.x) - r * np.log1p(c.T / alpha) - c.x * np.log(alpha + c.T)
        found: Floats = steady + log_share(b, a, c.x + self.first) + np.logaddexp(0, u)
        return found

    def p_alive(self, p: Sequence[Parameter], c: Customers) -> Floats:
        """Probability of being alive at T."""
        u, _ = self._odds(p, c)
        found: Floats = np.exp(-np.logaddexp(0, u))
        return found

    def p_buy(self, p: Sequence[Parameter], c: Customers, t: float) -> Floats:
        """Probability of a purchase within t after T."""
        r, alpha, _, _ = p
        found: Floats = self.p_alive(p, c) * -np.expm1(-(r + c.x) * np.log1p(t / (alpha + c.T)))
        return found

    def alive_purchases(self, p: Sequence[Parameter], x: Ints, T: Floats, times: Floats, weights: Floats) -> Floats:
        """Of those alive at T, expected purchases from T to T + times, @ weights.

        Given the rate and the coin, (1 - exp(-λ p t)) / p purchases are expected: each ends the customer with
        probability p. The rate is gamma(r + x, α + T), the coin beta(a, b + n).
        """
        r, alpha, a, b = p

        def mean(k: Parameter, at: Floats, coin: Floats, share: Floats) -> Floats:
            by = np.empty((len(at), len(times)))
            for place, t in enumerate(times):
                chance = coin * (t / at)[:, None]
                by[:, place] = (-np.expm1(-np.asarray(k)[..., None] * np.log1p(chance)) / coin * share).sum(axis=1)
            found: Floats = by @ weights
            return found

        if np.ndim(alpha) == 0 and np.ndim(a) == 0:

            def of(value: int, when: Floats) -> Floats:
                coin, share = coins(a, np.array([b + value + self.first]), times[-1] / (alpha + when.min()))
                return smooth(lambda when: mean(r + value, alpha + when, coin, share), when, alpha)

            return per_pair(x, T, weights.shape[1:], of)
        coin, share = coins(a, b + x + self.first, float((times[-1] / (alpha + T)).max(initial=0)))
        return mean(r + x, alpha + T, coin, share)

    def alive_pairs(self, p: Sequence[Parameter], x: Ints, T: Floats, since: Floats, until: Floats) -> Floats:
        """Of those alive at T, E[Y (Y - 1)] of the purchases in T + since to T + until.

        Two purchases at u < v have the density λ² (1 - p) exp(-λ p v).
        """
        r, alpha, a, b = p

        def pairs(k: Parameter, at: Floats, coin: Floats, share: Floats) -> Floats:
            k, at = np.asarray(k, float)[..., None, None], at[:, None, None]
            w, v, q = (
                coin[:, None, :] * (since[:, None] / at),
                coin[:, None, :] * (until[:, None] / at),
                coin[:, None, :],
            )
            near = np.exp(-k * np.log1p(w)) * _excess(k, (v - w) / (1 + w))
            found: Floats = 2 * ((1 - q) / q**2 * near * share[:, None, :]).sum(axis=2)
            return found

        if np.ndim(alpha) == 0 and np.ndim(a) == 0:

            def of(value: int, when: Floats) -> Floats:
                coin, share = coins(a, np.array([b + value + self.first]), until[-1] / (alpha + when.min()))
                return smooth(lambda when: pairs(r + value, alpha + when, coin, share), when, alpha)

            return per_pair(x, T, since.shape, of)
        coin, share = coins(a, b + x + self.first, float((until[-1] / (alpha + T)).max(initial=0)))
        return pairs(r + x, alpha + T, coin, share)

    def lives(self, p: Sequence[Floats], x: Ints, T: Floats, t: float, dice: Dice) -> Floats:
        """Purchases in T to T + t of lives drawn for customers alive at T: until the coin says stop, or t is over."""
        rate, last = self._drawn(p, x, T, dice)
        return np.minimum(dice.arrivals(rate * t), last)

    def worths(self, p: Sequence[Floats], x: Ints, T: Floats, rate: float, dice: Dice, shape: Floats) -> Floats:
        """For ever: gamma(shape) amounts of all purchases, discounted at a continuous rate."""
        buying, last = self._drawn(p, x, T, dice)
        return dice.discounted(buying, dice.gamma(last) / buying, rate, shape)

    def _drawn(self, p: Sequence[Floats], x: Ints, T: Floats, dice: Dice) -> tuple[Floats, Floats]:
        """Rate of buying, and the number of the last purchase."""
        from scipy.special import betaincinv

        r, alpha, a, b = p
        rate = dice.rates(r, x) / (alpha + T[:, None])
        n = x + self.first
        if a.ndim == 1:
            value, place = np.unique(n, return_inverse=True)
            coin = betaincinv(a, b + value[:, None], dice.second)[place]
        else:
            coin = betaincinv(a, b + n[:, None], dice.second)
        with np.errstate(divide="ignore"):
            last = np.ceil(np.log(dice.third) / np.log1p(-np.clip(coin, 1e-300, 1 - 1e-16)))
        return np.maximum(rate, 1e-300), np.clip(last, 1, 1e9)

    def starts(self, rate: float, c: Customers) -> list[Floats]:
        """Logarithms of parameters to start from."""
        r, alpha = moment_start(c)
        tried = [(r, alpha, 0.6, 2.0), (r, alpha, 0.01, 1.0), (1.0, 1 / rate, 0.1, 4.0), (4.0, 4 / rate, 1.0, 0.3),
                 (0.2, 0.2 / rate, 0.05, 0.05), (r, alpha, 20.0, 60.0),
                 (20.0, 20 / repeat_rate(c), 0.5, 0.2)]  # fmt: skip
        return [np.log(start) for start in tried]

    def edge(self, p: Sequence[float], at: Sequence[str], T: float) -> str:
        """Why the parameters named in `at` run to an edge."""
        _, _, a, b = p
        if "a" in at or "b" in at:
            if a / (a + b) < 1e-2:
                return "no_dropout_seen"
            if a / (a + b) > 1 - 1e-2 or a + b < 1e-2:  # with neither a nor b left, coins say always or never
                return "all_dropped_out"
        return "no_difference_between_customers"

    def _odds(self, p: Sequence[Parameter], c: Customers) -> tuple[Floats, Floats]:
        """Logarithm of the odds of having dropped out after the last purchase, and log (α + T) / (α + recency)."""
        r, alpha, a, b = p
        n = c.x + self.first
        gap = np.log1p((c.T - c.recency) / (alpha + c.recency))
        u = np.log(a) - np.log(np.where(n > 0, b + (n - 1), 1.0)) + (r + c.x) * gap
        return np.where(n > 0, u, -np.inf), gap


def coins(a: Parameter, b: Parameter, reach: float) -> tuple[Floats, Floats]:
    """Gauss-Jacobi nodes and weights of beta(a, b), a row for each b; more where times reach far beyond α + T.

    Golub & Welsch (1969), Mathematics of Computation 23:221.
    """
    if reach > 60 and not (np.minimum(a, b) > SHARP).all():
        return _far_coins(a, b, reach)
    many = 24 if reach < 6 else 40
    b = np.atleast_1d(np.asarray(b, float))[:, None]
    a = np.broadcast_to(np.asarray(a, float), (len(b),))[:, None]
    # On -1 to 1 the weight is (1 - y)^(b - 1) (1 + y)^(a - 1), with p = (1 + y) / 2.
    i = np.arange(1, many, dtype=float)[None, :]
    s = a + b - 2
    first = (a - b) / (a + b)
    diagonal = np.concatenate([first, (a - b) * s / ((2 * i + s) * (2 * i + s + 2))], axis=1)
    beside = 4 * i * (i + b - 1) * (i + a - 1) * (i + s) / ((2 * i + s) ** 2 * (2 * i + s + 1) * (2 * i + s - 1))
    beside[:, :1] = 4 * a * b / ((a + b) ** 2 * (a + b + 1))
    matrix = np.zeros((len(b), many, many))
    k = np.arange(many)
    matrix[:, k, k] = diagonal
    matrix[:, k[1:], k[:-1]] = matrix[:, k[:-1], k[1:]] = np.sqrt(np.maximum(beside, 0))
    nodes, axes = np.linalg.eigh(matrix)
    return np.clip((1 + nodes) / 2, 1e-14, 1.0), axes[:, 0, :] ** 2


def _far_coins(a: Parameter, b: Parameter, reach: float) -> tuple[Floats, Floats]:
    """The same for times far ahead: the trapezoidal rule in log p / (1 - p), to which no time is too long.

    What is left beyond the ends lies at p near 0 or 1, where nothing bends any more.
    """
    from scipy.special import betaln

    b = np.atleast_1d(np.asarray(b, float))[:, None]
    a = np.broadcast_to(np.asarray(a, float), (len(b),))[:, None]
    low = -np.log(max(reach, float(b.max()))) - 28
    high = min(30.0, 34 / float(b.min()) + max(float(np.log(a.max() / b.min())), 0.0) + 5)
    step = min(0.3, 0.85 / float(np.sqrt(np.minimum(a, b).max())))  # finer than the sharpest peak
    u = np.arange(low, high + step, step)
    p, log_p, log_q = 1 / (1 + np.exp(-u)), -np.logaddexp(0, -u), -np.logaddexp(0, u)
    norm = betaln(a, b)
    weights = step * np.exp(a * log_p + b * log_q - norm)
    weights[:, 0] = weights[:, 0] / 2 + np.exp(a[:, 0] * log_p[0] - norm[:, 0]) / a[:, 0]
    weights[:, -1] = weights[:, -1] / 2 + np.exp(b[:, 0] * log_q[-1] - norm[:, 0]) / b[:, 0]
    return np.broadcast_to(p, weights.shape), weights / weights.sum(axis=1, keepdims=True)


def _excess(k: Parameter, w: Floats) -> Floats:
    """1 - (1 + w)^-k - k w (1 + w)^-(k + 1), also where it is tiny."""
    grow = np.log1p(w)
    exact = -np.expm1(-k * grow) - k * w * np.exp(-(k + 1) * grow)
    small: Floats = k * (k + 1) * w**2 * (0.5 - (k + 2) * w / 3)
    return np.where(k * w < 1e-4, small, exact)
