"""Certainty: every decision about intervals and tests.

A rate carries a Wilson interval, a difference of two rates Newcombe's, a ratio log limits, a net promoter score the
adjusted Wald interval, a Kaplan-Meier share the log-log interval. Two rates are tested by the pooled z, or exactly
where counts are small, and several tests are adjusted together. All take and give plain numpy arrays; the public
ones, `proportion_interval`, `difference_interval` and `adjust_p_values`, give tables.
"""

from metrics.intervals.comparisons import Estimates, difference_interval, newcombe, odds_ratio, relative_lift
from metrics.intervals.p_values import Correction, Tested, TwoRates, adjust_p_values, adjusted, two_rates_test
from metrics.intervals.rates import (
    Floats,
    Method,
    Numbers,
    add_rate,
    checked_counts,
    clopper_pearson,
    log_log,
    no_denominator,
    normal_quantile,
    proportion_interval,
    ratio,
    wald,
    wilson,
)
from metrics.intervals.scores import Votes, net_score

__all__ = [
    "Correction", "Estimates", "Floats", "Method", "Numbers", "Tested", "TwoRates", "Votes",
    "add_rate", "adjust_p_values", "adjusted", "checked_counts", "clopper_pearson", "difference_interval", "log_log",
    "net_score", "newcombe", "no_denominator", "normal_quantile", "odds_ratio", "proportion_interval", "ratio",
    "relative_lift", "two_rates_test", "wald", "wilson",
]  # fmt: skip
