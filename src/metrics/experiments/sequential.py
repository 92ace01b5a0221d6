"""How often may one look at a test, and what can it see by each look?"""

import math
from functools import cache
from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.experiments.planning import NORMAL
from metrics.periods import one_of
from metrics.results import result

Shape: TypeAlias = Literal["obrien_fleming", "pocock"]


def sequential_boundaries(
    *,
    looks: int,
    alpha: float = 0.05,
    shape: Shape = "obrien_fleming",
    users: int | None = None,
    baseline: float | None = None,
    power: float = 0.8,
) -> pd.DataFrame:
    """How extreme must a result be at each look, so that looking several times adds no risk, and what is seen by then?

    Thirty looks at 5 % each find a difference that is not there in three tests of ten. Looks that were planned, after
    equal numbers of users, may be taken if each asks for more.

    Parameters
    ----------
    looks
        Number of looks, the last one included.
    alpha
        Risk, over all looks together, of seeing a difference where there is none (two-sided).
    shape
        ``"obrien_fleming"`` (default): very strict at first, nearly as without looks at the end. ``"pocock"``: alike
        at all looks.
    users, baseline
        Users of each of two variants at the last look, and the rate of the control, 0 to 1; both or neither.
    power
        Chance with which the smallest effect is seen.

    Returns
    -------
    DataFrame, one row per look
        look     1, 2, …
        z        number   a |z| of at least this ends the test
        p_value  0 to 1   the same as a two-sided p-value

    and with `users`
        users               count   of each variant at this look, all so far
        difference_to_stop  above 0 a difference of rates of at least this, up or down, ends the test; early looks may
                                    ask for more than a rate can be
        smallest_effect     above 0 the smallest true rise that ends the test by this look with chance `power`
        reason              text    ``above_one`` where the rise would take the rate to 1 or beyond, and there is none

    Raises
    ------
    ValueError
        `looks` that are no number from 1 to 200 (with `users` to 50), `alpha` outside 0 to 0.5, `users` without
        `baseline`, rates outside 0 to 1.

    Notes
    -----
    O'Brien & Fleming (1979), Biometrics 35:549; Pocock (1977), Biometrika 64:191; the recursion of Armitage, McPherson
    & Rowe (1969), Journal of the Royal Statistical Society A 132:235, for the effect with a drift: Jennison & Turnbull
    (2000), Group Sequential Methods, chapter 2. What ends the test has the variance of two rates like the control's, an
    effect that of the mean of both.

    Examples
    --------
    >>> sequential_boundaries(looks=3)["z"].round(2).tolist()
    [3.47, 2.45, 2.0]
    >>> plan = sequential_boundaries(looks=3, users=3000, baseline=0.06)
    >>> plan[["look", "users", "difference_to_stop", "smallest_effect"]].round(3)
       look  users  difference_to_stop  smallest_effect
    0     1   1000               0.037            0.054
    1     2   2000               0.018            0.027
    2     3   3000               0.012            0.019
    """
    from scipy.optimize import brentq  # slow to import, and only needed here

    one_of("shape", shape, Shape)
    if not isinstance(looks, int | np.integer) or isinstance(looks, bool) or not 1 <= looks <= 200:
        raise ValueError(f"looks: {looks!r} is not a number of looks. Use 1 to 200.")
    if not isinstance(alpha, int | float | np.number) or not 0 < alpha < 0.5:
        raise ValueError(f"alpha: {alpha!r} is not between 0 and 0.5. Use 0.05 for 5 %.")
    look = np.arange(1, looks + 1)
    widen = np.sqrt(looks / look) if shape == "obrien_fleming" else np.ones(looks)
    least, most = NORMAL.inv_cdf(1 - alpha / 2), NORMAL.inv_cdf(1 - alpha / 2 / looks)
    constant = least
    if looks > 1:  # one look, and looks that share the risk, are the ends of what it can be
        constant = brentq(lambda c: _stays(c * widen) - (1 - alpha), least - 1e-6, most + 1e-6, xtol=1e-12)
    z = constant * widen
    table = pd.DataFrame({"look": look, "z": z, "p_value": [math.erfc(value / math.sqrt(2)) for value in z]})
    definition = f"|z| at each of {looks} equally spaced looks, with a risk of {alpha:g} over all of them ({shape})."
    settings = {"looks": int(looks), "alpha": alpha, "shape": shape}
    if users is not None or baseline is not None:
        many, rate = _checked(users, baseline, power, float(alpha), int(looks))
        so_far = many * look / looks
        error = np.sqrt(2 * rate * (1 - rate) / so_far)
        seen: list[float] = []
        most = float(z[0]) + NORMAL.inv_cdf(max(power, 0.5)) + 1
        for k in look:  # the more looks, the smaller is what can be seen
            seen.append(brentq(_missed, 0, seen[-1] + 1e-3 if seen else most, (z[:k], power), xtol=1e-6))
        table["users"] = np.ceil(so_far - 1e-9).astype(np.int64)
        rise = _rise(np.array(seen), rate, many / looks)
        beyond = rate + rise >= 1
        table["difference_to_stop"], table["smallest_effect"] = z * error, np.where(beyond, np.nan, rise)
        table["reason"] = pd.Series(pd.NA, index=table.index, dtype="str").mask(beyond, "above_one")
        settings |= {"baseline": rate, "power": float(power)}
        definition += f" Smallest effect: a true difference that ends the test by then with the chance {power:g}."
    return result(table, metric="sequential_boundaries", definition=definition, settings=settings)


def _checked(users: int | None, baseline: float | None, power: float, alpha: float, looks: int) -> tuple[int, float]:
    if users is None or baseline is None:
        raise ValueError("users and baseline belong together: what can be seen depends on both. Give both or neither.")
    if not isinstance(users, int | np.integer) or isinstance(users, bool) or users < looks:
        raise ValueError(
            f"users: {users!r} is no number of users for {looks} looks. Give those of one variant at the end."
        )
    for name, value in (("baseline", baseline), ("power", power)):
        if not isinstance(value, int | float | np.number) or not 0 < value < 1:
            raise ValueError(f"{name}: {value!r} is not between 0 and 1. Write 10 % as 0.1.")
    if power <= alpha:
        raise ValueError(f"power: {power} is not above alpha, {alpha}. A test ends so often where there is nothing.")
    if looks > 50:
        raise ValueError(f"looks: {looks} are too many to tell what each can see. Use at most 50, or leave out users.")
    return int(users), float(baseline)


def _rise(drift: np.ndarray, rate: float, users: float) -> np.ndarray:
    """The rise of a rate that is so many standard errors of what comes between two looks.

    d^2 = drift^2 (2 / users) m (1 - m) with m = rate + d / 2, the mean of both rates: a higher rate varies more.
    """
    c = 2 * drift**2 / users
    linear = c * (1 - 2 * rate) / 2
    rise: np.ndarray = (linear + np.sqrt(linear**2 + 4 * (1 + c / 4) * c * rate * (1 - rate))) / (2 * (1 + c / 4))
    return rise


def _missed(drift: float, z: np.ndarray, power: float) -> float:
    """Chance of going on after all looks, less the one allowed."""
    return _stays(z, drift) - (1 - power)


@cache
def _legendre(many: int) -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(many)


def _stays(z: np.ndarray, drift: float = 0.0) -> float:
    """Chance that a sum of normals with this mean, over the root of their number, stays within ±z at every look."""
    limits = z * np.sqrt(np.arange(1, len(z) + 1))
    where, density = np.zeros(1), np.ones(1)
    for limit in limits:
        # Gauss-Legendre over the part that goes on, fine enough for steps of one standard deviation.
        nodes, weights = _legendre(int(40 + 8 * limit))
        places = limit * nodes
        step = np.exp(-((places[:, None] - where[None, :] - drift) ** 2) / 2) / math.sqrt(2 * math.pi)
        where, density = places, limit * weights * (step @ density)
    return float(density.sum())
