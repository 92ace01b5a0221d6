"""Who leaves, period by period? The figure of `churn_rate`."""

from typing import TYPE_CHECKING

import pandas as pd

from metrics.plots.changes import with_changes
from metrics.plots.lines import line_plot
from metrics.plots.needed import need
from metrics.plots.style import Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_churn(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw the churn rate of each period with its interval.

    Parameters
    ----------
    table
        Result of `churn_rate` with periods. A period that is not over is hatched, or hollow if it has a rate.
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
        `table` has not the columns of churn by period.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "period_start": pd.to_datetime(["2026-03-01", "2026-04-01"]),
    ...         "users": [90, 80],
    ...         "churned": [9, 10],
    ...         "churn_rate": [0.1, 0.125],
    ...         "churn_rate_low": [0.05, 0.07],
    ...         "churn_rate_high": [0.18, 0.21],
    ...         "complete": [True, True],
    ...     }
    ... )
    >>> plot_churn(table).lines[0].get_ydata().tolist()
    [10.0, 12.5]
    """
    need(table, "churn_rate", ["period_start", "churn_rate"])
    return with_changes(_CHURN, changes).on(table, ax)


_CHURN = Plot(**line_plot("Churn rate by period", "churn_rate"))
