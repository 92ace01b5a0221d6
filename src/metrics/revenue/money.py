"""Money: exact inside, in the currency's own units at the edge.

A price for a year is no whole number of cents a month. Inside, money is therefore a whole number of parts, 5,040 of
them to the smallest coin: 5,040 has the divisors that billing intervals bring (1 to 10, 12, 14, 24, 36, 60), so that
what is split comes together again, in any order of the rows. Floats are made once, for the result.
"""

from typing import Any

import numpy as np
import pandas as pd

from metrics.files import EventTableError
from metrics.intervals import Floats
from metrics.periods import Ints

PARTS = 5_040
# ISO 4217: currencies whose smallest coin is not a hundredth.
_WHOLE = [
    "BIF",
    "CLP",
    "DJF",
    "GNF",
    "ISK",
    "JPY",
    "KMF",
    "KRW",
    "PYG",
    "RWF",
    "UGX",
    "UYI",
    "VND",
    "VUV",
    "XAF",
    "XOF",
    "XPF",
]
_THOUSANDTHS = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]
_MOST = 2**62  # all money of a table together must stay countable


def decimals(currency: Any) -> int:
    """Decimals of a currency: 2, and 0 or 3 of the few that have others.

    >>> [decimals(code) for code in ("USD", "JPY", "KWD")]
    [2, 0, 3]
    """
    code = str(currency).upper()
    return 0 if code in _WHOLE else 3 if code in _THOUSANDTHS else 2


def coins(currencies: pd.Index) -> Ints:
    """Parts of one unit of each currency: 504,000 to a dollar."""
    return np.array([PARTS * 10 ** decimals(code) for code in currencies], dtype=np.int64)


def to_parts(amounts: Floats, per_unit: Ints | int, *, table: str) -> Ints:
    """Amounts in units of their currency as whole parts."""
    if not np.isfinite(amounts).all():
        bad = np.flatnonzero(~np.isfinite(amounts))
        raise EventTableError(
            f"{table}: {len(bad):,} of {len(amounts):,} rows have no mrr (first: row {bad[0]}). "
            "Fill it in, or give prices and leave mrr_lines to reckon."
        )
    parts = np.rint(amounts * per_unit)
    if float(np.abs(parts).sum()) >= _MOST:
        raise EventTableError(
            f"{table}: the amounts add up to more than can be counted exactly. Give mrr in units of the currency, "
            "not in its coins."
        )
    whole: Ints = parts.astype(np.int64)
    return whole


def from_parts(parts: Ints, per_unit: Ints | int) -> Floats:
    """Whole parts as amounts in units of their currency."""
    amounts: Floats = np.asarray(parts, np.int64) / np.asarray(per_unit, np.int64)
    return amounts
