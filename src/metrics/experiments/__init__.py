"""Which variant is better? `planning` says how many users it takes, `assignment` whether they were split as meant."""

from metrics.experiments.assignment import sample_ratio_check
from metrics.experiments.compare import compare_variants
from metrics.experiments.planning import sample_size
from metrics.experiments.sequential import sequential_boundaries

__all__ = ["compare_variants", "sample_ratio_check", "sample_size", "sequential_boundaries"]
