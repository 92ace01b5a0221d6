"""Pieces: a file of any size as stretches of whole records, each small enough to be held, and read like a file.

Lines end at line breaks, records of delimited text at those outside of quotes, and each piece of these begins with the
header; Parquet comes in batches of rows. What has no records to cut between (a JSON array, a page of an API) is one
piece. A file smaller than a piece stays a whole one.
"""

import codecs
import io
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TypeVar

from metrics.files.delimited import decimal_commas, header_end, last_break, read_delimited, record_end
from metrics.files.finding import HEAD_BYTES, Source, Stream
from metrics.files.json_records import is_lines
from metrics.files.kinds import kind_of
from metrics.files.parquet import open_parquet
from metrics.files.refusal import refuse
from metrics.files.told import Told

SIZE = 16 * 2**20  # bytes of a piece; memory for more than 32 MB is never kept for the next by the C library
ROWS = 2**18  # rows of a piece of Parquet
LONGEST = 256 * 2**20  # bytes of a record
Item = TypeVar("Item")
UTF16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def pieces_of(
    sources: Sequence[Source],
    told: Told,
    *,
    plain: bool = False,
    encoding: str | None = None,
    delimiter: str | None = None,
    size: int | None = None,
) -> Iterator[list[Source]]:
    """Files a stretch at a time, in their order: several small ones together, a large one alone and in parts.

    `plain` says that quotes are letters like any other and that there is no header.
    """
    return ahead(_batched(_Cut(told, size or SIZE, plain, encoding, delimiter), sources))


def _batched(cut: "_Cut", sources: Sequence[Source]) -> Iterator[list[Source]]:
    batch: list[Source] = []
    held = 0
    for piece, length in chain.from_iterable(map(cut.pieces, sources)):
        if piece.is_part or held + length > cut.size:
            if batch:
                yield batch
            batch, held = [], 0
        if piece.is_part:
            yield [piece]
        else:
            batch.append(piece)
            held += length
    if batch:
        yield batch


def ahead(items: Iterator[Item]) -> Iterator[Item]:
    """The same, the next being made while one is used."""
    with ThreadPoolExecutor(1) as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item


@dataclass(frozen=True)
class _Cut:
    """How files are cut."""

    told: Told
    size: int
    plain: bool
    encoding: str | None
    delimiter: str | None

    def pieces(self, source: Source) -> Iterator[tuple[Source, int]]:
        """The pieces of one file, and about how many bytes each has."""
        with source.stream() as stream:
            start = stream.read(min(HEAD_BYTES, self.size))
            kind = kind_of(start, source.name)
            if kind == "parquet":
                yield from _batches(source, self.told, self.size)
                return
            if len(start) == HEAD_BYTES:
                start = b"".join([start, stream.read(self.size - HEAD_BYTES)])
            if len(start) < self.size:
                yield self._piece(source, start), len(start)
                return
            text = _Text(start, stream)
            if self._is_whole(kind, text.start):
                yield replace(source, told=self.told), self.size
                return
            pieces: Iterator[tuple[bytes, int, int | None]]
            if kind == "json" or self.plain:
                pieces = _lines(text, self.size, source.name)
            else:
                mark = self._mark(source, text.start)
                pieces = _records(text, self.size, source.name, mark)
            for data, skipped, lines in pieces:
                cut = replace(self._piece(source, data), skipped=skipped, is_part=True, lines=lines)
                yield cut, self.size

    def _piece(self, source: Source, data: bytes) -> Source:
        return replace(source, open=partial(io.BytesIO, data), path=None, packed=None, told=self.told)

    def _is_whole(self, kind: str, start: bytes) -> bool:
        """Whether there is nothing to cut between: one JSON document, or text of which no byte is a line break."""
        try:
            breaks = self.encoding is None or "\n,".encode(self.encoding) == b"\n,"
        except LookupError:  # said when it is read
            breaks = False
        return not breaks or (kind == "json" and not is_lines(start))

    def _mark(self, source: Source, start: bytes) -> bytes:
        """The delimiter. With semicolons all of the file is read once more, for which columns have decimal commas."""
        mark = self.delimiter.encode() if self.delimiter else header_end(start, source.name)[1]
        if mark == b";" and source.name not in self.told.commas:
            with source.stream() as stream:
                pieces = _records(_Text(stream.read(self.size), stream), self.size, source.name, mark)
                frames = (read_delimited(data, source.name, delimiter=";", commas=()).frame for data, *_ in pieces)
                self.told.commas[source.name] = decimal_commas(frames)
        return mark


class _Text:
    """A stream of text as UTF-8 without a byte order mark, with line breaks as others write them."""

    def __init__(self, start: bytes, stream: Stream) -> None:
        self.stream = stream
        name = next((name for mark, name in UTF16.items() if start.startswith(mark)), None)
        self.decoder = None if name is None else codecs.getincrementaldecoder(name)()
        self.is_old = b"\n" not in start  # line ends of old Macs
        self.start = self._plain(start).removeprefix(codecs.BOM_UTF8)

    def read(self, size: int) -> bytes:
        """Some more, nothing at the end."""
        return self._plain(self.stream.read(size))

    def _plain(self, data: bytes) -> bytes:
        text = data if self.decoder is None else self.decoder.decode(data, final=not data).encode()
        return text.replace(b"\r", b"\n") if self.is_old else text


def _lines(text: _Text, size: int, name: str) -> Iterator[tuple[bytes, int, int]]:
    """Whole lines, how many stand before them, and how many they are."""
    held, more, skipped = b"", text.start, 0
    while more:
        end = more.rfind(b"\n") + 1
        if end:
            whole = b"".join([held, memoryview(more)[:end]])
            count = whole.count(b"\n")
            yield whole, skipped, count
            skipped += count
            held = more[end:]
        else:
            held = _longer(held, more, name, skipped)
        more = text.read(size)
    if held:
        yield held, skipped, 1


def _records(text: _Text, size: int, name: str, mark: bytes) -> Iterator[tuple[bytes, int, None]]:
    """Whole records after the header, and how many lines they leave out after that; their own are not counted."""
    at, _ = header_end(text.start, name, mark)
    header, held, skipped = text.start[:at], text.start[at:], 0
    while True:
        more = text.read(size)
        end = last_break(held, mark) or record_end(held, mark) if more else len(held)
        if end:
            yield header + held[:end], skipped, None
            skipped += held.count(b"\n", 0, end)
            held = held[end:]
        if not more:
            return
        held = held + more if end else _longer(held, more, name, skipped)


def _longer(held: bytes, more: bytes, name: str, skipped: int) -> bytes:
    if len(held) > LONGEST:
        fact = f"has a record of more than {LONGEST // 2**20} MB"
        raise refuse(name, fact, "A quote may be left open, or line breaks be missing; export it again.", line=skipped)
    return held + more


def _batches(source: Source, told: Told, size: int) -> Iterator[tuple[Source, int]]:
    import pyarrow as pa

    opened = open_parquet(source)
    if opened is None or opened.metadata.num_rows <= ROWS:
        yield replace(source, told=told), size // 8
        return
    skipped = 0
    try:
        for batch in opened.iter_batches(ROWS):
            yield replace(source, table=pa.Table.from_batches([batch]), skipped=skipped, is_part=True, told=told), size
            skipped += batch.num_rows
    except (pa.ArrowException, OSError) as error:
        raise refuse(source.name, "is a Parquet file cut short or damaged", "Export or copy it again.") from error
