"""What a cohort is worth: money by cell, net as it comes in, and gross with nobody counted above their own beginning.

Net retention of money counts those who spend more than in the beginning; gross retention caps each at that, so that it
only falls. Net is a ratio over the members, whose money in a cell and in the beginning go together; gross is a share.
"""

import numpy as np
import pandas as pd

from metrics.engine.local import Columns
from metrics.intervals import Floats, no_denominator, normal_quantile, ratio, wilson
from metrics.periods import Ints
from metrics.results import join_reasons
from metrics.retention import facts
from metrics.retention.cohorts import Members

COLUMNS = [
    "value_sum", "value_per_user", "value_per_active_user", "value_start", "value_kept", "net_value_retention",
    "net_value_retention_low", "net_value_retention_high", "gross_value_retention", "gross_value_retention_low",
    "gross_value_retention_high",
]  # fmt: skip
_SQUARED = 1e150  # beyond it a square is no float
_MOST = float(np.finfo(float).max)


def finite(amount: Floats, at: Ints, value: str) -> Floats:
    """Numbers to add up, those of the rows `at` finite: a missing one adds nothing."""
    wrong = amount[at][np.isinf(amount[at])]
    if len(wrong):
        raise ValueError(
            f"value: {value!r} holds infinite numbers, such as {wrong.min()}. "
            "Use a column of finite numbers; a missing one adds nothing."
        )
    return np.nan_to_num(amount)


def values(amount: Floats, member: Ints, cell: Ints, who: Members) -> list[Columns]:
    """Sums of money by cohort and cell: all, what is kept, and the squares that limits need.

    One row of each argument is a return of a member in a cell; cell 0 is the beginning.
    """
    found = [facts.money(facts.VALUE, _groups(who, member), who.cohort[member], cell, amount)]
    order = np.lexsort((amount, cell, member))  # one sum of floats in one order, whatever that of the rows
    member, cell, amount = member[order], cell[order], amount[order]
    new = np.ones(len(member), bool)
    new[1:] = (member[1:] != member[:-1]) | (cell[1:] != cell[:-1])
    place = np.cumsum(new) - 1
    with np.errstate(over="ignore"):
        now: Floats = np.clip(np.bincount(place, amount), -_MOST, _MOST)
    member, cell = member[new], cell[new]
    start = np.zeros(len(who))
    start[member[cell == 0]] = now[cell == 0]
    start = start[member]
    kept: Floats = np.clip(now, 0, np.maximum(start, 0))
    small, first, less = (np.clip(x, -_SQUARED, _SQUARED) for x in (now, start, kept))
    keys = _groups(who, member), who.cohort[member], cell
    for what, sums in (
        (facts.KEPT, kept), (facts.VALUE_SQUARED, small * small), (facts.VALUE_BY_START, small * first),
        (facts.KEPT_SQUARED, less * less), (facts.KEPT_BY_START, less * first),
    ):  # fmt: skip
        found.append(facts.money(what, *keys, sums))
    return found


def _groups(who: Members, member: Ints) -> Columns:
    return {f"group {name}": code[member] for name, code in who.groups.items()}


def with_worth(table: pd.DataFrame, cohort: list[str], confidence: float, *, alike: bool) -> pd.DataFrame:
    """The table with what its cells are worth; `alike` says that all cells are as long as the first.

    It has the sums of `values` in columns by their numbers, and rows of all cells, period 0 included.
    """
    sums = {what: table.pop(facts.money_column(what)).to_numpy(float) for what in facts.MONEY}
    value, kept = sums[facts.VALUE], sums[facts.KEPT]
    beginning = table["cell"].to_numpy() == 0
    first = pd.DataFrame({"start": value, "squared": sums[facts.VALUE_SQUARED]})
    first[~beginning] = np.nan
    of_cohort = first.groupby(table.groupby(cohort, dropna=False, sort=False).ngroup().to_numpy())
    start, squared = (of_cohort[name].transform("first").to_numpy(float) for name in ("start", "squared"))
    table["value_sum"], table["value_start"], table["value_kept"] = value, start, kept
    table["value_per_user"] = ratio(value, table["users"])
    table["value_per_active_user"] = ratio(value, table["retained"])
    reason = pd.Series(pd.NA, index=table.index, dtype="str").mask(~(start > 0), "zero_denominator")
    if not alike:
        reason = reason.mask(~beginning, "unequal_periods")
    reason = reason.mask(reason.isna() & ~(np.isfinite(value) & np.isfinite(start)), "too_large")
    z, n = normal_quantile(confidence), table["users"].to_numpy(float)
    with np.errstate(all="ignore"):
        net, gross = (np.where(beginning, 1.0, part / start) for part in (value, kept))
        # As many members of one size say as much as these, of whom a few spent most.
        alike = np.minimum((start / np.sqrt(squared)) ** 2, n)
        share = np.clip(gross, 0, 1)
        low, high = wilson(share * alike, alike, confidence)
        below, above = (np.where(beginning, 0.0, np.maximum(side, 0)) for side in (gross - low, high - gross))
        spread = sums[facts.VALUE_SQUARED] - 2 * net * sums[facts.VALUE_BY_START] + net**2 * squared
        half = np.where(beginning, 0.0, z * np.sqrt(np.maximum(spread, 0) * ratio(n, n - 1)) / start)
        for name, rate, down, up in (
            # What nobody failed to spend again by chance may be missing all the same: net is never surer than gross.
            ("net_value_retention", net, np.maximum(half, below), np.maximum(half, above)),
            ("gross_value_retention", gross, below, above),
        ):
            table[name] = pd.Series(rate, index=table.index).mask(reason.notna())
            table[f"{name}_low"] = (table[name] - down).where(rate < 0, (table[name] - down).clip(lower=0))
            table[f"{name}_high"] = table[name] + up
    estimates = {"retention_rate": no_denominator(table["users"])}
    alone = (n == 1) & ~beginning & reason.isna()
    estimates |= {"net_value_retention": reason.mask(alone, "one_user"), "gross_value_retention": reason}
    table["reason"] = join_reasons(table, **estimates)
    return table
