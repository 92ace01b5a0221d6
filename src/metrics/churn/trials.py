"""Do trials become customers?

A trial that still runs has not failed. By start, a month's trials are decided only some time later; by end, all that
ended in a month are decided, but they began in several.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias, Unpack

import numpy as np
import pandas as pd

from metrics.churn.estimates import told
from metrics.intervals import add_rate
from metrics.periods import DAY, Ints, When, one_of
from metrics.results import keys, result
from metrics.revenue.book import ACTIVE, NEVER, PAST_DUE, TRIALING, Book, read_book
from metrics.revenue.pieces import Spans
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range, RangeOptions

Method: TypeAlias = Literal["cohort", "ended"]
_COUNTS = ("started", "ended", "converted", "still_in_trial")
_RESULT = ("period_start", *_COUNTS, "conversion_rate", "converted_share", "median_days", "complete", "reason")


def trial_conversion(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    method: Method = "cohort",
    min_n: int = 10,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    **span: Unpack[RangeOptions],
) -> pd.DataFrame:
    """What share of the trials became paying customers?

    A trial is a trialing row (rows of one subscription that follow each other are one). It converted if an active row
    with MRR of the same customer follows its end.

    Parameters
    ----------
    subscriptions
        MRR lines, or rows with prices, with ``status``.
    as_of
        First moment not observed.
    method
        ``"cohort"`` (default): trials by the period in which they began; ``"ended"``: by that in which they ended.
    min_n
        Rates over fewer are NA with the reason ``below_min_n``.
    by
        Column or list of the trial's row for a breakdown.
    confidence
        Level of the intervals.
    **span
        ``period, since, until, tz, week_start`` as in `mrr_rollforward`.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start         local time in `tz`; absent with ``period=None``
        started              count  trials
        ended                count  of these, over at `as_of`
        converted            count  of these, followed by an active row
        still_in_trial       count  started - ended
        conversion_rate (…)  0 to 1 converted / ended, Wilson
        converted_share (…)  0 to 1 converted / started, Wilson
        median_days          days   from a trial's start to payment, of the converted
        complete             bool   the period is over at `as_of`; trials of it may still run
        reason               text   of each rate that is missing

    Raises
    ------
    ValueError, EventTableError
        As `mrr_rollforward`.

    Examples
    --------
    >>> rows = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ann", "ben"],
    ...         "subscription_id": ["s1", "s1", "s2"],
    ...         "start": pd.to_datetime(["2026-05-01", "2026-05-15", "2026-05-20"], utc=True),
    ...         "end": pd.to_datetime(["2026-05-15", None, None], utc=True),
    ...         "status": ["trialing", "active", "trialing"],
    ...         "mrr": [10, 10, 10],
    ...     }
    ... )
    >>> trial_conversion(rows, as_of="2026-06-01", min_n=1)[["started", "ended", "converted", "conversion_rate"]]
       started  ended  converted  conversion_rate
    0        2      1          1              1.0
    """
    one_of("method", method, Method)
    by = keys(by, taken=_RESULT)
    ranged = Range(as_of=as_of, **span)
    policies = Policies()
    book = read_book(subscriptions, span=ranged, policies=policies, by=by, statuses=(ACTIVE, PAST_DUE, TRIALING))
    trials = trials_of(book)
    at = trials["start"] if method == "cohort" else trials["end"]
    if method == "ended":
        trials, at = trials[at < NEVER], at[at < NEVER]
    instants = at.to_numpy(np.int64)
    periods = ranged.periods(int(instants.min()) if len(instants) else None)
    place = periods.place(ranged.days(instants))
    inside = (place >= 0) & (place < len(periods))
    trials = trials[inside].assign(place=place[inside])
    every = pd.DataFrame({"place": np.arange(len(periods))})
    segments = np.unique(trials["segment"]) if by else np.zeros(1, np.int64)
    every = every.merge(pd.DataFrame({"segment": segments}), how="cross")
    if not by:
        trials = trials.assign(segment=0)
    sums = trials.groupby(["place", "segment"])[list(_COUNTS)].sum()
    days = trials[trials["converted"]].groupby(["place", "segment"])["days"].median().rename("median_days")
    table = every.merge(sums.reset_index(), on=["place", "segment"], how="left")
    table[list(_COUNTS)] = table[list(_COUNTS)].fillna(0).astype(np.int64)
    table = add_rate(table, "conversion_rate", "converted", "ended", confidence)
    table = add_rate(table, "converted_share", "converted", "started", confidence)
    table = table.merge(days.reset_index(), on=["place", "segment"], how="left")
    table["median_days"] = table["median_days"].astype(float)
    table["complete"] = periods.complete[table["place"]]
    table = told(table, {"conversion_rate": "ended", "converted_share": "started"}, min_n)
    named, row = book.segments.iloc[table["segment"]].reset_index(drop=True), table["place"].to_numpy(np.int64)
    table = table.drop(columns=["place", "segment"])  # first: a column to compare by may be called so too
    table = periods.keyed(pd.concat([named, table], axis=1) if by else table, row)
    definition = (
        f"Trials by the period in which they {'began' if method == 'cohort' else 'ended'}: followed by an active row "
        "of the customer / ended; who is still in trial is in neither."
    )
    settings = {"method": method, "min_n": min_n, "by": by or None, "confidence": confidence, **ranged.said()}
    return result(table, metric="trial_conversion", definition=definition, settings=settings)


def trials_of(book: Book) -> pd.DataFrame:
    """Every trial with its start, end, segment and what became of it."""
    rows = np.flatnonzero(book.status == TRIALING)
    spans = Spans.of(book.subscription[rows], book.start[rows], book.end[rows])
    table = pd.DataFrame({"key": spans.key, "start": spans.start, "end": spans.end})
    first = pd.DataFrame(
        {"key": book.subscription[rows], "start": book.start[rows], "customer": book.customer[rows],
         "segment": book.segment[rows]}
    ).sort_values(["key", "start", "segment"]).drop_duplicates(["key", "start"])  # fmt: skip
    table = table.merge(first, on=["key", "start"], how="left")
    paying = np.flatnonzero((book.status != TRIALING) & (book.parts > 0))
    after = _next_start(table["customer"].to_numpy(np.int64), table["end"].to_numpy(np.int64), book, paying)
    ended = (table["end"] < NEVER).to_numpy()
    converted = ended & (after < NEVER)
    days = (after - table["start"].to_numpy(np.int64)) / DAY
    return table.assign(
        started=1,
        ended=ended,
        converted=converted,
        still_in_trial=~ended,
        days=np.where(converted, days, np.nan),
        end=table["end"],
    ).pipe(lambda t: t.assign(ended=t["ended"].astype(np.int64), still_in_trial=t["still_in_trial"].astype(np.int64)))


def _next_start(customer: Ints, at: Ints, book: Book, rows: Ints) -> Ints:
    """The first start of these rows of each customer at or after an instant; `NEVER` if none."""
    order = rows[np.lexsort((book.start[rows], book.customer[rows]))]
    asked = pd.DataFrame({"customer": customer, "at": at, "n": np.arange(len(at))}).sort_values("at")
    starts = pd.DataFrame({"customer": book.customer[order], "start": book.start[order]}).sort_values("start")
    found = pd.merge_asof(asked, starts, left_on="at", right_on="start", by="customer", direction="forward")
    values: Ints = found.sort_values("n")["start"].fillna(NEVER).to_numpy(np.int64)
    return values
