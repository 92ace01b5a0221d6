"""Do the metrics find what is planted, and nothing where nothing is? Many worlds of fieldnote, asked alike.

    python -m benchmarks.planted [--seeds 200] [--users 800] [--write]

For each question the share of worlds whose interval holds what was planted, the share that find it, and in the same
worlds without it the share of false alarms, each beside what is stated. `--write` puts the table into docs/trust.md.
"""

import argparse
import os
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import metrics
from benchmarks.planted.designs import DESIGNS, rise
from benchmarks.planted.questions import ALPHA, QUESTIONS
from benchmarks.planted.worlds import NOTHING, PLANTED, world

PAGE = Path(__file__).parents[2] / "docs" / "trust.md"
BEGIN, END = "<!-- table: python -m benchmarks.planted --write -->", "<!-- end of table -->"
SURE = 0.999  # of 50 shares none should be called off by chance


@dataclass
class Counts:
    """Of one question: how often its interval held, how often it found something, and how often without reason."""

    held: list[bool] = field(default_factory=list)
    found: list[bool] = field(default_factory=list)
    alarms: list[bool] = field(default_factory=list)

    def add(self, other: "Counts") -> None:
        self.held += other.held
        self.found += other.found
        self.alarms += other.alarms


def asked(seed: int, users: int) -> dict[str, Counts]:
    """Every question to both worlds of a seed."""
    counts = {name: Counts() for name in (*QUESTIONS, *DESIGNS)}
    for law in (PLANTED, NOTHING):
        tables = world(seed, users, law)
        for name, question in QUESTIONS.items():
            answer = question(tables)
            if answer is None:  # too few for an interval
                continue
            if answer.is_rate:
                counts[name].held += [answer.held] if law is PLANTED else []
            elif law is NOTHING:
                counts[name].alarms.append(answer.found)
            elif answer.planted != 0:
                counts[name].held += [] if answer.held is None else [answer.held]
                counts[name].found.append(answer.found)
    rng = np.random.default_rng([seed, 1])
    for name, (design, *_) in DESIGNS.items():
        planted = rise(name)
        counts[name].found = [bool(hit) for hit in design(rng, planted)]
        counts[name].alarms = [bool(hit) for hit in design(rng, 0.0)]
    return counts


def study(seeds: Iterable[int], users: int, workers: int = 1) -> dict[str, Counts]:
    """The same of many seeds; equal seeds give equal counts, however many work on them."""
    total = {name: Counts() for name in (*QUESTIONS, *DESIGNS)}
    seeds = list(seeds)
    with ProcessPoolExecutor(workers) as pool:
        for counts in pool.map(asked, seeds, [users] * len(seeds)):
            for name, some in counts.items():
                total[name].add(some)
    return total


def share(hits: list[bool], stated: float | None = None, *, at_least: bool = False) -> tuple[str, bool]:
    """A share with its limits as text, and whether it is worse than stated for more than chance."""
    if not hits:
        return "", False
    n, found = len(hits), sum(hits)
    low, high = metrics.proportion_interval(successes=found, n=n, method="clopper_pearson").iloc[0][
        ["proportion_low", "proportion_high"]
    ]
    wide = metrics.proportion_interval(successes=found, n=n, method="clopper_pearson", confidence=SURE).iloc[0]
    text = f"{100 * found / n:.1f} ({100 * low:.1f} to {100 * high:.1f})"
    if stated is None:
        return text, False
    return text, bool(wide["proportion_high"] < stated if at_least else wide["proportion_low"] > stated)


def rows(total: dict[str, Counts]) -> list[list[str]]:
    """One row per question, with the names of the shares that miss what is stated."""
    table = []
    for name, counts in total.items():
        power, level = DESIGNS[name][2:] if name in DESIGNS else (None, ALPHA)
        held, too_narrow = share(counts.held, 1 - ALPHA, at_least=True)
        found, too_weak = share(counts.found, power, at_least=True)
        alarms, too_loud = share(counts.alarms, level)
        missed = [word for word, is_so in (("held", too_narrow), ("found", too_weak), ("alarms", too_loud)) if is_so]
        n = max(len(counts.held), len(counts.found), len(counts.alarms))
        stated = f"{100 * level:g}" if counts.alarms else ""
        table.append([name, f"{n:,}", held, found, alarms, stated, "OFF: " + ", ".join(missed) if missed else ""])
    return table


def as_markdown(table: list[list[str]]) -> str:
    head = ["question: metric", "draws", "interval held, %", "found, %", "false alarms, %", "stated, %", ""]
    lines = [head, ["---", *["---:"] * 5, "---"], *table]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Ask, print the table, and write it into the page where that is wished."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--users", type=int, default=800)
    parser.add_argument("--write", action="store_true", help=f"put the table into docs/{PAGE.name}")
    given = parser.parse_args()
    text = as_markdown(rows(study(range(1, given.seeds + 1), given.users, os.cpu_count() or 1)))
    print(text)
    if given.write:
        before, rest = PAGE.read_text("utf-8").split(BEGIN)
        PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.split(END)[1]}", "utf-8")


if __name__ == "__main__":
    main()
