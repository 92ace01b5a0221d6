"""What keeps those who would be lost? The figures of `recovery_curve` and `pause_outcomes`."""

import math
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from metrics.display.columns import reason_in_words
from metrics.display.kinds import parts, setting
from metrics.display.numbers import count, counted
from metrics.display.worked import level
from metrics.plots.dots import MOST, Dot, height, paint_dots, written
from metrics.plots.lines import LINES, Series, paint_lines
from metrics.plots.needed import need
from metrics.plots.style import Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def plot_payment_recovery(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw what share of the failed invoices was paid by days since the first attempt, a line for each group.

    Parameters
    ----------
    table
        Result of `recovery_curve`.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of a recovery curve.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "days": [0, 1, 2],
    ...         "failed": [20, 20, 20],
    ...         "too_recent": [1, 1, 1],
    ...         "recovered": [0, 5, 8],
    ...         "recovery_rate": [0.0, 0.25, 0.4],
    ...         "recovery_rate_low": [0.0, 0.11, 0.22],
    ...         "recovery_rate_high": [0.16, 0.47, 0.61],
    ...     }
    ... )
    >>> plot_payment_recovery(table).lines[0].get_ydata().tolist()
    [0.0, 25.0, 40.0]
    """
    need(table, "recovery_curve", ["days", "failed", "too_recent", "recovered", "recovery_rate"])
    return _RECOVERY.on(table, ax)


def plot_pause_outcomes(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw what share of those who paused is active again, beside those who cancelled and came back.

    Parameters
    ----------
    table
        Result of `pause_outcomes`; of periods, the last one with a rate.
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of the outcomes of pauses.

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "entered": [90],
    ...         "paused": [40],
    ...         "cancelled": [45],
    ...         "kept": [5],
    ...         "take_rate": [40 / 90],
    ...         "paused_followed": [40],
    ...         "resume_rate": [0.6],
    ...         "resume_rate_low": [0.45],
    ...         "resume_rate_high": [0.74],
    ...         "cancelled_followed": [40],
    ...         "return_rate": [0.1],
    ...         "return_rate_low": [0.04],
    ...         "return_rate_high": [0.23],
    ...     }
    ... )
    >>> [line.get_xdata().tolist() for line in plot_pause_outcomes(table).lines[-1::-2]][:2]
    [[10.0], [60.0]]
    """
    names = [f"{rate}{end}" for rate in ("resume_rate", "return_rate") for end in ("", "_low", "_high")]
    need(table, "pause_outcomes", ["paused_followed", "cancelled_followed", *names])
    return _PAUSES.on(table, ax)


def _curves(table: pd.DataFrame) -> list[Series]:
    return [Series.of(name, part.rename(columns={"days": "period"}), "recovery_rate") for name, part in parts(table)]


def _recovery_alt(table: pd.DataFrame) -> str:
    said = []
    for (name, part), line in zip(parts(table), _curves(table), strict=True):
        whose = f" of {name}" if name else ""
        if not line.known.any():
            said.append(f"Share of failed invoices{whose} paid after all, by days: too few to say.")
            continue
        last = int(np.flatnonzero(line.known)[-1])
        half = int(np.argmax(line.value >= line.value[last] / 2))
        said.append(
            f"Share of {counted(part['failed'].iloc[0], 'failed invoice')}{whose} paid by days since the first "
            f"attempt, rising to {line.written(last)} within {line.words[last]} days; half of that within "
            f"{line.words[half]}."
        )
    return " ".join(said) or "Share of failed invoices paid after all: none failed."


def _recovery_legend(table: pd.DataFrame) -> str:
    known = [line for line in _curves(table) if line.known.any()]
    if not known:
        return ""
    said = ["Days since the first attempt."]
    if len(known) == 1:
        said.append(f"{counted(table['failed'].max(), 'invoice')} that failed.")
    if len(known) <= 2:
        said.append(f"Band: {level(table)} interval.")
    return " ".join(said)


def _dots(table: pd.DataFrame) -> list[Dot]:
    found = []
    for name, part in parts(table):
        known = part[part["resume_rate"].notna() | part["return_rate"].notna()]
        if not len(part):
            continue
        row = (known if len(known) else part).iloc[-1]
        for word, rate, whole in (("paused", "resume_rate", "paused_followed"),
                                  ("cancelled", "return_rate", "cancelled_followed")):  # fmt: skip
            value, low, high = (100 * float(v) if not pd.isna(v) else math.nan
                                for v in (row[rate], row[f"{rate}_low"], row[f"{rate}_high"]))  # fmt: skip
            who = f"{name}, {word}" if name else word.capitalize()
            words = written(value, low, high, unit="%") or reason_in_words(_code(row.get("reason"), rate))
            found.append(Dot(f"{who} ({count(row[whole])})", value, low, high, words))
    return found


def _code(reason: object, estimate: str) -> object:
    """The reason of one of several estimates."""
    named = dict(one.split(": ", 1) for one in str(reason).split("; ") if ": " in one)
    return named.get(estimate)


def _pauses_alt(table: pd.DataFrame) -> str:
    said = [f"{dot.name}: {dot.words or 'not known'}." for dot in _dots(table)[:MOST]]
    within = setting(table, "follow_up")
    head = f"Active again{f' within {within}' if within else ''}, of those who asked to cancel."
    return " ".join([head, *said])


def _pauses_legend(table: pd.DataFrame) -> str:
    dots = _dots(table)
    if not any(math.isfinite(dot.value) for dot in dots):
        return ""
    within = setting(table, "follow_up")
    text = (
        f"Active again{f' within {within}' if within else ''}, with its {level(table)} interval; in brackets how many"
    )
    text += " were watched for as long. They chose for themselves."
    return text + (f" The first {MOST} of {len(dots)} rows." if len(dots) > MOST else "")


def _paint_recovery(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    paint_lines(ax, _curves(table), narrow=narrow)


def _paint_pauses(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    if not len(table):
        no_data(ax, "Nobody asked to cancel.")
        return
    paint_dots(ax, _dots(table), unit="%", zero=True, narrow=narrow)


_RECOVERY = Plot(_paint_recovery, LINES.height, LINES.margins, _recovery_alt, _recovery_legend)
_PAUSES = Plot(
    _paint_pauses,
    lambda table, narrow: height(len(_dots(table))),
    lambda table, narrow: Margins(),
    _pauses_alt,
    _pauses_legend,
)
