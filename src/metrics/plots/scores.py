"""Are they satisfied, was it easy? The figure of `customer_satisfaction` and `customer_effort`."""

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length, reason_in_words
from metrics.display.kinds import groups_of
from metrics.display.numbers import counted
from metrics.display.worked import level
from metrics.plots.changes import with_changes
from metrics.plots.dots import MOST, Dot, height, paint_dots, written
from metrics.plots.lines import line_plot
from metrics.plots.needed import need
from metrics.plots.style import Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_METHOD = {"percent": "Share who found it easy", "net": "Net effort score", "mean": "Mean effort score"}


def plot_scores(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw satisfaction or effort with its interval: with three periods or more a line, else a row for each group.

    Parameters
    ----------
    table
        Result of `customer_satisfaction` or `customer_effort`.
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
        `table` has not the columns of either score.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "plan": ["free", "pro"],
    ...         "responses": [40, 40],
    ...         "satisfied": [30, 36],
    ...         "customer_satisfaction": [75.0, 90.0],
    ...         "customer_satisfaction_low": [60.0, 77.0],
    ...         "customer_satisfaction_high": [86.0, 96.0],
    ...     }
    ... )
    >>> plot_scores(table).lines[-1].get_xdata().tolist()
    [90.0]
    """
    name = _name(table)
    need(table, name, ["responses", name, f"{name}_low", f"{name}_high"])
    if "period_start" in table and table["period_start"].nunique() >= 3:
        line = Plot(**line_plot(f"{_what(table)} by period", name, scale=1, unit=_unit(table)))
        return with_changes(line, changes).on(table, ax)
    return _ROWS.on(table, ax)


def _name(table: pd.DataFrame) -> str:
    return "customer_effort" if "customer_effort" in table else "customer_satisfaction"


def _what(table: pd.DataFrame) -> str:
    if _name(table) == "customer_satisfaction":
        return "Share of the satisfied"
    return _METHOD[str(table["method"].iloc[0]) if "method" in table and len(table) else "percent"]


def _unit(table: pd.DataFrame) -> str:
    return "" if "method" in table and (table["method"] != "percent").any() else "%"


def _dots(table: pd.DataFrame) -> list[Dot]:
    name, length, found = _name(table), period_length(table), []
    for _, row in table.iterrows():
        names = ["(missing)" if numbers.is_missing(row[g]) else str(row[g]) for g in groups_of(table)]
        if "period_start" in table:
            names.insert(0, numbers.period(row["period_start"], length))
        value, low, high = (
            math.nan if numbers.is_missing(row[column]) else float(row[column])
            for column in (name, f"{name}_low", f"{name}_high")
        )
        said = written(value, low, high, unit=_unit(table)) or reason_in_words(row.get("reason")) or "no score"
        found.append(Dot(", ".join(names) or "All answers", value, low, high, said))
    return found


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    if not len(table):
        no_data(ax, "No answers.")
        return
    net = "method" in table and bool((table["method"] == "net").any())
    paint_dots(ax, _dots(table), unit=_unit(table), zero=net, narrow=narrow)


def _alt(table: pd.DataFrame) -> str:
    if not len(table):
        return f"{_what(table)}: nobody answered."
    rows: Any = zip(_dots(table), table["responses"], strict=True)
    said = " ".join(f"{dot.name}: {dot.words}, {counted(n, 'answer')}." for dot, n in rows)
    return f"{_what(table)}, of those who answered. {said}"


def _legend(table: pd.DataFrame) -> str:
    if not any(math.isfinite(dot.value) for dot in _dots(table)):
        return ""
    more = f" The first {MOST} of {len(table)} rows." if len(table) > MOST else ""
    return f"{_what(table)}, with its {level(table)} interval.{more}"


_ROWS = Plot(_paint, lambda table, narrow: height(len(table)), lambda table, narrow: Margins(), _alt, _legend)
