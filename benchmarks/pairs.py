"""What is compared: each pair answers the same question over the same DataFrame, and must give the same counts."""

import chdb
import pandas as pd

import metrics
from benchmarks.log import AS_OF, STEPS

Answer = list[list[int]]


def funnel(events: pd.DataFrame) -> Answer:
    """Users by step, five steps in order within 14 days."""
    table = metrics.conversion_funnel(events, STEPS, window="14 days", as_of=AS_OF)
    return [[users] for users in table["users"]]


def funnel_clickhouse(events: pd.DataFrame) -> Answer:
    """The same with windowFunnel of ClickHouse in process."""
    conditions = ", ".join(f"event = '{step}'" for step in STEPS)
    window = f"windowFunnel({14 * 86400 * 1_000_000})(toUInt64(toUnixTimestamp64Micro(timestamp)), {conditions})"
    of_steps = f"event IN ({', '.join(map(repr, STEPS))})"
    inner = f"SELECT user_id, {window} AS level FROM Python(events) WHERE {of_steps} GROUP BY user_id"
    sums = ", ".join(f"countIf(level >= {k})" for k in range(1, len(STEPS) + 1))
    return [[users] for users in _rows(f"SELECT {sums} FROM ({inner})")[0]]


def cohorts(events: pd.DataFrame) -> Answer:
    """Users retained, weekly first-time cohorts, twelve weeks."""
    table = metrics.cohort_retention(events, period="week", periods=12, as_of=AS_OF)
    table = table[table["users"] > 0]
    first = table["cohort"].min()
    week = (table["cohort"] - first).dt.days // 7
    kept = table["retained"] > 0
    return [list(map(int, row)) for row in zip(week[kept], table["period"][kept], table["retained"][kept], strict=True)]


def cohorts_clickhouse(events: pd.DataFrame) -> Answer:
    """The same from the distinct user-weeks, with the first one as a window function."""
    weeks = "SELECT DISTINCT user_id AS u, toRelativeWeekNum(timestamp, 'UTC') AS w FROM Python(events)"
    first = f"SELECT w, min(w) OVER (PARTITION BY u) AS c FROM ({weeks})"
    grouped = f"SELECT c, w - c AS k, count() AS n FROM ({first}) WHERE w - c <= 12 GROUP BY c, k"
    return _rows(f"SELECT c - min(c) OVER (), k, n FROM ({grouped}) ORDER BY c, k")


def _rows(sql: str) -> Answer:
    return [[int(x) for x in line.split(",")] for line in str(chdb.query(sql)).split()]


PAIRS = {
    "funnel, 5 steps": (funnel, funnel_clickhouse),
    "weekly cohorts, 12 weeks": (cohorts, cohorts_clickhouse),
}
