"""The index: every page of a recipe, what it says, how it moved and whether it is current.

It cannot know when it is read, so ages count from its last run. Of many pages each has one
short line, and those that need a look stand above all others in full.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from markupsafe import Markup

from reporting.pages.facts import Index, KeyFigure, PageState, Point
from reporting.pages.spark import spark
from reporting.pages.templates import counted, day, in_words, render

TEMPLATE = "index.html.j2"
FULL = 200  # pages that have a full row; of more, each has a short one
LOOK = 100  # of those that need a look, shown in full
STATES = ("current", "rule fired", "late", "failed", "not built")
MINUS, NARROW = "\u2212", "\u202f"


@dataclass(frozen=True)
class Row:
    """A page as a line of the table."""

    page: PageState
    state: str
    key: KeyFigure | None
    change: str
    before: str
    spark: Markup
    age: str

    @property
    def css(self) -> str:
        """Class of the line."""
        return self.state.replace(" ", "-")


def render_index(index: Index) -> str:
    """HTML of the index.

    Parameters
    ----------
    index
        The pages, in the order in which their groups appear.
    """
    states = list(index.states)
    order = {name: place for place, name in enumerate(dict.fromkeys(page.group for page in states))}
    states.sort(key=lambda page: order[page.group])
    runs = [good.built for page in states if (good := page.good)] + [bad.at for page in states if (bad := page.failure)]
    last_run = max(runs, default=None)
    rows = [_row(page, last_run, full=len(states) <= FULL) for page in states]
    groups = [(name, list(members)) for name, members in groupby(rows, key=lambda row: row.page.group)]
    look = [row for row in rows if row.state not in ("current", "not built")]
    many = len(rows) > FULL
    tables = (
        [(group, members) for group, members in groups] if not many else [("Need a look", look[:LOOK])] if look else []
    )
    return render(
        TEMPLATE,
        tables=tables,
        lists=groups if many else [],
        more=max(0, len(look) - LOOK) if many else 0,
        columns=_columns(row for _, members in tables for row in members),
        root=index.root,
        summary=_summary(rows, index.root),
        meta=_meta(states, rows),
        last_run=last_run,
        dated=len({page.good.as_of for page in states if page.good}) > 1,
        counts=", ".join(f"{n:,} {state}" for state in STATES if (n := sum(row.state == state for row in rows))),
        present=[state for state in STATES if any(row.state == state for row in rows)],
        recipe=index.recipe,
        runs=index.runs,
    )


def _row(page: PageState, last_run: datetime | None, *, full: bool) -> Row:
    state = page.label
    colour = {"rule fired": "red", "failed": "mid", "late": "mid"}.get(state, "blue")
    change, before = _change(page)
    shown = full or state not in ("current", "not built")
    return Row(
        page=page,
        state=state,
        key=_key_figure(page),
        change=change,
        before=before,
        spark=spark(page.title, _course(page), colour=colour) if shown else Markup(),
        age=_age(page.good.built, last_run) if page.good and last_run else "",
    )


def _columns(rows: Iterable[Row]) -> set[str]:
    """Columns that say something in some line: change and course need runs before."""
    rows = list(rows)
    return {
        name for name, said in (("change", "change"), ("course", "spark")) if any(getattr(row, said) for row in rows)
    }


def _key_figure(page: PageState) -> KeyFigure | None:
    """Key figure of the last good page, cut to what a table can hold: its sentence up to the interval."""
    figure = page.good.key_figure if page.good else None
    if figure is None:
        return None
    text = re.split(r" \(|[:;] |\. ", figure.text)[0]
    if " " not in text:  # a unit alone, "points", says nothing: what follows its interval does
        text = re.split(r"; |\. ", re.sub(r" \([^)]*\)", "", figure.text, count=1))[0]
    return replace(figure, text=text.rstrip("."))


def _course(page: PageState) -> list[Point]:
    """The last figure for each date: a page that was built twice for one date has not moved."""
    known = [point for point in page.history if point.number is not None]
    return list({point.as_of or point.built: point for point in known}.values())


def _change(page: PageState) -> tuple[str, str]:
    """How the key figure differs from that of the date before, and from what."""
    known = _course(page)
    if len(known) < 2 or page.good is None or page.good.key_figure is None or page.state == "failed":
        return "", ""
    before, now = known[-2:]
    if now.number is None or before.number is None:
        return "", ""
    decimals = len(page.good.key_figure.number.partition(".")[2])
    difference = round(now.number - before.number, decimals)
    unit = page.good.key_figure.unit.strip()
    unit = " points" if unit == "%" else f"{NARROW}{unit}" if unit else ""
    when = _date(before.as_of or before.built.date().isoformat(), now.as_of or now.built.date().isoformat())
    text = f"{abs(difference):,.{decimals}f}"
    if not difference:
        return "as before", f"on {when}"
    origin = f"{before.number:,.{decimals}f}".replace("-", MINUS)
    return f"{'+' if difference > 0 else MINUS}{text}{unit}", f"from {origin}, {when}"


def _date(date: str, now: str) -> str:
    """A date, without the year that both have."""
    return day(date[:10]).removesuffix(f" {now[:4]}")


def _age(built: datetime, last_run: datetime) -> str:
    days = (last_run - built).days
    if days == 0:
        return "this run" if (last_run - built).total_seconds() < 3600 else "the same day"
    return f"{days} {'day' if days == 1 else 'days'} before"


def _meta(states: Sequence[PageState], rows: Sequence[Row]) -> str:
    dates = sorted({good.as_of for page in states if (good := page.good) and good.as_of})
    parts = []
    if dates:
        parts.append(
            f"As of {day(dates[0])}." if len(dates) == 1 else f"As of dates from {day(dates[0])} to {day(dates[-1])}."
        )
    parts.append("A figure is the first headline of its report, where its interval stands.")
    if any(row.change for row in rows):
        parts.append("Changes are from the date before, ages from the last run.")
    return " ".join(parts)


def _summary(rows: Sequence[Row], root: str) -> Markup:
    """One sentence on all pages, with links to those that need a look."""
    of = {state: [row for row in rows if row.state == state] for state in STATES}
    if len(of["not built"]) == len(rows):
        return Markup.escape("No report is built yet.")
    quiet = len(of["current"])
    if quiet == len(rows):
        return Markup.escape("The one report is current." if quiet == 1 else f"All {_counted(quiet)} are current.")
    how_many = _words(quiet).capitalize() if quiet else "None"
    parts = [Markup.escape(f"{how_many} of {_counted(len(rows))} {_be(quiet or 1)} current.")]
    if fired := of["rule fired"]:
        parts.append(Markup("In {} a rule fired: {}.").format(_words(len(fired)), _links(fired, root)))
    if failed := of["failed"]:
        ending = "show the last good figures" if len(failed) > 1 else "shows its last good figures"
        ending = ending if all(row.page.good for row in failed) else "published nothing"
        names = _links(failed, root)
        parts.append(Markup("{} failed and {}: {}.").format(_words(len(failed)).capitalize(), ending, names))
    if late := of["late"]:
        parts.append(
            Markup("{} {} late: {}.").format(_words(len(late)).capitalize(), _be(len(late)), _links(late, root))
        )
    if absent := of["not built"]:
        names = _listed([Markup.escape(_short(row.page)) for row in absent])
        parts.append(
            Markup("{} {} not built yet: {}.").format(_words(len(absent)).capitalize(), _be(len(absent)), names)
        )
    return Markup(" ").join(parts)


def _links(rows: Sequence[Row], root: str) -> Markup:
    """Titles, each leading to what happened."""
    links = []
    for row in rows:
        target = row.page.failure.page if row.page.failure else row.page.good.page if row.page.good else ""
        links.append(Markup('<a href="{}">{}</a>').format(root + target, _short(row.page)))
    return _listed(links)


def _counted(number: int) -> str:
    return counted(number, "report") if number < 1000 else f"{number:,} reports"


def _words(number: int) -> str:
    return in_words(number) if number < 1000 else f"{number:,}"


def _short(page: PageState) -> str:
    """Title up to its question."""
    return page.title.split(": ")[0]


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _listed(parts: list[Markup], most: int = 6) -> Markup:
    if len(parts) < 2:
        return Markup("").join(parts)
    if len(parts) > most:
        return Markup(", ").join(parts[:most]) + f" and {len(parts) - most:,} more"
    return Markup(", ").join(parts[:-1]) + " and " + parts[-1]
