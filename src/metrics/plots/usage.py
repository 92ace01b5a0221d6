"""What share of the active uses a feature? The figure of `feature_usage`."""

from typing import TYPE_CHECKING

import pandas as pd

from metrics.plots.changes import with_changes
from metrics.plots.lines import line_plot
from metrics.plots.needed import need
from metrics.plots.style import Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_feature_usage(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw the share of the active who used the feature in each period, with its interval.

    Parameters
    ----------
    table
        Result of `feature_usage`. A period that is not over is hollow.
    ax
        Axes to draw on; without, a figure of its own is made.
    changes
        Change log, as `read_changes` returns it: a thin line for each change in these periods, named above.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of usage.

    Examples
    --------
    >>> weeks = pd.to_datetime(["2026-03-02", "2026-03-09"])
    >>> table = pd.DataFrame({"period_start": weeks, "users": [90, 80], "used": [9, 16], "usage_rate": [0.1, 0.2],
    ...     "usage_rate_low": [0.05, 0.13], "usage_rate_high": [0.18, 0.3], "complete": [True, True]})  # fmt: skip
    >>> plot_feature_usage(table).lines[0].get_ydata().tolist()
    [10.0, 20.0]
    """
    need(table, "feature_usage", ["period_start", "users", "used", "usage_rate"])
    return with_changes(_USAGE, changes).on(table, ax)


_USAGE = Plot(**line_plot("Share of the active who used it", "usage_rate"))
