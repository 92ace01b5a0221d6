"""A random event log for the benchmarks: seeded, so that both sides always see the same rows."""

import numpy as np
import pandas as pd

STEPS = [f"step_{k}" for k in range(1, 6)]
AS_OF = "2026-07-01"


def event_log(rows: int, seed: int = 1) -> pd.DataFrame:
    """`rows` events of rows / 25 users over half a year; a fifth of them meet one of five steps, the rest do not."""
    rng = np.random.default_rng(seed)
    names = np.array([*STEPS, "view", "edit", "search"])
    start = pd.Timestamp("2026-01-01", tz="UTC")
    seconds = np.sort(rng.integers(0, 181 * 86_400_000, rows))
    frame = pd.DataFrame({
        "user_id": rng.integers(0, max(rows // 25, 1), rows).astype("str"),
        "event": names[rng.choice(len(names), rows, p=[0.08, 0.05, 0.035, 0.02, 0.015, 0.4, 0.3, 0.1])],
        "timestamp": start + pd.to_timedelta(seconds, unit="ms").as_unit("us"),
    })  # fmt: skip
    return frame.astype({"user_id": "str", "event": "str"})
