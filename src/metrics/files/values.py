"""Values: ids are text and stay exact; every other column gets the plainest type that fits all of it."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from metrics.files.refusal import EventTableError, refuse

EXACT = 2**53  # from here on a float no longer holds every whole number
INTEGER = r"^-?(0|[1-9]\d{0,17})$"
DECIMAL = r"^[+-]?((0|[1-9]\d{0,14})(\.\d+)?|\.\d+)([eE][+-]\d+)?$"  # longer digits would not survive as floats
RARE = 4  # a column of which less than one in so many is filled is read by what is there alone
TRUTH = r"^(?i:true|false)$"

_FALSE = ("false", "0", "0.0", "no", "f", "n")


def read_ids(column: pd.Series, file: str) -> pd.Series:
    """Ids as text, blanks as missing. A number becomes its digits; a float only if it is whole and exact."""
    name = str(column.name)
    if column.dtype == object:
        array = pa.array([_id_text(value, file, name) for value in column], pa.string())
    else:
        array = pa.array(column, from_pandas=True)
        if pa.types.is_floating(array.type) or pa.types.is_decimal(array.type):
            _check_exact([v for v in pc.drop_null(array).to_pylist() if v == v], file, name)
            array = pc.if_else(pc.is_finite(array), array, None) if pa.types.is_floating(array.type) else array
            array = array.cast(pa.int64() if pa.types.is_floating(array.type) else pa.decimal128(38, 0)).cast(
                pa.string()
            )
        elif pa.types.is_binary(array.type) or pa.types.is_large_binary(array.type):
            raise refuse(file, f"column {name!r} holds bytes, not ids", "Export it as text.")
        else:
            array = array.cast(pa.string())
    if not is_trim(array):
        array = pc.utf8_trim_whitespace(array)
        array = pc.if_else(pc.equal(array, ""), None, array)
    return pd.Series(array.to_pandas(), dtype="str", name=column.name).reset_index(drop=True)


def id_texts(column: pd.Series) -> pd.Series:
    """Ids as text. Whole numbers that a gap has made decimal, as pandas does, are still whole numbers: 7.0 is 7."""
    if column.dtype == "str":
        return column
    if pd.api.types.is_float_dtype(column.dtype) and (column.dropna() % 1 == 0).all():
        column = column.astype("Int64")
    return column.astype("str").where(column.notna())


def truths(column: pd.Series) -> "np.ndarray[Any, np.dtype[np.float64]]":
    """1 where a column says true, 0 where it says false, in the words of files too; NaN where it says neither."""
    words = {**dict.fromkeys(("true", "1", "1.0", "yes", "t", "y"), 1.0), **dict.fromkeys(_FALSE, 0.0)}
    column = column.reset_index(drop=True)
    said = column.astype("str").str.strip().str.lower()
    found = said.map(words).astype(float)
    rest = found.isna() & column.notna()
    if rest.any():  # such as 1.00
        numbers = pd.to_numeric(said[rest], errors="coerce").astype(float)
        found = found.mask(rest, numbers.where(numbers.isin([0, 1])))
    return np.asarray(found, np.float64)


def is_trim(texts: Any) -> bool:
    """Whether it is sure that no text is empty or has a blank at an end, told by their first and last bytes."""
    if isinstance(texts, pa.ChunkedArray):
        return all(map(is_trim, texts.chunks))
    if not len(texts) or texts.null_count or not pa.types.is_string(texts.type):
        return False
    ends = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    letters = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    if (ends[1:] == ends[:-1]).any():
        return False
    outer = letters[ends[:-1]], letters[ends[1:] - 1]
    return all(bool(((some > ord(" ")) & (some < 128)).all()) for some in outer)


def _id_text(value: Any, file: str, name: str) -> str | None:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_, dict, list)):
        return json.dumps(value if not isinstance(value, np.bool_) else bool(value), sort_keys=True, ensure_ascii=False)
    if isinstance(value, (float, np.floating)):
        if np.isnan(value):
            return None
        _check_exact([value], file, name)
        return str(int(value))
    return str(value)


def _check_exact(values: list[Any], file: str, name: str) -> None:
    wrong = next((v for v in values if abs(v) >= EXACT or v != int(v)), None)
    if wrong is not None:
        raise refuse(
            file,
            f"column {name!r} holds ids as decimal numbers that are not exact (such as {wrong!r})",
            "Export the column as text or whole numbers.",
        )


def tidy(column: pd.Series) -> pd.Series:
    """Give a property column its plainest type: true/false, whole numbers, numbers, times, else text."""
    if column.dtype == object:
        return _tidy_objects(column)
    if isinstance(column.dtype, pd.ArrowDtype):
        return _tidy_arrow(column)
    if isinstance(column.dtype, pd.StringDtype):
        return _tidy_text(column)
    return column


def as_words(column: pd.Series) -> pd.Series:
    """A property as text, whatever it looks like: as it is written in a file of text, else as JSON has it."""
    if isinstance(column.dtype, pd.StringDtype):
        text = pa.array(column, pa.string(), from_pandas=True)
        return _nullable(pc.if_else(pc.equal(pc.utf8_trim_whitespace(text), ""), None, text), column)
    if isinstance(column.dtype, pd.ArrowDtype):
        values = pa.array(column, from_pandas=True).to_pylist()
    else:
        values = [None if isinstance(value, float) and np.isnan(value) else value for value in column]
    return _words(values, column)


def _words(values: list[Any], column: pd.Series) -> pd.Series:
    return pd.Series([_word(v) for v in values], dtype="str", index=column.index, name=column.name)


def _word(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (date, Decimal)):  # as Parquet has them
        return str(value) if value == value else None
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=str)


def is_id_name(name: str) -> bool:
    """Whether a column is named like an id, whose digits are not a number."""
    lower = name.lower()
    return (
        lower in ("id", "uuid", "guid", "zip", "phone")
        or lower.endswith(("_id", " id", "-id", ".id", "_uuid"))
        or name.endswith("Id")
    )


def _tidy_text(column: pd.Series) -> pd.Series:
    text = pa.array(column, pa.string(), from_pandas=True)
    blank = pc.equal(pc.utf8_trim_whitespace(text), "")
    text = pc.if_else(blank, None, text)
    filled = pc.drop_null(text)
    if len(filled) and not is_id_name(str(column.name)):
        if pc.all(pc.match_substring_regex(filled, INTEGER)).as_py():
            return _nullable(text.cast(pa.int64()), column)
        is_version = "version" in str(column.name).lower()  # of which 1.10 is not 1.1
        if not is_version and pc.all(pc.match_substring_regex(filled, DECIMAL)).as_py():
            return _nullable(pc.replace_substring_regex(text, r"^\+", "").cast(pa.float64()), column)
        if pc.all(pc.match_substring_regex(filled, TRUTH)).as_py():
            return _nullable(pc.equal(pc.utf8_lower(text), "true"), column)
    return _nullable(text, column)


def _tidy_objects(column: pd.Series) -> pd.Series:
    values = column.tolist()
    kinds = set(map(type, values)) - {type(None)}
    if any(issubclass(kind, float) for kind in kinds):
        values = [None if isinstance(v, float) and np.isnan(v) else v for v in values]
        kinds = set(map(type, values)) - {type(None)}
    if not kinds:
        return pd.Series(None, dtype="str", index=column.index, name=column.name)
    if all(issubclass(kind, datetime) for kind in kinds):
        return _moments(column)
    there = np.flatnonzero(column.notna())
    if RARE * len(there) < len(values) and kinds.isdisjoint((type(pd.NaT), type(pd.NA))):
        return _spread(_tidy_objects(column.iloc[there]), there, column)
    try:
        if kinds == {bool}:
            return _nullable(pa.array(values, pa.bool_()), column)
        if kinds == {int}:
            return _nullable(pa.array(values, pa.int64()), column)
        if kinds <= {int, float, Decimal}:
            return _nullable(pa.array([None if v is None else float(v) for v in values], pa.float64()), column)
    except (OverflowError, pa.ArrowException):
        pass  # whole numbers of more than 18 digits stay text
    return _words(values, column)


def _spread(few: pd.Series, places: Any, column: pd.Series) -> pd.Series:
    """The values of a column that stand in few places of it; whole numbers and truth values keep their kind."""
    values: Any
    if few.dtype == "float64":
        values = np.full(len(column), np.nan)
        values[places] = few
    elif few.dtype in ("int64", "bool"):
        plain: Any = np.zeros(len(column), few.dtype)
        is_missing = np.ones(len(column), bool)
        plain[places], is_missing[places] = few, False
        values = (pd.arrays.IntegerArray if few.dtype == "int64" else pd.arrays.BooleanArray)(plain, is_missing)
    else:
        values = few.set_axis(places).reindex(range(len(column))).array
    return pd.Series(values, index=column.index, name=column.name)


def _moments(column: pd.Series) -> pd.Series:
    """Times that are times already (of Parquet within records): in UTC, or on a clock where none has a zone."""
    has_zone = {one.tzinfo is not None for one in column if isinstance(one, datetime) and not pd.isna(one)}
    if len(has_zone) > 1:
        return _words(column.tolist(), column)
    times: pd.Series = pd.to_datetime(column, utc=has_zone == {True})
    return pd.Series(times.dt.as_unit("us"))


def _tidy_arrow(column: pd.Series) -> pd.Series:
    array = pa.array(column, from_pandas=True)
    kind = array.type
    if pa.types.is_integer(kind):
        return _nullable(array.cast(pa.int64()) if kind != pa.uint64() else array, column)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _nullable(array.cast(pa.float64(), safe=False), column)
    if pa.types.is_timestamp(kind):
        zone = "UTC" if kind.tz else None
        return pd.Series(
            array.cast(pa.timestamp("us", kind.tz), safe=False).cast(pa.timestamp("us", zone)).to_pandas(),
            index=column.index,
            name=column.name,
        )
    if pa.types.is_boolean(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return _nullable(array, column)
    if pa.types.is_nested(kind) or pa.types.is_binary(kind):
        return _tidy_objects(pd.Series(array.to_pylist(), dtype=object, index=column.index, name=column.name))
    return _nullable(array.cast(pa.string()), column)


def _nullable(array: Any, column: pd.Series) -> pd.Series:
    """A pandas column; whole numbers and truth values with gaps keep their kind."""
    kind = array.type
    dtype: Any
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        dtype = "str"
    elif pa.types.is_boolean(kind):
        dtype = "boolean" if array.null_count else "bool"
    elif pa.types.is_integer(kind):
        dtype = "Int64" if array.null_count else "int64"
        if array.null_count:
            return pd.Series(pd.array(array.to_pylist(), dtype="Int64"), index=column.index, name=column.name)
    else:
        dtype = "float64"
    values = array.to_pandas() if dtype != "boolean" else pd.array(array.to_pylist(), dtype="boolean")
    typed: pd.Series = pd.Series(values, dtype=dtype, name=column.name)
    typed.index = column.index
    return typed


def read_moments(column: pd.Series, called: str) -> pd.Series:
    """The times of a column that is in memory, whatever they are written as; refused where they cannot be read."""
    iso = "ISO8601" if column.dtype in ("str", object) else None
    try:
        return pd.to_datetime(column, format=iso)
    except (TypeError, ValueError) as error:
        read = pd.to_datetime(column, format=iso, errors="coerce", utc=True)
        lost = (read.isna() & column.notna()).to_numpy()
        if not lost.any() and column.dropna().map(lambda value: pd.Timestamp(value).tzinfo is not None).all():
            return read  # summer and winter of one zone have two offsets
        first = f" (first: row {int(lost.argmax())}, {column[lost].iloc[0]!r})" if lost.any() else ""
        raise EventTableError(
            f"{called} cannot be read{first}. Write all of them as 2026-01-31T09:00:00+01:00, or read the file with "
            "the reader of its table."
        ) from error
