"""Run a kernel over a source of rows on this machine."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.engine.cells import Cells
from metrics.engine.pieces import Pieces
from metrics.engine.progress import bar
from metrics.engine.reading import Classes, Reading
from metrics.engine.rows import Batch, Rows, changes, distinct, empty_batch, sorted_rows
from metrics.periods import Ints
from metrics.steps import Mask

Columns = dict[str, npt.NDArray[Any]]
Kernel = Callable[[Rows], Columns]

ROWS_A_PIECE = 400_000
READING = 0.6  # share of the time that reading takes, as a rule
MOST_PACKED = 24  # bits of a packed row that are not the hash
SURE = 1e-4  # pairs of units with one hash that are expected at most
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

    def range(self, before: int) -> tuple[int, int]:
        """First and last instant of rows before `before`; the first is the later one if there are none."""
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
    packs: bool  # whether to know the range of times costs little, so that reading by cells repays

    def classes(self, reading: Reading) -> Classes:
        """The classes that its rows fall into."""
        ...

    def batches(self, reading: Reading, classes: Classes) -> Iterator[Batch]:
        """The rows that are read, in any order."""
        ...

    def range(self, before: int) -> tuple[int, int]:
        """First and last instant of rows before `before`; the first is the later one if there are none."""
        ...

    def packed(self, reading: Reading, classes: Classes, cells: Cells, last: int) -> Iterator[Any]:
        """The rows that are read, each as one number, if it `packs`."""
        ...

    def progress(self) -> float:
        """How much of them is read, 0 to 1."""
        ...


def run(source: LocalSource, reading: Reading, kernel: Kernel) -> tuple[Columns, Mask]:
    """What the kernel makes of all rows, and which marks were met."""
    classes = source.classes(reading)
    found = None if reading.cut is None else _run_by_cell(source, reading, classes, kernel)
    if found is None:

        def fold(batch: Batch) -> tuple[Columns, Mask]:
            return folded(batch, classes, kernel)

        found = _run(source, source.batches(reading, classes), empty_batch(reading), fold)
    columns, seen = found
    return columns, classes.met_by(np.flatnonzero(seen))


def _run_by_cell(
    source: LocalSource, reading: Reading, classes: Classes, kernel: Kernel
) -> tuple[Columns, Mask] | None:
    """The same from the distinct (unit, cell, class); None where that is no gain, or not sure."""
    if not source.packs:
        return None
    first, last = source.range(reading.before)
    cells = None if reading.cut is None else reading.cut.cells(first, last)
    if cells is None or cells.bits + classes.bits > MOST_PACKED:
        return None
    units: list[int] = []

    def fold(batch: Batch) -> tuple[Columns, Mask]:
        rows = unpacked(distinct(batch["id"]), classes, cells)
        units.append(len(rows.ids))
        return kernel(rows), np.bincount(rows.kind, minlength=classes.met.shape[1]) > 0

    batches = ({"id": distinct(batch)} for batch in source.packed(reading, classes, cells, last))
    found = _run(source, batches, {"id": np.zeros(0, np.uint64)}, fold, in_order=True)
    # The cell takes bits from the hash. Where two of so many units may share what is left, all of it is read.
    expected = sum(units) ** 2 / 2.0 ** (65 - cells.bits - classes.bits)
    return found if expected < SURE else None


def _run(
    source: LocalSource,
    batches: Iterator[Batch] | Any,
    empty: Batch,
    fold: Callable[[Batch], tuple[Columns, Mask]],
    *,
    in_order: bool = False,
) -> tuple[Columns, Mask]:
    """What `fold` makes of the batches, piece by piece, and the classes that it saw."""
    bits = max(int(source.rows - 1) // ROWS_A_PIECE, 0).bit_length()
    with Pieces(bits, source.memory) as pieces, bar("Reading events") as done:
        for batch in batches:
            pieces.add(batch, in_order=in_order)
            done(READING * source.progress())
        if not len(pieces):
            pieces.add(empty)
        parts = []
        with ThreadPoolExecutor(source.threads if bits else 1) as pool:
            for part in pool.map(lambda number: fold(pieces.piece(number)), pieces.numbers()):
                parts.append(part)
                done(READING + (1 - READING) * len(parts) / len(pieces))
    seen = np.logical_or.reduce([seen for _, seen in parts])
    names = list(parts[0][0])  # taken out one by one, so that no column is there twice for longer than it must
    columns = {name: np.concatenate([part.pop(name) for part, _ in parts]) for name in names}
    return columns, seen


def unpacked(packed: npt.NDArray[np.uint64], classes: Classes, cells: Cells) -> Rows:
    """Rows from numbers that hold unit, cell and class, in order."""
    ids = packed >> np.uint64(cells.bits + classes.bits)
    new = changes(ids)
    low = (packed & np.uint64(2 ** (cells.bits + classes.bits) - 1)).astype(np.int32)
    cell = low >> classes.bits
    return Rows(
        unit=np.cumsum(new) - 1,
        time=cells.starts[cell],
        kind=(low & (2**classes.bits - 1)).astype(np.int16),
        met=classes.met,
        ids=ids[np.flatnonzero(new)].view(np.int64),
        cells=cells,
        cell=cell,
    )


def folded(batch: Batch, classes: Classes, kernel: Kernel) -> tuple[Columns, Mask]:
    """What the kernel makes of a batch with all rows of its units, and which classes of rows it saw."""
    if classes.bits > MOST_BITS:
        raise ValueError(
            f"The steps tell {classes.met.shape[1]:,} sorts of rows apart, more than {2**MOST_BITS:,}. "
            "Ask for fewer properties."
        )
    rows = sorted_rows(batch, classes.met, classes.bits)
    return kernel(rows), np.bincount(rows.kind, minlength=classes.met.shape[1]) > 0
