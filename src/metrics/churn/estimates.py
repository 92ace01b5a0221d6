"""Several rates in one table: each blank where it cannot be told, and the reasons side by side."""

import pandas as pd

from metrics.intervals import no_denominator
from metrics.results import blank, too_few


def told(table: pd.DataFrame, rates: dict[str, str], min_n: int) -> pd.DataFrame:
    """The table with `reason`; of each rate, the name of its denominator's column.

    A period that is not over (``complete``) has none of the rates. Where all are missing for one reason, the code
    stands alone; else each is named, ``recovery_rate: zero_denominator``.
    """
    codes = {}
    for name, base in rates.items():
        reason = no_denominator(table[base].to_numpy(float)).set_axis(table.index)
        if "complete" in table:
            reason = reason.mask(~table["complete"].astype(bool), "incomplete_period")
        codes[name] = too_few(reason, table[base], min_n)
        limits = [column for column in (f"{name}_low", f"{name}_high") if column in table]
        table = blank(table, codes[name].notna(), [name, *limits])
    return table.assign(reason=joined(codes, table.index))


def joined(codes: dict[str, pd.Series], index: pd.Index) -> pd.Series:
    """Codes of several estimates as one column of text."""
    said = []
    for row in zip(*codes.values(), strict=True):
        named = [f"{name}: {code}" for name, code in zip(codes, row, strict=True) if not pd.isna(code)]
        said.append("; ".join(named) if named else pd.NA)
    return pd.Series(said, index=index, dtype="str")
