"""From gzipped JSON lines to Parquet: cleaned and accounted for by us, untouched by DuckDB."""

import gzip
import tempfile
from pathlib import Path

from benchmarks.worker import Answer, Ask, Run

FILES = 1_000  # of a folder of small ones


def load(file: str) -> Ask:
    """Ours: every row read, checked, counted and written in the order of time."""
    import metrics

    def ask() -> Answer:
        with tempfile.TemporaryDirectory() as folder:
            account = metrics.write_events(file, Path(folder) / "events.parquet", timezone="UTC")
        return [[int(account["rows"].iloc[0])]]

    return ask


def load_many(file: str) -> Ask:
    """The same rows in a folder of small files."""
    folder = tempfile.TemporaryDirectory()
    is_packed = file.endswith(".gz")
    with gzip.open(file) if is_packed else open(file, "rb") as whole:
        lines = whole.readlines()
    for n in range(FILES):
        part = b"".join(lines[len(lines) * n // FILES : len(lines) * (n + 1) // FILES])
        name = Path(folder.name) / f"{n:04d}.jsonl{'.gz' if is_packed else ''}"
        name.write_bytes(gzip.compress(part) if is_packed else part)

    def ask() -> Answer | Run:
        return load(folder.name)()

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
