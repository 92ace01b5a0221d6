"""How every page stands, from what its runs left behind."""

from reporting.pages.facts import Index, PageState
from reporting.pages.index import render_index
from reporting.publishing.manifest import read_manifest, write_whole
from reporting.recipe.file import Recipe
from reporting.recipe.notebook import read_title


def write_index(recipe: Recipe) -> None:
    """Write ``index.html`` beside the pages, from their manifests alone."""
    recipe.out.mkdir(parents=True, exist_ok=True)
    write_whole(recipe.out / "index.html", render_index(read_index(recipe)))


def read_index(recipe: Recipe) -> Index:
    """All pages of a recipe and how they stand."""
    return Index(states=read_states(recipe), recipe=recipe.path.name)


def read_states(recipe: Recipe) -> list[PageState]:
    """State of every page, in the order of the recipe; in a folder of the user's own, of those that ran there."""
    rows = []
    for report in recipe.reports.values():
        manifest = read_manifest(recipe.out, report.name)
        row = PageState(
            name=report.name,
            title=report.title or manifest.title or read_title(report.notebook),
            group=report.group,
            good=manifest.good,
            failure=manifest.failure,
        )
        if recipe.elsewhere is None or row.state != "not built":
            rows.append(row)
    return rows
