"""How much of a customer's money stays? The customers of one day, followed to another.

Growth of one customer cannot make up for the loss of another in gross retention: each is capped at what it had. Money
that is paused is neither lost nor grown: it counts as kept until its pause ends.
"""

import re
from collections.abc import Sequence
from typing import Literal, TypeAlias, Unpack

import numpy as np
import pandas as pd

from metrics.intervals import Floats, no_denominator, normal_quantile, ratio, wilson
from metrics.periods import DAY, Ints, When, one_of
from metrics.results import blank, keys, result, too_few
from metrics.revenue.ledger import Ledger, read_ledger
from metrics.revenue.money import from_parts
from metrics.revenue.policies import RevenueOptions, read_options, spell_out

TermExtension: TypeAlias = Literal["contraction", "separate"]
_RATES = ["grr", "grr_low", "grr_high", "nrr", "nrr_low", "nrr_high", "gross_churn", "net_churn"]
_RESULT = ("period_start", "span_start", "customers_start", "opening", *_RATES, "complete", "reason")


@spell_out
def revenue_retention(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    span: str = "1 month",
    reactivation: bool = False,
    term_extension: TermExtension = "contraction",
    min_n: int = 10,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    **options: Unpack[RevenueOptions],
) -> pd.DataFrame:
    """How much of the MRR of a span's start is still there at its end, without growth (GRR) and with it (NRR)?

    The customers with MRR at `span_start`, followed to the period's end. GRR takes of each at most what it had, so that
    nobody's growth hides another's loss; NRR takes all. Twelve months are ``span="12 months"``, never the product of
    twelve single ones, in which each month has other customers.

    Parameters
    ----------
    subscriptions
        MRR lines, or rows with prices, which go through `mrr_lines`.
    as_of
        First moment not observed.
    span
        How long customers are followed: ``"1 month"``, ``"12 months"``, ``"4 weeks"``, ``"90 days"``. It ends with each
        period.
    reactivation
        Whether NRR also counts who had paid before the span, was at 0 at its start and is back.
    term_extension
        ``"contraction"`` (default), or ``"separate"``: MRR that falls while ``billing_months`` rises is no loss.
    min_n
        Rates over fewer customers are NA with the reason ``below_min_n``.
    by
        Column or list: the group in which a customer was at `span_start`, whatever it is in later.
    confidence
        Level of the intervals.
    **options
        Range and policies as in `mrr_rollforward`.

    Returns
    -------
    DataFrame, one row per period that has begun (group, and currency where there are several)
        period_start     local time in `tz`; absent with ``period=None``
        span_start       local date on which the customers are counted
        customers_start  count  with MRR at `span_start`
        opening          money  their MRR
        grr (…)          0 to 1 sum of the smaller of MRR then and now / opening; Wilson, of as many customers of one
                                size as weigh the same: opening squared / sum of their squared MRR
        nrr (…)          from 0 sum of MRR now / opening; a ratio over customers, and at least as wide as GRR's; no
                                limits for one customer
        gross_churn, net_churn   1 - grr, 1 - nrr
        complete         bool   the period is over at `as_of`
        reason           ``incomplete_period``, ``zero_denominator`` or ``below_min_n`` where there are no rates;
                         ``nrr: one_user`` where NRR has no limits

    Raises
    ------
    ValueError
        A span without a unit, a policy that does not exist.
    EventTableError
        As `mrr_rollforward`.

    Notes
    -----
    Intervals: Wilson (1927), Journal of the American Statistical Association 22:209, of the number of customers of Kish
    (1965), Survey Sampling, section 11.7; Cochran (1977), Sampling Techniques, page 155. Paused MRR counts as kept
    under ``paused="separate"``.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ben", "ben"],
    ...         "subscription_id": ["s1", "s2", "s2"],
    ...         "start": pd.to_datetime(["2026-01-05", "2026-01-05", "2026-02-10"], utc=True),
    ...         "end": pd.to_datetime(["2026-02-20", "2026-02-10", None], utc=True),
    ...         "mrr": [10, 30, 60],
    ...     }
    ... )
    >>> revenue_retention(lines, since="2026-02-01", as_of="2026-03-01", min_n=1)[["opening", "grr", "nrr"]]
       opening   grr  nrr
    0     40.0  0.75  1.5
    """
    one_of("term_extension", term_extension, TermExtension)
    by = keys(by, taken=[*_RESULT, "currency"])
    ranged, policies = read_options(as_of, options)
    ledger = read_ledger(subscriptions, span=ranged, policies=policies, by=by)
    if term_extension == "separate" and "billing_months" not in ledger.book.table:
        raise ValueError("term_extension='separate' needs the column billing_months. Add it, or give rows with prices.")
    starts, many = _span_starts(ledger.periods.edges, span), len(ledger.periods)
    frames = [
        _period(
            ledger,
            int(starts[place]),
            int(ledger.periods.edges[place + 1]),
            place,
            confidence,
            reactivation,
            term_extension,
        )
        for place in range(many)
    ]
    table = (
        pd.concat(frames, ignore_index=True)
        if frames
        else _period(ledger, 0, 0, 0, confidence, False, "contraction")[:0]
    )
    place = np.repeat(np.arange(many), len(ledger.parts))
    table.insert(0, "span_start", pd.DatetimeIndex((starts[place] * DAY).view("M8[us]")))
    table["complete"] = ledger.periods.complete[place]
    reason = no_denominator(table["opening"].to_numpy()).mask(~table["complete"], "incomplete_period")
    table["reason"] = too_few(reason, table["customers_start"], min_n)
    table = blank(table, table["reason"].notna(), _RATES)
    alone = table["reason"].isna() & (table["customers_start"] == 1)
    table["reason"] = table["reason"].mask(alone, "nrr: one_user")
    table = ledger.periods.keyed(ledger.labelled(table, by), place)
    order = [name for name in ("period_start", *by, "currency") if name in table]
    if order:
        table = table.sort_values(order, kind="stable", na_position="last")
    definition = (
        f"Of the customers with MRR {span} before the period's end: GRR = what each still pays, at most what it paid "
        f"then, NRR = all that they pay{', and what came back' if reactivation else ''}, / what they paid then. "
        f"{policies.in_words()}"
    )
    settings = {
        "span": span, "reactivation": reactivation, "term_extension": term_extension, "min_n": min_n,
        "by": by or None, "confidence": confidence, **ranged.said(), **policies.said(),
    }  # fmt: skip
    return result(table, metric="revenue_retention", definition=definition, settings=settings)


def _span_starts(edges: Ints, span: str) -> Ints:
    """The local day that lies a span before the end of each period."""
    found = (
        re.fullmatch(r"\s*(\d+)\s*(day|week|month|quarter|year)s?\s*", span.lower()) if isinstance(span, str) else None
    )
    if not found or not int(found[1]):
        raise ValueError(
            f"span: {span!r} is no span. Use a number and days, weeks, months, quarters or years: '12 months'."
        )
    number, unit = int(found[1]), found[2]
    ends = edges[1:]
    if unit in ("day", "week"):
        return ends - number * {"day": 1, "week": 7}[unit]
    months = number * {"month": 1, "quarter": 3, "year": 12}[unit]
    return shifted(ends, np.full(len(ends), -months))


def shifted(days: Ints, months: Ints) -> Ints:
    """Local days so many months later; the 31st becomes the last day of a shorter month."""
    date = days.view("M8[D]")
    month = date.astype("M8[M]")
    offset = (date - month.astype("M8[D]")).astype(np.int64)
    target = month + months
    length = ((target + 1).astype("M8[D]") - target.astype("M8[D]")).astype(np.int64)
    moved: Ints = target.astype("M8[D]").astype(np.int64) + np.minimum(offset, length - 1)
    return moved


def held_at(ledger: Ledger, day: int, edge: int) -> tuple[Ints, Ints, Ints, Ints]:
    """Unit, reported part, MRR and paused MRR of all who have some at the start of a day, at one edge's rates."""
    state = ledger.cells.before(day)
    state = state.pick(np.flatnonzero((state.live > 0) | (state.held > 0)))
    rate = np.full(len(state), edge)
    live, held = (ledger.converted(x, state.part, rate) for x in (state.live, state.held))
    unit, part = state.unit, ledger.reported[state.part]
    if ledger.converts and len(unit):
        order = np.lexsort((part, unit))
        unit, part, live, held = unit[order], part[order], live[order], held[order]
        begin = np.flatnonzero(np.r_[True, (unit[1:] != unit[:-1]) | (part[1:] != part[:-1])])
        live, held = np.add.reduceat(live, begin), np.add.reduceat(held, begin)
        unit, part = unit[begin], part[begin]
    return unit, part, live, held


def _period(
    ledger: Ledger, first: int, last: int, place: int, confidence: float, reactivation: bool,
    term_extension: TermExtension,
) -> pd.DataFrame:  # fmt: skip
    """One row per part of the report."""
    wide, money = len(ledger.parts), ledger.money
    at_rate = place  # both ends at the opening rate: exchange rates are no retention
    unit, part, before, _ = held_at(ledger, first, at_rate)
    there = before > 0
    unit, part, before = unit[there], part[there], before[there]
    now_unit, now_part, live, held = held_at(ledger, last, at_rate)
    # A customer is followed whatever segment it is in; only money of two currencies stays apart.
    then = money[part]
    pairs, code = np.unique(np.r_[unit * wide + then, now_unit * wide + money[now_part]], return_inverse=True)
    total, after = np.zeros(len(pairs), np.int64), np.zeros(len(pairs), np.int64)
    back = np.zeros(len(pairs), np.int64)
    np.add.at(total, code[: len(unit)], before)
    np.add.at(after, code[len(unit) :], live + held)
    np.add.at(back, code[len(unit) :], live)
    paid = before.astype(float)
    share = ratio(before, total[code[: len(unit)]])
    closing = after[code[: len(unit)]].astype(float) * share
    kept = np.minimum(closing, paid)
    if term_extension == "separate" and len(unit):
        longer = ledger.months_at(last)[unit] > ledger.months_at(first)[unit]
        excused = longer & (closing < paid) & (closing > 0)
        kept, closing = np.where(excused, paid, kept), np.where(excused, paid, closing)
    returned = np.zeros(wide)
    if reactivation:
        mine = np.flatnonzero((total == 0) & (back > 0))
        old = mine[ledger.paid_by(pairs[mine] // wide, first)]
        where = np.isin(now_unit * wide + money[now_part], pairs[old])
        np.add.at(returned, now_part[where], live[where].astype(float))
        was_paused = ledger.cells.before(first)
        resting = np.unique(was_paused.unit[was_paused.held > 0])
        paused = where & np.isin(now_unit, resting)
        np.add.at(returned, now_part[paused], -live[paused].astype(float))
    n = np.bincount(part, minlength=wide)
    opening = np.zeros(wide, np.int64)
    np.add.at(opening, part, before)
    table = pd.DataFrame({"customers_start": n, "opening": from_parts(opening, ledger.coins)})
    # As many customers of one size say as much as these, of whom a few pay most.
    alike = ratio(opening.astype(float) ** 2, np.bincount(part, paid**2, minlength=wide))
    table["grr"] = grr = ratio(np.bincount(part, kept, minlength=wide), opening)
    table["grr_low"], table["grr_high"] = low, high = wilson(grr * alike, alike, confidence)
    alone = ratio(np.bincount(part, closing, minlength=wide), opening)
    table["nrr"] = nrr = alone + ratio(returned, opening)
    half = normal_quantile(confidence) * _error(part, closing, paid, alone, n, opening)
    # What nobody lost by chance may be lost all the same: NRR is never surer than GRR.
    table["nrr_low"] = np.maximum(nrr - np.maximum(half, grr - low), 0)
    table["nrr_high"] = nrr + np.maximum(half, high - grr)
    table["gross_churn"], table["net_churn"] = 1 - table["grr"], 1 - table["nrr"]
    return table


def _error(part: Ints, stays: Floats, paid: Floats, rate: Floats, n: Ints, opening: Ints) -> Floats:
    """Standard error of a ratio of sums over customers; NaN for fewer than two."""
    squares = np.bincount(part, (stays - rate[part] * paid) ** 2, minlength=len(rate))
    return np.sqrt(ratio(squares * n, np.maximum(n - 1, 0))) / np.where(opening > 0, opening, np.nan)
