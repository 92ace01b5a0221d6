"""Which answers cannot be counted?"""

import numpy as np
import pandas as pd

from metrics.intervals import ratio
from metrics.steps import unknown
from metrics.surveys.answers import of_kind, read_scores


def check_responses(responses: pd.DataFrame, *, score: str = "score", scale: tuple[int, int] = (0, 10)) -> pd.DataFrame:
    """Which answers cannot be counted, and why?

    Parameters
    ----------
    responses
        One row per answer. Where there is a ``question_type``, the scale 0 to 10 is that of ``nps`` questions only.
    score
        Column of the scores.
    scale
        Lowest and highest score that can be given.

    Returns
    -------
    DataFrame, one row per kind of problem
        problem   text    ``blank``, ``not_a_number``, ``out_of_range`` (codes such as 99 too), ``not_an_integer``
        rows      count
        share     0 to 1  of all rows; NaN without rows
        example   text    the first such score

    Raises
    ------
    ValueError
        The column is missing.

    Examples
    --------
    >>> check_responses(pd.DataFrame({"score": [9, None, 11, 7.5]}))[["problem", "rows"]]
              problem  rows
    0           blank     1
    1    not_a_number     0
    2    out_of_range     1
    3  not_an_integer     1
    """
    if score not in responses:
        raise ValueError(unknown("score", score, responses.columns, "a column of the responses", "columns"))
    if tuple(scale) == (0, 10):
        responses = of_kind(responses, "nps")
    problem = read_scores(responses[score], scale)[1].reset_index(drop=True)
    rows = []
    for kind in ("blank", "not_a_number", "out_of_range", "not_an_integer"):
        found = np.flatnonzero((problem == kind).to_numpy(bool, na_value=False))
        example = None if not len(found) or kind == "blank" else str(responses[score].iloc[found[0]])
        rows.append((kind, len(found), ratio(len(found), len(problem)).item(), example))
    return pd.DataFrame(rows, columns=["problem", "rows", "share", "example"]).astype({"example": "str"})
