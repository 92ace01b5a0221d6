"""Spark's own way: nested windows in SQL, on the same local session as ours gets."""

import os
import sys
from typing import Any

from benchmarks.question import STEPS
from benchmarks.worker import Ask, elsewhere

WINDOW = 7 * 86_400 * 1_000_000


def session() -> Any:
    """A local session with two threads, in UTC, quiet."""
    from pyspark.sql import SparkSession

    os.environ |= {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}  # its workers need metrics too
    builder = SparkSession.builder.master("local[2]").appName("benchmarks")
    for name, value in {
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.driver.memory": "4g",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.shuffle.partitions": "8",
    }.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def funnel(file: str) -> Ask:
    """Exact counts: each row carries on the latest start from which its step is still in time."""
    spark = session()
    names = ", ".join(map(repr, STEPS))
    query = f"""
        SELECT user_id AS u, unix_micros(timestamp) AS t, array_position(array({names}), event) AS s
        FROM parquet.`{file}` WHERE event IN ({names})"""
    start = "IF(s = 1, t, NULL)"
    for step in range(1, len(STEPS) + 1):
        window = "PARTITION BY u ORDER BY t, s ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
        query = f"SELECT *, max({start}) OVER ({window}) AS start_{step} FROM ({query})"
        start = f"IF(s = {step + 1} AND t - start_{step} <= {WINDOW}, start_{step}, NULL)"
    latest = ", ".join(f"max(start_{step}) AS start_{step}" for step in range(1, len(STEPS) + 1))
    counts = ", ".join(f"count(start_{step})" for step in range(1, len(STEPS) + 1))
    query = f"SELECT {counts} FROM (SELECT {latest} FROM ({query}) GROUP BY u)"
    return elsewhere(lambda: [list(spark.sql(query).first())])
