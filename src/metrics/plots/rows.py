"""One estimate of each row with its interval: the figures of mails by step, of what mails cost, and of changes."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pandas as pd

from metrics.display import numbers
from metrics.display.columns import reason_in_words, whose_reason
from metrics.display.contacts import mails_received
from metrics.display.kinds import group_of, groups_of, setting
from metrics.display.numbers import count
from metrics.display.worked import level
from metrics.plots.dots import MOST, Dot, height, paint_dots, written
from metrics.plots.needed import need, once
from metrics.plots.style import Margins, Plot

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Namer = Callable[[pd.DataFrame, "pd.Series[Any]"], str]


def row_plot(
    what: str, estimate: str, named: Namer, *, n: str = "", of: str = "", one: str = "", scale: float = 100,
    unit: str = "%", zero: bool = False, said: str = "",
) -> Plot:  # fmt: skip
    """A figure with a row for each row of a table.

    `what` opens the words for who does not see, `named` names a row, `n` is the column of how many it is over and `of`
    what these are, `one` what one of them is; `zero` marks 0, for differences; `said` follows in the caption.
    """

    @once
    def dots(table: pd.DataFrame) -> list[Dot]:
        found = []
        for _, row in table.iterrows():
            value, low, high = (
                math.nan if numbers.is_missing(row[name]) else scale * float(row[name])
                for name in (estimate, f"{estimate}_low", f"{estimate}_high")
            )
            why = whose_reason(row.get("reason"), estimate) or reason_in_words(row.get("reason")) or "not known"
            words = written(value, low, high, unit=unit, sign=zero) or why
            found.append(Dot(named(table, row), value, low, high, words))
        return found

    def alt(table: pd.DataFrame) -> str:
        over = [f", {count(k)} {one or of if k == 1 else of}" for k in table[n]] if n else [""] * len(table)
        told = " ".join(f"{dot.name}: {dot.words}{k}." for dot, k in zip(dots(table), over, strict=True))
        return f"{what}. {told or 'There are none.'}"

    def legend(table: pd.DataFrame) -> str:
        if not any(math.isfinite(dot.value) for dot in dots(table)):
            return ""
        more = f" The first {MOST} of {len(table)} rows." if len(table) > MOST else ""
        return f"{what}, with its {level(table)} interval.{f' {said}' if said else ''}{more}"

    return Plot(
        lambda ax, table, narrow: paint_dots(ax, dots(table), unit=unit, zero=zero, narrow=narrow),
        lambda table, narrow: height(len(table)),
        lambda table, narrow: Margins(),
        alt,
        legend,
    )


def group_name(table: pd.DataFrame, row: "pd.Series[Any]") -> str:
    """The values of `by`, of several those that are there: a mail without variants has none."""
    groups = groups_of(table)
    return ", ".join(str(row[g]) for g in groups if not numbers.is_missing(row[g])) or group_of(table, row) or "All"


def plot_email_performance(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the share of recipients who clicked, for each step of a cadence or variant.

    Clicks and not opens, for a mail client opens mails that nobody reads.

    Parameters
    ----------
    table
        Result of `email_performance`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of mails.

    Examples
    --------
    >>> table = pd.DataFrame({"campaign_id": ["a"], "delivered": [50], "human_openers": [20], "prefetched_only": [0],
    ...     "clickers": [5], "open_rate_simple": [0.4], "click_rate": [0.1], "click_rate_low": [0.04],
    ...     "click_rate_high": [0.21]})  # fmt: skip
    >>> plot_email_performance(table).lines[-1].get_xdata().tolist()
    [10.0]
    """
    need(table, "email_performance", ["delivered", "click_rate", "click_rate_low", "click_rate_high"])
    return _MAILS.on(table, ax)


def plot_mail_frequency(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the share that unsubscribes at a mail, by how many mails came in the days up to it.

    Parameters
    ----------
    table
        Result of `mail_frequency`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of mails by their number.

    Examples
    --------
    >>> table = pd.DataFrame({"mails_received": [1, 2], "mails": [200, 100], "recipients": [200, 100],
    ...     "unsubscribed": [1, 4], "unsubscribe_rate": [0.005, 0.04], "unsubscribe_rate_low": [0.001, 0.016],
    ...     "unsubscribe_rate_high": [0.028, 0.098]})  # fmt: skip
    >>> plot_mail_frequency(table).lines[-1].get_xdata().tolist()
    [4.0]
    """
    need(table, "mail_frequency", ["mails_received", "mails", "unsubscribe_rate"])
    return _FREQUENCY.on(table[table["mails"] > 0] if len(table) else table, ax)


def plot_change_effects(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw the difference after each change with its interval; changes that cannot be told apart are named.

    Parameters
    ----------
    table
        Result of `change_effects`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of changes.

    Examples
    --------
    >>> table = pd.DataFrame({"change_id": ["c1"], "before": [4.0], "after": [6.0], "difference": [2.0],
    ...     "difference_low": [1.0], "difference_high": [3.0], "confounded_with": [None]})  # fmt: skip
    >>> plot_change_effects(table).lines[-1].get_xdata().tolist()
    [2.0]
    """
    need(table, "change_effects", ["change_id", "difference", "difference_low", "difference_high", "confounded_with"])
    share = str(setting(table, "value", "")).endswith("_rate")
    return (_CHANGED_SHARE if share else _CHANGED).on(table, ax)


def _change(table: pd.DataFrame, row: "pd.Series[Any]") -> str:
    name = str(row["change_id"])
    if not numbers.is_missing(row.get("note")):
        name += f" {row['note']}"
    group = group_of(table, row)
    name = f"{group}: {name}" if group else name
    return name if numbers.is_missing(row["confounded_with"]) else f"{name} (not apart from {row['confounded_with']})"


_MAILS = row_plot("Share who clicked, of those who got the mail", "click_rate", group_name, n="delivered", of="got it")
_FREQUENCY = row_plot(
    "Share who unsubscribed at a mail", "unsubscribe_rate", mails_received, n="mails", of="mails", one="mail",
    said="By the number of mails that had come in the days up to it, itself included.",
)  # fmt: skip
_CHANGED = row_plot("Mean after the change minus mean before it", "difference", _change, scale=1, unit="", zero=True)
_CHANGED_SHARE = row_plot("Mean after the change minus mean before it", "difference", _change, unit="points", zero=True)
