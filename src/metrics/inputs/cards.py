"""Payment methods: the one table without a moment of its own, since a card is there until it ends."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metrics.files import PathLike
from metrics.files.names import Rename
from metrics.inputs.columns import PAYMENT_METHODS
from metrics.inputs.reading import read


def read_payment_methods(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Which card does each customer pay with, and when does it end?

    Parameters
    ----------
    path, rename, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per card, in order of `customer_id`
        customer_id          str, never blank
        exp_month, exp_year  float, NA where not known
        payment_method_id    str, where the file has it; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "cards.csv"
    >>> _ = file.write_text("customer_id,exp_month,exp_year\nann,2,2028\n")
    >>> read_payment_methods(file)[["customer_id", "exp_month", "exp_year"]]
      customer_id  exp_month  exp_year
    0         ann        2.0    2028.0
    """
    return read(path, "payment methods", PAYMENT_METHODS, "customer_id", rename, None, max_refused, format_options)
