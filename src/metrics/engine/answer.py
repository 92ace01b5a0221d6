"""`by_user`: run a kernel over rows partitioned by user, wherever they are."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import pandas as pd

from metrics.engine.cluster import SparkSource, is_spark
from metrics.engine.days import DaysSource, UserDays
from metrics.engine.frames import frame_source
from metrics.engine.local import Columns, Source
from metrics.engine.reading import Reading
from metrics.periods import Ints
from metrics.steps import Mask, meets
from metrics.store import EventSource

if TYPE_CHECKING:
    from pyspark.sql import DataFrame as SparkFrame


@dataclass(frozen=True)
class Answer:
    """What the kernels returned, one call's columns after the other's, and what their codes and ids stand for."""

    columns: Columns
    source: Source

    def values(self, group: str) -> pd.Index:
        """Values of the codes 0, 1, … of a group."""
        return self.source.values(group)

    def value_of(self, group: str, codes: Ints) -> pd.Series:
        """The value of each code, missing for those that have none (-1)."""
        values = pd.Series(self.values(group))
        missing = (codes < 0) | (codes >= len(values))
        if missing.any() and values.dtype.kind in "iub":  # a missing value must not make floats of whole numbers
            values = values.convert_dtypes()
        return values.reindex(codes).reset_index(drop=True)

    def labels(self, ids: Ints) -> pd.Index:
        """Names of units by their ids."""
        return self.source.labels(ids)


Events: TypeAlias = "pd.DataFrame | EventSource | SparkFrame | UserDays"


def by_user(events: Events, reading: Reading, kernel: Callable[..., Columns], **settings: Any) -> Answer:
    """Run `kernel` over the rows of each unit.

    Parameters
    ----------
    events
        DataFrame, `EventSource` or Spark DataFrame.
    reading
        What to read.
    kernel
        Function of `Rows` and of `settings`, at the top level of a module, that returns equally long arrays by name.
        It is called with the rows of some units, once or many times; its results are put one after the other, in no
        particular order, so that it must not matter which units it sees together.

    Raises
    ------
    ValueError
        A column that is not there, a needed step that no row meets.
    EventTableError
        Rows without a user, an event or a time.
    """
    source = source_of(events)
    reading.check(source.columns)
    columns, met = source.run(reading, partial(kernel, **settings))
    _check_met(source, reading, met)
    return Answer(columns, source)


def rows_of(events: Events, *, unit: str, value: Any, before: int) -> pd.DataFrame:
    """The event table of one unit, up to an instant."""
    source = source_of(events)
    Reading((), before, (unit,)).check(source.columns)
    found = source.of_unit(unit, value)
    return found[found["timestamp"] < pd.Timestamp(before, unit="us", tz="UTC")].reset_index(drop=True)


def time_range(events: Events, before: int) -> tuple[int, int]:
    """First and last instant of all rows before an instant; the first is the later one if there are none."""
    return source_of(events).range(before)


def source_of(events: Events) -> Source:
    """The source of rows that stands behind what an analyst calls events."""
    if isinstance(events, UserDays):
        return DaysSource(events)
    if isinstance(events, EventSource):
        from metrics.engine.files import FileSource

        return FileSource(events)
    return SparkSource(events) if is_spark(events) else frame_source(events)


def _check_met(source: Source, reading: Reading, met: Mask) -> None:
    """Speak of marks that no row meets: an event or a value that does not occur is often a slip of the pen."""
    for mark, is_met in zip(reading.marks, met, strict=True):
        if not is_met:
            meets(
                source.examples(list(dict.fromkeys(["event", *mark.step.where]))),
                mark.step,
                mark.argument,
                needed=mark.needed,
            )
