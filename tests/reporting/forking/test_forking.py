import os
import signal
import subprocess
import sys
import textwrap
from contextlib import ExitStack
from pathlib import Path

import pytest

from reporting.forking import RefusedForkError, start_server
from reporting.forking.client import ask, fork, start_servers
from tests.reporting.processes import gone, lives, pid_in, until

pytestmark = [
    pytest.mark.xdist_group("processes"),
    pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone"),
]

HERE = Path(__file__).parent
ENV = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])}


@pytest.fixture(scope="module")
def server():
    with start_server(["children", "no_such_module", "numpy.random"], env=ENV) as running:
        yield running


@pytest.fixture
def start(server, tmp_path):
    """Fork a child of `children` that writes into the folder of the test."""
    started = []
    null = os.open(os.devnull, os.O_RDWR)

    def begin(function, argument, *more, **settings):
        out = os.open(tmp_path / "out", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        files = [null, out, out, *more]
        place = {"env": {**ENV, "GREETING": "hello"}, "cwd": str(tmp_path), "files": files} | settings
        try:
            child = fork(server.address, f"children:{function}", argument, **place)
        finally:
            os.close(out)
        started.append(child)
        return child

    yield begin
    os.close(null)
    for child in started:
        child.close()


def test_what_importing_took_is_given_back_and_works_as_before():
    code = """
        import re
        from pathlib import Path
        import numpy as np
        from reporting.forking import linux

        def of_files():
            return int(re.search(r"RssFile:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])

        before = of_files()
        linux.give_memory_back()
        assert of_files() < before / 2, (of_files(), before)
        assert np.linalg.solve(np.diag([2.0, 4.0]), [1.0, 1.0]).tolist() == [0.5, 0.25]
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


def test_a_child_runs_where_and_with_what_it_was_asked_for(start, tmp_path):
    child = start("report", str(tmp_path), env={"GREETING": "hello"})
    assert child.wait(20) == 0
    assert (tmp_path / "report").read_text().splitlines() == [str(tmp_path), "hello", "no home", str(child.pid)]
    assert sorted((tmp_path / "out").read_text().splitlines()) == ["to stderr", "to stdout"]
    assert child.usage.cpu < 20
    assert child.usage.peak > 2**20


def test_its_exit_is_told_and_what_is_due_at_the_exit_done(start, tmp_path):
    assert start("leave", 3).wait(20) == 3
    assert start("leave", "a message").wait(20) == 1
    assert (tmp_path / "out").read_text().count("said goodbye") == 2
    assert start("no_such_function", 0).wait(20) == 1
    assert "AttributeError" in (tmp_path / "out").read_text()


def test_a_file_can_be_handed_over(start):
    reading, writing = os.pipe()
    child = start("write_to", 7, writing)
    os.close(writing)
    assert os.read(reading, 100) == b"number 7"
    assert os.read(reading, 100) == b""  # nobody else holds it open: neither the server nor a later child
    os.close(reading)
    assert child.wait(20) == 0


def test_a_child_can_be_killed_and_waited_for(start, tmp_path):
    child = start("sleep", str(tmp_path / "pid"))
    assert pid_in(tmp_path / "pid") == child.pid
    assert child.poll() is None
    with pytest.raises(TimeoutError):
        child.wait(0.05)
    child.kill()
    assert child.wait(20) == -signal.SIGKILL
    assert gone(child.pid)


@pytest.mark.parametrize("function", ["sleep", "refuse_to_end"])
def test_a_child_ends_with_whoever_asked_for_it(start, tmp_path, function):
    child = start(function, str(tmp_path / "pid"))
    pid = pid_in(tmp_path / "pid")
    child.close()
    assert gone(pid)


def test_what_a_child_leaves_running_is_ended(start, tmp_path):
    child = start("leave_a_daemon", str(tmp_path / "pid"))
    assert child.wait(20) == 0
    assert gone(pid_in(tmp_path / "pid"))


def test_children_draw_their_own_random_numbers(start, tmp_path):
    for name in ("one", "two"):
        assert start("draw", str(tmp_path / name)).wait(20) == 0
    first, second = ((tmp_path / name).read_text().split() for name in ("one", "two"))
    assert not set(first) & set(second)


def test_a_module_that_cannot_be_loaded_is_told_and_stops_nothing(server):
    about = ask(server.address)
    assert list(about["problems"]) == ["no_such_module"]
    assert "ModuleNotFoundError" in about["problems"]["no_such_module"]


def test_no_child_where_another_module_would_be_imported(start, tmp_path):
    (tmp_path / "numpy.py").write_text("")
    with pytest.raises(RefusedForkError, match=r"numpy.py in .* would be imported in place"):
        start("leave", 0)
    (tmp_path / "numpy.py").rename(tmp_path / "matplotlibrc")
    with pytest.raises(RefusedForkError, match="matplotlibrc"):
        start("leave", 0)
    (tmp_path / "matplotlibrc").unlink()
    assert start("leave", 0).wait(20) == 0


def test_children_end_with_their_server(tmp_path):
    with start_server(["children"], env=ENV) as server, open(os.devnull, "r+") as null:
        place = {"env": ENV, "cwd": str(tmp_path), "files": [null.fileno()] * 3}
        other = fork(server.address, "children:sleep", str(tmp_path / "pid"), **place)
        pid = pid_in(tmp_path / "pid")
        killer = fork(server.address, "children:kill_the_server", None, **place)
        assert killer.wait(20) == -signal.SIGKILL
        assert killer.lost
        assert other.wait(20) == -signal.SIGKILL
        assert other.lost
        assert gone(pid, killer.pid, server.pid)
        with pytest.raises(OSError):  # noqa: PT011
            fork(server.address, "children:leave", 0, **place)
        killer.close()
        other.close()
    assert not Path(server.address).exists()


def test_a_server_ends_with_its_owner(tmp_path):
    owner = """
        import os, sys, time
        from reporting.forking.client import fork, start_server
        server = start_server(["children"])
        null = os.open(os.devnull, os.O_RDWR)
        child = fork(server.address, "children:refuse_to_end", "child", env=os.environ, cwd=".", files=[null] * 3)
        print(server.pid, flush=True)
        time.sleep(60)
    """
    command = [sys.executable, "-c", textwrap.dedent(owner)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=ENV) as process:
        try:
            server = int(process.stdout.readline())
            child = pid_in(tmp_path / "child")
            assert lives(server)
        finally:
            process.kill()
    assert gone(server, child)


@pytest.fixture
def two(tmp_path):
    """Two servers that share a module, which notes each process that loads it."""
    (tmp_path / "common.py").write_text("import os\nwith open(__file__ + '.loaded', 'a') as file: file.write('x')")
    settings = [{"preload": ["common", "children"], "name": name} for name in ("one", "other")]
    env = {**ENV, "PYTHONPATH": os.pathsep.join([str(tmp_path), ENV["PYTHONPATH"]])}
    with ExitStack() as stack:
        yield [stack.enter_context(server) for server in start_servers(*settings, shared=["common"], env=env)]


def test_what_servers_share_is_loaded_once(two, tmp_path):
    children = []
    with open(os.devnull, "r+") as null:
        for number, server in enumerate(two):
            place = {"env": ENV, "cwd": "/", "files": [null.fileno()] * 3}
            children.append(fork(server.address, "children:sleep", str(tmp_path / str(number)), **place))
    sleeping = [pid_in(tmp_path / str(number)) for number in range(2)]
    assert [ask(server.address)["children"] for server in two] == [1, 1]
    assert len({server.pid for server in two} | set(sleeping)) == 4
    assert (tmp_path / "common.py.loaded").read_text() == "x"
    for server in two:
        server.close()
        assert not server.lives
    assert gone(*[server.pid for server in two], *sleeping)
    for child in children:
        child.close()


def test_servers_that_never_finish_loading_are_ended(tmp_path):
    (tmp_path / "endless.py").write_text("import time\ntime.sleep(600)")
    env = {**ENV, "PYTHONPATH": str(tmp_path)}
    alone = start_server(["endless"], env=env)
    both = start_servers({"preload": [], "name": "one"}, {"preload": [], "name": "other"}, shared=["endless"], env=env)
    pids = [alone.pid, both[0]._process.pid]
    for server in (alone, *both):
        server.close(0.1)
    assert gone(*pids)


@pytest.mark.parametrize("first", [0, 1])
def test_one_of_two_servers_outlives_the_other(two, first):
    lost, left = two[first], two[1 - first]
    for server in two:
        ask(server.address)
    os.kill(lost.pid, signal.SIGKILL)
    assert until(lambda: not lost.lives)
    lost.close()
    assert left.lives
    assert ask(left.address)["pid"] == left.pid


def test_a_server_that_ended_before_it_told_its_number_is_gone():
    with start_server([], env={"PYTHONHOME": "/nowhere"}) as server:
        with pytest.raises(ConnectionResetError):
            _ = server.pid
        assert not server.lives


def test_a_server_takes_its_words_to_its_log(tmp_path, capfd):
    (tmp_path / "loud.py").write_text("print('loud', flush=True)")
    with start_server(["loud"], env={**ENV, "PYTHONPATH": str(tmp_path)}) as server:
        assert "loud" in ask(server.address)["modules"]
        log = server.folder / "log"
        assert until(lambda: log.read_text() == "loud\n")
    assert capfd.readouterr() == ("", "")
