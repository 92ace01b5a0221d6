"""Small files of one kind, read as if they were one, for each costs little but all cost much."""

import io
import json
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from metrics.files.delimited import read_delimited
from metrics.files.finding import Source
from metrics.files.json_lines import read_flat_lines
from metrics.files.raw import RawTable
from metrics.files.refusal import EventTableError

SMALL = 4 * 2**20  # bytes of a file
TOGETHER = 64 * 2**20
FEWEST = 8  # files that are worth it


def alike(sources: Sequence[Source]) -> Iterator[list[Source]]:
    """Files in their order; small ones that follow each other and begin alike are put together."""
    batch: list[Source] = []
    kind: Hashable = None
    size = 0
    for source in sources:
        data = _small(source) if len(sources) >= FEWEST else None
        here = None if data is None else _beginning(data)
        if batch and (here is None or here != kind or size >= TOGETHER):
            yield batch
            batch, size = [], 0
        if data is None or here is None:
            yield [source]
            continue
        batch.append(replace(source, open=partial(io.BytesIO, data), path=None, packed=None))  # read once
        kind, size = here, size + len(data)
    if batch:
        yield batch


def _small(source: Source) -> bytes | None:
    """All of a small file, None for another."""
    if source.is_part or source.table is not None:
        return None
    try:
        data = source.head(SMALL)
    except EventTableError:
        return None  # said when it is read
    return data if len(data) < SMALL else None


def _beginning(data: bytes) -> Hashable:
    """What files that may be put together have alike: the keys of their first object, or their header."""
    first = data[: data.find(b"\n")] if b"\n" in data else data
    if data[:1] == b"{":
        try:
            return tuple(json.loads(first))
        except (ValueError, RecursionError):
            return None
    if data[:4] == b"PAR1" or b"\n" not in data or b"\0" in data or data[:1] == b"[" or data[0] > 127:
        return None
    if not first.strip() or first.startswith(b"sep=") or b";" in first or b'"' in data:
        return None
    return (first.rstrip(b"\r"), first.endswith(b"\r"))


def read_together(batch: Sequence[Source]) -> RawTable | None:
    """All files as one table that knows where each row was written; None where they have to be read one by one."""
    texts = [source.read() for source in batch]
    texts = [text if text.endswith(b"\n") else text + b"\n" for text in texts]
    if texts[0][:1] == b"{":
        told = batch[0].told
        raw = read_flat_lines(b"".join(texts), told.texts if told is not None else (), least=0)
    else:
        cut = texts[0].find(b"\n") + 1
        raw = read_delimited(texts[0] + b"".join(text[cut:] for text in texts[1:]), batch[0].name)
    if raw is None:
        return None
    counts = np.array([text.count(b"\n") for text in texts])
    headed = texts[0][:1] != b"{"
    rows = counts - 1 if headed else counts  # a header counts in each file, and stands once
    ends = np.cumsum(rows)
    at = np.searchsorted(ends, raw.lines - headed, side="left")
    names = np.array([source.name for source in batch], object)
    broken = []
    for one in raw.broken:
        place = int(np.searchsorted(ends, one.line - headed, side="left"))
        broken.append(one._replace(line=one.line - int(ends[place] - rows[place]), file=names[place]))
    return replace(raw, files=names[at], lines=raw.lines - (ends - rows)[at], broken=broken)
