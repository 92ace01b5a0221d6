"""Reading: from files to one of the other tables, by the vendor's rules or by the names of the columns."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from metrics.events.account import Account, account_of, added, check_refused
from metrics.events.duplicates import without_duplicates
from metrics.exports import GENERIC, KEY, RANK, WITHIN, Parsed, check_options, choose, formats, options_of
from metrics.files import PathLike, Source, find_sources, several
from metrics.files.column import Column
from metrics.files.empty import without_empty
from metrics.files.kept import kept
from metrics.files.names import Rename, read_rename
from metrics.files.reading import concat, read_rows
from metrics.files.shaping import FILE, LINE, NOTE, PLACE
from metrics.files.values import tidy
from metrics.inputs.columns import ORDERS
from metrics.periods import zone

NAMES = {  # what is read, and the function of a format that makes it
    "orders": "orders",
    "survey answers": "surveys",
    "subscriptions": "subscriptions",
    "campaign mails": "campaigns",
    "tickets": "tickets",
    "invoices": "invoices",
    "payment attempts": "payment_attempts",
    "cancellations": "cancellations",
    "payment methods": "payment_methods",
    "changes": "changes",
    "customers": "customers",
    "contacts": "contacts",
    "survey sends": "survey_sends",
    "requests": "requests",
    "contents": "contents",
    "spend": "spend",
    "targets": "targets",
}
IDS = {  # what names one row; of the others several rows may well speak of one thing
    "orders": "order_id",
    "survey answers": "response_id",
    "tickets": "ticket_id",
    "invoices": "invoice_id",
    "payment methods": "payment_method_id",
    "changes": "change_id",
    "targets": "kpi",
    "customers": "customer_id",
    "survey sends": "send_id",
    "requests": "request_id",
    "contents": "content_id",
}
GENERIC_OPTIONS = ("rename", "timezone", "time_format", "delimiter", "encoding")


def _repeats(rows: pd.DataFrame, noun: str) -> str:
    """What is said of repeated rows. None is dropped: an order may well have a row for each of its items."""
    key = IDS.get(noun)
    if key is None or key not in rows:
        return "not checked: no id"
    again = int((rows[key].duplicated() & rows[key].notna()).sum())
    return (
        f"none removed; {several(again, 'row repeats its', 'rows repeat their')} {key}"
        if again
        else f"no {key} comes twice"
    )


def read(
    path: PathLike | Sequence[PathLike],
    noun: str,
    columns: Sequence[Column],
    time: str,
    rename: Rename,
    timezone: str | None,
    max_refused: float,
    options: dict[str, Any],
) -> pd.DataFrame:
    """Read a table, unless another report of the run has read the same."""
    asked = {"rename": rename, "timezone": timezone, "max_refused": max_refused, **options}
    return kept(noun, path, asked, lambda: _read(path, noun, columns, time, rename, timezone, max_refused, options))


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
    found = find_sources(path)
    sources, empty = without_empty(found)
    parsed = _parse(sources, NAMES[noun], columns, {"rename": read_rename(rename), "timezone": timezone, **options})
    several = any(one.several for one in parsed)
    rows = concat([one.rows for one in parsed])
    rejected = pd.concat([one.rejected for one in parsed], ignore_index=True)
    if KEY in rows:
        rows, again = without_duplicates(rows, dedupe=True, several=several)
    else:
        again = {_repeats(rows, noun): 0}
    places = rows.drop_duplicates([FILE, LINE]) if several else rows
    kept = {str(note): int(n) for note, n in places[NOTE].value_counts().items()}
    refused = {str(reason): int(n) for reason, n in rejected["reason"].value_counts().items()}
    duplicate = added([*(one.duplicate for one in parsed), again])
    system = added([one.system for one in parsed])
    became = account_of({"kept": kept, "duplicate": duplicate, "system": system, "rejected": refused}, empty)
    name = found[0].name if len(found) == 1 else str(path)
    check_refused(became, rejected, max_refused=max_refused, name=name, noun=noun)

    for column in columns:
        if column.kind == "value" and column.name in rows:
            rows[column.name] = tidy(rows[column.name])
        if column.name not in rows and columns is ORDERS:
            rows[column.name] = pd.Series(None, index=rows.index, dtype="str")
    names = [column.name for column in columns if column.name in rows]
    others = [name for name in rows if name not in (*names, *PLACE, KEY, RANK, WITHIN)]
    table = rows[[*names, *others]].sort_values(time, kind="stable", ignore_index=True)
    table.attrs["account"] = Account(became.to_dict("records"))
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
