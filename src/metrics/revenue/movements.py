"""What moved recurring revenue? Each change with its kind, on its day, or between the edges of a period.

Whether somebody is new, gone or back is a question about the customer, not about one of their plans, segments or
currencies: who swaps one plan for another has neither left nor come.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias, Unpack

import numpy as np
import pandas as pd

from metrics.periods import DAY, Ints, When, one_of
from metrics.results import result
from metrics.revenue.causes import causes_of
from metrics.revenue.ledger import Ledger, read_ledger
from metrics.revenue.money import from_parts
from metrics.revenue.policies import RevenueOptions, read_options, spell_out
from metrics.revenue.states import Cells

Basis: TypeAlias = Literal["event", "snapshot"]
KINDS = ("new", "reactivation", "expansion", "contraction", "churn", "pause", "resume", "fx")
NEW, REACTIVATION, EXPANSION, CONTRACTION, CHURN, PAUSE, RESUME, FX = range(8)
COUNTED = (NEW, REACTIVATION, CHURN, PAUSE, RESUME)  # kinds with a column of customers
_RESULT = ("period_start", "date", "customer_id", "subscription_id", "kind", "amount", "currency", "cause")


@dataclass(frozen=True)
class Moves:
    """Movements: unit, part of the report, period, day (of the last change), kind, amount, and customers they count."""

    unit: Ints
    part: Ints
    period: Ints
    day: Ints
    kind: Ints
    amount: Ints
    customers: Ints


def moves_of(ledger: Ledger, basis: Basis) -> Moves:
    """All movements in the periods of the ledger, in the parts that it reports."""
    changes, row = _changes(ledger, basis)
    kind, customers, again, gone, only = _kinds(ledger, changes, row, basis)
    moved = changes.live != 0
    told = changes.moves(slice(None), kind, changes.live, customers)
    if moved.all() and not len(again):
        return told
    # What was paused and does not come back: no MRR any more, so that it moves from pause to churn (or contraction).
    given_up = np.isin(changes.unit, np.unique(changes.unit[again]))
    some, others = np.flatnonzero(moved & given_up), np.flatnonzero(moved & ~given_up)
    kind = np.r_[kind[some], np.where(gone, CHURN, CONTRACTION), np.full(len(again), PAUSE)]
    amount = np.r_[changes.live[some], changes.held[again], -changes.held[again]]
    ends = _together(changes.moves(np.r_[some, again, again], kind, amount, np.r_[customers[some], only, -only]))
    return Moves(**{name: np.r_[getattr(told, name)[others], getattr(ends, name)] for name in Moves.__annotations__})


@dataclass(frozen=True)
class Changes:
    """What changed of a unit in one part of the report at one moment: MRR, and MRR that rests."""

    unit: Ints
    part: Ints
    period: Ints
    day: Ints
    live: Ints
    held: Ints

    def moves(self, place: Ints | slice, kind: Ints, amount: Ints, customers: Ints) -> Moves:
        return Moves(self.unit[place], self.part[place], self.period[place], self.day[place], kind, amount, customers)


def _moments(ledger: Ledger, cells: Cells, basis: Basis) -> Ints:
    """What is netted: the changes of a day, or of a period."""
    return cells.day if basis == "event" else ledger.periods.place(cells.day)


def _changes(ledger: Ledger, basis: Basis) -> tuple[Changes, Ints]:
    """The changes inside the periods, in the currency of the report; and for each the run of the whole unit's cells."""
    cells, whole = ledger.cells, ledger.whole
    period = ledger.periods.place(cells.day)
    time, times = (_moments(ledger, some, basis) for some in (cells, whole))
    begin, end = _runs(cells.unit, time, cells.part)
    inside = (period[begin] >= 0) & (period[begin] < len(ledger.periods))
    begin, end = begin[inside], end[inside]
    unit, part, when, period = cells.unit[begin], cells.part[begin], time[begin], period[begin]
    live = ledger.converted(cells.live[end] - cells.live_before[begin], part, period)
    held = ledger.converted(cells.held[end] - cells.held_before[begin], part, period)
    day, part = cells.day[end], ledger.reported[part]
    if ledger.converts:
        unit, part, when, period, day, live, held = _added_up(unit, part, when, period, day, live, held)
    low = int(min(times.min(initial=0), when.min(initial=0)))
    width = int(max(times.max(initial=0), when.max(initial=0))) - low + 1
    first, _ = _runs(whole.unit, times)
    row = np.searchsorted(whole.unit[first] * width + (times[first] - low), unit * width + (when - low))
    return Changes(unit, part, period, day, live, held), row


def _kinds(ledger: Ledger, change: Changes, row: Ints, basis: Basis) -> tuple[Ints, Ints, Ints, np.ndarray, Ints]:
    """Kind of each change, told by what the whole unit had before and after, and the customers that it counts.

    Then where pauses are given up, whether nothing is left of the unit then, and the customers paused until then.
    """
    whole = ledger.whole
    begin, end = _runs(whole.unit, _moments(ledger, whole, basis))
    begin, end = begin[row], end[row]
    before, after = whole.live_before[begin], whole.live[end]
    rested, rests = whole.held_before[begin] > 0, whole.held[end] > 0
    ever = whole.paid_before[begin]
    live, held = change.live, change.held
    came, left = (before == 0) & (after > 0), (before > 0) & (after == 0)
    kind = np.select(
        [
            came & ~ever, came & rested, came, left & rests, left,
            (live > 0) & (held < 0), live > 0, (live < 0) & (held > 0),
        ],
        [NEW, RESUME, REACTIVATION, PAUSE, CHURN, RESUME, EXPANSION, PAUSE],
        default=CONTRACTION,
    )  # fmt: skip
    again = np.flatnonzero((held < 0) & (live <= 0) & (ever | (before > 0)))
    gone = ((after == 0) & ~rests)[again]
    only = (gone & (before[again] == 0)).astype(np.int64)
    return kind, (came | left).astype(np.int64), again, gone, only


def _together(moves: Moves) -> Moves:
    """Movements of one unit, part, day and kind as one: a live and a paused part that end together are one churn."""
    if not len(moves.unit):
        return moves
    keys = (moves.kind, moves.day, moves.period, moves.part, moves.unit)
    order = np.lexsort(keys)
    begin, _ = _runs(*(key[order] for key in keys))
    amount, customers = (np.add.reduceat(x[order], begin) for x in (moves.amount, moves.customers))
    first = order[begin]
    return Moves(
        moves.unit[first], moves.part[first], moves.period[first], moves.day[first], moves.kind[first], amount,
        customers,
    )  # fmt: skip


def _added_up(
    unit: Ints, part: Ints, when: Ints, place: Ints, day: Ints, live: Ints, held: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints, Ints]:
    """Movements of one unit and moment in several currencies, as one in that of the report."""
    order = np.lexsort((when, part, unit))
    begin, _ = _runs(unit[order], when[order], part[order])
    if not len(begin):
        return unit, part, when, place, day, live, held
    first = order[begin]
    live, held = (np.add.reduceat(x[order], begin) for x in (live, held))
    day = np.maximum.reduceat(day[order], begin)
    return unit[first], part[first], when[first], place[first], day, live, held


def _runs(*columns: Ints) -> tuple[Ints, Ints]:
    """First and last place of each run of equal rows."""
    if not len(columns[0]):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    new = np.zeros(len(columns[0]), bool)
    new[0] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    begin = np.flatnonzero(new)
    return begin, np.r_[begin[1:], len(new)] - 1


def fx_moves(ledger: Ledger, moves: Moves) -> Moves:
    """What exchange rates did to each unit in each period: closing less opening less movements."""
    found = []
    cells, periods = ledger.cells, ledger.periods
    for place in range(len(periods)):
        rest = np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int64)
        for edge, rate_at, sign in ((periods.edges[place + 1], place + 1, 1), (periods.edges[place], place, -1)):
            state = cells.before(int(edge))
            amount = sign * ledger.converted(state.live, state.part, np.full(len(state), rate_at))
            rest = np.r_[rest[0], state.unit], np.r_[rest[1], ledger.reported[state.part]], np.r_[rest[2], amount]
        here = moves.period == place
        rest = np.r_[rest[0], moves.unit[here]], np.r_[rest[1], moves.part[here]], np.r_[rest[2], -moves.amount[here]]
        order = np.lexsort((rest[1], rest[0]))
        begin, _ = _runs(rest[0][order], rest[1][order])
        if len(begin):
            amount = np.add.reduceat(rest[2][order], begin)
            some = np.abs(amount) > 2  # less is rounding of parts, and no money
            first = order[begin][some]
            found.append((rest[0][first], rest[1][first], np.full(len(first), place), amount[some]))
    if not found:
        return Moves(*[np.zeros(0, np.int64)] * 7)
    unit, part, period, amount = (np.concatenate(column) for column in zip(*found, strict=True))
    none = np.zeros(len(unit), np.int64)
    return Moves(unit, part, period, periods.edges[period + 1] - 1, np.full(len(unit), FX), amount, none)


@spell_out
def mrr_movements(
    subscriptions: pd.DataFrame, *, as_of: When, basis: Basis = "event", **options: Unpack[RevenueOptions]
) -> pd.DataFrame:
    """Who moved recurring revenue, when, how much, and why?

    Parameters
    ----------
    subscriptions
        MRR lines, or rows with prices, which go through `mrr_lines`.
    as_of
        First moment not observed.
    basis
        ``"event"`` (default): each local day with a change, all changes of a customer on it netted. ``"snapshot"``: a
        customer at a period's opening against its closing, so that what comes and goes inside is not seen.
    **options
        Range and policies as in `mrr_rollforward`.

    Returns
    -------
    DataFrame, one row per movement, in order of time and customer
        period_start   start of the period, local time in `tz`; absent with ``period=None``
        date           local day; NA on a snapshot and for fx
        customer_id    text
        subscription_id  with ``level="subscription"``
        kind           new, reactivation, expansion, contraction, churn, pause, resume, fx
        amount         money, losses negative
        currency       text
        cause          of a churn: voluntary, involuntary, dispute, term_end; NA where it is not known

    Raises
    ------
    ValueError
        A policy that does not exist, or one without the table that it needs.
    EventTableError
        Rows that cannot be: without a customer, ending before they start, with MRR below 0.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ann"],
    ...         "subscription_id": ["s1", "s2"],
    ...         "start": pd.to_datetime(["2026-01-05", "2026-02-10"], utc=True),
    ...         "end": pd.to_datetime(["2026-02-10", None], utc=True),
    ...         "mrr": [10, 25],
    ...     }
    ... )
    >>> mrr_movements(lines, as_of="2026-03-01")[["date", "kind", "amount"]]
            date       kind  amount
    0 2026-01-05        new    10.0
    1 2026-02-10  expansion    15.0
    """
    one_of("basis", basis, Basis)
    span, policies = read_options(as_of, options)
    ledger = read_ledger(subscriptions, span=span, policies=policies, by=[])
    moves = moves_of(ledger, basis)
    if ledger.converts:
        fx = fx_moves(ledger, moves)
        moves = Moves(*(np.concatenate([getattr(x, name) for x in (moves, fx)]) for name in Moves.__annotations__))
    names = ledger.names_of(moves.unit)
    dated = (moves.kind != FX) & (basis == "event")
    date = pd.Series(pd.DatetimeIndex((moves.day * DAY).view("M8[us]"))).where(dated)
    table = pd.DataFrame(
        {
            "date": date,
            "customer_id": names["customer_id"].to_numpy(),
            **({"subscription_id": names["subscription_id"].to_numpy()} if policies.level == "subscription" else {}),
            "kind": pd.Series(np.array(KINDS, dtype=object)[moves.kind], dtype="str"),
            "amount": from_parts(moves.amount, ledger.coins[moves.part]),
            "currency": ledger.parts["currency"].astype("str").to_numpy()[moves.part],
            "cause": causes_of(ledger, moves.unit, moves.day, moves.kind == CHURN),
        }
    ).astype({"customer_id": "str", "currency": "str"})
    table = ledger.periods.keyed(table, moves.period)
    order = [name for name in ("period_start", "date", "customer_id", "subscription_id") if name in table]
    table = (
        table.assign(_kind=moves.kind).sort_values([*order, "currency", "_kind"], kind="stable").drop(columns="_kind")
    )
    how = {
        "event": "each local day with a change, the changes of one customer on it netted",
        "snapshot": "each customer's opening against closing of a period",
    }[basis]
    definition = f"Changes of MRR, {how}. {policies.in_words()}"
    settings = {"basis": basis, **span.said(), **policies.said()}
    return result(table, metric="mrr_movements", definition=definition, settings=settings)
