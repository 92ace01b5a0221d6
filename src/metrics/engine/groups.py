"""Groups: a kernel that knows of none, run over the units of each; and the parts of an answer by group.

A unit belongs to one group, that of its first row that meets the first mark, so that the groups add up to all units.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from metrics.engine.answer import Answer
from metrics.engine.combinations import combinations
from metrics.engine.local import Columns
from metrics.engine.rows import Rows
from metrics.periods import Ints

MISSING = np.iinfo(np.int64).max  # the code of a missing value where groups are in order: the last one


def in_groups(
    rows: Rows, ungrouped: Callable[..., Columns], grouped: Sequence[str] | None = None, **settings: Any
) -> Columns:
    """What the kernel `ungrouped` makes of each group's rows, with the group in columns ``group …``.

    Where only some of the columns of `rows.groups` are `grouped`, the kernel sees all of them.
    """
    by = list(rows.groups if grouped is None else grouped)
    if not by:
        return ungrouped(rows, **settings)
    unit, codes = _groups_of_units(rows, by)
    found, place = combinations(codes)
    group = np.full(len(rows.ids), -1)
    group[unit] = place
    order = np.argsort(group[rows.unit], kind="stable")  # groups one after the other, units in order in each
    edges = np.searchsorted(group[rows.unit][order], np.arange(found.shape[1] + 1))
    plain = replace(rows, groups={} if grouped is None else rows.groups, numbers={})
    parts = [ungrouped(_only(plain, order[a:b]), **settings) for a, b in pairwise(edges)]
    if not parts:  # the columns, and nobody in them
        parts = [{name: column[:0] for name, column in ungrouped(_only(plain, order[:0]), **settings).items()}]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    many = [len(next(iter(part.values()))) for part in parts][: found.shape[1]]
    keys = np.repeat(np.where(found < 0, MISSING, found), many, axis=1)
    return columns | {f"group {name}": key for name, key in zip(by, keys, strict=True)}


def each_group(answer: Answer, by: Sequence[str]) -> Iterator[tuple[dict[str, Any], Columns]]:
    """The columns of each group and its values, groups in order and the missing one last; all where there are none."""
    columns = answer.columns
    if not by:
        yield {}, columns
        return
    codes = pd.DataFrame({name: columns[f"group {name}"] for name in by})
    values = {}
    for name in by:
        code = codes[name].to_numpy()
        values[name] = answer.value_of(name, np.where(code == MISSING, -1, code)).array
    for _, place in codes.groupby(list(by), sort=True).indices.items():
        key = {name: values[name][place[0]] for name in by}
        yield key, {name: column[place] for name, column in columns.items()}


def stacked(tables: Sequence[tuple[dict[str, Any], pd.DataFrame]], answer: Answer, by: Sequence[str]) -> pd.DataFrame:
    """The tables of the groups as one, each with its values before its own columns."""
    keyed = [table.assign(**key)[[*by, *table.columns]] for key, table in tables]
    return typed(pd.concat(keyed, ignore_index=True) if len(keyed) > 1 else keyed[0], answer, by)


def typed(table: pd.DataFrame, answer: Answer, by: Sequence[str]) -> pd.DataFrame:
    """The columns of groups with the types of their properties."""
    for name in by:
        plain = answer.value_of(name, np.arange(0))
        table[name] = table[name].astype(plain.dtype if table[name].notna().all() else "object").infer_objects()
        if pd.api.types.is_string_dtype(plain.dtype):
            table[name] = table[name].astype("str")
    return table


def _groups_of_units(rows: Rows, by: Sequence[str]) -> tuple[Ints, list[Ints]]:
    """Units with a row that meets the first mark, and the codes of their groups."""
    at = np.flatnonzero(rows.first_of_unit(rows.meets(0)))
    unit = rows.unit[at]
    # Rows of one instant may differ in their properties; the least value stands, whatever the order of the file.
    codes = [rows.groups[name][at] for name in by]
    order = np.lexsort((*(np.where(code < 0, MISSING, code) for code in codes[::-1]), unit))
    unit = unit[order]
    first = np.ones(len(unit), bool)
    np.not_equal(unit[1:], unit[:-1], out=first[1:])
    return unit[first], [code[order][first] for code in codes]


def _only(rows: Rows, at: Ints) -> Rows:
    """Some of the rows, with all those of their units."""
    unit, kind = rows.unit[at], rows.kind[at]
    new = np.ones(len(unit), bool)
    np.not_equal(unit[1:], unit[:-1], out=new[1:])
    groups = {name: code[at] for name, code in rows.groups.items()}
    return replace(rows, unit=np.cumsum(new) - 1, time=rows.time[at], kind=kind, ids=rows.ids[unit[new]], groups=groups)
