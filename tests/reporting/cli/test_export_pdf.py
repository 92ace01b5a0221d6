from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from reporting.cli import report
from reporting.pages import pdf
from reporting.publishing.run import run_reports
from tests.reporting.publishing.fakes import project, runner

app = typer.Typer()
app.add_typer(report, name="report")


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(run_reports.__kwdefaults__, "runner", runner())
    built = project(tmp_path, "funnel", "nps")
    built.run()
    return built


def metrics(*words):
    return CliRunner().invoke(app, ["report", *words, "--recipe", "reports.toml"])


def test_each_page_is_printed_by_the_browser_of_the_machine(made, monkeypatch):
    browser = made.folder / "browser"
    browser.write_text(
        "#!/bin/sh\n"
        'for word in "$@"; do case $word in --print-to-pdf=*) out=${word#*=} ;; esac; done\n'
        "printf '%%PDF-1.4\\n%%%%EOF\\n' > \"$out\"\n"
    )
    browser.chmod(0o755)
    monkeypatch.setattr(pdf, "NAMES", (str(browser),))
    answer = metrics("export", "--pdf", "--to", "mails")
    assert (answer.exit_code, answer.stdout.split()) == (0, ["mails/funnel.pdf", "mails/nps.pdf"])
    assert Path("mails/nps.pdf").read_bytes().startswith(b"%PDF")


def test_without_a_browser_it_is_refused_and_says_what_to_do(made, monkeypatch):
    monkeypatch.setattr(pdf, "NAMES", ())
    answer = metrics("export", "nps", "--pdf", "--to", "mails")
    assert answer.exit_code == 2
    assert "Install the package 'chromium'" in answer.stderr
    assert list(Path("mails").glob("*.pdf")) == []
