"""Random event logs on disk: seeded, so that every run sees the same rows; written piece by piece, of any size.

Two shapes. An `export` is what a product analyst holds: many users, few of whom do most (Zipf), sessions, 26 weeks in
the order of time, about 36 % of the rows steps of the funnel, 1 % of them at the very instant of the one before.
A `heavy` log is the opposite: few users with thousands of rows each, few steps, clocks of whole seconds, many ties.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.question import BEGIN, STEPS

OTHERS = [
    "open", "search", "edit", "save", "scroll", "share", "comment", "upload", "download", "filter", "export", "print",
    "log_in", "log_out", "help",
]  # fmt: skip
COUNTRIES = ["US", "DE", "GB", "FR", "IN", "BR", "JP", "CA", "ES", "IT", "NL", "SE"]
PLATFORMS = ["web", "ios", "android", "desktop"]

SPAN = 26 * 7 * 86_400_000_000
PIECE = 1_000_000  # rows held in memory while writing
ROW_GROUP = 262_144
VERSION = 1  # of the generator; part of the file's name


@dataclass(frozen=True)
class Shape:
    """What tells one kind of log from another."""

    steps: tuple[float, ...]  # share of the rows by step
    session: float  # mean rows of a session
    gap: float  # mean seconds between its rows
    ties: float  # share of rows at the instant of the one before
    clock: int = 1  # microseconds between two ticks


SHAPES = {
    "export": Shape(steps=(0.14, 0.09, 0.06, 0.04, 0.03), session=5, gap=45, ties=0.0125),
    "heavy": Shape(steps=(0.015, 0.01, 0.007, 0.005, 0.003), session=40, gap=4, ties=0.25, clock=1_000_000),
}
USERS = {10_000: 1_000, 1_000_000: 100_000, 5_000_000: 250_000, 10_000_000: 500_000, 50_000_000: 2_000_000}


def users_of(kind: str, rows: int) -> int:
    """How many users a log has: 5,000 rows each in a heavy one, about 20 to 25 in an export."""
    return max(rows // 5_000, 1) if kind == "heavy" else USERS.get(rows, max(rows // 25, 1))


def log_file(folder: Path, kind: str, rows: int, suffix: str = ".parquet") -> Path:
    """The log as a file, written unless it is there."""
    path = folder / f"{kind}-{rows}-v{VERSION}{suffix}"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
        if suffix == ".parquet":
            write_log(partial, kind, rows)
        elif suffix in (".jsonl", ".jsonl.gz"):
            write_json(log_file(folder, kind, rows), partial, "gzip" if suffix.endswith(".gz") else "none")
        elif suffix == ".store":
            write_store(log_file(folder, kind, rows), partial)
        elif suffix == ".orders.parquet":
            write_orders(log_file(folder, kind, rows), partial)
        else:
            write_csv(log_file(folder, kind, rows), partial)
        partial.replace(path)
    return path


def write_log(path: Path, kind: str, rows: int, seed: int = 1) -> None:
    """Write a log of `rows` rows in the order of time, a piece of the 26 weeks after the other."""
    rng, shape, users = np.random.default_rng([seed, rows]), SHAPES[kind], users_of(kind, rows)
    pieces = -(-rows // PIECE)
    late = _nothing()
    with pq.ParquetWriter(path, SCHEMA) as writer:
        for piece in range(pieces):
            count = rows * (piece + 1) // pieces - rows * piece // pieces
            newcomers = rng.permutation(np.arange(piece, users, pieces))
            drawn = _sessions(rng, shape, users, newcomers, count, BEGIN + SPAN * piece // pieces, SPAN // pieces)
            columns = [np.concatenate(both) for both in zip(late, drawn, strict=True)]
            order = np.argsort(columns[0], kind="stable")
            columns = [column[order] for column in columns]
            ends = BEGIN + SPAN * (piece + 1) // pieces
            cut = len(order) if piece == pieces - 1 else int(np.searchsorted(columns[0], ends))
            writer.write_table(_table(*(column[:cut] for column in columns)), row_group_size=ROW_GROUP)
            late = tuple(column[cut:] for column in columns)


def write_json(log: Path, path: Path, packed: str) -> None:
    """Write a log as JSON lines."""
    import duckdb

    duckdb.sql(f"COPY (FROM read_parquet('{log}')) TO '{path}' (FORMAT json, COMPRESSION {packed})")


def write_store(log: Path, path: Path) -> None:
    """Write a log as a store, as `metrics load` does."""
    import metrics

    metrics.write_events(metrics.open_events(log), path)


def write_orders(log: Path, path: Path) -> None:
    """Write a log whose every row is an order of 5 to 95, in cents."""
    with pq.ParquetWriter(path, SCHEMA.append(pa.field("net", pa.float64()))) as writer:
        for number, batch in enumerate(pq.ParquetFile(log).iter_batches(ROW_GROUP)):
            cents = np.random.default_rng([2, number]).integers(500, 9_500, len(batch))
            writer.write_batch(batch.append_column("net", pa.array(cents / 100)), row_group_size=ROW_GROUP)


def write_csv(source: Path, path: Path) -> None:
    """Write the rows of a Parquet file as gzipped CSV, as an export tool would."""
    with (
        pa.CompressedOutputStream(str(path), "gzip") as stream,
        pyarrow.csv.CSVWriter(stream, SCHEMA, write_options=pyarrow.csv.WriteOptions(quoting_style="none")) as writer,
    ):
        for batch in pq.ParquetFile(source).iter_batches(ROW_GROUP):
            writer.write_batch(batch)


SCHEMA = pa.schema([
    ("user_id", pa.string()),
    ("event", pa.string()),
    ("timestamp", pa.timestamp("us", "UTC")),
    ("country", pa.string()),
    ("platform", pa.string()),
])  # fmt: skip
Columns = tuple[np.ndarray, ...]


def _nothing() -> Columns:
    return tuple(np.empty(0, dtype) for dtype in (np.int64, np.int64, np.int8, np.int8))


def _sessions(
    rng: np.random.Generator, shape: Shape, users: int, newcomers: np.ndarray, rows: int, begin: int, span: int
) -> Columns:
    """Time, user, event and platform of `rows` rows whose sessions begin in one piece of time.

    Newcomers get a session each, so that every user is in the log; the others are drawn by Zipf's law (Zipf-Mandelbrot,
    exponent 1, shifted so that the busiest is a person and no machine).
    """
    lengths = rng.geometric(1 / shape.session, int(1.2 * rows / shape.session) + 100)
    ends = np.cumsum(lengths)
    sessions = min(int(np.searchsorted(ends, rows)) + 1, len(ends))
    lengths = lengths[:sessions]
    lengths[-1] += rows - ends[sessions - 1]

    shift = users / 1000 + 20
    rank = shift * ((1 + users / shift) ** rng.random(sessions) - 1)
    user = np.minimum(rank.astype(np.int64), users - 1)
    user[: len(newcomers)] = newcomers[:sessions]

    session = np.repeat(np.arange(sessions), lengths)
    gaps = rng.exponential(shape.gap * 1e6, rows).astype(np.int64) + 1
    gaps[rng.random(rows) < shape.ties] = 0
    since = np.cumsum(gaps)
    first = np.cumsum(lengths) - lengths
    time = (begin + rng.integers(0, span, sessions) - since[first])[session] + since
    shares = [*shape.steps, *np.geomspace(8, 1, len(OTHERS))]
    shares[len(STEPS) :] = np.array(shares[len(STEPS) :]) * (1 - sum(shape.steps)) / sum(shares[len(STEPS) :])
    event = np.searchsorted(np.cumsum(shares), rng.random(rows)).clip(max=len(shares) - 1)
    platform = rng.integers(0, len(PLATFORMS), sessions)[session]
    return time // shape.clock * shape.clock, user[session], event.astype(np.int8), platform.astype(np.int8)


def _table(time: np.ndarray, user: np.ndarray, event: np.ndarray, platform: np.ndarray) -> pa.Table:
    high, low = _mix(user + 1), _mix(user + 2**40)
    country = np.minimum(high % 64, low % len(COUNTRIES)) % len(COUNTRIES)  # a user has one
    columns = [
        _uuids(high, low),
        pa.array([*STEPS, *OTHERS]).take(pa.array(event)),
        pa.array(time).cast(pa.timestamp("us", "UTC")),
        pa.array(COUNTRIES).take(pa.array(country.astype(np.int8))),
        pa.array(PLATFORMS).take(pa.array(platform)),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def _mix(number: np.ndarray) -> np.ndarray:
    """Scatter numbers over 64 bits, one to one (the last steps of SplitMix64; Steele et al. 2014)."""
    x = number.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


_HEX = np.frombuffer(b"".join(b"%02x" % byte for byte in range(256)), np.uint16)
_DIGITS = np.array([place for place in range(36) if place not in (8, 13, 18, 23)])


def _uuids(high: np.ndarray, low: np.ndarray) -> pa.StringArray:
    """Text like ``1b4e28ba-2fa1-11d2-883f-0016d3cca427``, without a loop over the rows."""
    numbers = np.stack([high, low], axis=1).astype(">u8")
    text = np.full((len(high), 36), ord("-"), np.uint8)
    text[:, _DIGITS] = _HEX[numbers.view(np.uint8)].view(np.uint8)
    ends = np.arange(len(high) + 1, dtype=np.int32) * 36
    return pa.StringArray.from_buffers(len(high), pa.py_buffer(ends), pa.py_buffer(text))
