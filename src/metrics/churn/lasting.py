"""How long contracts last: of those who began one, how many still have it after 1, 2, 3, … periods?

Periods are counted from each customer's own beginning, so that everybody has lived as many of them. Only who began long
enough ago to be watched to the last period is counted; the others are told beside.
"""

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pandas as pd

from metrics.churn.estimates import told
from metrics.intervals import add_rate
from metrics.periods import DAY, Ints, When, instant, local_time
from metrics.results import keys, result
from metrics.revenue.book import NEVER
from metrics.revenue.kept import shifted
from metrics.revenue.ledger import Ledger, read_ledger
from metrics.revenue.policies import RevenueOptions, read_options, spell_out
from metrics.revenue.ranges import Range

_MONTHS, _DAYS = {"month": 1, "quarter": 3, "year": 12}, {"day": 1, "week": 7}
_COUNTS = ("customers", "too_recent", "active", "gone")
_RATES = ("kept_rate", "kept_rate_low", "kept_rate_high", "renewal_rate", "renewal_rate_low", "renewal_rate_high")
_RESULT = ("period", *_COUNTS, *_RATES, "reason")


@spell_out
def contract_retention(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    periods: int = 12,
    min_n: int = 10,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    **options: Unpack[RevenueOptions],
) -> pd.DataFrame:
    """Of the customers who began a contract, how many still have it after so many periods?

    A customer begins on the day of the first MRR, and is still there after k periods with MRR, or paused, at the end of
    the day that lies k periods later (the 31st becomes the last day of a shorter month). The first day without either
    ends it for good: who comes back later has left. The table is what `fit_retention` and `project_retention` take.

    Parameters
    ----------
    subscriptions
        MRR lines, or rows with prices, which go through `mrr_lines`.
    as_of
        First moment not observed.
    periods
        How many to follow. Who began less than so many periods before `as_of` is not counted, but in `too_recent`.
    min_n
        Rates over fewer are NA with the reason ``below_min_n``; the counts stand.
    by
        Column or list for a breakdown, read from the customer's first row with MRR: a customer stays in its group.
    confidence
        Level of the intervals.
    **options
        Range and policies as in `mrr_rollforward`: `period` is the length of a period, ``"month"`` (default),
        ``"day"``, ``"week"``, ``"quarter"`` or ``"year"``; ``since`` and ``until`` limit the days on which customers
        began; ``level="subscription"`` counts these.

    Returns
    -------
    DataFrame, one row per period from 0 to `periods` (and group)
        period            count
        customers         count  who began, and were watched for all periods
        too_recent        count  who began too recently for that, and are left out
        active            count  of these customers, still there
        gone              count  left since the period before
        kept_rate (…)     0 to 1 active / customers, Wilson; 1 in period 0
        renewal_rate (…)  0 to 1 active / active of the period before, Wilson; NA in period 0
        reason            text   of each rate that is missing: ``zero_denominator``, ``below_min_n``

    Raises
    ------
    ValueError
        `periods` below 1, a period of hours, a column that is not there.
    EventTableError
        As `mrr_rollforward`.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ben", "cat"],
    ...         "subscription_id": ["s1", "s2", "s3"],
    ...         "start": pd.to_datetime(["2026-01-31", "2026-02-10", "2026-05-20"], utc=True),
    ...         "end": pd.to_datetime([None, "2026-04-10", None], utc=True),
    ...         "mrr": [10, 25, 25],
    ...     }
    ... )
    >>> contract_retention(lines, periods=3, as_of="2026-06-01", min_n=1)[["period", "customers", "active", "gone"]]
       period  customers  active  gone
    0       0          2       2     0
    1       1          2       2     0
    2       2          2       1     1
    3       3          2       1     0
    """
    if isinstance(periods, bool) or not isinstance(periods, int | np.integer) or periods < 1:
        raise ValueError(f"periods: {periods!r} is no number of periods. Use a whole number from 1.")
    by = keys(by, taken=_RESULT)
    span, policies = read_options(as_of, options)
    period = span.period
    if period not in _MONTHS | _DAYS:
        raise ValueError(
            f"period: {period!r} is no length in local days. Use 'day', 'week', 'month', 'quarter', 'year'."
        )
    ledger = read_ledger(subscriptions, span=span, policies=policies, by=by)
    unit, began, gone = _lives(ledger)
    inside = (began >= _day_from(span, span.since, -NEVER)) & (began < _day_from(span, span.until, NEVER))
    unit, began, gone = unit[inside], began[inside], gone[inside]
    observed = int(span.days(np.array([span.observed]))[0])  # the first local day that is not wholly observed
    whole = _later(began, int(periods), period) < observed
    group, wide = _groups(ledger, unit), len(ledger.book.segments)
    customers = np.bincount(group[whole], minlength=wide)
    too_recent = np.bincount(group[~whole], minlength=wide)
    unit, began, gone, group = unit[whole], began[whole], gone[whole], group[whole]
    active = np.empty((wide, int(periods) + 1), np.int64)
    active[:, 0] = customers
    for k in range(1, int(periods) + 1):
        active[:, k] = np.bincount(group[gone > _later(began, k, period)], minlength=wide)
    row, number = (axis.ravel() for axis in np.indices(active.shape))
    table = ledger.book.segments.iloc[row].reset_index(drop=True)
    before = active[row, np.maximum(number - 1, 0)]
    table["period"], table["customers"], table["too_recent"] = number, customers[row], too_recent[row]
    table["active"] = active.ravel()
    table["gone"], table["_before"] = before - table["active"], before
    table = add_rate(table, "kept_rate", "active", "customers", confidence)
    table = add_rate(table, "renewal_rate", "active", "_before", confidence)
    start = table["period"] == 0
    table.loc[start, "kept_rate_low"] = 1.0  # the customers themselves: no estimate
    table = told(table, {"kept_rate": "customers", "renewal_rate": "_before"}, min_n)
    table.loc[start, ["renewal_rate", "renewal_rate_low", "renewal_rate_high"]] = np.nan
    what = {"customer": "customers", "subscription": "subscriptions"}[policies.level]
    definition = (
        f"Of the {what} whose first MRR lies at least {periods} {period}s before {span.said()['as_of']}, those with "
        f"MRR, or paused, at the end of every day up to so many {period}s after. {policies.in_words()}"
    )
    settings = {
        "periods": int(periods), "min_n": min_n, "by": by or None, "confidence": confidence,
        **span.said(), **policies.said(),
    }  # fmt: skip
    columns = [*by, *_RESULT]
    return result(table, metric="contract_retention", definition=definition, settings=settings, columns=columns)


def _lives(ledger: Ledger) -> tuple[Ints, Ints, Ints]:
    """Of each unit with MRR on some day: the unit, the first such day, and the first day after it without anything."""
    cells = ledger.whole
    started = np.flatnonzero(cells.live > 0)
    first = started[np.flatnonzero(np.r_[True, cells.unit[started][1:] != cells.unit[started][:-1]][: len(started)])]
    unit, began = cells.unit[first], cells.day[first]
    since = np.full(ledger.units, NEVER)
    since[unit] = began
    over = np.flatnonzero((cells.live <= 0) & (cells.held <= 0) & (cells.day > since[cells.unit]))
    gone = np.full(ledger.units, NEVER)
    np.minimum.at(gone, cells.unit[over], cells.day[over])
    return unit, began, gone[unit]


def _later(day: Ints, k: int, period: str) -> Ints:
    """Local days so many periods later."""
    if period in _DAYS:
        return day + k * _DAYS[period]
    return shifted(day, np.full(len(day), k * _MONTHS[period]))


def _day_from(span: Range, when: When | None, open_end: int) -> int:
    """The first local day that begins at an instant or later."""
    if when is None:
        return open_end
    return -(-int(local_time(np.array([instant(when, tz=span.tz)]), span.tz)[0]) // DAY)


def _groups(ledger: Ledger, unit: Ints) -> Ints:
    """The segment of each unit's first row with MRR; of several that begin together, the first in order."""
    book = ledger.book
    rows = np.flatnonzero(book.parts > 0)
    rows = rows[np.lexsort((book.segment[rows], book.start[rows], ledger.unit[rows]))]
    owner = ledger.unit[rows]
    first = np.flatnonzero(np.r_[True, owner[1:] != owner[:-1]][: len(owner)])
    segment = np.zeros(ledger.units, np.int64)
    segment[owner[first]] = book.segment[rows[first]]
    return segment[unit]
