"""The index: every report of a recipe, what it says and whether it is current."""

import re
from itertools import groupby

from markupsafe import Markup

from reporting.manifest import KeyFigure, Manifest, read_manifest, write_whole
from reporting.notebook import read_title
from reporting.recipe import Recipe
from reporting.templates import counted, day, in_words, render


class Row(Manifest):
    """A manifest, and its key figure cut to what a table can hold."""

    @property
    def key(self) -> KeyFigure | None:
        """Key figure of the last good page; its sentence up to the interval."""
        figure = self.good.key_figure if self.good else None
        if figure is None:
            return None
        return figure.model_copy(update={"text": re.split(r" \(|[:;] |\. ", figure.text)[0].rstrip(".")})


def write_index(recipe: Recipe) -> None:
    """Write ``index.html`` beside the pages, from their manifests alone."""
    recipe.out.mkdir(parents=True, exist_ok=True)
    write_whole(recipe.out / "index.html", render_index(recipe))


def read_states(recipe: Recipe) -> list[Row]:
    """State of every report, in the order of the recipe; in a folder of the user's own, of those that ran there."""
    rows = []
    for report in recipe.reports.values():
        row = Row.model_validate(read_manifest(recipe.out, report.name).model_dump())
        if recipe.elsewhere is not None and row.state == "not built":
            continue
        row.group = report.group
        row.title = report.title or row.title or read_title(report.notebook)
        rows.append(row)
    return rows


def render_index(recipe: Recipe) -> str:
    """HTML of the index."""
    rows = read_states(recipe)
    order = list(dict.fromkeys(row.group for row in rows))
    in_groups = sorted(rows, key=lambda row: order.index(row.group))
    runs = [good.built for row in rows if (good := row.good)] + [bad.at for row in rows if (bad := row.failure)]
    dates = sorted({good.as_of for row in rows if (good := row.good) and good.as_of})
    as_of = ""
    if dates:
        as_of = (
            f"As of {day(dates[0])}." if len(dates) == 1 else f"As of dates from {day(dates[0])} to {day(dates[-1])}."
        )
    states = ("current", "failed", "not built")
    return render(
        "index.html.j2",
        groups=[(group, list(members)) for group, members in groupby(in_groups, key=lambda row: row.group)],
        summary=_summary(rows),
        meta=f"{as_of} A figure is the first headline of its report, where its interval stands.".strip(),
        last_run=max(runs, default=None),
        counts=", ".join(f"{n} {state}" for state in states if (n := sum(row.state == state for row in rows))),
        recipe=recipe.path.name,
    )


def _summary(rows: list[Row]) -> Markup:
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
        links = [Markup('<a href="{}">{}</a>').format(row.failure.page, row.title) for row in failed if row.failure]
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
