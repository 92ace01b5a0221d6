"""Who was sent a mail, and what became of it: one row for each recipient of a group of mails.

A recipient is counted once, however often a mail is opened. An open by a machine says nothing of the person.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.files import several
from metrics.files.values import id_texts, truths
from metrics.periods import Ints, microseconds
from metrics.results import grouped
from metrics.steps import unknown

EVENTS = ("sent", "delivered", "bounced", "opened", "clicked", "unsubscribed", "spammed", "converted")
NEVER = 2**62
_ARRIVED = ("delivered", "opened", "opened_by_machine", "clicked", "unsubscribed", "spammed")  # each shows that it came


def recipients(
    emails: pd.DataFrame, groups: list[str], before: int, *, told: Sequence[str] = ()
) -> tuple[pd.DataFrame, int]:
    """By group and recipient the first instant of each event before an instant; and how many rows are of others.

    `_arrived` is when the mail was there: an open shows it, even where it is written down before the delivery. The
    groups are called ``in <name>``, for one may be called as an event is; of the columns in `told` come the first
    values that rows tell, as ``of <name>``.
    """
    for name in ("recipient_id", "event", "at", *groups, *told):
        if name not in emails:
            raise ValueError(unknown("emails", name, emails.columns, "a column of the mails", "columns"))
    rows = emails[groups].reset_index(drop=True).set_axis(inside(groups), axis=1)
    rows["_time"] = mail_times(emails, ("recipient_id", "event"), "at")
    rows["recipient_id"] = id_texts(emails["recipient_id"].reset_index(drop=True))
    kind = kinds(emails)
    if "machine" in emails:
        machine = truths(emails["machine"]) == 1
        kind = kind.mask(machine & (kind == "opened"), "opened_by_machine").mask(machine & (kind == "clicked"), "")
    kept = kind.isin([*EVENTS, "opened_by_machine"])
    tells = bool((kind == "delivered").any())
    rows = rows.assign(_kind=kind)[kept & (rows["_time"] < before)]
    recipients = rows.groupby([*inside(groups), "recipient_id"], dropna=False, sort=True, observed=True)
    found, place = recipients.size().reset_index(), np.asarray(recipients.ngroup(), np.int64)
    time, kind = np.asarray(rows["_time"], np.int64), rows["_kind"]
    for event in (*EVENTS, "opened_by_machine"):
        at = (kind == event).to_numpy(bool)
        first = np.full(len(found), NEVER)
        np.minimum.at(first, place[at], time[at])
        found[event] = first
    last, bought = np.full(len(found), -NEVER), (kind == "converted").to_numpy(bool)
    np.maximum.at(last, place[bought], time[bought])
    arrived = found[list(_ARRIVED)].min(axis=1)
    if not tells:  # what did not bounce is taken to have come
        arrived = arrived.clip(upper=found["sent"].mask(found["bounced"] < NEVER, NEVER))
    for name in told:
        values = emails[name].reset_index(drop=True)[rows.index]
        found[f"of {name}"] = _first_told(values.reset_index(drop=True), place, time, len(found))
    other = int((~kinds(emails).isin(EVENTS)).sum())
    return found.assign(_last_converted=last, _arrived=arrived.astype(np.int64)), other


def kinds(emails: pd.DataFrame) -> "pd.Series[str]":
    """What happened in each row, in small letters."""
    return emails["event"].reset_index(drop=True).astype("str").str.strip().str.lower()


def _first_told(values: pd.Series, place: Ints, time: Ints, places: int) -> pd.Series:
    """For each place the value of its first row that has one; of several in one instant the least."""
    rank, _ = grouped(values.to_frame("value"), ["value"])
    known = np.flatnonzero(values.notna().to_numpy(bool))
    known = known[np.lexsort((rank[known], time[known], place[known]))]
    at, first = np.unique(place[known], return_index=True)
    row = np.full(places, -1)
    row[at] = known[first]
    return values.reindex(row).reset_index(drop=True)


def mail_times(table: pd.DataFrame, names: Sequence[str], column: str) -> Ints:
    """Instants of a column; refused without a zone, and where a row has no time or none of what it needs."""
    stamps = pd.to_datetime(table[column])
    if len(stamps) and stamps.dt.tz is None:  # of none pandas forgets the zone, where arrow holds them
        raise ValueError(f"{column} has no zone. Localise it, or read the file with read_campaigns(..., timezone=…).")
    for name in (*names, column):
        missing = table[name].isna().to_numpy(bool)
        if missing.any():
            first = int(missing.argmax())
            found = several(int(missing.sum()), "row", "rows")
            raise EventTableError(f"{name} is missing in {found} (first: row {first}). Fill or drop them.")
    return microseconds(stamps)


def inside(groups: Sequence[str]) -> list[str]:
    """What groups are called while things are counted, so that no count has their name."""
    return [f"in {name}" for name in groups]


def sums(found: pd.DataFrame, groups: list[str], marks: dict[str, pd.Series]) -> pd.DataFrame:
    """How many recipients of each group have each mark; one row of all without groups."""
    counted = pd.DataFrame({name: mark.to_numpy(bool).astype(np.int64) for name, mark in marks.items()})
    if not groups:
        return counted.sum().to_frame().T.astype(np.int64)
    counted = pd.concat([found[inside(groups)].reset_index(drop=True), counted], axis=1)
    return counted.groupby(inside(groups), dropna=False, sort=True, observed=True).sum().reset_index()


def outside(table: pd.DataFrame, groups: list[str], columns: Sequence[str]) -> pd.DataFrame:
    """The columns of a result, with the groups under their own names before them."""
    return table[[*inside(groups), *columns]].set_axis([*groups, *columns], axis=1)
