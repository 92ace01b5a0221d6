"""Contracts: what share renews, and what that makes a customer worth.

Each customer keeps or cancels the contract at the end of every period. In a beta-geometric model (sBG) each has their
own constant probability to cancel, and these differ by a beta distribution. As those who cancel easily go first, the
retention rate of the rest rises by itself, so that one average rate foretells too few survivors. The
beta-discrete-Weibull model (BdW) also lets a customer's own probability fall (c < 1) or rise (c > 1) with time.
"""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import pandas as pd

from metrics.intervals import Floats
from metrics.periods import one_of

Name: TypeAlias = Literal["sbg", "bdw", "geometric"]
Unit: TypeAlias = Literal["second", "minute", "hour", "day", "week", "month", "quarter", "year"]
PARAMETERS = {"sbg": ("alpha", "beta"), "bdw": ("alpha", "beta", "c"), "geometric": ("retention_rate",)}
YEARS = {
    "second": 1 / (365.25 * 86_400), "minute": 1 / (365.25 * 1_440), "hour": 1 / (365.25 * 24), "day": 1 / 365.25,
    "week": 7 / 365.25, "month": 1 / 12, "quarter": 1 / 4, "year": 1.0,
}  # fmt: skip
_LARGE = 50.0  # from here on Stirling's series has all digits
_SUMMED = 20_000  # payments added up one by one; the others by their integral


@dataclass(frozen=True, init=False)
class RetentionModel:
    """How long do contracts last, at given parameters?

    Parameters
    ----------
    name
        ``"sbg"`` (`alpha`, `beta`), ``"bdw"`` (`alpha`, `beta`, `c`), or ``"geometric"`` (`retention_rate`, the same
        for everybody in every period: the yardstick).
    unit
        Length of one period: ``"month"``. Used to discount.
    **parameters
        All above 0; `retention_rate` from 0 to 1.

    Raises
    ------
    ValueError
        An unknown name or unit; parameters that are missing, unknown or impossible.

    Notes
    -----
    Fader & Hardie (2007), Journal of Interactive Marketing 21(1):76 (sBG); Fader & Hardie (2010), Marketing Science
    29:85 (discounted lifetime); Fader et al. (2018), Journal of Interactive Marketing 43:1 (BdW).

    Examples
    --------
    >>> RetentionModel("sbg", unit="year", alpha=1, beta=1).survival(3).round(3).tolist()
    [1.0, 0.5, 0.333, 0.25]
    """

    name: Name
    unit: Unit
    parameters: dict[str, float] = field(hash=False)

    def __init__(self, name: Name, /, *, unit: Unit, **parameters: float) -> None:
        one_of("name", name, Name)
        one_of("unit", unit, Unit)
        wanted = PARAMETERS[name]
        if set(parameters) != set(wanted):
            raise ValueError(f"{name} has the parameters {list(wanted)}, not {sorted(parameters)}. Give each of them.")
        values = {key: _number(key, parameters[key]) for key in wanted}
        for key, value in (("name", name), ("unit", unit), ("parameters", values)):
            object.__setattr__(self, key, value)

    def survival(self, periods: int) -> pd.Series:
        """Share of the customers of period 0 who are still there.

        Returns
        -------
        Series by period, 0 to `periods`
        """
        number = np.arange(_periods(periods) + 1)
        values = np.exp(self._log_survival(number.astype(float)))
        return pd.Series(values, index=pd.Index(number, name="period"), name="survival")

    def retention_rate(self, periods: int) -> pd.Series:
        """Of those there in the period before, the share who are still there.

        Returns
        -------
        Series by period, 1 to `periods`; NA where nobody can be left
        """
        number = np.arange(_periods(periods) + 1)
        with np.errstate(invalid="ignore"):
            values = np.exp(np.diff(self._log_survival(number.astype(float))))
        return pd.Series(values, index=pd.Index(number[1:], name="period"), name="retention_rate")

    def discounted_lifetime(self, *, annual_discount: float, renewal: int = 0) -> float:
        """How many payments are still to come, discounted?

        Parameters
        ----------
        annual_discount
            Yearly rate, compounded: 0.1 for 10 %.
        renewal
            0 (default): of a new customer, whose first payment is certain and made now (DEL). n: of a customer just
            before the n-th renewal, who may not make it; that payment is not discounted (DERL).

        Returns
        -------
        float
            Payments, each discounted to now; NaN if without a discount they have no end.

        Raises
        ------
        ValueError
            A discount below 0, a renewal that is no whole number from 0.

        Examples
        --------
        >>> sbg = RetentionModel("sbg", unit="year", alpha=3.80, beta=15.19)
        >>> round(sbg.discounted_lifetime(annual_discount=0.1, renewal=5), 2)
        3.84
        """
        if not 0 <= annual_discount < np.inf:
            raise ValueError(f"annual_discount: {annual_discount!r} is no yearly rate. Write 10 % as 0.1.")
        if isinstance(renewal, bool) or not isinstance(renewal, int | np.integer) or renewal < 0:
            raise ValueError(f"renewal: {renewal!r} is no renewal. Use 0 for a new customer, 1 for the first.")
        rate = np.log1p(annual_discount) * YEARS[self.unit]  # continuous, of one period
        if self.name == "geometric":
            kept = self.parameters["retention_rate"]
            left = kept * np.exp(-rate)
            return float(np.nan if left >= 1 else (kept if renewal else 1.0) / (1 - left))
        if rate == 0 and self.parameters["alpha"] * self.parameters.get("c", 1.0) <= 1:
            return float("nan")
        known = self._log_survival(np.array([max(renewal - 1, 0.0)]))[0]

        def paid(after: Floats) -> Floats:
            share: Floats = np.exp(self._log_survival(renewal + after) - known - rate * after)
            return share

        return float(paid(np.arange(float(_SUMMED))).sum()) + _tail(paid, float(_SUMMED))

    def _log_survival(self, period: Floats) -> Floats:
        if self.name == "geometric":
            kept = self.parameters["retention_rate"]
            with np.errstate(divide="ignore"):
                return np.where(period > 0, period * np.log(kept) if kept else -np.inf, 0.0)
        c = self.parameters.get("c", 1.0)
        return log_survival(self.parameters["alpha"], self.parameters["beta"], period**c)


def log_survival(alpha: float, beta: float, spent: Floats) -> Floats:
    """Logarithm of B(alpha, beta + spent) / B(alpha, beta), by the form that loses no digits."""
    if alpha < _LARGE:
        return _log_gamma_step(beta, alpha) - _log_gamma_step(beta + spent, alpha)
    return _log_gamma_step(beta, spent) - _log_gamma_step(alpha + beta, spent)


def _log_gamma_step(x: float | Floats, step: float | Floats) -> Floats:
    """Log of Gamma(x + step) / Gamma(x); for large x by Stirling's series, where the difference would lose digits."""
    from scipy.special import gammaln  # slow to import, and needed for models alone

    x, step = np.broadcast_arrays(np.asarray(x, float), np.asarray(step, float))
    low = np.minimum(x, _LARGE)
    y, large = np.maximum(x, _LARGE) + step, np.maximum(x, _LARGE)
    series = (1 / y - 1 / large) / 12 - (1 / y**3 - 1 / large**3) / 360 + (1 / y**5 - 1 / large**5) / 1260
    stirling = (large - 0.5) * np.log1p(step / large) + step * np.log(y) - step + series
    return np.where(x < _LARGE, gammaln(low + step) - gammaln(low), stirling)


def _tail(paid: Any, start: float) -> float:
    """Sum of a smooth function from `start` on, by Euler and Maclaurin: integral, half the first term, slope."""
    from scipy.integrate import quad

    first, ahead, behind = paid(np.array([start, start + 1, start - 1]))
    if first == 0:
        return 0.0
    area = quad(lambda s: float(paid(start * np.exp(s))) * start * np.exp(s), 0, 60, limit=500, epsabs=1e-13)[0]
    return float(area + first / 2 - (ahead - behind) / 24)


def _number(name: str, value: Any) -> float:
    number = float(value) if isinstance(value, int | float | np.number) and not isinstance(value, bool) else np.nan
    top = 1.0 if name == "retention_rate" else np.inf
    if not (0 <= number <= 1 if name == "retention_rate" else 0 < number < top):
        allowed = "from 0 to 1" if name == "retention_rate" else "above 0"
        raise ValueError(f"{name}: {value!r} is impossible. Use a number {allowed}.")
    return number


def _periods(periods: int) -> int:
    if isinstance(periods, bool) or not isinstance(periods, int | np.integer) or periods < 1:
        raise ValueError(f"periods: {periods!r} is no number of periods. Use 1 or more.")
    return int(periods)


def check_names(model: str, unit: str) -> None:
    """Refuse a model or a unit that does not exist."""
    one_of("model", model, Name)
    if unit not in get_args(Unit):
        one_of("unit", unit, Unit)
