"""How the sheet of key figures is known, and how a figure is written: each row has a unit of its own."""

from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd

from metrics.display import numbers
from metrics.kpis.known import KPIS

MARKS: dict[str, set[str]] = {"kpi_sheet": {"side", "kpi", "value", "unit", "target", "direction", "status", "latest"}}
HEADS = {"side": "Side", "kpi": "Key figure", "value": "Figure", "target": "Target", "n": "Of", "status": "Status"}
SHOWN = {"kpi_sheet": ["kpi", "period_start", "value", "target", "status", "n"]}
EXTRA = {"kpi_sheet": {"period_start", "n"}}
STATUS = {"met": "met", "missed": "missed", "unclear": "unclear", "no_target": numbers.MISSING}


def short(name: object) -> str:
    """What people call a key figure."""
    return KPIS[str(name)].short if str(name) in KPIS else str(name).replace("_", " ")


def within(name: object) -> str:
    """The same inside a sentence: in small letters, unless it is an abbreviation."""
    text = short(name)
    return text if text[1:2].isupper() or text[:3] in ("MRR", "LTV") else text[:1].lower() + text[1:]


def scaled(value: float, unit: str) -> float:
    """A value as it is shown: shares in per cent."""
    return 100 * value if unit in ("share", "kept") else value


def decimals_of(row: "pd.Series[Any] | Mapping[Any, Any]") -> int:
    """Decimals that the interval of a row supports, or its kind of number where it has none."""
    unit, value = str(row["unit"]), float(row["value"])
    width = scaled(float(row["value_high"]) - float(row["value_low"]), unit)
    if pd.notna(width) and width > 0:
        return numbers.decimals_for([width])
    if unit in ("share", "kept", "percent", "months", "hours", "per 100"):
        return 1
    if unit in ("points", "ratio"):
        return numbers.free_decimals([value])
    return 0 if abs(value) >= 1_000 else 2


def written(value: float, unit: str, decimals: int, *, bare: bool = False) -> str:
    """A value with its unit, ``8.0 %``, ``7,997 EUR``, ``3.1``; `bare` leaves the unit off, for limits."""
    if numbers.is_missing(value):
        return numbers.MISSING
    if unit in ("share", "kept", "percent"):
        rate = value / 100 if unit == "percent" else value
        text = numbers.percent(rate, 0 if rate in (0, 1) and not bare else decimals)
        return text if bare else numbers.with_unit(text)
    text = numbers.plain(value, decimals)
    word = {"months": "months", "hours": "h", "ratio": "", "points": "", "per 100": "", "money": ""}.get(unit, unit)
    return text if bare else numbers.with_unit(text, word)


def goal(value: float, unit: str) -> str:
    """A target, with the digits that it was given with."""
    if numbers.is_missing(value):
        return numbers.MISSING
    shown = scaled(value, unit)
    return written(value, unit, next((k for k in range(4) if abs(round(shown, k) - shown) < 1e-9), 4))


def limits(row: "pd.Series[Any] | Mapping[Any, Any]") -> str:
    """``5.5 to 11.5``; empty where there is no interval."""
    low, high = row["value_low"], row["value_high"]
    if pd.isna(low) or pd.isna(high) or not low < high:
        return ""
    decimals = decimals_of(row)
    ends = [written(end, str(row["unit"]), decimals, bare=True) for end in (low, high)]
    return numbers.span(*(end.removeprefix(f"<{numbers.NARROW}").removeprefix(f">{numbers.NARROW}") for end in ends))


def cell(row: "pd.Series[Any] | Mapping[Any, Any]", name: str) -> str:
    """The figure or the target of a row."""
    unit = str(row["unit"])
    return goal(row[name], unit) if name == "target" else written(row[name], unit, decimals_of(row))


WRITERS: dict[str, Callable[[Any], str]] = {
    "side": lambda side: str(side).capitalize(),
    "kpi": short,
    "status": lambda status: STATUS.get(str(status), numbers.MISSING),
}
