"""Which rows are meant: an event by its name, or a `Step` that asks for more."""

import difflib
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Step:
    """Rows of one event, narrowed by their properties.

    Parameters
    ----------
    event
        Name in the ``event`` column; None means any event.
    where
        Property columns and the value each must have: ``{"plan": "pro"}``; None means that it is missing.
    optional
        An attempt goes on without it; it is counted where it happens between its neighbours.
    first_time_only
        Only the first row of a user, in all history, that meets `event` and `where`.

    Examples
    --------
    >>> Step("purchase", where={"plan": "pro"}).label
    'purchase (plan = pro)'
    """

    event: str | None
    where: Mapping[str, Any] = field(default_factory=dict)
    optional: bool = False
    first_time_only: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.where, Mapping):
            raise ValueError(f"where: {self.where!r} names no columns. Use such as {{'plan': 'pro'}}.")

    @property
    def label(self) -> str:
        """The step in words."""
        words = [f"{column} = {value}" for column, value in self.where.items()]
        words += ["first time"] if self.first_time_only else []
        words += ["optional"] if self.optional else []
        name = "any event" if self.event is None else self.event
        return f"{name} ({', '.join(words)})" if words else name


EventChoice: TypeAlias = str | Step | None


def as_step(choice: EventChoice, name: str) -> Step:
    """A name, a `Step` or None (any event) as a `Step`."""
    if isinstance(choice, Step):
        return choice
    if choice is None or isinstance(choice, str):
        return Step(choice)
    raise ValueError(f"{name}: {choice!r} is neither an event's name nor a Step.")


def meets(events: pd.DataFrame, step: Step, name: str, *, needed: bool = False) -> Mask:
    """Which rows of the event table meet the step (``first_time_only`` is the caller's, for it needs the unit).

    A name that no row has is refused if the metric is nothing without it (`needed`) or if it looks like a slip of the
    pen. Otherwise nobody has done it yet: that is a count of 0, with a warning.
    """
    keep = np.ones(len(events), bool)
    if step.event is not None:
        keep &= (events["event"] == step.event).to_numpy(bool, na_value=False)
        if not keep.any() and len(events):
            _check_absent(name, step.event, events["event"].unique(), needed=needed)
    for column, value in step.where.items():
        if column not in events:
            raise ValueError(unknown(name, column, events.columns, "a column of the event table", "columns"))
        if isinstance(value, list | tuple | set | dict):
            raise ValueError(f"{name}: where={{{column!r}: {value!r}}} is not one value. Use one value a property.")
        same = events[column].isna() if pd.isna(value) else events[column] == value
        same = same.to_numpy(bool, na_value=False)
        if not same.any() and len(events):
            seen = events[column].dropna().unique()[:5].tolist()
            warnings.warn(f"{name}: no row has {column} = {value!r}. It has {seen} and the like.", stacklevel=2)
        keep &= same
    return keep


def _check_absent(name: str, event: str, seen: Any, *, needed: bool) -> None:
    others = [str(x) for x in seen]
    slip = re.sub(r"[\W_]", "", event).lower() in {re.sub(r"[\W_]", "", x).lower() for x in others}
    near = difflib.get_close_matches(event, others, cutoff=0.85)
    # step_3 beside step_2 is a sibling, not a slip.
    near = [x for x in near if re.sub(r"\d", "", x) != re.sub(r"\d", "", event)]
    if needed or slip or near:
        raise ValueError(unknown(name, event, seen))
    warnings.warn(unknown(name, event, seen) + " It counts as never done.", stacklevel=5)


def unknown(name: str, value: str, seen: Any, what: str = "in the event table", plural: str = "events") -> str:
    """Message for a name that does not occur: what was found, and the nearest."""
    known = sorted(str(x) for x in seen)
    near = difflib.get_close_matches(str(value), known, n=1)
    shown = f"{known[:20]}" + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return f"{name}: {value!r} is not {what}. Its {plural} are {shown}.{hint}"
