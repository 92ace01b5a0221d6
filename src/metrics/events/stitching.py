"""Stitching: who was it, before they said who they are?

A row with a known user keeps it. A row with only an anonymous id (a device, a
browser) belongs to the user who last used that id at or before the row, else to
the first who uses it afterwards, else to the anonymous id itself. So a shared
device never merges two known users. Of two users at the same instant the order
of their ids decides, never the order of the rows.
"""

from typing import Any

import numpy as np
import pandas as pd


def stitch_users(rows: pd.DataFrame, identities: pd.DataFrame | None = None) -> pd.Series:
    """User of each row: known, stitched, or the anonymous id itself; missing only where both ids are.

    >>> import pandas as pd
    >>> at = pd.to_datetime(["2026-01-01", "2026-01-02", "2026-01-03"], utc=True)
    >>> rows = pd.DataFrame(
    ...     {"user_id": [None, "ann", None], "anonymous_id": ["phone"] * 3, "timestamp": at}, dtype="str"
    ... )
    >>> stitch_users(rows.assign(timestamp=at)).tolist()
    ['ann', 'ann', 'ann']
    """
    users, devices = rows["user_id"], rows["anonymous_id"]
    need = (users.isna() & devices.notna()).to_numpy()
    seen = rows.loc[(users.notna() & devices.notna()).to_numpy(), ["anonymous_id", "user_id", "timestamp"]]
    if identities is not None and len(identities):
        seen = pd.concat([seen, identities[["anonymous_id", "user_id", "timestamp"]].dropna()], ignore_index=True)
    if not need.any() or seen.empty:
        return users.fillna(devices)

    known_devices, names = pd.factorize(seen["anonymous_id"])
    known_users, user_names = pd.factorize(seen["user_id"], sort=True)
    open_devices = pd.Index(names).get_indexer(devices[need])  # -1: a device that no known user has
    times = [_microseconds(seen["timestamp"]), _microseconds(rows.loc[need, "timestamp"])]
    instants, moment = np.unique(np.concatenate(times), return_inverse=True)
    # One number for device and moment, so that one search finds the neighbours of a row on its device.
    key = known_devices * len(instants) + moment[: len(seen)]
    order = np.lexsort((known_users, key))
    key = key[order]
    position = np.searchsorted(key, open_devices * len(instants) + moment[len(seen) :], side="right")
    before, after = np.maximum(position - 1, 0), np.minimum(position, len(key) - 1)
    was_before = (position > 0) & (known_devices[order[before]] == open_devices)
    is_after = known_devices[order[after]] == open_devices
    neighbour = np.where(was_before, before, after)
    known = pd.Series(user_names.take(known_users[order[neighbour]])).where(was_before | is_after)
    found = pd.Series(None, index=users.index, dtype="str")
    found[need] = known.to_numpy()
    return users.fillna(found).fillna(devices)


def _microseconds(times: pd.Series) -> Any:
    return times.astype("int64").to_numpy()
