"""Survey sends: who was asked, so that those who did not answer can be counted too."""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from metrics.files import PathLike
from metrics.files.names import Rename
from metrics.inputs.columns import SURVEY_SENDS
from metrics.inputs.reading import read


def read_survey_sends(
    path: PathLike | Sequence[PathLike],
    *,
    rename: Rename = None,
    timezone: str | None = None,
    max_refused: float = 0.01,
    **format_options: Any,
) -> pd.DataFrame:
    r"""Who was asked, when, and did it arrive?

    Parameters
    ----------
    path, rename, timezone, max_refused, **format_options
        As for `read_events`.

    Returns
    -------
    DataFrame, one row per survey that was sent, in time order
        respondent_id  str   never blank
        sent_at        datetime64[us, UTC]
        send_id, survey_id  str, where the file has them
        delivered      as it is in the file: yes and no in any spelling; without the column all have arrived
        and the file's other columns

    Raises
    ------
    EventTableError
        As `read_events`.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "sends.csv"
    >>> _ = file.write_text("survey,customer_id,sent_at,delivered\nnps,ann,2026-01-05T09:00Z,true\n")
    >>> read_survey_sends(file)[["respondent_id", "survey_id", "delivered"]]
      respondent_id survey_id  delivered
    0           ann       nps       True
    """
    return read(path, "survey sends", SURVEY_SENDS, "sent_at", rename, timezone, max_refused, format_options)
