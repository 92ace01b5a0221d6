"""What is measured: each line a question, our side, a rival's, and the goal."""

from dataclasses import dataclass, field
from typing import Any, Literal

Mode = Literal["quick", "full", "spark", "huge"]


@dataclass(frozen=True)
class Side:
    """A function "module:function" of this package, and the log that it reads, if any."""

    function: str
    rows: int = 0
    kind: str = "export"
    suffix: str = ".parquet"
    settings: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """Ours against a rival: below 1 is faster. Every goal set must be met, a ratio by wall and by CPU."""

    question: str
    rows: int
    ours: Side
    rival: Side | None
    against: str
    goal: float | None = None  # ours / rival
    seconds: float | None = None  # ours
    megabytes: float | None = None  # ours, at most
    mode: Mode = "quick"
    same: bool = True  # both sides must answer the same
    repeats: int | None = None  # instead of the number asked for
    bound: bool = False  # the rival is no rival, and answers nothing


def _funnel(rows: int, *, kind: str = "export", mode: Mode = "quick", **goals: Any) -> Line:
    name = "funnel" if kind == "export" else "funnel, few heavy users, many ties"
    return Line(
        name, rows, Side("ours:funnel", rows, kind), Side("clickhouse:funnel", rows, kind), "chDB", mode=mode, **goals
    )


def _against(
    question: str, rows: int, ours: str, rival: str, against: str, *, suffix: str = ".parquet", **rest: Any
) -> Line:
    settings = rest.pop("settings", {})
    return Line(
        question, rows, Side(ours, rows, suffix=suffix, settings=settings), Side(rival, rows, suffix=suffix), against,
        **rest,
    )  # fmt: skip


def _by_country(rows: int, mode: Mode) -> Line:
    question, rival = "funnel by country", "clickhouse:funnel_by_country"
    by = {"by": "country"}
    return _against(question, rows, "ours:funnel", rival, "chDB", settings=by, mode=mode, goal=0.55)


def _of_days(rows: int, mode: Mode, suffix: str = ".parquet") -> list[Line]:
    """What is asked of days of users; the rival reads the plain file, also where we read a store of its rows."""
    goals = {
        "cohorts": ("weekly cohorts, 26 weeks", 1.0),
        "actives": ("daily, weekly, monthly actives", 0.7),
        "lifecycle": ("weekly lifecycle", 0.5),
        "churn": ("monthly churn", 0.5),
        "all_four": ("these four from one read", 0.4),
    }
    return [
        Line(
            question if suffix == ".parquet" else f"{question}, store", rows,
            Side(f"activity:{name}", rows, suffix=suffix), Side(f"clickhouse_activity:{name}", rows), "chDB",
            goal=goal, megabytes=1000, mode=mode, repeats=3,
        )
        for name, (question, goal) in goals.items()
    ]  # fmt: skip


def _customers(rows: int, mode: Mode) -> Line:
    sides = "customers:summary", "customers:summary_clickhouse"
    return _against(
        "customers from orders", rows, *sides, "chDB", suffix=".orders.parquet", goal=0.5, mode=mode, repeats=3
    )


def _growth(few: int, many: int, mode: Mode, goal: float) -> Line:
    sides = Side("ours:funnel", many), Side("ours:funnel", few)
    return Line(f"funnel, growth from {few:,} rows", many, *sides, "ours", goal=goal, same=False, mode=mode)


M = 1_000_000
LINES = [
    _funnel(10_000, seconds=0.025),
    _funnel(1 * M, goal=1.0),
    _funnel(10 * M, goal=0.5),
    _funnel(50 * M, goal=0.45, megabytes=700, mode="full"),
    _by_country(10 * M, "quick"),
    _by_country(50 * M, "full"),
    _funnel(10 * M, kind="heavy"),
    _against("funnel", 10 * M, "ours:funnel", "others:scan_and_sort", "DuckDB scan and sort", same=False, bound=True),
    _against(
        "funnel", 50 * M, "ours:funnel", "others:scan_and_sort", "DuckDB scan and sort",
        same=False, bound=True, goal=0.75, mode="full",
    ),
    _growth(1 * M, 10 * M, "quick", 11),
    _growth(5 * M, 50 * M, "full", 11),
    Line(
        "funnel within 256 MB", 50 * M, Side("ours:funnel", 50 * M, settings={"memory": "256 MB"}),
        Side("ours:funnel", 50 * M), "ours, no limit", goal=1.4, mode="full",
    ),
    Line("funnel", 200 * M, Side("ours:funnel", 200 * M), None, "", mode="huge", repeats=1),
    _against("funnel, DataFrame", 1 * M, "ours:funnel_frame", "clickhouse:funnel", "chDB, file", seconds=0.25),
    _against("funnel, DataFrame", 10 * M, "ours:funnel_frame", "clickhouse:funnel", "chDB, file", goal=0.75),
    _against("funnel, DataFrame", 10 * M, "ours:funnel_frame", "clickhouse:funnel_frame", "chDB, frame", goal=0.75),
    _against(
        "funnel, DataFrame", 10 * M, "ours:funnel_frame", "others:pandas_merge", "pandas, merge",
        goal=1 / 8, same=False, repeats=3,
    ),
    _against(
        "funnel, DataFrame", 10 * M, "ours:funnel_frame", "others:pandas_asof", "pandas, merge_asof", repeats=3
    ),
    _against(
        "funnel, CSV.gz", 1 * M, "ours:funnel", "clickhouse:funnel", "chDB", suffix=".csv.gz",
        settings={"timezone": "UTC"},
    ),
    _against(
        "funnel, CSV.gz", 10 * M, "ours:funnel", "clickhouse:funnel", "chDB", suffix=".csv.gz",
        settings={"timezone": "UTC"}, goal=1.1, mode="full",
    ),
    Line(
        "first call in a process", 10_000, Side("fresh:first_call", 10_000, settings={"side": "ours"}),
        Side("fresh:first_call", 10_000, settings={"side": "clickhouse"}), "chDB", seconds=0.35,
    ),
    Line(
        "first answer, imports included", 10_000, Side("fresh:first_answer", 10_000, settings={"side": "ours"}),
        Side("fresh:first_answer", 10_000, settings={"side": "clickhouse"}), "chDB",
    ),
    Line(
        "import metrics", 0, Side("fresh:importing", settings={"what": "metrics"}),
        Side("fresh:importing", settings={"what": "pandas"}), "import pandas", goal=1.15,
    ),
    Line(
        "import the funnel", 0, Side("fresh:importing", settings={"what": "funnel"}),
        Side("fresh:importing", settings={"what": "pandas"}), "import pandas",
    ),
    *_of_days(10 * M, "quick"),
    *_of_days(50 * M, "full"),
    *_of_days(10 * M, "quick", ".store"),
    *_of_days(50 * M, "full", ".store"),
    _against(
        "load JSON lines", 1 * M, "exports:load", "exports:copy", "DuckDB, untouched", suffix=".jsonl.gz", repeats=3
    ),
    _against(
        "load JSON lines", 5 * M, "exports:load", "exports:copy", "DuckDB, untouched", suffix=".jsonl.gz", repeats=3,
        goal=1.6, megabytes=1500, mode="full",
    ),
    *(
        _against(
            f"load 1,000 small files, {kind}", 1 * M, "exports:load_many", "exports:load", "ours, one file",
            suffix=suffix, repeats=3, goal=1.5,
        )
        for kind, suffix in (("plain", ".jsonl"), ("gzip", ".jsonl.gz"))
    ),
    Line(  # the rival tells balances alone, and neither movements nor customers
        "recurring revenue by month", 1 * M, Side("revenue:rollforward", settings={"rows": 1 * M}),
        Side("revenue:closings", settings={"rows": 1 * M}), "DuckDB, balances alone", seconds=3, megabytes=1000,
        repeats=3,
    ),
    Line(
        "recurring revenue by month, from prices", 1 * M,
        Side("revenue:rollforward_of_prices", settings={"rows": 1 * M}),
        Side("revenue:closings_of_prices", settings={"rows": 1 * M}), "DuckDB, balances alone", seconds=3,
        megabytes=1000, repeats=3,
    ),
    _customers(10 * M, "quick"),
    _customers(50 * M, "full"),
    Line(
        "survival curve with limits", 1 * M, Side("survival:curve", settings={"rows": 1 * M}),
        Side("survival:curve_lifelines", settings={"rows": 1 * M}), "lifelines", goal=1 / 5, megabytes=1000,
    ),
    Line(
        "survival, log-rank of 4 groups", 1 * M, Side("survival:log_rank", settings={"rows": 1 * M}),
        Side("survival:log_rank_lifelines", settings={"rows": 1 * M}), "lifelines", goal=1 / 4, megabytes=1000,
    ),
    _against(
        "funnel, Spark", 10 * M, "ours:funnel_spark", "spark:funnel", "Spark SQL windows",
        goal=0.6, mode="spark", repeats=3,
    ),
]  # fmt: skip
