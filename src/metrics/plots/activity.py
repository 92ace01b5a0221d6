"""Who is here, who comes and goes, how often, and who is on the way? Figures of activity and milestones."""

import math
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.kinds import groups_of, parts, setting
from metrics.display.numbers import count, counted, percent, with_unit
from metrics.plots.changes import with_changes
from metrics.plots.lines import KEY, LINES, Floats, Series, paint_lines, series_alt, series_legend
from metrics.plots.needed import need, one_group, pixels, tick_words
from metrics.plots.style import BLUE, GREY, HATCH, INK, MID, MUTED, PALETTE, RULE, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UP = [("returning", GREY), ("resurrected", PALETTE["heat3"]), ("new", BLUE)]
_SHORT = {"daily": "day", "weekly": "week", "monthly": "month"}
_MOST = 60  # bars


def plot_active_users(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw how many were active on each day, and in the windows that end with it.

    Parameters
    ----------
    table
        Result of `active_users`. A day that is not over is dashed and hollow. Of groups the longest window is drawn.
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
        `table` has not the columns of actives.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "date": pd.to_datetime(["2026-03-01", "2026-03-02"]),
    ...         "daily": [3, 4],
    ...         "monthly": [9, 8],
    ...         "stickiness_rate": [1 / 3, 0.5],
    ...         "complete": [True, True],
    ...     }
    ... )
    >>> plot_active_users(table).lines[0].get_ydata().tolist()
    [9.0, 8.0]
    """
    need(table, "active_users", ["date", "stickiness_rate", "complete"])
    return with_changes(_ACTIVE, changes).on(table, ax)


def plot_lifecycle(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw who came and who stayed away, a bar for each period.

    Parameters
    ----------
    table
        Result of `lifecycle`. A period that is not over is hatched.
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
        `table` has not the columns of a lifecycle, or has several groups.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "period_start": pd.to_datetime(["2026-03-02", "2026-03-09"]),
    ...         "new": [5, 2],
    ...         "returning": [0, 3],
    ...         "resurrected": [0, 1],
    ...         "dormant": [0, 2],
    ...         "active": [5, 6],
    ...         "complete": [True, True],
    ...     }
    ... )
    >>> [float(bar.get_height()) for bar in plot_lifecycle(table).patches][-2:]
    [0.0, -2.0]
    """
    need(table, "lifecycle", ["period_start", "new", "returning", "resurrected", "dormant", "complete"])
    one_group(table, "a bar")
    return with_changes(_LIFECYCLE, changes, most=_MOST).on(table, ax)


def plot_stickiness(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw in how many periods users came, a bar for each number.

    Parameters
    ----------
    table
        Result of `stickiness`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of stickiness, or has several groups.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {"active_periods": [1, 2], "users": [3, 1], "share": [0.75, 0.25], "users_at_least": [4, 1]}
    ... )
    >>> [float(bar.get_height()) for bar in plot_stickiness(table).patches]
    [75.0, 25.0]
    """
    need(table, "stickiness", ["active_periods", "users", "share", "users_at_least"])
    one_group(table, "a bar")
    return _STICKINESS.on(table, ax)


def plot_time_to_milestone(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the share that has not reached the milestone yet, by days since the start; a line for each group.

    Parameters
    ----------
    table
        Result of `time_to_milestone`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of times to a milestone.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "days": [1, 3],
    ...         "at_risk": [4, 2],
    ...         "reached": [2, 1],
    ...         "censored": [0, 0],
    ...         "not_yet": [0.5, 0.25],
    ...         "not_yet_low": [0.1, 0.1],
    ...         "not_yet_high": [0.8, 0.6],
    ...     }
    ... )
    >>> plot_time_to_milestone(table).lines[0].get_ydata().tolist()
    [100.0, 50.0, 50.0, 25.0]
    """
    need(table, "time_to_milestone", ["days", "at_risk", "not_yet"])
    return _WAITING.on(table, ax)


def _waits(table: pd.DataFrame) -> list[Series]:
    """The curve of each group on every day from 0: it stays where it is while nothing happens."""
    found = []
    names = ["not_yet", "not_yet_low", "not_yet_high"]
    for name, part in parts(table):
        if len(part):
            days = np.arange(0, int(part["days"].max()) + 1)
            daily = part.set_index("days")[names].reindex(days).ffill().fillna(1.0).reset_index(names="period")
            daily.attrs = {"settings": {"period": "day"}}
            found.append(Series.of(name, daily, "not_yet"))
    return found


def _waits_alt(table: pd.DataFrame) -> str:
    return series_alt("Share not there yet by days", _waits(table))


def _waits_legend(table: pd.DataFrame) -> str:
    told = table.rename(columns={"days": "period"})
    told.attrs = {**table.attrs, "settings": {**table.attrs.get("settings", {}), "period": "day"}}
    return series_legend(told, _waits(table))


def _lines(table: pd.DataFrame) -> list[Series]:
    columns = [str(name) for name in table.columns]
    names = columns[columns.index("date") + 1 : columns.index("stickiness_rate")]
    dated = table.rename(columns={"date": "period_start"})
    dated.attrs = {"settings": {"period": "day"}}
    if groups_of(table):  # of each the longest window: all of them would be too many lines
        return [
            Series.of(group, dated.loc[part.index], names[-1], scale=1, unit="users") for group, part in parts(table)
        ]
    return [
        Series.of(_SHORT.get(name, name.replace("_", " ")), dated, name, scale=1, unit="users")
        for name in reversed(names)
    ]


def _margins_of_lines(table: pd.DataFrame, narrow: bool) -> Margins:
    return Margins(left=84, right=KEY + (110 if narrow else 124), top=24, bottom=30)


def _active_alt(table: pd.DataFrame) -> str:
    return series_alt("Users active by day", _lines(table))


def _active_legend(table: pd.DataFrame) -> str:
    lengths = setting(table, "windows", None)
    if groups_of(table):
        return f"Users active in the {lengths[-1] if lengths else ''} days that end with each, by group."
    if not lengths:
        return "Users in windows that end with the day."
    said = f"Users active in the {', '.join(map(str, lengths[:-1]))} and {lengths[-1]} days that end with each."
    return said + (" Hollow: a day that is not over." if (~table["complete"].astype(bool)).any() else "")


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    return table.iloc[-_MOST:]


def _life(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    rows = _shown(table)
    if not len(rows):
        no_data(ax, "No period has begun.")
        return
    place, done = np.arange(len(rows), dtype=float), rows["complete"].to_numpy(bool)
    base = np.zeros(len(rows))
    for name, colour in _UP:
        height = rows[name].to_numpy(float)
        _bars(ax, place, height, base, colour, done)
        base += height
    away = 0.0 - rows["dormant"].to_numpy(float)
    _bars(ax, place, away, np.zeros(len(rows)), MUTED, done)
    _count_axis(ax, float(away.min()), float(base.max()))
    length = period_length(rows)
    starts = list(rows["period_start"])
    one_year = len({start.year for start in starts}) == 1
    words = [numbers.period(start, length, year=not one_year and k == 0) for k, start in enumerate(starts)]
    _names(ax, words, len(rows))
    ax.axhline(0, color=INK, linewidth=0.8)


def _bars(ax: "Axes", place: Floats, height: Floats, base: Floats, colour: str, done: npt.NDArray[np.bool_]) -> None:
    """Bars of one stage, those of periods that are not over hatched."""
    ax.bar(place[done], height[done], 0.8, bottom=base[done], color=colour, linewidth=0)
    if not done.all():
        ax.bar(
            place[~done], height[~done], 0.8, bottom=base[~done], fill=False, hatch=HATCH, edgecolor=MID, linewidth=0.8
        )


def _count_axis(ax: "Axes", low: float, high: float, unit: str = "") -> None:
    """A value axis of whole numbers through 0."""
    room = max(high - low, 1)
    size = 10 ** math.floor(math.log10(room / 4))
    step = max(1, next(m * size for m in (1, 2, 2.5, 5, 10) if room / (m * size) <= 5))
    ticks = [step * k for k in range(math.floor(low / step), math.ceil(max(high, step) / step) + 1)]
    words = tick_words([abs(tick) for tick in ticks])
    words[-1] = with_unit(words[-1], unit)
    ax.set_ylim(ticks[0], ticks[-1])
    ax.set_yticks(ticks, words)
    for side in ("top", "right", "left", "bottom"):
        ax.spines[side].set_visible(False)
    ax.tick_params(length=0, colors=MUTED)
    ax.grid(True, axis="y", color=RULE, linewidth=0.8)
    ax.grid(False, axis="x")


def _names(ax: "Axes", words: list[str], bars: int) -> None:
    room = pixels(ax) / (9 * max(map(len, words)) + 10)
    every = max(1, math.ceil(bars / max(2, room)))
    keep = [k for k in range(0, bars, every) if k <= bars - every / 2 or every == 1]
    ax.set_xticks(keep, [words[k] for k in keep])
    ax.set_xlim(-0.6, bars - 0.4)


def _life_alt(table: pd.DataFrame) -> str:
    rows = _shown(table)
    if not len(rows):
        return "Bars of users by stage: no period has begun."
    length = period_length(rows)
    said = [f"Bars of users by stage, {counted(len(rows), length or 'period')}."]
    for row in (rows.iloc[0], rows.iloc[-1]):
        so_far = "" if row["complete"] else ", not over"
        said.append(
            f"{numbers.period_in_words(row['period_start'], length)}{so_far}: {count(row['new'])} new, "
            f"{count(row['resurrected'])} back after a break, {count(row['returning'])} from the period before, "
            f"{count(row['dormant'])} stayed away."
        )
    return " ".join(said)


def _life_legend(table: pd.DataFrame) -> str:
    if not len(table):
        return ""
    length = period_length(table) or "period"
    said = f"[blue] new [heat3] back after a break [grey] from the {length} before; below 0 [muted] stayed away."
    if (~_shown(table)["complete"].astype(bool)).any():
        said += f" [hatch] {length} not over yet."
    return said + (f" The last {_MOST} of {len(table)}." if len(table) > _MOST else "")


def _habit(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    rows = table[table["active_periods"] <= _most_periods(table)]
    if not table["users"].sum():
        no_data(ax, "Nobody was active.")
        return
    share = 100 * rows["share"].to_numpy(float)
    place = np.arange(len(rows))
    ax.bar(place, share, 0.8, color=BLUE, linewidth=0)
    _count_axis(ax, 0, float(share.max()), "%")
    _names(ax, [str(n) for n in rows["active_periods"]], len(rows))
    ax.axhline(0, color=INK, linewidth=0.8)
    if len(rows) <= (12 if narrow else 30):
        for k, rate in enumerate(rows["share"]):
            ax.annotate(
                percent(rate, 0), (k, share[k]), xytext=(0, 4), textcoords="offset points", ha="center", color=INK,
                annotation_clip=False,
            )  # fmt: skip


def _most_periods(table: pd.DataFrame) -> int:
    used = table.loc[table["users"] > 0, "active_periods"]
    return int(used.max()) if len(used) else 0


def _habit_alt(table: pd.DataFrame) -> str:
    users, unit = int(table["users"].sum()), period_length(table) or "period"
    if not users:
        return "Bars of users by active periods: nobody was active."
    first, most = table.iloc[0], table.iloc[int(table["users"].argmax())]
    return (
        f"Bars: share of {counted(users, 'user')} by the number of {unit}s in which they were active. In one "
        f"{with_unit(percent(first['share'], 0))}; most often {count(most['active_periods'])} "
        f"({with_unit(percent(most['share'], 0))}); at most {count(_most_periods(table))} of {count(len(table))}."
    )


def _habit_legend(table: pd.DataFrame) -> str:
    unit = period_length(table) or "period"
    return f"Per cent of all who were active, by the number of {unit}s in which they were, of {len(table)}."


_ACTIVE = Plot(
    lambda ax, table, narrow: paint_lines(ax, _lines(table), narrow=narrow), LINES.height, _margins_of_lines,
    _active_alt, _active_legend,
)  # fmt: skip
_WAITING = Plot(
    lambda ax, table, narrow: paint_lines(ax, _waits(table), narrow=narrow), LINES.height, LINES.margins, _waits_alt,
    _waits_legend,
)  # fmt: skip
_LIFECYCLE = Plot(
    _life, lambda table, narrow: 290, lambda table, narrow: Margins(left=48, right=6, top=16, bottom=30), _life_alt,
    _life_legend,
)  # fmt: skip
_STICKINESS = Plot(
    _habit, lambda table, narrow: 250, lambda table, narrow: Margins(left=44, right=6, top=24, bottom=30), _habit_alt,
    _habit_legend,
)  # fmt: skip
