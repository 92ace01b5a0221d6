"""What is asked after something was read?"""

import numpy as np
import pandas as pd

from metrics.engine import Events, Mark, Reading, Rows, by_user
from metrics.engine.local import Columns
from metrics.files.values import id_texts
from metrics.intervals import add_rate, no_denominator
from metrics.periods import When, duration, instant, spoken
from metrics.results import blank, keys, result, too_few
from metrics.steps import EventChoice, as_step
from metrics.support.tickets import checked_tickets

_ASKED = ["readers", "tickets", "customers", "share", "share_low", "share_high", "reason"]


def questions_after(
    events: Events,
    *,
    event: EventChoice,
    tickets: pd.DataFrame,
    as_of: When,
    window: str = "7 days",
    by: str | list[str] | None = None,
    min_n: int = 10,
    tz: str = "UTC",
    confidence: float = 0.95,
) -> pd.DataFrame:
    """What do users ask after they read something, such as the presentation?

    Parameters
    ----------
    events
        Event table: a DataFrame as `read_events` returns it, an `EventSource` or a Spark DataFrame.
    event
        What they read: a name or a `Step`. A reader is a user with such an event, from the first one on.
    tickets
        One row per question: ``customer_id`` (the ``user_id`` of the events), ``created_at`` (UTC). Those of nobody
        known are counted in ``attrs["settings"]["of_nobody"]``.
    as_of
        First moment not observed: a date in `tz` or an instant. Rows at or after it are not read.
    window
        A question counts in [read, read + `window`). Readers who still have it are left out, with their questions, and
        counted in ``attrs["settings"]["too_recent"]``.
    by
        Column or list of `tickets`, such as ``"topic"``: one row for each asked about; missing is one too.
    min_n
        A share over fewer readers is NA with the reason ``below_min_n``; its counts stand.
    tz
        Zone of dates.
    confidence
        Level of the interval.

    Returns
    -------
    DataFrame, one row (per group)
        readers     count   whose window is over, in every row the same
        tickets     count   their questions within it
        customers   count   readers who asked one
        share (…)   0 to 1  customers / readers, Wilson; shares of topics may add up to more than that of all
        reason      text    ``immature`` (all windows are open), ``zero_denominator`` or ``below_min_n``

    Raises
    ------
    ValueError
        An event that does not occur, a column that is missing, times without a zone, a window without a unit.
    EventTableError
        `events` is no event table; a ticket twice or without a time.

    Notes
    -----
    Newcombe (1998), Statistics in Medicine 17:857, method 3. It is what comes after reading, not because of it.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-05-01  ann  read
    ...     2026-05-02  ben  read
    ... ''')
    >>> tickets = pd.DataFrame({"customer_id": ["ann", "ann", "ben"], "topic": ["price", "setup", "price"]})
    >>> tickets["created_at"] = pd.to_datetime(["2026-05-02", "2026-05-03", "2026-05-01"], utc=True)
    >>> questions_after(log, event="read", tickets=tickets, as_of="2026-06-01", min_n=1)[
    ...     ["readers", "tickets", "share"]
    ... ]
       readers  tickets  share
    0        2        2    0.5
    """
    by, wait = keys(by, taken=_ASKED), duration(window)
    step, end = as_step(event, "event"), instant(as_of, tz=tz, name="as_of")
    reading = Reading((Mark(step, "event", needed=True),), end, ("user_id",))
    answer = by_user(events, reading, _first_reads)
    start = answer.columns["start"]
    users = id_texts(answer.labels(answer.columns["id"]).to_series())
    readers = pd.DataFrame({"customer_id": users.array, "_read": start})
    over = readers["_read"] + wait <= end
    asked = checked_tickets(tickets, ["customer_id", "created_at", *by])
    nobody = asked["customer_id"].isna()
    asked = asked[~nobody].assign(customer_id=id_texts(asked["customer_id"][~nobody]))
    met = asked.merge(readers[over], on="customer_id")
    met = met[(met["_time"] >= met["_read"]) & (met["_time"] - met["_read"] < wait)]
    if by:
        table = met.groupby(by, dropna=False).agg(tickets=("_time", "size"), customers=("customer_id", "nunique"))
        table = table.reset_index()
    else:
        table = pd.DataFrame({"tickets": [len(met)], "customers": [met["customer_id"].nunique()]})
    table["readers"] = np.full(len(table), int(over.sum()))
    table = add_rate(table, "share", "customers", "readers", confidence)
    early = (table["readers"] == 0) & bool((~over).any())
    code = no_denominator(table["readers"]).reindex(table.index).mask(early, "immature")
    table["reason"] = too_few(code, table["readers"], min_n)
    table = blank(table, table["reason"].notna(), ["share", "share_low", "share_high"])
    settings = {
        "event": step.label, "window": window, "as_of": spoken(end, tz), "tz": tz, "by": by or None, "min_n": min_n,
        "confidence": confidence, "too_recent": int((~over).sum()) or None,
        "of_nobody": int(nobody.sum()) or None,
    }  # fmt: skip
    definition = f"Readers with a ticket within {window} of their first {step.label} / readers whose {window} are over."
    return result(table, metric="questions_after", definition=definition, settings=settings, columns=[*by, *_ASKED])


def _first_reads(rows: Rows) -> Columns:
    """By user the first row that meets the step."""
    at = np.flatnonzero(rows.meets(0))
    units, place = np.unique(rows.unit[at], return_index=True)  # rows of a unit lie in the order of time
    return {"id": rows.ids[units], "start": rows.time[at[place]]}
