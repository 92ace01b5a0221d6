"""The other tables: orders, surveys, subscriptions, campaign mails, tickets, read like events.

Each is a short list of columns; reading, refusing and accounting are the same
as for events. A column of the file that the list does not name is kept. A file
of a vendor that has such a table (`metrics.exports`) is read by its rules.
"""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from metrics.events.account import account_of, added, check_refused
from metrics.events.duplicates import without_duplicates
from metrics.exports import GENERIC, KEY, RANK, Parsed, check_options, choose, formats, options_of
from metrics.files import PathLike, Source, find_sources
from metrics.files.names import Column, Rename, read_rename
from metrics.files.reading import concat, read_rows
from metrics.files.shaping import FILE, LINE, NOTE, PLACE
from metrics.files.values import tidy
from metrics.periods import zone

CUSTOMER = ("user_id", "user", "customer", "client_id", "account_id", "member_id", "contact_id", "kunde", "kunden_id")
WHEN = ("timestamp", "time", "ts", "date", "datetime", "created_at", "created", "occurred_at", "zeit", "datum")


NAMES = {  # what is read, and the function of a format that makes it
    "orders": "orders",
    "survey answers": "surveys",
    "subscriptions": "subscriptions",
    "campaign mails": "campaigns",
    "tickets": "tickets",
}
GENERIC_OPTIONS = ("rename", "timezone", "time_format", "delimiter", "encoding")


def _optional(name: str, kind: Any, *synonyms: str) -> Column:
    return Column(name, kind, synonyms, required=False, filled=False)


ORDERS = (
    _optional("order_id", "id", "order", "order_number", "order_no", "invoice_id", "invoice_no", "transaction_id"),
    Column("user_id", "id", ("customer_id", *CUSTOMER[1:])),
    Column("timestamp", "time", ("order_date", "ordered_at", "order_time", "purchased_at", "invoice_date", *WHEN[1:])),
    _optional("currency", "text", "currency_code", "waehrung"),
    Column(
        "net", "number", ("amount", "total", "revenue", "value", "net_amount", "net_value", "sales", "spend", "betrag")
    ),
)
SURVEYS = (
    Column("respondent_id", "id", ("respondent", "person_id", "customer_id", *CUSTOMER)),
    Column(
        "answered_at",
        "time",
        ("submitted_at", "submit_date", "response_date", "responded_at", "completed_at", "end_date", *WHEN),
    ),
    Column("score", "value", ("rating", "nps", "nps_score", "answer")),
    _optional("response_id", "id", "answer_id"),
    _optional("survey_id", "id", "survey"),
    _optional("account_id", "id"),
)
SUBSCRIPTIONS = (
    Column("customer_id", "id", CUSTOMER),
    Column("subscription_id", "id", ("subscription", "contract_id")),
    Column("start", "time", ("started_at", "start_date", "start_at", "begin", "valid_from")),
    Column("end", "time", ("ended_at", "end_date", "end_at", "valid_to"), filled=False),
    _optional("status", "text", "state"),
    _optional("interval", "text", "billing_interval"),
    _optional("interval_count", "number"),
    _optional("unit_amount_minor", "number", "unit_amount"),
    _optional("quantity", "number", "seats"),
    _optional("currency", "text", "currency_code"),
    _optional("mrr", "number", "monthly_recurring_revenue"),
    _optional("renews_at", "time"),
    _optional("recorded_at", "time"),
)
CAMPAIGNS = (
    _optional("message_id", "id", "delivery_id", "mail_id", "email_id"),
    Column(
        "recipient_id",
        "id",
        ("recipient", "user_id", "user", "customer_id", "subscriber_id", "contact_id", "email", "email_address"),
    ),
    Column("campaign_id", "id", ("campaign", "campaign_name")),
    _optional("variant", "text", "ab_variant", "version"),
    Column("event", "text", ("event_name", "event_type", "action", "metric", "type")),
    Column("at", "time", WHEN),
    _optional("machine", "value", "is_machine", "machine_open"),
)
TICKETS = (
    Column("ticket_id", "id", ("ticket", "case_id", "issue_id", "conversation_id")),
    Column("customer_id", "id", ("requester_id", "requester", *CUSTOMER)),
    Column("created_at", "time", ("opened_at", "created", "timestamp", "date", "time")),
    _optional("first_reply_at", "time", "first_response_at"),
    _optional("solved_at", "time", "resolved_at", "closed_at"),
    _optional("reopens", "number", "reopened"),
)


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
    return _read(path, "orders", ORDERS, "timestamp", rename, timezone, max_refused, format_options)


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
    return _read(path, "survey answers", SURVEYS, "answered_at", rename, timezone, max_refused, format_options)


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
    return _read(path, "subscriptions", SUBSCRIPTIONS, "start", rename, timezone, max_refused, format_options)


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
    return _read(path, "campaign mails", CAMPAIGNS, "at", rename, timezone, max_refused, format_options)


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
    return _read(path, "tickets", TICKETS, "created_at", rename, timezone, max_refused, format_options)


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


def _repeats(rows: pd.DataFrame, columns: Sequence[Column]) -> str:
    """What is said of repeated rows. None is dropped: an order may well have a row for each of its items."""
    key = next((c.name for c in columns if c.kind == "id" and c.name in rows and not c.filled), None)
    if key is None:
        return "not checked: no id"
    again = int((rows[key].duplicated() & rows[key].notna()).sum())
    return f"none removed; {again:,} rows repeat an {key}" if again else f"no {key} comes twice"


def _read(
    path: PathLike | Sequence[PathLike],
    noun: str,
    columns: Sequence[Column],
    time: str,
    rename: Rename,
    timezone: str | None,
    max_refused: float,
    options: dict[str, Any],
) -> pd.DataFrame:
    if timezone is not None:
        zone(timezone, "timezone")
    sources = find_sources(path)
    parsed = _parse(sources, NAMES[noun], columns, {"rename": read_rename(rename), "timezone": timezone, **options})
    several = any(one.several for one in parsed)
    rows = concat([one.rows for one in parsed])
    rejected = pd.concat([one.rejected for one in parsed], ignore_index=True)
    if KEY in rows:
        rows, again = without_duplicates(rows, dedupe=True, several=several)
    else:
        again = {_repeats(rows, columns): 0}
    places = rows.drop_duplicates([FILE, LINE]) if several else rows
    kept = {str(note): int(n) for note, n in places[NOTE].value_counts().items()}
    refused = {str(reason): int(n) for reason, n in rejected["reason"].value_counts().items()}
    duplicate = added([*(one.duplicate for one in parsed), again])
    system = added([one.system for one in parsed])
    became = account_of({"kept": kept, "duplicate": duplicate, "system": system, "rejected": refused})
    name = sources[0].name if len(sources) == 1 else str(path)
    check_refused(became, rejected, max_refused=max_refused, name=name, noun=noun)

    for column in columns:
        if column.kind == "value" and column.name in rows:
            rows[column.name] = tidy(rows[column.name])
        if column.name not in rows and columns is ORDERS:
            rows[column.name] = pd.Series(None, index=rows.index, dtype="str")
    names = [column.name for column in columns if column.name in rows]
    others = [name for name in rows if name not in (*names, *PLACE, KEY, RANK)]
    table = rows[[*names, *others]].sort_values(time, kind="stable", ignore_index=True)
    table.attrs["account"] = became.to_dict("records")
    return table


def _parse(sources: list[Source], table: str, columns: Sequence[Column], given: dict[str, Any]) -> list[Parsed]:
    """Rows of all files: by the vendor's format where it has this table, else by the names of the columns."""
    given = {name: value for name, value in given.items() if value is not None}
    groups: list[tuple[Callable[..., Parsed] | None, list[Source]]] = []
    formats_used = []
    for chosen, _, files in choose(sources, given.pop("format", None)):
        read = chosen.table(table)
        formats_used.append(chosen if read else formats()[GENERIC])
        groups.append((read, files))
    allowed = {name for read, _ in groups for name in (options_of(read) if read else GENERIC_OPTIONS)}
    check_options(formats_used, {name: value for name, value in given.items() if name not in allowed})
    parsed = []
    for read, files in groups:
        if read is None:
            told = {name: value for name, value in given.items() if name in GENERIC_OPTIONS}
            parsed.append(Parsed(*read_rows(files, columns, **told)))
        else:
            told = {name: value for name, value in given.items() if name in options_of(read)}
            parsed.append(read(files, columns, **told))
    return parsed
