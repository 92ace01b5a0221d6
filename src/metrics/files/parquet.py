"""Parquet: typed columns as they are; ids never pass through floats on the way."""

import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from metrics.files.finding import Source
from metrics.files.raw import RawTable
from metrics.files.refusal import EventTableError, refuse


def read_parquet(source: Source) -> RawTable:
    """Read one Parquet file; the line of a row is its number, from 1. A `properties` struct is opened one level."""
    try:
        table = _open(source).read() if source.table is None else source.table
    except (pa.ArrowException, OSError) as error:
        raise refuse(source.name, "is a Parquet file cut short or damaged", "Export or copy it again.") from error
    columns: dict[str, pa.ChunkedArray] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if name in columns:
            raise refuse(source.name, f"has two columns called {name!r}", "Rename one of them in the export.")
        if pa.types.is_dictionary(column.type):
            column = column.cast(column.type.value_type)
        if name == "properties" and pa.types.is_struct(column.type):
            for child, values in zip(column.type, pa.chunked_array(column).flatten(), strict=True):
                columns[f"properties.{child.name}"] = values
        else:
            columns[name] = column
    frame = pd.DataFrame({name: pd.Series(pd.arrays.ArrowExtensionArray(column)) for name, column in columns.items()})
    nested = frozenset(name for name in columns if name.startswith("properties.") and name not in table.column_names)
    return RawTable("parquet", frame, np.arange(1, table.num_rows + 1), nested=nested)


def open_parquet(source: Source) -> pq.ParquetFile | None:
    """A Parquet file, None where it cannot be read (reading it will say why)."""
    try:
        return _open(source)
    except (pa.ArrowException, OSError, EventTableError):
        return None


def names_in_parquet(source: Source) -> list[str]:
    """Names of the columns of a Parquet file, none where it cannot be read (reading it will say why)."""
    opened = open_parquet(source)
    return [] if opened is None else list(opened.schema_arrow.names)


def _open(source: Source) -> pq.ParquetFile:
    return pq.ParquetFile(source.path if source.path is not None else io.BytesIO(source.read()))
