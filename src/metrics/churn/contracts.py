"""Churn with a contract: which customers, and how much money, left in a period?

The denominator is named, for it decides the number: of the same month 2 of 10 customers who were there at its start may
have left, while 4 ends happened, and 12 customers could have left.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias, Unpack

import numpy as np
import pandas as pd

from metrics.intervals import no_denominator, ratio, wilson
from metrics.periods import Ints, When, one_of
from metrics.results import blank, keys, result, too_few
from metrics.revenue.book import NEVER
from metrics.revenue.causes import causes_of
from metrics.revenue.ledger import Ledger, read_ledger
from metrics.revenue.money import from_parts
from metrics.revenue.movements import CHURN, NEW, REACTIVATION, Moves, moves_of
from metrics.revenue.policies import RevenueOptions, read_options, spell_out

Denominator: TypeAlias = Literal["opening", "average", "opening_plus_new"]
Counting: TypeAlias = Literal["customers", "events"]
_COUNTS = (
    "customers_start", "customers_new", "customers_reactivated", "customers_churned", "customers_churned_new",
    "customers_paused", "customers_end", "at_risk",
)  # fmt: skip
_RATES = ["churn_rate", "churn_rate_low", "churn_rate_high", "retention_rate"]
_RESULT = ("period_start", *_COUNTS, *_RATES, "mrr_start", "mrr_churned", "mrr_churn_rate", "complete", "reason")


@spell_out
def subscription_churn(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    denominator: Denominator = "opening",
    counting: Counting = "customers",
    min_n: int = 10,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    **options: Unpack[RevenueOptions],
) -> pd.DataFrame:
    """What share of the customers, and of their money, left in each period?

    With ``counting="customers"`` those with MRR at a period's start who have none at its end, and are not paused. Who
    left and came back has not churned; who joined and left inside is counted beside. Who was paused at the start had no
    MRR then, so that a pause that ends in churn is in no period's rate: ``counting="events"`` has it on its day, and
    ``paused="churn"`` (or ``"include"``) on that of the pause (or of its end). Whose last end in the period was
    one that the contract foresaw (``ended_by="term_end"``) is in neither part of the rate.

    Parameters
    ----------
    subscriptions
        MRR lines, or rows with prices, which go through `mrr_lines`.
    as_of
        First moment not observed.
    denominator
        Whose share it is: ``"opening"`` (default), ``"average"`` of opening and end, ``"opening_plus_new"``.
    counting
        ``"customers"`` (default), or ``"events"``: every churn movement counts. The rate is then a ratio, which may
        pass 1, and has neither limits nor a complement.
    min_n
        Rates over fewer are NA with the reason ``below_min_n``; the counts stand.
    by
        Column or list for a breakdown.
    confidence
        Level of the interval.
    **options
        Range and policies as in `mrr_rollforward`; ``level="subscription"`` counts these.

    Returns
    -------
    DataFrame, one row per period that has begun (group, and currency where there are several)
        period_start           local time in `tz`; absent with ``period=None``
        customers_start        count  with MRR at the start
        customers_new          count  first MRR ever in the period
        customers_reactivated  count  back in the period, paid before
        customers_churned      count  see above
        customers_churned_new  count  first MRR in the period, none at its end
        customers_paused       count  MRR at the start, paused at the end
        customers_end          count  with MRR at the end
        at_risk                number the denominator
        churn_rate (…)         0 to 1 customers_churned / at_risk, Wilson
        retention_rate         0 to 1 1 - churn_rate
        mrr_start              money  MRR at the start, less that of foreseen ends
        mrr_churned            money  of it, that of the churned
        mrr_churn_rate         0 to 1 mrr_churned / mrr_start
        complete               bool   the period is over at `as_of`
        reason                 ``incomplete_period``, ``zero_denominator``, ``below_min_n`` where there are no rates

    Raises
    ------
    ValueError, EventTableError
        As `mrr_rollforward`.

    Examples
    --------
    >>> lines = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann", "ben"],
    ...         "subscription_id": ["s1", "s2"],
    ...         "start": pd.to_datetime(["2026-01-05", "2026-01-10"], utc=True),
    ...         "end": pd.to_datetime([None, "2026-02-20"], utc=True),
    ...         "mrr": [10, 30],
    ...     }
    ... )
    >>> february = subscription_churn(lines, since="2026-02-01", as_of="2026-03-01", min_n=1)
    >>> february[["customers_start", "customers_churned", "churn_rate", "mrr_churn_rate"]]
       customers_start  customers_churned  churn_rate  mrr_churn_rate
    0                2                  1         0.5            0.75
    """
    one_of("denominator", denominator, Denominator)
    one_of("counting", counting, Counting)
    by = keys(by, taken=[*_RESULT, "currency"])
    span, policies = read_options(as_of, options)
    ledger = read_ledger(subscriptions, span=span, policies=policies, by=by)
    frames = _frames(ledger, counting)
    table = pd.concat(frames, ignore_index=True) if frames else _empty()
    foreseen, money_foreseen = table.pop("foreseen"), table.pop("mrr_foreseen")
    opening = table["customers_start"] - foreseen
    at_risk = {
        "opening": opening,
        "average": (opening + table["customers_end"]) / 2,
        "opening_plus_new": opening + table["customers_new"],
    }[denominator]
    table["at_risk"] = at_risk
    churned, n = table["customers_churned"].to_numpy(float), at_risk.to_numpy(float)
    table["churn_rate"] = ratio(churned, n)
    low, high = wilson(np.minimum(churned, n), n, confidence)
    shares = counting == "customers" and denominator != "average"  # else a ratio, not a share of those counted
    table["churn_rate_low"], table["churn_rate_high"] = (low, high) if shares else (np.nan, np.nan)
    table["retention_rate"] = 1 - table["churn_rate"] if shares else np.nan
    table["mrr_start"] = table["mrr_start"] - money_foreseen
    table["mrr_churn_rate"] = ratio(table["mrr_churned"].to_numpy(), table["mrr_start"].to_numpy())
    place = np.repeat(np.arange(len(ledger.periods)), len(ledger.parts))
    table["complete"] = ledger.periods.complete[place]
    reason = no_denominator(n).mask(~table["complete"], "incomplete_period")
    table["reason"] = too_few(reason, at_risk, min_n)
    table = blank(table, table["reason"].notna(), [*_RATES, "mrr_churn_rate"])
    table = ledger.periods.keyed(ledger.labelled(table, by), place)
    order = [name for name in ("period_start", *by, "currency") if name in table]
    if order:
        table = table.sort_values(order, kind="stable", na_position="last")
    what = {"customer": "customers", "subscription": "subscriptions"}[policies.level]
    who = {
        "customers": f"{what} with MRR at a period's start and none at its end",
        "events": f"ends of {what} in a period, each of them",
    }[counting]
    over = {
        "opening": f"{what} with MRR at its start",
        "average": f"the mean of {what} at its start and end",
        "opening_plus_new": f"{what} at its start and new ones",
    }[denominator]
    apart = counting == "customers" and policies.paused == "separate"
    resting = (
        f" {what.capitalize()} paused at the start are in neither, also if the pause ends in churn." if apart else ""
    )
    definition = f"{who[0].upper()}{who[1:]} / {over}.{resting} {policies.in_words()}"
    settings = {
        "denominator": denominator, "counting": counting, "min_n": min_n, "by": by or None, "confidence": confidence,
        **span.said(), **policies.said(),
    }  # fmt: skip
    head = [name for name in ("period_start", *by, "currency") if name in table]
    columns = [*head, *_RESULT[1:]]
    return result(table, metric="subscription_churn", definition=definition, settings=settings, columns=columns)


def _empty() -> pd.DataFrame:
    names = [*(name for name in _COUNTS if name != "at_risk"), "foreseen"]
    money = ["mrr_start", "mrr_churned", "mrr_foreseen"]
    return pd.DataFrame({**{n: np.zeros(0, np.int64) for n in names}, **{n: np.zeros(0) for n in money}})


def _frames(ledger: Ledger, counting: Counting) -> list[pd.DataFrame]:
    """Counts and money of each period, by part."""
    wide = len(ledger.parts)
    moves = moves_of(ledger, "event")
    foreseen_moves = _foreseen(ledger, moves)
    frames = []
    for place in range(len(ledger.periods)):
        start, end = (int(ledger.periods.edges[place + k]) for k in (0, 1))
        opening, closing = ledger.told.before(start), ledger.told.before(end)
        alive = np.zeros(ledger.units, bool)
        resting = np.zeros(ledger.units, bool)
        alive[closing.unit[closing.live > 0]] = True
        resting[closing.unit[closing.held > 0]] = True
        there = opening.live > 0
        unit, part = opening.unit[there], opening.part[there]
        gone = ~alive[unit] & ~resting[unit]
        here = moves.period == place
        excused = gone & _left_as_foreseen(ledger, moves, here, foreseen_moves)[unit]
        gone &= ~excused
        joined = here & (moves.kind == NEW)
        left_again = joined & ~alive[moves.unit] & ~resting[moves.unit]
        back = here & (moves.kind == REACTIVATION)

        def heads(part: Ints) -> Ints:
            return np.bincount(part, minlength=wide)

        money = _money(ledger, start, place, wide)
        of_gone = _money(ledger, start, place, wide, unit[gone])
        churned = heads(part[gone])
        if counting == "events":
            ends = here & (moves.kind == CHURN) & ~foreseen_moves
            churned = np.zeros(wide, np.int64)
            np.add.at(churned, moves.part[ends], moves.customers[ends])
            of_gone = np.zeros(wide, np.int64)
            np.add.at(of_gone, moves.part[ends], -moves.amount[ends])
        frames.append(
            pd.DataFrame(
                {
                    "customers_start": heads(part),
                    "customers_new": heads(moves.part[joined]),
                    "customers_reactivated": heads(moves.part[back]),
                    "customers_churned": churned,
                    "customers_churned_new": heads(moves.part[left_again]),
                    "customers_paused": heads(part[~alive[unit] & resting[unit]]),
                    "customers_end": heads(closing.part[closing.live > 0]),
                    "foreseen": heads(part[excused]),
                    "mrr_start": from_parts(money, ledger.coins),
                    "mrr_churned": from_parts(of_gone, ledger.coins),
                    "mrr_foreseen": from_parts(_money(ledger, start, place, wide, unit[excused]), ledger.coins),
                }
            )
        )
    return frames


def _foreseen(ledger: Ledger, moves: Moves) -> np.ndarray:
    """Which movements are ends that the contract foresaw."""
    if ledger.policies.cancellations is None:
        return np.zeros(len(moves.unit), bool)
    cause = causes_of(ledger, moves.unit, moves.day, moves.kind == CHURN)
    return (cause == "term_end").to_numpy(bool, na_value=False)


def _left_as_foreseen(ledger: Ledger, moves: Moves, here: np.ndarray, foreseen: np.ndarray) -> np.ndarray:
    """For each unit whether its last end of the period was foreseen: an earlier one, it came back from."""
    ends = here & (moves.kind == CHURN)
    last = np.full(ledger.units, -NEVER)
    np.maximum.at(last, moves.unit[ends], moves.day[ends])
    found = np.zeros(ledger.units, bool)
    found[moves.unit[ends & foreseen & (moves.day == last[moves.unit])]] = True
    return found


def _money(ledger: Ledger, day: int, edge: int, wide: int, units: Ints | None = None) -> Ints:
    """MRR of all units, or of these, at the start of a day, by part."""
    state = ledger.cells.before(day)
    some = state.live > 0
    if units is not None:
        some &= np.isin(state.unit, units)
    state = state.pick(np.flatnonzero(some))
    total = np.zeros(wide, np.int64)
    np.add.at(total, ledger.reported[state.part], ledger.converted(state.live, state.part, np.full(len(state), edge)))
    return total
