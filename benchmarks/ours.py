"""Our side, called as an analyst would call it; opening the file belongs to the answer, importing does not."""

from typing import Any

import pandas as pd

import metrics
from benchmarks.question import AS_OF, STEPS, WINDOW
from benchmarks.worker import Ask, elsewhere

NEEDED = ["user_id", "event", "timestamp"]


def funnel(file: str, **settings: Any) -> Ask:
    """Five steps in order with the times between them, from a file."""
    by = settings.pop("by", None)
    return lambda: funnel_counts(metrics.open_events(file, **settings), by)


def funnel_frame(file: str) -> Ask:
    """The same from a DataFrame that is already in memory."""
    events = pd.read_parquet(file, columns=NEEDED)
    return lambda: funnel_counts(events)


def funnel_spark(file: str) -> Ask:
    """The same from a Spark DataFrame."""
    from benchmarks.spark import session

    spark = session()
    return elsewhere(lambda: funnel_counts(spark.read.parquet(file)))


def funnel_counts(events: Any, by: str | None = None) -> list[list[Any]]:
    """Users by step, and by group if asked, in the form that the rivals answer in."""
    table = metrics.conversion_funnel(events, STEPS, window=WINDOW, as_of=AS_OF, by=by)
    if "median_seconds" not in table:
        raise ValueError("the funnel has no column median_seconds. Times are part of the question.")
    if by is None:
        return [table["users"].tolist()]
    return [[group, *rows["users"]] for group, rows in table.groupby(by, sort=True)]
