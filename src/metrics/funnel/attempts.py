"""From events to the attempt by which each unit counts: rows selected, attempts followed, units credited."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from metrics.engine import Rows, user_rows
from metrics.events import conform
from metrics.funnel import search
from metrics.funnel.choices import Choices
from metrics.funnel.moments import Moments, gather
from metrics.periods import Ints
from metrics.results import keys
from metrics.steps import Mask, meets, unknown


@dataclass(frozen=True)
class Credited:
    """One attempt per unit (or all that count): how far it came and when, and whether it still has time."""

    unit: pd.Index
    cluster: Ints  # which attempts belong to one unit
    groups: pd.DataFrame  # one row per attempt, the columns of `by`
    level: Ints
    times: Ints  # steps x attempts; instant of each step, only where reached
    reached: Mask  # steps x attempts
    open: Mask
    open_for: Ints  # how long the unit's last attempt has been watched at `as_of`
    void: Mask  # units of which every attempt is void, by an exclusion


@dataclass(frozen=True)
class Prepared:
    """Selected rows as moments, and every attempt that may begin, followed to its end."""

    rows: Rows
    moments: Moments
    attempts: search.Attempts
    void: Mask  # attempts that an exclusion made void


def prepare(events: pd.DataFrame, choices: Choices) -> Prepared:
    """Select the rows that matter, gather and follow them."""
    span, rules = choices.span, choices.rules
    events = conform(events)
    entered = choices.order != "unordered"  # by step 1, without which nobody can enter
    met = np.stack([meets(events, step, "steps", needed=entered and k == 0) for k, step in enumerate(choices.path)])
    marks = [meets(events, step, "exclude") for step, _, _ in choices.exclusions]
    wanted: Mask = np.logical_or.reduce([*met, *marks])
    if choices.order == "strict":
        wanted = np.ones(len(events), bool)
    rows = user_rows(events, unit=choices.columns_of_unit, before=span.as_of, only=wanted)
    met, marks = met[:, rows.source], [mark[rows.source] for mark in marks]
    for k, step in enumerate(choices.path):
        if step.first_time_only:
            met[k] = rows.first_of_unit(met[k])
    if choices.range_applies_to == "all_steps":
        met &= (rows.time >= span.since) & (rows.time < span.until)
    moments = gather(rows.unit, rows.time, met)
    entry = moments.meets.any(axis=0) if choices.order == "unordered" else moments.meets[0].copy()
    entry &= (moments.time >= span.since) & (moments.time < span.until)
    if choices.mature_only:
        entry &= moments.time + rules.window <= span.as_of
    starts = np.flatnonzero(entry)
    if choices.reentry == "first" and len(starts):
        unit = moments.unit[starts]
        starts = starts[np.r_[True, unit[1:] != unit[:-1]]]
    go = search.gather_any if choices.order == "unordered" else search.follow
    attempts = go(moments, starts, rules)
    void = np.zeros(len(starts), bool)
    for (_, from_step, to_step), mark in zip(choices.exclusions, marks, strict=True):
        marked = np.zeros(len(moments.time), bool)
        marked[moments.row[mark]] = True
        void |= search.voided(moments, attempts, rules, marked, from_step, to_step)
    return Prepared(rows, moments, attempts, void)


def credited(events: pd.DataFrame, choices: Choices) -> Credited:
    """The attempt by which each unit counts, with the columns of `by`."""
    for column in keys(choices.by):
        if column not in events:
            raise ValueError(unknown("by", column, events.columns, "a column of the event table", "columns"))
    prepared = prepare(events, choices)
    moments, rules = prepared.moments, choices.rules
    clean, void = prepared.attempts.only(~prepared.void), prepared.attempts.only(prepared.void)
    void = void.only(~np.isin(moments.unit[void.starts], moments.unit[clean.starts]))  # of units without a clean one
    if choices.counting == "attempts":
        counted = search.one_after_another(moments, clean, rules)
    else:
        counted = search.best(moments, clean)
    chosen = np.r_[counted, len(clean.starts) + search.best(moments, void)].astype(np.int64)
    tried = search.Attempts(np.r_[clean.starts, void.starts], np.c_[clean.path, void.path])
    at, start = tried.path[:, chosen], tried.starts[chosen]
    unit, reached, began = moments.unit[start], at >= 0, moments.time[start]
    if choices.counting == "users" and len(counted):
        # The last entry decides whether a unit still has time: any attempt that is open may become its best.
        place = np.searchsorted(moments.unit[clean.starts], unit[: len(counted)], side="right") - 1
        began[: len(counted)] = moments.time[clean.starts[place]]
    groups = pd.DataFrame(index=range(len(unit)))
    for column in keys(choices.by):
        groups[column] = _touch(prepared, choices, column, at).array
    return Credited(
        unit=prepared.rows.labels[unit],
        cluster=unit,
        groups=groups,
        level=reached.sum(axis=0),
        times=np.where(reached, moments.time[at] if len(unit) else at, 0),
        reached=reached,
        open=(began + rules.window > choices.span.as_of) & (not choices.range_is_over),
        open_for=choices.span.as_of - began,
        void=chosen >= len(clean.starts),
    )


def _touch(prepared: Prepared, choices: Choices, column: str, at: Ints) -> pd.Series:
    """Value of `column` on the rows that served the attempt: the first, the last, or that of one step."""
    moments = prepared.moments
    values = prepared.rows.column(column)
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
        met = moments.met.any(axis=0) if choices.order == "unordered" else moments.met[step]
        here = np.full(len(moments.time) + 1, none)
        np.minimum.at(here, moments.row, np.where(met, code, none))
        touched = here[at[step]]  # -1, a step not reached, reads the empty last place
        found = np.where(found == none, touched, found)
    return pd.Series(known).reindex(np.where(found == none, -1, found)).reset_index(drop=True)
