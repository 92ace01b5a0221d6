"""From when until when is each amount recurring, paused or at risk? The policies, applied to the rows of the book.

Each row becomes pieces [start, end) with an amount of MRR, of paused MRR and of MRR at risk. What a policy takes away
is a piece with a negative amount over the time that is taken, so that all pieces simply add up.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from metrics.periods import Ints
from metrics.revenue.book import NEVER, PAST_DUE, PAUSED, Book, spread, times
from metrics.revenue.policies import Policies


@dataclass(frozen=True)
class Pieces:
    """Rows of the book with a time and three amounts; `involuntary` are (subscription, instant) of unpaid ends."""

    row: Ints
    start: Ints
    end: Ints
    live: Ints
    held: Ints  # paused
    risk: Ints
    involuntary: tuple[Ints, Ints]


@dataclass(frozen=True)
class Spans:
    """Times [start, end) of subscriptions, in order and without overlap."""

    key: Ints
    start: Ints
    end: Ints

    @classmethod
    def of(cls, key: Ints, start: Ints, end: Ints) -> "Spans":
        """Their union."""
        some = start < end
        key, start, end = key[some], start[some], end[some]
        order = np.lexsort((start, key))
        key, start, end = key[order], start[order], end[order]
        if not len(key):
            return cls(key, start, end)
        reach = pd.Series(end).groupby(key).cummax().to_numpy()
        first = np.r_[True, (key[1:] != key[:-1]) | (start[1:] > reach[:-1])]
        begin = np.flatnonzero(first)
        return cls(key[begin], start[begin], reach[np.r_[begin[1:], len(key)] - 1])

    def over(self, key: Ints, start: Ints, end: Ints) -> tuple[Ints, Ints, Ints]:
        """Where these spans and the given ones overlap: place among the given, start, end."""
        low, high = np.searchsorted(self.key, key), np.searchsorted(self.key, key, side="right")
        given, mine = np.repeat(np.arange(len(key)), high - low), spread(low, high)
        begin, close = np.maximum(start[given], self.start[mine]), np.minimum(end[given], self.end[mine])
        some = begin < close
        return given[some], begin[some], close[some]


def pieces_of(book: Book, policies: Policies, as_of: int) -> Pieces:
    """The pieces of all rows, as they were known at `as_of`."""
    rows = np.arange(len(book))
    paused = book.status == PAUSED
    none = np.zeros(len(book), np.int64)
    end = book.end
    held, live = none, book.parts
    if paused.any():
        live = np.where(paused, 0, book.parts)
        if policies.limit is not None:
            # A later row of a pause may begin when the limit has passed: then nothing of it is left.
            limit = np.maximum(_spell(book, paused) + policies.limit, book.start)
            end = np.where(paused, np.minimum(end, limit), end)
            end = np.where(end >= as_of, NEVER, end)
        if policies.paused == "include":
            live = book.parts
        elif policies.paused == "separate":
            held = np.where(paused, book.parts, 0)
    found: list[tuple[Ints, ...]] = [(rows, book.start, end, live, held, none)]
    nobody = np.zeros(0, np.int64), np.zeros(0, np.int64)
    late = book.status == PAST_DUE
    if not late.any() and policies.invoices is None and policies.recognise == "effective":
        return Pieces(rows, book.start, end, live, held, none, nobody)

    unpaid = _unpaid(book, late, policies, as_of)
    risk = _cut(book, found[0], Spans.of(*unpaid), sign=1, risk=True)
    key, since, until = unpaid
    lost = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
    if policies.grace is not None:
        lost = (key, since + policies.grace, until)
        some = (lost[1] < lost[2]) & (lost[1] < as_of)
        lost = lost[0][some], lost[1][some], lost[2][some]
    ends = Spans.of(*lost)
    gone = ends
    if policies.recognise == "requested":
        asked = _requested(book, policies, as_of)
        gone = Spans.of(*(np.concatenate(both) for both in zip(lost, asked, strict=True)))
    found += [risk, _cut(book, found[0], gone, sign=-1), _cut(book, risk, gone, sign=-1)]
    row, start, end, live, held, risky = (np.concatenate(column) for column in zip(*found, strict=True))
    return Pieces(row, start, end, live, held, risky, (ends.key, ends.start))


def _spell(book: Book, state: np.ndarray) -> Ints:
    """For each row in this state, when its subscription entered it: rows that follow each other are one spell."""
    rows = np.flatnonzero(state)
    spells = Spans.of(book.subscription[rows], book.start[rows], book.end[rows])
    begin = np.zeros(len(book), np.int64)
    width = max(int(spells.start.max(initial=0)), int(book.start[rows].max(initial=0))) + 1
    low = min(int(spells.start.min(initial=0)), 0)
    names, codes = np.unique(np.r_[spells.key, book.subscription[rows]], return_inverse=True)
    frame = pd.DataFrame({"key": codes[: len(spells.key)], "start": spells.start, "begin": spells.start})
    asked = pd.DataFrame({"key": codes[len(spells.key) :], "start": book.start[rows], "row": rows})
    if len(asked) and width > low and len(names):
        found = pd.merge_asof(asked.sort_values("start"), frame.sort_values("start"), on="start", by="key")
        begin[found["row"].to_numpy()] = found["begin"].to_numpy(np.int64)
    return begin


def _unpaid(book: Book, late: np.ndarray, policies: Policies, as_of: int) -> tuple[Ints, Ints, Ints]:
    """Times in which an invoice is unpaid, else those in the state past_due: subscription, since, until."""
    empty = np.zeros(0, np.int64)
    key, since, until = empty, empty, empty
    if policies.invoices is not None:
        due = times(policies.invoices, "due_at", "invoices", needed=True)
        paid = times(policies.invoices, "paid_at", "invoices")
        paid = np.where(paid >= as_of, NEVER, paid)
        some = (due < as_of) & (due < paid)
        invoices = policies.invoices[some]
        place, key = book.keys_of(invoices)
        since, until = due[some][place], paid[some][place]
    rows = np.flatnonzero(late)
    if len(rows):
        begin = _spell(book, late)[rows]
        told = Spans.of(key, since, until)
        covered = np.zeros(len(rows), bool)
        # The oldest unpaid invoice says since when; a row is told by it if one was open when the state began.
        covered[told.over(book.subscription[rows], begin, begin + 1)[0]] = True
        mine = rows[~covered]
        key, since, until = (
            np.r_[key, book.subscription[mine]], np.r_[since, begin[~covered]], np.r_[until, book.end[mine]],
        )  # fmt: skip
    return key, since, until


def _requested(book: Book, policies: Policies, as_of: int) -> tuple[Ints, Ints, Ints]:
    """Times that are no longer committed: from a request to its withdrawal, else to its effect."""
    table = policies.cancellations
    if table is None:
        raise ValueError("recognise='requested' needs the requests. Give cancellations, or use 'effective'.")
    if "requested_at" not in table:
        raise ValueError("recognise='requested' needs requested_at in cancellations. Add it, or use 'effective'.")
    asked = times(table, "requested_at", "cancellations")
    back, effective = times(table, "withdrawn_at", "cancellations"), times(table, "effective_at", "cancellations")
    back = np.where(back >= as_of, NEVER, back)
    outcome = table["outcome"].to_numpy(object) if "outcome" in table else np.full(len(table), None)
    some = (asked < as_of) & ~np.isin(outcome.astype(str), ["paused"])
    some &= ~(np.isin(outcome.astype(str), ["kept"]) & (back == NEVER))
    until = np.where(back < NEVER, back, np.where(effective < as_of, effective, NEVER))
    place, key = book.keys_of(table[some])
    return key, asked[some][place], until[some][place]


def _cut(book: Book, parts: tuple[Ints, ...], spans: Spans, *, sign: int, risk: bool = False) -> tuple[Ints, ...]:
    """What of these parts lies in the spans, with its amounts times `sign`; with `risk`, as money at risk instead."""
    row, start, end, live, held, risky = parts
    if not len(spans.key):
        return tuple(np.zeros(0, np.int64) for _ in range(6))
    some = np.flatnonzero(np.isin(book.subscription[row], spans.key))
    given, begin, close = spans.over(book.subscription[row[some]], start[some], end[some])
    at = some[given]
    if risk:
        none = np.zeros(len(at), np.int64)
        return row[at], begin, close, none, none, sign * live[at]
    return row[at], begin, close, sign * live[at], sign * held[at], sign * risky[at]
