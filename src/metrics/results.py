"""How a metric hands over its table: columns in their order, with its name, definition and settings beside it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd


class Settings(dict[str, Any]):
    """The settings of a metric in the ``attrs`` of its table, shared by all tables made of it: not to be edited.

    pandas copies ``attrs`` deeply at each step, which would cost more than the step.
    """

    def __deepcopy__(self, memo: object) -> "Settings":
        return self

    def __reduce__(self) -> tuple[type["Settings"], tuple[dict[str, Any]]]:
        return Settings, (dict(self),)

    def _refuse(self, *_: object, **__: object) -> Any:
        raise TypeError(
            "settings: all tables made of one share them, so that they cannot be edited in place. Give this table its "
            "own: table.attrs['settings'] = table.attrs['settings'] | {'name': 'value'}."
        )

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse


def result(
    table: pd.DataFrame, *, metric: str, definition: str, settings: Mapping[str, Any], columns: Sequence[str] = ()
) -> pd.DataFrame:
    """The table with ``attrs`` that say what it is; `columns`, where given, are its columns in order."""
    table = (table[list(columns)] if columns else table).reset_index(drop=True)
    table.columns = pd.Index(list(table.columns))  # names that are all texts are of that type, however they came there
    table.attrs = {
        "metric": metric,
        "definition": definition,
        "settings": Settings((name, value) for name, value in settings.items() if value is not None),
    }
    return table


def keys(by: str | Sequence[str] | None, *, taken: Sequence[str] = ()) -> list[str]:
    """The columns of `by` as a list; `taken` are the names of the result's own columns, which they must not have."""
    if by is not None and not isinstance(by, Iterable):
        raise ValueError(f"by: {by!r} is neither a column nor a list of them. Use such as 'plan' or ['plan', 'size'].")
    names = [] if by is None else [by] if isinstance(by, str) else list(by)
    for name in names:
        if {name, str(name).removesuffix("_low"), str(name).removesuffix("_high")} & set(taken):
            raise ValueError(f"by: {name!r} is a column of the result. Rename the property, and group by the new name.")
        if names.count(name) > 1:
            raise ValueError(f"by: {name!r} is named twice in {names}. Name it once.")
    return names


def aside(by: Sequence[str]) -> list[str]:
    """Names for the columns of `by` on the way to a result, which no column of a table on the way has."""
    return [f"group {name}" for name in by]


def grouped(table: pd.DataFrame, by: Sequence[str]) -> tuple["np.ndarray[Any, np.dtype[np.int64]]", pd.DataFrame]:
    """The group of each row, numbered in order of the values with missing ones last, and the values of each group."""
    if not by:
        return np.zeros(len(table), np.int64), pd.DataFrame(index=range(1))
    found = table.groupby(list(by), dropna=False, sort=True, observed=True)
    return np.asarray(found.ngroup(), np.int64), found.size().reset_index()[list(by)]


def beside(table: pd.DataFrame, sums: pd.DataFrame, on: Sequence[str]) -> pd.DataFrame:
    """The table with what was summed up of its groups.

    pandas makes numbers of the names of groups all of whose names are missing, and sets none beside texts.
    """
    return table.merge(sums.astype({name: table[name].dtype for name in on}), how="left", on=list(on))


def too_few(reason: pd.Series, n: pd.Series, min_n: int) -> pd.Series:
    """``below_min_n`` where fewer than `min_n` were counted and no better reason stands."""
    if not isinstance(min_n, int | np.integer) or min_n < 1:
        raise ValueError(f"min_n: {min_n!r} is not a count. Use 1 to show every rate, 10 to hold back those over few.")
    return reason.mask(reason.isna() & (n < min_n), "below_min_n")


def blank(table: pd.DataFrame, rows: pd.Series, columns: Sequence[str]) -> pd.DataFrame:
    """The table with NA in `columns` where `rows` is true."""
    hidden = rows.to_numpy(bool)
    return table.assign(**{name: np.where(hidden, np.nan, table[name].astype(float)) for name in columns})


def join_reasons(table: pd.DataFrame, **codes: pd.Series) -> pd.Series:
    """``estimate: code; …`` of several estimates; NA where all are defined."""
    said = [
        "; ".join(f"{name}: {code.iloc[k]}" for name, code in codes.items() if pd.notna(code.iloc[k])) or None
        for k in range(len(table))
    ]
    return pd.Series(said, index=table.index, dtype="str")
