"""When do purchases count, and for how much? A horizon and a discount as times and weights.

The value of a stream that expects C(t) purchases by t is a sum of weights x C(times), whatever the model, since what is
discounted step by step can be added up by parts: the sum of v_j (C(t_j) - C(t_j-1)) is that of (v_j - v_j+1) C(t_j),
and the integral of v(t) dC(t) is v(h) C(h) plus that of d v(t) C(t) dt.
"""

import numpy as np

from metrics.clv.units import force, in_units, years
from metrics.intervals import Floats

MOST = 20_000  # periods in a horizon


def schedule(
    unit: str, horizon: str | None, annual_discount: float, period: str | None, *, seasons: bool, scale: float
) -> tuple[Floats, Floats]:
    """Times after T and the weights of the purchases expected by then.

    Parameters
    ----------
    unit
        Unit of the times.
    horizon
        How far; None: for ever, which needs a discount.
    period
        None: discounted when bought. Else purchases of each period count at its end, the last one cut at the horizon.
    seasons
        Purchases come at whole units only.
    scale
        Time at which the rate of buying begins to change; below it steps need not be finer.
    """
    rate = force(annual_discount) * years(unit)  # continuous, in one unit
    if horizon is None and rate == 0:
        raise ValueError("horizon=None asks for all future purchases, which need an annual_discount above 0.")
    end = 40 / rate if horizon is None else in_units(horizon, unit)
    if rate == 0:
        return np.array([end]), np.array([1.0])
    if period is not None or seasons:
        length = in_units(period, unit, "period") if period is not None else 1.0
        count = max(int(np.ceil(end / length - 1e-9)), 1)
        if count > MOST and horizon is not None:
            raise ValueError(f"period {period!r} is {count:,} times in the horizon. Use a longer one, or None.")
        count = min(count, MOST)
        ends = np.minimum(np.arange(1, count + 1) * length, end)
        if seasons:  # each season counts at the end of the period that it ends in
            times = np.arange(1, min(round(end), MOST) + 1, dtype=float)
            worth = np.exp(-rate * ends[np.minimum(np.searchsorted(ends, times - 1e-9), count - 1)])
        else:
            times, worth = ends, np.exp(-rate * ends)
        return times, worth - np.append(worth[1:], 0.0)
    # Composite Gauss-Legendre in log (1 + t / scale), in which rates of buying are smooth.
    deep = float(np.log1p(end / scale))
    panels = max(int(np.ceil(deep)), 1)
    nodes, share = np.polynomial.legendre.leggauss(10)
    place = (np.arange(panels)[:, None] + (nodes + 1) / 2).ravel() * deep / panels
    times = scale * np.expm1(place)
    weights = rate * np.exp(-rate * times) * (times + scale) * np.tile(share / 2, panels) * deep / panels
    return np.append(times, end), np.append(weights, np.exp(-rate * end))
