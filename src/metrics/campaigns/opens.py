"""Do those who open a mail buy? An association: who opens mails is keen already."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from metrics.campaigns.performance import Opens
from metrics.campaigns.recipients import NEVER, mail_times, outside, recipients, sums
from metrics.files import EventTableError
from metrics.files.values import id_texts
from metrics.intervals import add_rate, newcombe, no_denominator
from metrics.periods import When, duration, instant, one_of, spoken
from metrics.results import blank, join_reasons, keys, result, too_few
from metrics.steps import unknown

_SIDES = ("openers", "non_openers")
_CONVERSION = [
    "delivered", "openers", "openers_converted", "openers_rate", "openers_rate_low", "openers_rate_high",
    "non_openers", "non_openers_converted", "non_openers_rate", "non_openers_rate_low", "non_openers_rate_high",
    "difference", "difference_low", "difference_high", "label", "reason",
]  # fmt: skip


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
        One row per purchase, or whatever a conversion is: ``recipient_id``, ``at`` (UTC). Or orders, as `read_orders`
        returns them, without the refunds among them.
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
        Rows without a recipient or a time, orders without an amount.

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
    if {"user_id", "timestamp", "net"} <= set(conversions.columns) and "recipient_id" not in conversions:
        conversions = conversions[_net(conversions) >= 0]  # what a discount made free was bought
        conversions = conversions.rename(columns={"user_id": "recipient_id", "timestamp": "at"})
    for name in ("recipient_id", "at"):
        if name not in conversions:
            raise ValueError(
                unknown("conversions", name, conversions.columns, "a column of the conversions", "columns")
            )
    found, _ = recipients(emails, groups, end)
    came = found["_arrived"] < NEVER
    over = came & (found["_arrived"] + wait <= end)
    bought = _first_within(found, conversions, wait)
    opened = found["opened"] if opens == "human" else found[["opened", "opened_by_machine"]].min(axis=1)
    opener = (opened < found["_arrived"] + wait) & (opened <= bought)
    marks = {"delivered": over, "too_recent": came & ~over}
    for side, of_side in zip(_SIDES, (opener, ~opener), strict=True):
        marks |= {side: over & of_side, f"{side}_converted": over & of_side & (bought < NEVER)}
    table = sums(found, groups, marks)
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
    table = outside(table, groups, _CONVERSION)
    return result(table, metric="open_conversion", definition=definition, settings=settings)


def _net(orders: pd.DataFrame) -> pd.Series:
    """What each order brought; without it nobody knows whether it is a refund."""
    net = pd.to_numeric(orders["net"], errors="coerce").astype(float)
    if net.isna().any():
        raise EventTableError(
            f"conversions: {int(net.isna().sum()):,} of {len(net):,} orders have no net that is a number. "
            "Fill it in or leave them out."
        )
    return net


def _first_within(found: pd.DataFrame, conversions: pd.DataFrame, wait: int) -> pd.Series:
    """For each row the first conversion of its recipient in [arrival, arrival + wait)."""
    bought = pd.DataFrame({"recipient_id": id_texts(conversions["recipient_id"]).to_numpy()})
    bought["_at"] = mail_times(conversions, ("recipient_id",), "at")
    met = found[["recipient_id", "_arrived"]].assign(_row=np.arange(len(found))).merge(bought, on="recipient_id")
    met = met[(met["_at"] >= met["_arrived"]) & (met["_at"] - met["_arrived"] < wait)]
    return met.groupby("_row")["_at"].min().reindex(np.arange(len(found))).fillna(NEVER).astype(np.int64)
