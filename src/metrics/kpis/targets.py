"""What should be reached? Targets as they are given, checked so that none is judged in another unit than was meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
import pandas as pd

from metrics.kpis.known import KPIS, LARGEST, Direction, unknown_kpi
from metrics.steps import unknown

Targets: TypeAlias = Mapping[str, float] | pd.DataFrame | Sequence[str]


@dataclass(frozen=True)
class Target:
    """What is to be reached, and which way is better."""

    value: float
    better: Direction


def goals_of(targets: Targets | None) -> dict[str, Target]:
    """Targets by the name of the key figure.

    >>> goals_of(["churn_rate=0.05"])
    {'churn_rate': Target(value=0.05, better='lower')}
    """
    found: dict[str, Target] = {}
    for name, value, better in _rows(targets):
        if name not in KPIS:
            raise ValueError(unknown_kpi("targets", name))
        if name in found:
            raise ValueError(f"targets: {name!r} is named twice. Give one target for each key figure.")
        if better not in (None, "higher", "lower"):
            raise ValueError(f"targets: the direction {better!r} of {name!r} is not known. Use 'higher' or 'lower'.")
        found[name] = Target(_checked(name, value), cast(Direction, better or KPIS[name].better))
    return found


def _rows(targets: Targets | None) -> list[tuple[str, object, str | None]]:
    if targets is None:
        return []
    if isinstance(targets, pd.DataFrame):
        for column in ("kpi", "target"):
            if column not in targets:
                raise ValueError(unknown("targets", column, targets.columns, "a column of the table", "columns"))
        way = targets["direction"] if "direction" in targets else pd.Series(None, index=targets.index, dtype="object")
        return [
            (str(name), value, None if pd.isna(better) else str(better))
            for name, value, better in zip(targets["kpi"], targets["target"], way, strict=True)
        ]
    if isinstance(targets, Mapping):
        return [(str(name), value, None) for name, value in targets.items()]
    rows: list[tuple[str, object, str | None]] = []
    for text in [targets] if isinstance(targets, str) else targets:
        name, equals, value = str(text).partition("=")
        if not equals:
            raise ValueError(f"targets: {text!r} is no target. Write it as 'churn_rate=0.05'.")
        rows.append((name.strip(), value.strip(), None))
    return rows


def _checked(name: str, value: object) -> float:
    """A target as a number; one that is clearly in another unit is refused."""
    try:
        number = np.nan if isinstance(value, bool | np.bool_) else float(cast(float, value))
    except (TypeError, ValueError):
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"targets: {name} = {value!r} is no number. Give what is to be reached, such as 0.05.")
    unit = KPIS[name].unit
    if unit != "points" and number < 0:
        raise ValueError(f"targets: {name} = {number:g} is below 0, and {name} never is. Give a number from 0.")
    largest = LARGEST.get(unit, np.inf)
    if abs(number) > largest:
        if unit in ("share", "kept"):
            raise ValueError(
                f"targets: {name} is a share, and {number:g} is none. Write {number:g} % as {number / 100:g}."
            )
        raise ValueError(f"targets: {name} = {number:g} is off its scale, which ends at {largest:g}.")
    if unit == "percent" and 0 < number <= 1:
        raise ValueError(
            f"targets: {name} is told from 0 to 100, so that {number:g} is next to nothing. "
            f"Write {number:.0%} as {100 * number:g}."
        )
    return number
