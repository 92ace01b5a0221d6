"""Small exports written to disk, and what they are read as, one readable line a row."""

import json
from pathlib import Path

import metrics

DAY = "2026-01-05"


def lines(path: Path, rows: list[object]) -> Path:
    """A file of JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n", encoding="utf-8")
    return path


def table(path: Path, text: str) -> Path:
    """A file of delimited text, the margin of a test left out."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(line.strip() for line in text.strip().splitlines()) + "\n", encoding="utf-8")
    return path


def seen(load: metrics.EventLoad) -> list[str]:
    """``time user event`` of each row, the day and zeros left out."""
    return [
        f"{str(row.timestamp.tz_localize(None).isoformat(sep=' ')).removeprefix(DAY + ' ')} {row.user_id} {row.event}"
        for row in load.events.itertuples()
    ]


def became(load: metrics.EventLoad) -> dict[str, int]:
    """Rows by stage; what was read is always the sum of what became of it."""
    rows = load.account.groupby("stage")["rows"].sum()
    assert rows["read"] == rows[["kept", "duplicate", "system", "rejected"]].sum()
    return {stage: int(n) for stage, n in rows.items() if n and stage != "read"}


def value(load: metrics.EventLoad, column: str, row: int = 0) -> object:
    """One value of a property."""
    return load.events[column].iloc[row]
