"""CSV and JSON: how they are written is told once, by their beginnings, so that reading them need not guess."""

import codecs
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from metrics.files import refuse
from metrics.files.delimited import DELIMITERS, read_delimited
from metrics.files.json_records import read_json
from metrics.files.kinds import as_utf8, kind_of
from metrics.store.columns import listed, literal_path, quoted, text
from metrics.store.layout import ELSEWHERE, SAMPLE, Layout, check_case, together

if TYPE_CHECKING:
    import duckdb

HEAD = 2**18  # unpacked bytes looked at
BUFFER = 2**24  # bytes that a thread parses together; a quarter of what DuckDB takes, and no slower
LOOKED_AT = 8  # JSON files, at least, of which the keys are looked at
PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


@dataclass(frozen=True)
class Head:
    """The beginning of a file: how it is packed, its first bytes, and about how many rows it has."""

    file: str
    packed: str
    data: bytes
    rows: int

    @property
    def kind(self) -> str:
        """parquet, csv or json, told by content."""
        return {"text": "csv"}.get(told := kind_of(self.data, self.file), told)


def read_head(file: str) -> Head:
    """Look at the first bytes of a file, unpacked."""
    import pyarrow as pa

    try:
        with open(file, "rb") as stream:
            start = stream.read(4)
            if start == b"PAR1":
                return Head(file, "uncompressed", start, 0)
            packed = next((name for magic, name in PACKED.items() if start.startswith(magic)), "uncompressed")
            stream.seek(0)
            unpacked = (
                pa.CompressedInputStream(pa.PythonFile(stream, "r"), packed) if packed != "uncompressed" else stream
            )
            data, taken, size = unpacked.read(HEAD), stream.tell(), os.fstat(stream.fileno()).st_size
    except OSError as error:
        why = f"cannot be read ({error.strerror})" if error.strerror else "is cut short or damaged"
        raise refuse(file, why, "Check its permissions, or copy it again.") from error
    if start == b"PK\x03\x04":
        raise refuse(file, "is a ZIP archive", f"Unpack it. Or: {ELSEWHERE[0].lower()}{ELSEWHERE[1:]}")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise refuse(file, "is UTF-16 text", ELSEWHERE)
    rows = round(data.count(b"\n") * max(1.0, size / max(1, taken)))
    return Head(file, packed, data, rows)


def csv_layouts(heads: Sequence[Head]) -> list[Layout]:
    """Files with the same header, read with every column as text under a name of its own."""
    alike: dict[tuple[str, str, int, tuple[str, ...]], list[str]] = {}
    for head in heads:
        mark, skipped, names = _header(head)
        alike.setdefault((head.packed, mark, skipped, names), []).append(head.file)
    layouts = []
    for (packed, mark, skipped, names), files in alike.items():
        columns = {name: f"c{i}" for i, name in enumerate(names)}
        types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns.values())
        how = (
            f"auto_detect = false, header = true, skip = {skipped}, delim = {text(mark)}, quote = '\"', escape = '\"', "
            f"nullstr = '', compression = '{packed}', hive_partitioning = false, columns = {{{types}}}"
        )
        scan = f"read_csv({listed(map(literal_path, files))}, {how}, buffer_size = {BUFFER})"
        glance = f"read_csv({listed([literal_path(files[0])])}, {how}, buffer_size = {BUFFER // 4})"
        layouts.append(Layout(together(files), scan, columns, glance))
    return layouts


def _header(head: Head) -> tuple[str, int, tuple[str, ...]]:
    """The delimiter, how many lines stand before the header, and the names of the columns."""
    lines = re.split(rb"\r\n|\n|\r", as_utf8(head.data, head.file, None))
    skipped = next(i for i, line in enumerate(lines) if line.strip())
    told = re.fullmatch(rb"sep=(.)", lines[skipped])
    skipped += bool(told)
    header = lines[skipped] if skipped < len(lines) else b""
    outside = re.sub(rb'"[^"]*"', b"", header)
    mark = told[1] if told else max(DELIMITERS, key=outside.count)
    names = read_delimited(header + b"\n", head.file, delimiter=mark.decode()).frame.columns
    return mark.decode(), skipped, tuple(names)


def decimal_commas(layout: Layout, sample: pd.DataFrame) -> set[str]:
    """Columns of a file delimited by semicolons that hold nothing but numbers with decimal commas."""
    if f"delim = {text(';')}" not in layout.scan:
        return set()
    numbers = r"\s*-?(\d+|\d{1,3}(\.\d{3})+)(,\d+)?\s*"
    filled = {name: sample[name].dropna().loc[lambda column: column.str.strip() != ""] for name in sample}
    return {
        str(name)
        for name, column in filled.items()
        if column.str.fullmatch(numbers).all() and column.str.contains(",").any()
    }


def with_points(column: pd.Series) -> pd.Series:
    """Numbers with decimal commas as others write them."""
    return column.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)


def json_layouts(heads: Sequence[Head], con: "duckdb.DuckDBPyConnection") -> tuple[list[Layout], pd.DataFrame]:
    """Files of objects with the keys that a sample of them has, all as text; and the sample."""
    tables = []
    for head in heads[:: max(1, len(heads) // LOOKED_AT)]:
        query = f"SELECT json FROM read_json_objects({_how([head.file], head.packed, _form(head))}) LIMIT {SAMPLE}"
        records = [record for (record,) in con.execute(query).fetchall()]
        tables.append(read_json("\n".join(records).encode(), head.file))
    sample = pd.concat([table.frame for table in tables], ignore_index=True)
    nested = frozenset(name for table in tables for name in table.nested)
    fields = {str(name): quoted(str(name)) for name in sample if name not in nested}
    check_case(fields, together([head.file for head in heads]))
    types = ", ".join([f"{text(name)}: 'VARCHAR'" for name in fields] + ["'properties': 'JSON'"] * bool(nested))
    fields |= {name: f"({quoted('properties')} ->> {text(_pointer(name))})" for name in sorted(nested)}
    alike: dict[tuple[str, str], list[str]] = {}
    for head in heads:
        alike.setdefault((head.packed, _form(head)), []).append(head.file)
    layouts = [
        Layout(together(files), f"read_json({_how(files, packed, form)}, columns = {{{types}}})", fields, nested=nested)
        for (packed, form), files in alike.items()
    ]
    return layouts, sample


def _form(head: Head) -> str:
    return "array" if as_utf8(head.data, head.file, None).lstrip()[:1] == b"[" else "newline_delimited"


def _how(files: Sequence[str], packed: str, form: str) -> str:
    return f"{listed(map(literal_path, files))}, format = '{form}', compression = '{packed}'"


def _pointer(name: str) -> str:
    return "/" + name.removeprefix("properties.").replace("~", "~0").replace("/", "~1")
