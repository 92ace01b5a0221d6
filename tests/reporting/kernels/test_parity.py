"""A warm kernel puts out what a plain one does, cell by cell."""

import json
import re
import sys

import pytest

from reporting.kernels import NAME, SERVER
from tests.reporting.kernels.corpus import CELLS, OTHERWISE
from tests.reporting.kernels.test_kernels import SPEC
from tests.reporting.notebooks import write_notebook

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("processes"),
    pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone"),
]


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """Outputs of all cells, from a plain kernel and from a warm one that has loaded what the package's own has."""
    import nbformat
    from jupyter_client.manager import AsyncKernelManager
    from nbclient import NotebookClient

    from reporting.forking import start_server
    from reporting.kernels.kernel import PRELOAD
    from reporting.kernels.shared import server_environment

    folder = tmp_path_factory.mktemp("parity")
    preload = json.loads(SPEC.read_text())["metadata"]["kernel_provisioner"]["config"]["preload"]
    (folder / "share" / "kernels" / NAME).mkdir(parents=True)
    (folder / "share" / "kernels" / NAME / "kernel.json").write_text(SPEC.read_text())
    found = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder / "share"))
        patch.setenv("IPYTHONDIR", str(folder / "ipython"))
        patch.setenv("GREETING", "hello")
        import os

        with start_server([*PRELOAD, *preload], env=server_environment(os.environ)) as server:
            for kind, address in (("plain", "none"), ("warm", server.address)):
                patch.setenv(SERVER, address)
                (folder / kind / "work").mkdir(parents=True)
                notebook = nbformat.read(write_notebook(folder / kind / "n.ipynb", *CELLS, parameters=None), 4)
                manager = AsyncKernelManager(
                    kernel_name=NAME, transport="ipc", connection_file=str(folder / kind / "c.json")
                )
                client = NotebookClient(
                    notebook,
                    km=manager,
                    allow_errors=True,
                    coalesce_streams=True,
                    timeout=120,
                    resources={"metadata": {"path": str(folder / kind / "work")}},
                )
                client.execute(cleanup_kc=True)
                assert manager.provisioner.warm == (kind == "warm")
                found[kind] = [[settled(part) for part in cell.outputs] for cell in notebook.cells]
    return found


def settled(part):
    """An output without what differs from one process to the next."""
    text = json.dumps(part, sort_keys=True)
    text = re.sub(r"0x[0-9a-f]{6,}", "0x", text)
    text = re.sub(r"ipykernel_\d+/\d+", "ipykernel", text)
    text = re.sub(r"<dc:date>.*?</dc:date>", "", text)
    return json.loads(re.sub(r"matplotlib\.[0-9a-f-]{36}|[0-9a-f]{10}(?=\\\")", "id", text))


def test_the_corpus_is_large_enough():
    assert len(CELLS) >= 60
    assert len(OTHERWISE) <= 3
    assert set(OTHERWISE) <= set(CELLS)


@pytest.mark.parametrize("number", range(len(CELLS)), ids=lambda number: f"cell-{number}")
def test_a_warm_kernel_puts_out_the_same(outputs, number):
    plain, warm = outputs["plain"][number], outputs["warm"][number]
    if CELLS[number] in OTHERWISE:
        assert plain != warm, "this exception is none"
    else:
        assert warm == plain


def test_the_cells_do_put_out_something(outputs):
    assert sum(bool(cell) for cell in outputs["plain"]) >= 60
    assert any("image/png" in part.get("data", {}) for cell in outputs["plain"] for part in cell)
