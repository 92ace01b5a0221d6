"""Rising factorials and their derivatives: sums of logarithms, exact where differences of gamma functions cancel."""

import numpy as np

from metrics.clv.models.family import Parameter
from metrics.intervals import Floats
from metrics.periods import Ints


class Rising:
    """Of v (v + 1) … (v + n - 1), for whole numbers n, the logarithm and its first two derivatives by v."""

    def __init__(self, v: Parameter, n: Ints) -> None:
        if np.ndim(v) == 0:
            terms = v + np.arange(int(n.max(initial=0)), dtype=float)
            self.log = np.concatenate([[0.0], np.cumsum(np.log(terms))])[n]
            self.first = np.concatenate([[0.0], np.cumsum(1 / terms)])[n]
            self.second = np.concatenate([[0.0], np.cumsum(-1 / terms**2)])[n]
        else:  # one v for each row
            from scipy.special import gammaln, psi, zeta

            self.log = gammaln(v + n) - gammaln(v)
            self.first = psi(v + n) - psi(v)
            self.second = zeta(2, v + n) - zeta(2, v)


def log_rising(v: Parameter, n: Ints) -> Floats:
    """The logarithm alone."""
    if np.ndim(v) == 0:
        return np.concatenate([[0.0], np.cumsum(np.log(v + np.arange(int(n.max(initial=0)), dtype=float)))])[n]
    from scipy.special import gammaln

    found: Floats = gammaln(v + n) - gammaln(v)
    return found


def log_share(b: Parameter, a: Parameter, n: Ints) -> Floats:
    """Log B(a, b + n) / B(a, b): the sum of log (b + j) / (a + b + j), without cancelling for large a or b."""
    if np.ndim(a) == 0 and np.ndim(b) == 0:
        return np.concatenate([[0.0], np.cumsum(-np.log1p(a / (b + np.arange(int(n.max(initial=0)), dtype=float))))])[n]
    return log_rising(b, n) - log_rising(a + b, n)
