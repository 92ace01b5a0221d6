"""From what to what did recurring revenue go in each period, and by which movements?

Opening and closing are balances, movements are changes; they are reckoned on different roads, and a row in which they
do not meet to the last part of a cent is an error of this package, not a number.
"""

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
import pandas as pd

from metrics.intervals import no_denominator, ratio
from metrics.periods import DAY, Ints, When, instants, one_of
from metrics.results import blank, keys, result
from metrics.revenue.book import times
from metrics.revenue.ledger import Ledger, read_ledger
from metrics.revenue.lines import priced
from metrics.revenue.money import from_parts
from metrics.revenue.movements import CHURN, COUNTED, FX, KINDS, NEW, PAUSE, REACTIVATION, RESUME, Basis, moves_of
from metrics.revenue.policies import Policies, RevenueOptions, read_options, spell_out
from metrics.revenue.ranges import Range
from metrics.steps import unknown

_MONEY = ("opening", "new", "reactivation", "expansion", "contraction", "churn", "pause", "resume", "fx", "closing")
_COUNTS = {NEW: "customers_new", REACTIVATION: "customers_reactivated", CHURN: "customers_churned",
           PAUSE: "customers_paused", RESUME: "customers_resumed"}  # fmt: skip
_RESULT = ("period_start", "currency", *_MONEY, "customers_start", *_COUNTS.values(), "customers_end", "at_risk",
           "arpa", "complete", "restated")  # fmt: skip


@spell_out
def mrr_rollforward(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    basis: Basis = "event",
    by: str | Sequence[str] | None = None,
    **options: Unpack[RevenueOptions],
) -> pd.DataFrame:
    """From what to what did MRR go in each period, and what moved it?

    opening + new + reactivation + expansion + contraction + churn + pause + resume + fx = closing, to the cent, in
    every period, segment and currency. A balance at an edge is the state just before that instant: a start on the
    first of a month is new in it, an end on the first is churn in it. Active and past_due rows are MRR; trials, unpaid
    and free ones are not.

    Parameters
    ----------
    subscriptions
        One row per state of a subscription: prices (see `mrr_lines`) or ``mrr``; ``customer_id, subscription_id, start,
        end, status, currency``. Rows with ``recorded_at`` count as they were known at `as_of`.
    as_of
        First moment not observed: a date in `tz` or an instant. An end at or after it is planned, not done.
    basis
        ``"event"``: each day's changes of a customer. ``"snapshot"``: opening against closing of each customer. Both
        net to the same; what comes and goes inside a period is seen by the first only.
    by
        Column or list for a breakdown; missing values are a group of their own. Who moves from one group to another
        has neither come nor gone: an expansion here and a contraction there.
    period, since, until, tz, week_start
        Periods on the clocks of `tz` that lie in or touch the half-open range; None: the range as one. Default: from
        the first MRR to `as_of`, by month.
    level
        ``"customer"``, or ``"subscription"``: then the ``customers_`` columns count subscriptions.
    paused, pause_limit
        ``"separate"`` (default): a pause is a movement of its own, outside MRR and churn; ``"churn"``; ``"include"``:
        it stays MRR. A pause longer than the limit is churn on the day of the limit.
    invoices, past_due_grace
        Table of invoices. Money is at risk from the due date of the oldest unpaid one (else from the start of the
        past_due row), and churn on due date + grace; paid later, it is a reactivation. None: never by itself.
    cancellations, recognise
        Table of cancellations, which tells causes. ``"requested"``: churn on the day of the request, not of its
        effect; a withdrawn one comes back as a reactivation.
    merge
        ``{old customer_id: new}``, before anything else.
    currency, rates
        None: a row per currency, never added. A code: movements at the rate of their period's opening, the rest is fx;
        `rates` has ``currency, date, rate``, in force from a date to the next.

    Returns
    -------
    DataFrame, one row per period that has begun, group and currency
        period_start     start of the period, local time in `tz`; absent with ``period=None``
        currency         text
        opening          money  MRR at the start
        new              money  from customers who never paid before
        reactivation     money  who paid before and were at 0
        expansion, contraction, churn  money; losses are negative
        pause, resume    money  a pause that ends in churn moves from `pause` to `churn`
        fx               money  what exchange rates did
        closing          money  MRR at the end, or at `as_of`
        customers_start, customers_new, customers_reactivated, customers_churned, customers_paused,
        customers_resumed, customers_end   counts of MRR above 0 and of its movements
        at_risk          money  past due, in the closing
        arpa             money  closing / customers_end, NA without customers
        complete         bool   the period is over at `as_of`
        restated         bool   differs from what was known at the period's end; NA without ``recorded_at``

    Raises
    ------
    ValueError
        A policy that does not exist, one without the table that it needs, no rate in force.
    EventTableError
        Rows that cannot be: without a customer, ending before they start, with MRR below 0.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ben"],
    ...         "subscription_id": ["s1", "s2"],
    ...         "start": pd.to_datetime(["2026-01-05", "2026-01-10"], utc=True),
    ...         "end": pd.to_datetime([None, "2026-02-20"], utc=True),
    ...         "mrr": [10, 25],
    ...     }
    ... )
    >>> mrr_rollforward(lines, as_of="2026-03-01")[["opening", "new", "churn", "closing"]]
       opening   new  churn  closing
    0      0.0  35.0    0.0     35.0
    1     35.0   0.0  -25.0     10.0
    """
    one_of("basis", basis, Basis)
    by = keys(by, taken=_RESULT)
    span, policies = read_options(as_of, options)
    lines = priced(subscriptions)
    table = _table(read_ledger(lines, span=span, policies=policies, by=by), basis)
    table["restated"] = pd.array([pd.NA] * len(table), dtype="boolean")
    if "recorded_at" in lines:
        table["restated"] = _restated(table, lines, basis, span, policies, by)
    order = [name for name in ("period_start", *by, "currency") if name in table]
    table = table.sort_values(order, kind="stable", na_position="last")
    how = "day by day" if basis == "event" else "opening against closing of each customer"
    definition = (
        f"MRR at the opening + movements = MRR at the closing, by {policies.level}, {how}. Losses are negative. "
        f"{policies.in_words()}"
    )
    settings = {"basis": basis, "by": by or None, **span.said(), **policies.said()}
    columns = [*(["period_start"] if "period_start" in table else []), *by, *_RESULT[1:]]
    return result(table, metric="mrr_rollforward", definition=definition, settings=settings, columns=columns)


def _table(ledger: Ledger, basis: Basis) -> pd.DataFrame:
    """The rows of all periods and parts, without `restated`."""
    moves, many, wide = moves_of(ledger, basis), len(ledger.periods), len(ledger.parts)
    shape = (many, wide)
    moved = np.zeros((len(KINDS), *shape), np.int64)
    counted = np.zeros((len(KINDS), *shape), np.int64)
    np.add.at(moved, (moves.kind, moves.period, moves.part), moves.amount)
    np.add.at(counted, (moves.kind, moves.period, moves.part), moves.customers)
    opening, closing, at_risk = _balances(ledger, shape)
    if ledger.converts:
        moved[FX] = closing - opening - moved.sum(axis=0)
    _check(opening, moved, closing)
    start, end = _heads(ledger, shape)

    place, part = (axis.ravel() for axis in np.meshgrid(np.arange(many), np.arange(wide), indexing="ij"))
    coins = ledger.coins[part]
    table = ledger.parts.iloc[part].reset_index(drop=True)
    for name, parts in (("opening", opening), *zip(KINDS, moved, strict=True), ("closing", closing)):
        table[name] = from_parts(parts.ravel(), coins)
    table["customers_start"], table["customers_end"] = start.ravel(), end.ravel()
    for kind in COUNTED:
        table[_COUNTS[kind]] = counted[kind].ravel()
    table["at_risk"] = from_parts(at_risk.ravel(), coins)
    table["arpa"] = ratio(table["closing"].to_numpy(), table["customers_end"].to_numpy())
    table["complete"] = ledger.periods.complete[place]
    return ledger.periods.keyed(table, place)


def _balances(ledger: Ledger, shape: tuple[int, int]) -> tuple[Ints, Ints, Ints]:
    """Opening, closing and money at risk at the closing, of each period and part."""
    cells, many = ledger.cells, shape[0]
    place = ledger.periods.place(cells.day) + 1
    sources = len(ledger.reported)
    live, risk = (np.zeros((many + 2, sources), np.int64) for _ in range(2))
    np.add.at(live, (place, cells.part), cells.live - cells.live_before)
    if cells.risk.any():
        new = np.r_[True, (cells.unit[1:] != cells.unit[:-1]) | (cells.part[1:] != cells.part[:-1])]
        before = np.where(new, 0, np.r_[0, cells.risk[:-1]])
        np.add.at(risk, (place, cells.part), cells.risk - before)
    live, risk = live.cumsum(axis=0)[: many + 1], risk.cumsum(axis=0)[: many + 1]
    edge, source = np.meshgrid(np.arange(many + 1), np.arange(sources), indexing="ij")
    live, risk = (ledger.converted(x.ravel(), source.ravel(), edge.ravel()).reshape(x.shape) for x in (live, risk))
    told = np.zeros((2, many + 1, shape[1]), np.int64)
    for number, target in enumerate(ledger.reported):
        told[0, :, target] += live[:, number]
        told[1, :, target] += risk[:, number]
    return told[0, :-1], told[0, 1:], told[1, 1:]


def _heads(ledger: Ledger, shape: tuple[int, int]) -> tuple[Ints, Ints]:
    """Customers with MRR above 0 at the start and at the end of each period, by part."""
    cells, many = ledger.told, shape[0]
    change = (cells.live > 0).astype(np.int64) - (cells.live_before > 0)
    heads = np.zeros((many + 2, shape[1]), np.int64)
    np.add.at(heads, (ledger.periods.place(cells.day) + 1, cells.part), change)
    heads = heads.cumsum(axis=0)
    return heads[:many], heads[1 : many + 1]


def _check(opening: Ints, moved: Ints, closing: Ints) -> None:
    off = opening + moved.sum(axis=0) - closing
    if off.any():
        rows = np.argwhere(off)
        raise ValueError(
            f"opening + movements is not closing in {len(rows)} rows (period and part, first: {rows[0].tolist()}, off "
            f"by {off[tuple(rows[0])]} parts). This is a fault of metrics, not of the table; please report it."
        )


def _restated(
    table: pd.DataFrame, lines: pd.DataFrame, basis: Basis, span: Range, policies: Policies, by: list[str]
) -> Any:
    """Whether a row is other than it was at its period's end.

    Only customers with a row that was recorded later, and that speaks of the time before, can make a difference.
    """
    frozen = read_ledger(lines, span=span, policies=policies, by=by)
    periods = frozen.periods
    recorded, start = times(lines, "recorded_at", "subscriptions"), times(lines, "start", "subscriptions")
    names = [name for name in table.columns if name not in ("arpa", "complete", "restated")]
    groups = [name for name in ("period_start", *by, "currency") if name in table]
    changed = pd.Series(False, index=table.index)
    instants = _instants(periods.edges, span.tz)
    who = frozen.book.customers_of(lines)
    for place in np.flatnonzero(periods.complete):
        edge = int(instants[place + 1])
        if edge >= span.observed:
            continue
        late = (recorded >= edge) & (recorded < 2**62) & (start < edge)
        if not late.any():
            continue
        only = np.isin(who, np.unique(who[late]))
        one = _at(periods, int(place), span)
        now, then = (
            _table(read_ledger(lines, span=seen, policies=policies, by=by, only=only), basis)[names]
            for seen in (one, _seen(one, edge))
        )
        both = now.merge(then, on=groups, how="outer", suffixes=("", " then"), indicator=True)
        numbers = [name for name in names if name not in groups]
        differs = np.zeros(len(both), bool)
        for name in numbers:
            differs |= both[name].fillna(0).to_numpy() != both[f"{name} then"].fillna(0).to_numpy()
        hit = table[groups].merge(both.loc[differs, groups].drop_duplicates(), on=groups, how="left", indicator=True)
        changed |= (hit["_merge"] == "both").to_numpy()
    return changed.astype("boolean").mask(~table["complete"])


def _instants(edges: Ints, tz: str) -> Ints:
    return instants(edges * DAY, tz)


def _at(periods: Any, place: int, span: Range) -> Range:
    """The range of this one period."""
    if periods.numbers is None:
        return span
    low, high = _instants(periods.edges[place : place + 2], span.tz)
    return Range(span.as_of, span.period, _stamp(low), _stamp(high), span.tz, span.week_start)


def _seen(span: Range, edge: int) -> Range:
    return Range(_stamp(edge), span.period, span.since, span.until, span.tz, span.week_start)


def _stamp(time: int) -> pd.Timestamp:
    return pd.Timestamp(int(time), unit="us", tz="UTC")


def mrr_churn_rate(rollforward: pd.DataFrame, *, reactivation: bool = False) -> pd.DataFrame:
    """What share of the opening MRR was lost, gross and net of growth?

    From the totals of a roll-forward: gross churn = (contraction + churn) / opening, net churn less the expansion too.
    Not capped for each customer: whoever shrank and grew counts with both. `revenue_retention` follows customers.

    Parameters
    ----------
    rollforward
        Result of `mrr_rollforward`, or a table with ``opening, expansion, contraction, churn`` (and ``reactivation``).
    reactivation
        Whether who came back lowers net churn.

    Returns
    -------
    DataFrame, the keys of `rollforward`, and
        opening       money
        gross_churn   share of opening  -(contraction + churn) / opening
        net_churn     share of opening  gross_churn - expansion / opening; below 0 where growth outweighs losses
        grr, nrr      1 - gross_churn, 1 - net_churn
        reason        ``zero_denominator`` or ``incomplete_period`` where there are no rates

    Raises
    ------
    ValueError
        A column that is missing.

    Examples
    --------
    >>> totals = pd.DataFrame({"opening": [1000.0], "expansion": [120.0], "contraction": [-20.0], "churn": [-30.0]})
    >>> mrr_churn_rate(totals)[["gross_churn", "net_churn", "nrr"]]
       gross_churn  net_churn   nrr
    0         0.05      -0.07  1.07
    """
    names = ["opening", "expansion", "contraction", "churn", *(["reactivation"] if reactivation else [])]
    totals, table = totals_of(rollforward, names)
    gained = totals["expansion"] + (totals["reactivation"] if reactivation else 0)
    table["opening"] = totals["opening"]
    table["gross_churn"] = ratio(
        -(totals["contraction"] + totals["churn"]).to_numpy() + 0.0, totals["opening"].to_numpy()
    )
    table["net_churn"] = table["gross_churn"] - ratio(gained.to_numpy(), totals["opening"].to_numpy())
    table["grr"], table["nrr"] = 1 - table["gross_churn"], 1 - table["net_churn"]
    table["reason"] = no_denominator(totals["opening"].to_numpy())
    if "complete" in rollforward:
        open_ = ~rollforward["complete"].to_numpy(bool)
        table["reason"] = table["reason"].mask(open_, "incomplete_period")
        rates = ["gross_churn", "net_churn", "grr", "nrr"]
        table = blank(table, pd.Series(open_), rates)
    definition = (
        "Gross churn = -(contraction + churn) / opening; net churn = gross churn - expansion"
        f"{' and reactivation' if reactivation else ''} / opening, from the totals of a period."
    )
    settings = {"reactivation": reactivation, "period": rollforward.attrs.get("settings", {}).get("period")}
    return result(table, metric="mrr_churn_rate", definition=definition, settings=settings)


def totals_of(rollforward: pd.DataFrame, names: list[str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The totals that a formula needs as floats, and the keys of the table for its result."""
    for name in names:
        if name not in rollforward:
            raise ValueError(unknown("rollforward", name, rollforward.columns, "a column of the table", "columns"))
    own = {*_RESULT, "mrr"} - {"period_start", "currency"}
    keyed = rollforward[[name for name in rollforward.columns if name not in own]].reset_index(drop=True)
    return rollforward[names].astype(float).reset_index(drop=True), keyed
