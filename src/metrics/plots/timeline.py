"""One customer from left to right: what they pay and use, and what happened. The figure of `customer_timeline`."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from metrics.display import numbers
from metrics.display.kinds import setting
from metrics.display.numbers import count, counted, plain
from metrics.plots.needed import need
from metrics.plots.style import BAND, BLUE, GREY, INK, MUTED, PAPER, RED, RULE, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_HIGH, _LOW, _GAP, _FOOT = 74.0, 22.0, 30.0, 26.0
_LANES = {  # name, and height of what is drawn
    "mrr": ("MRR", _HIGH), "use": ("Events a week", _HIGH), "ticket": ("Tickets", _LOW), "answer": ("Answers", _LOW),
    "invoice": ("Late invoices", _LOW),
}  # fmt: skip


def plot_customer_timeline(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw what a customer pays, how much they use, and what happened to them, over one axis of time.

    Parameters
    ----------
    table
        Result of `customer_timeline`.
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
    >>> days = pd.to_datetime(["2026-01-05", "2026-02-09"])
    >>> table = pd.DataFrame({"at": days, "kind": "mrr", "detail": "active", "value": [10.0, 30.0]})
    >>> [text.get_text() for text in plot_customer_timeline(table).texts]
    ['5 Jan', '23 Jan', '10 Feb', 'MRR', '30']
    """
    need(table, "customer_timeline", ["at", "kind", "detail", "value"])
    return _TIMELINE.on(table, ax)


def _kinds(table: pd.DataFrame) -> list[str]:
    told = setting(table, "kinds") or list(pd.unique(table["kind"]))
    return [kind for kind in _LANES if kind in told]


def _height(table: pd.DataFrame, narrow: bool) -> float:
    return sum(_LANES[kind][1] + _GAP for kind in _kinds(table)) + _FOOT if len(table) else 60.0


def _span(table: pd.DataFrame) -> tuple[float, float]:
    """First and last day on the axis, as numbers."""
    end, since = setting(table, "as_of"), setting(table, "since")
    first = pd.Timestamp(since) if since else table["at"].min()
    last = pd.Timestamp(end) if end else table["at"].max() + pd.Timedelta(days=1)
    return _day(first), max(_day(last), _day(first) + 1)


def _day(stamp: pd.Timestamp) -> float:
    return float(stamp.tz_localize(None).value / 86_400e9)


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    if not len(table):
        no_data(ax, "Nothing is known of this time.")
        return
    first, last = _span(table)
    kinds, bottom = _kinds(table), _height(table, narrow) - _FOOT
    ax.set_axis_off()
    ax.set_xlim(first, last)
    ax.set_ylim(bottom + _FOOT, 0)
    for day, name in _ticks(first, last, 3 if narrow else 7):
        ax.plot([day, day], [_GAP - 8, bottom], color=RULE, linewidth=0.8, zorder=0)
        side = (
            "left"
            if day - first < 0.06 * (last - first)
            else "right"
            if last - day < 0.1 * (last - first)
            else "center"
        )
        ax.text(day, bottom + 18, name, ha=side, va="baseline", color=MUTED)
    top = 0.0
    for kind in kinds:
        name, high = _LANES[kind]
        rows, base = table[table["kind"] == kind], top + _GAP + high
        ax.text(first, top + 14, name, fontsize=13, fontweight="bold", va="baseline")
        said = _said(table, kind, rows)
        if said:
            ax.text(last, top + 14, said, ha="right", va="baseline", color=MUTED)
        ax.plot([first, last], [base, base], color=INK if high == _HIGH else RULE, linewidth=0.8, zorder=1)
        if kind == "mrr":
            _steps(ax, rows, last, base, high - 8)
        elif kind == "use":
            _bars(ax, rows, first, last, base, high - 8)
        else:
            _marks(ax, rows, base - high / 2)
        top = base


def _said(table: pd.DataFrame, kind: str, rows: pd.DataFrame) -> str:
    """What stands at the right of a lane: the money now, the most in a week, how many."""
    values = rows["value"].dropna()
    if kind == "mrr":
        currency = setting(table, "currency")
        return f"{currency + ' ' if currency else ''}{plain(values.iloc[-1], 0)}" if len(values) else ""
    if kind == "use":
        return f"most {count(values.max())}" if len(values) else "none"
    return count(len(rows)) if len(rows) else "none"


def _steps(ax: "Axes", rows: pd.DataFrame, last: float, base: float, high: float) -> None:
    days = [*(_day(stamp) for stamp in rows["at"]), last]
    values = rows["value"].to_numpy(float)
    most = np.nanmax(values) if np.isfinite(values).any() and np.nanmax(values) > 0 else 1.0
    y = base - high * values / most
    for k, state in enumerate(rows["detail"]):
        if np.isfinite(y[k]):
            color = GREY if state in ("paused", "left") else BLUE
            ax.plot(days[k : k + 2], [y[k]] * 2, color=color, linewidth=2, zorder=3, solid_capstyle="butt")
            ax.fill_between(days[k : k + 2], [y[k]] * 2, [base] * 2, color=BLUE, alpha=BAND, linewidth=0, zorder=2)


def _bars(ax: "Axes", rows: pd.DataFrame, first: float, last: float, base: float, high: float) -> None:
    most = max(float(rows["value"].max()), 1.0) if len(rows) else 1.0
    for stamp, value in zip(rows["at"], rows["value"], strict=True):
        low, end = max(_day(stamp), first), min(_day(stamp) + 7, last)
        if value > 0 and end > low:
            room = 0.12 * (end - low)
            ax.fill_between(
                [low + room, end - room],
                [base - high * value / most] * 2,
                [base] * 2,
                color=BLUE,
                linewidth=0,
                zorder=2,
            )


def _marks(ax: "Axes", rows: pd.DataFrame, y: float) -> None:
    for stamp, kind, detail in zip(rows["at"], rows["kind"], rows["detail"], strict=True):
        bad = _is_bad(str(kind), str(detail))
        ax.plot(
            [_day(stamp)], [y], marker="o", markersize=8, color=RED if bad else PAPER, zorder=3, clip_on=False,
            markeredgecolor=RED if bad else BLUE, markeredgewidth=1.6, linestyle="none",
        )  # fmt: skip


def _is_bad(kind: str, detail: str) -> bool:
    return detail == "detractor" or "complaint" in detail or "open" in detail.split(", ") or detail == "not paid"


def _ticks(first: float, last: float, most: int) -> list[tuple[float, str]]:
    """First days of months, as many as there is room for; of a short time its days."""
    begin, end = pd.Timestamp(first, unit="D"), pd.Timestamp(last, unit="D")
    months = pd.date_range(begin.normalize().replace(day=1), end, freq="MS")
    months = months[months >= begin]
    if len(months) < 2:
        days = pd.date_range(begin.ceil("D"), end, periods=3).normalize()
        return [(_day(stamp), f"{stamp.day} {stamp:%b}") for stamp in days]
    step = next(k for k in (1, 2, 3, 6, 12, 24, 60) if len(months) / k <= most)
    one_year = months[0].year == months[-1].year
    return [(_day(stamp), f"{stamp:%b}" if one_year else f"{stamp:%b %Y}") for stamp in months[::step]]


def _alt(table: pd.DataFrame) -> str:
    who = setting(table, "customer_id", "the customer")
    if not len(table):
        return f"{who}: nothing is known of this time."
    said = []
    for kind in _kinds(table):
        rows = table[table["kind"] == kind]
        words: Any = [f"{row.at:%Y-%m-%d} {_one(row)}" for row in rows.itertuples()]
        if kind == "use":
            words = [f"{count(rows['value'].sum())} in {counted(len(rows), 'week')}, {_said(table, kind, rows)} in one"]
        said.append(f"{_LANES[kind][0]}: {', '.join(words[:12]) or 'none'}{' and more' * (len(words) > 12)}.")
    return f"{who} over time. {' '.join(said)}"


def _one(row: Any) -> str:
    value = "" if numbers.is_missing(row.value) else f" {plain(row.value, 0)}"
    return f"{'' if numbers.is_missing(row.detail) else row.detail}{value}".strip()


def _legend(table: pd.DataFrame) -> str:
    marks = table[~table["kind"].isin(["mrr", "use"])]
    red = any(_is_bad(str(k), str(d)) for k, d in zip(marks["kind"], marks["detail"], strict=True))
    since, end = setting(table, "since"), setting(table, "as_of")
    told = f"From {str(since)[:10]} to {str(end)[:10]}." if since and end else ""
    return f"{told}{' [red] A complaint, an open ticket, a detractor, an invoice not paid.' if red else ''}".strip()


_TIMELINE = Plot(_paint, _height, lambda table, narrow: Margins(), _alt, _legend)
