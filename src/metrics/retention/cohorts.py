"""Who began when: the rows that put a unit into a cohort."""

from typing import Literal, TypeAlias

import numpy as np
import pandas as pd

from metrics.engine import Rows, Span
from metrics.periods import Calendar, Ints
from metrics.steps import Mask, Step, meets, unknown

Cohort: TypeAlias = Literal["first_time", "recurring", "first_ever", "first_in_range"]

_WHOSE = {
    "first_time": "at its first {start} in all history",
    "recurring": "in every {period} with a {start}",
    "first_ever": "at its very first {event}, if that one is {start}",
    "first_in_range": "at its first {start} in the range",
}


def members(
    rows: Rows, number: Ints, start: Step, cohort: Cohort, by: list[str], calendar: Calendar, span: Span | None
) -> pd.DataFrame:
    """One row per unit and cohort: `_unit`, `cohort` (number of its period), `_began` (instant), columns of `by`.

    `number` is the period of each row; `span` limits the cohorts to the periods that it touches.
    """
    starts = _starts(rows, number, start, cohort, calendar, span)
    found = pd.DataFrame({"_unit": rows.unit[starts], "cohort": number[starts], "_began": rows.time[starts]})
    for column in by:
        if column not in rows.events:
            raise ValueError(unknown("by", column, rows.events.columns, "a column of the event table", "columns"))
        found[column] = rows.column(column).to_numpy()[starts]
    # Rows of one instant may differ in their properties; the least value stands, whatever the order of the file.
    found = found.sort_values(["_unit", "cohort", "_began", *by])
    return found.drop_duplicates(["_unit", "cohort"], ignore_index=True)


def in_words(cohort: Cohort, start: Step, period: str) -> str:
    """When a unit joins, as the end of a sentence."""

    def named(step: Step) -> str:
        return "event of any kind" if step == Step(None) else step.label

    return _WHOSE[cohort].format(start=named(start), event=named(Step(start.event)), period=period)


def _starts(rows: Rows, number: Ints, start: Step, cohort: Cohort, calendar: Calendar, span: Span | None) -> Mask:
    found = rows.sorted(meets(rows.events, start, "start_event", needed=True))
    inside = np.ones(len(number), bool)
    if span is not None and len(number):
        first, last = max(span.since, int(rows.time.min())), max(span.until, span.since + 1) - 1
        low, high = calendar.number(np.array([first, last]))
        inside = (number >= low) & (number <= high) & (span.since < span.until)  # else nothing of it is observed yet
    if cohort == "first_in_range" and not start.first_time_only:
        return rows.first_of_unit(found & inside)
    if cohort == "first_ever":
        first_ever = rows.first_of_unit(rows.sorted(meets(rows.events, Step(start.event), "start_event")))
        return first_ever & found & inside
    if cohort == "first_time" or start.first_time_only:
        return rows.first_of_unit(found) & inside
    return found & inside
