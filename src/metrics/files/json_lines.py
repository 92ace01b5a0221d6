"""JSON lines that are flat: read by Arrow in blocks, where it means the same as reading them one by one.

What Arrow sees otherwise, or not at all, is left to the reader of single objects: nested values but one level of
`properties`, columns of several types, numbers beyond 64 bits, blank or broken lines, lone halves of a character.
"""

import io
from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from metrics.files.raw import RawTable
from metrics.files.values import EXACT

SMALL = 1 << 20  # bytes under which one by one is as fast
BLOCK = 1 << 24


def read_flat_lines(data: bytes, texts: Collection[str] = (), *, least: int | None = None) -> RawTable | None:
    """The table of flat JSON lines, or None where it takes the reader of single objects to be sure.

    So it does for a column that is text in other pieces and holds fractions here, for 7 and 7.0 would be the same.
    """
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if len(data) < (SMALL if least is None else least) or data[:1] != b"{":
        return None
    if b"\\" in data and any(escape in data for escape in (b"\\ud", b"\\uD", b"\\u0000")):  # one is found soonest
        return None
    table = _read(data)
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
    if any(pa.types.is_floating(values.type) and name.removeprefix("properties.") in texts
           for name, values in columns.items()):  # fmt: skip
        return None
    frame = pd.DataFrame({name: pd.Series(pd.arrays.ArrowExtensionArray(values)) for name, values in columns.items()})
    return RawTable("json", frame, np.arange(1, lines + 1), [], frozenset(nested))


def _read(data: bytes) -> pa.Table | None:
    """All lines, texts left as texts (Arrow takes some for times)."""
    head = data[: data.find(b"\n", BLOCK // 16) + 1] if len(data) > BLOCK else b""
    schema = _texts(_read(head)) if head else None
    while True:
        options = pa_json.ParseOptions(explicit_schema=schema, unexpected_field_behavior="infer")
        try:
            table = pa_json.read_json(io.BytesIO(data), pa_json.ReadOptions(block_size=BLOCK), options)
        except pa.ArrowException:
            return None
        plain = _texts(table)
        if plain == table.schema:
            return table
        schema = plain


def _texts(table: pa.Table | None) -> pa.Schema | None:
    """The schema of a table with texts for times."""
    return None if table is None else pa.schema([_as_text(field) for field in table.schema])


def _as_text(field: pa.Field) -> pa.Field:
    if pa.types.is_timestamp(field.type):
        return field.with_type(pa.string())
    if pa.types.is_struct(field.type):
        return field.with_type(pa.struct([_as_text(child) for child in field.type]))
    return field


def _is_unsure(column: Any) -> bool:
    """Whether a column holds nested values, or numbers that may have been whole and lost their last digits."""
    if pa.types.is_floating(column.type):
        size = pc.max(pc.abs(column)).as_py()
        return size is not None and not size < EXACT
    return bool(pa.types.is_nested(column.type))
