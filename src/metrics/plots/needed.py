"""What every plot asks of its table, and how it places words."""

from collections.abc import Callable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, TypeVar
from weakref import ref

import pandas as pd

from metrics.display.again import TIMES, texts
from metrics.display.kinds import groups_of, parts
from metrics.display.numbers import plain, with_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_Answer = TypeVar("_Answer")


def need(table: pd.DataFrame, metric: str, columns: Sequence[str]) -> None:
    """Refuse a table that has not the columns of `metric`."""
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise ValueError(
            f"table has no {missing}; it is no result of {metric}. Its columns are {[str(c) for c in table.columns]}."
        )
    if told := texts(table, TIMES):
        raise ValueError(
            f"{told[0]} holds text (such as {table[told[0]].dropna().iloc[0]!r}), not times. Read the file of {metric} "
            f"by pd.read_csv(…, parse_dates={told})."
        )


def one_group(table: pd.DataFrame, drawn: str) -> None:
    """Refuse a table of several groups where each `drawn` stands for one."""
    if len(parts(table)) > 1:
        raise ValueError(f"table has the groups {groups_of(table)}: {drawn} shows one. Filter the table first.")


def once(of: Callable[[pd.DataFrame], _Answer]) -> Callable[[pd.DataFrame], _Answer]:
    """The same, reckoned once for a table of which a figure asks it a dozen times: for its size, marks and words.

    Only for what is not changed: neither the answer nor the table, of which `Plot.on` draws a copy.
    """
    known: list[tuple[ref[pd.DataFrame], _Answer]] = []  # of the last table

    @wraps(of)
    def asked(table: pd.DataFrame) -> _Answer:
        for then, answer in known:
            if then() is table:
                return answer
        answer = of(table)
        known[:] = [(ref(table), answer)]
        return answer

    return asked


def pixels(ax: "Axes") -> float:
    """Width of the axes in px (1 pt = 1 px)."""
    figure = ax.get_figure(root=True)
    return float(ax.get_window_extent().width) * 72 / (figure.get_dpi() if figure else 72)


def tick_words(ticks: Sequence[float], digits: int = 0) -> list[str]:
    """The numbers of an axis; from 10,000 on in thousands or millions, for which its margin has room.

    >>> tick_words([0, 250_000, 500_000])
    ['0', '250\u202fk', '500\u202fk']
    >>> tick_words([-2.5e6, 0, 2.5e6])
    ['−2.5\u202fM', '0', '2.5\u202fM']
    """
    top = max(map(abs, ticks))
    if top < 10_000:
        return [plain(tick, digits) for tick in ticks]
    size, sign = next((size, sign) for size, sign in ((1e9, "bn"), (1e6, "M"), (1e3, "k")) if top >= size)
    parts = [tick / size for tick in ticks]
    digits = next((k for k in range(3) if all(abs(part - round(part, k)) < 1e-9 for part in parts)), 3)
    return [with_unit(plain(part, digits), sign) if part else "0" for part in parts]


def width_of(text: str, *, bold: bool = False) -> float:
    """About how wide a text of 12 px is, with room at both ends."""
    return (8.2 if bold else 7.2) * len(text) + 10


def shorten(text: str, room: float, *, letter: float = 8.4) -> str:
    """The text, cut with an ellipsis to `room` px."""
    text, most = " ".join(text.split()), max(3, int(room / letter))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def label(ax: "Axes", x: float, y: float, text: str, colour: str, *, bold: bool = False) -> None:
    """A text that begins 6 px right of `x`, centred on `y`."""
    ax.annotate(
        text, (x, y), xytext=(6, -4.3), textcoords="offset points", color=colour, va="baseline", ha="left",
        fontweight="bold" if bold else "normal", annotation_clip=False,
    )  # fmt: skip
