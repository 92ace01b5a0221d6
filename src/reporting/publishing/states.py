"""How every page stands, from the manifests of all runs.

It is remembered in ``.cache/states.json`` with the last run it knows, so that only newer
manifests are read; if that file is lost, or tells of runs that are gone, all are read again.
"""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from reporting.errors import RefusedError
from reporting.pages.facts import Alert, Attempt, Failure, Good, Index, KeyFigure, PageState, Point, RunLine
from reporting.publishing.folder import Folder, write_whole
from reporting.publishing.manifest import (
    BUILT,
    UNCHANGED,
    Entry,
    Manifest,
    check_entry,
    check_moment,
    check_page,
    read_manifest,
)
from reporting.recipe.choices import choices
from reporting.recipe.file import Recipe, Report
from reporting.recipe.notebook import read_title
from reporting.schedules.times import Times

VERSION = 1
POINTS = 60  # key figures that are remembered
ATTEMPTS = 9
RUNS = "runs.html"  # page of all runs, beside the pages
SHOWN = 60  # runs on it
AHEAD = timedelta(hours=1)  # by which clocks of machines that share a folder may differ

Figure = tuple[str, str, str, str | None, float | None]  # run, day, built, as_of, number
Tried = tuple[str, str, str, str]  # run, moment, status, page


@dataclass
class Record:
    """What is known of one page."""

    good: Entry | None = None
    failure: Entry | None = None
    since: str = ""  # when the first failure of the present series began
    failures: int = 0
    checked: str = ""  # when a run last found nothing to do
    points: list[Figure] = field(default_factory=list)
    attempts: list[Tried] = field(default_factory=list)  # newest first
    keys: dict[str, str] = field(default_factory=dict)  # key of its inputs → run that built it

    def done(self, now: datetime) -> datetime | None:
        """When it was last built or found unchanged for the day of the run, not for one that was past.

        A moment that has not come yet is of a clock that was wrong, and would put off all runs until then.
        """
        known = [self.checked, self.good.started if self.good and not self.good.backfill else ""]
        moments = [_moment(text) for text in known if text]
        return max((moment for moment in moments if moment < now + AHEAD), default=None)


@dataclass
class States:
    """All pages that ever ran in a folder, by name."""

    pages: dict[str, Record] = field(default_factory=dict)
    last: str = ""  # last run that is known
    lists: dict[str, list[str]] = field(default_factory=dict)  # pages of a report, when all of them were last planned
    home: str = ""  # the recipe that made it, from the folder of pages
    unread: list[str] = field(default_factory=list)  # runs that should be known and cannot be read

    def apply(self, manifest: Manifest) -> None:
        """Add a run, later than all before."""
        self.lists |= {name: [] for name in manifest.whole}
        for entry in manifest.pages:
            if entry.report in self.lists and entry.name not in self.lists[entry.report]:
                self.lists[entry.report].append(entry.name)
            record = self.pages.setdefault(entry.name, Record())
            past = entry.backfill or manifest.trigger == "rerun"  # it may be of a day before what stands
            old, before = (past and kept is not None and entry.day < kept.day for kept in (record.good, record.failure))
            if entry.status == UNCHANGED:
                record.checked = record.checked if entry.backfill else manifest.ended
                continue
            attempt = (entry.run, entry.started, entry.status, entry.page)
            record.attempts = [attempt, *record.attempts][:ATTEMPTS]
            if entry.status == BUILT:
                record.keys[entry.key] = entry.run
                point = (entry.run, entry.day, entry.started, entry.as_of, _number(entry.key_figure))
                record.points = sorted([*record.points, point], key=lambda point: (point[1], point[0]))[-POINTS:]
                if not old:
                    record.good = entry
                    if not before:
                        record.failure, record.failures, record.since = None, 0, ""
            elif not (old or before):
                record.failures += 1
                record.since = record.since or entry.started
                record.failure = entry
        self.last, self.home = manifest.run, manifest.home

    def forget(self, runs: Iterable[str]) -> None:
        """Leave out runs that were removed."""
        gone = set(runs)
        for record in self.pages.values():
            record.points = [point for point in record.points if point[0] not in gone]
            record.attempts = [attempt for attempt in record.attempts if attempt[0] not in gone]
            record.keys = {key: run for key, run in record.keys.items() if run not in gone}

    def in_use(self) -> set[str]:
        """Runs that `latest` shows a page of, good or not."""
        entries = [entry for record in self.pages.values() for entry in (record.good, record.failure) if entry]
        return {entry.run for entry in entries}


def names_of(recipe: Recipe, report: Report, states: States) -> list[str]:
    """Pages of a report that ran and that the recipe still has; what it has by its data, the last run of all knows."""
    ran = sorted(name for name in states.pages if name.partition("/")[0] == report.name)
    if not report.each:
        return [name for name in ran if name == report.name]
    unknown = [name for name in ran if name == report.name and states.pages[name].good is None]
    ran = [name for name in ran if "/" in name]
    if not ran:  # while its notebook is not there, nobody knows which pages it will have
        return unknown
    if not all(isinstance(source, list | str) for source in report.each.values()):
        return [name for name in ran if name in states.lists.get(report.name, ran)]
    if recipe.elsewhere is not None:
        return ran
    try:
        known = {f"{report.name}/{choice.slug}" for choice in choices(report, recipe.folder)}
    except RefusedError:
        return ran
    return [name for name in ran if name in known]


def load_states(folder: Folder, *, anew: bool = False) -> States:
    """How all pages stand, by what is on disk now; `anew` by the manifests alone."""
    ids = folder.run_ids()
    known = set(ids)
    states = None if anew else _remembered(folder)
    remembered = states is not None and known >= {*states.in_use(), *([states.last] if states.last else [])}
    if states is None or not remembered:
        states = States()
    for run in ids:
        if run > states.last:
            manifest = read_manifest(folder.runs / run)
            if manifest is not None:
                states.apply(manifest)
            elif not remembered:
                states.unread.append(run)
    return states


def states_to_change(folder: Folder, recipe: Recipe, *, anew: bool = False) -> States:
    """How all pages stand, as `load_states` tells, for a recipe that is about to change what readers see of them.

    Raises
    ------
    RefusedError
        They would lose pages: those of another recipe, or those of a run that cannot be read.
    """
    states = load_states(folder, anew=anew)
    if states.unread:
        raise RefusedError(
            f"{folder.runs / states.unread[0]}: its manifest cannot be read by this version, so its pages would leave "
            "what readers see. Put the manifest back, or remove this folder."
        )
    other = folder.out / states.home
    if states.home and other.is_file() and not other.samefile(recipe.path):
        raise RefusedError(
            f"{folder.out}: these are the pages of {other.resolve()}, and {recipe.path.name} would take their place. "
            "Give each recipe a folder of its own, by its key 'out' or by --out."
        )
    return states


def save_states(folder: Folder, states: States) -> None:
    """Remember them."""
    table = {"version": VERSION, **asdict(states)}
    write_whole(folder.cache / "states.json", json.dumps(table, ensure_ascii=False, separators=(",", ":")))


def read_index(recipe: Recipe, states: States | None = None, now: datetime | None = None) -> Index:
    """All pages of a recipe and how they stand."""
    return Index(states=read_states(recipe, states, now), recipe=recipe.path.name, runs=f"latest/{RUNS}")


def read_runs(recipe: Recipe, states: States) -> list[RunLine]:
    """The last runs and their pages, the newest first."""
    found: dict[str, tuple[list[tuple[str, str]], list[tuple[str, str]]]] = {}
    began: dict[str, datetime] = {}  # by its pages: after a clock that ran ahead the name of a run says when it was not
    for name, record in states.pages.items():
        if name.partition("/")[0] not in recipe.reports:
            continue
        newest = record.good or record.failure
        for run, at, status, page in record.attempts:
            began[run] = min(began.get(run, _moment(at)), _moment(at))
            built, failed = found.setdefault(run, ([], []))
            title = newest.title if newest else name
            (built if status == BUILT else failed).append((title, f"runs/{run}/{page}"))
    return [RunLine(run, began[run], *found[run]) for run in sorted(found, reverse=True)[:SHOWN]]


def read_states(recipe: Recipe, states: States | None = None, now: datetime | None = None) -> list[PageState]:
    """State of every page, in the order of the recipe; in a folder of the user's own, of those that ran there."""
    states = load_states(Folder(recipe.out)) if states is None else states
    now = now or datetime.now(UTC)
    rows = []
    for report in recipe.reports.values():
        for name in names_of(recipe, report, states) or [report.name]:
            record = states.pages.get(name, Record())
            newest = record.failure or record.good
            row = PageState(
                name=name,
                title=newest.title if newest else report.title or read_title(report.notebook),
                group=report.group,
                good=as_good(record.good),
                failure=_failure(record),
                late_since=_late_since(record, report, now),
                history=[Point(_moment(built), as_of, number) for _, _, built, as_of, number in record.points],
            )
            if recipe.elsewhere is None or row.state != "not built":
                rows.append(row)
    return rows


def _remembered(folder: Folder) -> States | None:
    try:
        table = json.loads((folder.cache / "states.json").read_bytes())
        if table["version"] != VERSION:
            return None
        states = msgspec.convert(table, States)
        for record in states.pages.values():
            for entry in (record.good, record.failure):
                if entry is not None:
                    check_entry(entry)
            for run, at, _, page in record.attempts:
                check_page(run, page)
                check_moment(at)
            for text in filter(None, [record.checked, record.since, *(point[2] for point in record.points)]):
                check_moment(text)
        return states
    except (OSError, ValueError, KeyError, TypeError, RecursionError, msgspec.MsgspecError):
        return None


def as_good(entry: Entry | None) -> Good | None:
    """What a page says of a run that went well."""
    if entry is None:
        return None
    return Good(
        page=f"latest/{entry.page}",
        title=entry.title,
        built=_moment(entry.started),
        seconds=entry.wall_seconds,
        question=entry.question,
        as_of=entry.as_of,
        commit=entry.commit,
        data=entry.data,
        files=entry.files,
        key_figure=KeyFigure(**entry.key_figure) if entry.key_figure else None,
        parameters=entry.parameters,
        run=entry.run,
        alerts=[Alert(**alert) for alert in entry.alerts],
    )


def attempts_of(record: Record) -> list[Attempt]:
    """The last runs of a page, the newest first, and what they published."""
    return [
        Attempt(_moment(at), status, f"runs/{run}/{page}" if status == BUILT else "")
        for run, at, status, page in record.attempts
    ]


def _failure(record: Record) -> Failure | None:
    entry = record.failure
    if entry is None:
        return None
    return Failure(
        page=f"latest/{entry.page}",
        at=_moment(entry.started),
        since=_moment(record.since),
        runs=record.failures,
        seconds=entry.wall_seconds,
        notebook=entry.notebook,
        cell=entry.cell,
        first_line=entry.first_line,
        cause=entry.cause,
        run=entry.run,
    )


def _late_since(record: Record, report: Report, now: datetime) -> datetime | None:
    """When a page was due that was not built since, by its schedule or its age; a run has its own time to build it."""
    if record.good is None:
        return None
    done = record.done(now)
    if report.late_after is not None:
        built = done or _moment(record.good.started)
        due = built + timedelta(seconds=report.late_after)
        if due < now or built > now + AHEAD:
            return min(due, now)
    if report.schedule is not None:
        due = Times.read(report.schedule).last(now - timedelta(seconds=report.timeout))
        return due if done is None or done < due else None
    return None


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _number(figure: dict[str, str] | None) -> float | None:
    r"""Number of a key figure as it is written, ``1,204`` or ``−3.5``.

    >>> _number({"number": "1,204"}), _number({"number": "\u22123.5"}), _number({"number": "n/a"})
    (1204.0, -3.5, None)
    >>> _number({"number": "nan"}), _number({"number": "inf"})
    (None, None)
    """
    text = (figure or {}).get("number", "").replace("\u2212", "-")
    try:
        number = float("".join(letter for letter in text if letter not in ", \u202f\u00a0%"))
    except ValueError:
        return None
    return number if math.isfinite(number) else None
