"""Were users split as meant? If not, the groups differ in more than the variant, and no result can be trusted."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from metrics.intervals import Floats
from metrics.results import grouped, keys, result
from metrics.steps import unknown

_RESULT = ["users", "chi_square", "p_value", "mismatch"]


def sample_ratio_check(
    variants: pd.DataFrame,
    *,
    users: str = "users",
    ratio: Sequence[float] | None = None,
    threshold: float = 0.001,
    by: str | Sequence[str] | None = None,
) -> pd.DataFrame:
    """Are the groups as large as they should be?

    Parameters
    ----------
    variants
        One row per variant (in each group) with its number of users.
    users
        Column of these numbers.
    ratio
        Shares that were meant, in the order of the rows: ``[2, 1, 1]``. None (default): all alike.
    threshold
        A p-value below it is a mismatch. Small, for it is looked at in every test.
    by
        Column or list of `variants` for a breakdown, such as the country or the day: the split of each group by itself.
        Missing values are a group of their own.

    Returns
    -------
    DataFrame, one row (per group)
        users       count    in all variants
        chi_square  number   of the numbers against those expected
        p_value     0 to 1   how often chance alone would split them at least as unevenly
        mismatch    bool     `p_value` is below `threshold`

    Raises
    ------
    ValueError
        Fewer than two variants, no users (in a group), users that are no number, a ratio of another length or not above
        0.

    Notes
    -----
    Where users are lost in one group alone, such as those of one browser, the split of all may hide it; where a few are
    lost in each, the groups may be too small to show it. Look at both.

    Pearson (1900), Philosophical Magazine 50:157; Fabijan et al. (2019), KDD '19, for the threshold.

    Examples
    --------
    >>> sample_ratio_check(pd.DataFrame({"users": [5050, 2475, 2475]}), ratio=[2, 1, 1]).round(4)
       users  chi_square  p_value  mismatch
    0  10000         1.0   0.6065     False
    """
    if users not in variants:
        raise ValueError(unknown("users", users, variants.columns, "a column of the variants", "columns"))
    if not 0 < threshold < 1:
        raise ValueError(f"threshold: {threshold!r} is not between 0 and 1. Use 0.001.")
    groups = keys(by, taken=_RESULT)
    for name in groups:
        if name not in variants:
            raise ValueError(unknown("by", name, variants.columns, "a column of the variants", "columns"))
    every = _numbers(variants[users], users)
    of, named = grouped(variants[groups].reset_index(drop=True), groups)
    found = []
    for k in range(len(named)):
        counts = every[of == k]
        if len(counts) < 2 or not counts.sum() > 0:
            where = f" of {', '.join(str(value) for value in named.iloc[k])}" if groups else ""
            raise ValueError(
                f"variants: {counts.tolist()} users{where}. A split needs two variants or more, and users in them."
            )
        square, p = chi_square(counts, ratio)
        found.append((int(counts.sum()), square, p, p < threshold))
    table = pd.concat([named, pd.DataFrame(found, columns=_RESULT)], axis=1)
    table = table.astype({"users": "int64", "chi_square": "float64", "p_value": "float64", "mismatch": "bool"})
    definition = f"Chi-square of users against the shares meant; a p-value below {threshold:g} is a mismatch."
    settings = {"ratio": None if ratio is None else list(ratio), "threshold": threshold, "by": groups or None}
    return result(table, metric="sample_ratio_check", definition=definition, settings=settings)


def _numbers(column: "pd.Series", name: str) -> Floats:
    """Numbers of users; what is none is refused."""
    counts: Floats = pd.to_numeric(column, errors="coerce").to_numpy(float, na_value=np.nan)
    wrong = ~(np.isfinite(counts) & (counts >= 0))
    if wrong.any():
        raise ValueError(
            f"{name}: {column.iloc[int(wrong.argmax())]!r} is no number of users. Give a count, 0 or more."
        )
    return counts


def chi_square(counts: Floats, ratio: Sequence[float] | None) -> tuple[float, float]:
    """Chi-square of counts against their ratio, and its p-value."""
    from scipy.special import chdtrc  # slow to import, and needed for tests alone

    if ratio is not None and (isinstance(ratio, str) or not isinstance(ratio, Sequence | np.ndarray | pd.Series)):
        raise ValueError(f"ratio: {ratio!r} is no list of shares. Give one for each variant in their order: [2, 1].")
    shares = np.ones(len(counts)) if ratio is None else np.asarray(ratio, float)
    if len(shares) != len(counts) or not (shares > 0).all():
        raise ValueError(f"ratio: {shares.tolist()} are not {len(counts)} shares above 0. Give one for each variant.")
    expected = counts.sum() * shares / shares.sum()
    square = float(((counts - expected) ** 2 / expected).sum())
    return square, float(chdtrc(len(counts) - 1, square))
