"""Could it be chance? The test of two rates, and p-values of many tests together."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from metrics.intervals.rates import Floats, Numbers, ratio
from metrics.periods import one_of

Correction: TypeAlias = Literal["holm", "benjamini_hochberg", "bonferroni"]
TwoRates: TypeAlias = Literal["auto", "z_pooled", "fisher"]


class Tested(NamedTuple):
    """z (of the pooled test also where Fisher's gave `p_value`) and the two-sided p-value, for each row."""

    z: Floats
    p_value: Floats


def two_rates_test(
    successes_a: Numbers, n_a: Numbers, successes_b: Numbers, n_b: Numbers, test: TwoRates = "auto"
) -> Tested:
    """Whether two rates differ: pooled z, and with ``"auto"`` Fisher's exact test where an expected count is under 5.

    Two-sided. NaN where a side is empty, and where all or none of both succeeded: without variance there is no test.
    Counts that are no whole numbers (expected ones) are rounded for the exact test.
    Fisher (1935), Journal of the Royal Statistical Society 98:39; Cochran (1954), Biometrics 10:417, for the 5.
    """
    from scipy.special import ndtr  # slow to import, and needed for tests alone

    one_of("test", test, TwoRates)
    x_a, n_a, x_b, n_b = np.broadcast_arrays(*(np.asarray(v, float) for v in (successes_a, n_a, successes_b, n_b)))
    pooled = ratio(x_a + x_b, n_a + n_b)
    z = ratio(ratio(x_a, n_a) - ratio(x_b, n_b), np.sqrt(pooled * (1 - pooled) * (ratio(1, n_a) + ratio(1, n_b))))
    p = np.array(2 * ndtr(-np.abs(z)))
    least = np.minimum(pooled, 1 - pooled) * np.minimum(n_a, n_b)
    exact = ~np.isnan(z) & (least < 5 if test == "auto" else test == "fisher")
    if exact.any():
        from scipy.stats import fisher_exact  # slower still

        for place in np.flatnonzero(exact):
            a, b = np.rint([x_a.flat[place], x_b.flat[place]])
            p.flat[place] = fisher_exact([[a, n_a.flat[place] - a], [b, n_b.flat[place] - b]]).pvalue
    return Tested(z, p)


def adjusted(p_values: Numbers, method: Correction = "holm") -> Floats:
    """P-values as `adjust_p_values` gives them."""
    one_of("method", method, Correction)
    p = np.atleast_1d(np.asarray(p_values, float))
    there = np.flatnonzero(~np.isnan(p))
    order = there[np.argsort(p[there], kind="stable")]
    tests, rank = len(order), np.arange(1, len(order) + 1)
    if method == "bonferroni":
        stepped = p[order] * tests
    elif method == "holm":  # from the least p on: none is under the one before
        stepped = np.maximum.accumulate(p[order] * (tests - rank + 1))
    else:  # from the largest on: none is over the one after
        stepped = np.minimum.accumulate((p[order] * tests / rank)[::-1])[::-1]
    found: Floats = np.full(len(p), np.nan)
    found[order] = np.minimum(stepped, 1)
    return found


def adjust_p_values(p_values: Sequence[float] | Floats | pd.Series, *, method: Correction = "holm") -> pd.DataFrame:
    """Which of many tests still stand when they are taken together?

    Of twenty tests of nothing, one has p < 0.05. An adjusted p-value below 0.05 keeps the whole family of tests
    under that risk.

    Parameters
    ----------
    p_values
        One for each test; a missing one is no test and stays missing.
    method
        ``"holm"`` (default) and ``"bonferroni"``: below 0.05, the risk of a single false finding among all is below
        5 %, however the tests depend on each other; Holm's is never the larger p. ``"benjamini_hochberg"``: of all
        findings below 0.05, at most 5 % are expected to be false; finds more, for tests that are independent or
        lean the same way.

    Returns
    -------
    DataFrame, one row per test, in the order given
        p_value     0 to 1  as given
        p_adjusted  0 to 1  NA where `p_value` is

    Raises
    ------
    ValueError
        A number that is not between 0 and 1, an unknown method.

    Notes
    -----
    Holm (1979), Scandinavian Journal of Statistics 6:65-70; Benjamini & Hochberg (1995), Journal of the Royal
    Statistical Society B 57:289-300.

    Examples
    --------
    >>> adjust_p_values([0.01, 0.04, 0.03, 0.005])
       p_value  p_adjusted
    0    0.010        0.03
    1    0.040        0.06
    2    0.030        0.06
    3    0.005        0.02
    """
    p = pd.Series(p_values, dtype="float64").to_numpy(float, na_value=np.nan)
    wrong = ~((p >= 0) & (p <= 1) | np.isnan(p))
    if wrong.any():
        raise ValueError(f"p_values: {p[wrong][0]:g} is not a probability. P-values lie between 0 and 1.")
    return pd.DataFrame({"p_value": p, "p_adjusted": adjusted(p, method)})
