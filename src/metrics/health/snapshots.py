"""What was known of each customer at moments of the past, and who had left some time later.

The table on which a warning is learnt and judged. A row holds only what could be known at its cut-off; what came
after stands in one column, `churned`. So nothing that is fitted or tried on it can have seen the future.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.files.values import id_texts
from metrics.health.signals import (
    customers_with_subscriptions,
    last_answers,
    local_days,
    need,
    of_each,
    overdue_of,
)
from metrics.periods import DAY, When, duration, instant, instants, local_time, spoken
from metrics.results import result
from metrics.revenue.book import NEVER, times
from metrics.revenue.lines import priced

KEYS = ["cutoff", "until", "customer_id"]
SIGNALS = [  # in the order of the columns; a signal whose table is not given is left out
    "tenure_days", "mrr", "paused", "days_since_active", "active_weeks", "tickets_90d", "open_tickets",
    "invoices_overdue", "nps_score",
]  # fmt: skip
_WEEK = 7 * DAY


def customer_snapshots(
    subscriptions: pd.DataFrame,
    *,
    as_of: When,
    horizon: str = "30 days",
    every: str | None = None,
    cutoffs: Sequence[When] | None = None,
    events: pd.DataFrame | None = None,
    invoices: pd.DataFrame | None = None,
    tickets: pd.DataFrame | None = None,
    responses: pd.DataFrame | None = None,
    tz: str = "UTC",
) -> pd.DataFrame:
    """What was known of each customer at each cut-off, and had they left by `horizon` later?

    A customer is here while active, past due or paused. Who was here at the cut-off and is not at its end has churned.

    Parameters
    ----------
    subscriptions
        Subscriptions or MRR lines.
    as_of
        First moment not observed: a date in `tz` or an instant.
    horizon
        Time after a cut-off by whose end one looks who has left, in whole days of the clocks of `tz`.
    every
        Time from one cut-off to the next; default: `horizon`, so that no day is looked at twice.
    cutoffs
        Moments to tell of. Default: those whose `horizon` is over, back from `as_of` by `every`. ``[as_of]`` tells of
        the customers as they are now.
    events
        Event table; ``user_id`` is the customer.
    invoices
        ``customer_id``, ``due_at``, ``paid_at``.
    tickets
        ``customer_id``, ``created_at``, ``solved_at``.
    responses
        ``score`` (0 to 10), ``answered_at`` and ``account_id`` (the customer), else ``respondent_id``.
    tz
        Zone of dates.

    Returns
    -------
    DataFrame, one row per cut-off and customer who was here, in this order
        cutoff             instant
        until              instant  when `horizon` is over
        customer_id
        tenure_days        days     since the first start while active or past due; 0 of one who only paused
        mrr                money    just before the cut-off; NA over two currencies
        paused             0 or 1   in a pause within the last 7 days
        days_since_active  days     since the last event, of one who has none since the first start; with `events`
        active_weeks       0 to 4   of the last four times 7 days, those with an event; with `events`
        tickets_90d        count    of the last 90 times 24 hours; with `tickets`
        open_tickets       count    not solved; with `tickets`
        invoices_overdue   count    due in the last 90 times 24 hours and not paid: an older one has been given up, and
                                    who is here all the same has not left over it; with `invoices`
        nps_score          0 to 10  the last answer; NA if there is none; with `responses`
        churned            boolean  not here just before `until`; NA where that is not before or at `as_of`

    Raises
    ------
    ValueError
        A column that is missing, a horizon without a unit, a cut-off after `as_of`.
    EventTableError
        Times without a zone or missing, subscriptions that end before they start.

    Notes
    -----
    Tables must tell when a thing happened, or a row tells what was not known yet: an export in which a ticket changes
    its owner later, say, is not such a table.

    Examples
    --------
    >>> at = lambda *days: pd.to_datetime(list(days), utc=True)
    >>> paid = pd.DataFrame({"customer_id": ["ann", "ben"], "mrr": [10, 20]})
    >>> paid = paid.assign(start=at("2026-01-01", "2026-01-11"), end=at("2026-03-20", None))
    >>> table = customer_snapshots(paid, as_of="2026-04-01", horizon="30 days", every="30 days")
    >>> table[["cutoff", "customer_id", "tenure_days", "churned"]]
                         cutoff customer_id  tenure_days  churned
    0 2026-01-31 00:00:00+00:00         ann         30.0    False
    1 2026-01-31 00:00:00+00:00         ben         20.0    False
    2 2026-03-02 00:00:00+00:00         ann         60.0     True
    3 2026-03-02 00:00:00+00:00         ben         50.0    False
    """
    end, ahead = instant(as_of, tz=tz), duration(horizon, name="horizon")
    step = ahead if every is None else duration(every, name="every")
    if cutoffs is None:
        begin = (
            times(subscriptions, "start", "subscriptions", needed=True) if "start" in subscriptions else np.array([])
        )
        moments = _past(end, ahead, step, int(begin.min()) if len(begin) else end, tz)
    else:
        moments = sorted({instant(moment, tz=tz, name="cutoffs") for moment in cutoffs})
        if moments and moments[-1] > end:
            raise ValueError(
                f"cutoffs: {spoken(moments[-1], tz)} lies after as_of ({spoken(end, tz)}). Name moments up to it."
            )
    subscriptions = priced(subscriptions)  # once, and not at each moment
    tables = {"events": events, "invoices": invoices, "tickets": tickets, "responses": responses}
    parts = [_at(subscriptions, moment, tables, tz) for moment in moments]
    ends = [_moved(moment, ahead, tz) for moment in moments]
    for part, until in zip(parts, ends, strict=True):
        part["until"] = pd.Timestamp(until, unit="us", tz="UTC")
        part["churned"] = (
            _left(part, subscriptions, until, tz) if until <= end else pd.array([pd.NA] * len(part), "boolean")
        )
    names = [*KEYS, *_known(tables), "churned"]
    table = pd.concat(parts, ignore_index=True) if parts else _at(subscriptions, end, tables, tz).iloc[:0]
    table = table.assign(**{name: None for name in ("until", "churned") if name not in table})
    table = table.astype(dict.fromkeys(_known(tables), "float64") | {"churned": "boolean", "customer_id": "str"})
    table = table.astype(dict.fromkeys(KEYS[:2], "datetime64[us, UTC]"))
    settings = {
        "as_of": spoken(end, tz), "horizon": horizon, "every": every or horizon, "tz": tz,
        "cutoffs": [spoken(moment, tz) for moment in moments],
        "signals": _known(tables),
    }  # fmt: skip
    definition = (
        f"Customers who were active, past due or paused at a cut-off, with what was known then; churned: none of these "
        f"just before {horizon} were over."
    )
    return result(table, metric="customer_snapshots", definition=definition, settings=settings, columns=names)


def _past(end: int, ahead: int, step: int, begin: int, tz: str) -> list[int]:
    """Cut-offs whose horizon is over at `end`, while there was somebody, from the first."""
    found, back = [], ahead
    while (moment := _moved(end, -back, tz)) > begin:
        found.append(moment)
        back += step
    return found[::-1]


def _moved(time: int, span: int, tz: str) -> int:
    """The instant a span away on the clocks of a zone: the same time of another day where the span is of days."""
    return int(instants(local_time(np.array([time]), tz) + span, tz)[0])


def _known(tables: dict[str, pd.DataFrame | None]) -> list[str]:
    needs = {
        "days_since_active": "events", "active_weeks": "events", "tickets_90d": "tickets", "open_tickets": "tickets",
        "invoices_overdue": "invoices", "nps_score": "responses",
    }  # fmt: skip
    return [name for name in SIGNALS if name not in needs or tables[needs[name]] is not None]


def _at(subscriptions: pd.DataFrame, moment: int, tables: dict[str, pd.DataFrame | None], tz: str) -> pd.DataFrame:
    """Who was here at a moment, with what was known of them."""
    stamp = pd.Timestamp(moment, unit="us", tz="UTC")
    known = customers_with_subscriptions(subscriptions, as_of=stamp, tz=tz)
    known = known[known["here"]]
    names, today = known.index, int(local_days(np.array([moment]), tz)[0])
    first = known["first"].where(known["first"] != NEVER, moment).to_numpy(np.int64)
    table = pd.DataFrame({
        "tenure_days": today - local_days(first, tz), "mrr": known["mrr"], "paused": known["paused"].astype(float)
    }, index=names)  # fmt: skip
    if (events := tables["events"]) is not None:
        need("events", events, ["user_id", "timestamp"])
        use = _use(events["user_id"], times(events, "timestamp", "events", needed=True), moment).reindex(names)
        last = use["last"].where(use["last"].notna(), pd.Series(first, index=names)).to_numpy(np.int64)
        table["days_since_active"] = today - local_days(last, tz)
        table["active_weeks"] = use["weeks"].fillna(0)
    if (tickets := tables["tickets"]) is not None:
        need("tickets", tickets, ["customer_id", "created_at", "solved_at"])
        created, solved = times(tickets, "created_at", "tickets", needed=True), times(tickets, "solved_at", "tickets")
        for name, rows in (
            ("tickets_90d", (created < moment) & (created >= moment - 90 * DAY)),
            ("open_tickets", (created < moment) & (solved >= moment)),
        ):
            who = id_texts(tickets.loc[rows & tickets["customer_id"].notna().to_numpy(), "customer_id"])
            table[name] = who.value_counts().reindex(names, fill_value=0)
    if (invoices := tables["invoices"]) is not None:
        need("invoices", invoices, ["customer_id", "due_at", "paid_at"])
        lately = invoices[times(invoices, "due_at", "invoices", needed=True) >= moment - 90 * DAY]
        table["invoices_overdue"] = overdue_of(lately, moment)["invoices"].reindex(names, fill_value=0)
    if (responses := tables["responses"]) is not None:
        table["nps_score"] = last_answers(responses, moment)["score"].reindex(names)
    return table.rename_axis("customer_id").reset_index().assign(cutoff=stamp)


def _use(who: "pd.Series[str]", time: np.ndarray, moment: int) -> pd.DataFrame:
    """Per user the last event before a moment, and the number of its last four weeks with one."""
    past = time < moment
    codes, names = pd.factorize(id_texts(who)[past], sort=True)
    time, codes, many = time[past][codes >= 0], codes[codes >= 0], len(names)
    week = (moment - 1 - time) // _WEEK
    seen = of_each(np.bitwise_or, 0, 1 << week[week < 4], codes[week < 4], many)  # a bit for each week
    last = of_each(np.maximum, -NEVER, time, codes, many)
    return pd.DataFrame({"last": last, "weeks": np.bitwise_count(seen)}, index=pd.Index(names))


def _left(part: pd.DataFrame, subscriptions: pd.DataFrame, until: int, tz: str) -> "pd.Series[bool]":
    stamp = pd.Timestamp(until, unit="us", tz="UTC")
    later = customers_with_subscriptions(subscriptions, as_of=stamp, tz=tz)
    here = later.index[later["here"]]
    return (~part["customer_id"].isin(here)).astype("boolean")
