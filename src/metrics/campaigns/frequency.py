"""How many mails are too many? The share that unsubscribes at a mail, by how many came in the days up to it.

Mails per week cannot be set beside unsubscribes of that week: who leaves on Tuesday gets no mail on Friday, so that
those who got many seem content. Here each mail has its chance, and is one of as many as had come by then.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.campaigns.recipients import NEVER, kinds, recipients
from metrics.intervals import add_rate, no_denominator
from metrics.periods import Ints, When, duration, instant, spoken
from metrics.results import blank, grouped, keys, result, too_few

_RATE = ["unsubscribe_rate", "unsubscribe_rate_low", "unsubscribe_rate_high"]
_COLUMNS = ["mails_received", "mails", "recipients", "unsubscribed", *_RATE, "reason"]


def mail_frequency(
    emails: pd.DataFrame,
    *,
    as_of: When,
    window: str = "7 days",
    most: int = 5,
    by: str | Sequence[str] | None = None,
    min_n: int = 10,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """Do recipients unsubscribe more often, the more mails they get in a week?

    Parameters
    ----------
    emails
        As for `email_performance`; a mail is told by ``message_id``, else by its campaign.
    as_of
        First moment not observed: a date in `tz` or an instant.
    window
        Days up to a mail in which mails are counted, itself included: in (arrival - `window`, arrival]. So long it is
        watched too, until the next one arrives.
    most
        Mails from which on rows are one: the last row is of so many or more.
    by
        Column or list of `emails` for a breakdown, such as the campaign or the country: the group is of the mail, and
        the mails that its recipient got in the `window` up to it are counted whatever their groups. A mail has the
        first value that its rows tell; missing values are a group of their own.
    min_n
        A rate over fewer mails is NA with the reason ``below_min_n``; its counts stand.
    tz
        Zone of dates.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row per number of mails, from 1 to `most` (in each group)
        mails_received        1, 2, …  mails that the recipient got in the `window` up to one, itself included, of all
                                       groups
        mails                 count    that were one of so many, and whose `window` is over
        recipients            count    who got them
        unsubscribed          count    left in [arrival, arrival + `window`), before the next mail of any group
        unsubscribe_rate (…)  0 to 1   unsubscribed / mails, Wilson
        reason                text     ``zero_denominator`` or ``below_min_n`` where there is no rate

    Raises
    ------
    ValueError
        A column that is missing, times without a zone, `most` below 1.
    EventTableError
        Rows without a recipient, an event or a time.

    Notes
    -----
    A discrete hazard: a recipient is in the table until the first unsubscribe, and mails after it are counted in
    ``attrs["settings"]["after_leaving"]``; those whose `window` is still open in ``["too_recent"]``. Of several mails
    of one instant who leaves does so at the last in the order of the groups. An association, unless the number of mails
    was drawn by lot: who is sent more may be another sort of customer, and so may who is sent the mails of a group. Cox
    (1972), Journal of the Royal Statistical Society B 34:187, section 6.

    Examples
    --------
    >>> rows = [("m1", "ann", "delivered", 0), ("m2", "ann", "delivered", 1), ("m2", "ann", "unsubscribed", 1)]
    >>> mails = pd.DataFrame(rows, columns=["message_id", "recipient_id", "event", "at"])
    >>> mails["at"] = pd.Timestamp("2026-05-01", tz="UTC") + pd.to_timedelta(mails["at"], unit="D")
    >>> table = mail_frequency(mails.assign(campaign_id="welcome"), as_of="2026-06-01", most=2, min_n=1)
    >>> table[["mails_received", "mails", "unsubscribed", "unsubscribe_rate"]]
       mails_received  mails  unsubscribed  unsubscribe_rate
    0               1      1             0               0.0
    1               2      1             1               1.0
    """
    if not isinstance(most, int | np.integer) or isinstance(most, bool) or most < 1:
        raise ValueError(f"most: {most!r} is not a number of mails. Use 1 or more, such as 5.")
    groups = keys(by, taken=_COLUMNS)
    wait, end = duration(window), instant(as_of, tz=tz, name="as_of")
    came = kinds(emails).isin(["sent", "delivered"]).to_numpy() if "event" in emails else np.ones(len(emails), bool)
    told = "message_id" in emails and bool(emails["message_id"].notna()[came].all())
    found, _ = recipients(emails, ["message_id"] if told else ["campaign_id"], end, told=groups)
    left = found.groupby("recipient_id")["unsubscribed"].min()
    mailed = (found["sent"] < NEVER) | (found["delivered"] < NEVER)  # to unsubscribe is no mail, whatever its id
    found = found[mailed] if mailed.any() else found
    of, named = grouped(found, [f"of {name}" for name in groups])
    mails = found[["recipient_id", "_arrived"]].assign(_group=of)[found["_arrived"] < NEVER]
    mails = mails.sort_values(["recipient_id", "_arrived", "_group"], ignore_index=True)
    who, at = mails["recipient_id"].to_numpy(), mails["_arrived"].to_numpy(np.int64)
    leaves = left.reindex(mails["recipient_id"]).to_numpy(np.int64)
    following = np.full(len(at), NEVER)
    following[:-1] = np.where(who[1:] == who[:-1], at[1:], NEVER)
    until = np.minimum(following, at + wait)
    # Not until the next mail: who leaves gets none, so that near the end only mails would count at which nobody left.
    here, watched = leaves >= at, at + wait <= end
    mails["mails_received"] = np.minimum(_received(mails["recipient_id"], at, wait), most)
    mails["unsubscribed"] = (leaves >= at) & (leaves < until)
    kept = mails[here & watched]
    table = kept.groupby(["_group", "mails_received"]).agg(
        mails=("unsubscribed", "size"), recipients=("recipient_id", "nunique"), unsubscribed=("unsubscribed", "sum")
    )
    every = pd.MultiIndex.from_product([range(len(named)), range(1, most + 1)], names=["_group", "mails_received"])
    table = table.reindex(every, fill_value=0).astype(np.int64).reset_index()
    table = pd.concat([named.iloc[table["_group"]].set_axis(groups, axis=1).reset_index(drop=True), table], axis=1)
    table = add_rate(table, "unsubscribe_rate", "unsubscribed", "mails", confidence)
    table["reason"] = too_few(no_denominator(table["mails"]), table["mails"], min_n)
    table = blank(table, table["reason"].notna(), _RATE)
    settings = {
        "window": window, "most": int(most), "as_of": spoken(end, tz), "tz": tz, "by": groups or None,
        "min_n": min_n, "confidence": confidence, "after_leaving": int((~here).sum()) or None,
        "too_recent": int((here & ~watched).sum()) or None,
    }  # fmt: skip
    definition = (
        f"Of the mails that were one of so many in the {window} up to them, the share at which the recipient "
        f"unsubscribed: within {window}, before the next mail."
    )
    if groups:
        definition += " Counted are the mails of all groups; the group is that of the mail itself."
    columns = [*groups, *_COLUMNS]
    return result(table, metric="mail_frequency", definition=definition, settings=settings, columns=columns)


def _received(recipient: pd.Series, at: Ints, wait: int) -> Ints:
    """Of mails in the order of recipient and time, how many each recipient had got in (at - wait, at]."""
    code = recipient.factorize()[0]
    found = np.ones(len(at), np.int64)
    for step in (1, -1):  # mails before it, and those of the same instant after it
        for lag in range(1, len(at)):
            there = np.zeros(len(at), bool)
            mine, other = (slice(lag, None), slice(None, -lag)) if step == 1 else (slice(None, -lag), slice(lag, None))
            near = at[mine] - at[other] < wait if step == 1 else at[mine] == at[other]
            there[mine] = (code[mine] == code[other]) & near
            if not there.any():
                break
            found += there
    return found
