"""How events travel into an export: ids, arrival times, late rows, duplicates and rows without an owner."""

import numpy as np
import pandas as pd

from metrics.samples.fieldnote.parameters import Parameters

COLUMNS = [
    *("event_id", "user_id", "anonymous_id", "event", "timestamp", "received_at"),
    *("plan", "device", "country", "source"),
]
NOBODY = 12  # rows with neither user nor device, as a broken client sends them


def export(rng: np.random.Generator, events: pd.DataFrame, p: Parameters) -> pd.DataFrame:
    """The event table as exported: in order of arrival, with the flaws that real exports have."""
    table = events.sort_values("timestamp", kind="stable").reset_index(drop=True)
    size = len(table)
    seconds = np.ceil(rng.exponential(1.5, size))
    seconds = np.where(rng.random(size) < p.late, np.ceil(rng.uniform(1, 5, size) * 86_400), seconds)
    table["received_at"] = later(table["timestamp"], seconds)
    table["event_id"] = [f"e{i + 1:06d}" for i in range(size)]

    broken = table.iloc[np.sort(rng.choice(size, size=min(NOBODY, size // 200), replace=False))].copy()
    broken["user_id"], broken["anonymous_id"] = None, None
    broken["event_id"] = [f"e{size + i + 1:06d}" for i in range(len(broken))]
    table = pd.concat([table, broken], ignore_index=True)

    twice = table[rng.random(len(table)) < p.duplicates].copy()
    twice["received_at"] = later(twice["received_at"], np.ceil(rng.exponential(3_600, len(twice))))
    table = pd.concat([table, twice], ignore_index=True)
    table = table.sort_values(["received_at", "event_id"], kind="stable").reset_index(drop=True)
    return table[COLUMNS].astype({"user_id": "str", "anonymous_id": "str"})


def later(moment: pd.Series, seconds: np.ndarray) -> pd.Series:
    """Whole seconds, as a collector stamps them."""
    stamped: pd.Series = moment.dt.ceil("s") + pd.to_timedelta(seconds.astype("int64"), unit="s").as_unit("us")
    return stamped
