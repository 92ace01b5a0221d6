"""The change log: what was changed and when, so that a number can be read beside what was done."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metrics.files import PathLike
from metrics.files.names import Rename
from metrics.inputs.columns import CHANGES
from metrics.inputs.reading import read


def read_changes(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""What was changed, and when?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`. Dates alone need a `timezone`.

    Returns
    -------
    DataFrame, one row per change, in time order
        change_id    str, never blank
        at           datetime64[us, UTC]
        scope, note  str, where the file has them; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "changes.csv"
    >>> _ = file.write_text("change_id,at,note\nc1,2026-02-17T10:00Z,Faster search\n")
    >>> read_changes(file)[["change_id", "note"]]
      change_id           note
    0        c1  Faster search
    """
    return read(path, "changes", CHANGES, "at", rename, timezone, max_refused, format_options)
