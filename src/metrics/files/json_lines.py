"""JSON lines that are flat: read by Arrow in blocks, where it means the same as reading them one by one.

What Arrow sees otherwise, or not at all, is left to the reader of single objects: nested values but one level of
`properties`, columns of several types, numbers beyond 64 bits, blank or broken lines, lone halves of a character.
"""

import io
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from metrics.files.raw import RawTable
from metrics.files.told import Known
from metrics.files.values import EXACT
from metrics.files.width import is_too_wide, is_wide

SMALL = 1 << 20  # bytes under which one by one is as fast
BLOCK = 1 << 22  # bytes that one thread reads
HEAD = 1 << 18  # bytes at the beginning that tell which columns are text


def read_flat_lines(
    data: bytes,
    texts: Collection[str] = (),
    *,
    least: int | None = None,
    known: Known | None = None,
    lines: int | None = None,
) -> RawTable | None:
    """The table of flat JSON lines, or None where it takes the reader of single objects to be sure.

    So it does for a column that is text in other pieces and holds fractions here, for 7 and 7.0 would be the same.
    `known` remembers which columns of the file are text, for the next piece of it; `lines` are counted unless told.
    """
    if len(data) < (SMALL if least is None else least) or data[:1] != b"{":
        return None
    if b"\\" in data and any(escape in data for escape in (b"\\ud", b"\\uD", b"\\u0000")):  # one is found soonest
        return None
    if not data.isascii():  # Arrow does not look whether it is text
        try:
            data.decode()
        except UnicodeDecodeError:
            return None
    if is_wide(data):  # Arrow makes room for each name in each row before it can be asked how many there are
        return None
    lines = data.count(b"\n") + (not data.endswith(b"\n")) if lines is None else lines
    table, names = _read(data, Known() if known is None else known)
    if table is None or table.num_rows != lines or len(set(table.column_names)) < len(table.column_names):
        return None
    columns: dict[str, Any] = {}
    nested: list[str] = []
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name == "properties" and pa.types.is_struct(column.type) and len(column.type):
            for child, values in zip(column.type, column.combine_chunks().flatten(), strict=True):
                columns[f"properties.{child.name}"] = values
                nested.append(f"properties.{child.name}")
        else:
            columns[name] = column
    if len(columns) < len(table.column_names) - bool(nested) + len(nested) or any(map(_is_unsure, columns.values())):
        return None
    if is_too_wide(columns):
        return None
    if any(pa.types.is_floating(values.type) and name.removeprefix("properties.") in texts
           for name, values in columns.items()):  # fmt: skip
        return None
    place = {name: at for at, name in enumerate(names)}
    arrays = {name: pd.arrays.ArrowExtensionArray(columns[name]) for name in sorted(columns, key=place.__getitem__)}
    frame = pd.DataFrame({name: pd.Series(array) for name, array in arrays.items()})
    return RawTable("json", frame, np.arange(1, lines + 1), [], frozenset(nested))


def _read(data: bytes, known: Known) -> tuple[pa.Table | None, list[str]]:
    """All lines, texts left as texts, and the names of the columns in the order in which they come."""
    table, names = _read_as(data, known.texts)
    if table is None and known.texts is not None:  # what was text in other pieces may be something else here
        table, names = _read_as(data, None)
    known.texts = None if table is None else _texts(table)
    return table, names


def _read_as(data: bytes, texts: pa.Schema | None) -> tuple[pa.Table | None, list[str]]:
    names: list[str] = []
    try:
        if texts is None and len(data) > BLOCK:
            head = _blocks(data[: data.find(b"\n", HEAD) + 1], None)
            names, texts = _names(head), _texts(head)
        table = _blocks(data, texts)
        names = list(dict.fromkeys([*names, *_names(table)]))
        if any(map(pa.types.is_timestamp, _kinds(table.schema))):  # which are texts that Arrow takes for times
            table = _blocks(data, _texts(table))
    except pa.ArrowException:
        return None, []
    return table, names


def _names(table: pa.Table) -> list[str]:
    """Names of columns as the table of a file has them, those inside `properties` too."""
    names = []
    for field in table.schema:
        is_open = field.name == "properties" and pa.types.is_struct(field.type)
        names.extend([f"properties.{child.name}" for child in field.type] if is_open else [field.name])
    return names


def _blocks(data: bytes, texts: pa.Schema | None) -> pa.Table:
    options = pa_json.ParseOptions(explicit_schema=texts, unexpected_field_behavior="infer")
    return pa_json.read_json(io.BytesIO(data), pa_json.ReadOptions(block_size=BLOCK), options)


def _kinds(fields: Iterable[pa.Field]) -> Iterator[pa.DataType]:
    for field in fields:
        yield from _kinds(field.type) if pa.types.is_struct(field.type) else [field.type]


def _texts(table: pa.Table) -> pa.Schema:
    """The columns of a table that are text, or that Arrow took for times."""
    return pa.schema(_only_texts(table.schema))


def _only_texts(fields: Iterable[pa.Field]) -> list[pa.Field]:
    found = []
    for field in fields:
        if pa.types.is_struct(field.type):
            inside = _only_texts(field.type)
            found.extend([field.with_type(pa.struct(inside))] if inside else [])
        elif pa.types.is_timestamp(field.type) or pa.types.is_string(field.type):
            found.append(field.with_type(pa.string()))
    return found


def _is_unsure(column: Any) -> bool:
    """Whether a column holds nested values, or numbers that may have been whole and lost their last digits."""
    if pa.types.is_floating(column.type):
        size = pc.max(pc.abs(column)).as_py()
        return size is not None and not size < EXACT
    return bool(pa.types.is_nested(column.type))
