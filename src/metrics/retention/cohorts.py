"""Who began when: the rows that put a unit into a cohort."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from metrics.engine import Mark, Rows, Span
from metrics.periods import Calendar, Ints
from metrics.steps import Mask, Step

Cohort: TypeAlias = Literal["first_time", "recurring", "first_ever", "first_in_range"]

_WHOSE = {
    "first_time": "at its first {start} in all history",
    "recurring": "in every {period} with a {start}",
    "first_ever": "at its very first {event}, if that one is {start}",
    "first_in_range": "at its first {start} in the range",
}


@dataclass(frozen=True)
class Members:
    """Units and the cohorts that they belong to, in the order of both."""

    unit: Ints
    cohort: Ints  # number of its period
    began: Ints  # instant
    groups: dict[str, Ints]  # codes of the columns of `by`

    def __len__(self) -> int:
        return len(self.unit)


def marks(start: Step, back: Step) -> tuple[Mark, ...]:
    """The rows that a cohort table reads: of the start, of the return, and of the start's event whatever it is."""
    return (
        Mark(start, "start_event", needed=True),
        Mark(back, "return_event"),
        Mark(Step(start.event), "start_event"),
    )


def members(rows: Rows, number: Ints, start: Step, cohort: Cohort, calendar: Calendar, span: Span | None) -> Members:
    """Units by cohort.

    `number` is the period of each row; `span` limits the cohorts to the periods that it touches.
    """
    at = np.flatnonzero(_starts(rows, number, start, cohort, calendar, span))
    unit, period, began = rows.unit[at], number[at], rows.time[at]
    if rows.groups:
        # Rows of one instant may differ in their properties; the least value stands, whatever the order of the file.
        codes = [np.where(code[at] < 0, np.iinfo(np.int64).max, code[at]) for code in rows.groups.values()]
        order = np.lexsort((*codes[::-1], began, period, unit))
        at, unit, period, began = at[order], unit[order], period[order], began[order]
    first = np.ones(len(at), bool)
    if len(at):
        first[1:] = (unit[1:] != unit[:-1]) | (period[1:] != period[:-1])
    groups = {name: code[at[first]] for name, code in rows.groups.items()}
    return Members(unit[first], period[first], began[first], groups)


def in_words(cohort: Cohort, start: Step, period: str) -> str:
    """When a unit joins, as the end of a sentence."""

    def named(step: Step) -> str:
        return "event of any kind" if step == Step(None) else step.label

    return _WHOSE[cohort].format(start=named(start), event=named(Step(start.event)), period=period)


def _starts(rows: Rows, number: Ints, start: Step, cohort: Cohort, calendar: Calendar, span: Span | None) -> Mask:
    found = rows.meets(0)
    inside: Mask = np.ones(len(number), bool)
    if span is not None and len(number):
        first, last = max(span.since, int(rows.time.min())), max(span.until, span.since + 1) - 1
        low, high = calendar.number(np.array([first, last]))
        inside = (number >= low) & (number <= high) & (span.since < span.until)  # else nothing of it is observed yet
    if cohort == "first_in_range" and not start.first_time_only:
        return rows.first_of_unit(found & inside)
    if cohort == "first_ever":
        return rows.first_of_unit(rows.meets(2)) & found & inside
    if cohort == "first_time" or start.first_time_only:
        return rows.first_of_unit(found) & inside
    return found & inside
