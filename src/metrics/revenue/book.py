"""The book of subscriptions: the rows as they were known at `as_of`, in numbers.

Customers, subscriptions, segments and currencies are codes, times microseconds, money whole parts of a coin. A row
whose end is not yet observed runs on: an end at or after `as_of` is planned, not done.
"""

import warnings
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from metrics.files import EventTableError, several
from metrics.files.values import id_texts, read_moments
from metrics.periods import Ints, microseconds
from metrics.results import grouped
from metrics.revenue.lines import priced
from metrics.revenue.money import coins, to_parts
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range
from metrics.steps import unknown

NEVER = 2**62
STATUSES = ("active", "past_due", "paused", "trialing", "unpaid")
ENDED = ("canceled", "cancelled", "incomplete", "incomplete_expired")  # no state in which anything is paid
ACTIVE, PAST_DUE, PAUSED, TRIALING = range(4)
_TIME = "datetime64[us, UTC]"


@dataclass(frozen=True)
class Book:
    """Rows of the table by column; `row` is the place of each in the table that was given."""

    customer: Ints
    customers: pd.Index
    start: Ints
    end: Ints
    status: np.ndarray
    parts: Ints
    currency: Ints
    currencies: pd.Index
    segment: Ints
    segments: pd.DataFrame
    row: Ints
    table: pd.DataFrame
    merge: Any = None

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: np.ndarray) -> "Book":
        """The book of these rows only."""
        names = ("customer", "start", "end", "status", "parts", "currency", "segment", "row")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    @cached_property
    def subscription(self) -> Ints:
        """Code of each row's subscription: of what one customer calls by one id."""
        codes = self._subscription_ids[0].astype(np.int64)
        return self.customer * np.int64(len(self._subscription_ids[1]) + 1) + codes

    @cached_property
    def _subscription_ids(self) -> tuple[np.ndarray, pd.Index]:
        return _coded(self.table, self.row)

    def keys_of(self, table: pd.DataFrame) -> tuple[Ints, Ints]:
        """(row of `table`, subscription) pairs: rows without a subscription go with all of their customer's."""
        who = self.customers_of(table)
        ids = self._subscription_ids[1]
        named = table["subscription_id"] if "subscription_id" in table else pd.Series(pd.NA, index=table.index)
        blank = named.isna().to_numpy()
        place = ids.get_indexer(pd.Index(id_texts(named)))
        known = np.flatnonzero((who >= 0) & (place >= 0) & ~blank)
        pairs = [(known, who[known] * np.int64(len(ids) + 1) + place[known])]
        if blank.any():
            every = np.unique(self.subscription)
            owner = every // (len(ids) + 1)
            loose = np.flatnonzero(blank & (who >= 0))
            low, high = np.searchsorted(owner, who[loose]), np.searchsorted(owner, who[loose], side="right")
            pairs.append((np.repeat(loose, high - low), every[spread(low, high)]))
        return np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])

    def customers_of(self, table: pd.DataFrame) -> Ints:
        """Code of each row's customer; -1 for one who is not in the book."""
        if "customer_id" not in table:
            raise EventTableError(
                f"a table beside the subscriptions has no column customer_id, but {', '.join(map(str, table))}. "
                "Add it, or rename the one that is it."
            )
        names = _merged(id_texts(table["customer_id"]), self.merge)
        return np.asarray(self.customers.get_indexer(pd.Index(names)), np.int64)


def spread(low: Ints, high: Ints) -> Ints:
    """All places from each `low` up to its `high`, one after the other."""
    many = high - low
    skipped = np.repeat(np.cumsum(many) - many, many)
    places: Ints = np.arange(len(skipped)) - skipped + np.repeat(low, many)
    return places


def read_book(
    subscriptions: pd.DataFrame,
    *,
    span: Range,
    policies: Policies,
    by: list[str],
    statuses: tuple[int, ...] = (0, 1, 2),
) -> Book:
    """The rows in these states, as they were known at `as_of`."""
    for name in ("customer_id", "start", *by):
        if name not in subscriptions:
            raise ValueError(unknown("subscriptions", name, subscriptions.columns, "a column of the table", "columns"))
    table, as_of, n = priced(subscriptions), span.observed, len(subscriptions)
    start = times(table, "start", "subscriptions", needed=True)
    end = times(table, "end", "subscriptions")
    if (end < start).any():
        first = int(np.argmax(end < start))
        raise EventTableError(
            f"subscriptions: {int((end < start).sum()):,} of {n:,} rows end before they start (first: row {first}). "
            "Mend them; a row is [start, end)."
        )
    status = _status(table, n)
    keep = (start < as_of) & np.isin(status, statuses)
    names = _merged(id_texts(table["customer_id"]), policies.merge)
    if "recorded_at" in table:
        keep &= _last_known(table, names, start, as_of)
    end = np.where(end >= as_of, NEVER, end)
    keep &= end > start
    customer, customers = pd.factorize(names)
    if n and customer.min() < 0:
        raise EventTableError("subscriptions: some rows have no customer_id. Fill it in or leave them out.")
    currency, currencies = _currencies(table, n)
    rows = np.flatnonzero(keep)
    amounts = _mrr(table)
    amounts = np.where(np.isin(status, (ACTIVE, PAST_DUE, PAUSED)), amounts, np.nan_to_num(amounts))  # no MRR is lost
    parts = to_parts(amounts, coins(currencies)[currency], table="subscriptions")
    if (parts < 0).any():
        raise EventTableError(
            f"subscriptions: {several(int((parts < 0).sum()), 'row has', 'rows have')} an mrr below 0 (first: row "
            f"{int(np.argmax(parts < 0))}). A credit is no recurring revenue: take it off the row that it lowers."
        )
    segment, segments = grouped(table, by)
    whole = Book(
        customer.astype(np.int64), pd.Index(customers), start, end, status, parts, currency, currencies,
        segment, segments, np.arange(n), table, policies.merge,
    )  # fmt: skip
    return whole if len(rows) == n else whole.take(rows)


def times(table: pd.DataFrame, name: str, what: str, *, needed: bool = False) -> Ints:
    """A column of times as microseconds; `NEVER` where it is missing or absent."""
    if name not in table:
        if needed:
            raise EventTableError(f"{what} has no column {name}. Add it, or rename the one that is it.")
        return np.full(len(table), NEVER, np.int64)
    column = table[name]
    if not isinstance(column.dtype, pd.DatetimeTZDtype):
        if column.isna().all():
            column = pd.Series(pd.NaT, index=column.index, dtype=_TIME)
        else:
            column = read_moments(column, f"{what}: the times in {name!r}")
        if column.dt.tz is None:
            raise EventTableError(
                f"{what}: the times in {name!r} have no zone. Declare it: "
                f"{what}.assign({name}={what}[{name!r}].dt.tz_localize('Europe/Berlin'))."
            )
    values = microseconds(column)
    missing = values == np.iinfo(np.int64).min
    if needed and missing.any():
        raise EventTableError(
            f"{what}: {int(missing.sum()):,} of {len(table):,} rows have no {name} (first: row "
            f"{int(np.argmax(missing))}). Fill it in or leave them out."
        )
    return np.where(missing, NEVER, values)


def _merged(names: "pd.Series[Any]", merge: Any) -> "pd.Series[Any]":
    if not merge:
        return names
    final = {str(old): str(new) for old, new in merge.items()}
    for old in final:  # a may be merged into b, and b into c later
        seen = {old}
        while final[old] in final:
            if final[old] in seen:
                raise ValueError(
                    f"merge: {old!r} leads back to itself. Name for each old customer the one that is kept."
                )
            seen.add(final[old])
            final[old] = final[final[old]]
    return names.map(lambda name: final.get(name, name)).astype("str").where(names.notna())


def _status(table: pd.DataFrame, n: int) -> np.ndarray:
    if "status" not in table:
        return np.zeros(n, np.int8)
    codes, words = pd.factorize(table["status"])
    known = {name: place for place, name in enumerate(STATUSES)} | dict.fromkeys(ENDED, len(STATUSES))
    wrong = [word for word in words if str(word).strip().lower() not in known]
    if wrong:
        raise EventTableError(
            f"subscriptions: the status {wrong[0]!r} is not known. Use one of {', '.join(STATUSES)}; rows after the "
            "end are not needed."
        )
    return np.array([*(known[str(word).strip().lower()] for word in words), ACTIVE], np.int8)[codes]


def _mrr(table: pd.DataFrame) -> np.ndarray:
    values = table["mrr"]
    if not pd.api.types.is_numeric_dtype(values.dtype):
        values = pd.to_numeric(values.map(_amount, na_action="ignore"))
    return np.asarray(values.to_numpy(float, na_value=np.nan))


def _amount(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise EventTableError(
            f"subscriptions: the mrr {value!r} is no number. Write 1234.5, and the currency in a column of its own."
        ) from None


def _currencies(table: pd.DataFrame, n: int) -> tuple[Ints, pd.Index]:
    if "currency" not in table or not n:
        return np.zeros(n, np.int64), pd.Index([pd.NA], dtype="str")
    codes, words = pd.factorize(table["currency"], use_na_sentinel=False)
    upper = pd.Series(words).astype("str").str.strip().str.upper()
    again, names = pd.factorize(upper, sort=True, use_na_sentinel=False)
    return again.astype(np.int64)[codes], pd.Index(names, dtype="str")


def _coded(table: pd.DataFrame, rows: Ints | None = None) -> tuple[np.ndarray, pd.Index]:
    """Codes of the subscription ids of all rows, or of these, and the ids."""
    if "subscription_id" not in table:
        raise EventTableError("subscriptions has no column subscription_id. Add it, or rename the one that is it.")
    ids = id_texts(table["subscription_id"])
    codes, names = pd.factorize(ids if rows is None else ids.iloc[rows])
    if len(codes) and codes.min() < 0:
        raise EventTableError("subscriptions: some rows have no subscription_id. Fill it in or leave them out.")
    return codes, pd.Index(names)


def _last_known(table: pd.DataFrame, names: "pd.Series[Any]", start: Ints, as_of: int) -> np.ndarray:
    """Of the rows of a subscription and start, those recorded last before `as_of`; `names` are their customers."""
    recorded = times(table, "recorded_at", "subscriptions")
    recorded = np.where(recorded == NEVER, -NEVER, recorded)  # known from the beginning
    known = recorded < as_of
    codes, ids = _coded(table)
    frame = pd.DataFrame({"id": codes, "start": start, "recorded": recorded, "who": pd.factorize(names)[0]})
    rows = frame[known].groupby(["id", "start"])
    owners = rows["who"].nunique()
    if (owners > 1).any():
        first = ids[owners.index[owners > 1][0][0]]
        warnings.warn(
            f"subscriptions: {several(int((owners > 1).sum()), 'start is', 'starts are')} told of several customers "
            f"under one subscription_id (first: {first!r}). The row recorded last counts alone. Where each customer "
            "has ids of its own, put the customer into subscription_id.",
            stacklevel=2,
        )
    last = rows["recorded"].transform("max").reindex(frame.index)
    return known & (last == recorded).to_numpy()


def texts(names: pd.Series, what: str, column: str) -> pd.Series:
    """Names as text, none of which may be missing."""
    missing = names.isna().to_numpy(bool)
    if missing.any():
        raise EventTableError(
            f"{what}: {int(missing.sum()):,} of {len(names):,} rows have no {column} (first: row "
            f"{int(missing.argmax())}). Fill it in or leave them out."
        )
    return id_texts(names).reset_index(drop=True)
