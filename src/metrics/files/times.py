"""Times as people and machines write them, turned into UTC; what is not certain is refused with its reason.

- ISO 8601 with an offset or Z: that instant, whatever zone is declared.
- A time without a zone (also ``31.03.2024 14:00``), or a date: on the clocks of
  the declared `timezone`; without a declared zone it is refused.
- Numbers: seconds, milliseconds, microseconds or nanoseconds since 1970, told
  by their size; two units in one column are refused, for one of them is wrong.
- ``03/04/2024`` is two different days to different people: declare `time_format`.
- A local time that comes twice when clocks go back is the first of the two, and
  counted; one that clocks skipped never was, and is refused. A date whose
  midnight was skipped begins at its first moment.
- Outside 1990 to 2099 a time is a mistake of the export, not a time.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from metrics.files.refusal import refuse
from metrics.files.told import Units, mixed_units
from metrics.periods import instants

NO_TIME = "no time"
UNREADABLE = "time that cannot be read"
NO_ZONE = "time without a zone"
SKIPPED = "local time that the clock change skipped"
IMPLAUSIBLE = "time before 1990 or after 2099"
UTC_TIME: Any = "datetime64[us, UTC]"

EARLIEST, LATEST = pd.Timestamp("1990-01-01", tz="UTC"), pd.Timestamp("2100-01-01", tz="UTC")
UNITS = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1, "nanoseconds": 0.001}
SMALLEST = {"seconds": 0.0, "milliseconds": 1e11, "microseconds": 1e14, "nanoseconds": 1e17}

DAY = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}"
CLOCK = r"\d{1,2}:\d{2}(:\d{2}([.,]\d{1,9})?)?"
OFFSET = r"\s?(Z|z|UTC|GMT|[+-]\d{2}(:?\d{2})?)"
WITH_ZONE = rf"^{DAY}[Tt ]{CLOCK}{OFFSET}$"
WITHOUT_ZONE = rf"^{DAY}[Tt ]{CLOCK}$"
STRICT = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?$"  # as pandas reads it
DATE = rf"^{DAY}$"
DOTTED = rf"^\d{{1,2}}\.\d{{1,2}}\.\d{{4}}(,? {CLOCK})?$"
HOURS_ALONE = len("2026-01-05T09+00:00")  # Arrow takes hours alone, too, in no more characters than these
NUMBER = r"^[+-]?\d{1,20}(\.\d*)?$"


@dataclass
class Times:
    """A column of times: instants in UTC (NaT where refused), reasons (None where read), which came twice."""

    utc: pd.Series
    reason: Any  # object array
    ambiguous: Any  # bool array
    units: Units = field(default_factory=dict)  # of those that are numbers
    is_fine: bool = False  # it is sure that all were read


def read_times(column: pd.Series, *, timezone: str | None, time_format: str | None, file: str) -> Times:
    """Turn one column of a file into UTC."""
    column = column.reset_index(drop=True)
    arrow = _typed(column)
    if arrow is not None and not pa.types.is_string(arrow.type) and not pa.types.is_large_string(arrow.type):
        times = _from_typed(arrow, timezone, file, str(column.name))
    else:
        text = as_text(column) if arrow is None else arrow
        at_once = _instants(text) if time_format is None else None
        if at_once is not None:
            return at_once
        times = _from_text(text, timezone, time_format, file, str(column.name))
    strange = times.utc.notna() & ~times.utc.between(EARLIEST, LATEST, inclusive="left")
    times.reason[strange.to_numpy()] = IMPLAUSIBLE
    times.utc = times.utc.mask(strange)
    return times


def as_text(column: pd.Series) -> Any:
    """Values of a column as Arrow text, numbers in full digits, missing as null."""
    if not isinstance(column.dtype, np.dtype):
        return pa.array(column.astype("str"), pa.string(), from_pandas=True)
    return pa.array([_spell(value) for value in column], pa.string())


def _spell(value: Any) -> str | None:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, float):
        return f"{value:.6f}".rstrip("0").rstrip(".")
    return str(value)


def _typed(column: pd.Series) -> Any:
    """The Arrow array behind a column that has a type of its own, None for a column of objects."""
    if column.dtype == object:
        return None
    array = pa.array(column, from_pandas=True)
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _from_typed(array: Any, timezone: str | None, file: str, name: str) -> Times:
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        stamps = pd.Series(
            pd.DatetimeIndex(
                array.cast(
                    pa.timestamp("us", array.type.tz if pa.types.is_timestamp(array.type) else None), safe=False
                ).to_pandas()
            )
        )
        times = _nothing(len(stamps))
        times.reason[stamps.isna().to_numpy()] = NO_TIME
        if stamps.dt.tz is not None:
            times.utc = stamps.dt.tz_convert("UTC").astype(UTC_TIME)
        else:
            _localize(times, stamps, stamps.notna().to_numpy(), timezone, is_date=pa.types.is_date(array.type))
        return times
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type) or pa.types.is_decimal(array.type):
        times = _nothing(len(array))
        missing = np.asarray(array.is_null().to_numpy(zero_copy_only=False))
        if pa.types.is_floating(array.type):
            missing |= np.asarray(pc.is_nan(array).fill_null(True).to_numpy(zero_copy_only=False))
        times.reason[missing] = NO_TIME
        numbers = array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
        exact = array.fill_null(0).to_numpy() if pa.types.is_integer(array.type) else None
        _from_numbers(times, numbers, ~missing, file, name, exact)
        return times
    raise refuse(
        file, f"column {name!r} holds {array.type}, not times", "Export it as timestamps, text or epoch numbers."
    )


def _instants(text: Any) -> Times | None:
    """All times at once, where each of them is an instant as most machines write it; None where some is not."""
    if not len(text) or text.null_count:
        return None
    has_minutes = pc.min(pc.binary_length(text)).as_py() > HOURS_ALONE
    if not has_minutes and not pc.all(pc.equal(pc.binary_slice(text.cast(pa.binary()), 13, 14), b":")).as_py():
        return None
    try:
        stamps = text.cast(pa.timestamp("us", "UTC"))
    except pa.ArrowInvalid:  # written otherwise, or a 30th of February
        return None
    bounds = pc.min_max(stamps.cast(pa.int64())).as_py()  # some lie outside of what Python knows
    if bounds["min"] < EARLIEST.value // 1000 or bounds["max"] >= LATEST.value // 1000:
        return None
    utc = pd.Series(stamps.to_numpy(), dtype="datetime64[us]").dt.tz_localize("UTC")
    return Times(utc, np.full(len(text), None, object), np.zeros(len(text), bool), is_fine=True)


def _from_text(text: Any, timezone: str | None, time_format: str | None, file: str, name: str) -> Times:
    text = pc.fill_null(pc.utf8_trim_whitespace(text), "")
    times = _nothing(len(text))
    times.reason[_mask(pc.equal(text, ""))] = NO_TIME
    left = times.reason == None  # noqa: E711
    if time_format is not None:
        return _from_format(times, text, left, timezone, time_format)
    times.reason[left] = UNREADABLE

    for pattern, read in ((WITH_ZONE, _iso), (WITHOUT_ZONE, _iso), (DATE, _iso), (DOTTED, _dotted), (NUMBER, None)):
        if not left.any():
            break
        hit = left & _mask(pc.match_substring_regex(text, pattern))
        if not hit.any():
            continue
        left &= ~hit
        some = text.filter(pa.array(hit))
        if read is None:
            exact = np.zeros(len(text), np.int64)
            try:
                exact[hit] = some.cast(pa.int64()).to_numpy(zero_copy_only=False)
                whole = True
            except pa.ArrowInvalid:  # fractions, or more digits than any time has
                whole = False
            numbers = np.zeros(len(text))
            numbers[hit] = some.cast(pa.float64()).to_numpy(zero_copy_only=False)
            _from_numbers(times, numbers, hit, file, name, exact if whole else None)
            continue
        stamps = pd.Series(pd.NaT, index=range(len(text)), dtype="datetime64[us]")
        stamps[hit] = read(some)
        known = hit & stamps.notna().to_numpy()
        if pattern == WITH_ZONE:
            times.utc = times.utc.mask(known, stamps.dt.tz_localize("UTC"))
            times.reason[known] = None
        else:
            is_date = _mask(pc.match_substring(text, ":")) ^ True
            _localize(times, stamps, known & ~is_date, timezone)
            _localize(times, stamps, known & is_date, timezone, is_date=True)
    return times


def _from_format(times: Times, text: Any, left: Any, timezone: str | None, time_format: str) -> Times:
    values = pd.Series(text.to_pandas(), dtype="str")
    has_zone = "%z" in time_format or "%Z" in time_format
    try:
        stamps = pd.to_datetime(values, format=time_format, errors="coerce", utc=has_zone)
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"time_format: {time_format!r} cannot be used ({error}). Use codes such as '%d/%m/%Y %H:%M'."
        ) from error
    known = left & stamps.notna().to_numpy()
    times.reason[left] = UNREADABLE
    if has_zone:
        times.utc = times.utc.mask(known, stamps.astype(UTC_TIME))
        times.reason[known] = None
        return times
    is_date = not any(code in time_format for code in ("%H", "%I", "%X", "%c", "%T"))
    _localize(times, stamps.astype("datetime64[us]"), known, timezone, is_date=is_date)
    return times


def _iso(text: Any) -> Any:
    """Instants in UTC where there is an offset, wall clocks where there is none, both without a zone attached."""
    if not pc.all(pc.match_substring_regex(text, STRICT)).as_py():
        text = _strict(text)
    stamps = pd.to_datetime(pd.Series(text.to_pandas(), dtype="str"), format="ISO8601", errors="coerce", utc=True)
    return stamps.dt.tz_localize(None).astype("datetime64[us]").to_numpy()


def _strict(text: Any) -> Any:
    text = pc.replace_substring(pc.replace_substring(text, "/", "-"), ",", ".")
    text = pc.replace_substring_regex(text, r"\s?(UTC|GMT|z)$", "Z")
    text = pc.replace_substring_regex(text, r"\s([+-]\d{2}(:?\d{2})?)$", r"\1")
    text = pc.replace_substring_regex(text, r"^(\d{4})-(\d)-", r"\1-0\2-")
    text = pc.replace_substring_regex(text, r"^(\d{4}-\d{2})-(\d)([Tt ]|$)", r"\1-0\2\3")
    text = pc.replace_substring_regex(text, r"[Tt ](\d):", r"T0\1:")
    return pc.replace_substring_regex(text, r"(\.\d{6})\d+", r"\1")


def _dotted(text: Any) -> Any:
    text = pc.replace_substring(text, ",", "")
    text = pc.replace_substring_regex(text, r"^(\d{1,2})\.(\d{1,2})\.(\d{4})", r"\3-\2-\1")
    return _iso(text)


def _from_numbers(times: Times, numbers: Any, hit: Any, file: str, name: str, exact: Any) -> None:
    """Read numbers since 1970, the unit told by the size of those that give a plausible time."""
    size = np.abs(numbers)
    times.reason[hit] = IMPLAUSIBLE
    low, high = EARLIEST.value / 1e9, LATEST.value / 1e9
    found = {}
    for unit, microseconds in UNITS.items():
        seconds = numbers * (microseconds / 1e6)
        fits = hit & (size >= SMALLEST[unit]) & (seconds >= low) & (seconds < high)
        if fits.any():
            found[unit] = fits
    times.units = {unit: (int(fits.sum()), float(numbers[fits][0])) for unit, fits in found.items()}
    if len(found) > 1:
        raise mixed_units(file, name, times.units)
    for unit, fits in found.items():
        scale = UNITS[unit]
        if exact is not None and unit != "nanoseconds":
            micro = exact[fits] * int(scale)
        elif exact is not None:
            micro = exact[fits] // 1000
        else:
            micro = np.round(numbers[fits] * scale).astype(np.int64)
        values = times.utc.astype("int64").to_numpy().copy()
        values[fits] = micro
        times.utc = pd.Series(values).astype("datetime64[us]").dt.tz_localize("UTC").where(times.utc.notna() | fits)
        times.reason[fits] = None


def _localize(times: Times, stamps: pd.Series, hit: Any, timezone: str | None, *, is_date: bool = False) -> None:
    """Read wall clocks in the declared zone."""
    if not hit.any():
        return
    if timezone is None:
        times.reason[hit] = NO_ZONE
        return
    wall = stamps[hit]
    first = np.ones(len(wall), bool)
    local = wall.dt.tz_localize(timezone, ambiguous=first, nonexistent="NaT")
    utc = local.dt.tz_convert("UTC").astype(UTC_TIME)
    if is_date:  # one without a midnight begins with its first moment
        begins = instants(wall.to_numpy("M8[us]").view(np.int64), timezone).view("M8[us]")
        utc = pd.Series(begins, index=wall.index).dt.tz_localize("UTC").astype(UTC_TIME)
    times.reason[hit] = [SKIPPED if missing else None for missing in utc.isna()]
    full = pd.Series(pd.NaT, index=times.utc.index, dtype=UTC_TIME)
    full[hit] = utc.to_numpy() if utc.dt.tz is None else utc
    times.utc = times.utc.where(~hit, full)
    if not is_date:
        second = wall.dt.tz_localize(timezone, ambiguous=~first, nonexistent="NaT")
        times.ambiguous[hit] = (local.notna() & (local != second)).to_numpy()


def _nothing(rows: int) -> Times:
    utc = pd.Series(pd.NaT, index=range(rows), dtype=UTC_TIME)
    return Times(utc, np.full(rows, None, object), np.zeros(rows, bool))


def _mask(array: Any) -> Any:
    return np.asarray(array.to_numpy(zero_copy_only=False), bool)
