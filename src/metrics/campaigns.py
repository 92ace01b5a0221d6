"""Mails: how far does each step of a cadence get, and do those who open buy?

A recipient is counted once, however often a mail is opened. Mail clients open mails that nobody reads: an open by a
machine says nothing of the person, so who was opened for by a machine alone is neither an opener nor a non-opener.
"""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.intervals import add_rate, newcombe, no_denominator, ratio
from metrics.periods import Ints, When, duration, instant, microseconds, one_of, spoken
from metrics.results import blank, join_reasons, keys, result, too_few
from metrics.steps import unknown

Opens: TypeAlias = Literal["human", "all"]
EVENTS = ("sent", "delivered", "bounced", "opened", "clicked", "unsubscribed", "spammed", "converted")
_ARRIVED = ("delivered", "opened", "opened_by_machine", "clicked", "unsubscribed", "spammed")  # each shows that it came
_NEVER = 2**62
_BY = ("campaign_id", "variant")
_COUNTS = [
    "sent", "delivered", "bounced", "human_openers", "prefetched_only", "clickers", "unsubscribed", "converted",
]  # fmt: skip
_RATES = ("open_rate", "click_rate", "unsubscribe_rate", "conversion_rate")
_PERFORMANCE = [
    *_COUNTS, "open_rate", "open_rate_low", "open_rate_high", "open_rate_all", "open_rate_simple",
    *(f"{name}{end}" for name in _RATES[1:] for end in ("", "_low", "_high")), "reason",
]  # fmt: skip
_SIDES = ("openers", "non_openers")
_CONVERSION = [
    "delivered", "openers", "openers_converted", "openers_rate", "openers_rate_low", "openers_rate_high",
    "non_openers", "non_openers_converted", "non_openers_rate", "non_openers_rate_low", "non_openers_rate_high",
    "difference", "difference_low", "difference_high", "label", "reason",
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
        reason                text    ``<rate>: zero_denominator`` or ``<rate>: below_min_n``; click_rate's also
                                      holds for open_rate_all and open_rate_simple

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
    found, other = _recipients(emails, groups, _NEVER)
    came = found["_arrived"] < _NEVER
    human, machine = found["opened"] < _NEVER, found["opened_by_machine"] < _NEVER
    marks = {
        "sent": came | (found["sent"] < _NEVER) | (found["bounced"] < _NEVER),
        "delivered": came,
        "bounced": (found["bounced"] < _NEVER) & ~came,
        "human_openers": human,
        "prefetched_only": machine & ~human,
        "clickers": found["clicked"] < _NEVER,
        "unsubscribed": found["unsubscribed"] < _NEVER,
        "converted": came & (found["_last_converted"] >= found["_arrived"]),
    }
    table = _sums(found, groups, marks)
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
    table = blank(table, reasons["click_rate"].notna(), ["open_rate_all", "open_rate_simple"])
    table["reason"] = join_reasons(table, **reasons)
    settings = {
        "opens": opens, "by": groups or None, "min_n": min_n, "confidence": confidence, "other_events": other or None,
    }  # fmt: skip
    said = "human openers / (delivered - opened by machines alone)" if opens == "human" else "openers / delivered"
    definition = f"Recipients, each once. Open rate = {said}; clicks, unsubscribes and conversions / delivered."
    return result(
        table, metric="email_performance", definition=definition, settings=settings, columns=[*groups, *_PERFORMANCE]
    )


def _recipients(emails: pd.DataFrame, groups: list[str], before: int) -> tuple[pd.DataFrame, int]:
    """By group and recipient the first instant of each event before an instant; and how many rows are of others.

    `_arrived` is when the mail was there: an open shows it, even where it is written down before the delivery.
    """
    for name in ("recipient_id", "event", "at", *groups):
        if name not in emails:
            raise ValueError(unknown("emails", name, emails.columns, "a column of the mails", "columns"))
    rows = emails[list(dict.fromkeys(["recipient_id", "event", *groups]))].reset_index(drop=True)
    rows["_time"] = mail_times(emails, ("recipient_id", "event"), "at")
    rows["recipient_id"], kind = rows["recipient_id"].astype("str"), rows["event"].astype("str").str.strip().str.lower()
    if "machine" in emails:
        flags = emails["machine"].reset_index(drop=True).astype("str").str.strip().str.lower()
        machine = flags.isin(["true", "1", "1.0", "yes"])
        kind = kind.mask(machine & (kind == "opened"), "opened_by_machine").mask(machine & (kind == "clicked"), "")
    kept = kind.isin([*EVENTS, "opened_by_machine"])
    rows = rows.assign(_kind=kind)[kept & (rows["_time"] < before)]
    recipients = rows.groupby(list(dict.fromkeys([*groups, "recipient_id"])), dropna=False, sort=True)
    found, place = recipients.size().reset_index(), recipients.ngroup().to_numpy(np.int64)
    time, kind = rows["_time"].to_numpy(np.int64), rows["_kind"]
    for event in (*EVENTS, "opened_by_machine"):
        at = (kind == event).to_numpy(bool)
        first = np.full(len(found), _NEVER)
        np.minimum.at(first, place[at], time[at])
        found[event] = first
    last, bought = np.full(len(found), -_NEVER), (kind == "converted").to_numpy(bool)
    np.maximum.at(last, place[bought], time[bought])
    arrived = found[list(_ARRIVED)].min(axis=1)
    if not (kind == "delivered").any():  # this export does not tell; what did not bounce is taken to have come
        arrived = arrived.clip(upper=found["sent"].mask(found["bounced"] < _NEVER, _NEVER))
    other = int((~emails["event"].astype("str").str.strip().str.lower().isin(EVENTS)).sum())
    return found.assign(_last_converted=last, _arrived=arrived.astype(np.int64)), other


def mail_times(table: pd.DataFrame, names: Sequence[str], column: str) -> Ints:
    """Instants of a column; refused without a zone, and where a row has no time or none of what it needs."""
    stamps = pd.to_datetime(table[column])
    if stamps.dt.tz is None:
        raise ValueError(f"{column} has no zone. Localise it, or read the file with read_campaigns(..., timezone=…).")
    for name in (*names, column):
        missing = table[name].isna().to_numpy(bool)
        if missing.any():
            first = int(missing.argmax())
            raise EventTableError(f"{name} is missing in {missing.sum()} rows (first: row {first}). Fill or drop them.")
    return microseconds(stamps)


def _sums(found: pd.DataFrame, groups: list[str], marks: dict[str, pd.Series]) -> pd.DataFrame:
    """How many recipients of each group have each mark; one row of all without groups."""
    counted = pd.DataFrame({name: mark.to_numpy(bool).astype(np.int64) for name, mark in marks.items()})
    if not groups:
        return counted.sum().to_frame().T.astype(np.int64)
    counted = pd.concat([found[groups].reset_index(drop=True), counted], axis=1)
    return counted.groupby(groups, dropna=False, sort=True).sum().reset_index()


def open_conversion(
    emails: pd.DataFrame,
    *,
    conversions: pd.DataFrame,
    as_of: When,
    window: str = "7 days",
    opens: Opens = "human",
    by: str | Sequence[str] | None = None,
    min_n: int = 10,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Do those who open a mail convert more often than those who do not?

    An association, no effect: who opens mails is keen already. Whether a mail works is told by `compare_variants`.

    Parameters
    ----------
    emails
        As for `email_performance`.
    conversions
        One row per purchase, or whatever a conversion is: ``recipient_id``, ``at`` (UTC).
    as_of
        First moment not observed: a date in `tz` or an instant.
    window
        Opens and conversions count in [arrival, arrival + `window`), from the first mail of the group that arrived.
        Recipients who still have it are left out, and counted in ``attrs["settings"]["too_recent"]``.
    opens
        ``"human"`` (default), or ``"all"``: opens by a machine make an opener too.
    by
        Column or list of `emails` for a breakdown, such as ``"campaign_id"``; missing values are a group of their own.
    min_n
        A rate over fewer is NA with the reason ``below_min_n``; its counts stand.
    tz
        Zone of dates.
    confidence
        Level of the intervals.

    Returns
    -------
    DataFrame, one row (per group); all counts are of recipients, each once
        delivered              count   got it, `window` over; openers + non_openers
        openers                count   opened it, and did not convert before
        openers_converted      count   of these
        openers_rate (…)       0 to 1  Wilson
        non_openers, non_openers_converted, non_openers_rate (…)
                                       the same of all others, with those who converted before their first open
        difference (…)         -1 to 1 openers_rate - non_openers_rate, Newcombe
        label                  text    ``association``
        reason                 text    ``<estimate>: code`` with ``zero_denominator``, ``immature`` (all windows
                                       are open) or ``below_min_n``

    Raises
    ------
    ValueError
        A column that is missing, times without a zone, a window without a unit.
    EventTableError
        Rows without a recipient or a time.

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17:873, method 10. A conversion in the instant of the open follows it.

    Examples
    --------
    >>> rows = [("ann", "delivered", 0), ("ann", "opened", 1), ("ben", "delivered", 0), ("ben", "opened", 3)]
    >>> mails = pd.DataFrame(rows, columns=["recipient_id", "event", "at"]).assign(campaign_id="welcome")
    >>> mails["at"] = pd.Timestamp("2026-05-01", tz="UTC") + pd.to_timedelta(mails["at"], unit="D")
    >>> bought = pd.DataFrame({"recipient_id": ["ann", "ben"], "at": pd.to_datetime(["2026-05-03"] * 2, utc=True)})
    >>> table = open_conversion(mails, conversions=bought, as_of="2026-06-01", min_n=1)
    >>> table[["openers", "openers_converted", "non_openers", "label"]]
       openers  openers_converted  non_openers        label
    0        1                  1            1  association
    """
    one_of("opens", opens, Opens)
    groups, wait = keys(by, taken=_CONVERSION), duration(window)
    end = instant(as_of, tz=tz, name="as_of")
    for name in ("recipient_id", "at"):
        if name not in conversions:
            raise ValueError(
                unknown("conversions", name, conversions.columns, "a column of the conversions", "columns")
            )
    found, _ = _recipients(emails, groups, end)
    came = found["_arrived"] < _NEVER
    over = came & (found["_arrived"] + wait <= end)
    bought = _first_within(found, conversions, wait)
    opened = found["opened"] if opens == "human" else found[["opened", "opened_by_machine"]].min(axis=1)
    opener = (opened < found["_arrived"] + wait) & (opened <= bought)
    marks = {"delivered": over, "too_recent": came & ~over}
    for side, of_side in zip(_SIDES, (opener, ~opener), strict=True):
        marks |= {side: over & of_side, f"{side}_converted": over & of_side & (bought < _NEVER)}
    table = _sums(found, groups, marks)
    reasons = {}
    for side in _SIDES:
        table = add_rate(table, f"{side}_rate", f"{side}_converted", side, confidence)
        early = (table["delivered"] == 0) & (table["too_recent"] > 0)
        code = no_denominator(table[side]).mask(early, "immature")
        reasons[f"{side}_rate"] = too_few(code, table[side], min_n)
    table["difference"] = table["openers_rate"] - table["non_openers_rate"]
    table["difference_low"], table["difference_high"] = newcombe(
        table["openers_converted"], table["openers"], table["non_openers_converted"], table["non_openers"], confidence
    )  # fmt: skip
    reasons["difference"] = reasons["openers_rate"].fillna(reasons["non_openers_rate"])
    for name, code in reasons.items():
        table = blank(table, code.notna(), [name, f"{name}_low", f"{name}_high"])
    table["label"], table["reason"] = "association", join_reasons(table, **reasons)
    settings: dict[str, Any] = {
        "window": window, "opens": opens, "as_of": spoken(end, tz), "tz": tz, "by": groups or None, "min_n": min_n,
        "confidence": confidence, "too_recent": int(table["too_recent"].sum()) or None,
    }  # fmt: skip
    definition = (
        f"Recipients who converted within {window} of delivery: those who opened before that, against all others. "
        "An association, not an effect."
    )
    columns = [*groups, *_CONVERSION]
    return result(table, metric="open_conversion", definition=definition, settings=settings, columns=columns)


def _first_within(found: pd.DataFrame, conversions: pd.DataFrame, wait: int) -> pd.Series:
    """For each row the first conversion of its recipient in [arrival, arrival + wait)."""
    bought = pd.DataFrame({"recipient_id": conversions["recipient_id"].astype("str").to_numpy()})
    bought["_at"] = mail_times(conversions, ("recipient_id",), "at")
    met = found[["recipient_id", "_arrived"]].assign(_row=np.arange(len(found))).merge(bought, on="recipient_id")
    met = met[(met["_at"] >= met["_arrived"]) & (met["_at"] - met["_arrived"] < wait)]
    return met.groupby("_row")["_at"].min().reindex(np.arange(len(found))).fillna(_NEVER).astype(np.int64)
