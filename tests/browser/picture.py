"""Draw the picture of the README anew: `make picture`, after `make report`."""

import io
import shutil
import sys
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from tests.browser.conftest import QUIET

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "reports/latest/onboarding_funnel.html"
SIZE = {"width": 1120, "height": 1180}  # pixels of a page; each is drawn one and a half times as large


def main(page: Path, picture: Path) -> None:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=shutil.which("chromium"), args=QUIET)
        tab = browser.new_page(viewport=SIZE, device_scale_factor=1.5, color_scheme="light")
        tab.goto(page.resolve().as_uri())
        shot = Image.open(io.BytesIO(tab.screenshot()))
        browser.close()
    shot.convert("RGB").quantize(64, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    main(*(Path(word) for word in [*sys.argv[1:], PAGE, ROOT / "docs/report.png"][:2]))
