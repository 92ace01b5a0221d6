"""Whose choice was it? Ends by what brought them about."""

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pandas as pd

from metrics.files.values import id_texts
from metrics.periods import When
from metrics.results import beside, keys, result
from metrics.revenue.book import NEVER, read_book, texts, times
from metrics.revenue.causes import ended_by, unpaid_at
from metrics.revenue.ledger import read_ledger
from metrics.revenue.money import coins, from_parts
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range, RangeOptions
from metrics.steps import unknown

CAUSES = ("voluntary", "involuntary", "dispute", "unknown", "not_churn")
_RESULT = ("period_start", "customers", *CAUSES, *(f"mrr_{name}" for name in CAUSES))


def churn_reasons(
    cancellations: pd.DataFrame,
    *,
    as_of: When,
    invoices: pd.DataFrame | None = None,
    subscriptions: pd.DataFrame | None = None,
    by: str | Sequence[str] | None = None,
    **span: Unpack[RangeOptions],
) -> pd.DataFrame:
    """Who left by choice, and who because a payment failed?

    Who ended it decides: the customer is voluntary, also while a payment is late; the system is involuntary if an
    invoice was unpaid (or the row that ended past due); a dispute is one; the end of a fixed term is no churn; all else
    is unknown. A withdrawn request, and one that ended in a pause or was talked out of, is no end.

    Parameters
    ----------
    cancellations
        ``customer_id, subscription_id, requested_at, effective_at, withdrawn_at, ended_by`` (and ``outcome``).
    as_of
        First moment not observed; what takes effect later has not ended.
    invoices
        ``customer_id, due_at, paid_at``: without them, and without subscriptions, nothing is involuntary.
    subscriptions
        Also tells the MRR that ended, and leaves out whose customer still pays for something else.
    by
        Column or list of `cancellations` for a breakdown, such as ``reason``.
    **span
        ``period, since, until, tz, week_start`` as in `mrr_rollforward`, by the day on which it took effect.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start  local time in `tz`; absent with ``period=None``
        customers     count  whose subscription ended, each once a period, by its last end
        voluntary, involuntary, dispute, unknown, not_churn   count  of these
        mrr_voluntary, …   money  that ended with them, where subscriptions are given

    Raises
    ------
    ValueError
        A column that is missing, an ``ended_by`` that is not known.

    Examples
    --------
    >>> ends = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ben"],
    ...         "effective_at": pd.to_datetime(["2026-03-10", "2026-03-12"], utc=True),
    ...         "ended_by": ["customer", "system"],
    ...     }
    ... )
    >>> churn_reasons(ends, as_of="2026-04-01")[["customers", "voluntary", "involuntary", "unknown"]]
       customers  voluntary  involuntary  unknown
    0          2          1            0        1
    """
    by = keys(by, taken=[*_RESULT, "currency"])
    for name in ("customer_id", *by):
        if name not in cancellations:
            raise ValueError(unknown("cancellations", name, cancellations.columns, "a column of the table", "columns"))
    if "effective_at" not in cancellations and "requested_at" not in cancellations:
        raise ValueError(
            "cancellations has neither effective_at nor requested_at, so that no end has a day. Add one, or rename the "
            "one that is it."
        )
    ranged = Range(as_of=as_of, **span)
    table = _ends(cancellations, ranged)
    codes, names = pd.factorize(texts(table["customer_id"], "cancellations", "customer_id"))
    unpaid = np.zeros(len(table), bool)
    if invoices is not None:
        due, paid = times(invoices, "due_at", "invoices"), times(invoices, "paid_at", "invoices")
        whose = np.asarray(pd.Index(names).get_indexer(pd.Index(id_texts(invoices["customer_id"]))), np.int64)
        unpaid |= unpaid_at(codes, table["_at"].to_numpy(), whose, due, paid)
    money = subscriptions is not None
    if subscriptions is not None:
        table["_mrr"], table["currency"], past_due, gone = _ended(subscriptions, table, ranged)
        unpaid |= past_due
        table, unpaid = table[gone].reset_index(drop=True), unpaid[gone]
        codes = codes[gone]
    table["_cause"] = ended_by(table, unpaid).fillna("unknown").replace("term_end", "not_churn").to_numpy()
    several = money and len(set(table["currency"])) > 1
    groups = [*by, *(["currency"] if several else [])]
    days = ranged.days(table["_at"].to_numpy())
    periods = ranged.periods(int(table["_at"].min()) if len(table) else None)
    place = periods.place(days)
    inside = (place >= 0) & (place < len(periods))
    table = table.assign(_place=place)[inside]
    # One customer once a period: by its last end, of several at once by name, so that the order of rows is nothing.
    table = table.sort_values(["_at", "_cause"], kind="stable")
    last = table.drop_duplicates(["_place", *groups, "customer_id"], keep="last")
    found = _counted(last, table, groups, len(periods), money)
    found = periods.keyed(found.drop(columns="_place"), found["_place"].to_numpy(np.int64))
    definition = (
        "Customers whose subscription took its end in a period, by who ended it: the customer (voluntary), the system "
        "with an invoice unpaid (involuntary), a dispute; the end of a fixed term is no churn."
    )
    settings = {"by": by or None, **ranged.said()}
    return result(found, metric="churn_reasons", definition=definition, settings=settings)


def _ends(cancellations: pd.DataFrame, span: Range) -> pd.DataFrame:
    """The cancellations that took effect before `as_of`, with the instant in `_at`."""
    asked = times(cancellations, "requested_at", "cancellations")
    effective = times(cancellations, "effective_at", "cancellations")
    back = times(cancellations, "withdrawn_at", "cancellations")
    at = np.where(effective < NEVER, effective, asked)
    some = (at < span.observed) & (back >= span.observed)
    if "outcome" in cancellations:
        some &= ~cancellations["outcome"].isin(["paused", "kept"]).to_numpy()
    return cancellations[some].assign(_at=at[some]).reset_index(drop=True)


def _ended(
    subscriptions: pd.DataFrame, table: pd.DataFrame, span: Range
) -> tuple[np.ndarray, pd.Series, np.ndarray, np.ndarray]:
    """MRR that ended with each cancellation, its currency, whether past due, and whether its customer pays no more."""
    policies = Policies(past_due_grace=None)
    book = read_book(subscriptions, span=span, policies=policies, by=[])
    ledger = read_ledger(subscriptions, span=span, policies=policies, by=[])
    place, key = book.keys_of(table)
    # The rows of a subscription that end within the day of its cancellation.
    ends = pd.DataFrame(
        {
            "key": book.subscription, "day": span.days(np.minimum(book.end, span.observed)), "parts": book.parts,
            "late": book.status == 1, "currency": book.currency, "ended": book.end < NEVER,
        }
    )  # fmt: skip
    asked = pd.DataFrame({"key": key, "day": span.days(table["_at"].to_numpy())[place], "row": place})
    both = asked.merge(ends[ends["ended"]], on=["key", "day"])
    parts = both.groupby("row")["parts"].sum().reindex(range(len(table))).fillna(0).to_numpy(np.int64)
    late = both.groupby("row")["late"].any().reindex(range(len(table))).fillna(False).to_numpy(bool)
    code = both.groupby("row")["currency"].first().reindex(range(len(table)))
    names = pd.Series(book.currencies.to_numpy(), dtype="str")
    currency = code.map(names).astype("str")
    coin = (
        coins(book.currencies)[code.fillna(0).to_numpy(np.int64)] if len(book.currencies) else np.ones(len(table), int)
    )
    who = book.customers_of(table)
    known = who >= 0
    at = ledger.whole.find(np.maximum(who, 0), np.zeros(len(who), np.int64), span.days(table["_at"].to_numpy()))
    pays = known & (at >= 0) & (ledger.whole.live[at] > 0) if len(ledger.whole) else np.zeros(len(table), bool)
    return from_parts(parts, coin), currency, late, ~pays


def _counted(last: pd.DataFrame, ends: pd.DataFrame, groups: list[str], many: int, money: bool) -> pd.DataFrame:
    every = pd.DataFrame({"_place": np.arange(many)})
    if groups:
        every = every.merge(ends[groups].drop_duplicates().sort_values(groups, na_position="last"), how="cross")
    key = ["_place", *groups]
    table = every
    for name in CAUSES:
        mine = last[last["_cause"] == name].groupby(key, dropna=False).size().rename(name).reset_index()
        table = beside(table, mine, key)
    table[list(CAUSES)] = table[list(CAUSES)].fillna(0).astype(np.int64)
    table.insert(len(key), "customers", table[list(CAUSES)].sum(axis=1))
    if money:
        for name in CAUSES:
            money_of = ends[ends["_cause"] == name].groupby(key, dropna=False)["_mrr"].sum().rename(f"mrr_{name}")
            table = beside(table, money_of.reset_index(), key)
            table[f"mrr_{name}"] = table[f"mrr_{name}"].fillna(0.0)
    return table
