"""What a figure of paths shows: the events of each step, the flows between them, what is gathered, what is red."""

import math
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from metrics.display.kinds import setting
from metrics.display.numbers import count, signed

_EXIT, _OPEN = "(exit)", "(open)"
_SMALL = 0.015  # of the fullest step: events of fewer are gathered


@dataclass
class Node:
    """An event at a step (or several small ones), and where its bar stands."""

    name: str
    users: float = 0.0
    stopped: float = 0.0
    undecided: float = 0.0
    gathered: bool = False
    at_most: bool = False  # users with several sessions may be counted more than once
    size: float = 0.0  # users that its bar must hold: with sessions one may arrive on several bands
    top: float = 0.0
    left: float = 0.0  # next free place of the bands that leave and that arrive, in users
    arrived: float = 0.0


@dataclass
class Part:
    """The paths of one outcome, or all."""

    title: str
    steps: dict[int, dict[str, Node]]
    flows: dict[tuple[int, str, str], float]
    red_node: tuple[int, str] | None = None
    red_flow: tuple[int, str, str] | None = None
    red_words: str = ""
    panels: list[list[int]] = field(default_factory=list)


def parts_of(table: pd.DataFrame, narrow: bool) -> list[Part]:
    """The paths of a table, those of each outcome apart; a narrow figure has fewer events a step, and steps a row."""
    by_sessions = setting(table, "session_gap") is not None and "outcome" not in table
    table = table[table["users"] > 0]
    table.attrs = {}  # pandas copies them at each step on the way
    if not len(table):
        return []
    if "outcome" not in table:
        return [_part("", table, narrow, by_sessions)]
    parts = []
    for outcome, rows in table.groupby("outcome", sort=False):
        part = _part("", rows, narrow, False)
        first = next(iter(part.steps[min(part.steps)].values()))
        part.title = f"{str(outcome).capitalize()} after {first.name}: {count(first.users)}"
        parts.append(part)
    return parts


def _part(title: str, rows: pd.DataFrame, narrow: bool, by_sessions: bool) -> Part:
    beyond = rows["target"].isin([_EXIT, _OPEN])
    at_source = (rows["users"] / rows["share"]).round().groupby([rows["source_step"], rows["source"]]).first()
    arriving = rows[~beyond].groupby(["target_step", "target"])["users"]
    many = arriving.size()
    known = at_source.combine_first(arriving.sum().rename_axis(["source_step", "source"]))
    least = _SMALL * known.groupby(level=0).sum().max()
    drawn_as: dict[int, dict[str, str]] = {}
    for step in sorted(set(known.index.get_level_values(0))):
        most = 4 if narrow or "outcome" in rows else 6  # two outcomes, one above the other, must fit on a printed page
        drawn_as[int(step)] = _gather(known.xs(step, level=0), most, least)
    part = Part(title, {step: {} for step in sorted(drawn_as)}, {})
    for place, users in zip(_places(known.index.to_frame()), known.to_numpy(float), strict=True):
        step, name = place
        node = part.steps[step].setdefault(drawn_as[step][name], Node(drawn_as[step][name]))
        node.gathered |= drawn_as[step][name] != name
        node.at_most |= by_sessions and (node.gathered or (place not in at_source.index and many[place] > 1))
        node.users += float(users)
    for (step, name), target, users in zip(_places(rows), rows["target"], rows["users"].to_numpy(float), strict=True):
        source = drawn_as[step][name]
        if target == _EXIT:
            part.steps[step][source].stopped += float(users)
        elif target == _OPEN:
            part.steps[step][source].undecided += float(users)
        else:
            key = (step, source, drawn_as[step + 1][target])
            part.flows[key] = part.flows.get(key, 0.0) + float(users)
    _sort_and_size(part)
    _highlight(part, rows)
    part.panels = _panels(list(part.steps), 3 if narrow else 6)
    return part


def _places(rows: pd.DataFrame) -> list[tuple[int, str]]:
    return list(zip(rows["source_step"].astype(int), rows["source"].astype(str), strict=True))


def _gather(users: pd.Series, most: int, least: float) -> dict[str, str]:
    """The name under which each event of a step is drawn: its own, or that of all the small ones."""
    ranked = users.sort_values(ascending=False, kind="stable").index.tolist()
    large = [name for name in ranked[:most] if users[name] >= least]
    rest = len(ranked) - len(large)
    if rest < 2:  # one small event is no longer than its gathering
        return {name: name for name in ranked}
    return {name: name if place < len(large) else f"{rest} others" for place, name in enumerate(ranked)}


def _sort_and_size(part: Part) -> None:
    leaving: dict[tuple[int, str], float] = {}
    coming: dict[tuple[int, str], float] = {}
    for (step, source, target), users in part.flows.items():
        leaving[step, source] = leaving.get((step, source), 0.0) + users
        coming[step + 1, target] = coming.get((step + 1, target), 0.0) + users
    for step, nodes in part.steps.items():
        for name, node in nodes.items():
            out = leaving.get((step, name), 0.0) + node.stopped + node.undecided
            node.size = max(node.users, out, coming.get((step, name), 0.0))
        ranked = sorted(nodes.values(), key=lambda node: (node.gathered, -node.users, node.name))
        part.steps[step] = {node.name: node for node in ranked}


def _highlight(part: Part, rows: pd.DataFrame) -> None:
    """The one thing to see: where most stop; of those who dropped, what they did first more often than the others."""
    if "difference_low" in rows:
        drawn = np.array(
            [(*place, target) in part.flows for place, target in zip(_places(rows), rows["target"], strict=True)]
        )
        first = rows["source_step"] == rows["source_step"].min()
        clear = rows[drawn & first & (rows["difference_low"] > 0) & (rows["outcome"] == "dropped")]
        if len(clear):
            row = clear.loc[clear["difference"].idxmax()]
            part.red_flow = (int(row["source_step"]), row["source"], row["target"])
            part.red_words = f"{signed(100 * row['difference'])} points"
    elif "outcome" not in rows:
        nodes = [(step, node) for step, nodes in part.steps.items() for node in nodes.values() if not node.gathered]
        stops = {(step, node.name): node.stopped for step, node in nodes}
        if stops and max(stops.values()) > 0:
            part.red_node = max(stops, key=lambda key: stops[key])


def _panels(steps: list[int], most: int) -> list[list[int]]:
    """The steps cut into rows of equal length, each beginning with the step at which the one before ended."""
    rows = max(1, math.ceil((len(steps) - 1) / (most - 1)))
    each = max(1, math.ceil((len(steps) - 1) / rows))
    return [steps[k : k + each + 1] for k in range(0, max(1, len(steps) - 1), each)]
