"""How does each customer stand? One row each: money, use, tickets, invoices, the last answer, and what to heed."""

import numpy as np
import pandas as pd

from metrics.files.values import id_texts
from metrics.health.signals import (
    DETRACTOR,
    customers_with_subscriptions,
    last_answers,
    local_days,
    need,
    of_customer,
    overdue_of,
    usage_drops,
    use_of,
)
from metrics.periods import DAY, Ints, When, duration, instant, spoken
from metrics.results import join_reasons, result
from metrics.revenue.book import NEVER, times

_PASSIVE = 8
_RESULT = [
    "customer_id", "tenure_days", "mrr", "mrr_change_90d", "days_since_active", "nps_band", "open_tickets",
    "invoices_overdue", "days_to_renewal", "flags", "reason",
]  # fmt: skip


def customer_status(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    customer_id: str | None = None,
    invoices: pd.DataFrame | None = None,
    tickets: pd.DataFrame | None = None,
    events: pd.DataFrame | None = None,
    responses: pd.DataFrame | None = None,
    renewal_within: str = "60 days",
    tz: str = "UTC",
) -> pd.DataFrame:
    """How does each customer stand: how long with us, for how much, how active, how content, and what is to be heeded?

    Parameters
    ----------
    subscriptions
        Subscriptions or MRR lines, where there is one with ``renews_at``. Who never was active, past due or paused is
        no customer yet.
    as_of
        First moment not observed: a date in `tz` or an instant. All is told as it was just before.
    customer_id
        Only this customer.
    invoices
        ``customer_id``, ``due_at``, ``paid_at``.
    tickets
        ``customer_id``, ``created_at``, ``solved_at``.
    events
        Event table; ``user_id`` is the customer.
    responses
        ``score`` (0 to 10), ``answered_at`` and ``account_id`` (the customer), else ``respondent_id``.
    renewal_within
        Time before a renewal in which it is flagged; its last day is in.
    tz
        Zone of dates. Days are counted from date to date, on its clocks.

    Returns
    -------
    DataFrame, one row per customer, also those who left, by name
        customer_id
        tenure_days        days   since the first start while active or past due; of who left, until the end
        mrr                money  0 of who left or pauses
        mrr_change_90d     share  mrr / that 90 x 24 hours before - 1
        days_since_active  days   since the last event; NA if there is none
        nps_band           text   ``promoter``, ``passive``, ``detractor``, by the last answer; NA if there is none
        open_tickets       count  not solved before `as_of`; NA without `tickets`
        invoices_overdue   count  due and not paid before `as_of`; NA without `invoices`
        days_to_renewal    days   to the next that ``renews_at`` names for one who pays; NA if there is none
        flags              text   of ``overdue_invoice``, ``nps_detractor``, ``renewal_within_60_days`` (the days are
                                  those of `renewal_within`), ``usage_drop`` (by the defaults of `churn_alerts`); NA if
                                  none
        reason             text   ``mrr: mixed_currencies``, ``mrr_change_90d: zero_denominator`` and the like

    Raises
    ------
    ValueError
        A column that is missing, nobody who is called `customer_id`.
    EventTableError
        Times without a zone or missing, subscriptions that end before they start.

    Notes
    -----
    What the other tables say of somebody without a subscription is left out; ``outside`` among the settings in
    ``attrs`` counts it.

    Examples
    --------
    >>> at = lambda *days: pd.to_datetime(list(days), utc=True)
    >>> paid = pd.DataFrame({"customer_id": ["ann", "ann"], "mrr": [100, 120]})
    >>> paid = paid.assign(start=at("2025-10-01", "2026-02-15"), end=at("2026-02-15", None))
    >>> row = customer_status(paid.assign(renews_at=at(None, "2026-05-15")), as_of="2026-04-01").iloc[0]
    >>> int(row["tenure_days"]), float(row["mrr"]), round(float(row["mrr_change_90d"]), 3), int(row["days_to_renewal"])
    (182, 120.0, 0.2, 44)
    >>> row["flags"]
    'renewal_within_60_days'
    """
    end, soon = instant(as_of, tz=tz), duration(renewal_within, name="renewal_within") / DAY
    today = int(local_days(np.array([end]), tz)[0])
    if customer_id is not None:
        subscriptions = of_customer(subscriptions, customer_id)
    known = customers_with_subscriptions(subscriptions, as_of=as_of, tz=tz)
    names, outside = known.index, 0
    table = pd.DataFrame(index=names)
    last = np.minimum(known["last"].to_numpy(np.int64), end)
    first, paid = known["first"].to_numpy(np.int64), known["first"] != NEVER
    table["tenure_days"] = _days(last, tz, names, known=paid) - _days(first, tz, names, known=paid)
    table["mrr"], table["mrr_change_90d"] = known["mrr"], known["change"]
    renewal = known["renewal"].to_numpy(np.int64)
    table["days_to_renewal"] = _days(renewal, tz, names, known=known["renewal"] != NEVER) - today
    table["days_since_active"] = np.nan
    table["nps_band"] = pd.Series(pd.NA, index=names, dtype="str")
    flagged = {name: pd.Series(False, index=names) for name in ("overdue", "detractor", "drop")}
    if events is not None:
        use = use_of(events, as_of=end, baseline="4 weeks", tz=tz)
        outside += _outside(events, "user_id", names)
        active = use["last"].reindex(names)
        table["days_since_active"] = today - _days(active.fillna(0).to_numpy(np.int64), tz, names, known=active.notna())
        drops = usage_drops(use, known, as_of=end, baseline="4 weeks", tz=tz, min_drop=0.5, min_baseline=5)
        flagged["drop"] = drops["fired"].reindex(names, fill_value=False)
    if responses is not None:
        answers = last_answers(responses, end)
        outside += int((~answers.index.isin(names)).sum())
        score = answers["score"].reindex(names)
        band = np.select([score <= DETRACTOR, score <= _PASSIVE], ["detractor", "passive"], "promoter")
        table["nps_band"] = pd.Series(band, index=names, dtype="str").mask(score.isna())
        flagged["detractor"] = score <= DETRACTOR
    table["open_tickets"] = table["invoices_overdue"] = pd.Series(pd.NA, index=names, dtype="Int64")
    if tickets is not None:
        table["open_tickets"] = _open_tickets(tickets, end).reindex(names, fill_value=0).astype("Int64")
        outside += _outside(tickets, "customer_id", names)
    if invoices is not None:
        unpaid = overdue_of(invoices, end)["invoices"].reindex(names, fill_value=0)
        table["invoices_overdue"] = unpaid.astype("Int64")
        outside += _outside(invoices, "customer_id", names)
        flagged["overdue"] = unpaid > 0
    flags = {
        "overdue_invoice": flagged["overdue"],
        "nps_detractor": flagged["detractor"],
        f"renewal_within_{soon:g}_days": table["days_to_renewal"] <= soon,
        "usage_drop": flagged["drop"],
    }
    raised = [
        ", ".join(name for name, yes in zip(flags, row, strict=True) if yes) or None
        for row in zip(*(flag.to_numpy(bool) for flag in flags.values()), strict=True)
    ]
    table["flags"] = pd.Series(raised, index=names, dtype="str")
    mixed = pd.Series(pd.NA, index=names, dtype="str").mask(table["mrr"].isna(), "mixed_currencies")
    table["reason"] = join_reasons(table, mrr=mixed, mrr_change_90d=known["change_reason"])
    settings = {
        "as_of": spoken(end, tz), "tz": tz, "renewal_within": renewal_within,
        "outside": outside if customer_id is None else 0, "currency": known.attrs["currency"],
    }  # fmt: skip
    definition = (
        f"Customers as they stood just before {spoken(end, tz)} ({tz}): days from date to date, MRR of what is active "
        "or past due, the last NPS answer, and what to heed."
    )
    table = table.rename_axis("customer_id").reset_index()
    return result(table, metric="customer_status", definition=definition, settings=settings, columns=_RESULT)


def _days(time: Ints, tz: str, index: pd.Index, *, known: pd.Series) -> "pd.Series[float]":
    """Number of the local day of each instant, NA where it is not known."""
    there = known.to_numpy(bool)
    days = local_days(np.where(there, time, 0), tz)
    return pd.Series(days, index=index, dtype="float64").mask(~there)


def _open_tickets(tickets: pd.DataFrame, end: int) -> "pd.Series[int]":
    need("tickets", tickets, ["customer_id", "created_at", "solved_at"])
    created, solved = times(tickets, "created_at", "tickets", needed=True), times(tickets, "solved_at", "tickets")
    waits = (created < end) & (solved >= end) & tickets["customer_id"].notna().to_numpy()
    return id_texts(tickets.loc[waits, "customer_id"]).value_counts()


def _outside(table: pd.DataFrame, column: str, customers: pd.Index) -> int:
    """Rows of whom no subscription tells."""
    return int((~id_texts(table[column]).isin(customers) | table[column].isna()).sum())
