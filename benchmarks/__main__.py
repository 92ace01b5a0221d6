"""Measure every line, ours and the rival's in turn, and print one table of ratios: below 1 is faster than the rival.

The default takes a few minutes; `--full` adds 50 million rows and needs 2 GB of disk, `--huge` 200 million and 4 GB.
"""

import argparse
import contextlib
import sys
import tempfile
from pathlib import Path

from benchmarks import table
from benchmarks.lines import LINES, Line, Side
from benchmarks.log import log_file
from benchmarks.table import Measured
from benchmarks.worker import Worker

PAGE = Path(__file__).parent.parent / "docs" / "performance.md"


def measure(line: Line, folder: Path, repeats: int) -> Measured:
    """Warm both sides, compare their answers, then ask them in turn."""
    with contextlib.ExitStack() as stack:
        workers = [stack.enter_context(_worker(side, folder)) for side in (line.ours, line.rival) if side is not None]
        if line.rival is None:
            return Measured(line, [workers[0].ask() for _ in range(line.repeats or repeats)], [])
        ours, rival = workers
        answers = ours.ask().answer, rival.ask().answer
        if line.same and answers[0] != answers[1]:
            raise SystemExit(
                f"{line.question}, {line.rows:,} rows, against {line.against}: the two sides answer differently, so "
                f"that a ratio would mean nothing.\nours:   {answers[0]}\ntheirs: {answers[1]}"
            )
        rounds = [(ours.ask(), rival.ask()) for _ in range(line.repeats or repeats)]
    return Measured(line, [a for a, _ in rounds], [b for _, b in rounds])


def _worker(side: Side, folder: Path) -> Worker:
    settings = dict(side.settings)
    if side.rows:
        settings["file"] = str(log_file(folder, side.kind, side.rows, side.suffix))
    return Worker(side.function, settings)


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="also 50 million rows")
    parser.add_argument("--huge", action="store_true", help="also 200 million rows")
    parser.add_argument("--spark", action="store_true", help="also Spark; needs Java and pyspark")
    parser.add_argument("--only", default="", metavar="TEXT", help="lines with this text in question or rival")
    parser.add_argument("--rows", type=int, help="lines of this size, whatever their mode")
    parser.add_argument("--repeats", type=int, default=5, help="rounds after the warm-up (default 5)")
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "customer-metrics-benchmarks",
                        help="where the generated logs are kept")  # fmt: skip
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    parser.add_argument("--reports", action="store_true", help="only how long reports take, against the usual loop")
    parser.add_argument("--sets", type=int, default=20, help="pages of a report, with --reports (default 20)")
    parser.add_argument("--forms", type=int, metavar="ROWS", help="only try the forms of the rival's funnel")
    asked = parser.parse_args()
    if asked.reports:
        from benchmarks.reports import main as reports

        reports(asked.sets, asked.repeats)
        return
    if asked.forms:
        from benchmarks.clickhouse import try_forms

        print(try_forms(str(log_file(asked.folder, "export", asked.forms)), asked.repeats))
        return
    modes = {"quick"} | {mode for mode in ("full", "huge", "spark") if getattr(asked, mode)}
    chosen = [
        line
        for line in LINES
        if (line.rows == asked.rows if asked.rows else line.mode in modes)
        and asked.only in f"{line.question} {line.against}"
    ]
    about, rows = table.machine(asked.repeats), []
    try:
        for place, line in enumerate(chosen, start=1):
            print(f"{place}/{len(chosen)} {line.question}, {line.rows:,} rows, {line.against}", file=sys.stderr)
            rows.append(measure(line, asked.folder, asked.repeats).cells())
            print("   ", *filter(None, rows[-1][3:]), file=sys.stderr)
    finally:  # a line that stops the run does not take the others with it
        print(about, table.as_text(rows), sep="\n\n")
    if asked.write:
        table.write(PAGE, f"{about}\n\n{table.as_markdown(rows)}")


if __name__ == "__main__":
    main()
