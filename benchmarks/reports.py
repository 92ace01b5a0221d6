"""Reports: `metrics report run` against the usual loop of `papermill` and `jupyter nbconvert`, one set after another.

Both build the same notebook on the demo data for the same dates. What is measured is what someone waits for: processes
are started, nothing is kept warm from before. Memory is PSS, which counts shared pages once, of all processes at once.
"""

import contextlib
import datetime as dt
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plain import write as write_plain

ROOT = Path(__file__).parent.parent
NOTEBOOKS = ROOT / "notebooks"
BIN = Path(sys.executable).parent
LOOPED = 3  # sets
HEAD = ["what", "report", "sets", "against the loop", "CPU", "goal", "", "ours s", "loop s", "ours MB", "loop MB"]


@dataclass(frozen=True)
class Took:
    """What commands took: seconds on the clock and of all processors, and the most megabytes at one time."""

    wall: float
    cpu: float
    peak: float


@dataclass(frozen=True)
class Line:
    """One line of the table; a ratio above 1 is faster than the loop."""

    what: str
    report: str
    sets: int
    ours: Took
    loop: Took | None = None
    factor: float | None = None  # the loop / ours, at least
    seconds: float | None = None
    megabytes: float | None = None

    def cells(self) -> list[str]:
        """The line as text."""
        goals = [f"≥ {self.factor:g} x"] if self.factor else []
        goals += [f"≤ {self.seconds:g} s"] if self.seconds else []
        goals += [f"≤ {self.megabytes:g} MB"] if self.megabytes else []
        missed = [
            name
            for name, failed in (
                ("wall", self.factor and self.loop and self.loop.wall / self.ours.wall < self.factor),
                ("time", self.seconds and self.ours.wall > self.seconds),
                ("memory", self.megabytes and self.ours.peak > self.megabytes),
            )
            if failed
        ]
        verdict = f"MISSED: {', '.join(missed)}" if missed else "met" if goals else ""
        ratios = (
            [f"{self.loop.wall / self.ours.wall:.1f} x", f"{self.loop.cpu / self.ours.cpu:.1f} x"]
            if self.loop
            else ["", ""]
        )
        loop = [f"{self.loop.wall:.1f}", f"{self.loop.peak:.0f}"] if self.loop else ["", ""]
        return [
            self.what, self.report, str(self.sets), *ratios, ", ".join(goals), verdict,
            f"{self.ours.wall:.2f}", loop[0], f"{self.ours.peak:.0f}", loop[1],
        ]  # fmt: skip


def dates(sets: int) -> list[str]:
    """As many days to report on."""
    return [(dt.date(2026, 7, 1) - dt.timedelta(days=k)).isoformat() for k in range(sets)]


def loop(notebook: Path, sets: int, folder: Path) -> None:
    """One set after another, as a shell script does it."""
    for day in dates(sets):
        out = folder / f"{notebook.stem}-{day}.ipynb"
        words = [notebook, out, "-p", "as_of", day, "--cwd", notebook.parent, "-k", "python3", "-l", "python"]
        _quiet([BIN / "papermill", "--no-progress-bar", *words])
        _quiet([BIN / "jupyter", "nbconvert", "--to", "html", "--no-input", out])


def ours(recipe: Path, *words: str, status: int = 0) -> None:
    """One command for all sets."""
    done = subprocess.run(
        [BIN / "metrics", "report", "run", "--recipe", recipe, *words], capture_output=True, text=True, check=False
    )
    if done.returncode != status:
        raise SystemExit(f"metrics report run: exit {done.returncode}, {status} was expected.\n{done.stderr}")


def recipe_for(notebook: Path, sets: int, folder: Path) -> Path:
    """A recipe of one report, a page a date."""
    each = ", ".join(f'"{day}"' for day in dates(sets))
    path = folder / "reports.toml"
    path.write_text(
        f'[defaults]\nout = "out"\njobs = 2\n[report.{notebook.stem}]\nnotebook = "{notebook}"\n'
        f"each.as_of = [{each}]\n",
        encoding="utf-8",
    )
    return path


def measured(action: Callable[[], None]) -> Took:
    """What an action's processes took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = threading.Event()
    peaks = [0.0]
    watcher = threading.Thread(target=_watch, args=(done, peaks), daemon=True)
    watcher.start()
    began = time.perf_counter()
    try:
        action()
        wall = time.perf_counter() - began
    finally:
        done.set()
        watcher.join()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, peaks[0])


def lines(sets: int, repeats: int, say: Callable[[str], None]) -> list[Line]:
    """Measure everything, ours and the loop in turn: `sets` pages of a report or one.

    The loop takes as long for each set, so it is run for as many as `LOOPED` and reckoned up.
    """
    with tempfile.TemporaryDirectory() as name:
        plain, nps, churn, overview = (
            write_plain(Path(name)), *(NOTEBOOKS / f"{report}.ipynb" for report in ("nps", "churn", "overview"))
        )  # fmt: skip
        found = [
            *(_against_loop("pages", notebook, sets, repeats, say) for notebook in (plain, nps, churn)),
            *(_against_loop("one page, cold", notebook, 1, repeats, say) for notebook in (plain, churn, overview)),
        ]
    with tempfile.TemporaryDirectory() as name:
        recipe = recipe_for(churn, sets, Path(name))
        ours(recipe)
        same = [measured(lambda: ours(recipe)) for _ in range(max(3, repeats))]
        found.append(Line("nothing changed", "churn", sets, _middle(same), seconds=0.5))
        bad = [measured(lambda: ours(recipe, "-p", "timezon=UTC", status=2)) for _ in range(max(3, repeats))]
        found.append(Line("refused, a misspelt parameter", "churn", sets, _middle(bad), seconds=0.3))
    return found


def _against_loop(what: str, notebook: Path, sets: int, repeats: int, say: Callable[[str], None]) -> Line:
    pairs: list[tuple[Took, Took]] = []
    looped = min(sets, LOOPED)
    for _ in range(repeats):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            recipe = recipe_for(notebook, sets, folder)
            mine = measured(lambda recipe=recipe: ours(recipe))
            theirs = measured(lambda folder=folder: loop(notebook, looped, folder))
            times = sets / looped
            pairs.append((mine, Took(theirs.wall * times, theirs.cpu * times, theirs.peak)))
            say(f"{notebook.stem}, {sets}: {pairs[-1]}")
    many = sets > 1
    return Line(what, notebook.stem, sets, *_median(pairs), factor=12 if many else 2.5, megabytes=450 if many else None)


def table(found: list[Line]) -> str:
    """The lines in Markdown."""
    rows = [HEAD, ["---", "---", *["---:"] * 3, "---", "---", *["---:"] * 4], *(line.cells() for line in found)]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def main(sets: int, repeats: int) -> None:
    """Measure and print."""
    if shutil.which("git") is None or not (ROOT / "data" / "demo").is_dir():
        raise SystemExit("The reports are built on the demo data, in a checkout. Run: make report")
    print(table(lines(sets, repeats, lambda text: print(text, file=sys.stderr, flush=True))))


def _quiet(command: list[object]) -> None:
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _median(pairs: list[tuple[Took, Took]]) -> tuple[Took, Took]:
    pairs = sorted(pairs, key=lambda pair: pair[1].wall / pair[0].wall)
    return pairs[len(pairs) // 2]


def _middle(runs: list[Took]) -> Took:
    return Took(
        statistics.median(run.wall for run in runs),
        statistics.median(run.cpu for run in runs),
        max(run.peak for run in runs),
    )


def _watch(done: threading.Event, peaks: list[float]) -> None:
    while not done.wait(0.2):
        peaks[0] = max(peaks[0], sum(map(_pss, _descendants(os.getpid()))) / 1e6)


def _descendants(pid: int) -> list[int]:
    below: list[int] = []
    with contextlib.suppress(OSError):  # it has just ended
        for task in Path(f"/proc/{pid}/task").iterdir():
            below += map(int, (task / "children").read_text().split())
    return below + [further for child in below for further in _descendants(child)]


def _pss(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0
