"""Run a kernel over a source of rows on this machine."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.engine.pieces import Pieces
from metrics.engine.progress import bar
from metrics.engine.reading import Classes, Reading
from metrics.engine.rows import Batch, Rows, empty_batch, sorted_rows
from metrics.periods import Ints
from metrics.steps import Mask

Columns = dict[str, npt.NDArray[Any]]
Kernel = Callable[[Rows], Columns]

ROWS_A_PIECE = 400_000
READING = 0.6  # share of the time that reading takes, as a rule
MOST_BITS = 11  # that a class may take of the 63 it shares with an instant


class Source(Protocol):
    """What `by_user` needs of a source, wherever its rows are."""

    columns: list[str]

    def run(self, reading: Reading, kernel: Kernel) -> tuple[Columns, Mask]:
        """What the kernel makes of all rows, and which marks were met."""
        ...

    def values(self, name: str) -> pd.Index:
        """What the codes of a group stand for."""
        ...

    def labels(self, ids: Ints) -> pd.Index:
        """Names of units."""
        ...

    def examples(self, columns: list[str]) -> pd.DataFrame:
        """Rows that hold every combination of values of these columns."""
        ...

    def of_unit(self, unit: str, value: Any) -> pd.DataFrame:
        """The rows of one unit."""
        ...


class LocalSource(Protocol):
    """What `run` needs of a source on this machine."""

    rows: int
    memory: int
    threads: int

    def classes(self, reading: Reading) -> Classes:
        """The classes that its rows fall into."""
        ...

    def batches(self, reading: Reading, classes: Classes) -> Iterator[Batch]:
        """The rows that are read, in any order."""
        ...

    def progress(self) -> float:
        """How much of them is read, 0 to 1."""
        ...


def run(source: LocalSource, reading: Reading, kernel: Kernel) -> tuple[Columns, Mask]:
    """What the kernel makes of all rows, and which marks were met."""
    classes = source.classes(reading)
    bits = max(int(source.rows - 1) // ROWS_A_PIECE, 0).bit_length()
    with Pieces(bits, source.memory) as pieces, bar("Reading events") as done:
        for batch in source.batches(reading, classes):
            pieces.add(batch)
            done(READING * source.progress())
        if not len(pieces):
            pieces.add(empty_batch(reading))

        def fold(number: int) -> tuple[Columns, Mask]:
            return folded(pieces.piece(number), classes, kernel)

        parts = []
        with ThreadPoolExecutor(source.threads if bits else 1) as pool:
            for part in pool.map(fold, pieces.numbers()):
                parts.append(part)
                done(READING + (1 - READING) * len(parts) / len(pieces))
    seen = np.logical_or.reduce([seen for _, seen in parts])
    names = list(parts[0][0])  # taken out one by one, so that no column is there twice for longer than it must
    columns = {name: np.concatenate([part.pop(name) for part, _ in parts]) for name in names}
    return columns, classes.met_by(np.flatnonzero(seen))


def folded(batch: Batch, classes: Classes, kernel: Kernel) -> tuple[Columns, Mask]:
    """What the kernel makes of a batch with all rows of its units, and which classes of rows it saw."""
    if classes.bits > MOST_BITS:
        raise ValueError(
            f"The steps tell {classes.met.shape[1]:,} sorts of rows apart, more than {2**MOST_BITS:,}. "
            "Ask for fewer properties."
        )
    rows = sorted_rows(batch, classes.met, classes.bits)
    return kernel(rows), np.bincount(rows.kind, minlength=classes.met.shape[1]) > 0
