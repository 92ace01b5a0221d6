"""Recurring revenue of a million subscription rows, rolled forward by month: ours, and the balances alone by DuckDB.

Rows are MRR lines, or prices of three currencies with intervals, quantities, taxes, discounts, pauses and late payers.
"""

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


def _prices(rows: int) -> pd.DataFrame:
    """The same subscriptions with prices in place of MRR, all that `mrr_lines` looks at, and four states."""
    rng = np.random.default_rng(2027)

    def one_of(*words: str, p: list[float] | None = None) -> pd.Series:
        codes = pd.Categorical.from_codes(rng.choice(len(words), rows, p=p), list(words))
        return pd.Series(codes).astype("str")

    return _lines(rows).drop(columns=["mrr", "currency"]).assign(
        status=one_of("active", "past_due", "paused", "trialing", p=[0.85, 0.05, 0.05, 0.05]),
        interval=one_of("week", "month", "year"), interval_count=rng.integers(1, 3, rows),
        unit_amount_minor=rng.integers(500, 20_000, rows), unit_tax_minor=rng.integers(0, 100, rows),
        quantity=rng.integers(1, 5, rows), currency=one_of("EUR", "JPY", "USD"),
        discount_percent=np.where(rng.random(rows) < 0.2, 10.0, np.nan), discount_duration=one_of("forever", "once"),
    )  # fmt: skip


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
        SELECT sum(mrr) FROM edges JOIN "table"
        ON start < edge AND ("end" IS NULL OR "end" >= edge OR "end" >= TIMESTAMPTZ '2026-01-01 00:00:00+00')
        GROUP BY edge ORDER BY edge
    """

    def ask() -> Answer:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("edges", edges)
            connection.register("table", table)
            found = connection.execute(query).fetchall()
        return [[f"{row[-1]:.2f}" for row in found]]

    return ask


def rollforward_of_prices(rows: int) -> Ask:
    """All movements of 36 months in three currencies, from prices."""
    import metrics

    table = _prices(rows)

    def ask() -> Answer:
        found = metrics.mrr_rollforward(table, since="2023-01-01", as_of=AS_OF)
        return [[f"{value:.5g}" for value in found["closing"]]]

    return ask


def closings_of_prices(rows: int) -> Ask:
    """The balances at the ends of the same months, and nothing else."""
    import duckdb

    table = _prices(rows)
    edges = pd.DataFrame({"edge": pd.date_range("2023-02-01", AS_OF, freq="MS", tz="UTC")})
    query = """
        WITH priced AS (
            SELECT currency, start,
                CASE status WHEN 'past_due' THEN least("end", start + INTERVAL 15 DAY) ELSE "end" END AS "end",
                (unit_amount_minor - unit_tax_minor) * quantity
                    * (1 - CASE discount_duration WHEN 'forever' THEN coalesce(discount_percent, 0) ELSE 0 END / 100)
                    / interval_count / CASE interval WHEN 'year' THEN 12 WHEN 'week' THEN 12.0 / 52 ELSE 1 END
                    / CASE currency WHEN 'JPY' THEN 1 ELSE 100 END AS mrr
            FROM "table" WHERE status IN ('active', 'past_due')
        )
        SELECT sum(mrr) FROM edges JOIN priced
        ON start < edge AND ("end" IS NULL OR "end" >= edge OR "end" >= TIMESTAMPTZ '2026-01-01 00:00:00+00')
        GROUP BY edge, currency ORDER BY edge, currency
    """

    def ask() -> Answer:
        with duckdb.connect() as connection:
            connection.execute("SET TimeZone = 'UTC'")
            connection.register("edges", edges)
            connection.register("table", table)
            found = connection.execute(query).fetchall()
        return [[f"{row[-1]:.5g}" for row in found]]

    return ask
