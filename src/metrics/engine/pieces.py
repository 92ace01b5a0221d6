"""Rows on their way to the kernels: split by unit into pieces that fit a processor's cache, on disk where they must."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from metrics.engine.rows import Batch


class Pieces:
    """Batches in, pieces out: piece p holds all rows whose id begins with the bits of p.

    Holds at most `memory` bytes of rows; what is more is written to temporary files, which go with the object.
    """

    def __init__(self, bits: int, memory: int) -> None:
        self.count = 1 << bits
        self._bits = bits
        self._memory = memory
        self._held: list[tuple[Batch, list[int]]] = []
        self._bytes = 0
        self._resources = ExitStack()
        self._folder: Path | None = None
        self._dtypes: dict[str, np.dtype] = {}

    def __enter__(self) -> "Pieces":
        return self

    def __exit__(self, *_: object) -> None:
        self._held = []
        self._resources.close()

    def __len__(self) -> int:
        """How many pieces there are, none before the first batch."""
        return self.count if self._dtypes else 0

    def add(self, batch: Batch, *, in_order: bool = False) -> None:
        """Take a batch; `in_order` of its ids it is split without being moved."""
        self._dtypes = {name: column.dtype for name, column in batch.items()}
        if not self._bits:
            self._held.append((batch, [0, len(batch["id"])]))
        elif in_order:
            bounds = np.arange(1, self.count, dtype=np.uint64) << np.uint64(64 - self._bits)
            inner = np.searchsorted(batch["id"], bounds).tolist()
            self._held.append((batch, [0, *inner, len(batch["id"])]))
        else:
            part = (batch["id"] >> np.uint64(64 - self._bits)).astype(np.uint8 if self._bits <= 8 else np.uint16)
            order = np.argsort(part, kind="stable")  # a radix sort
            edges = np.r_[0, np.cumsum(np.bincount(part, minlength=self.count))]
            self._held.append(({name: column[order] for name, column in batch.items()}, edges.tolist()))
        self._bytes += sum(column.nbytes for column in batch.values())
        if self._bytes > self._memory:
            self._spill()

    def piece(self, number: int) -> Batch:
        """All rows of a piece, in the order in which they came."""
        parts = {name: [self._read(name, number)] if self._folder else [] for name in self._dtypes}
        for batch, edges in self._held:
            for name, column in batch.items():
                parts[name].append(column[edges[number] : edges[number + 1]])
        return {name: np.concatenate(found) for name, found in parts.items()}

    def numbers(self) -> Iterator[int]:
        """The pieces that there are."""
        return iter(range(len(self)))

    def _spill(self) -> None:
        if self._folder is None:
            self._folder = Path(self._resources.enter_context(tempfile.TemporaryDirectory(prefix="metrics-")))
        for number in range(self.count):
            for place, name in enumerate(self._dtypes):
                with self._file(place, number).open("ab") as file:
                    for batch, edges in self._held:
                        batch[name][edges[number] : edges[number + 1]].tofile(file)
        self._held, self._bytes = [], 0

    def _read(self, name: str, number: int) -> np.ndarray:
        return np.fromfile(self._file(list(self._dtypes).index(name), number), self._dtypes[name])

    def _file(self, place: int, number: int) -> Path:
        return (self._folder or Path()) / f"{place}-{number}"
