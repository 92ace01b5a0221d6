"""Does onboarding go with success? The figure of `onboarding_outcomes`."""

from typing import TYPE_CHECKING

import pandas as pd

from metrics.plots.needed import need
from metrics.plots.rows import row_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_onboarding_outcomes(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw for each outcome the difference between the onboarded and all others, with its interval.

    Parameters
    ----------
    table
        Result of `onboarding_outcomes`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of outcomes.

    Examples
    --------
    >>> table = pd.DataFrame({"outcome": ["retention"], "onboarded": [50], "others": [40], "difference": [0.1],
    ...     "difference_low": [-0.05], "difference_high": [0.25]})  # fmt: skip
    >>> plot_onboarding_outcomes(table).lines[-1].get_xdata().tolist()
    [10.0]
    """
    need(table, "onboarding_outcomes", ["outcome", "onboarded", "others", "difference", "difference_low"])
    return _OUTCOMES.on(table, ax)


_OUTCOMES = row_plot(
    "Rate of the onboarded minus rate of all others", "difference",
    lambda table, row: str(row["outcome"]).capitalize(), n="onboarded", of="onboarded", unit="points", zero=True,
    said="An association, not an effect.",
)  # fmt: skip
