"""What do users do, step after step? The figure of `user_paths` and `drop_off_paths`.

Each step is a column, each event a bar as high as its users, and bands lead to the next step. Who stops is the part of
a bar from which no band leaves. A narrow figure breaks the steps into rows, as a text breaks its line.
"""

from typing import TYPE_CHECKING

import pandas as pd

from metrics.display.kinds import setting
from metrics.display.numbers import count, counted, plural
from metrics.plots.flows import Node, Part, parts_of
from metrics.plots.needed import need, one_group, pixels, shorten
from metrics.plots.style import BLUE, GREY, HATCH, INK, MID, MUTED, RED, Margins, Plot, no_data

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BAR, _LABEL, _HEAD, _TITLE, _BETWEEN = 9.0, 35.0, 22.0, 26.0, 14.0  # px
_THIN = 1.5  # of a bar that would be thinner


def plot_paths(table: pd.DataFrame, ax: "Axes | None" = None) -> "Axes":
    """Draw what users do, step after step.

    A column for each step, a bar for each event, a band for those who went from one to the other. The part of a bar
    without a band are those who stop (known with `as_of`); most of them in red. Of `drop_off_paths` those who dropped
    stand above those who converted, and red is what they did most instead.

    Parameters
    ----------
    table
        Result of `user_paths` or `drop_off_paths`. The smaller events of a step are gathered as "other".
    ax
        Axes to draw on; without, a figure of its own is made.

    Returns
    -------
    Axes

    Raises
    ------
    ValueError
        `table` has not the columns of paths, or has several groups (`by`).

    Examples
    --------
    >>> table = pd.DataFrame(
    ...     {
    ...         "source_step": [1, 1],
    ...         "source": ["visit", "visit"],
    ...         "target_step": [2, 2],
    ...         "target": ["buy", "(exit)"],
    ...         "users": [4, 6],
    ...         "share": [0.4, 0.6],
    ...     }
    ... )
    >>> [text.get_text() for text in plot_paths(table).texts]
    ['Step 1', 'visit', '10 (6 stop)', 'Step 2', 'buy', '4']
    """
    need(table, "user_paths", ["source_step", "source", "target_step", "target", "users", "share"])
    if "outcome" not in table:
        one_group(table, "a figure")
    return _PATHS.on(table, ax)


def _scale(part: Part, narrow: bool) -> float:
    """Pixels of a user: the fullest step fills the height of its bars. A part with a title shares the page."""
    fullest = max(sum(node.size for node in nodes.values()) for nodes in part.steps.values())
    return (150 if narrow or part.title else 220) / fullest


def _panel_height(part: Part, steps: list[int], scale: float) -> float:
    tall = [sum(_LABEL + max(_THIN, scale * node.size) for node in part.steps[step].values()) for step in steps]
    return _HEAD + max(tall)


def _height(table: pd.DataFrame, narrow: bool) -> float:
    return _height_of(parts_of(table, narrow), narrow)


def _height_of(parts: list[Part], narrow: bool) -> float:
    if not parts:
        return 60
    total = 0.0
    for part in parts:
        total += _TITLE if part.title else 0
        total += sum(_panel_height(part, steps, _scale(part, narrow)) + _BETWEEN for steps in part.panels)
    return total


def _paint(ax: "Axes", table: pd.DataFrame, narrow: bool) -> None:
    parts = parts_of(table, narrow)
    if not parts:
        no_data(ax, "Nobody took two steps.")
        return
    ax.set_axis_off()
    wide = pixels(ax)
    ax.set_xlim(0, wide)
    ax.set_ylim(_height_of(parts, narrow), 0)
    columns = max(len(steps) for part in parts for steps in part.panels)
    pitch = wide / columns
    y = 0.0
    for part in parts:
        scale = _scale(part, narrow)
        if part.title:
            ax.text(0, y + 14, part.title, fontsize=13, fontweight="bold", color=INK, va="baseline")
            y += _TITLE
        for steps in part.panels:
            _paint_panel(ax, table, part, steps, y, pitch, scale)
            y += _panel_height(part, steps, scale) + _BETWEEN


def _paint_panel(
    ax: "Axes", table: pd.DataFrame, part: Part, steps: list[int], y: float, pitch: float, scale: float
) -> None:
    for place, step in enumerate(steps):
        x, below = place * pitch, y + _HEAD
        again = " again" if place == 0 and steps != part.panels[0] else ""
        ax.text(x, y + 11, _step_name(table, step) + again, color=MUTED, va="baseline")
        for name, node in part.steps[step].items():
            node.top, node.left, node.arrived = below + _LABEL, 0.0, 0.0
            below = node.top + max(_THIN, scale * node.size)
            red = part.red_node == (step, name)
            _bar(ax, node, x, scale, red=red)
            _name(ax, part, node, (step, name), x, pitch)
    for place, step in enumerate(steps[:-1]):
        for source, node in part.steps[step].items():
            for target, to in part.steps[step + 1].items():
                users = part.flows.get((step, source, target), 0.0)
                if users:
                    _band(
                        ax, (place * pitch + _BAR, node.top + scale * node.left),
                        ((place + 1) * pitch, to.top + scale * to.arrived), max(0.6, scale * users),
                        red=part.red_flow == (step, source, target),
                    )  # fmt: skip
                    node.left, to.arrived = node.left + users, to.arrived + users


def _step_name(table: pd.DataFrame, step: int) -> str:
    last = setting(table, "max_steps")
    if setting(table, "end_event") and not setting(table, "start_event") and last:
        return "The end" if step == last else f"{int(last) - step} before"
    return f"Step {step}"


def _bar(ax: "Axes", node: Node, x: float, scale: float, *, red: bool) -> None:
    stopped, undecided = scale * node.stopped, scale * node.undecided
    whole = max(_THIN, scale * node.size)
    on = whole - stopped - undecided
    if on > 0.05:
        ax.bar(x, on, bottom=node.top, width=_BAR, align="edge", color=BLUE, linewidth=0, zorder=3)
    if stopped:
        gap = 1.0 if on > 2 and stopped > 2 else 0.0
        ax.bar(
            x, stopped - gap, bottom=node.top + on + gap, width=_BAR, align="edge", color=RED if red else GREY,
            linewidth=0, zorder=3,
        )  # fmt: skip
    if undecided:
        ax.bar(
            x, undecided, bottom=node.top + on + stopped, width=_BAR, align="edge", fill=False, hatch=HATCH,
            edgecolor=MID, linewidth=0.8, zorder=3,
        )  # fmt: skip


def _name(ax: "Axes", part: Part, node: Node, key: tuple[int, str], x: float, pitch: float) -> None:
    room = pitch - 6
    red = part.red_node == key
    said = _users(node)
    if part.red_flow and (part.red_flow[0] + 1, part.red_flow[2]) == key:
        red, more = True, f"{count(node.users)}, {part.red_words}"
        short = part.red_words
    else:
        more = f"{said} ({count(node.stopped)} stop)" if node.stopped else said
        short = f"{count(node.stopped)} stop" if red else said
    said = more if _wide(more, bold=red) <= room else short
    ax.text(x, node.top - 20, _cut(node.name, room), fontweight="bold", color=INK, va="baseline", zorder=4)
    weight = "bold" if red else "normal"
    ax.text(x, node.top - 6, said, color=RED if red else MUTED, fontweight=weight, va="baseline", zorder=4)


def _wide(text: str, *, bold: bool) -> float:
    """Width in the widest of the fonts that a page may have."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal", size=12)
    return float(text_to_path.get_text_width_height_descent(text, font, ismath=False)[0])


def _cut(name: str, room: float) -> str:
    """A bold name, cut with an ellipsis where there is no room for it."""
    name = shorten(name, room, letter=4)
    if _wide(name, bold=True) <= room:
        return name
    whole = name.removesuffix("…")
    return next(
        (f"{whole[:k]}…" for k in range(len(whole) - 1, 3, -1) if _wide(f"{whole[:k]}…", bold=True) <= room), "…"
    )


def _users(node: Node) -> str:
    return f"up to {count(node.users)}" if node.at_most else count(node.users)


def _band(ax: "Axes", start: tuple[float, float], end: tuple[float, float], thick: float, *, red: bool) -> None:
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    (x0, y0), (x1, y1) = start, end
    middle = (x0 + x1) / 2
    corners = [
        (x0, y0), (middle, y0), (middle, y1), (x1, y1), (x1, y1 + thick), (middle, y1 + thick), (middle, y0 + thick),
        (x0, y0 + thick), (x0, y0),
    ]  # fmt: skip
    curve = [Path.CURVE4] * 3
    path = Path(corners, [Path.MOVETO, *curve, Path.LINETO, *curve, Path.CLOSEPOLY])
    ax.add_patch(PathPatch(path, facecolor=RED if red else GREY, alpha=0.5, linewidth=0, zorder=2))


def _alt(table: pd.DataFrame) -> str:
    parts = parts_of(table, narrow=False)
    if not parts:
        return "Paths: nobody took two steps."
    said = []
    for part in parts:
        who = plural(next(iter(part.steps[min(part.steps)].values())).users, "user")
        said.append(f"Paths. {part.title} {who}." if part.title else "Paths of users, step by step.")
        for step, nodes in part.steps.items():
            largest = list(nodes.values())[:3]
            words = [_said(node) for node in largest]
            more = f" and {len(nodes) - 3} more" if len(nodes) > 3 else ""
            said.append(f"{_step_name(table, step)}: {', '.join(words)}{more}.")
        if part.flows:
            (step, source, target), users = max(part.flows.items(), key=lambda one: one[1])
            said.append(f"Most walked: {source} to {target} after step {step}, {counted(users, 'user')}.")
        if part.red_node:
            step, name = part.red_node
            said.append(f"Most stop at {name}, step {step}: {count(part.steps[step][name].stopped)}.")
        if part.red_flow:
            said.append(
                f"Furthest above those who converted: {part.red_flow[1]} to {part.red_flow[2]}, {part.red_words}."
            )
    return " ".join(said)


def _said(node: Node) -> str:
    stop = f" ({count(node.stopped)} stop)" if node.stopped else ""
    return f"{node.name} {_users(node)}{stop}"


def _legend(table: pd.DataFrame) -> str:
    parts = parts_of(table, narrow=False)
    if not parts:
        return ""
    nodes = [node for part in parts for step in part.steps.values() for node in step.values()]
    said = "Height: users. [blue] go on or arrive"
    if any(node.stopped for node in nodes):
        most = " ([red] most)" if any(part.red_node for part in parts) else ""
        said += f", [grey] stop{most}"
    if any(node.undecided for node in nodes):
        said += ", [hatch] session not over"
    if any(part.red_flow for part in parts):
        said += ". [red] share furthest above that of those who converted"
    return f"{said}."


def _margins(table: pd.DataFrame, narrow: bool) -> Margins:
    return Margins()


_PATHS = Plot(_paint, _height, _margins, _alt, _legend)
