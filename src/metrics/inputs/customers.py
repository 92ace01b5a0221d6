"""Customers and leads, and the help that was given to them beside tickets: calls, visits, lessons."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metrics.files import PathLike
from metrics.files.names import Rename
from metrics.inputs.columns import CONTACTS, CUSTOMERS
from metrics.inputs.reading import read


def read_customers(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who signed up or asked, when, and how did they come?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per customer or lead, in order of `signup_at`
        customer_id  str, never blank
        signup_at    datetime64[us, UTC]
        source, offer, referrer_id, segment  str, where the file has them; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "leads.csv"
    >>> _ = file.write_text("lead_id,created_at,lead_source\nann,2026-01-05T09:00Z,search\n")
    >>> read_customers(file)[["customer_id", "source"]]
      customer_id  source
    0         ann  search
    """
    return read(path, "customers", CUSTOMERS, "signup_at", rename, timezone, max_refused, format_options)


def read_contacts(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who was helped, when, and how: calls, visits, lessons?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per contact, in time order
        customer_id  str, never blank
        at           datetime64[us, UTC]
        kind         str, where the file has it; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "calls.csv"
    >>> _ = file.write_text("customer_id,called_at,kind\nann,2026-01-05T09:00Z,call\n")
    >>> read_contacts(file)[["customer_id", "kind"]]
      customer_id  kind
    0         ann  call
    """
    return read(path, "contacts", CONTACTS, "at", rename, timezone, max_refused, format_options)
