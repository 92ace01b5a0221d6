"""What was changed when? Thin lines on any figure over time, named above it and told in its caption.

A number that moves after a change did not move because of it. But who looks at a line should see what was done, and
where two changes lie so close that nothing can tell them apart.
"""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.given import Given
from metrics.display.kinds import setting
from metrics.plots.needed import need, once
from metrics.plots.style import MID, MUTED, NARROW, WIDE, Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ROW = 14.0  # px of a row of names
_LETTER, _SHORT = 7.4, 4
_STEPS = {
    "day": pd.DateOffset(days=1), "week": pd.DateOffset(weeks=1), "month": pd.DateOffset(months=1),
    "quarter": pd.DateOffset(months=3), "year": pd.DateOffset(years=1),
}  # fmt: skip


def with_changes(plot: Plot, changes: pd.DataFrame | Given | None, *, most: int | None = None) -> Plot:
    """The same figure, with a line for each change that lies in its periods.

    Parameters
    ----------
    plot
        A figure whose periods stand at 0, 1, … by ``period_start`` or ``date``.
    changes
        One row per change: ``change_id`` and ``at``, and ``note`` for the caption. None: the plot as it is.
    most
        How many periods the figure shows, the last ones; None shows all.
    """
    if changes is None or isinstance(changes, Given):  # not asked for, or no log is there
        return plot
    need(changes, "read_changes", ["change_id", "at"])

    @once
    def marked(table: pd.DataFrame) -> tuple[pd.DataFrame, int]:
        return marks_of(table, changes, most), len(_starts(table, most))

    def room(table: pd.DataFrame, narrow: bool) -> float:
        margins = plot.margins(table, narrow)
        wide = (NARROW if narrow else WIDE) - margins.left - margins.right
        marks, periods = marked(table)
        return ROW * (1 + max(name_rows(marks, wide, periods), default=-1)) + 4 * bool(len(marks))

    def paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
        plot.paint(ax, table, narrow)
        _draw(ax, *marked(table))

    return Plot(
        paint=paint,
        height=lambda table, narrow: plot.height(table, narrow) + room(table, narrow),
        margins=lambda table, narrow: replace(
            plot.margins(table, narrow), top=plot.margins(table, narrow).top + room(table, narrow)
        ),
        alt=lambda table: join(plot.alt(table), told(marked(table)[0], dated=True)),
        legend=lambda table: join(plot.legend(table), told(marked(table)[0], dated=False)),
    )


def marks_of(table: pd.DataFrame, changes: pd.DataFrame, most: int | None = None) -> pd.DataFrame:
    """The changes inside the periods of a table: `start` of the period, `place` on its axis, `name`, `note` and local
    time, in time order.
    """
    starts, length = _starts(table, most), period_length(table) or ("day" if "date" in table else None)
    at = pd.to_datetime(changes["at"], utc=True).dt.tz_convert(setting(table, "tz", "UTC")).dt.tz_localize(None)
    found = changes.reset_index(drop=True).assign(at=at.reset_index(drop=True))
    found = found.sort_values(["at", "change_id"], ignore_index=True)
    found["note"] = found.get("note", pd.NA)
    if not len(starts) or length is None:
        return found.iloc[:0].assign(start=found["at"].iloc[:0], place=0.0, name="")
    ends = pd.DatetimeIndex([start + _STEPS[length] for start in starts])
    period = starts.searchsorted(found["at"], side="right") - 1
    inside = (period >= 0) & (found["at"].to_numpy() < ends[period.clip(0)].to_numpy())
    found, period = found[inside].reset_index(drop=True), period[inside]
    passed = (found["at"] - starts[period]) / (ends[period] - starts[period])
    ids = found["change_id"].astype("str")
    short = bool((ids.str.len() <= _SHORT).all())  # a long name stands in the caption, behind a number
    names = ids if short else pd.Series([str(k + 1) for k in range(len(found))], dtype="str")
    notes = found["note"].astype("object").where(found["note"].notna(), "" if short else ids)
    return found.assign(start=starts[period], place=period - 0.5 + passed.to_numpy(float), name=names, note=notes)


def _starts(table: pd.DataFrame, most: int | None) -> pd.DatetimeIndex:
    """The periods that are drawn, in their order."""
    if {"open", "users", "complete"} <= set(table.columns):  # those with open windows only are not drawn
        table = table[(table["open"] < table["users"]) | table["complete"].astype(bool)]
    column = table["period_start"] if "period_start" in table else table["date"]
    starts = pd.DatetimeIndex(column.dropna().drop_duplicates().sort_values())
    return starts[-most:] if most else starts


def name_rows(marks: pd.DataFrame, wide: float, periods: int) -> list[int]:
    """The row of each name above the figure: the lowest in which it meets no other."""
    ends: list[float] = []
    found = []
    for name, place in zip(marks["name"], marks["place"], strict=True):
        half = (_LETTER * len(str(name)) + 6) / 2
        middle = (float(place) + 0.5) / max(periods, 1) * wide
        row = next((k for k, end in enumerate(ends) if middle - half >= end), len(ends))
        ends[row : row + 1] = [middle + half]
        found.append(row)
    return found


def _draw(ax: "Axes", marks: pd.DataFrame, periods: int) -> None:
    if not len(marks) or not (ax.axison or ax.lines or ax.patches):  # nothing was drawn
        return
    left, right = sorted(ax.get_xlim())
    figure = ax.get_figure(root=True)
    wide = float(ax.get_window_extent().width) * 72 / (figure.get_dpi() if figure else 72)
    places = np.clip(marks["place"].to_numpy(float), left, right)
    for place, name, row in zip(places, marks["name"], name_rows(marks, wide, periods), strict=True):
        ax.axvline(place, color=MID, linewidth=1, zorder=0.9)
        ax.annotate(
            str(name), (place, 1), xycoords=ax.get_xaxis_transform(), xytext=(0, 4 + ROW * row),
            textcoords="offset points", ha="center", va="baseline", color=MUTED, annotation_clip=False,
        )  # fmt: skip


def told(marks: pd.DataFrame, *, dated: bool) -> str:
    """The changes in words: dated for who does not see, or for the caption."""
    said = []
    for at, name, note in zip(marks["at"], marks["name"], marks["note"], strict=True):
        when = f", {numbers.date(at)}" if dated else ""
        said.append(f"{name} {note}".strip() + when)
    return f"{'Changes' if dated else 'Lines'}: {'; '.join(said)}." if said else ""


def join(*parts: str) -> str:
    """What is said, with blanks between."""
    return " ".join(part for part in parts if part)
