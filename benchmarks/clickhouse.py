"""The rival: ClickHouse in process (chDB), each question in the fastest form that was found.

`windowFunnel` counts and tells no times, so the rival does less than we do. `python -m benchmarks --forms 10000000`
times the forms that were tried; the one kept reads the three columns with their types told (inferred ones may be NULL,
which costs half as much again), filters by name and groups by a hash of the user.
"""

import json
import statistics
from typing import Any

import chdb

from benchmarks.question import BEGIN, STEPS
from benchmarks.worker import Ask, Run, timed

MICRO = 1_000_000
WINDOW = 7 * 86_400 * MICRO
TIME = "toUInt64(toUnixTimestamp64Micro(timestamp))"
IN_STEPS = f"event IN ({', '.join(map(repr, STEPS))})"
EACH = ", ".join(f"event = '{step}'" for step in STEPS)
NUMBERED = ", ".join(f"step = {k + 1}" for k in range(len(STEPS)))
REACHED = ", ".join(f"countIf(level >= {k + 1}) AS users_{k + 1}" for k in range(len(STEPS)))
TYPED = "user_id String, event LowCardinality(String), timestamp DateTime64(6, \\'UTC\\')"


def source(file: str, types: str | None = TYPED) -> str:
    """The file as a table; without types ClickHouse infers them."""
    if file == "frame":
        return "Python(events)"
    kind = "CSVWithNames" if file.endswith(".csv.gz") else "Parquet"
    return f"file('{file}', {kind})" if types is None else f"file('{file}', {kind}, '{types}')"


def windowed(table: str, key: str = "cityHash64(user_id)", conditions: str = EACH, time: str = TIME) -> str:
    """Users by the furthest step; `table` may carry a WHERE of its own."""
    level = f"windowFunnel({WINDOW})({time}, {conditions}) AS level"
    return f"SELECT {REACHED} FROM (SELECT {level} FROM {table} GROUP BY {key})"


def funnel(file: str) -> Ask:
    """Five steps in order within seven days, counts only."""
    return asking(windowed(f"{source(file, _csv_types(file))} WHERE {IN_STEPS}"))


def funnel_by_country(file: str) -> Ask:
    """The same by a property that is constant for each user, so that any of its values will do."""
    table = source(file, f"{TYPED}, country String")
    level = f"windowFunnel({WINDOW})({TIME}, {EACH}) AS level"
    users = f"SELECT {level}, any(country) AS group FROM {table} WHERE {IN_STEPS} GROUP BY cityHash64(user_id)"
    return asking(f"SELECT group, {REACHED} FROM ({users}) GROUP BY group HAVING users_1 > 0 ORDER BY group")


def funnel_frame(file: str) -> Ask:
    """The same from a DataFrame that is already in memory, read in place."""
    import pandas as pd

    events = pd.read_parquet(file, columns=["user_id", "event", "timestamp"])
    query = windowed(f"Python(events) WHERE {IN_STEPS}")

    def ask() -> list[list[Any]]:
        assert len(events)  # chDB finds the DataFrame by its name in the frame that calls
        return _rows(chdb.query(query, "JSONCompactEachRow"))

    return ask


def forms(file: str) -> dict[str, str]:
    """The forms of the funnel that were tried; all must count the same."""
    fixed = TYPED.replace("user_id String", "user_id FixedString(36)")
    plain = TYPED.replace("LowCardinality(String)", "String")
    inferred, typed = source(file, None), source(file)
    number = f"toUInt8(indexOf([{', '.join(map(repr, STEPS))}], event)) AS step"
    numbers = f"(SELECT cityHash64(user_id) AS user, {TIME} AS t, {number} FROM {typed} WHERE {IN_STEPS})"
    kept = windowed(f"{typed} WHERE {IN_STEPS}")
    return {
        "types inferred, no filter, user_id": windowed(inferred, "user_id"),
        "types inferred, filter, user_id": windowed(f"{inferred} WHERE {IN_STEPS}", "user_id"),
        "types inferred, filter, cityHash64": windowed(f"{inferred} WHERE {IN_STEPS}"),
        "types told, filter, user_id": windowed(f"{typed} WHERE {IN_STEPS}", "user_id"),
        "types told, no filter, cityHash64": windowed(typed),
        "types told, filter, cityHash64 (kept)": kept,
        "event as String": windowed(f"{source(file, plain)} WHERE {IN_STEPS}"),
        "user_id as FixedString(36)": windowed(f"{source(file, fixed)} WHERE {IN_STEPS}"),
        "xxh3": windowed(f"{typed} WHERE {IN_STEPS}", "xxh3(user_id)"),
        "sipHash64": windowed(f"{typed} WHERE {IN_STEPS}", "sipHash64(user_id)"),
        "wyHash64": windowed(f"{typed} WHERE {IN_STEPS}", "wyHash64(user_id)"),
        "toUUID": windowed(f"{typed} WHERE {IN_STEPS}", "toUUID(user_id)"),
        "PREWHERE": windowed(f"{typed} PREWHERE {IN_STEPS}"),
        "steps numbered first": windowed(numbers, "user", NUMBERED, "t"),
        "time from the first row": windowed(
            f"{typed} WHERE {IN_STEPS}", time=f"toUInt64(toUnixTimestamp64Micro(timestamp) - {BEGIN})"
        ),
        "blocks of 262,144 rows": f"{kept} SETTINGS max_block_size=262144, input_format_parquet_max_block_size=262144",
        "one level of groups": f"{kept} SETTINGS group_by_two_level_threshold=0, group_by_two_level_threshold_bytes=0",
        "two levels of groups": f"{kept} SETTINGS group_by_two_level_threshold=1000",
        "compiled aggregates": f"{kept} SETTINGS min_count_to_compile_aggregate_expression=0",
        "two threads": f"{kept} SETTINGS max_threads=2, max_parsing_threads=2",
    }


def try_forms(file: str, repeats: int) -> str:
    """Every form in turn, `repeats` times after a warm-up: medians of wall and CPU seconds."""
    asks = {name: asking(query) for name, query in forms(file).items()}
    runs: dict[str, list[Run]] = {name: [] for name in asks}
    for _ in range(repeats + 1):
        for name, ask in asks.items():
            runs[name].append(timed(ask))
    if len({str(run.answer) for of_form in runs.values() for run in of_form}) > 1:
        raise SystemExit("the forms count differently. A time would mean nothing.")
    return "\n".join(
        f"{name:40}{statistics.median(run.wall for run in of_form[1:]):8.3f} s"
        f"{statistics.median(run.cpu or 0 for run in of_form[1:]):8.3f} CPU s"
        for name, of_form in runs.items()
    )


def _csv_types(file: str) -> str:
    return f"{TYPED}, country String, platform String" if file.endswith(".csv.gz") else TYPED


_connection: Any = None


def asking(query: str, finish: Any = lambda rows: rows) -> Ask:
    """Ask over one connection that stays open: opening one for each question costs some 40 ms."""
    global _connection
    if _connection is None:
        _connection = chdb.connect(":memory:")
    return lambda: finish(_rows(_connection.query(query, "JSONCompactEachRow")))


def _rows(result: Any) -> list[list[Any]]:
    rows = [json.loads(line) for line in str(result).splitlines() if line]
    return [[_number(value) for value in row] for row in rows]


def _number(value: Any) -> Any:
    """ClickHouse writes 64-bit numbers as text."""
    if isinstance(value, list):
        return [_number(one) for one in value]
    return int(value) if isinstance(value, str) and value.isdecimal() else value
