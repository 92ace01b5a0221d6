"""The folder of a run goes with it, or with the next run where it was killed."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from reporting.execution.scratch import Scratch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows locks otherwise")
KILLED = "import os; from reporting.execution.scratch import Scratch; print(Scratch().path, flush=True); os._exit(1)"


@pytest.fixture(autouse=True)
def temporary(monkeypatch):
    """A folder for temporary files whose path is short enough for sockets, as that of pytest need not be."""
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as place:
        monkeypatch.setattr("tempfile.tempdir", place)
        monkeypatch.setenv("TMPDIR", place)
        yield Path(place)


def aged(folder):
    then = time.time() - 3600
    os.utime(folder, (then, then))
    return folder


def left_by_a_killed_run():
    said = subprocess.run([sys.executable, "-c", KILLED], capture_output=True, text=True, check=False).stdout
    return Path(said.strip())


def test_a_run_leaves_nothing(temporary):
    scratch = Scratch()
    assert scratch.path.parent == temporary
    (scratch.tables / "table").write_bytes(b"1")
    assert scratch.path.stat().st_mode & 0o777 == 0o700
    scratch.remove()
    assert not scratch.path.exists()


def test_what_a_killed_run_left_goes_with_the_next():
    left = aged(left_by_a_killed_run())
    assert (left / "tables").is_dir()
    Scratch().remove()
    assert not left.exists()


def test_what_a_living_run_uses_stays():
    living = Scratch()
    aged(living.path)
    Scratch().remove()
    assert living.tables.is_dir()
    living.remove()


def test_a_folder_that_was_just_made_stays_for_its_run_may_not_have_locked_it_yet():
    left = left_by_a_killed_run()
    Scratch().remove()
    assert left.is_dir()


def test_what_is_named_alike_and_is_no_run_s_stays(temporary):
    mine, open_to_all = temporary / "report-of-june", temporary / "report-2"
    mine.mkdir(mode=0o700)
    (mine / "numbers.csv").write_text("1")
    open_to_all.mkdir(mode=0o755)
    (open_to_all / "alive").write_text("")
    (temporary / "report-3").write_text("a file")
    for folder in (mine, open_to_all):
        aged(folder)
    Scratch().remove()
    assert sorted(found.name for found in temporary.iterdir()) == ["report-2", "report-3", "report-of-june"]
