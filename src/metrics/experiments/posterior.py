"""How likely is one rate above another, given a prior?"""

from functools import cache

import numpy as np

from metrics.intervals import Floats


def probability_better(variant: tuple[float, float], control: tuple[float, float], prior: tuple[float, float]) -> float:
    """Chance that the variant's rate is above the control's: both (successes, n), with one Beta prior.

    The sharper of the two posteriors is walked through its quantiles, so that the other one's distribution is smooth
    along the way.
    """
    from scipy.special import betainc, betaincc, betaincinv  # slow to import, and only needed here

    (a1, b1), (a0, b0) = ((prior[0] + x, prior[1] + n - x) for x, n in (variant, control))
    share, weights = _steps()

    def spread(a: float, b: float) -> float:
        return a * b / ((a + b) ** 2 * (a + b + 1))

    if spread(a1, b1) < spread(a0, b0):
        chance = betainc(a0, b0, betaincinv(a1, b1, share))
    else:
        chance = betaincc(a1, b1, betaincinv(a0, b0, share))
    return float(np.clip((weights * chance).sum(), 0, 1))


@cache  # the same for every pair, and dearer than all that is done with them
def _steps() -> tuple[Floats, Floats]:
    """Shares of a distribution at which its quantiles are looked at, and their weights."""
    nodes, weights = np.polynomial.legendre.leggauss(400)
    angle = (nodes + 1) * np.pi / 4
    # Near 0 and 1 quantiles run away: closer steps there.
    return np.sin(angle) ** 2, weights * np.pi / 4 * np.sin(2 * angle)
