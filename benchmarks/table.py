"""The table: every line's ratios and costs, the goal, and whether it was met."""

import datetime as dt
import importlib.metadata
import os
import platform
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.lines import Line
from benchmarks.worker import Run

BEGIN, END = "<!-- table: python -m benchmarks --write -->", "<!-- end of table -->"
HEAD = [
    "question", "rows", "against", "wall", "least to most", "CPU", "goal", "", "ours s", "theirs s", "ours MB",
    "theirs MB",
]  # fmt: skip
TEXT_COLUMNS = {0, 2, 6, 7}


@dataclass(frozen=True)
class Measured:
    """The runs of a line, ours and the rival's in turn."""

    line: Line
    ours: list[Run]
    rival: list[Run]

    def ratios(self, cost: Callable[[Run], float | None]) -> list[float]:
        """Ours / theirs of each round: what else the machine did in it, it did to both."""
        pairs = [(cost(a), cost(b)) for a, b in zip(self.ours, self.rival, strict=False)]
        return [a / b for a, b in pairs if a is not None and b]

    def verdict(self) -> str:
        """Whether every goal of the line was met; nothing without one."""
        line, missed = self.line, []
        for name, cost in (("wall", _wall), ("CPU", _cpu)):
            ratios = self.ratios(cost)
            if line.goal is not None and ratios and statistics.median(ratios) > line.goal:
                missed.append(name)
        if line.seconds is not None and statistics.median(map(_wall, self.ours)) > line.seconds:
            missed.append("time")
        if line.megabytes is not None and _peak(self.ours) > line.megabytes:
            missed.append("memory")
        if missed:
            return f"MISSED: {', '.join(missed)}"
        return "met" if _goal(line) else ""

    def cells(self) -> list[str]:
        """One line of the table."""
        wall, cpu = self.ratios(_wall), self.ratios(_cpu)
        return [
            self.line.question,
            f"{self.line.rows:,}" if self.line.rows else "",
            self.line.against,
            _ratio(wall),
            f"{min(wall):.2f} to {max(wall):.2f}" if wall else "",
            _ratio(cpu),
            _goal(self.line),
            self.verdict(),
            *(f"{statistics.median(map(_wall, runs)):.3f}" if runs else "" for runs in (self.ours, self.rival)),
            *(f"{peak:,.0f}" if (peak := _peak(runs)) else "" for runs in (self.ours, self.rival)),
        ]


def as_text(rows: list[list[str]]) -> str:
    """Aligned columns for a terminal."""
    rows = [HEAD, *rows]
    widths = [max(len(row[k]) for row in rows) for k in range(len(HEAD))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if k in TEXT_COLUMNS else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    )


def as_markdown(rows: list[list[str]]) -> str:
    """The same as a table in Markdown."""
    rule = ["---" if k in TEXT_COLUMNS else "---:" for k in range(len(HEAD))]
    return "\n".join("| " + " | ".join(row) + " |" for row in (HEAD, rule, *rows))


def machine(repeats: int) -> str:
    """What the figures were measured on; no name of the machine, which says nothing."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    libraries = ", ".join(f"{name} {version}" for name in LIBRARIES if (version := _version(name)))
    today = f"{dt.datetime.now(dt.UTC):%d %B %Y}".lstrip("0")
    return (
        f"{cores} cores ({platform.machine()}), {memory:.0f} GiB, {platform.system()}, Python "
        f"{platform.python_version()}, {libraries}. Medians of {repeats} rounds, {today}."
    )


def write(page: Path, text: str) -> None:
    """Put the table between the marks of the page."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN)
    _, after = rest.split(END)
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


LIBRARIES = ["numpy", "pandas", "pyarrow", "duckdb", "chdb", "pyspark"]


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _wall(run: Run) -> float:
    return run.wall


def _cpu(run: Run) -> float | None:
    return run.cpu


def _peak(runs: list[Run]) -> float:
    return max((run.peak or 0 for run in runs), default=0)


def _ratio(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f}" if ratios else ""


def _goal(line: Line) -> str:
    goals = [f"≤ {line.goal:.4g}"] if line.goal is not None else []
    if line.seconds is not None:
        goals.append(f"≤ {line.seconds * 1000:.0f} ms")
    if line.megabytes is not None:
        goals.append(f"≤ {line.megabytes:.0f} MB")
    return ", ".join(goals)
