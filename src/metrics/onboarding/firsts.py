"""Who did what when for the first time: the kernel of onboarding, and the time to it with the unfinished kept."""

from typing import Any

import numpy as np

from metrics.engine import Rows
from metrics.engine.groups import MISSING
from metrics.engine.local import Columns
from metrics.intervals import Floats
from metrics.periods import DAY, Calendar, Ints
from metrics.steps import Mask
from metrics.survival import survival_curve, survival_summary

NEVER = -(2**62)
MEDIAN = ["median_days", "median_days_low", "median_days_high"]


def firsts_of(
    rows: Rows, goals: int, firsts: tuple[int, ...], since: int, until: int, days: Calendar | None
) -> Columns:
    """By unit: its start, its first row of each goal from there on, and one on a later day.

    Mark 0 is the start, marks 1 to `goals` are the goals; of the marks in `firsts` only a unit's first row counts.
    """
    met = [rows.first_of_unit(rows.meets(k)) if k in firsts else rows.meets(k) for k in range(goals + 1)]
    began = first_times(rows, met[0])
    known = np.flatnonzero((began >= since) & (began < until) & (began != NEVER))
    found = {"start": began[known]}
    found |= groups_at(rows, met[0] & (rows.time == began[rows.unit]), known)
    for goal in range(1, goals + 1):
        after = met[goal] & (rows.time >= began[rows.unit]) & (began[rows.unit] != NEVER)
        first = first_times(rows, after)
        found[f"first {goal}"] = first[known]
        if days is not None:
            day, first_day = days.number(rows.time), days.number(first)
            found[f"again {goal}"] = first_times(rows, after & (day > first_day[rows.unit]))[known]
    return found


def groups_at(rows: Rows, mask: Mask, known: Ints) -> Columns:
    """Columns ``group …``: the group of each of the units `known`, as their rows in `mask` have it.

    Rows of one instant may differ in their properties; the least value stands, whatever the order of the file.
    """
    found = {}
    for name, code in rows.groups.items():
        least = np.full(len(rows.ids), MISSING)
        np.minimum.at(least, rows.unit[mask], np.where(code < 0, MISSING, code)[mask])
        found[f"group {name}"] = least[known]
    return found


def first_times(rows: Rows, mask: Mask) -> Ints:
    """Time of each unit's first row in `mask`."""
    first = np.full(len(rows.ids), NEVER)
    at = np.flatnonzero(mask)[::-1]
    first[rows.unit[at]] = rows.time[at]  # the first one is written last
    return first


def waits(start: Ints, first: Ints, as_of: int) -> tuple[Floats, Mask]:
    """Days from the start to the first, or watched so far; and whether it came."""
    came = first != NEVER
    return (np.where(came, first, as_of) - start) / DAY, came


def median_days(start: Ints, first: Ints, as_of: int, confidence: float) -> dict[str, Any]:
    """Kaplan-Meier median of the days from start to first, with its limits; who has not come is watched so far."""
    days, came = waits(start, first, as_of)
    said = survival_summary(survival_curve(days, came, confidence=confidence)).iloc[0]
    names = ("median", "median_low", "median_high")
    median: dict[str, Any] = {ours: float(said[theirs]) for ours, theirs in zip(MEDIAN, names, strict=True)}
    reason = None if not np.isnan(median["median_days"]) else "no_users" if not len(start) else "above_half"
    return {**median, "_median_reason": "zero_denominator" if reason == "no_users" else reason}
