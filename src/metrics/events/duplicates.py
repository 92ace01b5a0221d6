"""Duplicates: rows that an export delivers more than once, by the key of the vendor or by the id of the event."""

import pandas as pd

from metrics.exports import KEY, RANK
from metrics.files.shaping import FILE, LINE


def without_duplicates(rows: pd.DataFrame, *, dedupe: bool, several: bool) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows without those that are there twice: by the key of the vendor, else by the event id."""
    keyed, numbered = KEY in rows, "event_id" in rows
    if not keyed and not numbered:
        return rows, {"not checked: no event_id": 0}
    if not dedupe:
        return rows, {"not checked: dedupe=False": 0}
    keys = rows[KEY].fillna(rows["event_id"]) if keyed and numbered else rows[KEY if keyed else "event_id"]
    if RANK in rows:
        keys = keys.loc[rows[RANK].sort_values(kind="stable").index]
    elif isinstance(rows.get("received_at", pd.Series(dtype=object)).dtype, pd.DatetimeTZDtype):
        keys = keys.loc[rows["received_at"].sort_values(kind="stable").index]
    again = (keys.duplicated() & keys.notna()).sort_index()
    left = rows[~again].reset_index(drop=True)
    gone = len(_places(rows)) - len(_places(left)) if several else int(again.sum())
    return left, {"same key" if keyed else "same event_id": gone}


def _places(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[FILE, LINE]].drop_duplicates()
