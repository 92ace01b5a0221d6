"""Would they recommend us? The figure of `net_promoter_score`."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length, reason_in_words
from metrics.display.kinds import groups_of, limits_of
from metrics.display.numbers import counted, percent, plain, share, with_unit
from metrics.display.worked import level
from metrics.plots.changes import with_changes
from metrics.plots.lines import line_plot
from metrics.plots.needed import need, pixels, shorten, width_of
from metrics.plots.style import BLUE, GREY, INK, MUTED, ON_BLUE, RULE, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _MOST = 60.0, 12
_BANDS = (("detractors", MUTED, ON_BLUE), ("passives", GREY, INK), ("promoters", BLUE, ON_BLUE))


def plot_nps(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw the net promoter score with its interval.

    With three periods or more a line; else a row for each group: its bands as a stacked bar, its score with interval
    beside it.

    Parameters
    ----------
    table
        Result of `net_promoter_score`.
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
        `table` has not the columns of a score.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "responses": [4],
    ...         "promoters": [2],
    ...         "passives": [1],
    ...         "detractors": [1],
    ...         "net_promoter_score": [25.0],
    ...         "net_promoter_score_low": [-51],
    ...         "net_promoter_score_high": [79],
    ...     }
    ... )
    >>> [round(float(bar.get_width()), 2) for bar in plot_nps(table).patches]
    [0.25, 0.25, 0.5]
    """
    need(table, "net_promoter_score", ["responses", "promoters", "passives", "detractors", "net_promoter_score"])
    return (with_changes(_LINE, changes) if _is_line(table) else _BARS).on(table, ax)


def _is_line(table: pd.DataFrame) -> bool:
    return "period_start" in table and table["period_start"].nunique() >= 3


def _names(table: pd.DataFrame) -> list[str]:
    length, said = period_length(table), []
    for _, row in table.iterrows():
        names = ["(missing)" if numbers.is_missing(row[g]) else str(row[g]) for g in groups_of(table)]
        if "period_start" in table:
            names.insert(0, numbers.period(row["period_start"], length))
        said.append(", ".join(names) or "All answers")
    return said


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    if not len(table) or not table["responses"].max() > 0:
        no_data(ax, "No answers.")
        return
    rows = table.iloc[:_MOST]
    wide = pixels(ax)
    bar = 1.0 if narrow else 0.58  # the bars' share of the width; the score's axis has the rest
    ax.set_axis_off()
    ax.set_xlim(0, 1 / bar)
    ax.set_ylim(_ROW * len(rows) + (0 if narrow else 24), 0)
    if not narrow:
        _scale(ax, len(rows), bar)
    for place, name in enumerate(_names(rows)):
        row, top = rows.iloc[place], _ROW * place
        said = _score(row)
        ax.text(0, top + 13, shorten(name, bar * wide - 8 * len(said)), fontsize=13, fontweight="bold", va="baseline")
        ax.text(1, top + 13, said, ha="right", va="baseline", color=MUTED)
        left, n = 0.0, float(row["responses"])
        for band, colour, text in _BANDS:
            part = float(row[band]) / n if n else 0.0
            if part:
                ax.barh(top + 20, part, left=left, height=24, align="edge", color=colour, linewidth=0)
                words = with_unit(percent(part, 0))
                if width_of(words, bold=True) < part * bar * wide:
                    ax.annotate(
                        words, (left, top + 32), xytext=(6, -4.3), textcoords="offset points", color=text, va="baseline"
                    )
            left += part
        if not narrow:
            _whisker(ax, row, top + 32, bar)


def _score(row: pd.Series) -> str:
    score: Any = row.get("net_promoter_score")
    if numbers.is_missing(score):
        return reason_in_words(row.get("reason")) or "no score"
    limits = limits_of(row, "net_promoter_score")
    if limits is None:
        return f"NPS {plain(score, 1)}"
    digits = numbers.decimals_for([limits[1] - limits[0]])
    return f"NPS {plain(score, digits)} ({plain(limits[0], digits)} to {plain(limits[1], digits)})"


def _at(score: float, bar: float) -> float:
    """Where a score stands on the axis at the right."""
    left, right = 1 + 0.07 / bar, 1 / bar - 0.02 / bar
    return left + (right - left) * (score + 100) / 200


def _scale(ax: "Axes", rows: int, bar: float) -> None:
    bottom = _ROW * rows - 10
    for tick in (-100, -50, 0, 50, 100):
        x = _at(tick, bar)
        ax.plot([x, x], [14, bottom], color=INK if tick == 0 else RULE, linewidth=0.8, zorder=0)
        ax.text(x, bottom + 22, plain(tick), ha="center", va="baseline", color=MUTED)


def _whisker(ax: "Axes", row: pd.Series, y: float, bar: float) -> None:
    score: Any = row.get("net_promoter_score")
    if numbers.is_missing(score):
        return
    limits = limits_of(row, "net_promoter_score")
    if limits:
        ax.plot([_at(limit, bar) for limit in limits], [y, y], color=BLUE, linewidth=2)
    ax.plot([_at(score, bar)], [y], marker="o", markersize=8, color=BLUE, markeredgewidth=0)


def _height(table: pd.DataFrame, narrow: bool) -> float:
    if not len(table) or not table["responses"].max() > 0:
        return 60
    return _ROW * min(len(table), _MOST) + (0 if narrow else 24)


def _alt(table: pd.DataFrame) -> str:
    if not len(table) or not table["responses"].max() > 0:
        return "Net promoter score: no answers."
    said = ["Net promoter score, bands as shares of the answers."]
    for name, (_, row) in zip(_names(table), table.iterrows(), strict=True):
        named = [f"{share(row[band], row['responses'])} {band}" for band in ("promoters", "passives", "detractors")]
        bands = ", ".join(named)
        said.append(f"{name}: {_score(row)}, {counted(row['responses'], 'answer')}, {bands}.")
    return " ".join(said)


def _legend(table: pd.DataFrame) -> str:
    if not len(table) or not table["responses"].max() > 0:
        return ""
    limits = table.get("net_promoter_score_low", pd.Series(np.nan)).notna().any()
    whisker = f" With the score and its {level(table)} interval." if limits else ""
    more = f" The first {_MOST} of {len(table)} rows." if len(table) > _MOST else ""
    return f"[muted] detractors (0 to 6), [grey] passives (7, 8), [blue] promoters (9, 10).{whisker}{more}"


_BARS = Plot(_paint, _height, lambda table, narrow: Margins(), _alt, _legend)
_LINE = Plot(**line_plot("Net promoter score by period", "net_promoter_score", scale=1, unit=""))
