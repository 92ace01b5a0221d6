"""Presence: in which quarters of an hour each user was there, kept beside every file of a store.

Cohorts, actives, lifecycles and churn ask of most events only on which day their user was there, and a user has several
in the quarter of an hour that a visit takes. So presence has a quarter of the rows, and by user the ids repeat, which
Parquet then keeps once. Quarters of an hour tell the days of every zone.

It is a hidden file that says of which file it is by a hash of that one's end, where Parquet keeps the sizes and bounds
of all its parts. What was changed, replaced or copied alone has no presence, and is read itself.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from metrics.periods import SLOT
from metrics.store.columns import listed, literal_path
from metrics.store.session import arrow_reader, standard_session

OF = b"metrics.presence_of"  # in the schema of a presence: the hash of its file's end
DICTIONARY = 2**24  # bytes of ids that a part may keep once; the usual limit holds those of 30,000 users


def write_presence(file: Path) -> None:
    """Write the presence of a file of good rows, beside it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    slot = f"make_timestamptz(epoch_us(timestamp) // {SLOT} * {SLOT})"
    rows = f"SELECT DISTINCT user_id, {slot} AS timestamp FROM {_scan([str(file)])} ORDER BY user_id, timestamp"
    columns = [pa.field("user_id", pa.string()), pa.field("timestamp", pa.timestamp("us", "UTC"))]
    schema = pa.schema(columns, {OF: _end(file)})
    with (
        standard_session() as con,
        pq.ParquetWriter(_beside(file), schema, compression="zstd", dictionary_pagesize_limit=DICTIONARY) as writer,
    ):
        for batch in arrow_reader(con, rows):
            writer.write_table(pa.Table.from_batches([batch]).cast(schema))


def presence(files: Sequence[str]) -> str:
    """Text to stand after FROM: user_id and timestamp of the presence of all these files; empty where one has none."""
    found = [_beside(Path(file)) for file in files]
    known = all(_is_of(there, Path(file)) for there, file in zip(found, files, strict=True))
    return _scan(map(str, found)) if known else ""


def _beside(file: Path) -> Path:
    return file.with_name(f".{file.stem}.presence")


def _is_of(found: Path, file: Path) -> bool:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return bool((pq.read_schema(found).metadata or {}).get(OF) == _end(file))
    except (OSError, pa.ArrowException):
        return False


def _end(file: Path) -> bytes:
    """A hash of the end of a Parquet file: its metadata, their length and four letters."""
    with file.open("rb") as opened:
        opened.seek(-8, os.SEEK_END)
        length = int.from_bytes(opened.read(4), "little")
        opened.seek(-min(8 + length, opened.seek(0, os.SEEK_END)), os.SEEK_END)
        return hashlib.sha256(opened.read()).hexdigest().encode()


def _scan(files: Iterable[str]) -> str:
    return f"read_parquet({listed(map(literal_path, files))}, hive_partitioning = false)"
