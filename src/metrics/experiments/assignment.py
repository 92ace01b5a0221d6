"""Were users split as meant? If not, the groups differ in more than the variant, and no result can be trusted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.intervals import Floats
from metrics.results import result
from metrics.steps import unknown


def sample_ratio_check(
    variants: pd.DataFrame, *, users: str = "users", ratio: Sequence[float] | None = None, threshold: float = 0.001
) -> pd.DataFrame:
    """Are the groups as large as they should be?

    Parameters
    ----------
    variants
        One row per variant with its number of users.
    users
        Column of these numbers.
    ratio
        Shares that were meant, in the order of the rows: ``[2, 1, 1]``. None (default): all alike.
    threshold
        A p-value below it is a mismatch. Small, for it is looked at in every test.

    Returns
    -------
    DataFrame, one row
        users       count    in all variants
        chi_square  number   of the numbers against those expected
        p_value     0 to 1   how often chance alone would split them at least as unevenly
        mismatch    bool     `p_value` is below `threshold`

    Raises
    ------
    ValueError
        Fewer than two variants, no users, a ratio of another length or not above 0.

    Notes
    -----
    Pearson (1900), Philosophical Magazine 50:157; Fabijan et al. (2019), KDD '19, for the threshold.

    Examples
    --------
    >>> sample_ratio_check(pd.DataFrame({"users": [5050, 2475, 2475]}), ratio=[2, 1, 1]).round(4)
       users  chi_square  p_value  mismatch
    0  10000         1.0   0.6065     False
    """
    if users not in variants:
        raise ValueError(unknown("users", users, variants.columns, "a column of the variants", "columns"))
    counts = variants[users].to_numpy(float)
    if len(counts) < 2 or not counts.sum() > 0 or (counts < 0).any():
        raise ValueError(f"variants: {counts.tolist()} users. A split needs two variants or more, and users in them.")
    if not 0 < threshold < 1:
        raise ValueError(f"threshold: {threshold!r} is not between 0 and 1. Use 0.001.")
    square, p = chi_square(counts, ratio)
    table = pd.DataFrame({
        "users": [int(counts.sum())], "chi_square": [square], "p_value": [p], "mismatch": [p < threshold],
    })  # fmt: skip
    definition = f"Chi-square of users against the shares meant; a p-value below {threshold:g} is a mismatch."
    settings = {"ratio": None if ratio is None else list(ratio), "threshold": threshold}
    return result(table, metric="sample_ratio_check", definition=definition, settings=settings)


def chi_square(counts: Floats, ratio: Sequence[float] | None) -> tuple[float, float]:
    """Chi-square of counts against their ratio, and its p-value."""
    from scipy.special import chdtrc  # slow to import, and needed for tests alone

    shares = np.ones(len(counts)) if ratio is None else np.asarray(ratio, float)
    if len(shares) != len(counts) or not (shares > 0).all():
        raise ValueError(f"ratio: {shares.tolist()} are not {len(counts)} shares above 0. Give one for each variant.")
    expected = counts.sum() * shares / shares.sum()
    square = float(((counts - expected) ** 2 / expected).sum())
    return square, float(chdtrc(len(counts) - 1, square))
