"""``python -m metrics.samples.fieldnote DIR``: write the demo data into DIR."""

import sys
from pathlib import Path

from metrics.samples.fieldnote.writing import write_demo

if __name__ == "__main__":
    write_demo(Path(sys.argv[1] if len(sys.argv) > 1 else "data/demo"))
