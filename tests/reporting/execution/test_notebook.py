import os
import sys
import time

import pytest

from reporting.errors import ReportError
from reporting.execution.notebook import execute_notebook
from tests.reporting.notebooks import write_notebook

pytestmark = pytest.mark.slow


@pytest.fixture
def run(tmp_path):
    def run_cells(*cells, given=None, name="funnel.ipynb", **settings):
        notebook = write_notebook(tmp_path / name, "%md # Funnel", *cells)
        return execute_notebook(notebook, tmp_path / "out.ipynb", given or {}, **settings)

    return run_cells


def text_of(executed):
    return executed.cells[-1].outputs[0].text.strip()


def test_a_notebook_runs_in_its_folder_with_this_interpreter_and_its_parameters(run, tmp_path):
    seen = []
    executed = run(
        "import os, sys\nprint(os.getcwd(), sys.executable, weeks, repr(plan), sep='|')",
        given={"weeks": 7, "plan": "a'b\"\\{c}"},
        name="with {braces}.ipynb",
        progress=lambda done, cells: seen.append((done, cells)),
    )
    assert text_of(executed) == "|".join([str(tmp_path), sys.executable, "7", repr("a'b\"\\{c}")])
    assert seen[-1] == (4, 4)
    assert seen == sorted(seen)


@pytest.mark.parametrize("given", [{}, {"weeks": 7}])
def test_a_failing_cell_is_named_as_its_author_counts(run, given):
    with pytest.raises(ReportError) as failed:
        run("rate = 1", "# Share of users\nusers = 0\nrate / users", "never = 1", given=given)
    error = failed.value
    assert str(error) == "funnel.ipynb, cell 4 (# Share of users): ZeroDivisionError: division by zero"
    assert (error.notebook.name, error.cell, error.line) == ("funnel.ipynb", 4, 3)
    assert error.cause == "ZeroDivisionError: division by zero"


def test_a_dead_kernel_is_a_failure(run):
    with pytest.raises(ReportError, match=r"cell 3 \(import os\): the kernel died"):
        run("import os\nos._exit(0)")


def test_a_notebook_that_leaves_early_is_a_failure(run):
    with pytest.raises(ReportError, match=r"cell 3 .*: the notebook stopped itself here"):
        run("import sys; sys.exit(0)", "print('never')")


def test_the_whole_notebook_has_one_deadline(run):
    began = time.monotonic()
    with pytest.raises(ReportError, match="longer than its 4 seconds"):
        run("import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(2)", "time.sleep(3)", timeout=4)
    assert time.monotonic() - began < 9


def test_no_kernel_is_left_behind(run, tmp_path):
    with pytest.raises(ReportError):
        run("import os, time\nopen('pid', 'w').write(str(os.getpid()))", "time.sleep(60)", timeout=3)
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
