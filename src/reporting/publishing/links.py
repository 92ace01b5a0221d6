"""Where do links between notebooks lead on their pages? To the page of the report that is made of the notebook."""

from collections.abc import Collection, Mapping
from pathlib import Path
from unicodedata import normalize

from reporting.publishing.states import Record, States
from reporting.recipe.file import Recipe

ROOT = "../"


def pages_of(recipe: Recipe, states: States, planned: Collection[str]) -> dict[str, Path]:
    """Notebooks by the pages made of them, without endings; only of pages that stand where readers look.

    A report of many pages has none that a link could mean. What is planned will stand, unless it failed last time and
    never stood before: else the pages that link to it would be built again by each run in which it fails.
    """
    found: dict[str, Path] = {}
    for report in recipe.reports.values():
        record = states.pages.get(report.name, Record())
        hoped = report.name in planned and record.failure is None
        if (hoped or record.good is not None) and not report.each:
            found[report.name] = report.notebook
    return found


def links_for(name: str, notebook: Path, pages: Mapping[str, Path]) -> dict[str, str]:
    """Addresses of these pages by their notebooks, without endings, as the page of this name and notebook sees them.

    A notebook beside this one comes before one elsewhere, a report of the notebook's name before its others, and
    a notebook before a report that is called so. The page may stand in `latest` or in the folder of a run that did
    not build the others, so it names the folder that has them all.
    """
    up = ROOT * (name.count("/") + 1)
    found: dict[str, str] = {}
    for page, other in sorted(
        pages.items(), key=lambda pair: (pair[1].parent != notebook.parent, pair[1].stem != pair[0])
    ):
        found.setdefault(
            normalize("NFC", other.stem), page
        )  # a disk may write ö as two signs where an author wrote one
    for page in pages:
        found.setdefault(page, page)
    return {stem: f"{up}latest/{page}.html" for stem, page in found.items()}
