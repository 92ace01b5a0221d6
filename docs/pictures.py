"""Take the pictures of the gallery and of the README anew, from the reports on the demo data: `make pictures`.

The gallery's words are the notebooks' own titles and questions, so that they cannot differ.
"""

import json
import shutil
from io import BytesIO
from itertools import groupby
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from reporting.recipe.file import Report, read_recipe

DOCS = Path(__file__).parent
PROJECT = DOCS.parent
GALLERY = DOCS / "gallery.md"
PICTURES = DOCS / "gallery"
WIDTH, HEIGHT = 1000, 1180  # of the first screen, in CSS pixels
COLOURS = 128  # of a picture, the most frequent ones, so that the paper and the marks keep theirs


def reports() -> list[Report]:
    """The reports of the demo, by group in the order of the recipe."""
    found = list(read_recipe(PROJECT / "reports/reports.toml").reports.values())
    groups = list(dict.fromkeys(report.group for report in found))
    return sorted(found, key=lambda report: groups.index(report.group))


def words_of(report: Report) -> tuple[str, str]:
    """Title and question of a notebook: what its first cell says."""
    first = json.loads(report.notebook.read_text(encoding="utf-8"))["cells"][0]
    title, _, question = "".join(first["source"]).removeprefix("# ").partition("\n\n")
    return title, question.partition("\n\n")[0]


def gallery() -> str:
    """The page of all reports, each with its question and its first screen."""
    parts = [
        "# Gallery: every report, on the demo data",
        "`make report` builds them on your machine; `make pictures` takes these pictures anew.",
    ]
    for group, of_group in groupby(reports(), key=lambda report: report.group):
        parts.append(f"## {group}")
        for report in of_group:
            title, question = words_of(report)
            parts += [f"### [{title}](../notebooks/{report.notebook.name})", question]
            parts.append(f"![First screen of the report: {title}](gallery/{report.name}.png)")
    return "\n\n".join(parts) + "\n"


def take(browser: Browser, page: Path, picture: Path, scale: float) -> None:
    """Take the first screen of a page, in few colours."""
    tab = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=scale)
    tab.goto(page.as_uri())
    screen = Image.open(BytesIO(tab.screenshot())).convert("RGB")
    frequent = sorted(screen.getcolors(WIDTH * HEIGHT * 4) or [], reverse=True)[:COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, colour in frequent for part in colour])
    screen.quantize(palette=palette, dither=Image.Dither.NONE).save(picture, optimize=True)
    tab.close()


def main() -> None:
    """Write the gallery and take all pictures."""
    PICTURES.mkdir(exist_ok=True)
    GALLERY.write_text(gallery(), encoding="utf-8")
    latest = PROJECT / "reports/latest"
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for report in reports():
            page = latest / f"{report.name}.html"
            if report.each:  # the fullest of its pages stands for all
                page = max((latest / report.name).glob("*.html"), key=lambda path: path.stat().st_size)
            take(browser, page, PICTURES / f"{report.name}.png", 1.0)
        take(browser, latest / "onboarding_funnel.html", DOCS / "report.png", 1.68)
        browser.close()


if __name__ == "__main__":
    main()
