"""Who brings the value? The figure of `customer_lifetime_value`: what each tenth of the customers brings."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.display.numbers import count, counted, percent, plain, with_unit
from metrics.plots.needed import need, pixels
from metrics.plots.style import BLUE, GREY, INK, MUTED, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_lifetime_value(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw what each tenth of the customers brings, from the best to the least.

    Parameters
    ----------
    table
        Result of `customer_lifetime_value` (its ``clv``) or `orders_summary` (its ``revenue``).
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has neither column.

    Examples
    --------
    >>> table = pd.DataFrame({"customer_id": ["ann", "ben"], "clv": [30.0, 10.0]})
    >>> [round(float(bar.get_height()), 1) for bar in plot_lifetime_value(table).patches]
    [75.0, 25.0]
    """
    if "revenue" not in table.columns:
        need(table, "customer_lifetime_value", ["customer_id", "clv"])
    return _VALUE.on(table, ax)


def _tenths(table: pd.DataFrame) -> tuple[list[float], list[int]]:
    """Share of all value (per cent) and number of customers of each tenth, best first; single customers under ten."""
    name = "clv" if "clv" in table else "revenue"
    value = np.sort(table[name].dropna().to_numpy(float))[::-1]
    total = value.sum()
    if not len(value) or not total > 0:
        return [], []
    pieces = np.array_split(value, min(10, len(value)))
    return [float(100 * piece.sum() / total) for piece in pieces], [len(piece) for piece in pieces]


def _whose(table: pd.DataFrame) -> str:
    return "tenth" if table.shape[0] >= 10 else "customer"


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    shares, _ = _tenths(table)
    if not shares:
        no_data(ax, "No value yet.")
        return
    n = len(shares)
    ax.bar(range(n), shares, width=0.82, color=[BLUE] + [GREY] * (n - 1), linewidth=0)
    ax.set_xlim(-0.5, n - 0.5)
    ax.set_ylim(min(0.0, min(shares)) * 1.1, max(shares) * 1.02)
    ax.set_yticks([])
    ax.grid(False)
    ax.tick_params(length=0, colors=MUTED)
    names = [str(k + 1) for k in range(n)]
    names[0], names[-1] = ("best", "least") if n > 1 else ("all", "all")
    if not narrow and n == 10:
        names[0], names[-1] = "best tenth", "least"
    ax.set_xticks(range(n), names)
    ax.spines["bottom"].set_position(("data", 0))
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    room = pixels(ax) / n
    for k, value in enumerate(shares):
        words = percent(value / 100, 0) if value >= 0 else plain(value)
        words = with_unit(words) if k == 0 and room > 30 else words
        ax.annotate(
            words, (k, max(value, 0)), xytext=(0, 6), textcoords="offset points", ha="center",
            color=BLUE if k == 0 else INK, fontweight="bold" if k == 0 else "normal", annotation_clip=False,
        )  # fmt: skip


def _alt(table: pd.DataFrame) -> str:
    shares, sizes = _tenths(table)
    if not shares:
        return "Lifetime value by customer: no value yet."
    whose = _whose(table)
    listed = ", ".join(with_unit(percent(s / 100, 0) if s >= 0 else plain(s)) for s in shares)
    return (
        f"Bars: share of all value by {whose} of {counted(sum(sizes), 'customer')}, best first: {listed}. "
        f"The best {whose} brings {with_unit(plain(shares[0]))}."
    )


def _legend(table: pd.DataFrame) -> str:
    shares, sizes = _tenths(table)
    if not shares:
        return ""
    if _whose(table) == "customer":
        return "Share of all value, in per cent, one bar for each customer."
    least, most = min(sizes), max(sizes)
    each = count(most) if least == most else f"{count(least)} or {count(most)}"
    return f"Share of all value, in per cent, by tenths of the customers ({each} each), best first."


def _height(table: pd.DataFrame, narrow: bool) -> float:
    return 260 if _tenths(table)[0] else 60


def _margins(table: pd.DataFrame, narrow: bool) -> Margins:
    return Margins(left=0, right=0, top=26, bottom=30) if _tenths(table)[0] else Margins()


_VALUE = Plot(_paint, _height, _margins, _alt, _legend)
