"""Do they come back? Figures of `cohort_retention`, `retention_matrix` and `retention_curve`."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import column_of, period_length
from metrics.display.footnotes import UNCERTAIN
from metrics.display.kinds import is_matrix, setting
from metrics.display.numbers import count, counted, percent, with_unit
from metrics.plots.lines import line_plot
from metrics.plots.needed import need, once, one_group, pixels
from metrics.plots.style import HATCH, HEAT, INK, MID, MUTED, ON_HEAT, PAPER, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _HEAD, _MOST = 30.0, 25.0, 30


def plot_retention_matrix(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw who comes back, a row for each cohort and a column for each period.

    Parameters
    ----------
    table
        Result of `cohort_retention` (one group) or `retention_matrix`. Cells that are not over are hatched.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` is no such result, or has several groups.

    Examples
    --------
    >>> cells = pd.DataFrame(
    ...     {
    ...         "cohort": pd.to_datetime(["2026-03-02"] * 2),
    ...         "period": [0, 1],
    ...         "users": [10, 10],
    ...         "retained": [10, 4],
    ...         "retention_rate": [1.0, 0.4],
    ...         "complete": [True, True],
    ...     }
    ... )
    >>> [text.get_text() for text in plot_retention_matrix(cells).texts][-1]
    '40'
    """
    if not is_matrix(table):
        need(table, "cohort_retention", ["cohort", "period", "retention_rate"])
        one_group(table, "a heat map")
    return _MATRIX.on(table, ax)


def plot_retention_curve(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the share that comes back after k periods, a line for each group.

    Parameters
    ----------
    table
        Result of `retention_curve`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of a curve.

    Examples
    --------
    >>> curve = pd.DataFrame(
    ...     {
    ...         "period": [0, 1],
    ...         "cohorts": [2, 2],
    ...         "users": [50, 50],
    ...         "retained": [50, 20],
    ...         "retention_rate": [1, 0.4],
    ...         "retention_rate_low": [1, 0.28],
    ...         "retention_rate_high": [1, 0.54],
    ...     }
    ... )
    >>> plot_retention_curve(curve).lines[0].get_ydata().tolist()
    [100.0, 40.0]
    """
    need(table, "retention_curve", ["period", "cohorts", "retention_rate"])
    return _CURVE.on(table, ax)


@once
def _cells(table: pd.DataFrame) -> pd.DataFrame:
    """One row per cell that has a rate, without the column that is always 100 %."""
    cells = table
    if is_matrix(table):
        cells = table.melt(ignore_index=False, value_name="retention_rate").reset_index()
        cells.attrs = table.attrs
    if "complete" not in cells:
        cells = cells.assign(complete=True)
    cells = cells[cells["retention_rate"].notna()]
    start = cells[cells["period"] == 0]
    if len(start) and (start["retention_rate"] == 1).all() and (cells["period"] > 0).any():
        cells = cells[cells["period"] > 0]
    return cells


def _cohorts(table: pd.DataFrame) -> list[pd.Timestamp]:
    """The cohorts drawn: the last ones of those with a cell to show."""
    return list(_cells(table)["cohort"].sort_values().unique())[-_MOST:]


def _sizes(table: pd.DataFrame) -> dict[Any, float]:
    if is_matrix(table) or "users" not in table:
        return {}
    return {cohort: float(users) for cohort, users in table.groupby("cohort")["users"].max().items()}


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    cells, cohorts = _cells(table), _cohorts(table)
    if not len(cells):
        no_data(ax, "No period is over yet.")
        return
    sizes, dates, doubtful = _sizes(table), _cohort_words(table), _uncertain(table)
    wide = pixels(ax)
    left = 7.4 * max(len(dates(c)) for c in cohorts) + 12
    if sizes:
        left += 7.4 * max(5, *(len(count(sizes[c])) for c in cohorts)) + 10
    left = max(left, 93 if narrow else 159)
    periods = sorted(int(p) for p in cells["period"].unique())
    column = (wide - left) / max(len(periods), 4)
    ax.set_axis_off()
    ax.set_xlim(0, wide)
    ax.set_ylim(_HEAD + _ROW * len(cohorts), 0)
    unit = period_length(table) or "period"
    if not narrow:
        ax.text(0, 16, f"{unit.capitalize()} of start", color=MUTED, va="baseline")
    if sizes:
        ax.text(left - 15, 16, "users", color=MUTED, ha="right", va="baseline")
    every = max(1, int(np.ceil(26 / column)))
    for k, period in enumerate(periods):
        if k % every == 0:
            long = f"{unit} {period}"
            name = long if column >= 7.4 * len(long) + 4 else str(period)
            ax.text(left + column * (k + 0.5), 16, name, color=MUTED, ha="center", va="baseline")
    for r, cohort in enumerate(cohorts):
        y = _HEAD + _ROW * r
        ax.text(0, y + 19, dates(cohort), color=INK if cohort not in doubtful else MUTED, va="baseline")
        if sizes:
            ax.text(left - 15, y + 19, count(sizes[cohort]), color=MUTED, ha="right", va="baseline")
    done = cells[cells["complete"].astype(bool)]["retention_rate"]
    shown = cells[cells["cohort"].isin(cohorts)]
    # All numbers or none: a few in the narrowest cells would look like a code.
    room = column >= 8 * max(len(percent(rate, 0)) for rate in shown["retention_rate"]) + 1
    ends = float(done.min()), float(done.max())
    for cohort, period, rate, over in zip(
        *(shown[c] for c in ("cohort", "period", "retention_rate", "complete")), strict=True
    ):
        x, y = left + column * periods.index(int(period)), _HEAD + _ROW * cohorts.index(cohort)
        _cell(ax, (x, y), column, rate, heat_of(float(rate), *ends) if over else None, room)


def _cell(
    ax: "Axes", corner: tuple[float, float], column: float, rate: float, heat: int | None, words_fit: bool
) -> None:
    """One cell; its text stands on the heat, or on paper over the hatch of one that is not over."""
    (x, y), words = corner, percent(rate, 0)
    gap = 2 if column > 24 else 1
    size, middle = (column - gap, _ROW - 2), x + (column - gap) / 2
    if heat is not None:
        _rectangle(ax, (x, y), *size, color=HEAT[heat])
        name = "on-heat-light" if heat <= 3 else "on-heat-mid" if heat == 4 else "on-heat-dark"
        colour = ON_HEAT[name]
    else:
        _rectangle(ax, (x, y), *size, fill=False, hatch=HATCH, edgecolor=MID)
        room = min(size[0], 8 * len(words) + 5)
        if words_fit:
            _rectangle(ax, (middle - room / 2, y + 6), room, 16, color=PAPER)
        name, colour = None, MUTED
    if words_fit:
        ax.text(middle, y + 19, words, color=colour, ha="center", va="baseline", gid=name)


def _rectangle(ax: "Axes", corner: tuple[float, float], width: float, height: float, **looks: Any) -> None:
    """One of hundreds of rectangles, for each of which a bar or a patch would reckon the limits of the axes."""
    from matplotlib.patches import Rectangle

    ax.add_artist(Rectangle(corner, width, height, linewidth=0, **looks))


def heat_of(rate: float, low: float, high: float) -> int:
    """Step 0 to 6 of a rate between the lowest and the highest finished cell; near-equal cells stay near in colour."""
    low = min(low, 0.7 * high)
    return 0 if high <= low else min(6, max(0, int(7 * (rate - low) / (high - low))))


def _cohort_words(table: pd.DataFrame) -> Callable[[Any], str]:
    frame = table.index.to_frame(index=False, name="cohort") if is_matrix(table) else table[["cohort"]]
    frame = frame.copy()
    frame.attrs = table.attrs
    write, doubtful = column_of(frame, "cohort").write, _uncertain(table)
    return lambda cohort: write(cohort) + (f" {UNCERTAIN}" if cohort in doubtful else "")


def _uncertain(table: pd.DataFrame) -> set[Any]:
    """Cohorts that may hold units that began before the log."""
    return set(table.loc[table["uncertain"].astype(bool), "cohort"]) if "uncertain" in table else set()


def _height(table: pd.DataFrame, narrow: bool) -> float:
    return _HEAD + _ROW * len(_cohorts(table)) if len(_cells(table)) else 60


def _alt(table: pd.DataFrame) -> str:
    cells = _cells(table)
    unit = period_length(table) or "period"
    if not len(cells):
        return f"Heat map of retention by cohort: no {unit} is over yet."
    cohorts = _cohorts(table)
    first, last = (numbers.period_in_words(c, period_length(table)) for c in (cohorts[0], cohorts[-1]))
    each = f"each of {counted(len(cohorts), 'cohort')}"
    what = f"share of {each}, {first} to {last}, that came back by {unit}"
    if _is_money(table):
        what = f"money of {each}, {first} to {last}, by {unit}, in per cent of its first"
    said = [f"Heat map: {what}."]
    done = cells[cells["complete"].astype(bool)]
    periods = sorted(done["period"].unique())
    for period in dict.fromkeys([*periods[:1], *periods[-1:]]):
        rates = done.loc[done["period"] == period, "retention_rate"]
        low, high = percent(rates.min(), 0), percent(rates.max(), 0)
        between = with_unit(low) if low == high else f"between {low} and {with_unit(high)}"
        said.append(f"{unit.capitalize()} {period}: {between}.")
    open_cells = int((~cells["complete"].astype(bool)).sum())
    if open_cells:
        said.append(f"{'1 cell is' if open_cells == 1 else f'{open_cells} cells are'} unfinished and hatched.")
    doubtful = len(_uncertain(table) & set(cohorts))
    if doubtful:
        said.append(f"{counted(doubtful, 'cohort')} may hold users who began before the data.")
    return " ".join(said)


def _is_money(table: pd.DataFrame) -> bool:
    return is_matrix(table) and setting(table, "estimate", "retention_rate") != "retention_rate"


def _legend(table: pd.DataFrame) -> str:
    cells = _cells(table)
    if not len(cells):
        return ""
    unit = period_length(table) or "period"
    said = (
        f"In per cent of the {'money of its first ' + unit if _is_money(table) else 'cohort'}, by {unit} after its own."
    )
    if (~cells["complete"].astype(bool)).any():
        said += f" [hatch] {unit} not over yet."
    if _uncertain(table) & set(_cohorts(table)):
        said += f" {UNCERTAIN} may hold users who began before the data."
    total = cells["cohort"].nunique()
    return said + (f" The last {_MOST} of {total} cohorts." if total > _MOST else "")


_MATRIX = Plot(_paint, _height, lambda table, narrow: Margins(), _alt, _legend)
_CURVE = Plot(**line_plot("Share that came back by period after the start", "retention_rate"))
