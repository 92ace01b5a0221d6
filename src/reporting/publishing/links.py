"""Where do links between notebooks lead on their pages? To the page of the report that is made of the notebook."""

from collections.abc import Collection, Mapping

from reporting.publishing.states import States
from reporting.recipe.file import Recipe


def pages_of(recipe: Recipe, states: States, planned: Collection[str]) -> dict[str, str]:
    """Page of each notebook, both without their endings; only of those that stand where readers look.

    A report of many pages has none that a link could mean. In a folder of the user's own are only the pages that were
    built there, or are now.
    """
    found: dict[str, str] = {}
    for report in recipe.reports.values():
        record = states.pages.get(report.name)
        there = recipe.elsewhere is None or report.name in planned or (record is not None and record.good is not None)
        if report.each or not there:
            continue
        if report.notebook.stem == report.name:
            found[report.name] = report.name
        else:
            found.setdefault(report.notebook.stem, report.name)
            found.setdefault(report.name, report.name)
    return found


def links_for(name: str, pages: Mapping[str, str]) -> dict[str, str]:
    """Addresses of these pages, as the page of this name sees them."""
    up = "../" * name.count("/")
    return {notebook: f"{up}{page}.html" for notebook, page in pages.items()}
