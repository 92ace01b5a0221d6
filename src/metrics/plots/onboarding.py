"""Do onboarding and help go with success? The figures of two sides that chose for themselves."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.display.kinds import group_of
from metrics.plots.needed import need
from metrics.plots.rows import row_plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_onboarding_outcomes(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw for each outcome the difference between the onboarded and all others, with its interval.

    Parameters
    ----------
    table
        Result of `onboarding_outcomes`. Groups stand beside each other, outcome by outcome.
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
    outcomes = table["outcome"].drop_duplicates().tolist()
    return _OUTCOMES.on(table.sort_values("outcome", key=lambda cells: cells.map(outcomes.index), kind="stable"), ax)


def plot_assisted_trial_conversion(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw for each kind of help the difference between trials with it and without, with its interval.

    Parameters
    ----------
    table
        Result of `assisted_trial_conversion`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of trials with help.

    Examples
    --------
    >>> table = pd.DataFrame({"help": ["call"], "assisted": [50], "unassisted": [90], "assisted_rate": [0.7],
    ...     "still_in_trial": [0], "difference": [0.2], "difference_low": [0.04],
    ...     "difference_high": [0.34]})  # fmt: skip
    >>> plot_assisted_trial_conversion(table).lines[-1].get_xdata().tolist()
    [20.0]
    """
    need(table, "assisted_trial_conversion", ["help", "assisted", "unassisted", "difference", "difference_low"])
    return _ASSISTED.on(table, ax)


def _outcome(table: pd.DataFrame, row: "pd.Series[Any]") -> str:
    group = group_of(table, row)
    return str(row["outcome"]).capitalize() + (f", {group}" if group else "")


def _help(table: pd.DataFrame, row: "pd.Series[Any]") -> str:
    named = str(row["help"]).capitalize() if row["help"] != "any" else "Any help"
    group = group_of(table, row)
    return f"{named}, {group}" if group else named


_ASSISTED = row_plot(
    "Conversion of trials with help minus that of trials without", "difference", _help, n="assisted",
    of="trials with it", one="trial with it", unit="points", zero=True, said="An association, not an effect.",
)  # fmt: skip
_OUTCOMES = row_plot(
    "Rate of the onboarded minus rate of all others", "difference", _outcome, n="onboarded", of="onboarded",
    unit="points", zero=True, said="An association, not an effect.",
)  # fmt: skip
