"""The other tables: orders, surveys, subscriptions, campaign mails, tickets, read like events.

Each is a short list of columns; reading, refusing and accounting are the same
as for events. A column of the file that the list does not name is kept. A file
of a vendor that has such a table (`metrics.exports`) is read by its rules.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metrics.files import PathLike
from metrics.files.names import Rename
from metrics.inputs.columns import (
    CAMPAIGNS,
    CANCELLATIONS,
    INVOICES,
    ORDERS,
    PAYMENT_ATTEMPTS,
    SUBSCRIPTIONS,
    SURVEYS,
    TICKETS,
)
from metrics.inputs.reading import read


def read_orders(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who bought what, when, for how much?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`. Dates alone need a `timezone`.

    Returns
    -------
    DataFrame, one row per row of the file, in time order
        order_id   str    NA where the file has none
        user_id    str    never blank
        timestamp  datetime64[us, UTC]
        currency   str    NA where the file has none; amounts of two are never added
        net        float  what was paid, negative for a refund
        and the file's other columns; ``attrs["account"]`` is the account (see `account`)

    Raises
    ------
    EventTableError
        As `read_events`; an order without a customer, time or amount is rejected.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "orders.csv"
    >>> _ = file.write_text("customer_id,date,quantity,amount\n0012,1997-01-18,2,29.73\n")
    >>> read_orders(file, timezone="UTC")[["user_id", "timestamp", "net", "quantity"]]
      user_id                 timestamp    net  quantity
    0    0012 1997-01-18 00:00:00+00:00  29.73         2
    """
    return read(path, "orders", ORDERS, "timestamp", rename, timezone, max_refused, format_options)


def read_surveys(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who answered what, when?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per answer, in time order
        respondent_id  str   never blank
        answered_at    datetime64[us, UTC]
        score          as it is in the file: a bad score is counted by the metric
        response_id, survey_id, account_id  str, where the file has them
        and the file's other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "nps.csv"
    >>> _ = file.write_text("customer_id,submitted_at,nps\nann,2026-01-05T09:00Z,9\nbob,2026-01-06T09:00Z,n/a\n")
    >>> read_surveys(file)["score"].tolist()
    ['9', 'n/a']
    """
    return read(path, "survey answers", SURVEYS, "answered_at", rename, timezone, max_refused, format_options)


def read_subscriptions(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who pays for what, since when, until when?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per state of a subscription, in order of `start`
        customer_id, subscription_id  str, never blank
        start, end  datetime64[us, UTC]; end is NaT while it runs
        status, interval, currency    str
        interval_count, unit_amount_minor, quantity, mrr  float
        renews_at, recorded_at        datetime64[us, UTC]
        those after `end` only where the file has them; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "subscriptions.csv"
    >>> _ = file.write_text("customer_id,subscription_id,start,end,mrr\nann,s1,2026-01-05T00:00Z,,29\n")
    >>> read_subscriptions(file)[["customer_id", "end", "mrr"]]
      customer_id end   mrr
    0         ann NaT  29.0
    """
    return read(path, "subscriptions", SUBSCRIPTIONS, "start", rename, timezone, max_refused, format_options)


def read_campaigns(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who was sent which mail, and what happened to it?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per thing that happened to a mail, in time order
        recipient_id, campaign_id, event  str, never blank
        at       datetime64[us, UTC]
        message_id, variant  str, where the file has them
        machine  bool, where the file has it
        and the file's other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "mails.csv"
    >>> _ = file.write_text("recipient,campaign,event,at\nann,spring,opened,2026-01-05T09:00Z\n")
    >>> read_campaigns(file)[["recipient_id", "campaign_id", "event"]]
      recipient_id campaign_id   event
    0          ann      spring  opened
    """
    return read(path, "campaign mails", CAMPAIGNS, "at", rename, timezone, max_refused, format_options)


def read_tickets(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who asked for help, and how did it go?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per ticket row of the file, in order of `created_at`
        ticket_id, customer_id     str, never blank
        created_at                 datetime64[us, UTC]
        first_reply_at, solved_at  datetime64[us, UTC], NaT while open
        reopens                    float
        those after `created_at` only where the file has them; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "tickets.csv"
    >>> _ = file.write_text("ticket,customer,opened_at,topic\n18,ann,2026-01-05T09:00Z,billing\n")
    >>> read_tickets(file)[["ticket_id", "customer_id", "topic"]]
      ticket_id customer_id    topic
    0        18         ann  billing
    """
    return read(path, "tickets", TICKETS, "created_at", rename, timezone, max_refused, format_options)


def read_invoices(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who owes what, since when, and was it paid?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per invoice, in order of `due_at`
        invoice_id, customer_id            str, never blank
        due_at, paid_at                    datetime64[us, UTC]; paid_at is NaT while it is open
        amount_due_minor                   float, in the smallest unit of its currency
        subscription_id, currency, billing_reason  str
        those after `paid_at` only where the file has them; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "invoices.csv"
    >>> _ = file.write_text("invoice_id,customer_id,due_at,paid_at\ni1,ann,2026-01-05T00:00Z,\n")
    >>> read_invoices(file)[["invoice_id", "customer_id", "paid_at"]]
      invoice_id customer_id paid_at
    0         i1         ann     NaT
    """
    return read(path, "invoices", INVOICES, "due_at", rename, timezone, max_refused, format_options)


def read_payment_attempts(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""How often was a payment tried, and why did it fail?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per attempt, in time order
        invoice_id, result  str, never blank
        attempted_at        datetime64[us, UTC]
        failure_code, payment_method_id  str, where the file has them; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "attempts.csv"
    >>> _ = file.write_text("invoice_id,attempted_at,result\ni1,2026-01-05T00:00Z,failed\n")
    >>> read_payment_attempts(file)["result"].tolist()
    ['failed']
    """
    return read(
        path, "payment attempts", PAYMENT_ATTEMPTS, "attempted_at", rename, timezone, max_refused, format_options
    )


def read_cancellations(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who asked to leave, when did it take effect, and whose choice was it?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per cancellation, in order of `requested_at`
        customer_id                 str, never blank
        requested_at, effective_at  datetime64[us, UTC], NaT where not known
        withdrawn_at                datetime64[us, UTC]
        subscription_id, ended_by, outcome, reason, comment  str
        those after `effective_at` only where the file has them; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "cancellations.csv"
    >>> _ = file.write_text("customer_id,requested_at,effective_at,reason\nann,2026-01-05T00:00Z,,price\n")
    >>> read_cancellations(file)["reason"].tolist()
    ['price']
    """
    return read(path, "cancellations", CANCELLATIONS, "requested_at", rename, timezone, max_refused, format_options)


def account(table: pd.DataFrame) -> pd.DataFrame:
    """What became of every row when this table was read?

    Parameters
    ----------
    table
        A table as a ``read_`` function returned it.

    Returns
    -------
    DataFrame
        stage   read, kept, duplicate, system, rejected
        reason  str
        rows    int    read = the sum of the others
        share   0 to 1 of the rows read

    Raises
    ------
    ValueError
        The table was not read from a file, or was changed since.

    Examples
    --------
    >>> account(pd.DataFrame())
    Traceback (most recent call last):
    ValueError: table has no account. Hand over the table as read_orders or read_events returned it.
    """
    if "account" not in table.attrs:
        raise ValueError("table has no account. Hand over the table as read_orders or read_events returned it.")
    return pd.DataFrame(table.attrs["account"])
