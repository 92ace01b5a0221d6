"""When may a test end early, and what can it see by then? The figure of `sequential_boundaries`."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.display.kinds import setting
from metrics.display.numbers import count, counted, plain, signed
from metrics.plots.needed import label, need
from metrics.plots.style import BLUE, GREY, INK, Margins, Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MOST = 8  # looks that have room for their number of users


def plot_sequential_boundaries(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the difference that ends the test at each look, and the smallest effect that is seen by then.

    Parameters
    ----------
    table
        Result of `sequential_boundaries` with `users` and `baseline`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of looks with users.

    Examples
    --------
    >>> table = pd.DataFrame({"look": [1, 2], "z": [2.8, 1.98], "p_value": [0.005, 0.048], "users": [1000, 2000]})
    >>> table = table.assign(difference_to_stop=[0.03, 0.015], smallest_effect=[0.04, 0.02])
    >>> plot_sequential_boundaries(table).lines[-1].get_ydata().tolist()
    [4.0, 2.0]
    """
    columns = ["look", "users", "difference_to_stop", "smallest_effect"]
    need(table, "sequential_boundaries(users=…, baseline=…)", columns)
    return _LOOKS.on(table, ax)


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    look = table["look"].to_numpy()
    stop, seen = (100 * table[name].to_numpy(float) for name in ("difference_to_stop", "smallest_effect"))
    ax.fill_between(look, -stop, stop, color=GREY, alpha=0.5, linewidth=0, zorder=1)
    ax.axhline(0, color=INK, linewidth=0.8, zorder=1)
    for side in (-1, 1):
        ax.plot(look, side * stop, color=BLUE, marker="o", zorder=3, clip_on=False)
    ax.plot(look, seen, color=INK, linewidth=1.2, linestyle=(0, (4, 3)), marker="s", zorder=2, clip_on=False)
    ax.set_xlim(look[0] - 0.15, look[-1] + 0.15)
    many = table["users"].map(count).tolist()
    words = [f"{k}\n{users}" for k, users in zip(look, many, strict=True)]
    if len(look) > _MOST or (narrow and len(look) > _MOST // 2):
        words = [str(k) if (k - look[-1]) % (1 + len(look) // 10) == 0 else "" for k in look]
    ax.set_xticks(look, words)
    ax.yaxis.set_major_formatter(lambda value, _: signed(value, 0 if value == round(value) else 1) if value else "0")
    gap = 0.06 * (ax.get_ylim()[1] - ax.get_ylim()[0])  # so that the two labels do not meet
    if np.isfinite(seen[-1]):
        label(ax, look[-1], max(float(seen[-1]), float(stop[-1]) + gap), "seen", INK)
    label(ax, look[-1], float(stop[-1]), "ends the test" if not narrow else "ends it", BLUE, bold=True)
    label(ax, look[-1], -float(stop[-1]), "ends the test" if not narrow else "ends it", BLUE, bold=True)


def _margins(table: pd.DataFrame, narrow: bool) -> Margins:
    return Margins(left=42, right=72 if narrow else 104, top=14, bottom=46)


def _alt(table: pd.DataFrame) -> str:
    said = [
        f"Look {row['look']:.0f}, {counted(row['users'], 'user')} of each variant: a difference of "
        f"{plain(100 * row['difference_to_stop'], 1)} points ends the test, "
        + (f"a true one of {plain(100 * row['smallest_effect'], 1)}" if row["smallest_effect"] > 0 else "no true rise")
        + " is seen by then."
        for _, row in table.iterrows()
    ]
    return " ".join(["Difference that ends a test, by look.", *said])


def _legend(table: pd.DataFrame) -> str:
    power = 100 * float(setting(table, "power", 0.8))
    return (
        "Points, by look and users of each variant so far. [grey] the test goes on; a difference at its edge or beyond "
        f"ends it. Dashed: the smallest true difference that ends it by then in {plain(power)} of 100 tests."
    )


_LOOKS = Plot(_paint, lambda table, narrow: 320, _margins, _alt, _legend)
