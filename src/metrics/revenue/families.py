"""Did customers take more of the same, or something else beside it? Growth and shrinkage by family of products."""

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pandas as pd

from metrics.periods import Ints, When
from metrics.results import keys, result
from metrics.revenue.kept import held_at
from metrics.revenue.ledger import Ledger, read_ledger
from metrics.revenue.lines import priced
from metrics.revenue.money import from_parts
from metrics.revenue.policies import RevenueOptions, read_options, spell_out
from metrics.steps import unknown

_MOVES = ("upsell", "cross_sell", "downsell", "term_extension")
_RESULT = ("period_start", *_MOVES, "expansion", "contraction", "complete")
_FAMILY = "family of products"


@spell_out
def expansion_split(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    family: str = "product_family",
    by: str | Sequence[str] | None = None,
    **options: Unpack[RevenueOptions],
) -> pd.DataFrame:
    """Was it more of the same, something new, or less?

    Of the customers with MRR at a period's opening and closing, by family of products: more of one that they held is
    upsell, one that they did not hold cross_sell, less is downsell. Where the family's ``billing_months`` rose, less is
    term_extension: who pays for a year at once pays less a month. The four add up to expansion + contraction, which are
    of whole customers: who swaps one family for another of the same price has neither.

    Parameters
    ----------
    subscriptions
        MRR lines, or rows with prices, which go through `mrr_lines`.
    as_of
        First moment not observed.
    family
        Column of the families. Without it in the table all is one family.
    by
        Column or list for a breakdown.
    **options
        Range and policies as in `mrr_rollforward`. Paused MRR counts as held.

    Returns
    -------
    DataFrame, one row per period that has begun (group, and currency where there are several)
        period_start             local time in `tz`; absent with ``period=None``
        upsell, cross_sell       money, from 0
        downsell, term_extension money, to 0
        expansion, contraction   money  of customers who pay more, or less, than at the opening
        complete                 bool   the period is over at `as_of`

    Raises
    ------
    ValueError, EventTableError
        As `mrr_rollforward`.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ann"],
    ...         "subscription_id": ["s1", "s2"],
    ...         "start": pd.to_datetime(["2026-01-05", "2026-02-10"], utc=True),
    ...         "end": pd.to_datetime([None, None], utc=True),
    ...         "mrr": [10, 5],
    ...         "product_family": ["notes", "calendar"],
    ...     }
    ... )
    >>> expansion_split(lines, since="2026-02-01", as_of="2026-03-01")[["upsell", "cross_sell", "expansion"]]
       upsell  cross_sell  expansion
    0     0.0         5.0        5.0
    """
    by = keys(by, taken=[*_RESULT, "currency"])
    span, policies = read_options(as_of, options)
    lines = priced(subscriptions)
    for name in by:
        if name not in lines:
            raise ValueError(unknown("subscriptions", name, lines.columns, "a column of the table", "columns"))
    lines = lines.assign(**{_FAMILY: lines.get(family, "all")})
    ledger = read_ledger(lines, span=span, policies=policies, by=[*by, _FAMILY])
    # The parts of the ledger are families; the report adds up those of a group and currency.
    told = ledger.parts[[*by, "currency"]]
    group: Ints = np.asarray(told.groupby([*by, "currency"], dropna=False, sort=True).ngroup(), np.int64)
    rows = told.iloc[np.unique(group, return_index=True)[1]].reset_index(drop=True)
    shape = (len(ledger.periods), len(rows))
    sums = {name: np.zeros(shape, np.int64) for name in (*_MOVES, "expansion", "contraction")}
    for place in range(len(ledger.periods)):
        _add_period(ledger, place, group, sums)
    coins = np.zeros(len(rows), np.int64)
    coins[group] = ledger.coins
    at, row = (axis.ravel() for axis in np.meshgrid(*(np.arange(size) for size in shape), indexing="ij"))
    table = pd.DataFrame({name: from_parts(parts.ravel(), coins[row]) for name, parts in sums.items()})
    table["complete"] = ledger.periods.complete[at]
    keyed = rows.iloc[row].reset_index(drop=True)
    if len(set(rows["currency"])) < 2:
        keyed = keyed[by]
    table = ledger.periods.keyed(pd.concat([keyed, table], axis=1), at)
    definition = (
        f"Customers with MRR at both edges of a period, by {family}: more of what they held is upsell, a new one "
        "cross-sell, less is downsell, or a term extension where it is billed for longer."
    )
    settings = {"family": family, "by": by or None, **span.said(), **policies.said()}
    return result(table, metric="expansion_split", definition=definition, settings=settings)


def _add_period(ledger: Ledger, place: int, group: Ints, sums: dict[str, Ints]) -> None:
    """Add what moved in one period to the sums of the groups."""
    first, last, wide = int(ledger.periods.edges[place]), int(ledger.periods.edges[place + 1]), len(ledger.parts)
    sides = [held_at(ledger, day, place) for day in (first, last)]
    code = [unit * wide + part for unit, part, _, _ in sides]
    pairs, mine = np.unique(np.r_[code[0], code[1]], return_inverse=True)
    money = np.zeros((2, len(pairs)), np.int64)
    live = np.zeros((2, ledger.units), np.int64)
    for side, (unit, _, paying, held) in enumerate(sides):
        at = mine[: len(code[0])] if side == 0 else mine[len(code[0]) :]
        np.add.at(money[side], at, paying + held)
        np.add.at(live[side], unit, paying)
    unit, part = pairs // wide, pairs % wide
    stays = (live[0][unit] > 0) & (live[1][unit] > 0)
    unit, part, (before, after) = unit[stays], part[stays], money[:, stays]
    change, where = after - before, group[part]
    longer = np.zeros(len(unit), bool)
    if "billing_months" in ledger.book.table and len(unit):
        longer = _longest(ledger, last, unit, part) > _longest(ledger, first, unit, part)
    for name, some in (
        ("upsell", (change > 0) & (before > 0)), ("cross_sell", (change > 0) & (before == 0)),
        ("downsell", (change < 0) & ~longer), ("term_extension", (change < 0) & longer),
    ):  # fmt: skip
        np.add.at(sums[name][place], where[some], change[some])
    width = sums["expansion"].shape[1]
    whole, at = np.unique(unit * width + where, return_inverse=True)
    total = np.zeros(len(whole), np.int64)
    np.add.at(total, at, change)
    for name, some in (("expansion", total > 0), ("contraction", total < 0)):
        np.add.at(sums[name][place], (whole % width)[some], total[some])


def _longest(ledger: Ledger, day: int, unit: Ints, part: Ints) -> np.ndarray:
    """The longest billing of each unit and part at the start of a day."""
    rows, months = ledger.running(day)
    wide = len(ledger.parts)
    key = ledger.unit[rows] * wide + ledger.reported[ledger.part[rows]]
    longest = pd.Series(months).groupby(key).max()
    return np.asarray(longest.reindex(unit * wide + part).fillna(0).to_numpy(float))
