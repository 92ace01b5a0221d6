"""Tickets and other rows with times: every one once, and no time without a zone."""

import numpy as np
import pandas as pd

from metrics.events import EventTableError
from metrics.files import several
from metrics.periods import microseconds
from metrics.steps import unknown


def ticket_times(tickets: pd.DataFrame, column: str) -> np.ndarray:
    """Instants of a column of the tickets, the lowest number where it has none; refused without a zone."""
    stamps = pd.to_datetime(tickets[column])
    if stamps.isna().all():
        return np.full(len(tickets), np.iinfo(np.int64).min)
    if stamps.dt.tz is None:
        raise ValueError(f"{column} has no zone. Localise it, or read the file with read_tickets(..., timezone=…).")
    return microseconds(stamps)


def checked_tickets(tickets: pd.DataFrame, needed: list[str]) -> pd.DataFrame:
    """The columns needed, with the time of each ticket; every ticket once."""
    for name in needed:
        if name not in tickets:
            raise ValueError(unknown("tickets", name, tickets.columns, "a column of the tickets", "columns"))
    rows = tickets[list(dict.fromkeys(needed))].reset_index(drop=True)
    rows["_time"] = ticket_times(tickets, "created_at")
    missing = rows["created_at"].isna().to_numpy(bool)
    if missing.any():
        first = int(missing.argmax())
        found = several(int(missing.sum()), "row", "rows")
        raise EventTableError(f"created_at is missing in {found} (first: row {first}). Fill or drop them.")
    if "ticket_id" in tickets:
        again = tickets["ticket_id"].duplicated() & tickets["ticket_id"].notna()
        if again.any():
            name = tickets["ticket_id"][again].iloc[0]
            raise EventTableError(
                f"ticket_id: {name!r} stands in several rows. Keep one row per ticket, its last state."
            )
    return rows
