"""How soon are failed payments recovered?

All are watched for as long: with young failures among the old, the curve would sink where it ought to rise.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.churn.payments import per_invoice
from metrics.intervals import add_rate, no_denominator
from metrics.periods import DAY, When, duration
from metrics.results import aside, blank, keys, result, too_few
from metrics.revenue.ranges import Range
from metrics.steps import unknown

_RESULT = ("days", "failed", "too_recent", "recovered", "recovery_rate", "reason")


def recovery_curve(
    attempts: pd.DataFrame,
    *,
    as_of: When,
    follow_up: str = "30 days",
    invoices: pd.DataFrame | None = None,
    min_n: int = 10,
    by: str | Sequence[str] | None = None,
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Of the invoices that failed at first, what share was paid within each number of days?

    Parameters
    ----------
    attempts
        ``invoice_id, attempted_at, result`` (succeeded, failed).
    as_of
        First moment not observed.
    follow_up
        How long each failure is watched, in whole days. One whose follow-up is not over at `as_of` is `too_recent`, and
        in no share.
    invoices
        ``invoice_id`` and columns for `by`.
    min_n
        Shares of fewer are NA with the reason ``below_min_n``.
    by
        Column or list of `invoices`, or of the first attempt, for a breakdown.
    since, until
        First attempts in ``[since, until)``.
    tz
        Zone of moments without one.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per day of the follow-up (and group)
        days               days   from the first attempt, 24 hours each
        failed             count  invoices whose first attempt failed, watched for all of `follow_up`
        too_recent         count  those that failed too recently
        recovered          count  of `failed`, paid before so many days were over
        recovery_rate (…)  0 to 1 recovered / failed, Wilson; never falls
        reason             text   why it is missing: zero_denominator, immature, below_min_n

    Raises
    ------
    ValueError
        A column that is missing, a result that is neither succeeded nor failed, a `follow_up` under a day.

    Examples
    --------
    >>> tries = pd.DataFrame(
    ...     {
    ...         "invoice_id": ["i1", "i1", "i2"],
    ...         "attempted_at": pd.to_datetime(["2026-05-01", "2026-05-02", "2026-05-01"], utc=True),
    ...         "result": ["failed", "succeeded", "failed"],
    ...     }
    ... )
    >>> recovery_curve(tries, follow_up="2 days", as_of="2026-06-01", min_n=1)[["days", "failed", "recovery_rate"]]
       days  failed  recovery_rate
    0     0       2            0.0
    1     1       2            0.0
    2     2       2            0.5
    """
    by, length = keys(by, taken=_RESULT), duration(follow_up, name="follow_up")
    for name in ("invoice_id", "attempted_at", "result"):
        if name not in attempts:
            raise ValueError(unknown("attempts", name, attempts.columns, "a column of the table", "columns"))
    last = length // DAY
    if not last:
        raise ValueError(f"follow_up: {follow_up!r} is under a day, and the curve goes by days. Use '30 days'.")
    ranged = Range(as_of=as_of, period=None, since=since, until=until, tz=tz)
    told = per_invoice(attempts, ranged, invoices, by)
    first = told["first"].to_numpy(np.int64)
    inside = ranged.periods(int(first.min()) if len(told) else None).place(ranged.days(first)) == 0
    failed = told[inside & (told["failed"] == 1).to_numpy()]
    groups = [((), failed)]
    if by:
        groups = [
            (key if isinstance(key, tuple) else (key,), part)
            for key, part in failed.groupby(aside(by), dropna=False, sort=True)
        ]
    curves = [_curve(part, last, length, ranged.observed).assign(**dict(zip(by, key, strict=True)))
              for key, part in groups]  # fmt: skip
    empty = _curve(failed[:0], last, length, ranged.observed)[:0].assign(
        **{name: failed[f"group {name}"][:0] for name in by}
    )
    table = pd.concat(curves, ignore_index=True) if curves else empty
    table = add_rate(table, "recovery_rate", "recovered", "failed", confidence)
    none = no_denominator(table["failed"].to_numpy(float))
    none = none.mask((table["failed"] == 0) & (table["too_recent"] > 0), "immature")
    table["reason"] = too_few(none, table["failed"], min_n)
    rates = ["recovery_rate", "recovery_rate_low", "recovery_rate_high"]
    definition = (
        "Of the invoices whose first attempt failed, and that were watched for all of the follow-up, paid within each "
        "number of days."
    )
    settings = {"follow_up": follow_up, "min_n": min_n, "by": by or None, "confidence": confidence, **ranged.said()}
    return result(
        blank(table, table["reason"].notna(), rates), metric="recovery_curve", definition=definition,
        settings=settings, columns=[*by, "days", "failed", "too_recent", "recovered", *rates, "reason"],
    )  # fmt: skip


def _curve(failed: pd.DataFrame, last: int, length: int, observed: int) -> pd.DataFrame:
    """Counts by day of some failed invoices. One paid exactly `d` days after is not yet paid within `d` days."""
    watched = (failed["first"] + length <= observed).to_numpy(bool)
    took = (failed["paid"] - failed["first"])[watched].dropna().to_numpy(np.int64)
    within = took // DAY + 1
    paid = np.bincount(within[within <= last], minlength=last + 1)
    return pd.DataFrame({
        "days": np.arange(last + 1), "failed": int(watched.sum()), "too_recent": int((~watched).sum()),
        "recovered": np.cumsum(paid),
    })  # fmt: skip
