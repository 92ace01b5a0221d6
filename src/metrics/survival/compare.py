"""Do groups of customers stay for different lengths of time? The log-rank test, of all together and of each pair."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.intervals import Correction, Floats, adjusted
from metrics.periods import one_of
from metrics.results import result
from metrics.survival.observations import Column, Observations, groups_of, read

_CELLS = 4_000_000  # numbers held at once: groups x times
_SAME = (
    "Expected: the customers who would have left in a group if at each time at which somebody left all groups had lost "
    "the same share of those watched."
)


def compare_survival(durations: Column, observed: Column, *, by: Column, entry: Column | None = None) -> pd.DataFrame:
    """Do groups of customers stay for different lengths of time?

    The log-rank test: whether all groups lose the same share at every time. It sees best a difference that has one
    direction throughout; curves that cross may differ and still have a large p. `compare_survival_pairs` says which
    groups differ.

    Parameters
    ----------
    durations, observed, entry
        As in `survival_curve`.
    by
        Group of each customer; a missing one is a group of its own.

    Returns
    -------
    DataFrame, one row per group
        group      as given
        customers  count
        churned    count     those who left
        expected   number    those who would have left if all groups lost the same share at each time
        chi2       0 and up  of the whole test, the same in each row
        degrees    count     groups that can be told apart, less one
        p_value    0 to 1    how often chance alone makes groups differ as much
        reason     text      ``one_group``; ``no_churn_observed``: nobody left; ``never_at_risk_together``: whenever
                             somebody left, only one group was watched, or all who were watched left

    Raises
    ------
    ValueError, EventTableError
        As `survival_curve`.

    Notes
    -----
    Mantel (1966), Cancer Chemotherapy Reports 50:163; Peto & Peto (1972), Journal of the Royal Statistical Society A
    135:185.

    Examples
    --------
    >>> table = compare_survival([1, 2, 3, 4], [1, 1, 1, 0], by=["trial", "trial", "paid", "paid"])
    >>> table[["group", "customers", "churned", "expected", "chi2"]].round(3)
       group  customers  churned  expected   chi2
    0   paid          2        1     2.167  2.882
    1  trial          2        2     0.833  2.882
    """
    watched = read(durations, observed, entry, by=by)
    codes, groups = groups_of(by)
    test = _log_rank(watched, codes, len(groups))
    table = pd.DataFrame({
        "group": pd.Series(groups), "customers": np.bincount(codes, minlength=len(groups)),
        "churned": test.churned, "expected": test.expected, "chi2": test.chi2, "degrees": test.degrees,
        "p_value": test.p_value, "reason": pd.Series([test.reason] * len(groups), dtype="str"),
    })  # fmt: skip
    definition = f"Log-rank test of the groups' survival curves. {_SAME}"
    return result(table, metric="compare_survival", definition=definition, settings=_settings(entry))


def compare_survival_pairs(
    durations: Column, observed: Column, *, by: Column, entry: Column | None = None, correction: Correction = "holm"
) -> pd.DataFrame:
    """Which groups of customers stay for different lengths of time?

    The log-rank test of each two groups, and what is left of it when all tests are taken together.

    Parameters
    ----------
    durations, observed, by, entry
        As in `compare_survival`.
    correction
        How p-values are adjusted: ``"holm"`` (default), ``"bonferroni"`` or ``"benjamini_hochberg"``.

    Returns
    -------
    DataFrame, one row per pair of groups
        group, other                    as given
        customers, other_customers      count
        churned, other_churned          count     those who left
        expected, other_expected        number    those who would have left if both lost the same share at each time
        chi2, degrees                             of the test of these two
        p_value, p_adjusted             0 to 1    alone, and with all pairs taken together
        reason                          text      as in `compare_survival`

    Raises
    ------
    ValueError, EventTableError
        As `survival_curve`; an unknown correction.

    Examples
    --------
    >>> pairs = compare_survival_pairs([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 1, 0], by=list("aabbcc"))
    >>> pairs[["group", "other", "churned", "other_churned"]]
      group other  churned  other_churned
    0     a     b        2              1
    1     a     c        2              1
    2     b     c        1              1
    """
    one_of("correction", correction, Correction)
    watched = read(durations, observed, entry, by=by)
    codes, groups = groups_of(by)
    many, rows = np.bincount(codes, minlength=len(groups)), []
    members = [watched.of(codes == k) for k in range(len(groups))]
    for a, b in itertools.combinations(range(len(groups)), 2):
        both = _together(members[a], members[b])
        test = _log_rank(both, np.repeat([0, 1], [many[a], many[b]]), 2)
        rows.append([groups[a], groups[b], *many[[a, b]], *test.churned, *test.expected, test.chi2, test.degrees,
                     test.p_value, test.reason])  # fmt: skip
    table = pd.DataFrame(rows, columns=_PAIRS).astype({"p_value": "float64", "reason": "str"})
    table.insert(11, "p_adjusted", adjusted(table["p_value"], correction))
    definition = (
        f"Log-rank test of the survival curves of each two groups. {_SAME} p_adjusted: {correction} over all pairs."
    )
    settings = {**_settings(entry), "correction": correction}
    return result(table, metric="compare_survival_pairs", definition=definition, settings=settings)


_PAIRS = ["group", "other", "customers", "other_customers", "churned", "other_churned", "expected", "other_expected",
          "chi2", "degrees", "p_value", "reason"]  # fmt: skip


def _settings(entry: Column | None) -> dict[str, Any]:
    return {"test": "log-rank", "late_entry": entry is not None}


def _together(a: Observations, b: Observations) -> Observations:
    entry = None if a.entry is None or b.entry is None else np.r_[a.entry, b.entry]
    return Observations(np.r_[a.duration, b.duration], np.r_[a.observed, b.observed], entry, a.timed, a.whole)


class _LogRank:
    """Those who left and those expected to, by group, with the test that they are alike."""

    def __init__(self, churned: npt.NDArray[np.int64], expected: Floats, variance: Floats) -> None:
        from scipy.special import chdtrc  # slow to import, and needed for tests alone

        self.churned, self.expected, self.reason = churned, expected, None
        self.chi2, self.degrees, self.p_value = np.nan, 0, np.nan
        values, vectors = np.linalg.eigh(variance) if len(variance) else (np.zeros(0), variance)
        # The differences add up to 0, so that at least one direction has no variance; groups that were never watched
        # together with others add more.
        varies = values > 1e-10 * max(values.max(initial=0), 1e-300)
        if len(churned) < 2:
            self.reason = "one_group"
        elif not churned.sum():
            self.reason = "no_churn_observed"
        elif not varies.any():
            self.reason = "never_at_risk_together"
        else:
            along = vectors[:, varies].T @ (churned - expected)
            self.degrees = int(varies.sum())
            self.chi2 = float(np.sum(along**2 / values[varies]))
            self.p_value = float(chdtrc(self.degrees, self.chi2))


def _log_rank(watched: Observations, codes: npt.NDArray[np.intp], many: int) -> _LogRank:
    """Sums over the times at which somebody left, a stretch of them at a time."""
    left = np.sort(watched.duration[watched.observed])
    time, churned = np.unique(left, return_counts=True)
    ends = [np.sort(watched.duration[codes == k]) for k in range(many)]
    starts = None if watched.entry is None else [np.sort(watched.entry[codes == k]) for k in range(many)]
    expected, variance = np.zeros(many), np.zeros((many, many))
    length = max(1, _CELLS // max(many, 1))
    for first in range(0, len(time), length):
        at, lost = time[first : first + length], churned[first : first + length]
        at_risk = np.empty((many, len(at)))
        for k, end in enumerate(ends):
            entered = len(end) if starts is None else np.searchsorted(starts[k], at, side="left")
            at_risk[k] = entered - np.searchsorted(end, at, side="left")
        total = at_risk.sum(axis=0)
        share = at_risk / total
        spread = lost * (total - lost) / np.maximum(total - 1, 1)
        expected += share @ lost
        variance += np.diag(share @ spread) - (share * spread) @ share.T
    seen = np.bincount(codes[watched.observed], minlength=many)
    return _LogRank(seen, expected, variance)
