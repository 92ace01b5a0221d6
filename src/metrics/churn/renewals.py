"""Churn at renewal: of the terms that ended, how many were not renewed?

Most customers with a yearly term cannot leave in a given month. A rate over all of them hides what happens to those who
can.
"""

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pandas as pd

from metrics.churn.estimates import told
from metrics.intervals import add_rate
from metrics.periods import DAY, Ints, When, local_time
from metrics.results import keys, result
from metrics.revenue.book import NEVER
from metrics.revenue.kept import shifted
from metrics.revenue.ledger import Ledger, read_ledger
from metrics.revenue.lines import priced
from metrics.revenue.pieces import Spans
from metrics.revenue.policies import RevenueOptions, read_options, spell_out

_RESULT = ("period_start", "due", "renewed", "not_renewed", "rate_of_due", "active", "rate_of_active", "reason")


@spell_out
def renewal_churn(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    min_n: int = 10,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    **options: Unpack[RevenueOptions],
) -> pd.DataFrame:
    """Of the terms that ended in each period, what share was not renewed?

    A term is ``billing_months`` long and counted from the start of its row; rows of one subscription that follow each
    other with terms of the same length are one row, so that a failed payment or another number of seats starts no term
    anew. It is renewed if the customer still has MRR, or is paused, after the day on which it ends. A row that ended
    within a term was not due.

    Parameters
    ----------
    subscriptions
        MRR lines with ``billing_months``, or rows with prices. Rows without have no terms.
    as_of
        First moment not observed; a term that ends later is not due yet.
    min_n
        Rates over fewer are NA with the reason ``below_min_n``.
    by
        Column or list for a breakdown, such as the interval.
    confidence
        Level of the intervals.
    **options
        Range and policies as in `mrr_rollforward`.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start        local time in `tz`; absent with ``period=None``
        due                 count  terms that ended
        renewed, not_renewed  count
        rate_of_due (…)     0 to 1 not_renewed / due, Wilson
        active              count  customers with a term at the period's start
        rate_of_active (…)  0 to 1 those of them who did not renew / active, Wilson
        complete            bool   the period is over at `as_of`
        reason              text   of each rate that is missing, ``rate_of_due: zero_denominator``

    Raises
    ------
    ValueError
        No column ``billing_months`` and no prices.
    EventTableError
        As `mrr_rollforward`.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ben"],
    ...         "subscription_id": ["s1", "s2"],
    ...         "start": pd.to_datetime(["2025-06-10", "2025-06-20"], utc=True),
    ...         "end": pd.to_datetime([None, "2026-06-20"], utc=True),
    ...         "mrr": [10, 25],
    ...         "billing_months": [12, 12],
    ...     }
    ... )
    >>> renewal_churn(lines, since="2026-06-01", as_of="2026-07-01", min_n=1)[["due", "not_renewed", "rate_of_due"]]
       due  not_renewed  rate_of_due
    0    2            1          0.5
    """
    by = keys(by, taken=[*_RESULT, "complete"])
    span, policies = read_options(as_of, options)
    lines = priced(subscriptions)
    if "billing_months" not in lines:
        raise ValueError("subscriptions has no billing_months, the length of a term. Add it, or give rows with prices.")
    ledger = read_ledger(lines, span=span, policies=policies, by=by)
    segment = ledger.book.segment
    wide, many = len(ledger.book.segments), len(ledger.periods)
    unit, group, day = _terms(ledger, segment)
    place = ledger.periods.place(day)
    some = (place >= 0) & (place < many)
    unit, group, day, place = unit[some], group[some], day[some], place[some]
    stays = _stays(ledger, unit, day)
    shape = (many, wide)
    due, lost, active, lost_active = (np.zeros(shape, np.int64) for _ in range(4))
    np.add.at(due, (place, group), 1)
    np.add.at(lost, (place, group), ~stays)
    months = pd.to_numeric(lines["billing_months"]).to_numpy(float, na_value=np.nan)[ledger.book.row]
    for p in range(many):
        rows = ledger.running(int(ledger.periods.edges[p]))[0]
        rows = rows[(months[rows] > 0) & (ledger.book.parts[rows] > 0)]
        who = np.unique(ledger.unit[rows] * wide + segment[rows])
        active[p] = np.bincount(who % wide, minlength=wide)
        leaving = np.unique((unit * wide + group)[(place == p) & ~stays])
        lost_active[p] = np.bincount(leaving[np.isin(leaving, who)] % wide, minlength=wide)
    at, row = (axis.ravel() for axis in np.meshgrid(np.arange(many), np.arange(wide), indexing="ij"))
    table = ledger.book.segments.iloc[row].reset_index(drop=True)
    table["due"], table["renewed"], table["not_renewed"] = due.ravel(), (due - lost).ravel(), lost.ravel()
    table = add_rate(table, "rate_of_due", "not_renewed", "due", confidence)
    table["active"], table["_lost"] = active.ravel(), lost_active.ravel()
    table = add_rate(table, "rate_of_active", "_lost", "active", confidence).drop(columns="_lost")
    table["complete"] = ledger.periods.complete[at]
    table = told(table, {"rate_of_due": "due", "rate_of_active": "active"}, min_n)
    table = ledger.periods.keyed(table, at)
    definition = (
        "Terms that ended in a period after which the customer had no MRR and was not paused / all terms that ended in "
        f"it; beside it over all customers with a term. {policies.in_words()}"
    )
    settings = {"min_n": min_n, "by": by or None, "confidence": confidence, **span.said(), **policies.said()}
    return result(table, metric="renewal_churn", definition=definition, settings=settings)


def _terms(ledger: Ledger, segment: Ints) -> tuple[Ints, Ints, Ints]:
    """Unit, segment and local day of each end of a term that a row reached."""
    book, span = ledger.book, ledger.span
    months = pd.to_numeric(book.table["billing_months"]).to_numpy(float, na_value=np.nan)[book.row]
    rows = np.flatnonzero((months >= 1) & (book.parts > 0))
    whole = np.rint(months[rows]).astype(np.int64)
    # Rows of one subscription that follow each other with terms of one length count from the first.
    key = np.unique(np.c_[book.subscription[rows], whole], axis=0, return_inverse=True)[1].ravel()
    chains = Spans.of(key, book.start[rows], book.end[rows])
    wall = local_time(chains.start, span.tz)
    first_row = rows[np.unique(key, return_index=True)[1]]
    length = np.zeros(int(key.max(initial=-1)) + 1, np.int64)
    length[key] = whole
    step = length[chains.key]
    end = np.minimum(chains.end, span.observed)
    last = local_time(end, span.tz)
    most = int(((last - wall) // (28 * DAY)).max(initial=0))
    begin, clock = wall // DAY, wall % DAY
    found = []
    for k in range(1, most + 1):
        some = step * k <= (last - wall) // (28 * DAY) + 1
        if not some.any():
            break
        day = shifted(begin[some], step[some] * k)
        # A term is reached if its row ran until that day; on it, an end at another hour is an end of the term too.
        at, until = day * DAY + clock[some], last[some]
        ended = chains.end[some] < NEVER
        reached = np.where(ended & (chains.end[some] < span.observed), day <= until // DAY, at < until)
        chain = np.flatnonzero(some)[reached]
        found.append((chain, day[reached]))
    if not found:
        none = np.zeros(0, np.int64)
        return none, none, none
    chain, day = (np.concatenate(column) for column in zip(*found, strict=True))
    # The segment is that of the row which ran until then.
    order = np.lexsort((book.start[rows], key))
    place = pd.DataFrame({"key": key[order], "day": span.days(book.start[rows[order]]), "row": rows[order]})
    asked = pd.DataFrame({"key": chains.key[chain], "day": day, "n": np.arange(len(day))}).sort_values("day")
    joined = pd.merge_asof(
        asked, place.sort_values("day", kind="stable"), on="day", by="key", allow_exact_matches=False
    )
    row = joined.sort_values("n")["row"].fillna(-1).to_numpy(np.int64)
    row = np.where(row < 0, first_row[chains.key[chain]], row)
    return ledger.unit[row], segment[row], day


def _stays(ledger: Ledger, unit: Ints, day: Ints) -> np.ndarray:
    """Whether each unit has MRR, or is paused, at the end of a day."""
    place = ledger.whole.find(unit, np.zeros(len(unit), np.int64), day)
    there = place >= 0
    return np.asarray(there & ((ledger.whole.live[place] > 0) | (ledger.whole.held[place] > 0)))
