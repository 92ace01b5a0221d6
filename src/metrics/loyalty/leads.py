"""The way from a lead to a customer to a loyal customer: how many go each part of it, and from where they came.

Everybody has the same time for each part. Who still has some has not failed, and is left out with those who came in
the same weeks and were quicker: counted, the quick ones alone would make the rate of the last weeks too high.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.intervals import add_rate, no_denominator
from metrics.loyalty.purchases import NEVER, orders_of, starts_of
from metrics.periods import DAY, Ints, When, duration, instant, spoken
from metrics.results import blank, grouped, keys, result, too_few
from metrics.revenue.book import ACTIVE, PAST_DUE, Book, read_book, texts, times
from metrics.revenue.policies import Policies
from metrics.revenue.ranges import Range
from metrics.steps import unknown

LEAD, CUSTOMER, LOYAL = "lead", "customer", "loyal customer"
_COUNTS = ["entered", "followed", "reached", "too_recent"]
_RATE = ["conversion_rate", "conversion_rate_low", "conversion_rate_high"]
_RESULT = ["from_stage", "to_stage", *_COUNTS, *_RATE, "median_days", "reason"]


def lead_conversion(
    leads: pd.DataFrame,
    *,
    loyal: str,
    as_of: When,
    orders: pd.DataFrame | None = None,
    subscriptions: pd.DataFrame | None = None,
    within: str = "30 days",
    loyal_within: str = "90 days",
    by: str | Sequence[str] | None = None,
    min_n: int = 10,
    since: When | None = None,
    until: When | None = None,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What share of the leads become customers, and what share of these loyal customers?

    Definition: a customer is a lead who bought in [lead, lead + `within`); a loyal customer is a customer who did what
    `loyal` says.

    Parameters
    ----------
    leads
        One row per lead: ``customer_id``, ``signup_at`` (UTC), as `read_customers` returns them.
    loyal
        What makes a customer a loyal one. With `orders` a number of orders, ``"3 orders"``: the third one in [first,
        first + `loyal_within`). With `subscriptions` a time, ``"90 days"``: still with MRR when it has passed since the
        first payment.
    as_of
        First moment not observed: a date in `tz` or an instant.
    orders, subscriptions
        What is bought; one of them. Orders: ``user_id`` (the customer), ``timestamp``, ``net``; orders of one instant
        are one, refunds none. Subscriptions: MRR lines, or rows with prices; bought is the first active row with MRR.
    within
        Time to become a customer.
    loyal_within
        Time in which the orders of a loyal customer must come.
    by
        Column or list of `leads` for a breakdown, such as ``"source"`` or ``"offer"``; missing is a group of its own.
    min_n
        A rate over fewer is NA with the reason ``below_min_n``; its counts stand.
    since, until
        Half-open range in which the lead must have come.
    tz
        Zone of dates.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, three rows (per group): lead to customer, customer to loyal customer, lead to loyal customer
        from_stage, to_stage  text    ``lead``, ``customer``, ``loyal customer``
        entered               count   got to `from_stage`: followed + too_recent
        followed              count   of these, whose time was over at `as_of`
        reached               count   of these, got to `to_stage` in time
        too_recent            count   who still have time, whether they are there already or not
        conversion_rate (…)   0 to 1  reached / followed, Wilson
        median_days           days    from one stage to the next, of those who reached it
        reason                text    ``immature`` (all still have time), ``zero_denominator`` or ``below_min_n``

    ``attrs["settings"]`` counts leads who were customers before (``customers_before``) and who bought only after
    `within` (``too_late``); the former are in no row.

    Raises
    ------
    ValueError
        A column that is missing, `loyal` that does not suit what is bought, a duration without a unit.
    EventTableError
        A lead that stands twice or has no name or time, an order without time or amount; as `mrr_rollforward`.

    Notes
    -----
    Wilson (1927), Journal of the American Statistical Association 22:209. Shares of sources differ for many reasons:
    only offers that were given by lot can be compared for what they do.

    Examples
    --------
    >>> day = lambda *texts: pd.to_datetime(list(texts), utc=True)
    >>> leads = pd.DataFrame({"customer_id": ["ann", "ben"], "signup_at": day("2026-01-01", "2026-01-02")})
    >>> orders = pd.DataFrame({"user_id": ["ann", "ann"], "timestamp": day("2026-01-05", "2026-02-01"), "net": [9, 9]})
    >>> table = lead_conversion(leads, orders=orders, loyal="2 orders", as_of="2026-07-01", min_n=1)
    >>> table[["from_stage", "to_stage", "followed", "reached", "conversion_rate"]]
      from_stage        to_stage  followed  reached  conversion_rate
    0       lead        customer         2        1              0.5
    1   customer  loyal customer         1        1              1.0
    2       lead  loyal customer         2        1              0.5
    """
    by, wait, follow = (
        keys(by, taken=_RESULT),
        duration(within, name="within"),
        duration(loyal_within, name="loyal_within"),
    )
    end = instant(as_of, tz=tz, name="as_of")
    names, came = _leads(leads, by)
    low = -NEVER if since is None else instant(since, tz=tz, name="since")
    high = end if until is None else instant(until, tz=tz, name="until")
    if low >= high and since is not None and until is not None:
        raise ValueError(f"since {since!s} is not before until {until!s}. A span needs its start before its end.")
    asked = (came >= low) & (came < min(high, end))
    names, came = names[asked], came[asked]
    ordered = isinstance(orders, pd.DataFrame)
    if ordered == isinstance(subscriptions, pd.DataFrame):
        raise ValueError("what is bought is not clear. Give orders=… or subscriptions=…, one of them.")
    if isinstance(orders, pd.DataFrame):
        count = _orders_meant(loyal)
        bought = orders_of(orders, end)[1]
        who = np.asarray(bought.customers.get_indexer(names), np.int64)
        first = bought.nth_from(who, came, 1)
        nth = bought.nth_from(who, first, count)
        stays = nth - first < follow
    elif isinstance(subscriptions, pd.DataFrame):
        follow = _time_meant(loyal)
        book = read_book(
            subscriptions, span=Range(as_of=as_of, tz=tz), policies=Policies(), by=[], statuses=(ACTIVE, PAST_DUE)
        )
        paid = book.take(np.flatnonzero(book.parts > 0))
        bought = starts_of(paid.customers, paid.customer, paid.start)
        who = np.asarray(bought.customers.get_indexer(names), np.int64)
        first = bought.nth_from(who, came, 1)
        nth = first + follow
        stays = _has_mrr(paid, who, nth)
    old = bought.nth_from(who, np.full(len(who), -NEVER), 1) < came
    soon = ~old & (first < NEVER) & (first - came < wait)
    late = ~old & (first < NEVER) & ~soon
    stays &= soon
    entered = {CUSTOMER: ~old, LOYAL: soon, f"{LEAD} {LOYAL}": ~old}
    over = {CUSTOMER: came + wait <= end, LOYAL: first + follow <= end, f"{LEAD} {LOYAL}": came + wait + follow <= end}
    done = {CUSTOMER: (soon, first - came), LOYAL: (stays, nth - first), f"{LEAD} {LOYAL}": (stays, nth - came)}
    place, groups = grouped(leads[asked], by)
    rows = []
    for group in range(len(groups)):
        for name, (reached, took) in done.items():
            mine, last = entered[name] & (place == group), over[name]
            hit = mine & last & reached
            rows.append({
                "_group": group, "from_stage": CUSTOMER if name == LOYAL else LEAD,
                "to_stage": CUSTOMER if name == CUSTOMER else LOYAL, "entered": int(mine.sum()),
                "followed": int((mine & last).sum()), "reached": int(hit.sum()),
                "too_recent": int((mine & ~last).sum()),
                "median_days": float(np.median(took[hit])) / DAY if hit.any() else np.nan,
            })  # fmt: skip
    table = pd.DataFrame(rows, columns=["_group", "from_stage", "to_stage", *_COUNTS, "median_days"])
    table = table.astype({**dict.fromkeys([*_COUNTS, "_group"], np.int64), "median_days": float})
    table = table.astype(dict.fromkeys(["from_stage", "to_stage"], "str"))
    if by:
        table = pd.concat([groups.iloc[table["_group"]].reset_index(drop=True), table], axis=1)
    table = add_rate(table, "conversion_rate", "reached", "followed", confidence)
    early = (table["followed"] == 0) & (table["too_recent"] > 0)
    code = no_denominator(table["followed"]).reindex(table.index).mask(early, "immature")
    table["reason"] = too_few(code, table["followed"], min_n)
    table = blank(table, table["reason"].notna(), _RATE)
    settings = {
        "loyal": loyal, "within": within, "loyal_within": loyal_within if ordered else None,
        "as_of": spoken(end, tz), "tz": tz, "by": by or None, "min_n": min_n, "confidence": confidence,
        "since": None if since is None else spoken(low, tz), "until": None if until is None else spoken(high, tz),
        "customers_before": int(old.sum()) or None, "too_late": int(late.sum()) or None,
    }  # fmt: skip
    paying, buying = (
        f"still with MRR {loyal} after the first payment",
        f"with {loyal} within {loyal_within} of the first",
    )
    how = buying if ordered else paying
    definition = f"Customers are leads who bought within {within}, loyal customers those {how}. Reached / followed."
    return result(table, metric="lead_conversion", definition=definition, settings=settings, columns=[*by, *_RESULT])


def _leads(leads: pd.DataFrame, by: list[str]) -> tuple[pd.Index, Ints]:
    """Who each lead is and when it came, each once."""
    for name in ("customer_id", "signup_at", *by):
        if name not in leads:
            raise ValueError(unknown("leads", name, leads.columns, "a column of the leads", "columns"))
    names = pd.Index(texts(leads["customer_id"], "leads", "customer_id"))
    came = times(leads, "signup_at", "leads", needed=True)
    again = names.duplicated()
    if again.any():
        raise EventTableError(
            f"leads: {int(again.sum()):,} of {len(names):,} rows name a customer_id again (first: "
            f"{str(names[again][0])!r}). Keep one row per lead, the first."
        )
    return names, came


def _orders_meant(loyal: str) -> int:
    found = re.fullmatch(r"\s*(\d+)\s+(?:orders?|purchases?)\s*", loyal.lower()) if isinstance(loyal, str) else None
    if not found or int(found[1]) < 2:
        raise ValueError(
            f"loyal: {loyal!r} is not a number of orders above 1. With orders write '3 orders'; a time such as "
            "'90 days' needs subscriptions=…."
        )
    return int(found[1])


def _time_meant(loyal: str) -> int:
    if isinstance(loyal, str) and re.search(r"order|purchase", loyal.lower()):
        raise ValueError(f"loyal: {loyal!r} needs orders=…. With subscriptions write a time, such as '90 days'.")
    return duration(loyal, name="loyal")


def _has_mrr(paid: Book, who: Ints, at: Ints) -> np.ndarray:
    """Whether each customer has a row with MRR just before an instant."""
    asked = pd.DataFrame({"who": who, "asked": at, "n": np.arange(len(who))})
    rows = pd.DataFrame({"who": paid.customer, "start": paid.start, "end": paid.end})
    met = asked.merge(rows, on="who")
    met = met[(met["start"] < met["asked"]) & (met["end"] >= met["asked"])]
    found = np.zeros(len(who), bool)
    found[met["n"].to_numpy(np.int64)] = True
    return found
