"""How long do they stay, and how many will? Figures of `survival_curve` and `project_retention`."""

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.display import staying
from metrics.display.kinds import parts, setting
from metrics.display.numbers import count, counted, percent, plain, with_unit
from metrics.display.worked import level
from metrics.plots.lines import Floats, spread
from metrics.plots.needed import need, pixels, shorten
from metrics.plots.style import BAND, BLUE, INK, MID, MUTED, PALETTE, PAPER, RULE, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = [BLUE, MID, INK, PALETTE["heat4"], MUTED, PALETTE["heat2"]]
_ROW = 17.0  # px, of those still watched
_SECONDS = [(86_400.0, "day"), (3_600.0, "hour"), (60.0, "minute"), (1.0, "second")]


def plot_survival(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw what share of the customers is still there after each time, a line for each group.

    Below stands how many were watched at each mark: where they are few, the curve says little.

    Parameters
    ----------
    table
        Result of `survival_curve`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of a survival curve.

    Examples
    --------
    >>> curve = pd.DataFrame(
    ...     {
    ...         "time": [2, 4],
    ...         "at_risk": [4, 2],
    ...         "churned": [1, 1],
    ...         "censored": [1, 1],
    ...         "survival": [0.75, 0.375],
    ...         "survival_low": [0.13, 0.02],
    ...         "survival_high": [0.96, 0.8],
    ...     }
    ... )
    >>> plot_survival(curve).lines[0].get_ydata().tolist()
    [100.0, 75.0, 37.5]
    """
    need(table, "survival_curve", ["time", "at_risk", "churned", "censored", "survival"])
    return _SURVIVAL.on(table, ax)


def plot_projected_retention(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw what share of a cohort was still there, and what share is expected to be.

    Parameters
    ----------
    table
        Result of `project_retention`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of a projection.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "period": [0, 1, 2],
    ...         "active": [10, 8, None],
    ...         "survival": [1, 0.8, 0.7],
    ...         "retention_rate": [None, 0.8, 0.9],
    ...     }
    ... )
    >>> plot_projected_retention(table).lines[0].get_ydata().tolist()
    [100.0, 80.0]
    """
    need(table, "project_retention", ["period", "active", "survival", "retention_rate"])
    return _PROJECTED.on(table, ax)


def _times(part: pd.DataFrame) -> Floats:
    """Times as numbers: those given, or seconds."""
    time = part["time"]
    timed = pd.api.types.is_timedelta64_dtype(time)
    return (time.dt.total_seconds() if timed else time).to_numpy(np.float64)


def _seen(part: pd.DataFrame) -> pd.DataFrame:
    """The rows that can be told apart in a figure: the last of each thousandth, and the last of all."""
    if len(part) < 1000:
        return part
    steps = np.floor(1000 * part["survival"].to_numpy(float))
    return part[np.r_[steps[1:] != steps[:-1], True]]


def _scale(table: pd.DataFrame) -> tuple[float, str]:
    """What a time is divided by for the axis, and the unit that it then has."""
    if not pd.api.types.is_timedelta64_dtype(table["time"]):
        return 1.0, str(setting(table, "unit", ""))
    longest = float(table["time"].dt.total_seconds().max()) if len(table) else 0.0
    return next((size, name) for size, name in _SECONDS if longest >= 2 * size or size == 1)


def _ticks(longest: float, unit: str, narrow: bool) -> list[float]:
    """A few round marks from 0; months by the dozen and its half."""
    step = next(
        m * 10.0**e for e in range(-6, 13) for m in (1, 2, 5) if longest / (m * 10.0**e) <= (4 if narrow else 6)
    )
    if unit == "month":
        step = {5.0: 6.0, 10.0: 12.0, 20.0: 24.0}.get(step, step)
    return [step * k for k in range(math.floor(longest / step + 1e-9) + 1)]


def _groups(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    return [(name, part) for name, part in parts(table) if len(part)][: len(_COLOURS)]


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    groups, (size, unit) = _groups(table), _scale(table)
    if not groups:
        no_data(ax, "Nobody was watched.")
        return
    longest = max(float(_times(part).max()) for _, part in groups) / size
    ticks = _ticks(max(longest, 1e-9), unit, narrow)
    _frame(ax, ticks, max(longest, ticks[-1], 1e-9), unit)
    wanted = []
    for k, (name, whole) in enumerate(groups):
        part = _seen(whole)
        x = np.r_[0.0, _times(part) / size]
        share = 100 * np.r_[1.0, part["survival"].to_numpy(float)]
        ax.plot(x, share, color=_COLOURS[k], drawstyle="steps-post", solid_joinstyle="miter", clip_on=False)
        if "survival_low" in part and len(groups) <= 2:
            low, high = (100 * np.r_[1.0, part[f"survival_{end}"].to_numpy(float)] for end in ("low", "high"))
            ax.fill_between(x, low, high, step="post", color=_COLOURS[k], alpha=BAND, linewidth=0)
        label = f"{shorten(name, 60 if narrow else 120, letter=7.4)} " if name else ""
        wanted.append((float(share[-1]), f"{label}{with_unit(percent(share[-1] / 100, 0))}", _COLOURS[k]))
    _label(ax, wanted, longest)
    _watched(ax, groups, ticks, size, narrow)


def _frame(ax: "Axes", ticks: list[float], longest: float, unit: str) -> None:
    ax.set_ylim(0, 100)
    ax.set_xlim(0, longest)
    ax.set_yticks([0, 25, 50, 75, 100], ["0", "25", "50", "75", with_unit("100")])
    words = [plain(tick, 0 if all(t == round(t) for t in ticks) else 2) for tick in ticks]
    if unit and len(words) > 1:
        words[-1] = f"{words[-1]} {unit}{'' if words[-1] == '1' else 's'}"
    ax.set_xticks(ticks, words)
    ax.tick_params(length=0, colors=MUTED)
    for side in ("top", "right", "left"):
        ax.spines[side].set_visible(False)
    ax.grid(True, axis="y", color=RULE, linewidth=0.8)
    ax.grid(False, axis="x")


def _label(ax: "Axes", wanted: list[tuple[float, str, str]], at: float) -> None:
    """The name and the end of each line, moved apart so that none touch."""
    px = 100 / (ax.get_window_extent().height * 72 / (ax.figure.dpi or 72))
    places = spread([y for y, _, _ in wanted], 15 * px, 8 * px)
    for y, (_, text, colour) in zip(places, wanted, strict=True):
        colour = colour if colour in (BLUE, INK, MUTED) else INK
        ax.annotate(
            text, (at, y), xytext=(8, -4.3), textcoords="offset points", color=colour, ha="left", va="baseline",
            fontweight="bold" if len(wanted) == 1 else "normal", annotation_clip=False,
        )  # fmt: skip


def _watched(ax: "Axes", groups: list[tuple[str, pd.DataFrame]], ticks: list[float], size: float, narrow: bool) -> None:
    """How many were watched at each mark, a row for each group, under the axis."""
    room = pixels(ax) / max(len(ticks), 1)
    for k, (name, part) in enumerate(groups):
        down = -(46 + _ROW * k)
        time, at_risk = _times(part) / size, part["at_risk"].to_numpy()
        label = shorten(name, 60 if narrow else 120, letter=7.4) if name else "watched"
        ax.annotate(
            label, (1, 0), xycoords="axes fraction", xytext=(8, down), textcoords="offset points", color=MUTED,
            va="baseline", ha="left", annotation_clip=False,
        )  # fmt: skip
        for n, tick in enumerate(ticks):
            place = int(np.searchsorted(time, tick, side="left"))
            many = int(at_risk[place]) if place < len(time) else 0
            text = count(many)
            if 7.6 * len(text) > room and n % 2:
                continue
            ax.annotate(
                text, (tick, 0), xycoords=("data", "axes fraction"), xytext=(0, down), textcoords="offset points",
                color=MUTED, va="baseline", ha="center", annotation_clip=False,
            )  # fmt: skip


def _height(table: pd.DataFrame, narrow: bool) -> float:
    return (250 if narrow else 270) + _ROW * len(_groups(table)) + 20


def _margins(table: pd.DataFrame, narrow: bool) -> Margins:
    groups = _groups(table)
    longest = max((len(name) for name, _ in groups), default=0)
    right = max(64.0, min(7.4 * longest + 48, 104 if narrow else 170))
    return Margins(left=46, right=right, top=14, bottom=44 + _ROW * max(len(groups), 1))


def _alt(table: pd.DataFrame) -> str:
    said = []
    for name, part in _groups(table):
        whose = f" of {name}" if name else ""
        many = int(part["churned"].sum() + part["censored"].sum())
        text = f"Share of {counted(many, 'customer')}{whose} still there by time since their start, falling in steps"
        for share in (0.75, 0.5, 0.25):
            below = part[part["survival"] <= share + 1e-12]
            if len(below):
                text += (
                    f"; at or below {with_unit(percent(share, 0))} from {staying.stay(table, below['time'].iloc[0])}"
                )
        last = part.iloc[-1]
        text += f"; {with_unit(percent(last['survival'], 0))} at {staying.stay(table, last['time'])}, the last time."
        said.append(text)
    return " ".join(said) or "Share of customers still there: nobody was watched."


def _legend(table: pd.DataFrame) -> str:
    groups = _groups(table)
    if not groups:
        return ""
    said = []
    if len(groups) <= 2 and "survival_low" in table:
        said.append(f"Band: {staying.limits_in_words(table)}")
    said.append("Below: how many were watched.")
    total = len(parts(table))
    return " ".join(said) + (f" The first {len(_COLOURS)} of {total} groups." if total > len(_COLOURS) else "")


def _paint_projected(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    known = table[table["survival"].notna()].sort_values("period")
    if not len(known):
        no_data(ax, "Nothing can be foretold from these counts.")
        return
    x, share = known["period"].to_numpy(float), 100 * known["survival"].to_numpy(float)
    last = float(known.loc[known["active"].notna(), "period"].max())
    unit = str(setting(table, "unit", "period"))
    ticks = [t for t in _ticks(max(x[-1], 1), unit, narrow) if t == round(t)]
    _frame(ax, ticks, max(x[-1], 1.0), unit)
    seen, ahead = x <= last, x >= last
    ax.plot(x[seen], share[seen], color=BLUE)
    ax.plot(x[ahead], share[ahead], color=BLUE, linestyle=(0, (3, 2)))
    if "survival_low" in known:
        low, high = (100 * known[f"survival_{end}"].to_numpy(float) for end in ("low", "high"))
        ax.fill_between(
            x, low, high, where=list(np.isfinite(low) & np.isfinite(high)), color=BLUE, alpha=BAND, linewidth=0
        )
    observed = known[known["active"].notna()]
    ax.plot(
        observed["period"], 100 * observed["active"] / known.iloc[0]["active"], marker="o", markersize=6, color=INK,
        markerfacecolor=PAPER, markeredgewidth=1.5, linestyle="none", clip_on=False, zorder=4,
    )  # fmt: skip
    _label(ax, [(float(share[-1]), with_unit(percent(share[-1] / 100, 0)), BLUE)], x[-1])


def _projected_alt(table: pd.DataFrame) -> str:
    known = table[table["survival"].notna()]
    if not len(known):
        return "Share of a cohort still there: nothing can be foretold from these counts."
    unit, seen, last = setting(table, "unit", "period"), known[known["active"].notna()].iloc[-1], known.iloc[-1]
    was = with_unit(percent(seen["active"] / known.iloc[0]["active"], 0))
    text = f"Share of {counted(known.iloc[0]['active'], 'customer')} still there by {unit}: {was} in {unit} "
    text += f"{int(seen['period'])}, the last one observed"
    if last["period"] > seen["period"]:
        text += f"; {with_unit(percent(last['survival'], 0))} expected in {unit} {int(last['period'])}"
        if "survival_low" in table:
            low, high = (percent(last[f"survival_{end}"], 0) for end in ("low", "high"))
            text += f" ({low} to {high})"
    return f"{text}."


def _projected_legend(table: pd.DataFrame) -> str:
    if not table["survival"].notna().any():
        return ""
    said = "Points: observed. Line: the model, dashed ahead."
    if "survival_low" in table:
        said += f" Band: {level(table)} limits of the expected share."
    return said


_SURVIVAL = Plot(_paint, _height, _margins, _alt, _legend)
_PROJECTED = Plot(
    _paint_projected,
    lambda table, narrow: 250 if narrow else 270,
    lambda table, narrow: Margins(left=46, right=64, top=14, bottom=32),
    _projected_alt,
    _projected_legend,
)
