"""Generic: any CSV, TSV, JSON lines or Parquet with a user, an event and a time in it.

The columns are found by name (`COLUMNS` lists what others call them) or told by
`rename`; all other columns become properties.
"""

from collections.abc import Mapping, Sequence

import pandas as pd

from metrics.exports import Parsed, Sample
from metrics.files import EventTableError, Source
from metrics.files.column import Column
from metrics.files.reading import read_rows
from metrics.files.refusal import refuse
from metrics.files.times import NO_TIME, read_times

COLUMNS = (
    Column(
        "user_id",
        "id",
        (
            "user",
            "uid",
            "distinct_id",
            "customer_id",
            "customer",
            "client_id",
            "member_id",
            "person_id",
            "profile_id",
            "contact_id",
            "subscriber_id",
            "player_id",
            "identity",
            "benutzer",
            "benutzer_id",
            "nutzer",
            "nutzer_id",
            "kunde",
            "kunden_id",
            "kundennummer",
            "kunden_nr",
        ),
        filled=False,
        instead="anonymous_id",
    ),
    Column(
        "event",
        "text",
        (
            "event_name",
            "event_type",
            "event_text",
            "event_action",
            "action",
            "action_name",
            "activity",
            "activity_name",
            "type",
            "ereignis",
        ),
    ),
    Column(
        "timestamp",
        "time",
        (
            "time",
            "ts",
            "date",
            "datetime",
            "date_time",
            "time_stamp",
            "event_time",
            "event_timestamp",
            "event_date",
            "event_datetime",
            "occurred_at",
            "happened_at",
            "created_at",
            "created",
            "logged_at",
            "zeit",
            "zeitpunkt",
            "zeitstempel",
            "datum",
        ),
    ),
    Column("event_id", "id", ("insert_id", "message_id", "event_uuid", "uuid"), required=False, filled=False),
    Column(
        "anonymous_id",
        "id",
        ("anon_id", "device_id", "visitor_id", "cookie_id", "user_pseudo_id"),
        required=False,
        filled=False,
    ),
)


def recognise(sample: Sample) -> str | None:
    """Any table will do; whether it has the columns is seen when it is parsed."""
    return {"text": "delimited text", "json": "JSON objects", "parquet": "a Parquet table"}[sample.kind]


def parse(
    sources: Sequence[Source],
    *,
    rename: Mapping[str, str] | None = None,
    timezone: str | None = None,
    time_format: str | None = None,
    delimiter: str | None = None,
    encoding: str | None = None,
    event_name: str | None = None,
) -> Parsed:
    """Read all files by the names of their columns.

    With `event_name` the files have no column for the event (a list of orders, say), and every row is one of these.
    """
    rows, rejected = read_rows(
        sources,
        [column for column in COLUMNS if event_name is None or column.name != "event"],
        rename=rename,
        timezone=timezone,
        time_format=time_format,
        delimiter=delimiter,
        encoding=encoding,
    )
    if event_name is not None:
        rows, rejected = (_named(table, event_name, sources[0].name) for table in (rows, rejected))
    told = sources[0].told
    if told is not None and "received_at" in told.texts:  # another piece has some that is no time
        return Parsed(rows, rejected)
    return Parsed(_received(rows, timezone), rejected)


def _named(table: pd.DataFrame, event_name: str, file: str) -> pd.DataFrame:
    if "event" in table:
        raise refuse(file, f"has a column 'event', and event_name is {event_name!r}", "Leave event_name out.")
    return table.assign(event=pd.Series(event_name, index=table.index, dtype="str"))


def _received(rows: pd.DataFrame, timezone: str | None) -> pd.DataFrame:
    """When a row was received, as a time if all of the column can be read as one; it decides between duplicates."""
    if "received_at" not in rows:
        return rows
    try:
        times = read_times(rows["received_at"], timezone=timezone, time_format=None, file="received_at")
    except EventTableError:
        return rows
    if any(reason not in (None, NO_TIME) for reason in times.reason):
        return rows
    return rows.assign(received_at=times.utc.set_axis(rows.index))
