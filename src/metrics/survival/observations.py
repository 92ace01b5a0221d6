"""What is known of each customer: how long, whether they left, since when they were watched, of which group."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from metrics.events import EventTableError
from metrics.intervals import Floats

Column: TypeAlias = pd.Series | npt.NDArray[Any] | pd.Index | Sequence[Any]
_MICROSECOND = np.timedelta64(1, "us")


@dataclass(frozen=True)
class Observations:
    """Columns of equal length, checked; times are floats, `timed` says that they were timedeltas (microseconds)."""

    duration: Floats
    observed: npt.NDArray[np.bool_]
    entry: Floats | None
    timed: bool
    whole: bool  # every duration is a whole number and was given as one

    def of(self, rows: npt.NDArray[np.bool_]) -> "Observations":
        """Those of some customers."""
        entry = None if self.entry is None else self.entry[rows]
        return Observations(self.duration[rows], self.observed[rows], entry, self.timed, self.whole)

    def as_given(self, times: Floats) -> Any:
        """Times in the type in which they were handed in."""
        if self.timed:
            return np.rint(times).astype(np.int64) * _MICROSECOND
        return times.astype(np.int64) if self.whole else times


def read(durations: Column, observed: Column, entry: Column | None = None, **others: Column | None) -> Observations:
    """Check the columns, and refuse all that is wrong in them at once."""
    named = {"durations": durations, "observed": observed, "entry": entry, **others}
    columns = {name: given for name, given in named.items() if given is not None}
    lengths = {name: len(given) for name, given in columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"The columns differ in length: {lengths}. Give one value of each for every customer.")
    _same_rows(columns)
    time, timed, whole = _times("durations", durations)
    since, since_timed = (None, timed) if entry is None else _times("entry", entry)[:2]
    if timed != since_timed:
        raise ValueError("durations and entry: one is a timedelta and the other a number. Give both in one unit.")
    left, unknown = _yes_or_no(observed)
    late = np.zeros(len(time), bool) if since is None else ~(since < time)
    wrong = {
        "duration missing or endless": ~np.isfinite(time),
        "duration below 0": time < 0,
        "observed is neither true nor false": unknown,
    }
    if since is not None:
        wrong["entry missing or endless"] = ~np.isfinite(since)
        wrong["entry not before the end: never at risk"] = late & np.isfinite(since) & np.isfinite(time)
    _refuse(wrong)
    return Observations(time, left, since, timed, whole)


def groups_of(by: Column) -> tuple[npt.NDArray[np.intp], Any]:
    """The number of each row's group, and the groups in order; what is missing is the last group."""
    values = by if isinstance(by, pd.Series | pd.Index) else pd.Series(list(by) if isinstance(by, tuple) else by)
    codes, groups = pd.factorize(values, sort=True)
    missing = codes < 0
    if missing.any():
        codes = np.where(missing, len(groups), codes)
        groups = pd.Index(groups).insert(len(groups), None)
    return codes, pd.Index(groups)


def _same_rows(columns: dict[str, Column]) -> None:
    """Series that hold the same rows in another order would be put together wrongly."""
    series = {name: column.index for name, column in columns.items() if isinstance(column, pd.Series)}
    first = next(iter(series), None)
    for name, index in series.items():
        index_of_first = series[str(first)]
        if not index.equals(index_of_first) and index.sort_values().equals(index_of_first.sort_values()):
            raise ValueError(
                f"{first} and {name} hold the same rows in another order. Give columns of one table, or arrays."
            )


def _times(name: str, given: Column) -> tuple[Floats, bool, bool]:
    """The times as floats, whether they are timedeltas, and whether they are whole numbers."""
    values = pd.Series(given).reset_index(drop=True)
    if pd.api.types.is_timedelta64_dtype(values):
        time: Floats = (values.to_numpy() / _MICROSECOND).astype(np.float64)
        return time, True, False
    if values.dtype == object and len(values):  # numbers among missing ones
        values = pd.to_numeric(values, errors="coerce").where(values.notna()) if _all_numbers(values) else values
    if pd.api.types.is_bool_dtype(values) or (len(values) and not pd.api.types.is_numeric_dtype(values)):
        raise ValueError(
            f"{name} is of type {values.dtype}. Give numbers in one unit or timedeltas, such as "
            'subscriptions["end"] - subscriptions["start"].'
        )
    whole = bool(pd.api.types.is_integer_dtype(values)) and not values.hasnans
    return values.to_numpy(np.float64, na_value=np.nan) + 0.0, False, whole


def _all_numbers(values: pd.Series) -> bool:
    return all(isinstance(value, int | float | np.number) and not isinstance(value, bool) for value in values.dropna())


def _yes_or_no(given: Column) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The answers, and where there is none: only true, false, 1 and 0 are answers."""
    values = pd.Series(given).reset_index(drop=True)
    if values.dtype == bool:
        return values.to_numpy(), np.zeros(len(values), bool)
    yes, no = values.isin([True, 1]).to_numpy(bool), values.isin([False, 0]).to_numpy(bool)
    return yes, ~(yes | no)


def _refuse(wrong: dict[str, npt.NDArray[np.bool_]]) -> None:
    found = {problem: rows for problem, rows in wrong.items() if rows.any()}
    if not found:
        return
    said = [f"{int(rows.sum()):,} x {problem} (first: row {int(rows.argmax())})" for problem, rows in found.items()]
    many = len(next(iter(found.values())))
    raise EventTableError(
        f"durations, observed: of {many:,} rows, {'; '.join(said)}. Leave these customers out, and say how many.",
        [{"reason": problem, "rows": int(rows.sum())} for problem, rows in found.items()],
    )
