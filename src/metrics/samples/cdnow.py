"""CDNOW: first purchases of early 1997 and every order after them, the standard real data of the field.

The file is the one-in-ten sample of Fader and Hardie, as the package `lifetimes` 0.11.3 carries it
(fixed columns: id in the full data, id in the sample, date, CDs, US dollars). Only its form changes here.

    python -m metrics.samples.cdnow data/cdnow.csv

Fader, P. S., Hardie, B. G. S. (2001): Forecasting repeat sales at CDNOW: a case study.
Interfaces 31(3), part 2, S94-S107.
"""

import argparse
from importlib.util import find_spec
from pathlib import Path

import pandas as pd


def packaged_file() -> Path:
    """Where the installed `lifetimes` keeps the sample; the package itself is not imported."""
    found = find_spec("lifetimes")
    if found is None or not found.submodule_search_locations:
        raise FileNotFoundError("The package lifetimes is not installed. Install lifetimes==0.11.3 (extra 'test').")
    return Path(found.submodule_search_locations[0]) / "datasets" / "CDNOW_sample.txt"


def cdnow_orders(path: Path | None = None) -> pd.DataFrame:
    """Orders in the order of the file: customer_id, date, quantity (CDs), amount (US dollars).

    `customer_id` counts the customers of the sample: 1 is "0001".
    """
    raw = pd.read_csv(
        path or packaged_file(),
        sep=r"\s+",
        names=["master_id", "customer_id", "date", "quantity", "amount"],
        dtype={"date": "str"},
    )
    raw["date"] = pd.to_datetime(raw["date"], format="%Y%m%d").dt.strftime("%Y-%m-%d")
    return raw[["customer_id", "date", "quantity", "amount"]]


def main(target: str) -> None:
    cdnow_orders().to_csv(target, index=False, lineterminator="\n", float_format="%.2f")


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m metrics.samples.cdnow", description=__doc__)
    arguments.add_argument("file", help="where the table goes, such as data/cdnow.csv")
    main(arguments.parse_args().file)
