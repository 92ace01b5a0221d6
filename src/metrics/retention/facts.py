"""Facts of cohorts as the kernel hands them over: one sort of fact a row, so that parts of the units add up by key."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics import exact
from metrics.engine.local import Columns
from metrics.intervals import Floats
from metrics.periods import Ints

# What a row tells, beside its groups, its cohort and its cell. Counts stand in `first` and `second`, money in three
# whole numbers (see `metrics.exact`).
COUNTED = 0  # users of the cohort, of these retained in the cell
SEEN = 1  # units with a start, of these with starts in several periods; in place of the cohort the first period of all
PAIRS, SQUARES, PRODUCTS = 2, 3, 4  # of units in several cohorts: see `repeats`
SAME_PERIOD = 11  # members who came back within the period of their start
VALUE, KEPT, VALUE_SQUARED, VALUE_BY_START, KEPT_SQUARED, KEPT_BY_START = range(5, 11)  # money: see `worth`
MONEY = range(VALUE, KEPT_BY_START + 1)
NUMBERS = ("first", "second", "power", "high", "low")


def money_column(what: int) -> str:
    """Name of the column in which sums of one sort of money stand beside the counts of their cell."""
    return f"money {what}"


def fact(what: int, groups: Columns, cohort: Ints, cell: Ints, **numbers: Ints) -> Columns:
    """Rows of one sort; numbers that are not given are 0."""
    none = np.zeros(len(cell), np.int64)
    keys = {**groups, "cohort": cohort, "cell": cell, "what": none + what}
    return keys | {name: numbers.get(name, none) for name in NUMBERS}


def joined(parts: Sequence[Columns]) -> Columns:
    """Rows of several sorts."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def money(what: int, groups: Columns, cohort: Ints, cell: Ints, amount: Floats) -> Columns:
    """Sums of money by group, cohort and cell, exact in whatever order they are added."""
    power, high, low = exact.split(amount)
    keys = pd.DataFrame({**groups, "cohort": cohort, "cell": cell, "power": power, "high": high, "low": low})
    names = [*groups, "cohort", "cell", "power"]
    sums = keys.groupby(names, sort=False, as_index=False).sum()
    found = {str(name): sums[name].to_numpy(np.int64) for name in sums}
    of_groups = {name: found.pop(name) for name in groups}
    return fact(what, of_groups, found.pop("cohort"), found.pop("cell"), **found)
