"""Sums of floats that do not depend on their order: added up as whole numbers, rounded once.

A float is a whole number of 53 bits times a power of two. Numbers of one power add up exactly, so that parts of a sum
may be made anywhere, in any order, and put together at the end.
"""

import math
from collections.abc import Iterable

import numpy as np

from metrics.intervals import Floats
from metrics.periods import Ints

_HALF = 2.0**26


def split(values: Floats) -> tuple[Ints, Ints, Ints]:
    """Power, high and low half of each number: value = (high * 2**26 + low) * 2**power."""
    mantissa, power = np.frexp(values)
    whole = mantissa * 2.0**53
    high = np.floor(whole / _HALF)
    return power.astype(np.int64) - 53, high.astype(np.int64), (whole - high * _HALF).astype(np.int64)


def join(power: Iterable[int], high: Iterable[int], low: Iterable[int]) -> float:
    """The sum of halves that were added up by power; infinite where no float is large enough."""
    parts = [(int(p), (int(h) << 26) + int(n)) for p, h, n in zip(power, high, low, strict=True)]
    least = min((p for p, _ in parts), default=0)
    total = sum(number << (p - least) for p, number in parts)
    try:
        # Division of whole numbers rounds correctly, whatever their size.
        return float(total << least) if least >= 0 else total / (1 << -least)
    except OverflowError:
        return math.inf if total > 0 else -math.inf
