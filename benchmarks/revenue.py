"""Recurring revenue of a million subscription rows, rolled forward by month: ours, and the balances alone by DuckDB."""

import numpy as np
import pandas as pd

from benchmarks.worker import Answer, Ask

FIRST, AS_OF = pd.Timestamp("2023-01-01", tz="UTC"), "2026-01-01"
DAY = 86_400_000_000


def _lines(rows: int) -> pd.DataFrame:
    """Subscriptions that begin in three years and run for a while, of two in five customers as many as rows."""
    rng = np.random.default_rng(2026)
    start = FIRST.value // 1000 + rng.integers(0, 3 * 365 * DAY, rows)
    end = start + rng.integers(5, 400, rows) * DAY
    customer = pd.Series(rng.integers(0, rows * 2 // 5, rows)).astype("str").astype("category")
    table = pd.DataFrame({
        "customer_id": customer, "subscription_id": pd.RangeIndex(rows).astype("str"),
        "start": pd.DatetimeIndex(start.view("M8[us]")).tz_localize("UTC"),
        "end": pd.Series(pd.DatetimeIndex(end.view("M8[us]")).tz_localize("UTC")).where(rng.random(rows) < 0.6),
        "mrr": rng.integers(5, 200, rows).astype(float), "currency": "EUR",
    })  # fmt: skip
    return table.astype({"customer_id": "str", "currency": "str"})


def rollforward(rows: int) -> Ask:
    """All movements of 36 months."""
    import metrics

    table = _lines(rows)

    def ask() -> Answer:
        found = metrics.mrr_rollforward(table, since="2023-01-01", as_of=AS_OF)
        return [[f"{value:.2f}" for value in found["closing"]]]

    return ask


def closings(rows: int) -> Ask:
    """The balances at the ends of the same months, and nothing else."""
    import duckdb

    table = _lines(rows)
    edges = pd.DataFrame({"edge": pd.date_range("2023-02-01", AS_OF, freq="MS", tz="UTC")})
    query = """
        SELECT edge, sum(mrr) AS closing FROM edges JOIN "table"
        ON start < edge AND ("end" IS NULL OR "end" >= edge OR "end" >= TIMESTAMPTZ '2026-01-01 00:00:00+00')
        GROUP BY edge ORDER BY edge
    """

    def ask() -> Answer:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("edges", edges)
            connection.register("table", table)
            found = connection.execute(query).df()
        return [[f"{value:.2f}" for value in found["closing"]]]

    return ask
