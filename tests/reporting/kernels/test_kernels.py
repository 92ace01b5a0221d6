"""The kernel ``metrics-warm`` is a kernel like others to Jupyter's own tools, and warm."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import asynccontextmanager
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from reporting.kernels import NAME, SERVER
from reporting.kernels.shared import runtime_folder, start, stop_shared_servers
from tests.reporting.notebooks import write_notebook
from tests.reporting.processes import gone, until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("processes"),
    pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone"),
]

SPEC = Path(__file__).parents[3] / "src/reporting/kernels/kernelspec/kernel.json"


@pytest.fixture
def jupyter(tmp_path, monkeypatch):
    """A Jupyter that knows the kernel, with a lighter list of modules, and a runtime folder of its own."""
    spec = json.loads(SPEC.read_text())
    spec["metadata"]["kernel_provisioner"]["config"]["preload"] = ["preloaded"]
    folder = tmp_path / "share" / "kernels" / NAME
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(json.dumps(spec))
    (tmp_path / "modules").mkdir()
    (tmp_path / "modules" / "preloaded.py").write_text("import os\nloaded_in = os.getpid()\nversion = 1\n")
    (tmp_path / "run").mkdir(mode=0o700)
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "modules"))
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "run"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "jupyter"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.delenv(SERVER, raising=False)
    yield tmp_path
    stop_shared_servers()


@asynccontextmanager
async def kernel(folder, **settings):
    """A kernel as JupyterLab starts it, and its client."""
    from jupyter_client.manager import AsyncKernelManager

    manager = AsyncKernelManager(kernel_name=NAME, connection_file=str(folder / "connection.json"), transport="ipc")
    await manager.start_kernel(cwd=str(folder), **settings)
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=60)
        yield manager, client
    finally:
        client.stop_channels()
        if manager.has_kernel:
            await manager.shutdown_kernel(now=True)


async def answer(client, code, timeout=60):
    """What a cell prints, and the status of its reply."""
    texts = []

    def take(message):
        texts.append(message["content"].get("text", ""))

    reply = await client.execute_interactive(code, timeout=timeout, output_hook=take, allow_stdin=False)
    return "".join(texts).strip(), reply["content"]["status"]


def test_the_provisioner_is_registered():
    [found] = entry_points(group="jupyter_client.kernel_provisioners", name=NAME)
    assert found.value == "reporting.kernels.provisioner:WarmProvisioner"


def test_a_kernel_is_forked_interrupted_and_restarted(jupyter):
    async def session():
        async with kernel(jupyter) as (manager, client):
            text, _ = await answer(client, "import preloaded, os; print(os.getpid() != preloaded.loaded_in)")
            assert text == "True"
            assert manager.provisioner.warm
            pid = manager.provisioner.pid

            sleeping = asyncio.ensure_future(answer(client, "import time\nwhile True: time.sleep(0.1)"))
            await asyncio.sleep(1)
            await manager.interrupt_kernel()
            assert (await sleeping)[1] == "error"
            assert (await answer(client, "print('lives')"))[0] == "lives"

            await manager.restart_kernel(now=True)
            await client.wait_for_ready(timeout=60)
            assert await manager.is_alive()
            assert manager.provisioner.pid != pid
            assert gone(pid)
            assert (await answer(client, "'preloaded' in dir() or print('fresh')"))[0] == "fresh"

            await manager.shutdown_kernel()  # asked, not killed
            assert not await manager.is_alive()

    asyncio.run(session())


def test_a_restarted_kernel_runs_the_code_on_disk(jupyter):
    async def session():
        async with kernel(jupyter) as (manager, client):
            assert (await answer(client, "import preloaded; print(preloaded.version)"))[0] == "1"
            module = jupyter / "modules" / "preloaded.py"
            module.write_text(module.read_text().replace("version = 1", "version = 22"))
            await manager.restart_kernel(now=True)
            await client.wait_for_ready(timeout=60)
            assert (await answer(client, "import preloaded; print(preloaded.version)"))[0] == "22"
            assert manager.provisioner.warm

    asyncio.run(session())


def test_what_a_dying_kernel_says_is_seen_and_its_death_noticed(jupyter):
    async def session():
        async with kernel(jupyter) as (manager, client):
            client.execute("import os; os._exit(7)")
            for _ in range(1000):
                status = await manager.provisioner.poll()
                if status is not None:
                    break
                await asyncio.sleep(0.02)
            assert status == 7
            assert not manager.provisioner.lost
            assert manager.provisioner.usage.peak > 2**20

    asyncio.run(session())


@pytest.mark.parametrize("server", ["none", "/no/such/socket"])
def test_a_plain_kernel_where_none_can_be_forked(jupyter, monkeypatch, server):
    monkeypatch.setenv(SERVER, server)

    async def session():
        async with kernel(jupyter) as (manager, client):
            code = "import preloaded, os; print(os.getpid() == preloaded.loaded_in)"
            assert (await answer(client, code))[0] == "True"
            assert not manager.provisioner.warm

    asyncio.run(session())


@pytest.mark.parametrize("trouble", ["import time; time.sleep(600)", "import os; os._exit(1)"])
def test_a_plain_kernel_where_the_forked_one_does_not_come_up(jupyter, monkeypatch, trouble):
    (jupyter / "modules" / "broken.py").write_text(f"def run(*_):\n    {trouble}\n")
    monkeypatch.setattr("reporting.kernels.provisioner.TARGET", "broken:run")
    monkeypatch.setattr("reporting.kernels.provisioner.KERNEL_PATIENCE", 1.0)

    async def session():
        async with kernel(jupyter) as (manager, client):
            assert (await answer(client, "print('lives')"))[0] == "lives"
            assert not manager.provisioner.warm

    asyncio.run(session())


def test_a_killed_client_takes_its_kernel_along(jupyter):
    code = f"""
import asyncio, sys, time
sys.path.insert(0, {str(Path(__file__).parents[3])!r})
from pathlib import Path
from tests.reporting.kernels.test_kernels import kernel
async def session():
    async with kernel(Path({str(jupyter)!r})) as (manager, client):
        print(manager.provisioner.pid, manager.provisioner.warm, flush=True)
        time.sleep(600)
asyncio.run(session())
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as client:
        try:
            pid, warm = client.stdout.readline().split()
        finally:
            client.kill()
    assert warm == "True"
    assert gone(int(pid))


def test_papermill_and_nbclient_use_it_unmodified(jupyter):
    cells = "import preloaded, os\nprint(os.getpid() != preloaded.loaded_in, weeks)", "print('last')"
    notebook = write_notebook(jupyter / "report.ipynb", *cells)
    words = [
        "papermill",
        "report.ipynb",
        "out.ipynb",
        "-k",
        NAME,
        "-l",
        "python",
        "-p",
        "weeks",
        "9",
        "--no-progress-bar",
    ]
    done = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, cwd=jupyter, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "No warm kernel" not in done.stderr
    outputs = [cell["outputs"] for cell in json.loads((jupyter / "out.ipynb").read_text())["cells"]]
    assert outputs[-2:] == [
        [{"name": "stdout", "output_type": "stream", "text": ["True 9\n"]}],
        [{"name": "stdout", "output_type": "stream", "text": ["last\n"]}],
    ]

    import nbformat
    from nbclient import NotebookClient

    node = nbformat.read(notebook, as_version=4)
    NotebookClient(node, kernel_name=NAME, resources={"metadata": {"path": str(jupyter)}}).execute()
    assert node.cells[-2].outputs[0].text == "True 4\n"


def test_a_shared_server_ends_when_nobody_needs_it(jupyter):
    path = runtime_folder() / "idle"
    start(path, ["preloaded"], os.environ, idle=0.5)
    from reporting.forking.client import ask

    pid = ask(str(path))["pid"]
    assert gone(pid)
    assert until(lambda: stop_shared_servers() == 0)


def test_servers_can_be_listed_and_stopped(jupyter):
    from typer.testing import CliRunner

    from reporting.kernels.__main__ import app

    def say(*words):
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
        return done.output

    assert say("status") == "No server runs. One is started with the first kernel.\n"
    start(runtime_folder() / "one", ["preloaded", "no_such_module"], os.environ)
    listed = say("status")
    assert "0 kernels, loaded" in listed
    assert "no_such_module could not be loaded: ModuleNotFoundError" in listed
    assert say("stop") == "1 ended.\n"
    assert say("stop") == "0 ended.\n"


def test_sockets_are_for_their_user_alone(jupyter):
    assert runtime_folder().stat().st_mode & 0o077 == 0
    runtime_folder().chmod(0o755)
    with pytest.raises(OSError, match="not a folder of yours alone"):
        runtime_folder()
    runtime_folder_again = jupyter / "run" / NAME
    runtime_folder_again.chmod(0o700)


def test_a_stopped_server_is_started_anew(jupyter):
    async def session():
        async with kernel(jupyter) as (manager, client):
            os.kill(_parent(manager.provisioner.pid), signal.SIGKILL)
            end = time.monotonic() + 20
            while await manager.is_alive() and time.monotonic() < end:
                await asyncio.sleep(0.02)
            assert manager.provisioner.lost
            await manager.restart_kernel(now=True)
            await client.wait_for_ready(timeout=60)
            assert (await answer(client, "print('lives')"))[0] == "lives"
            assert manager.provisioner.warm

    asyncio.run(session())


def _parent(pid):
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
