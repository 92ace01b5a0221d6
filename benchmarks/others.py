"""Other ways to the same answer: pandas as most write it, pandas at its best, and DuckDB's scan and sort as a bound."""

from typing import Any

import pandas as pd

from benchmarks.question import STEPS, WINDOW
from benchmarks.worker import Answer, Ask

NEEDED = ["user_id", "event", "timestamp"]


def pandas_merge(file: str) -> Ask:
    """The ordinary way: the first start of each user, then merge step by step. It misses later, better starts."""
    events = pd.read_parquet(file, columns=NEEDED)

    def ask() -> list[list[Any]]:
        first = events[events["event"] == STEPS[0]].groupby("user_id")["timestamp"].min()
        reached = pd.DataFrame({"start": first, "last": first}).reset_index()
        counts = [len(reached)]
        for step in STEPS[1:]:
            both = events[events["event"] == step].merge(reached, on="user_id")
            late = both["timestamp"] > both["start"] + pd.Timedelta(WINDOW)
            both = both[(both["timestamp"] >= both["last"]) & ~late]
            reached = both.groupby("user_id", as_index=False).agg(start=("start", "first"), last=("timestamp", "min"))
            counts.append(len(reached))
        return [counts]

    return ask


def pandas_asof(file: str) -> Ask:
    """The best way found: each row of a step looks up the latest start with `merge_asof`. Exact."""
    events = pd.read_parquet(file, columns=NEEDED)

    def ask() -> list[list[Any]]:
        steps = events[events["event"].isin(STEPS)].sort_values("timestamp", kind="stable")
        steps = steps.assign(user=pd.factorize(steps["user_id"])[0])
        reached = steps.loc[steps["event"] == STEPS[0], ["user", "timestamp"]]
        reached = reached.assign(start=reached["timestamp"])
        counts = [reached["user"].nunique()]
        for step in STEPS[1:]:
            rows = steps.loc[steps["event"] == step, ["user", "timestamp"]]
            rows = pd.merge_asof(rows, reached, on="timestamp", by="user")
            reached = rows[rows["timestamp"] <= rows["start"] + pd.Timedelta(WINDOW)]
            counts.append(reached["user"].nunique())
        return [counts]

    return ask


def scan_and_sort(file: str) -> Ask:
    """What any engine must do that sorts: read the rows of the steps, and sort them by user and time. No answer."""
    import duckdb

    names = ", ".join(map(repr, STEPS))
    query = f"""
        SELECT hash(user_id) AS user, epoch_us(timestamp) AS time, list_position([{names}], event)::UTINYINT AS step
        FROM read_parquet('{file}') WHERE event IN ({names}) ORDER BY user, time"""
    connection = duckdb.connect(":memory:", config={"temp_directory": f"{file}.spill"})
    connection.execute("SET enable_progress_bar = false")

    def ask() -> Answer:
        for _ in connection.sql(query).to_arrow_reader(1 << 19):
            pass
        return None

    return ask
