"""Who comes back?

`cohorts` says who began when and `history` whether a first can be known, `returns` who came back when, `worth` what it
brought and `repeats` what units in several cohorts have together; they hand over `facts`. `tables` is the finished
numbers, `curve` the look over all cohorts.
"""

from metrics.retention.curve import retention_curve, retention_matrix
from metrics.retention.tables import cohort_retention

__all__ = ["cohort_retention", "retention_curve", "retention_matrix"]
