"""The index: every page of a recipe, what it says and whether it is current."""

import re
from dataclasses import replace
from itertools import groupby

from markupsafe import Markup

from reporting.pages.facts import Index, KeyFigure, PageState
from reporting.pages.templates import counted, day, in_words, render


def render_index(index: Index) -> str:
    """HTML of the index.

    Parameters
    ----------
    index
        The pages, in the order in which their groups appear.
    """
    rows = list(index.states)
    order = list(dict.fromkeys(row.group for row in rows))
    in_groups = sorted(rows, key=lambda row: order.index(row.group))
    runs = [good.built for row in rows if (good := row.good)] + [bad.at for row in rows if (bad := row.failure)]
    dates = sorted({good.as_of for row in rows if (good := row.good) and good.as_of})
    as_of = ""
    if dates:
        as_of = (
            f"As of {day(dates[0])}." if len(dates) == 1 else f"As of dates from {day(dates[0])} to {day(dates[-1])}."
        )
    states = ("current", "late", "failed", "not built")
    return render(
        "index.html.j2",
        groups=[
            (group, [(row, _key_figure(row)) for row in members])
            for group, members in groupby(in_groups, key=lambda row: row.group)
        ],
        root=index.root,
        summary=_summary(rows, index.root),
        meta=f"{as_of} A figure is the first headline of its report, where its interval stands.".strip(),
        last_run=max(runs, default=None),
        counts=", ".join(f"{n} {state}" for state in states if (n := sum(row.state == state for row in rows))),
        recipe=index.recipe,
    )


def _key_figure(row: PageState) -> KeyFigure | None:
    """Key figure of the last good page, cut to what a table can hold: its sentence up to the interval."""
    figure = row.good.key_figure if row.good else None
    if figure is None:
        return None
    return replace(figure, text=re.split(r" \(|[:;] |\. ", figure.text)[0].rstrip("."))


def _summary(rows: list[PageState], root: str) -> Markup:
    """One sentence on all reports, with links to those that need a look."""
    failed = [row for row in rows if row.state == "failed"]
    absent = [row for row in rows if row.state == "not built"]
    if len(absent) == len(rows):
        return Markup.escape("No report is built yet.")
    current = len(rows) - len(failed) - len(absent)
    if current == len(rows):
        return Markup.escape(
            "The one report is current." if current == 1 else f"All {counted(current, 'report')} are current."
        )
    how_many = in_words(current).capitalize() if current else "None"
    parts = [Markup.escape(f"{how_many} of {counted(len(rows), 'report')} {_be(current or 1)} current.")]
    if failed:
        links = [
            Markup('<a href="{}">{}</a>').format(root + row.failure.page, row.title) for row in failed if row.failure
        ]
        ending = "show the last good figures" if len(failed) > 1 else "shows its last good figures"
        ending = ending if all(row.good for row in failed) else "published nothing"
        parts.append(Markup("{} failed and {}: {}.").format(in_words(len(failed)).capitalize(), ending, _listed(links)))
    if absent:
        names = _listed([Markup.escape(row.title) for row in absent])
        parts.append(
            Markup("{} {} not built yet: {}.").format(in_words(len(absent)).capitalize(), _be(len(absent)), names)
        )
    return Markup(" ").join(parts)


def _be(number: int) -> str:
    return "is" if number == 1 else "are"


def _listed(parts: list[Markup]) -> Markup:
    if len(parts) < 2:
        return Markup("").join(parts)
    return Markup(", ").join(parts[:-1]) + " and " + parts[-1]
