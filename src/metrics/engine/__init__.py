"""One kernel, any source of rows: `by_user` runs a metric over a DataFrame, files on disk, or a Spark DataFrame.

A metric says what it reads (`Reading`) and gives a kernel, numpy over `Rows` in which all rows of a unit lie together
in the order of time. The sources only deliver rows, so that a metric has one definition and its answers are identical.
"""

from metrics.engine.answer import Answer, Events, by_user, rows_of, time_range
from metrics.engine.cells import Cells, Cut
from metrics.engine.days import UserDays
from metrics.engine.groups import each_group, in_groups, stacked, typed
from metrics.engine.reading import Mark, Reading
from metrics.engine.rows import Rows, changes, only
from metrics.engine.span import Span

__all__ = [
    "Answer", "Cells", "Cut", "Events", "Mark", "Reading", "Rows", "Span", "UserDays", "by_user", "changes",
    "each_group", "in_groups", "only", "rows_of", "stacked", "time_range", "typed",
]  # fmt: skip
