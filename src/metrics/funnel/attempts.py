"""From events to the attempt by which each unit counts: choices checked, rows selected, the kernel run."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics import periods
from metrics.engine import Rows, Span, user_rows
from metrics.events import conform
from metrics.funnel import kernel
from metrics.periods import Ints, When
from metrics.results import keys
from metrics.steps import EventChoice, Mask, Step, as_step, meets, unknown

Attribution: TypeAlias = Literal["first_touch", "last_touch", "step", "all_events"]
Reentry: TypeAlias = Literal["best", "first"]
Ties: TypeAlias = Literal["allow", "strict_increase"]
RangeAppliesTo: TypeAlias = Literal["entry", "all_steps"]
Order: TypeAlias = Literal["ordered"]


@dataclass(frozen=True)
class Choices:
    """All arguments of a funnel, checked."""

    steps: Sequence[EventChoice]
    as_of: When
    window: str = "14 days"
    order: Order = "ordered"
    reentry: Reentry = "best"
    ties: Ties = "allow"
    by: str | Sequence[str] | None = None
    attribution: Attribution = "first_touch"
    attribution_step: int | None = None
    since: When | None = None
    until: When | None = None
    range_applies_to: RangeAppliesTo = "entry"
    mature_only: bool = False
    unit: str = "user_id"
    tz: str = "UTC"
    confidence: float = 0.95
    path: tuple[Step, ...] = field(init=False, default=())

    def __post_init__(self) -> None:
        for name, allowed in (
            ("order", Order), ("reentry", Reentry), ("ties", Ties),
            ("attribution", Attribution), ("range_applies_to", RangeAppliesTo),
        ):  # fmt: skip
            periods.one_of(name, getattr(self, name), allowed)
        if isinstance(self.steps, str | Step) or not len(self.steps):
            raise ValueError(f"steps: {self.steps!r} is not a list of steps. Use a list such as ['visit', 'sign_up'].")
        object.__setattr__(self, "path", tuple(as_step(step, "steps") for step in self.steps))
        if self.attribution == "step" and self.attribution_step not in range(1, len(self.path) + 1):
            raise ValueError(
                f"attribution_step: {self.attribution_step!r} is not a step. Use 1 to {len(self.path)} "
                "with attribution='step'."
            )
        periods.duration(self.window)
        periods.zone(self.tz)

    @property
    def span(self) -> Span:
        """What is reported, and what is observed."""
        return Span.read(since=self.since, until=self.until, as_of=self.as_of, tz=self.tz)

    @property
    def settings(self) -> dict[str, object]:
        """The choices as they are printed beside the numbers."""
        return {
            "steps": [step.label for step in self.path],
            "window": self.window,
            "as_of": periods.spoken(self.span.as_of, self.tz),
            "tz": self.tz,
            "since": None if self.since is None else periods.spoken(self.span.since, self.tz),
            "until": None if self.until is None else periods.spoken(self.span.until, self.tz),
            "order": self.order,
            "reentry": self.reentry,
            "ties": self.ties,
            "range_applies_to": self.range_applies_to,
            "mature_only": self.mature_only or None,
            "unit": self.unit,
            "by": keys(self.by) or None,
            "attribution": self.attribution if self.by else None,
            "confidence": self.confidence,
        }

    @property
    def definition(self) -> str:
        """One sentence that says who is counted."""
        first, *rest = (step.label for step in self.path)
        then = "".join(f", then {label}" for label in rest)
        who = "its best attempt" if self.reentry == "best" else "its first attempt"
        entries = "; only entries whose window is over" if self.mature_only else ""
        return (
            f"Each {self.unit} that did {first}{then}: in this order, other events between them allowed, "
            f"all within {self.window} of the first step (the last instant included); a unit counts by {who}{entries}."
        )


@dataclass(frozen=True)
class Credited:
    """One attempt per unit: how far it came, when it met each step, and whether the unit still has time."""

    unit: pd.Index
    groups: pd.DataFrame  # one row per unit, the columns of `by`
    level: Ints
    times: Ints  # steps x units; instant of each step, only where reached
    reached: Mask  # steps x units
    open: Mask
    open_for: Ints  # how long the last attempt has been watched at `as_of`


@dataclass(frozen=True)
class Prepared:
    """Selected rows as moments, with the moments at which an attempt may begin."""

    rows: Rows
    chosen: Ints  # rows that meet a step
    met: Mask  # steps x chosen
    moments: kernel.Moments
    starts: Ints


def prepare(events: pd.DataFrame, choices: Choices, only: Mask | None = None) -> Prepared:
    """Select the rows that matter and gather them; `only` narrows the event table beforehand."""
    span, window = choices.span, periods.duration(choices.window)
    events = conform(events)
    met = np.stack([meets(events, step, "steps", needed=k == 0) for k, step in enumerate(choices.path)])
    wanted: Mask = np.logical_or.reduce(met)
    rows = user_rows(events, unit=choices.unit, before=span.as_of, only=wanted)
    met = met[:, rows.source]
    for k, step in enumerate(choices.path):
        if step.first_time_only:
            met[k] = rows.first_of_unit(met[k])
    if only is not None:
        met &= rows.sorted(only)
    if choices.range_applies_to == "all_steps":
        met &= (rows.time >= span.since) & (rows.time < span.until)
    chosen = np.flatnonzero(met.any(axis=0))
    met = met[:, chosen]
    moments = kernel.gather(rows.unit[chosen], rows.time[chosen], met)
    entry = moments.meets[0] & (moments.time >= span.since) & (moments.time < span.until)
    if choices.mature_only:
        entry &= moments.time + window <= span.as_of
    starts = np.flatnonzero(entry)
    if choices.reentry == "first" and len(starts):
        unit = moments.unit[starts]
        starts = starts[np.r_[True, unit[1:] != unit[:-1]]]
    return Prepared(rows, chosen, met, moments, starts)


def attempts(prepared: Prepared, choices: Choices) -> kernel.Attempts:
    """Every attempt that may begin, followed to its end."""
    window = periods.duration(choices.window)
    return kernel.follow(prepared.moments, prepared.starts, window=window, ties=choices.ties == "allow")


def credited(events: pd.DataFrame, choices: Choices) -> list[Credited]:
    """The attempt by which each unit counts; with ``attribution="all_events"`` one list entry per group."""
    by = keys(choices.by)
    for column in by:
        if column not in events:
            raise ValueError(unknown("by", column, events.columns, "a column of the event table", "columns"))
    if not by or choices.attribution != "all_events":
        return [_credit(events, choices, None)]
    values = events[by].drop_duplicates()
    found = []
    for row in range(len(values)):
        value = values.iloc[row]
        same = np.logical_and.reduce([_equals(events[column], value[column]) for column in by])
        one = _credit(events, choices, same)
        groups = pd.concat([values.iloc[[row]]] * len(one.unit), ignore_index=True) if len(one.unit) else values[:0]
        found.append(Credited(one.unit, groups, one.level, one.times, one.reached, one.open, one.open_for))
    return found


def _equals(column: pd.Series, value: Any) -> Mask:
    return (column.isna() if pd.isna(value) else column == value).to_numpy(bool, na_value=False)


def _credit(events: pd.DataFrame, choices: Choices, only: Mask | None) -> Credited:
    prepared = prepare(events, choices, only)
    moments, tried = prepared.moments, attempts(prepared, choices)
    chosen = kernel.best(moments, tried)
    at = tried.path[:, chosen]
    unit = moments.unit[tried.starts[chosen]]
    reached = at >= 0
    # The last entry decides whether a unit still has time: any attempt that is open may become its best.
    units_of_starts = moments.unit[tried.starts]
    last_start = tried.starts[np.searchsorted(units_of_starts, unit, side="right") - 1] if len(unit) else unit
    as_of, window = choices.span.as_of, periods.duration(choices.window)
    began = moments.time[last_start] if len(unit) else unit
    groups = pd.DataFrame(index=range(len(unit)))
    if choices.attribution != "all_events":
        for column in keys(choices.by):
            groups[column] = _touch(prepared, choices, column, at).array
    return Credited(
        unit=prepared.rows.labels[unit],
        groups=groups,
        level=reached.sum(axis=0),
        times=np.where(reached, moments.time[at] if len(unit) else at, 0),
        reached=reached,
        open=began + window > as_of,
        open_for=as_of - began,
    )


def _touch(prepared: Prepared, choices: Choices, column: str, at: Ints) -> pd.Series:
    """Value of `column` on the rows that served the attempt: the first, the last, or that of one step."""
    moments = prepared.moments
    values = prepared.rows.column(column).iloc[prepared.chosen]
    # Codes in the order of the values, so that rows of one instant never depend on the order of the file.
    code, known = pd.factorize(values, sort=True)
    none = len(known)
    code = np.where(code < 0, none, code)
    steps = range(len(choices.path))
    if choices.attribution == "step":
        steps = range((choices.attribution_step or 1) - 1, choices.attribution_step or 1)
    elif choices.attribution == "last_touch":
        steps = range(len(choices.path) - 1, -1, -1)
    found = np.full(at.shape[1], none)
    for step in steps:
        here = np.full(len(moments.time) + 1, none)
        np.minimum.at(here, moments.row, np.where(prepared.met[step], code, none))
        touched = here[at[step]]  # -1, a step not reached, reads the empty last place
        found = np.where(found == none, touched, found)
    return pd.Series(known).reindex(np.where(found == none, -1, found)).reset_index(drop=True)
