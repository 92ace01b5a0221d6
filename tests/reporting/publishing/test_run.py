import pytest

import reporting.publishing.run
from reporting.errors import ReportError
from reporting.publishing.manifest import read_manifest
from reporting.publishing.plan import plan_reports
from reporting.publishing.run import run_report
from reporting.recipe.file import read_recipe
from tests.reporting.notebooks import full_report, headline, write_notebook

FILES = ["funnel.html", "funnel.ipynb", "funnel.json"]
FAILED = ["funnel.error.html", "funnel.failed.ipynb"]


@pytest.fixture
def build(tmp_path):
    """Write the notebook and run its report, into a folder of its own."""
    (tmp_path / "reports.toml").write_text('[defaults]\nout = "out"\n[report.funnel]\nnotebook = "funnel.ipynb"\n')

    def run(*cells):
        if cells:
            write_notebook(tmp_path / "funnel.ipynb", *cells)
        else:
            full_report(tmp_path / "funnel.ipynb")
        [plan], _ = plan_reports(read_recipe(tmp_path / "reports.toml"))
        return run_report(plan)

    run.out = tmp_path / "out"
    run.files = lambda: sorted(path.name for path in run.out.iterdir())
    return run


@pytest.mark.slow
def test_a_good_run_leaves_page_notebook_and_manifest(build):
    manifest = build()
    assert build.files() == FILES
    assert manifest == read_manifest(build.out, "funnel")
    assert manifest.failure is None
    assert (manifest.good.as_of, manifest.good.key_figure.number) == ("2026-07-01", "28.2")
    assert manifest.good.parameters["steps"] == ["visit", "signup"]
    page = (build.out / "funnel.html").read_text()
    assert "As of 1 Jul 2026, 00:00 Europe/Berlin" in page
    assert len(page.encode()) < 30_000


@pytest.mark.slow
def test_a_failed_run_leaves_the_last_good_page_and_says_since_when(build):
    build("%md # Funnel", headline("28.2", "%", "share a project"))
    good = [(build.out / name).read_bytes() for name in ("funnel.html", "funnel.ipynb")]
    for _ in range(2):
        with pytest.raises(ReportError, match=r"funnel.ipynb, cell 3 \(1 / 0\): ZeroDivisionError"):
            build("%md # Funnel", "1 / 0")
    assert build.files() == sorted(FILES + FAILED)
    assert good == [(build.out / name).read_bytes() for name in ("funnel.html", "funnel.ipynb")]
    manifest = read_manifest(build.out, "funnel")
    assert (manifest.failure.runs, manifest.failure.cell) == (2, 3)
    assert manifest.failure.since < manifest.failure.at
    assert manifest.good.key_figure.number == "28.2"
    error_page = (build.out / "funnel.error.html").read_text()
    assert '<a href="funnel.html">report as of 1 Jul 2026</a> is still in its place' in error_page
    assert "two runs in a row" in error_page
    assert "ZeroDivisionError: division by zero" in error_page

    build("%md # Funnel", "1 / 1")
    assert build.files() == FILES
    assert read_manifest(build.out, "funnel").failure is None


@pytest.mark.slow
def test_the_same_inputs_give_the_same_page(build):
    pages = []
    for _ in range(2):
        build()
        pages.append((build.out / "funnel.html").read_bytes())
    assert pages[0] == pages[1]


def test_a_page_that_cannot_be_made_replaces_nothing(build, monkeypatch):
    monkeypatch.setattr(reporting.publishing.run, "execute_notebook", lambda *a, **k: 1 / 0)
    build.out.mkdir()
    (build.out / "funnel.html").write_text("good")
    with pytest.raises(ZeroDivisionError):
        build("%md # Funnel")
    assert build.files() == ["funnel.html"]
    assert (build.out / "funnel.html").read_text() == "good"


def test_a_full_disk_fails_the_report_and_leaves_the_good_page(build, monkeypatch):
    def full(path, text):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(reporting.publishing.run, "execute_notebook", lambda *a, **k: full(None, None))
    monkeypatch.setattr(reporting.publishing.run, "write_whole", full)
    with pytest.raises(ReportError, match="No space left on device"):
        build("%md # Funnel")


def test_a_hostile_traceback_is_shown_as_text(build, monkeypatch):
    def fail(notebook, *args, **settings):
        hostile = "<script>window.PWNED=1</script>"
        raise ReportError(notebook, 2, hostile, source=hostile, line=1, traceback=hostile)

    monkeypatch.setattr(reporting.publishing.run, "execute_notebook", fail)
    with pytest.raises(ReportError):
        build("%md # <script>window.PWNED=1</script>")
    assert "<script" not in (build.out / "funnel.error.html").read_text()
