"""Are failed payments recovered?

The unit is the invoice: four attempts at one invoice are one failure, and a card that works at the third is a recovery.
Per attempt the failures look more, and recovery worse, the more often one tries.
"""

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pandas as pd

from metrics.churn.estimates import joined
from metrics.files.values import id_texts
from metrics.intervals import add_rate, no_denominator, ratio
from metrics.periods import DAY, When, duration
from metrics.results import aside, beside, blank, keys, result, too_few
from metrics.revenue.book import texts, times
from metrics.revenue.ranges import Range, RangeOptions
from metrics.steps import unknown

_COUNTS = ("invoices", "failed", "recovered", "attempts")
_RATES = {
    "failure_rate": ("failed", "invoices"),
    "recovery_rate": ("recovered", "failed"),
    "net_loss_rate": ("_lost", "invoices"),
    "attempt_failure_rate": ("_attempts_failed", "attempts"),
}
_RESULT = ("period_start", *_COUNTS, *_RATES, "recovery_rate_amount", "median_days", "reason")


def payment_recovery(
    attempts: pd.DataFrame,
    *,
    as_of: When,
    invoices: pd.DataFrame | None = None,
    follow_up: str | None = None,
    min_n: int = 10,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    **span: Unpack[RangeOptions],
) -> pd.DataFrame:
    """What share of invoices failed at first, and of these, what share was paid after all?

    An invoice failed if its first attempt did, and recovered if a later one succeeded. The youngest failures are still
    being tried: set `follow_up`, or they look like losses.

    Parameters
    ----------
    attempts
        ``invoice_id, attempted_at, result`` (succeeded, failed).
    as_of
        First moment not observed.
    invoices
        ``invoice_id, amount_due_minor`` (and ``currency``), for `recovery_rate_amount`; and columns for `by`.
    follow_up
        ``"14 days"``: what happens to an invoice in [first attempt, + `follow_up`) counts, of invoices whose time is
        over at `as_of`. The recovery rate is then the last one of `recovery_curve`. None: all that is known at `as_of`.
    min_n
        Rates over fewer are NA with the reason ``below_min_n``.
    by
        Column or list of `invoices`, or of the first attempt, for a breakdown.
    confidence
        Level of the intervals.
    **span
        ``period, since, until, tz, week_start`` as in `mrr_rollforward`, by the day of the first attempt.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start             local time in `tz`; absent with ``period=None``
        invoices                 count  with an attempt
        failed                   count  whose first attempt failed
        recovered                count  of these, paid by a later one
        failure_rate (…)         0 to 1 failed / invoices, Wilson
        recovery_rate (…)        0 to 1 recovered / failed, Wilson
        recovery_rate_amount     0 to 1 amount recovered / amount failed; NA without amounts, or over two currencies
        net_loss_rate (…)        0 to 1 (failed - recovered) / invoices, Wilson
        attempts                 count
        attempt_failure_rate (…) 0 to 1 failed attempts / attempts, Wilson
        median_days              days   from the first attempt to payment, of the recovered
        reason                   text   of each estimate that is missing

    Raises
    ------
    ValueError
        A column that is missing, a result that is neither succeeded nor failed.

    Examples
    --------
    >>> tries = pd.DataFrame(
    ...     {
    ...         "invoice_id": ["i1", "i1", "i2"],
    ...         "attempted_at": pd.to_datetime(["2026-05-01", "2026-05-04", "2026-05-01"], utc=True),
    ...         "result": ["failed", "succeeded", "succeeded"],
    ...     }
    ... )
    >>> payment_recovery(tries, as_of="2026-06-01", min_n=1)[["invoices", "failed", "recovered", "recovery_rate"]]
       invoices  failed  recovered  recovery_rate
    0         2       1          1            1.0
    """
    by = keys(by, taken=_RESULT)
    for name in ("invoice_id", "attempted_at", "result"):
        if name not in attempts:
            raise ValueError(unknown("attempts", name, attempts.columns, "a column of the table", "columns"))
    ranged = Range(as_of=as_of, **span)
    if follow_up is not None:
        attempts = _watched(attempts, duration(follow_up, name="follow_up"), ranged.observed)
    told = per_invoice(attempts, ranged, invoices, by)
    instants = told["first"].to_numpy(np.int64)
    periods = ranged.periods(int(instants.min()) if len(told) else None)
    place = periods.place(ranged.days(instants))
    inside = (place >= 0) & (place < len(periods))
    told = told.assign(place=place)[inside]
    every = pd.DataFrame({"place": np.arange(len(periods))})
    groups = aside(by)
    if by:
        every = every.merge(told[groups].drop_duplicates().sort_values(groups, na_position="last"), how="cross")
    key, sums = ["place", *groups], [*_COUNTS, "_lost", "_attempts_failed", "_due", "_paid"]
    grouped = told.groupby(key, dropna=False)
    counts = beside(every, grouped[sums].sum().reset_index(), key)
    days = told[told["recovered"] == 1].groupby(key, dropna=False)["days"].median().rename("median_days").reset_index()
    failed = told[told["failed"] == 1].groupby(key, dropna=False)
    known = failed.agg(_blank=("_blank", "sum"), _currencies=("currency", "nunique")).reset_index()
    table = beside(beside(counts, days, key), known, key)
    whole = [name for name in sums if name not in ("_due", "_paid")]
    table[whole] = table[whole].fillna(0).astype(np.int64)
    table["median_days"] = table["median_days"].astype(float)
    table = _rated(table, min_n, confidence, with_amounts=invoices is not None and "amount_due_minor" in invoices)
    table = periods.keyed(table, table["place"].to_numpy(np.int64))
    definition = (
        "By invoice: first attempt failed / invoices; of the failed, paid by a later attempt. The net loss is what "
        "failed and was not paid / invoices."
    )
    if follow_up is not None:
        definition += f" Counted is what happens within {follow_up} of the first attempt, where they are over."
    settings = {"follow_up": follow_up, "min_n": min_n, "by": by or None, "confidence": confidence, **ranged.said()}
    head = [name for name in ("period_start", *groups) if name in table]
    columns = [
        *head, "invoices", "failed", "recovered", *_of("failure_rate"), *_of("recovery_rate"), "recovery_rate_amount",
        *_of("net_loss_rate"), "attempts", *_of("attempt_failure_rate"), "median_days", "reason",
    ]  # fmt: skip
    table = table[columns].rename(columns=dict(zip(groups, by, strict=True)))
    return result(table, metric="payment_recovery", definition=definition, settings=settings)


def _watched(attempts: pd.DataFrame, wait: int, observed: int) -> pd.DataFrame:
    """The attempts within so long of their invoice's first one, where that time is over."""
    at = pd.Series(times(attempts, "attempted_at", "attempts", needed=True), index=attempts.index)
    end = at.groupby(id_texts(attempts["invoice_id"]).to_numpy()).transform("min") + wait
    return attempts[((at < end) & (end <= observed)).to_numpy()]


def per_invoice(
    attempts: pd.DataFrame, span: Range, invoices: pd.DataFrame | None, by: Sequence[str] = ()
) -> pd.DataFrame:
    """One row per invoice that was tried before `as_of`: whether it failed at first, when it was paid, its groups."""
    at = times(attempts, "attempted_at", "attempts", needed=True)
    names = texts(attempts["invoice_id"], "attempts", "invoice_id")
    results = attempts["result"].astype("str").str.lower()
    wrong = [name for name in results.fillna("(missing)").unique() if name not in ("succeeded", "failed")]
    if wrong:
        raise ValueError(f"attempts: the result {wrong[0]!r} is not known. Use succeeded or failed.")
    own = [name for name in by if invoices is None or name not in invoices]
    for name in own:
        if name not in attempts:
            raise ValueError(unknown("by", name, attempts.columns, "a column of attempts or invoices", "columns"))
    tries = pd.DataFrame(
        {
            "invoice_id": names.to_numpy(), "at": at,
            "ok": (results == "succeeded").to_numpy(), **{f"group {name}": attempts[name].to_numpy() for name in own},
        }
    )[at < span.observed]  # fmt: skip
    # Of two at one instant the failure comes first.
    tries = tries.sort_values(["invoice_id", "at", "ok", *aside(own)], kind="stable")
    first = tries.drop_duplicates("invoice_id").rename(columns={"at": "first"})
    paid = tries[tries["ok"]].drop_duplicates("invoice_id")[["invoice_id", "at"]].rename(columns={"at": "paid"})
    many = tries.groupby("invoice_id")["ok"].agg(attempts="size", _good="sum").reset_index()
    table = first.merge(paid, on="invoice_id", how="left").merge(many, on="invoice_id")
    failed, recovered = ~table["ok"], ~table["ok"] & table["paid"].notna()
    table = table.assign(
        invoices=1, failed=failed.astype(np.int64), recovered=recovered.astype(np.int64),
        _lost=(failed & ~recovered).astype(np.int64), _attempts_failed=table["attempts"] - table["_good"],
        days=(table["paid"] - table["first"]) / DAY,
    )  # fmt: skip
    amount = pd.Series(np.nan, index=table.index)
    table["currency"] = ""
    if invoices is not None:
        known = invoices.assign(invoice_id=id_texts(invoices["invoice_id"])).drop_duplicates("invoice_id")
        place = pd.Index(known["invoice_id"]).get_indexer(pd.Index(table["invoice_id"]))
        others = [name for name in by if name not in own]
        wanted = [*zip(aside(others), others, strict=True), *([("currency", "currency")] * ("currency" in known))]
        for name, theirs in wanted:
            table[name] = known[theirs].reindex(known.index.append(pd.Index([-1]))).iloc[place].to_numpy()
        if "amount_due_minor" in known:
            values = np.append(pd.to_numeric(known["amount_due_minor"]).to_numpy(float, na_value=np.nan), np.nan)
            amount = pd.Series(values[place], index=table.index)
    due = amount.where(failed)
    return table.assign(
        _due=due.fillna(0.0), _paid=due.where(recovered).fillna(0.0), _blank=(due.isna() & failed).astype(np.int64)
    )


def _of(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


def _rated(table: pd.DataFrame, min_n: int, confidence: float, *, with_amounts: bool) -> pd.DataFrame:
    codes = {}
    for name, (part, whole) in _RATES.items():
        table = add_rate(table, name, part, whole, confidence)
        codes[name] = too_few(no_denominator(table[whole].to_numpy(float)), table[whole], min_n)
        table = blank(table, codes[name].notna(), _of(name))
    table["recovery_rate_amount"] = ratio(table["_paid"].fillna(0).to_numpy(), table["_due"].fillna(0).to_numpy())
    reason = codes["recovery_rate"].copy()
    reason = reason.mask(reason.isna() & (table["_currencies"].fillna(0) > 1), "mixed_currencies")
    reason = reason.mask(reason.isna() & (not with_amounts or (table["_blank"].fillna(0) > 0)), "no_amount")
    codes["recovery_rate_amount"] = reason.mask(
        reason.isna() & table["recovery_rate_amount"].isna(), "zero_denominator"
    )
    table["recovery_rate_amount"] = table["recovery_rate_amount"].mask(codes["recovery_rate_amount"].notna())
    return table.assign(reason=joined(codes, table.index))
