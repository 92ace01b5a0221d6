"""Where do they stop, and since when? Figures of `conversion_funnel` and `funnel_trend`."""

from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.display import numbers
from metrics.display.kinds import largest_loss, limits_of, parts, required, setting
from metrics.display.numbers import count, counted, percent, plain, with_unit
from metrics.display.worked import level
from metrics.plots.changes import with_changes
from metrics.plots.lines import line_plot
from metrics.plots.needed import label, need, pixels, shorten
from metrics.plots.needed import width_of as _width
from metrics.plots.style import BLUE, GREY, HATCH, INK, MID, MUTED, ON_BLUE, RED, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STEP, _GROUP_ROW = 60.0, 26.0
_MOST_GROUPS = 8


def plot_funnel(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw where users stop.

    One bar a step: who reached it, who stopped before it, who still has time (hatched). With groups, each step has a
    bar for every group: the share of its users who got there, with its interval.

    Parameters
    ----------
    table
        Result of `conversion_funnel`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of a funnel.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "step": [1, 2],
    ...         "event": ["visit", "buy"],
    ...         "users": [10, 4],
    ...         "dropped": [0, 5],
    ...         "open": [0, 1],
    ...         "step_conversion_rate": [1.0, 0.4],
    ...     }
    ... )
    >>> [text.get_text() for text in plot_funnel(table).texts[:2]]
    ['visit', '10']
    """
    need(table, "conversion_funnel", ["step", "event", "users", "dropped", "open"])
    return _FUNNEL.on(table, ax)


def plot_funnel_trend(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw conversion by period of the first step, with its interval.

    Parameters
    ----------
    table
        Result of `funnel_trend`. Periods whose windows are not all over are dashed and hollow.
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
        `table` has not the columns of a trend.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "period_start": pd.to_datetime(["2026-03-02", "2026-03-09"]),
    ...         "users": [90, 80],
    ...         "converted": [30, 20],
    ...         "conversion_rate": [0.33, 0.25],
    ...         "conversion_rate_low": [0.24, 0.17],
    ...         "conversion_rate_high": [0.44, 0.35],
    ...         "complete": [True, True],
    ...     }
    ... )
    >>> plot_funnel_trend(table).get_xticks().tolist()
    [0.0, 1.0]
    """
    need(table, "funnel_trend", ["period_start", "users", "conversion_rate"])
    return with_changes(_TREND, changes).on(table, ax)


def _is_empty(table: pd.DataFrame) -> bool:
    return not len(table) or not table["users"].max() > 0


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    if _is_empty(table):
        no_data(ax, "Nobody did the first step.")
        return
    groups = parts(table)
    if len(groups) > 1:
        _paint_groups(ax, groups, narrow)
        return
    funnel = groups[0][1].reset_index(drop=True)
    entered = float(funnel["users"].iloc[0])
    ax.set_axis_off()
    ax.set_xlim(0, entered)
    ax.set_ylim(_STEP * len(funnel), 0)
    unit = entered / pixels(ax)
    loss = largest_loss(funnel)
    for place, row in funnel.iterrows():
        top = _STEP * int(place)  # type: ignore[call-overload]
        thick = 22 if narrow else 24
        red = place == loss
        said = "" if place == 0 else _step_rate(row, narrow)
        room = pixels(ax) - 7.5 * len(said) - 12
        ax.text(0, top + 13, shorten(str(row["event"]), room), fontsize=13, fontweight="bold", color=INK, va="baseline")
        _bar(ax, row, top + 20, thick, unit, red=red)
        ax.text(
            entered, top + 13, said, ha="right", va="baseline",
            color=RED if red else MUTED, fontweight="bold" if red else "normal",
        )  # fmt: skip


def _step_rate(row: pd.Series, narrow: bool) -> str:
    rate: Any = row.get("step_conversion_rate")
    if numbers.is_missing(rate):
        return ""
    limits = limits_of(row, "step_conversion_rate")
    return _said(rate, limits, " of those before", narrow)


def _said(rate: float, limits: tuple[float, float] | None, of: str, narrow: bool) -> str:
    """``55.3 % of those before (53.1 to 57.5)``; a narrow figure leaves the interval to its table."""
    digits = numbers.decimals_for([100 * (limits[1] - limits[0])] if limits else [])
    said = f"{with_unit(percent(rate, digits))}{of}"
    if limits is None or narrow:
        return said
    return f"{said} ({plain(100 * limits[0], digits)} to {plain(100 * limits[1], digits)})"


def _bar(ax: "Axes", row: pd.Series, y: float, thick: float, unit: float, *, red: bool) -> None:
    """Reached, stopped and open, end to end; the gap between is cut from the later one."""
    reached, dropped, still = (float(row[name]) for name in ("users", "dropped", "open"))
    gap = 1.5 * unit
    _block(ax, 0, reached, y, thick, BLUE)
    _block(ax, reached + gap, max(dropped - gap, dropped / 2), y, thick, RED if red else GREY)
    start = reached + dropped
    if still:
        ax.barh(
            y, max(still - gap, still / 2), left=start + gap, height=thick, align="edge",
            fill=False, hatch=HATCH, edgecolor=MID, linewidth=0.8,
        )  # fmt: skip
    stop = f"{count(dropped)} stop here" if red else count(dropped)
    texts = [
        (count(reached), reached, 0.0, ON_BLUE, True),
        (stop, dropped, reached + gap, ON_BLUE if red else INK, red),
    ]
    if _width(texts[1][0], bold=red) * unit > dropped and red:
        texts[1] = (count(dropped), dropped, reached + gap, ON_BLUE, True)
    if _width(texts[0][0], bold=True) * unit > reached:  # no room in the bar: beside what follows it
        both = f"{count(reached)} reach it, {texts[1][0]}" + ("" if red else " stop") if dropped else count(reached)
        texts = [(both, dropped, reached + gap, ON_BLUE if red else INK, red)]
        if _width(both, bold=red) * unit > dropped:
            end = start + still
            if _width(count(reached), bold=True) * unit + end < unit * pixels(ax):
                label(ax, end, y + thick / 2, count(reached), INK, bold=True)
            return
    for text, room, x, colour, bold in texts:
        if room and _width(text, bold=bold) * unit <= room:
            label(ax, x, y + thick / 2, text, colour, bold=bold)


def _block(ax: "Axes", left: float, width: float, y: float, thick: float, colour: str) -> None:
    if width > 0:
        ax.barh(y, width, left=left, height=thick, align="edge", color=colour, linewidth=0)


def _paint_groups(ax: "Axes", groups: list[tuple[str, pd.DataFrame]], narrow: bool) -> None:
    shown = groups[:_MOST_GROUPS]
    steps = max(len(part) for _, part in shown)
    block = _group_block(len(shown))
    ax.set_axis_off()
    ax.set_xlim(0, 1)
    ax.set_ylim(block * steps, 0)
    wide = pixels(ax)
    left = min(0.3, 10 / wide + max(7.2 * len(name) for name, _ in shown) / wide)
    right = (100 if narrow else 150) / wide
    scale = 1 - left - right
    for k in range(steps):
        top = block * k
        name = next(str(part["event"].iloc[k]) for _, part in shown if len(part) > k)
        ax.text(0, top + 13, shorten(name, wide), fontsize=13, fontweight="bold", color=INK, va="baseline")
        for g, (group, part) in enumerate(shown):
            if len(part) <= k or not part["users"].iloc[0]:
                continue
            y = top + 22 + _GROUP_ROW * g
            row, entered = part.iloc[k], float(part["users"].iloc[0])
            reached, still = float(row["users"]) / entered, float(row["open"]) / entered
            ax.text(0, y + 13, shorten(group, left * wide), color=MUTED, va="baseline")
            _block(ax, left, scale * reached, y, 18, BLUE)
            if still:
                ax.barh(
                    y, scale * still, left=left + scale * reached, height=18, align="edge",
                    fill=False, hatch=HATCH, edgecolor=MID, linewidth=0.8,
                )  # fmt: skip
            limits, end = limits_of(row, "conversion_rate") if k else None, reached + still
            if limits:
                for ends, colour in (((limits[0], reached), ON_BLUE), ((reached, limits[1]), INK)):
                    ax.plot([left + scale * at for at in ends], [y + 9, y + 9], color=colour, linewidth=1)
                end = max(end, limits[1])
            said = _said(reached, limits, "", narrow) if k else count(row["users"])
            label(ax, left + scale * end, y + 9, said, INK)


def _group_block(groups: int) -> float:
    return 22 + _GROUP_ROW * groups + 14


def _height(table: pd.DataFrame, narrow: bool) -> float:
    if _is_empty(table):
        return 60
    groups = parts(table)
    if len(groups) == 1:
        return _STEP * len(table)
    steps = max(len(part) for _, part in groups[:_MOST_GROUPS])
    return _group_block(min(len(groups), _MOST_GROUPS)) * steps


def _alt(table: pd.DataFrame) -> str:
    if _is_empty(table):
        return "Funnel without anybody at the first step."
    said = []
    for group, part in parts(table):
        first = part.iloc[0]
        whose = f" of {group}" if group else ""
        lines = [f"Funnel{whose} of {counted(first['users'], 'user')} who did {first['event']}{_range(table)}."]
        needed = required(part).index
        for place in range(1, len(part)):
            row = part.iloc[place]
            rate: Any = row.get("step_conversion_rate")
            of = "" if numbers.is_missing(rate) else f", {with_unit(percent(rate))} of the step before"
            lost = f", {count(row['dropped'])} stopped, {count(row['open'])} still open"
            lost = lost if part.index[place] in needed else ", nobody is lost at it"
            lines.append(f"{row['event']}: {counted(row['users'], 'user')}{lost}{of}.")
        loss = largest_loss(part)
        if loss is not None:
            lines.append(f"Largest loss at: {part['event'].iloc[loss]}.")
        said.append(" ".join(lines))
    return " ".join(said)


def _range(table: pd.DataFrame) -> str:
    since, until = setting(table, "since"), setting(table, "until")
    return f", {since} to {until}" if since and until else ""


def _legend(table: pd.DataFrame) -> str:
    if _is_empty(table):
        return ""
    groups = parts(table)
    still = ", [hatch] still have time" if table["open"].sum() else ""
    if len(groups) > 1:
        more = f" The first {_MOST_GROUPS} of {len(groups)} groups." if len(groups) > _MOST_GROUPS else ""
        return f"[blue] share of the group that reached the step{still}. Line: {level(table)} interval.{more}"
    window = setting(table, "window")
    over = f", their {window} are over" if window else ""
    red = " ([red] largest loss)" if largest_loss(table) is not None else ""
    return f"[blue] reached the step, [grey] stopped{over}{red}{still}. Right: share of the step before."


_FUNNEL = Plot(_paint, _height, lambda table, narrow: Margins(), _alt, _legend)
_TREND = Plot(**line_plot("Conversion rate by period of the first step", "conversion_rate"))
