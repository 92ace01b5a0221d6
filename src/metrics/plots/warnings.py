"""Did the warnings come true? Figures of `churn_by_band`, and of `backtest_churn` by fifths."""

import math
from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import reason_in_words
from metrics.display.kinds import setting
from metrics.display.numbers import count, percent, with_unit
from metrics.display.worked import level
from metrics.plots.dots import ROW, Dot, height, paint_dots, written
from metrics.plots.needed import need
from metrics.plots.style import INK, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PLACE = {1: "most likely", 5: "least likely"}


def plot_churn_by_band(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw which share of the customers of each band of health left.

    Parameters
    ----------
    table
        Result of `churn_by_band`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` is no such result.

    Examples
    --------
    >>> table = pd.DataFrame({"band": ["red", "green"], "customers": [20, 40], "churned": [5, 2]})
    >>> table = table.assign(churn_rate=[0.25, 0.05], churn_rate_low=[0.11, 0.01], churn_rate_high=[0.47, 0.17])
    >>> plot_churn_by_band(table.assign(base_rate=7 / 60)).lines[-1].get_xdata().tolist()
    [5.0]
    """
    need(table, "churn_by_band", ["band", "customers", "churned", "churn_rate", "churn_rate_low", "base_rate"])
    return _BANDS.on(table, ax)


def plot_churn_calibration(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw what share of each fifth left, beside what was predicted of it.

    Parameters
    ----------
    table
        Result of `backtest_churn` with ``by="fifth"``; the regression is drawn.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` is no such result.

    Examples
    --------
    >>> table = pd.DataFrame({"model": "logistic", "fifth": [1, 5], "customers": [40, 40], "churned": [10, 2]})
    >>> table = table.assign(predicted_rate=[0.3, 0.04], churn_rate=[0.25, 0.05])
    >>> table = table.assign(churn_rate_low=[0.14, 0.01], churn_rate_high=[0.4, 0.17])
    >>> plot_churn_calibration(table).lines[-1].get_xdata().tolist()
    [4.0]
    """
    need(table, "backtest_churn(by='fifth')", ["model", "fifth", "customers", "predicted_rate", "churn_rate"])
    return _FIFTHS.on(table[table["model"] == "logistic"].reset_index(drop=True).copy(), ax)


def _dot(name: str, row: "pd.Series[Any]") -> Dot:
    value, low, high = (
        math.nan if numbers.is_missing(row[column]) else 100 * float(row[column])
        for column in ("churn_rate", "churn_rate_low", "churn_rate_high")
    )
    said = written(value, low, high, unit="%") or reason_in_words(row.get("reason")) or "nobody"
    return Dot(name, value, low, high, said)


def _of_bands(table: pd.DataFrame) -> list[Dot]:
    known = table[(table["customers"] > 0) | (table["band"] != "unknown")]
    return [_dot(f"{str(row['band']).capitalize()}, {count(row['customers'])}", row) for _, row in known.iterrows()]


def _of_fifths(table: pd.DataFrame) -> list[Dot]:
    found = []
    for _, row in table.iterrows():
        place = _PLACE.get(int(row["fifth"]))
        found.append(_dot(f"Fifth {row['fifth']}{f', {place}' if place else ''}", row))
    return found


def _paint_bands(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    dots = _of_bands(table)
    paint_dots(ax, dots, unit="%", zero=True, narrow=narrow)
    base = 100 * float(table["base_rate"].iloc[0]) if len(table) else math.nan
    if any(math.isfinite(dot.value) for dot in dots):
        ax.vlines(base, 22, ROW * len(dots), color=INK, linewidth=0.8, linestyle=(0, (3, 3)), zorder=1)


def _paint_fifths(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    if not len(table):
        no_data(ax, "Too few left to try the forecast.")
        return
    predicted = [100 * float(rate) for rate in table["predicted_rate"]]
    paint_dots(ax, _of_fifths(table), unit="%", zero=True, narrow=narrow, reach=max(predicted))
    for place, told in enumerate(predicted):
        ax.plot(
            [told], [ROW * place + 30], marker="D", markersize=7, markerfacecolor="none", markeredgecolor=INK,
            markeredgewidth=1.4, linestyle="none", zorder=4, clip_on=False,
        )  # fmt: skip


def _alt_bands(table: pd.DataFrame) -> str:
    base = with_unit(percent(float(table["base_rate"].iloc[0]))) if len(table) else numbers.MISSING
    return f"Share who left, by band; of all {base}. " + " ".join(f"{d.name}: {d.words}." for d in _of_bands(table))


def _alt_fifths(table: pd.DataFrame) -> str:
    if not len(table):
        return "Forecast of who leaves: too few left to try it."
    said = [
        f"{dot.name}: {dot.words} left, {with_unit(percent(float(predicted)))} predicted."
        for dot, predicted in zip(_of_fifths(table), table["predicted_rate"], strict=True)
    ]
    return f"Share who left and what was predicted, by fifths of the forecast. {' '.join(said)}"


def _legend_bands(table: pd.DataFrame) -> str:
    return f"Share who left, with its {level(table)} interval. The dashed line is the share of all."


def _legend_fifths(table: pd.DataFrame) -> str:
    if not len(table):
        return ""
    horizon = setting(table, "horizon")
    within = f" within {horizon}" if horizon else ""
    return f"Dot: share who left{within}, with its {level(table)} interval. Diamond: what was predicted."


_BANDS = Plot(
    _paint_bands, lambda table, narrow: height(len(_of_bands(table))), lambda table, narrow: Margins(), _alt_bands,
    _legend_bands,
)  # fmt: skip
_FIFTHS = Plot(
    _paint_fifths, lambda table, narrow: height(len(table)), lambda table, narrow: Margins(), _alt_fifths,
    _legend_fifths,
)  # fmt: skip
