"""What moved recurring revenue, and how much of it stays? The figures of `mrr_rollforward` and `revenue_retention`."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import period_length
from metrics.display.kinds import parts
from metrics.display.numbers import money_decimals, plain, signed
from metrics.plots.changes import with_changes
from metrics.plots.lines import KEY, LINES, Series, paint_lines, series_alt, series_legend
from metrics.plots.needed import need, pixels, shorten, width_of
from metrics.plots.style import BLUE, CLEAR, HATCH, INK, MID, MUTED, PALETTE, PAPER, RED, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_UP = (("new", BLUE), ("reactivation", PALETTE["heat4"]), ("resume", PALETTE["heat4"]), ("expansion", PALETTE["heat2"]))
_DOWN = (("churn", RED), ("contraction", MID), ("pause", PALETTE["grey"]))
_PANEL, _HEAD, _FOOT = 210.0, 34.0, 30.0  # px
_MOST = 3  # parts drawn, the largest ones


def plot_mrr(table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None) -> "Axes":
    """Draw what raised and what lowered MRR in each period, with the balance at its end.

    Gains stand above the line and losses below it, one bar a period; a panel for each currency or group.

    Parameters
    ----------
    table
        Result of `mrr_rollforward` with periods. A period that is not over is hatched.
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
        `table` has not the columns of a roll-forward.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "period_start": pd.to_datetime(["2026-03-01", "2026-04-01"]),
    ...         "currency": ["EUR", "EUR"],
    ...         **{name: [0.0, 0.0] for name in ("reactivation", "expansion", "contraction", "pause", "resume", "fx")},
    ...         "opening": [0.0, 50.0],
    ...         "new": [50.0, 20.0],
    ...         "churn": [0.0, -30.0],
    ...         "closing": [50.0, 40.0],
    ...         "at_risk": [0.0, 0.0],
    ...         "arpa": [10.0, 10.0],
    ...         "complete": [True, True],
    ...     }
    ... )
    >>> ax = plot_mrr(table)
    >>> len(ax.patches), [text.get_text() for text in ax.texts[1::2]]
    (3, ['+50.00', '−10.00'])
    """
    names = [name for name, _ in (*_UP, *_DOWN)]
    need(table, "mrr_rollforward", ["period_start", "currency", "opening", *names, "closing", "complete"])
    return with_changes(_MRR, changes).on(table, ax)


def _panels(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The parts of the table, the largest first."""
    found = [(name, part) for name, part in parts(table) if len(part)]
    return sorted(found, key=lambda pair: -float(pair[1]["closing"].iloc[-1]))[:_MOST]


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    panels = _panels(table)
    if not panels:
        no_data(ax, "No recurring revenue yet.")
        return
    ax.set_axis_off()
    ax.set_ylim(_height(table, narrow), 0)
    many = max(len(part) for _, part in panels)
    ax.set_xlim(-0.5, many - 0.5)
    for number, (name, part) in enumerate(panels):
        _panel(ax, name, part, number * (_HEAD + _PANEL + _FOOT), narrow)


def _panel(ax: "Axes", name: str, part: pd.DataFrame, top: float, narrow: bool) -> None:
    gains = sum((part[kind].clip(lower=0) for kind, _ in _UP), pd.Series(0.0, index=part.index))
    losses = sum((part[kind].clip(upper=0) for kind, _ in _DOWN), pd.Series(0.0, index=part.index))
    highest, lowest = max(float(gains.max()), 0.0), min(float(losses.min()), 0.0)
    words = 18.0  # px above a bar for its words, and below
    scale = (_PANEL - 2 * words) / max(highest - lowest, 1e-9)
    zero = top + _HEAD + words + highest * scale
    room = pixels(ax) / len(part)
    ax.text(
        -0.5, top + 13, shorten(name, pixels(ax)), fontsize=13, fontweight="bold", color=INK, va="baseline", bbox=CLEAR
    )
    length, places = period_length(part), money_decimals([float(part["closing"].max()) * 10])
    for k, (_, row) in enumerate(part.iterrows()):
        finished = bool(row["complete"])
        for stack, sign in ((_UP, 1), (_DOWN, -1)):
            height = 0.0
            for kind, colour in stack:
                amount = max(sign * float(row[kind]), 0.0)
                if not amount:
                    continue
                look: dict[str, Any] = (
                    {"color": colour} if finished else {"color": PAPER, "hatch": HATCH, "edgecolor": MID}
                )
                bottom = zero - sign * height * scale
                ax.bar(k, -sign * amount * scale, bottom=bottom, width=0.66, linewidth=0 if finished else 0.8, **look)
                height += amount
        net = float(row["closing"] - row["opening"])
        if room > 34:
            edge = zero - float(gains.iloc[k]) * scale - 6
            ax.text(k, edge, signed(net, places), ha="center", va="baseline", color=INK, bbox=CLEAR)
        tick = numbers.period(row["period_start"], length, year=k == 0 or row["period_start"].month == 1)
        tick = tick if length != "month" or k == 0 or row["period_start"].month == 1 else tick[:3]
        if room > 30 or k % 3 == 0:
            ax.text(k, top + _HEAD + _PANEL + 16, tick, ha="center", va="baseline", color=MUTED, bbox=CLEAR)
    ax.plot([-0.5, len(part) - 0.5], [zero, zero], color=INK, linewidth=0.8)


def _height(table: pd.DataFrame, narrow: bool) -> float:
    return (_HEAD + _PANEL + _FOOT) * len(_panels(table)) or 60


def _alt(table: pd.DataFrame) -> str:
    panels = _panels(table)
    if not panels:
        return "Movements of recurring revenue: none yet."
    said = ["Bars: gains of recurring revenue above the line and losses below it, by period."]
    for name, part in panels:
        places, length = money_decimals([float(part["closing"].max())]), period_length(part)
        for _, row in part.iterrows():
            gained = sum(max(float(row[kind]), 0) for kind, _ in _UP)
            lost = sum(min(float(row[kind]), 0) for kind, _ in _DOWN)
            said.append(
                f"{name}, {numbers.period(row['period_start'], length)}: {signed(gained, places)}, "
                f"{signed(lost, places)}, {plain(row['closing'], places)} at the end"
                f"{'' if row['complete'] else ', not over'}."
            )
    return " ".join(said)


def _legend(table: pd.DataFrame) -> str:
    if not _panels(table):
        return ""
    more = f" The {_MOST} largest of {len(parts(table))} groups." if len(parts(table)) > _MOST else ""
    open_ = " [hatch] not over." if not table["complete"].all() else ""
    return (
        "[blue] new, then who came back or resumed, then expansion, above the line; [red] churn, then [grey] "
        f"contraction and pauses below it. The number is what the period added in all.{open_}{more}"
    )


_MRR = Plot(_paint, _height, lambda table, narrow: Margins(), _alt, _legend)


def plot_revenue_retention(
    table: pd.DataFrame, ax: "Axes | None" = None, *, changes: pd.DataFrame | None = None
) -> "Axes":
    """Draw how much of customers' MRR was kept (GRR) and how much with growth (NRR), period by period.

    Parameters
    ----------
    table
        Result of `revenue_retention` with periods; of several groups the one with most customers is drawn.
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
        `table` has not the columns of revenue retention by period.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "period_start": pd.to_datetime(["2026-03-01", "2026-04-01"]),
    ...         "span_start": pd.to_datetime(["2026-03-01", "2026-04-01"]),
    ...         "customers_start": [20, 30],
    ...         "opening": [100.0, 150.0],
    ...         **{name: [0.9, 0.95] for name in ("grr", "grr_low", "grr_high")},
    ...         **{name: [1.0, 1.1] for name in ("nrr", "nrr_low", "nrr_high")},
    ...         "complete": [True, True],
    ...     }
    ... )
    >>> [line.get_ydata().tolist() for line in plot_revenue_retention(table).lines[:1]]
    [[90.0, 95.0]]
    """
    need(table, "revenue_retention", ["period_start", "customers_start", "grr", "nrr", "complete"])
    return with_changes(_KEPT, changes).on(table, ax)


def _kept(table: pd.DataFrame) -> list[Series]:
    most = max(parts(table), key=lambda pair: float(pair[1]["customers_start"].sum()), default=("", table))[1]
    return [Series.of("GRR", most, "grr"), Series.of("NRR", most, "nrr")]


def _kept_legend(table: pd.DataFrame) -> str:
    said = parts(table)
    most = max(said, key=lambda pair: float(pair[1]["customers_start"].sum()), default=("", table))[0]
    whose = f" Customers of {most}, the most." if len(said) > 1 else ""
    return f"{series_legend(table, _kept(table))}{whose}"


def _kept_margins(table: pd.DataFrame, narrow: bool) -> Margins:
    margins = LINES.margins(table, narrow)
    return replace(margins, left=52, right=max(margins.right, KEY + width_of("GRR 88.6 %")))  # both lines are named


_KEPT = Plot(
    lambda ax, table, narrow: paint_lines(ax, _kept(table), narrow=narrow),
    LINES.height,
    _kept_margins,
    lambda table: series_alt("Revenue kept, and with growth", _kept(table)),
    _kept_legend,
)
