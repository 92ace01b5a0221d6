"""The tables of fieldnote as files, the same bytes each time: UTF-8, Unix lines, ISO 8601 times in UTC with Z."""

import gzip
import json
from pathlib import Path

import pandas as pd

from metrics.samples.fieldnote import SEED, USERS, simulate, truth

LONG = ("events", "emails")  # written with gzip


def write_demo(folder: Path, seed: int = SEED, users: int = USERS) -> None:
    """Write ``events.csv.gz``, ``emails.csv.gz``, a ``.csv`` per other table and ``truth.json`` into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in simulate(seed=seed, users=users).items():
        text = as_csv(table)
        if name in LONG:
            (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode(), compresslevel=9, mtime=0))
        else:
            (folder / f"{name}.csv").write_bytes(text.encode())
    law = json.dumps(truth(seed, users), indent=2, ensure_ascii=False) + "\n"
    (folder / "truth.json").write_bytes(law.encode())


def as_csv(table: pd.DataFrame) -> str:
    """A table as CSV text: instants to the millisecond, booleans in lower case, money with two decimals."""
    written = table.copy()
    for name, column in table.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            written[name] = column.dt.strftime("%Y-%m-%dT%H:%M:%S.%f").str.slice(0, -3) + "Z"
        elif column.dtype == bool:
            written[name] = column.map({True: "true", False: "false"})
    return written.to_csv(index=False, lineterminator="\n", float_format="%.2f")
