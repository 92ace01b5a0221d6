"""From gzipped JSON lines to Parquet: cleaned and accounted for by us, untouched by DuckDB."""

import tempfile
from pathlib import Path

from benchmarks.worker import Answer, Ask


def load(file: str) -> Ask:
    """Ours: every row read, checked, counted and written in the order of time."""
    import metrics

    def ask() -> Answer:
        with tempfile.TemporaryDirectory() as folder:
            account = metrics.write_events(file, Path(folder) / "events.parquet", timezone="UTC")
        return [[int(account["rows"].iloc[0])]]

    return ask


def copy(file: str) -> Ask:
    """DuckDB's: whatever stands in the file, as it stands there."""
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("SET enable_progress_bar = false")

    def ask() -> Answer:
        with tempfile.TemporaryDirectory() as folder:
            target = Path(folder) / "copy.parquet"
            connection.execute(f"COPY (FROM read_json('{file}')) TO '{target}' (FORMAT parquet)")
            [[rows]] = connection.execute(f"SELECT count(*) FROM read_parquet('{target}')").fetchall()
        return [[rows]]

    return ask
