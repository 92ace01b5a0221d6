"""Everything that the functions of recurring revenue start from: cells of customers by part, and the periods.

A part is a segment in a currency. Where a currency of the report is asked for, the parts of one segment are reported
together, at the rate of each period's opening.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from metrics.files import EventTableError
from metrics.files.values import id_texts
from metrics.intervals import Floats
from metrics.periods import DAY, Ints
from metrics.revenue.book import NEVER, Book, read_book
from metrics.revenue.money import coins
from metrics.revenue.pieces import pieces_of
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Periods, Range
from metrics.revenue.states import Cells, cells_of


@dataclass(frozen=True)
class Ledger:
    """`reported` says for each part of the cells which row of `parts` tells it; `coins` are those of these rows."""

    span: Range
    policies: Policies
    periods: Periods
    book: Book
    involuntary: tuple[Ints, Ints]  # subscription and instant of ends that an unpaid invoice brought
    unit: Ints
    units: int
    part: Ints  # of each row of the book, among `sources`
    cells: Cells
    reported: Ints
    parts: pd.DataFrame
    coins: Ints
    sources: pd.DataFrame

    @cached_property
    def whole(self) -> Cells:
        """The cells of each unit over all its segments and currencies: only whether it pays can be told by them."""
        if int(self.cells.part.max(initial=0)) == 0:
            return self.cells
        return self.cells.merged(np.zeros(len(self.reported), np.int64))

    @cached_property
    def told(self) -> Cells:
        """The cells by the parts of the report: only whether somebody pays can be told where currencies are merged."""
        return self.cells.merged(self.reported) if self.converts else self.cells

    @property
    def converts(self) -> bool:
        return self.policies.currency is not None

    @cached_property
    def _rates(self) -> Floats:
        """Rate of each source part at each edge of the periods, in coins of the report for one of its own."""
        target = str(self.policies.currency).upper()
        edges = self.periods.edges
        known = _read_rates(self.policies.rates)
        table = np.ones((len(self.reported), len(edges)))
        own = coins(pd.Index(self.sources["currency"]))
        for place, code in enumerate(self.sources["currency"]):
            if code != target:
                table[place] = _rate_at(known, code, target, edges)
            table[place] *= self.coins[0] / own[place]
        return table

    def converted(self, amount: Ints, part: Ints, edge: Ints) -> Ints:
        """Amounts of source parts in the currency of the report, at the rates of these edges."""
        if not self.converts or not len(amount):
            return amount
        whole: Ints = np.rint(amount * self._rates[part, edge]).astype(np.int64)
        return whole

    @cached_property
    def money(self) -> Ints:
        """For each reported part one code of its currency: money of equal codes may be added."""
        codes: Ints = pd.factorize(self.parts["currency"], use_na_sentinel=False)[0].astype(np.int64)
        return codes

    def labelled(self, table: pd.DataFrame, by: list[str]) -> pd.DataFrame:
        """The table, whose rows are the parts of each period in turn, with its keys; one currency is not named."""
        named = [*by, "currency"] if len(set(self.parts["currency"])) > 1 else by
        turns = len(table) // max(len(self.parts), 1)
        keyed = pd.concat([self.parts[named]] * max(turns, 1), ignore_index=True)[: len(table)]
        return pd.concat([keyed, table], axis=1)

    def paid_by(self, unit: Ints, day: int) -> np.ndarray:
        """Whether each unit had MRR on any day before this one."""
        early = np.unique(self.cells.unit[(self.cells.day < day) & (self.cells.live > 0)])
        return np.isin(unit, early)

    def running(self, day: int) -> tuple[Ints, Floats]:
        """Rows of the book that run at the start of a local day, and the months that each pays for at once."""
        first, last = self._days
        rows = np.flatnonzero((first < day) & (last >= day))
        months = pd.to_numeric(self.book.table["billing_months"]).to_numpy(float, na_value=np.nan)
        return rows, months[self.book.row[rows]]

    @cached_property
    def _days(self) -> tuple[Ints, Ints]:
        ended = np.minimum(self.book.end, self.span.observed)
        return self.span.days(self.book.start), np.where(self.book.end < NEVER, self.span.days(ended), NEVER)

    def months_at(self, day: int) -> Floats:
        """The longest billing of each unit at the start of a local day."""
        rows, months = self.running(day)
        longest = np.zeros(self.units)
        np.fmax.at(longest, self.unit[rows], months)
        return longest

    def names_of(self, unit: Ints) -> pd.DataFrame:
        """Ids of the customers (and subscriptions) of these units."""
        first = np.zeros(self.units, np.int64)
        first[self.unit[::-1]] = np.arange(len(self.unit))[::-1]
        rows = first[unit]
        names = {"customer_id": self.book.customers.to_numpy()[self.book.customer[rows]]}
        if self.policies.level == "subscription":
            names["subscription_id"] = id_texts(self.book.table["subscription_id"].iloc[self.book.row[rows]]).to_numpy()
        return pd.DataFrame(names)


def read_ledger(
    subscriptions: pd.DataFrame, *, span: Range, policies: Policies, by: list[str], only: np.ndarray | None = None
) -> Ledger:
    """The ledger of a table of subscriptions; `only` are rows of the table to which it is limited."""
    book = read_book(subscriptions, span=span, policies=policies, by=by)
    if only is not None:
        book = book.take(np.flatnonzero(only[book.row]))
    pieces = pieces_of(book, policies, span.observed)
    unit, units = book.customer, len(book.customers)
    if policies.level == "subscription":
        found, unit = np.unique(book.subscription, return_inverse=True)
        units = len(found)
    many = len(book.currencies)
    code = book.segment * many + book.currency
    if len(book.segments) * many > 1:
        used, part = np.unique(code, return_inverse=True)
    else:
        used, part = np.zeros(min(len(code), 1), np.int64), code
    if not len(used):  # nothing was ever paid: one row a period says so, unless there are segments
        used = np.zeros(0 if by else 1, np.int64)
    sources = book.segments.iloc[used // many].reset_index(drop=True)
    sources["currency"] = book.currencies.to_numpy()[used % many] if many else pd.NA
    reported, parts = np.arange(len(sources)), sources
    if policies.currency is not None:
        reported = np.unique(used // many, return_inverse=True)[1] if many else np.zeros(len(sources), np.int64)
        first = np.unique(reported, return_index=True)[1]
        parts = sources.iloc[first].reset_index(drop=True).assign(currency=policies.currency.upper())
    cells = cells_of(book, pieces, unit, np.asarray(part, np.int64), span)
    live = book.start[book.parts > 0]
    periods = span.periods(int(live.min()) if len(live) else None)
    return Ledger(
        span, policies, periods, book, pieces.involuntary, unit, units, np.asarray(part, np.int64), cells,
        np.asarray(reported, np.int64), parts, coins(pd.Index(parts["currency"])), sources,
    )  # fmt: skip


def _read_rates(rates: Any) -> pd.DataFrame:
    missing = [name for name in ("currency", "date", "rate") if name not in rates]
    if missing:
        raise EventTableError(f"rates has no column {', '.join(missing)}. It needs currency, date and rate.")
    date = pd.to_datetime(rates["date"])
    date = date.dt.tz_localize(None) if date.dt.tz is not None else date
    table = pd.DataFrame(
        {
            "currency": rates["currency"].astype("str").str.upper(),
            "day": date.dt.as_unit("us").to_numpy("M8[us]").view(np.int64) // DAY,
            "rate": rates["rate"].astype(float),
        }
    )
    if not (table["rate"] > 0).all():
        raise EventTableError(
            "rates: some are missing or not above 0. A rate is units of the report's currency for one."
        )
    if table.duplicated(["currency", "day"]).any():
        twice = table[table.duplicated(["currency", "day"])].iloc[0]
        raise EventTableError(f"rates: {twice['currency']} has two rates on one date. Leave the right one.")
    return table.sort_values("day", kind="stable")


def _rate_at(rates: pd.DataFrame, code: Any, target: str, edges: Ints) -> Floats:
    if pd.isna(code):
        raise EventTableError(f"subscriptions: some rows have no currency, so that no rate to {target} can be told.")
    mine = rates[rates["currency"] == code]
    place = np.searchsorted(mine["day"].to_numpy(), edges, side="right") - 1
    if not len(mine) or (place < 0).any():
        at = pd.Timestamp(int(edges[0]) * DAY, unit="us").date()
        raise ValueError(f"rates: none of {code} to {target} is in force on {at}. Add one from that date or earlier.")
    values: Floats = mine["rate"].to_numpy(float)[place]
    return values
