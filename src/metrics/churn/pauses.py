"""Does the offer of a pause keep people who asked to leave?

Those who paused and came back are set beside those who cancelled and came back, each watched for as long. They chose
for themselves: the difference is what happened, not what the offer did.
"""

from collections.abc import Sequence
from typing import Unpack

import numpy as np
import pandas as pd

from metrics.churn.estimates import joined
from metrics.intervals import add_rate, newcombe, no_denominator
from metrics.periods import Ints, When, duration
from metrics.results import aside, beside, blank, keys, result, too_few
from metrics.revenue.book import ACTIVE, NEVER, PAST_DUE, PAUSED, Book, read_book, times
from metrics.revenue.money import coins, from_parts
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range, RangeOptions
from metrics.steps import unknown

_COUNTS = ("entered", "paused", "cancelled", "kept", "paused_followed", "resumed", "cancelled_followed", "returned")
_RESULT = ("period_start", *_COUNTS, "take_rate", "resume_rate", "return_rate", "difference", "mrr_kept", "reason")


def pause_outcomes(
    subscriptions: pd.DataFrame,
    *,
    cancellations: pd.DataFrame,
    as_of: When,
    follow_up: str = "90 days",
    min_n: int = 10,
    by: str | Sequence[str] | None = None,
    confidence: float = 0.95,
    **span: Unpack[RangeOptions],
) -> pd.DataFrame:
    """Of those who asked to cancel, how many paused instead, and came back?

    Parameters
    ----------
    subscriptions
        MRR lines, or rows with prices, with ``status``: pauses and returns are read from them.
    cancellations
        The requests: ``customer_id, subscription_id, requested_at, effective_at, withdrawn_at`` and, where there is,
        ``outcome`` (cancelled, paused, kept). Where it is missing a withdrawn request was kept, one that a pause of the
        subscription follows (before it took effect) paused, one that took effect cancelled, and any other is
        undecided. Rows without ``requested_at`` are no requests.
    as_of
        First moment not observed.
    follow_up
        How long each is watched: from the start of the pause, or from the day on which the cancellation took effect.
        Whose follow-up is not over at `as_of` is in neither rate.
    min_n
        Rates over fewer are NA with the reason ``below_min_n``.
    by
        Column or list of `cancellations` for a breakdown, such as ``reason``.
    confidence
        Level of the intervals.
    **span
        ``period, since, until, tz, week_start`` as in `mrr_rollforward`, by the day of the request.

    Returns
    -------
    DataFrame, one row per period that has begun (and group)
        period_start         local time in `tz`; absent with ``period=None``
        entered              count  requests
        paused, cancelled, kept   count  what came of them; the rest is undecided
        take_rate (…)        0 to 1 paused / entered, Wilson
        paused_followed, resumed          count  whose follow-up is over; who was active again in it
        resume_rate (…)      0 to 1 resumed / paused_followed, Wilson
        cancelled_followed, returned      count
        return_rate (…)      0 to 1 returned / cancelled_followed, Wilson
        difference (…)       -1 to 1  resume_rate - return_rate, Newcombe
        mrr_kept             money  MRR with which the resumed came back
        reason               text   of each estimate that is missing

    Raises
    ------
    ValueError
        A column that is missing, an outcome that is not known.
    EventTableError
        As `mrr_rollforward`.

    Examples
    --------
    >>> day = lambda *texts: pd.to_datetime(list(texts), utc=True)
    >>> rows = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann"] * 3,
    ...         "subscription_id": ["s1"] * 3,
    ...         "start": day("2026-01-01", "2026-02-01", "2026-03-01"),
    ...         "end": day("2026-02-01", "2026-03-01", None),
    ...         "status": ["active", "paused", "active"],
    ...         "mrr": [10, 10, 10],
    ...     }
    ... )
    >>> asked = pd.DataFrame(
    ...     {
    ...         "customer_id": ["ann"],
    ...         "subscription_id": ["s1"],
    ...         "requested_at": day("2026-01-20"),
    ...         "outcome": ["paused"],
    ...     }
    ... )
    >>> told = pause_outcomes(rows, cancellations=asked, period=None, as_of="2026-06-01", min_n=1)
    >>> told[["entered", "paused", "resumed", "resume_rate", "mrr_kept"]]
       entered  paused  resumed  resume_rate  mrr_kept
    0        1       1        1          1.0      10.0
    """
    by = keys(by, taken=_RESULT)
    for name in ("customer_id", "requested_at", *by):
        if name not in cancellations:
            raise ValueError(unknown("cancellations", name, cancellations.columns, "a column of the table", "columns"))
    ranged, length = Range(as_of=as_of, **span), duration(follow_up, name="follow_up")
    book = read_book(subscriptions, span=ranged, policies=Policies(), by=[])
    asked = times(cancellations, "requested_at", "cancellations")
    some = asked < ranged.observed
    table = cancellations[some].reset_index(drop=True)
    asked = asked[some]
    found = _followed(table, asked, book, ranged, length)
    periods = ranged.periods(int(asked.min()) if len(asked) else None)
    place = periods.place(ranged.days(asked))
    inside = (place >= 0) & (place < len(periods))
    groups = aside(by)
    found = pd.concat([table[by].set_axis(groups, axis=1), found.assign(place=place)], axis=1)[inside]
    every = pd.DataFrame({"place": np.arange(len(periods))})
    if by:
        every = every.merge(found[groups].drop_duplicates().sort_values(groups, na_position="last"), how="cross")
    key = ["place", *groups]
    sums = found.groupby(key, dropna=False)[[*_COUNTS, "mrr_kept"]].sum().reset_index()
    mixed = (
        found[found["resumed"] > 0].groupby(key, dropna=False)["currency"].nunique().rename("currencies").reset_index()
    )
    counts = beside(beside(every, sums, key), mixed, key)
    counts[list(_COUNTS)] = counts[list(_COUNTS)].fillna(0).astype(np.int64)
    told = _rates(counts, min_n, confidence)
    told = periods.keyed(told.drop(columns=["place", "currencies"]), told["place"].to_numpy(np.int64))
    definition = (
        f"Requests to cancel: paused / all; of those watched for {follow_up}, active again after a pause / paused, and "
        "active again after a cancellation / cancelled. They chose for themselves: an association, not an effect."
    )
    settings = {"follow_up": follow_up, "min_n": min_n, "by": by or None, "confidence": confidence, **ranged.said()}
    head = [name for name in ("period_start", *groups) if name in told]
    columns = [
        *head, "entered", "paused", "cancelled", "kept", *_of("take_rate"), "paused_followed", "resumed",
        *_of("resume_rate"), "cancelled_followed", "returned", *_of("return_rate"), *_of("difference"), "mrr_kept",
        "reason",
    ]  # fmt: skip
    told = told[columns].rename(columns=dict(zip(groups, by, strict=True)))
    return result(told, metric="pause_outcomes", definition=definition, settings=settings)


def _of(name: str) -> list[str]:
    return [name, f"{name}_low", f"{name}_high"]


def _rates(counts: pd.DataFrame, min_n: int, confidence: float) -> pd.DataFrame:
    table, codes = counts, {}
    for name, part, whole in (
        ("take_rate", "paused", "entered"), ("resume_rate", "resumed", "paused_followed"),
        ("return_rate", "returned", "cancelled_followed"),
    ):  # fmt: skip
        table = add_rate(table, name, part, whole, confidence)
        none = no_denominator(table[whole].to_numpy(float))
        immature = (table[whole] == 0) & (table[part.replace("resumed", "paused").replace("returned", "cancelled")] > 0)
        none = none.mask(immature & (name != "take_rate"), "immature")
        codes[name] = too_few(none, table[whole], min_n)
        table = blank(table, codes[name].notna(), _of(name))
    table["difference"] = table["resume_rate"] - table["return_rate"]
    table["difference_low"], table["difference_high"] = newcombe(
        table["resumed"], table["paused_followed"], table["returned"], table["cancelled_followed"], confidence
    )
    codes["difference"] = codes["resume_rate"].where(codes["resume_rate"].notna(), codes["return_rate"])
    table = blank(table, codes["difference"].notna(), _of("difference"))
    money = pd.Series(pd.NA, index=table.index, dtype="str").mask(table["currencies"] > 1, "mixed_currencies")
    codes["mrr_kept"] = money
    table["mrr_kept"] = table["mrr_kept"].astype(float).fillna(0.0).mask(money.notna())
    return table.assign(reason=joined(codes, table.index))


def _followed(table: pd.DataFrame, asked: Ints, book: Book, span: Range, length: int) -> pd.DataFrame:
    """What became of each request: its outcome, whether it was watched for long enough, and whether it came back."""
    n, as_of = len(table), span.observed
    effective = times(table, "effective_at", "cancellations")
    back = times(table, "withdrawn_at", "cancellations")
    place, key = book.keys_of(table)
    rests = np.flatnonzero(book.status == PAUSED)
    pause = _first_start(place, key, asked[place], book.subscription, book, rests, n)
    said = table["outcome"].astype("str") if "outcome" in table else pd.Series(pd.NA, index=table.index, dtype="str")
    wrong = [name for name in said.dropna().unique() if name not in ("cancelled", "paused", "kept")]
    if wrong:
        raise ValueError(f"cancellations: the outcome {wrong[0]!r} is not known. Use cancelled, paused or kept.")
    blank_ = said.isna()
    # A pause after the end is one of a later time, when the customer had come back.
    outcome = said.mask(blank_ & (effective < as_of), "cancelled")
    outcome = outcome.mask(blank_ & (pause < NEVER) & (pause <= effective), "paused")
    outcome = outcome.mask(blank_ & (back < as_of), "kept")
    paused, cancelled, kept = ((outcome == n).to_numpy(bool, na_value=False) for n in ("paused", "cancelled", "kept"))
    begin = np.where(paused, np.where(pause < NEVER, pause, asked), np.where(effective < NEVER, effective, asked))
    followed = begin + length <= as_of
    live = np.flatnonzero((book.status == ACTIVE) | (book.status == PAST_DUE))
    live = live[book.parts[live] > 0]
    who = book.customers_of(table)
    mine = np.flatnonzero(who >= 0)
    # Who cancelled may come back with any subscription; a pause ends when the customer is active again.
    again = _first_start(mine, who[mine], begin[mine], book.customer, book, live, n)
    came = followed & (again < begin + length)
    resumed, returned = paused & came, cancelled & came
    money, currency = _money_at(who, again, book, live)
    coin = coins(book.currencies) if len(book.currencies) else np.ones(1, np.int64)
    names = np.append(book.currencies.to_numpy(dtype=object), "")
    return pd.DataFrame(
        {
            "entered": 1, "paused": paused, "cancelled": cancelled, "kept": kept,
            "paused_followed": paused & followed, "resumed": resumed,
            "cancelled_followed": cancelled & followed, "returned": returned,
            "mrr_kept": np.where(resumed, from_parts(money, coin[np.maximum(currency, 0)]), 0.0),
            "currency": names[currency],
        },
        index=table.index,
    ).astype(dict.fromkeys(_COUNTS, np.int64))  # fmt: skip


def _first_start(place: Ints, key: Ints, at: Ints, keys_of: Ints, book: Book, rows: Ints, n: int) -> Ints:
    """The first start at or after `at` among the rows of each key, by place; `NEVER` if none."""
    first = np.full(n, NEVER, np.int64)
    asked = pd.DataFrame({"key": key, "at": at, "place": place}).sort_values("at")
    starts = pd.DataFrame({"key": keys_of[rows], "start": book.start[rows]}).sort_values("start")
    found = pd.merge_asof(asked, starts, left_on="at", right_on="start", by="key", direction="forward")
    np.minimum.at(first, found["place"].to_numpy(np.int64), found["start"].fillna(NEVER).to_numpy(np.int64))
    return first


def _money_at(who: Ints, at: Ints, book: Book, rows: Ints) -> tuple[Ints, Ints]:
    """MRR of the rows with which each customer begins at an instant, and the code of its currency (-1: none)."""
    starts = pd.DataFrame(
        {"who": book.customer[rows], "at": book.start[rows], "parts": book.parts[rows], "code": book.currency[rows]}
    )
    sums = starts.groupby(["who", "at"]).agg(parts=("parts", "sum"), code=("code", "first")).reset_index()
    found = pd.DataFrame({"who": who, "at": at}).merge(sums, on=["who", "at"], how="left")
    return found["parts"].fillna(0).to_numpy(np.int64), found["code"].fillna(-1).to_numpy(np.int64)
