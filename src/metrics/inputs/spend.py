"""What was spent to win customers, and what is to be reached: two tables that a company writes by itself."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metrics.files import PathLike
from metrics.files.names import Rename
from metrics.inputs.columns import SPEND, TARGETS
from metrics.inputs.reading import read


def read_spend(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""What was spent to win customers, and when?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`. Dates alone need a `timezone`.

    Returns
    -------
    DataFrame, one row per row of the file, in time order
        at                 datetime64[us, UTC]  the spending counts for the period in which this lies
        spend              float  money; what counts (salaries and tools, or advertising alone) is yours to say
        currency, channel  str, where the file has them; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`; a row without a time or an amount is rejected.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "spend.csv"
    >>> _ = file.write_text("month,channel,cost\n2026-01-01,ads,1200\n")
    >>> read_spend(file, timezone="UTC")
                             at   spend channel
    0 2026-01-01 00:00:00+00:00  1200.0     ads
    """
    return read(path, "spend", SPEND, "at", rename, timezone, max_refused, format_options)


def read_targets(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""What is to be reached?

    Parameters
    ----------
    path, rename, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per target, in order of `kpi`
        kpi        str    name of a key figure of `kpi_sheet`, which checks it
        target     float  in the unit of the figure, shares from 0 to 1
        direction  str    ``higher`` or ``lower`` is better, where the file has it; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "targets.csv"
    >>> _ = file.write_text("kpi,target\nchurn_rate,0.05\n")
    >>> read_targets(file)
              kpi  target
    0  churn_rate    0.05
    """
    return read(path, "targets", TARGETS, "kpi", rename, None, max_refused, format_options)
