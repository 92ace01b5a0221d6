"""Batches: many small files of JSON lines, read as if they were one, for each costs little but all cost much."""

from collections.abc import Iterator, Sequence

import numpy as np

from metrics.files.finding import Source
from metrics.files.json_lines import read_flat_lines
from metrics.files.raw import RawTable

SMALL = 4 * 2**20  # bytes of a file
TOGETHER = 64 * 2**20
FEWEST = 8  # files that are worth it


def batches_of(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Small files that lie unpacked on disk and begin with an object, up to some size together."""
    batch: list[Source] = []
    size = 0
    for source in sources if len(sources) >= FEWEST else ():
        bytes_of = source.path.stat().st_size if source.path is not None else SMALL
        if bytes_of >= SMALL or source.head(1) != b"{":
            continue
        batch.append(source)
        size += bytes_of
        if size >= TOGETHER:
            yield batch
            batch, size = [], 0
    if len(batch) >= FEWEST:
        yield batch


def read_batch(batch: Sequence[Source]) -> RawTable | None:
    """All files as one table that knows where each row was written; None where they have to be read one by one."""
    texts = [source.read() for source in batch]
    texts = [text if text.endswith(b"\n") else text + b"\n" for text in texts]
    raw = read_flat_lines(b"".join(texts))
    if raw is None:
        return None
    counts = np.array([text.count(b"\n") for text in texts])
    ends = np.cumsum(counts)
    raw.files = np.repeat(np.array([source.name for source in batch], object), counts)
    raw.lines = raw.lines - np.repeat(ends - counts, counts)
    return raw
