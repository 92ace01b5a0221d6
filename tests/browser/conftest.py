"""Pages built through the package, and a Chromium to open them in."""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from reporting.publishing.plan import plan_reports
from reporting.publishing.run import run_reports
from reporting.recipe.file import read_recipe
from tests.browser import facts
from tests.reporting.notebooks import full_report, headline, shown, write_notebook
from tests.reporting.pages.test_clean import PAYLOADS

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BUILT = [
    "full.html",
    "hostile.html",
    "frames.html",
    "broken.error.html",
    "each/ann.html",
    "each/bob.error.html",
    "index.html",
    "states.html",
    "many.html",
    "trouble.html",
    "runs.html",
]


def standing():
    """Pages of the recipe, if the environment says where they stand."""
    folder = os.environ.get("REPORTS_DIR")
    return (
        [page for at in ("", "latest") for page in sorted((Path(folder).resolve() / at).glob("*.html"))]
        if folder
        else []
    )


def some_pages(which):
    """Let a test open those pages only for which `which` is true."""
    return lambda test: setattr(test, "pages", which) or test


def pytest_generate_tests(metafunc):
    if "page_file" in metafunc.fixturenames:
        which = getattr(metafunc.function, "pages", lambda page: True)
        pages = [page for page in [*BUILT, *standing()] if which(page)]
        metafunc.parametrize("page_file", pages, ids=lambda page: Path(page).name, indirect=True)


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """A folder of pages: one with everything, one with hostile data, raw frames, a failure, the index."""
    folder = tmp_path_factory.mktemp("site")
    full_report(folder / "full.ipynb")
    hostile = [
        code
        for payload in PAYLOADS
        for code in (shown(payload), headline(payload, payload, payload), f"print({payload!r})")
    ]
    prose = [f"%md {payload}\n\n## {payload}\n\n> **{payload}** {payload}" for payload in PAYLOADS]
    write_notebook(folder / "hostile.ipynb", f"%md # {PAYLOADS[0]}\n\n{PAYLOADS[1]}", *hostile, *prose)
    table = "pd.DataFrame({'<img src=x onerror=window.PWNED=1>': ['<script>window.PWNED=1</script>', 'x' * 200]})"
    write_notebook(
        folder / "frames.ipynb",
        "%md # Raw output\n\nTables and pictures that no one formatted.",
        f"import pandas as pd\n{table}",
        f"{table}.style",
        "import matplotlib.pyplot as plt\nplt.plot([1, 2], label='a')\nplt.legend()\nplt.show()",
        "ax = plt.subplots()[1]\nax.bar_label(ax.bar(['x', 'y'], [1, 2]))\nplt.show()",
        "plt.imshow([[1, 2], [3, 4]])\nplt.show()",
    )
    write_notebook(
        folder / "broken.ipynb", "%md # Revenue by plan", "# Invoices\nraise ValueError('no <currency> ' + 'x' * 300)"
    )
    write_notebook(
        folder / "each.ipynb",
        "%md # One customer\n\nSee [all of them](full.ipynb).",
        "if customer == 'bob':\n    raise ValueError(f'{customer} is not in the file')",
        parameters='customer: str = "ann"  # whose page it is',
    )
    names = ["full", "hostile", "frames", "broken", "each"]
    recipe_file = folder / "reports.toml"
    recipe_file.write_text(
        '[defaults]\nout = "out"\n'
        + "".join(f'[report.{name}]\nnotebook = "{name}.ipynb"\n' for name in names)
        + 'title = "Customer {customer}"\neach.customer = ["ann", "bob"]\n'
    )
    recipe = read_recipe(recipe_file)
    run = run_reports(recipe, plan_reports(recipe)[0])
    assert [entry.name for entry in run.failed] == ["broken", "each/bob"]
    for name, html in facts.pages().items():
        (recipe.out / "latest" / name).write_text(html, encoding="utf-8")
    return recipe.out / "latest"


@pytest.fixture(scope="session")
def browser(site):
    """A Chromium; without one these tests fail, for a page that nobody opened is not tested."""
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if path is None:
        pytest.fail("No Chromium on the path. Install the package 'chromium'.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield chromium
        chromium.close()


@pytest.fixture
def page_file(request, site):
    return site / request.param


@pytest.fixture
def open_page(browser, page_file):
    """Open the page in a window of some width; what it asked for is in `.asked`."""
    contexts = []

    def opened(width=1280, scheme="light", **settings):
        context = browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme, **settings)
        contexts.append(context)
        page = context.new_page()
        page.asked, page.said = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.said.append(str(error)))
        page.goto(page_file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
