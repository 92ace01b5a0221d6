"""Why does the other tool show another number? The same rows under each tool's rules, and which rule moves whom."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Unpack, get_args

import numpy as np
import pandas as pd

from metrics import periods
from metrics.engine import Events
from metrics.funnel.attempts import credited
from metrics.funnel.choices import Choices
from metrics.funnel.options import FunnelOptions, spell_out
from metrics.funnel.presets import Tool, filled_in
from metrics.periods import When
from metrics.results import result
from metrics.steps import EventChoice

_OURS = "metrics"
_SHOWN = 20  # ids in a list
_NO_COUNT = ("attribution", "attribution_step")  # decide on groups, not on who counts


@spell_out
def reconcile_funnel(
    events: Events,
    steps: Sequence[EventChoice],
    *,
    as_of: When,
    tools: Sequence[Tool] = get_args(Tool),
    **options: Unpack[FunnelOptions],
) -> pd.DataFrame:
    """Why does the other tool show another number for the same funnel?

    The funnel is counted as asked for, and then under the rules of each tool for all that was not asked for (see
    `funnel_presets`). Then each rule is switched on alone, to find those that move the count. Take one of the users
    named to `explain_funnel`, without and with ``like=`` the tool.

    Parameters
    ----------
    tools
        Names for `like`; default all.
    events, steps, as_of, **options
        As in `conversion_funnel`, without `by` and `like`. What is given holds for every tool.

    Returns
    -------
    DataFrame, one row per tool and step; first ``metrics``, the funnel as asked for
        tool, step, event  the tool; 1, 2, …; the step in words
        users              count  units that reach the step under the tool's rules
        difference         count  users minus those of ``metrics``: users_only_here - users_missing
        users_only_here    count  units that reach the step only under the tool's rules
        users_missing      count  units that reach it only as asked for
        rule               arguments of the tool that differ, and how many units each one alone adds and takes away
        ids_only_here, ids_missing  lists of at most 20 of these units, in order

    Raises
    ------
    ValueError
        A tool that is not known; else as `conversion_funnel`.

    Examples
    --------
    >>> from metrics import event_log
    >>> log = event_log('''
    ...     2026-01-01  ann  visit
    ...     2026-01-10  ann  visit
    ...     2026-01-11  ann  buy
    ... ''')
    >>> table = reconcile_funnel(log, ["visit", "buy"], tools=["mixpanel"], window="7 days", as_of="2026-02-01")
    >>> table[["tool", "step", "users", "rule"]]
           tool  step  users               rule
    0   metrics     1      1       as asked for
    1   metrics     2      1       as asked for
    2  mixpanel     1      1         same users
    3  mixpanel     2      0  reentry=first: -1
    """
    for name in ("by", "like"):
        if options.get(name) is not None:
            raise ValueError(f"{name}: {options.get(name)!r} is not used by reconcile_funnel. Leave it out.")
    if isinstance(tools, str) or not len(tools):
        raise ValueError(f"tools: {tools!r} is not a list of tools. Use such as ['mixpanel', 'posthog'].")
    for tool in tools:
        periods.one_of("tools", tool, Tool)
    ours = Choices(steps=steps, as_of=as_of, **options)
    counts = _Counts(events, ours)
    blocks = [_block(_OURS, counts, counts.of({}), ["as asked for"] * len(ours.path))]
    definitions = [ours.definition]
    for tool in tools:
        theirs = Choices(steps=steps, as_of=as_of, **filled_in({**options, "like": tool}))
        changed = _changed(ours, theirs)
        blocks.append(_block(tool, counts, counts.of(changed), _rules(counts, changed)))
        definitions += [] if theirs.spoken_tool is None else [theirs.spoken_tool]
    return result(
        pd.concat(blocks, ignore_index=True),
        metric="reconcile_funnel",
        definition=" ".join(definitions),
        settings=ours.settings | {"tools": list(tools)},
    )


class _Counts:
    """Who reaches each step when some arguments are changed, each funnel counted once."""

    def __init__(self, events: Any, ours: Choices) -> None:
        self.events, self.ours = events, ours
        self._known: dict[tuple[tuple[str, object], ...], pd.DataFrame] = {}

    def of(self, changed: dict[str, Any]) -> pd.DataFrame:
        """How often each unit reaches each step: units x steps."""
        key = tuple(sorted(changed.items()))
        if key not in self._known:
            one, answer = credited(self.events, dataclasses.replace(self.ours, **changed))
            reached = (one.reached & ~one.void).T.astype(np.int64)
            found = pd.DataFrame(reached, index=answer.labels(one.unit).rename("unit"))
            self._known[key] = found if found.index.is_unique else found.groupby(level=0).sum()
        return self._known[key]

    def moved(self, changed: dict[str, Any]) -> pd.DataFrame:
        """Units that reach a step more often (above 0) or less often than as asked for."""
        return self.of(changed).sub(self.of({}), fill_value=0).astype(np.int64).sort_index()


def _changed(ours: Choices, theirs: Choices) -> dict[str, Any]:
    """The arguments that the tool has otherwise, as far as they decide who counts."""
    names = [] if theirs.tool is None else theirs.tool.arguments(theirs.order)
    return {
        name: getattr(theirs, name)
        for name in names
        if name not in _NO_COUNT and getattr(theirs, name) != getattr(ours, name)
    }


def _rules(counts: _Counts, changed: dict[str, Any]) -> list[str]:
    """For each step, the arguments that move its count, and by how many units."""
    whole = counts.moved(changed)
    alone = {name: counts.moved({name: value}) for name, value in changed.items()}
    texts = []
    for step in range(len(counts.ours.path)):
        together = _effect(whole[step])
        effects = {name: _effect(moved[step]) for name, moved in alone.items()}
        said = [f"{name}={changed[name]}: {effect}" for name, effect in effects.items() if effect]
        if not together:
            said = ["same users"]
        elif not said:  # none of them does it alone
            needed = [name for name in changed if _is_needed(counts, changed, name, step)]
            said = [f"{' with '.join(f'{name}={changed[name]}' for name in needed or changed)}: {together}"]
        else:
            rest = whole[step]
            for moved in alone.values():
                rest = rest.sub(moved[step], fill_value=0)
            said += [f"together: {together}"] * bool(rest.any())
        texts.append("; ".join(said))
    return texts


def _effect(moved: "pd.Series[int]") -> str:
    """Units added and taken away, in words such as ``+1 -3``."""
    more, less = int(moved.clip(lower=0).sum()), int(-moved.clip(upper=0).sum())
    return " ".join([f"+{more}"] * (more > 0) + [f"-{less}"] * (less > 0))


def _is_needed(counts: _Counts, changed: dict[str, Any], name: str, step: int) -> bool:
    """Whether others reach a step when one of the arguments is left as asked for."""
    rest = {other: value for other, value in changed.items() if other != name}
    return not counts.moved(rest)[step].equals(counts.moved(changed)[step])


def _block(tool: str, counts: _Counts, reached: pd.DataFrame, rules: list[str]) -> pd.DataFrame:
    moved = reached.sub(counts.of({}), fill_value=0).astype(np.int64).sort_index()
    return pd.DataFrame({
        "tool": tool,
        "step": np.arange(1, len(rules) + 1),
        "event": [step.label for step in counts.ours.path],
        "users": reached.sum().to_numpy(np.int64),
        "difference": moved.sum().to_numpy(np.int64),
        "users_only_here": moved.clip(lower=0).sum().to_numpy(np.int64),
        "users_missing": -moved.clip(upper=0).sum().to_numpy(np.int64),
        "rule": rules,
        "ids_only_here": [moved.index[moved[step] > 0][:_SHOWN].tolist() for step in moved.columns],
        "ids_missing": [moved.index[moved[step] < 0][:_SHOWN].tolist() for step in moved.columns],
    })  # fmt: skip
