"""Duplicates: rows that an export delivers more than once, by the key of the vendor or by the id of the event."""

import pandas as pd

from metrics.exports import KEY, RANK, WITHIN
from metrics.files.shaping import FILE, LINE

NO_KEY, NOT_ASKED = "not checked: no event_id", "not checked: dedupe=False"


def reason_of(names: set[str], *, dedupe: bool) -> tuple[str, bool]:
    """What the account says of duplicates in a table with these columns, and whether there is anything to look for."""
    if not names & {KEY, "event_id"}:
        return NO_KEY, False
    return ("same key" if KEY in names else "same event_id", True) if dedupe else (NOT_ASKED, False)


def without_duplicates(rows: pd.DataFrame, *, dedupe: bool, several: bool) -> tuple[pd.DataFrame, dict[str, int]]:
    """Rows without those that are there twice: by the key of the vendor, else by the event id."""
    reason, is_asked = reason_of({str(name) for name in rows}, dedupe=dedupe)
    if not is_asked:
        return rows, {reason: 0}
    again = repeated(rows)
    left = rows[~again].reset_index(drop=True)
    gone = len(_places(rows)) - len(_places(left)) if several else int(again.sum())
    return left.assign(event_id=unique_ids(left)) if "event_id" in left else left, {reason: gone}


def repeated(rows: pd.DataFrame) -> pd.Series:
    """Which rows are there already: the least rank is kept, then what was received first, then what was read first."""
    keyed, numbered = KEY in rows, "event_id" in rows
    keys = rows[KEY].fillna(rows["event_id"]) if keyed and numbered else rows[KEY if keyed else "event_id"]
    if WITHIN in rows:
        keys = _by_days(keys, rows)
    order = [RANK] if RANK in rows else []
    if isinstance(rows.get("received_at", pd.Series(dtype=object)).dtype, pd.DatetimeTZDtype):
        order.append("received_at")
    if order:
        keys = keys.loc[rows[order].sort_values(order, kind="stable").index]
    return (keys.duplicated() & keys.notna()).sort_index()


def unique_ids(rows: pd.DataFrame) -> pd.Series:
    """Event ids; where several events have one, with what tells them apart."""
    ids = rows["event_id"]
    if KEY not in rows:
        return ids
    shared = ids.duplicated(keep=False) & ids.notna() & rows[KEY].notna()
    if not shared.any():
        return ids
    return ids.mask(shared, _by_days(rows[KEY], rows) if WITHIN in rows else rows[KEY])


def _by_days(keys: pd.Series, rows: pd.DataFrame) -> pd.Series:
    """Keys that tell a row from one with the same key that happened more days before than a key is good for."""
    first = rows.groupby(keys)["timestamp"].transform("min")
    later = (rows["timestamp"] - first).dt.days // rows[WITHIN]
    return keys.where(~(later > 0), keys + "|" + later.astype("Int64").astype("str"))


def _places(rows: pd.DataFrame) -> pd.DataFrame:
    return rows[[FILE, LINE]].drop_duplicates()
