"""Which leads become customers, and loyal ones? The figure of `lead_conversion`."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.display.kinds import group_of
from metrics.plots.needed import need
from metrics.plots.rows import row_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_lead_conversion(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the share of leads who become customers, then that of customers who become loyal ones, by group.

    Parameters
    ----------
    table
        Result of `lead_conversion`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of stages.

    Examples
    --------
    >>> table = pd.DataFrame({"from_stage": ["lead"], "to_stage": ["customer"], "followed": [50], "reached": [20],
    ...     "conversion_rate": [0.4], "conversion_rate_low": [0.28], "conversion_rate_high": [0.54],
    ...     "reason": [None]})  # fmt: skip
    >>> plot_lead_conversion(table).lines[-1].get_xdata().tolist()
    [40.0]
    """
    need(table, "lead_conversion", ["from_stage", "to_stage", "followed", "conversion_rate", "conversion_rate_low"])
    parts = [table[(table["from_stage"] == stage)] for stage in ("lead", "customer")]
    parts[0] = parts[0][parts[0]["to_stage"] == "customer"]
    drawn = pd.concat(parts, ignore_index=True)
    drawn.attrs = table.attrs
    return _LEADS.on(drawn, ax)


def _stage(table: pd.DataFrame, row: "pd.Series[Any]") -> str:
    stage = f"to {row['to_stage']}"
    group = group_of(table, row)
    return f"{group}, {stage}" if group else f"{str(row['from_stage']).capitalize()} {stage}"


_LEADS = row_plot("Share who got to the next stage in time", "conversion_rate", _stage, n="followed", of="in the stage")
