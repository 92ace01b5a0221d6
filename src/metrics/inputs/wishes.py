"""What customers asked for, and what was made for them."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metrics.files import PathLike
from metrics.files.names import Rename
from metrics.inputs.columns import CONTENTS, REQUESTS
from metrics.inputs.reading import read


def read_requests(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""What was asked for, when, and when did it come?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per request, in order of `requested_at`
        requested_at  datetime64[us, UTC]
        released_at   datetime64[us, UTC], missing: not yet
        request_id, customer_id  str, where the file has them; and its other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "wishes.csv"
    >>> _ = file.write_text("idea_id,asked_at,shipped_at\ndark mode,2026-01-05T09:00Z,\n")
    >>> read_requests(file)["released_at"].isna().tolist()
    [True]
    """
    return read(path, "requests", REQUESTS, "requested_at", rename, timezone, max_refused, format_options)


def read_contents(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""What was made, for whom, and when?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per content, in order of `made_at`
        content_id   str, never blank
        customer_id  str, never blank: for whom it was made
        made_at      datetime64[us, UTC]; and the file's other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "articles.csv"
    >>> _ = file.write_text("article_id,customer_id,published_at\nguide,ann,2026-01-05T09:00Z\n")
    >>> read_contents(file)[["content_id", "customer_id"]]
      content_id customer_id
    0      guide         ann
    """
    return read(path, "contents", CONTENTS, "made_at", rename, timezone, max_refused, format_options)
