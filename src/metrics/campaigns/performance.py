"""Mails: how far does each step of a cadence get?

Mail clients open mails that nobody reads: who was opened for by a machine alone is neither an opener nor a non-opener.
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import pandas as pd

from metrics.campaigns.recipients import NEVER, outside, recipients, sums
from metrics.intervals import add_rate, no_denominator, ratio
from metrics.periods import one_of
from metrics.results import blank, join_reasons, keys, result, too_few

Opens: TypeAlias = Literal["human", "all"]
_BY = ("campaign_id", "variant")
_COUNTS = [
    "sent", "delivered", "bounced", "human_openers", "prefetched_only", "clickers", "unsubscribed", "converted",
]  # fmt: skip
_RATES = ("open_rate", "click_rate", "unsubscribe_rate", "conversion_rate")
_PERFORMANCE = [
    *_COUNTS, "open_rate", "open_rate_low", "open_rate_high", "open_rate_all", "open_rate_simple",
    *(f"{name}{end}" for name in (*_RATES[1:], "prefetched_rate") for end in ("", "_low", "_high")), "reason",
]  # fmt: skip


def email_performance(
    emails: pd.DataFrame,
    *,
    opens: Opens = "human",
    by: str | Sequence[str] | None = _BY,
    min_n: int = 10,
    confidence: float = 0.95,
) -> pd.DataFrame:
    """How many of those who were sent a mail got it, opened it, clicked, unsubscribed and converted?

    Parameters
    ----------
    emails
        One row per thing that happened to a mail: ``recipient_id``, ``event`` (sent, delivered, bounced, opened,
        clicked, unsubscribed, spammed, converted), ``at``, and where known ``machine`` (true: no person did it).
    opens
        ``"human"`` (default): `open_rate` leaves out who was opened for by a machine alone; ``"all"``: it counts them.
    by
        Column or list for the rows of the result, such as the step of a cadence; None: all mails as one. By default
        campaign and variant, the latter where the table has it. Missing values are a group of their own.
    min_n
        A rate over fewer is NA with the reason ``below_min_n``; its counts stand.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row per group; all counts are of recipients, each once
        sent                  count
        delivered             count   of these; who opened, clicked or unsubscribed got it, whatever the table says, and
                              where no row says delivered it is who was sent a mail and has no bounce
        bounced               count   had a bounce and nothing delivered
        human_openers         count   an open that no machine made
        prefetched_only       count   opened for by a machine and by no person: whether they read is not known
        clickers, unsubscribed count  clicks by a machine are left out
        converted             count   ``converted`` at or after the mail arrived
        open_rate (…)         0 to 1  human_openers / (delivered - prefetched_only); with ``opens="all"`` as the next
        open_rate_all         0 to 1  (human_openers + prefetched_only) / delivered
        open_rate_simple      0 to 1  human_openers / delivered
        click_rate (…), unsubscribe_rate (…), conversion_rate (…)
                              0 to 1  over delivered, Wilson
        prefetched_rate (…)   0 to 1  prefetched_only / delivered, Wilson: of so many the opens say nothing
        reason                text    ``<rate>: zero_denominator`` or ``<rate>: below_min_n``; click_rate's also
                                      holds for open_rate_all, open_rate_simple and prefetched_rate

    Raises
    ------
    ValueError
        A column that is missing, times without a zone.
    EventTableError
        Rows without a recipient, an event or a time.

    Notes
    -----
    Rates are per recipient, so mails per recipient do not change them. Rows of other events are left out and counted in
    ``attrs["settings"]["other_events"]``. Newcombe (1998), Statistics in Medicine 17:857, method 3.

    Examples
    --------
    >>> rows = [
    ...     ("ann", "delivered", 9, False),
    ...     ("ann", "opened", 10, False),
    ...     ("ben", "delivered", 9, False),
    ...     ("ben", "opened", 9, True),
    ...     ("cat", "delivered", 9, False),
    ...     ("dan", "bounced", 9, False),
    ... ]
    >>> mails = pd.DataFrame(rows, columns=["recipient_id", "event", "at", "machine"]).assign(campaign_id="welcome")
    >>> mails["at"] = pd.Timestamp("2026-05-01", tz="UTC") + pd.to_timedelta(mails["at"], unit="h")
    >>> table = email_performance(mails, min_n=1)
    >>> table[["sent", "delivered", "human_openers", "prefetched_only", "open_rate", "open_rate_simple"]].round(3)
       sent  delivered  human_openers  prefetched_only  open_rate  open_rate_simple
    0     4          3              1                1        0.5             0.333
    """
    one_of("opens", opens, Opens)
    chosen = [name for name in _BY if name != "variant" or name in emails] if by == _BY else by
    groups = keys(chosen, taken=_PERFORMANCE)
    found, other = recipients(emails, groups, NEVER)
    came = found["_arrived"] < NEVER
    human, machine = found["opened"] < NEVER, found["opened_by_machine"] < NEVER
    marks = {
        "sent": came | (found["sent"] < NEVER) | (found["bounced"] < NEVER),
        "delivered": came,
        "bounced": (found["bounced"] < NEVER) & ~came,
        "human_openers": human,
        "prefetched_only": machine & ~human,
        "clickers": found["clicked"] < NEVER,
        "unsubscribed": found["unsubscribed"] < NEVER,
        "converted": came & (found["_last_converted"] >= found["_arrived"]),
    }
    table = sums(found, groups, marks)
    table["known"] = table["delivered"] - table["prefetched_only"]
    table["any"] = table["human_openers"] + table["prefetched_only"]
    opened, base = ("human_openers", "known") if opens == "human" else ("any", "delivered")
    parts = dict(zip(_RATES, [(opened, base), *((n, "delivered") for n in _COUNTS[-3:])], strict=True))
    reasons = {}
    for name, (part, whole) in parts.items():
        table = add_rate(table, name, part, whole, confidence)
        reasons[name] = too_few(no_denominator(table[whole]), table[whole], min_n)
        table = blank(table, reasons[name].notna(), [name, f"{name}_low", f"{name}_high"])
    for name, part in (("open_rate_all", "any"), ("open_rate_simple", "human_openers")):
        table[name] = ratio(table[part], table["delivered"])
    table = add_rate(table, "prefetched_rate", "prefetched_only", "delivered", confidence)
    unknown = ["open_rate_all", "open_rate_simple", "prefetched_rate", "prefetched_rate_low", "prefetched_rate_high"]
    table = blank(table, reasons["click_rate"].notna(), unknown)
    table["reason"] = join_reasons(table, **reasons)
    settings = {
        "opens": opens, "by": groups or None, "min_n": min_n, "confidence": confidence, "other_events": other or None,
    }  # fmt: skip
    said = "human openers / (delivered - opened by machines alone)" if opens == "human" else "openers / delivered"
    definition = f"Recipients, each once. Open rate = {said}; clicks, unsubscribes and conversions / delivered."
    table = outside(table, groups, _PERFORMANCE)
    return result(table, metric="email_performance", definition=definition, settings=settings)
