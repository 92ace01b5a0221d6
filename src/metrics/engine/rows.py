"""Rows as the kernels see them: numpy arrays, all rows of a unit together and in the order of time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from metrics.engine.cells import Cells
from metrics.engine.reading import Reading
from metrics.intervals import Floats
from metrics.periods import Calendar, Ints
from metrics.steps import Mask

Batch: TypeAlias = dict[str, npt.NDArray[Any]]  # "id", "key", and "group …" and "number …" columns, equally long


@dataclass(frozen=True)
class Rows:
    """Rows sorted by unit, then time, then the first mark that they meet."""

    unit: Ints  # 0, 1, … within these rows
    time: Ints  # microseconds since 1970, UTC
    kind: npt.NDArray[np.int16]  # class of each row -> `met`
    met: Mask  # marks x classes
    ids: Ints  # what the source calls each unit; `Answer.labels` tells its name
    groups: dict[str, Ints] = field(default_factory=dict)  # codes of property values; -1 is missing
    numbers: dict[str, Floats] = field(default_factory=dict)
    cells: Cells | None = None  # where time is cut into cells, `time` is the first instant of each row's `cell`
    cell: npt.NDArray[Any] | None = None

    def __len__(self) -> int:
        return len(self.time)

    def meets(self, mark: int) -> Mask:
        """Rows that meet a mark of the reading."""
        met: Mask = self.met[mark]
        classes = np.flatnonzero(met)
        if len(classes) == 1:  # as a rule; to compare is many times faster than to look up
            alike: Mask = self.kind == classes[0]
            return alike
        found: Mask = met[self.kind]
        return found

    def passed(self, instants: Ints, at: Ints, after: int = 0) -> Ints:
        """How many of these instants, in order, lie at or before the rows `at` moved `after` later."""
        if self.cells is None or self.cell is None:
            return np.searchsorted(instants, self.time[at] + after, side="right")
        of_cell: Ints = np.searchsorted(instants, self.cells.starts + after, side="right")[self.cell[at]]
        return of_cell

    def period(self, calendar: Calendar) -> Ints:
        """Number of the period in which each row lies."""
        if self.cells is None or self.cell is None:
            return calendar.number(self.time)
        numbers: Ints = calendar.number(self.cells.starts)[self.cell]
        return numbers

    def first_of_unit(self, mask: Mask) -> Mask:
        """Of the rows in `mask`, those at the first instant of each unit that has one."""
        unit, time = only(mask, self.unit, self.time)
        new = changes(unit)
        firsts = new
        if (~new[1:] & (time[1:] == time[:-1])).any():  # several rows of one instant
            firsts = time == time[new][np.cumsum(new) - 1]
        if len(firsts) == len(mask):
            return firsts
        found = np.zeros(len(mask), bool)
        found[mask] = firsts
        return found


def only(mask: Mask, *columns: Any) -> tuple[Any, ...]:
    """The rows in `mask`; where these are all, the columns as they are, which costs nothing."""
    if mask.all():
        return columns
    at = np.flatnonzero(mask)  # numpy takes places far faster than it follows a mask without a pattern
    return tuple(column[at] for column in columns)


def changes(*columns: Any) -> Mask:
    """Where any of these columns differs from the row before; the first row does."""
    found = np.zeros(len(columns[0]), bool)
    found[:1] = True
    for column in columns:
        found[1:] |= column[1:] != column[:-1]
    return found


def distinct(packed: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """The different numbers, in order; sorting them is faster than what `np.unique` does."""
    packed = np.sort(packed)
    return packed[np.flatnonzero(changes(packed))]  # taking places is faster than following a mask


def empty_batch(reading: Reading) -> Batch:
    """A batch of no rows."""
    return {
        "id": np.zeros(0, np.uint64),
        "key": np.zeros(0, np.int64),
        **{f"group {name}": np.zeros(0, np.int32) for name in reading.groups},
        **{f"number {name}": np.zeros(0) for name in reading.numbers},
    }


def sorted_rows(batch: Batch, met: Mask, bits: int) -> Rows:
    """Rows of a batch, in order; its "key" is time * 2**bits + class."""
    ids, key = batch["id"], batch["key"]
    order = _order(ids, key, bits)
    if order is not None:
        ids, key = ids[order], key[order]
    first = np.flatnonzero(ids[1:] != ids[:-1]) + 1
    first = np.concatenate([np.zeros(min(len(ids), 1), np.int64), first])
    return Rows(
        unit=np.repeat(np.arange(len(first)), np.diff(first, append=len(ids))),
        time=key >> bits,
        kind=(key & ((1 << bits) - 1)).astype(np.int16),
        met=met,
        ids=ids[first].view(np.int64),
        groups=_named("group ", batch, order, np.int64),
        numbers=_named("number ", batch, order, np.float64),
    )


def _named(prefix: str, batch: Batch, order: Ints | None, dtype: Any) -> dict[str, Any]:
    found = {name.removeprefix(prefix): column for name, column in batch.items() if name.startswith(prefix)}
    return {name: (column if order is None else column[order]).astype(dtype) for name, column in found.items()}


def _order(ids: npt.NDArray[np.uint64], key: Ints, bits: int) -> Ints | None:
    """The order of rows by id and key, or None if they are in it.

    Exports come in the order of time, so that gathering the rows of each id is nearly all there is to do.
    """
    if len(ids) < 2:
        return None
    if ((ids[1:] > ids[:-1]) | ((ids[1:] == ids[:-1]) & (key[1:] >= key[:-1]))).all():
        return None
    time = key >> bits
    if (time[1:] >= time[:-1]).all():
        order = _gathered(ids)
    else:
        by_time = np.argsort(time, kind="stable")  # quick where the rows come in a few runs, as from several files
        order = by_time[_gathered(ids[by_time])]
    found = ids[order]
    _mend_ties(order, found[1:] == found[:-1], key, bits)
    return order


def _gathered(ids: npt.NDArray[np.uint64]) -> Ints:
    """Order that brings the rows of each id together and leaves them in the order in which they came.

    numpy sorts 16 bits by radix, in a fifth of the time that it takes for 64, and two times 16 bits of a hash tell
    nearly all ids of a piece apart.
    """
    low, high = ids.min(), ids.max()
    used = max(int(high - low).bit_length(), 1)
    # Hashes of one partition share their first bits, and small numbers have none: use all of the integer.
    first = ((ids - low) << np.uint64(64 - used) >> np.uint64(32)).astype(np.uint32)
    order: Ints = np.arange(len(ids))
    if used > 16:
        order = np.argsort(first.astype(np.uint16), kind="stable")
        first = first[order]
    by_high = np.argsort((first >> np.uint32(16)).astype(np.uint16), kind="stable")
    order, first = order[by_high], first[by_high]
    if used > 32:
        found = ids[order]
        alike = first[1:] == first[:-1]
        wrong = alike & (found[1:] != found[:-1])
        if wrong.any():
            _sort_runs(order, alike, wrong, lambda rows: (rows, ids[rows]))
    return order


def _mend_ties(order: Ints, same: Mask, key: Ints, bits: int) -> None:
    """Put rows of one unit and instant into the order of their classes."""
    in_order = key[order]
    wrong = same & (in_order[1:] < in_order[:-1])
    if wrong.any():
        tied = same & (in_order[1:] >> bits == in_order[:-1] >> bits)
        _sort_runs(order, tied, wrong, lambda rows: (key[rows],))


def _sort_runs(order: Ints, alike: Mask, wrong: Mask, keys: Callable[[Ints], tuple[Any, ...]]) -> None:
    """Sort, in place, the runs of rows that are `alike` with the row before and hold something `wrong`."""
    run = np.r_[0, np.cumsum(~alike)]
    bad = np.zeros(int(run[-1]) + 1, bool)
    bad[run[1:][wrong]] = True
    places = np.flatnonzero(bad[run])
    rows = order[places]
    order[places] = rows[np.lexsort((*keys(rows), run[places]))]
