"""Run every pair several times, in turn, and print the ratios: below 1 is faster than the rival.

usage: python -m benchmarks [ROWS] [RUNS]      (default: 2,000,000 rows, 5 runs)
"""

import statistics
import sys
import time

import pandas as pd

from benchmarks.log import event_log
from benchmarks.pairs import PAIRS


def measure(rows: int, runs: int) -> pd.DataFrame:
    """Median and range of ours / rival; the machine may be noisy, but both sides see the same noise."""
    events = event_log(rows)
    lines = []
    for name, (ours, rival) in PAIRS.items():
        if ours(events) != rival(events):
            raise SystemExit(f"{name}: the two sides give different counts. A ratio would mean nothing.")
        ratios = []
        for _ in range(runs):
            seconds = []
            for side in (ours, rival):
                begin = time.perf_counter()
                side(events)
                seconds.append(time.perf_counter() - begin)
            ratios.append(seconds[0] / seconds[1])
        lines.append((name, statistics.median(ratios), min(ratios), max(ratios)))
    return pd.DataFrame(lines, columns=["pair", "median ratio", "least", "most"]).round(2)


if __name__ == "__main__":
    arguments = [int(x) for x in sys.argv[1:]]
    size, times = (arguments + [2_000_000, 5][len(arguments) :])[:2]
    print(f"{size:,} events in a DataFrame, time against ClickHouse in process (chDB), {times} runs in turn")
    print(measure(size, times).to_string(index=False))
