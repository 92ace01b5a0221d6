"""How much happened on each day, and at which hours? The figures of `event_arrivals` and `arrival_hours`."""

from typing import TYPE_CHECKING

import pandas as pd

from metrics.display.numbers import count, percent, with_unit
from metrics.plots.changes import with_changes
from metrics.plots.lines import line_plot
from metrics.plots.needed import need
from metrics.plots.style import BLUE, INK, MUTED, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_arrivals(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw the rows of each day; a gap in the export is a line that falls to nothing.

    Parameters
    ----------
    table
        Result of `event_arrivals`. A day that is not over is drawn hollow.
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
        `table` has not the columns of arrivals.

    Examples
    --------
    >>> days = pd.to_datetime(["2026-03-01", "2026-03-02"])
    >>> table = pd.DataFrame({"period_start": days, "rows": [90, 80], "users": [9, 8], "complete": [True, True]})
    >>> plot_arrivals(table).lines[0].get_ydata().tolist()
    [90.0, 80.0]
    """
    need(table, "event_arrivals", ["period_start", "rows"])
    return with_changes(_ARRIVALS, changes).on(table, ax)


def plot_arrival_hours(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the rows of each hour of the day as bars.

    Parameters
    ----------
    table
        Result of `arrival_hours`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of hours.

    Examples
    --------
    >>> table = pd.DataFrame({"hour": [0, 1], "rows": [10, 30], "share": [0.25, 0.75]})
    >>> [float(bar.get_height()) for bar in plot_arrival_hours(table).patches]
    [25.0, 75.0]
    """
    need(table, "arrival_hours", ["hour", "rows", "share"])
    return _HOURS.on(table, ax)


def _paint_hours(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    if not table["rows"].sum():
        no_data(ax, "No rows.")
        return
    ax.bar(table["hour"], 100 * table["share"], width=0.8, color=BLUE, linewidth=0)
    ax.set_xlim(-0.6, float(table["hour"].max()) + 0.6)
    ticks = list(range(0, int(table["hour"].max()) + 1, 6 if narrow else 3))
    ax.set_xticks(ticks, [f"{hour}:00" for hour in ticks])
    ax.set_ylim(0, 105 * float(table["share"].max()))
    highest = int(table["share"].argmax())
    steps = [step for step in (1, 2, 5, 10, 20, 50) if 100 * float(table["share"].max()) / step <= 5]
    marks = list(range(0, int(100 * float(table["share"].max())) + 1, steps[0] if steps else 50))
    ax.set_yticks(marks, [*(str(mark) for mark in marks[:-1]), with_unit(str(marks[-1]))])
    for side in ("left", "top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0, colors=MUTED)
    ax.grid(False, axis="x")
    ax.annotate(
        with_unit(percent(float(table["share"].iloc[highest]), 1)),
        (float(table["hour"].iloc[highest]), 100 * float(table["share"].iloc[highest])),
        xytext=(0, 4), textcoords="offset points", ha="center", color=INK, fontweight="bold", annotation_clip=False,
    )  # fmt: skip


def _say_hours(table: pd.DataFrame) -> str:
    total = int(table["rows"].sum())
    if not total:
        return "Rows by hour of the day: none."
    most, least = table.iloc[int(table["rows"].argmax())], table.iloc[int(table["rows"].argmin())]
    return (
        f"Rows by hour of the day, {count(total)} in all. Most at {int(most['hour'])}:00 ({count(most['rows'])}), "
        f"least at {int(least['hour'])}:00 ({count(least['rows'])})."
    )


_ARRIVALS = Plot(**line_plot("Rows by day", "rows", scale=1, unit=""))
_HOURS = Plot(
    paint=_paint_hours,
    height=lambda table, narrow: 220,
    margins=lambda table, narrow: Margins(left=40, right=12, top=24, bottom=30),
    alt=_say_hours,
    legend=lambda table: "Share of all rows, %.",
)
