"""``python -m metrics.samples.fieldnote DIR``: write the demo data into DIR."""

import argparse
from pathlib import Path

from metrics.samples.fieldnote.writing import write_demo

if __name__ == "__main__":
    arguments = argparse.ArgumentParser(prog="python -m metrics.samples.fieldnote", description=__doc__)
    arguments.add_argument("folder", type=Path, help="where the files go, such as data/demo")
    write_demo(arguments.parse_args().folder)
