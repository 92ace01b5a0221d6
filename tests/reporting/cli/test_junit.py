from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest
from typer.testing import CliRunner

from reporting.cli import report
from reporting.cli.junit import write_junit
from tests.reporting.publishing.fakes import project


def test_every_page_is_a_test_that_passes_fails_or_is_skipped(tmp_path):
    made = project(tmp_path, "churn", "nps", "value")
    made.run(request={"names": ["nps"]})
    run = made.run(fails=["value"])
    run.errors["value"].traceback = "a\x00b <none>"  # XML has no way to say a zero
    backfilled = replace(run, entries=[replace(run.entries[0], backfill=True, day="2026-06-01")])
    write_junit(tmp_path / "junit.xml", [run, backfilled])
    [suite] = ET.parse(tmp_path / "junit.xml").getroot()
    assert [suite.get(name) for name in ("tests", "failures", "errors", "skipped")] == ["4", "1", "0", "1"]
    assert [case.get("name") for case in suite] == ["churn", "nps", "value", "churn 2026-06-01"]
    assert [[part.tag for part in case] for case in suite] == [[], ["skipped"], ["failure"], []]
    assert suite[2][0].get("message") == "value.ipynb, cell 2 (1 / 0): ValueError: no rows."
    assert suite[2][0].text == "a\ufffdb <none>"


@pytest.mark.parametrize("verb", ["run", "rerun last"])
def test_a_place_where_no_file_can_be_written_is_refused_before_anything_runs(tmp_path, verb):
    made = project(tmp_path, "churn")
    made.run()
    before = sorted((made.out / "runs").iterdir())
    words = [*verb.split(), "--recipe", str(tmp_path / "reports.toml"), "--junit", str(tmp_path / "gone/junit.xml")]
    answer = CliRunner().invoke(report, words)
    assert answer.exit_code == 2
    assert "Make the folder first" in answer.stderr
    assert sorted((made.out / "runs").iterdir()) == before
