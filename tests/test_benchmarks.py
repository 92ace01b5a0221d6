"""The benchmarks: both sides must answer alike, and a goal that is missed must show."""

import importlib
import os
import re
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

pytest.importorskip("chdb")
from benchmarks import __main__ as benchmarks
from benchmarks import activity, clickhouse, clickhouse_activity, customers, lines, others, ours, revenue, table, worker
from benchmarks.log import STEPS, log_file, users_of

ROWS = 20_000
OF_DAYS = ["cohorts", "actives", "lifecycle", "churn", "all_four"]


@pytest.fixture(scope="module", params=["export", "heavy"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def file(kind, tmp_path_factory):
    return str(log_file(tmp_path_factory.mktemp("logs"), kind, ROWS))


@pytest.mark.parametrize(
    ("side", "rival"),
    [
        (ours.funnel, clickhouse.funnel),
        (lambda file: ours.funnel(file, by="country"), clickhouse.funnel_by_country),
        (ours.funnel_frame, clickhouse.funnel_frame),
        (ours.funnel_frame, others.pandas_asof),
        *((getattr(activity, name), getattr(clickhouse_activity, name)) for name in OF_DAYS),
        (activity.all_four, clickhouse_activity.all_four_by_day),
    ],
)
def test_both_sides_answer_alike(file, side, rival):
    answer = side(file)()
    assert answer == rival(file)()
    assert sum(map(len, answer)) >= len(STEPS)


def test_customers_come_out_alike(kind, tmp_path):
    file = str(log_file(tmp_path, kind, ROWS, ".orders.parquet"))
    answer = customers.summary(file)()
    assert answer == customers.summary_clickhouse(file)()
    assert answer[0][0] == users_of(kind, ROWS)


def test_duckdb_has_the_same_balances_of_lines_and_of_prices():
    assert revenue.rollforward(5_000)() == revenue.closings(5_000)()
    assert revenue.rollforward_of_prices(5_000)() == revenue.closings_of_prices(5_000)()


def test_all_forms_of_the_rival_count_alike(file):
    assert "(kept)" in clickhouse.try_forms(file, 1)


def test_the_ordinary_pandas_way_counts_too_few(file, kind):
    exact, ordinary = ours.funnel_frame(file)()[0], others.pandas_merge(file)()[0]
    assert ordinary[0] == exact[0]
    assert all(few <= all_of_them for few, all_of_them in zip(ordinary, exact, strict=True))
    assert kind == "heavy" or ordinary[1] < exact[1]


def test_a_log_is_what_the_page_says(file, kind):
    log = pd.read_parquet(file)
    ties = log.duplicated(["user_id", "timestamp"]).mean()
    assert len(log) == ROWS
    assert log["user_id"].nunique() == users_of(kind, ROWS)
    assert log["user_id"].str.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").all()
    assert log["timestamp"].is_monotonic_increasing
    assert log["event"].nunique() == 20
    assert log.groupby("user_id")["country"].nunique().max() == 1
    assert log["event"].isin(STEPS).mean() == pytest.approx({"export": 0.36, "heavy": 0.04}[kind], abs=0.02)
    assert ties == pytest.approx({"export": 0.01, "heavy": 0.33}[kind], abs=0.1 * (kind == "heavy") + 0.004)


def test_a_log_of_several_pieces_is_whole_and_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr("benchmarks.log.PIECE", 3_000)
    path = log_file(tmp_path, "export", ROWS)
    log = pd.read_parquet(path)
    assert pq.ParquetFile(path).num_row_groups > 5
    assert len(log) == ROWS
    assert log["timestamp"].is_monotonic_increasing
    assert log["user_id"].nunique() == users_of("export", ROWS)


def test_the_same_seed_gives_the_same_rows(tmp_path):
    one, other = log_file(tmp_path / "a", "export", 2_000), log_file(tmp_path / "b", "export", 2_000)
    assert one.read_bytes() == other.read_bytes()


def measured(ours, rival, **goals):
    runs = [[worker.Run([[1]], wall, cpu, peak) for wall, cpu, peak in side] for side in (ours, rival)]
    line = lines.Line("funnel", 10, lines.Side("a:b"), lines.Side("a:b"), "chDB", **goals)
    return table.Measured(line, *runs)


def test_a_goal_holds_for_wall_and_cpu_alike():
    assert measured([(1, 1, 9)], [(2, 4, 9)], goal=0.5).verdict() == "met"
    assert measured([(1, 3, 9)], [(2, 4, 9)], goal=0.5).verdict() == "MISSED: CPU"
    assert measured([(1, None, 9)], [(2, None, 9)], goal=0.5).verdict() == "met"
    assert measured([(1, 1, 9)], [(2, 4, 9)], seconds=0.5, megabytes=8).verdict() == "MISSED: time, memory"
    assert measured([(1, 1, 9)], [(2, 4, 9)]).verdict() == ""


def test_the_ratio_is_the_median_of_the_rounds():
    cells = measured([(1, 1, 9), (9, 1, 9), (1, 1, 8)], [(2, 1, 7), (9, 1, 7), (4, 1, 7)]).cells()
    assert cells[3:6] == ["0.50", "0.25 to 1.00", "1.00"]
    assert cells[-2:] == ["9", "7"]


def test_the_page_takes_the_table_and_names_no_machine(tmp_path):
    page = Path(__file__).parent.parent / "docs" / "performance.md"
    copy = tmp_path / "performance.md"
    copy.write_text(page.read_text(encoding="utf-8"), encoding="utf-8")
    text = f"{table.machine(5)}\n\n{table.as_markdown([['x'] * 12])}"
    table.write(copy, text)
    table.write(copy, text)
    written = copy.read_text(encoding="utf-8")
    assert written.count(text) == 1
    assert "Not measured yet" not in written
    assert os.uname().nodename not in re.split(r"[\s,()|]+", text)


def test_a_worker_tells_what_an_answer_costs(tmp_path):
    file = str(log_file(tmp_path, "export", 2_000))
    with worker.Worker("ours:funnel_frame", {"file": file}) as side:
        runs = [side.ask(), side.ask()]
    assert runs[0].answer == runs[1].answer
    assert runs[1].wall > 0
    assert runs[1].peak > 20
    with pytest.raises(SystemExit, match="no_such_file"), worker.Worker("ours:funnel_frame", {"file": "no_such_file"}):
        pass


@pytest.mark.slow
def test_the_run_stops_where_the_two_sides_answer_differently(tmp_path):
    sides = lines.Side("ours:funnel_frame", ROWS), lines.Side("others:pandas_merge", ROWS)
    with pytest.raises(SystemExit, match="the two sides answer differently"):
        benchmarks.measure(lines.Line("funnel", ROWS, *sides, "pandas"), tmp_path, 1)
    unlike = lines.Line("funnel", ROWS, *sides, "pandas", same=False)
    assert len(benchmarks.measure(unlike, tmp_path, 2).rival) == 2


def test_every_side_of_every_line_exists():
    sides = [side for line in lines.LINES for side in (line.ours, line.rival) if side is not None]
    for side in sides:
        module, function = side.function.split(":")
        assert callable(getattr(importlib.import_module(f"benchmarks.{module}"), function))


def test_a_report_line_says_what_was_missed():
    from benchmarks.reports import Line, Took

    quick, slow = Took(2.0, 1.0, 400.0), Took(24.0, 20.0, 300.0)
    met = Line("pages", "churn", 20, quick, slow, factor=12, megabytes=450).cells()
    assert met[3:7] == ["12.0 x", "20.0 x", "≥ 12 x, ≤ 450 MB", "met"]
    assert Line("pages", "churn", 20, slow, quick, factor=12).cells()[6] == "MISSED: wall"
    assert Line("nothing changed", "churn", 20, quick, seconds=0.5).cells()[6] == "MISSED: time"
