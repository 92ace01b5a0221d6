"""Why did somebody leave? Who ended it decides: a customer who goes while a payment is late goes by choice."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.periods import Ints
from metrics.revenue.book import NEVER, Book, times

if TYPE_CHECKING:
    from metrics.revenue.ledger import Ledger

CAUSES = ("voluntary", "involuntary", "dispute", "term_end")


def ended_by(table: pd.DataFrame, unpaid: np.ndarray) -> "pd.Series[Any]":
    """The cause of each cancellation; `unpaid` says whether an invoice was open at its end. NA: not known."""
    who = table["ended_by"].astype("str").str.lower() if "ended_by" in table else pd.Series(pd.NA, index=table.index)
    unknown = [name for name in who.dropna().unique() if name not in ("customer", "system", "dispute", "term_end")]
    if unknown:
        raise ValueError(
            f"cancellations: ended_by {unknown[0]!r} is not known. Use customer, system, dispute, term_end, or leave "
            "it empty."
        )
    cause = pd.Series(pd.NA, index=table.index, dtype="str")
    cause = cause.mask(who == "customer", "voluntary").mask((who == "system") & unpaid, "involuntary")
    return cause.mask(who == "dispute", "dispute").mask(who == "term_end", "term_end")


def unpaid_at(who: Ints, at: Ints, invoices_of: Ints, due: Ints, paid: Ints) -> np.ndarray:
    """Whether each customer had an invoice that was due and not paid at an instant."""
    if not len(due):
        return np.zeros(len(who), bool)
    left = pd.DataFrame({"who": who, "at": at, "row": np.arange(len(who))})
    both = left.merge(pd.DataFrame({"who": invoices_of, "due": due, "paid": paid}), on="who")
    found = both.loc[(both["due"] <= both["at"]) & (both["paid"] > both["at"]), "row"]
    open_ = np.zeros(len(who), bool)
    open_[found.to_numpy()] = True
    return open_


def causes_of(ledger: "Ledger", unit: Ints, day: Ints, churned: np.ndarray) -> pd.Series:
    """The cause of each churn of these units on these days; NA for what is no churn."""
    cause = pd.Series(pd.NA, index=range(len(unit)), dtype="str")
    rows = np.flatnonzero(churned)
    if not len(rows):
        return cause
    book, span, policies = ledger.book, ledger.span, ledger.policies
    level = policies.level == "subscription"
    owner = np.zeros(ledger.units, np.int64)
    owner[ledger.unit] = book.subscription if level else book.customer
    who, when = owner[unit[rows]], day[rows]
    found = _told(ledger, who, when, level)
    key, at = ledger.involuntary
    if len(key):
        whose = key if level else _customer_of(book, key)
        pairs = pd.DataFrame({"who": whose, "day": span.days(at)}).drop_duplicates()
        hit = pd.DataFrame({"who": who, "day": when}).merge(pairs, on=["who", "day"], how="left", indicator=True)
        found = found.mask((hit["_merge"] == "both").to_numpy(), "involuntary")
    cause.iloc[rows] = found.to_numpy()
    return cause


def _customer_of(book: Book, subscription: Ints) -> Ints:
    return subscription // (len(book._subscription_ids[1]) + 1)


def _told(ledger: "Ledger", who: Ints, day: Ints, level: bool) -> "pd.Series[Any]":
    """What the cancellations say of each end: the one that took effect that day, or was asked for before it."""
    none = pd.Series(pd.NA, index=range(len(who)), dtype="str")
    table, book, span = ledger.policies.cancellations, ledger.book, ledger.span
    if table is None or not len(table):
        return none
    table = table.reset_index(drop=True)
    asked, effective = times(table, "requested_at", "cancellations"), times(table, "effective_at", "cancellations")
    back = times(table, "withdrawn_at", "cancellations")
    end = np.where(effective < NEVER, effective, asked)
    first = np.minimum(asked, end)
    requested = ledger.policies.recognise == "requested"
    some = (first < span.observed) & (requested | (back >= span.observed))
    if "outcome" in table:
        some &= ~table["outcome"].isin(["paused", *([] if requested else ["kept"])]).to_numpy()
    customers = book.customers_of(table)
    place, whose = book.keys_of(table) if level else (np.arange(len(table)), customers)
    keep = some[place] & (whose >= 0)
    place, whose = place[keep], whose[keep]
    said = ended_by(table, _open_invoice(ledger, customers, end))
    last = np.where(end < NEVER, end, first)
    right = pd.DataFrame(
        {
            "who": whose, "first": span.days(first[place]), "last": span.days(last[place]), "at": last[place],
            "cause": said.iloc[place].to_numpy(),
        }
    )  # fmt: skip
    left = pd.DataFrame({"who": who, "day": day, "row": np.arange(len(who))})
    both = left.merge(right, on="who")
    both["off"] = (both["last"] - both["day"]).abs()
    both = both[((both["first"] <= both["day"]) & (both["day"] <= both["last"])) | (both["off"] <= 1)]
    # Of several the nearest; of equally near ones the later, then by name, so that the order of rows is nothing.
    both = both.sort_values(["row", "off", "at", "cause"], ascending=[True, True, False, True], na_position="last")
    best = both.drop_duplicates("row").set_index("row")["cause"]
    return none.where(~none.index.isin(best.index), best.reindex(none.index)).astype("str")


def _open_invoice(ledger: "Ledger", customers: Ints, at: Ints) -> np.ndarray:
    """Whether something was unpaid at each end: by an invoice, else by the state that the row ended in."""
    book, invoices = ledger.book, ledger.policies.invoices
    open_ = np.zeros(len(customers), bool)
    if invoices is not None:
        due, paid = times(invoices, "due_at", "invoices"), times(invoices, "paid_at", "invoices")
        open_ |= unpaid_at(customers, at, book.customers_of(invoices), due, paid)
    late = np.flatnonzero((book.status == 1) & (book.end < NEVER))
    if len(late):
        pairs = pd.DataFrame({"who": book.customer[late], "at": book.end[late]}).drop_duplicates()
        hit = pd.DataFrame({"who": customers, "at": at}).merge(pairs, on=["who", "at"], how="left", indicator=True)
        open_ |= (hit["_merge"] == "both").to_numpy()
    return open_
