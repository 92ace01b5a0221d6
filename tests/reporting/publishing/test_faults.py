"""What can happen to a run from outside, and what readers see meanwhile."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

import reporting.publishing.folder
import reporting.publishing.latest
from reporting.cli import report
from reporting.publishing.folder import Folder
from reporting.publishing.states import load_states
from tests.reporting.publishing.endless import REPORTS, damage, publish, torn
from tests.reporting.publishing.fakes import project

ROOT = Path(__file__).parents[3]
ENDLESS = [sys.executable, "-m", "tests.reporting.publishing.endless"]


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_killed_at_a_hundred_random_instants_nothing_is_torn_or_lost_and_the_next_run_heals(tmp_path):
    command = [*ENDLESS, "kill", str(tmp_path), "100", "20261128"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    said = json.loads(answer.stdout)
    assert said["found"] == []
    assert said["runs"] > 11  # some of the killed had published before


@pytest.mark.slow
@pytest.mark.xdist_group("processes")
def test_fifty_thousand_reads_while_publishing_find_every_page_whole(tmp_path):
    made = project(tmp_path, *REPORTS)
    publish(made, [0])
    pages = [made.out / "index.html", *(made.out / "latest" / f"{name}.html" for name in REPORTS)]
    writer = subprocess.Popen([*ENDLESS, "loop", str(tmp_path)], cwd=ROOT)
    try:
        seen, broken = set(), []
        for number in range(50_000):
            page = pages[number % 4]
            try:
                text = page.read_text()
            except OSError as error:
                broken.append(str(error))
                continue
            if torn(text):
                broken.append(page.name)
            seen.add(text.partition("<p>")[2].partition("</p>")[0])
            if number == 0:
                time.sleep(1)  # until the writer is at work
        assert writer.poll() is None
    finally:
        writer.kill()
        writer.wait()
    assert broken == []
    assert len(seen) > 3


WATCHED = {"os.rename", "os.remove", "os.link", "os.symlink", "os.rmdir", "os.mkdir", "shutil.rmtree", "os.chmod"}
WATCHERS = []


def watch(event, arguments):
    """Let whoever watches look at the disk before each change of it."""
    if event in WATCHED and WATCHERS:
        look = WATCHERS.pop()  # its own doings are not looked at
        look()
        WATCHERS.append(look)


def test_readers_see_whole_pages_at_every_step_of_publishing(tmp_path):
    made = project(tmp_path, *REPORTS)
    publish(made, [1])
    steps, found = [], []
    sys.addaudithook(watch)  # for as long as the process lives, with nobody watching
    WATCHERS.append(lambda: (steps.append(1), found.extend(damage(made))))
    try:
        publish(made, [2, 3])
    finally:
        WATCHERS.clear()
    assert found == []
    assert len(steps) > 40


def test_a_second_run_is_told_at_once_and_writes_nothing(tmp_path):
    made = project(tmp_path, "funnel")
    publish(made, [0])
    before = {path: path.lstat().st_mtime_ns for path in made.out.rglob("*")}
    words = ["run", "--force", "--recipe", str(tmp_path / "reports.toml")]
    with Folder(made.out).locked():
        answer = CliRunner().invoke(report, words)
    assert answer.exit_code == 75
    assert "another run is at work here" in answer.stderr
    assert {path: path.lstat().st_mtime_ns for path in made.out.rglob("*")} == before


@pytest.mark.parametrize("nth", range(0, 14, 2))
def test_a_disk_that_fills_up_at_any_write_leaves_the_last_good_pages(tmp_path, monkeypatch, nth):
    made = project(tmp_path, *REPORTS)
    publish(made, [1])
    left = [nth]

    def full(path, sync=reporting.publishing.folder.sync):
        left[0] -= 1
        if left[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        sync(path)

    for module in (reporting.publishing.folder, reporting.publishing.latest):
        monkeypatch.setattr(module, "sync", full)
    with pytest.raises(OSError, match="No space left"):
        publish(made, [2])
    assert damage(made) == []
    monkeypatch.undo()
    publish(made, [3])
    assert damage(made) == []
    assert "<p>3</p>" in made.latest()["funnel.html"]
    assert not list(made.out.rglob(".tmp-*"))


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 600 kB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    try:
        made = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    except OSError:
        made = False
    if not made:
        pytest.skip("no disk can be mounted here; the tests above pretend to have one")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_a_disk_that_is_full_leaves_the_last_good_pages(small_disk):
    made = project(small_disk, *REPORTS)
    publish(made, [1])
    (small_disk / "ballast").write_bytes(b"\0" * 100_000)
    failed = 0
    for number in range(2, 60):
        try:
            publish(made, [number])
        except OSError as error:
            failed += error.errno == errno.ENOSPC
        pages = made.latest()
        assert sorted(pages) == sorted([*(f"{name}.html" for name in REPORTS), "index.html"]) or "error" in str(pages)
        assert not [name for name, text in pages.items() if torn(text)]
    assert failed > 0
    (small_disk / "ballast").unlink()
    for run in Folder(made.out).run_ids()[1:-1]:
        if run not in load_states(Folder(made.out)).in_use():
            reporting.publishing.folder.remove(made.out / "runs" / run)
    publish(made, [99])
    assert all("<p>99</p>" in text for name, text in made.latest().items() if name != "index.html")
