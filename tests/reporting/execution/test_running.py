"""Whatever a notebook does, its outcome says so, the others are built, and nothing is left running."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reporting.execution import Job, Retry, run_jobs
from reporting.publishing.rendering import THEN
from reporting.recipe.secrets import MASK, Secrets
from tests.reporting.notebooks import write_notebook
from tests.reporting.processes import gone, lives, pid_in, processes_with, until

LINUX = pytest.mark.skipif(sys.platform != "linux", reason="forks on Linux alone")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("processes")]


@pytest.fixture
def job(tmp_path):
    """A job for a notebook of these cells; its processes carry the folder's name in their environment."""

    def make(*cells, name="report", given=None, **settings):
        notebook = write_notebook(tmp_path / f"{name}.ipynb", "%md # Report", *cells)
        return Job(name, notebook, given or {}, tmp_path / f"{name}.out.ipynb", tmp_path, **settings)

    return make


@pytest.fixture(autouse=True)
def nothing_is_left(tmp_path, monkeypatch):
    """Every process of the test, however it was started, ends within two seconds of it."""
    monkeypatch.setenv("REPORTING_TEST", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    yield
    end = time.monotonic() + 2
    while (left := processes_with("REPORTING_TEST", str(tmp_path))) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left if lives(pid)]
    assert list((tmp_path / "tmp").iterdir()) == []


def run(*jobs, workers=2, **settings):
    settings.setdefault("preload", [])  # what these notebooks use needs no loading
    outcomes = {outcome.job.name: outcome for outcome in run_jobs(jobs, workers=workers, **settings)}
    assert sorted(outcomes) == sorted(job.name for job in jobs)
    return outcomes


def run_one(job, **settings):
    return run(job, **settings)[job.name]


def text_of(job):
    cells = json.loads(job.output.read_text())["cells"]
    return "".join("".join(part.get("text", [])) for cell in cells for part in cell.get("outputs", []))


@pytest.mark.parametrize("kernel", [pytest.param("warm", marks=LINUX), "plain"])
def test_a_job_becomes_an_executed_notebook_and_says_what_it_took(job, kernel):
    events = []
    good = job("import os\nprint(os.getcwd(), weeks)", "%md and more", given={"weeks": 7})
    outcome = run_one(good, kernel=kernel, on_event=events.append)
    assert (outcome.status, outcome.cause, outcome.attempts, outcome.warm) == ("built", "", 1, kernel == "warm")
    assert text_of(good) == f"{good.workdir} 7\n"
    assert 0.01 < outcome.cpu_seconds < 60
    assert outcome.wall_seconds > 0.05
    assert 20 * 2**20 < outcome.peak_bytes < 2 * 2**30
    assert [event.kind for event in events] == ["started", *["cell"] * 6, "ended"]
    assert [(event.done, event.cells) for event in events[1:-1]] == [(done, 5) for done in range(6)]
    assert events[-1].outcome == outcome
    assert not good.log.exists()


@pytest.mark.parametrize("kernel", [pytest.param("warm", marks=LINUX), "plain"])
@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        ("1 / 0", "failed", "ZeroDivisionError: division by zero"),
        ("def dig(n): return dig(n + 1)\ndig(0)", "failed", "RecursionError: maximum recursion depth exceeded"),
        ("import sys; sys.exit(3)", "failed", "SystemExit: 3"),
        ("%%R\n1 + 1", "failed", "UsageError: Cell magic `%%R` not found."),
        ("import sys; sys.exit(0)", "failed", "the notebook stopped itself here"),
        ("exit", "failed", "the notebook stopped itself here"),
        ("quit()", "failed", "the notebook stopped itself here"),
        ("import os; os._exit(0)", "killed", "the kernel died"),
        ("import ctypes; ctypes.string_at(0)", "killed", "the kernel died"),
        ("import os; os.kill(os.getpid(), 9)", "killed", "the kernel died"),
        ("import os; os.abort()", "killed", "the kernel died"),
    ],
)
def test_a_notebook_that_breaks_is_told_by_its_cell(job, kernel, code, status, cause):
    outcome = run_one(job("ready = True", code, "print('never')"), kernel=kernel)
    assert outcome.status == status
    assert outcome.cause.startswith(cause)
    assert (outcome.cell, outcome.source, outcome.attempts) == (4, code, 1)
    assert "never" not in text_of(outcome.job)
    assert outcome.error().cell == 4


def test_the_longest_message_is_told_by_its_beginning_and_its_end(job):
    secrets = Secrets({"db": "correct horse battery"})
    code = "raise ValueError('x' * 983 + 'correct horse battery' + 'y' * 3_000_000 + 'the end')"
    failed = job(code, secrets=secrets, given={"db": "env:DB"})
    outcome = run_one(failed)
    assert len(outcome.cause) < 2_100
    assert len(outcome.traceback) < 100_100
    assert outcome.cause.startswith("ValueError: xxx")
    assert outcome.cause.endswith("the end")
    assert "corr" not in outcome.cause


def test_parameters_arrive_as_they_were_given(job):
    given = {"weeks": 7, "plan": "a'b\"\\{c}", "steps": ["007", "é\n"], "share": 0.5, "by_plan": True}
    odd = job(
        "import sys\nprint(repr([weeks, plan, steps, share, by_plan]), sys.executable)", name="{odd}", given=given
    )
    assert run_one(odd).status == "built"
    assert text_of(odd) == f"{list(given.values())!r} {sys.executable}\n"


@pytest.mark.parametrize("given", [{}, {"weeks": 7}])
def test_a_failing_cell_is_named_as_its_author_counts(job, given):
    outcome = run_one(job("rate = 1", "# Share of users\nusers = 0\nrate / users", "never = 1", given=given))
    error = outcome.error()
    assert str(error) == "report.ipynb, cell 4 (# Share of users): ZeroDivisionError: division by zero"
    assert (error.notebook.name, error.cell, error.line) == ("report.ipynb", 4, 3)
    assert outcome.exception == "ZeroDivisionError"
    assert "ZeroDivisionError" in error.traceback


@LINUX
def test_memory_is_bounded(job):
    outcomes = run(
        job("hoard = [bytearray(2**20) for _ in range(4_000)]", memory=1_500 * 2**20, name="greedy"),
        job("hoard = [bytearray(2**20) for _ in range(100)]", memory=1_500 * 2**20, name="modest"),
    )
    assert outcomes["modest"].status == "built"
    assert outcomes["greedy"].status in ("failed", "killed")
    assert "MemoryError" in outcomes["greedy"].cause or outcomes["greedy"].status == "killed"
    assert outcomes["greedy"].cause.endswith("It may use 1,573 MB: give it more with 'memory', or read less data.")
    assert outcomes["greedy"].peak_bytes < 1_700 * 2**20


def test_a_worker_loads_nothing_slow_that_no_report_needs():
    code = (
        "import sys, reporting.execution.worker, reporting.publishing.rendering as rendering\n"
        "rendering.warm_up()\n"
        "slow = ('arrow', 'isoduration', 'nbconvert.postprocessors.serve', 'pandas', 'pyarrow', 'pydantic',\n"
        "        'rfc3987_syntax', 'soupsieve')\n"
        "print([name for name in slow if sys.modules.get(name)])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "[]\n"


SLEEPING = "import os, time\nopen('pid', 'w').write(str(os.getpid()))\ntime.sleep(600)"
BUSY = "while True: pass"
DEAF = "import os, signal, time\nopen('deaf-pid', 'w').write(str(os.getpid()))\n" + (
    "for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP): signal.signal(number, signal.SIG_IGN)\n"
    "while True: time.sleep(1)"
)


@pytest.mark.parametrize("kernel", [pytest.param("warm", marks=LINUX), "plain"])
def test_one_deadline_holds_for_the_whole_notebook(job, tmp_path, kernel):
    before = "import time; time.sleep(0.5)"
    codes = {"sleeping": SLEEPING, "busy": BUSY, "deaf": DEAF}
    jobs = [job(before, code, "never = 1", name=name, timeout=15) for name, code in codes.items()]
    outcomes = run(*jobs, workers=3, kernel=kernel)
    for name, outcome in outcomes.items():
        assert outcome.status == "timeout"
        assert outcome.cause.startswith("the report took longer than its 15 seconds")
        assert (outcome.cell, outcome.source) == (4, codes[name])
        assert 15 <= outcome.wall_seconds < 15 + 1 + 2 * (name == "deaf") + 4  # the last for a busy machine
        assert outcome.attempts == 1
    assert gone(pid_in(tmp_path / "pid"), pid_in(tmp_path / "deaf-pid"), seconds=2)


@LINUX
def test_what_a_notebook_starts_ends_with_it(job, tmp_path):
    start = "import subprocess, sys\n"
    start += "for session in (False, True):\n"
    start += '    code = \'import os, time; open(f"pid-{os.getpid()}", "w"); time.sleep(60)\'\n'
    start += "    subprocess.Popen([sys.executable, '-c', code], start_new_session=session)\n"
    start += "import glob, time\nwhile len(glob.glob('pid-*')) < 2: time.sleep(0.01)"
    assert run_one(job(start)).status == "built"
    pids = [int(path.name.removeprefix("pid-")) for path in tmp_path.glob("pid-*")]
    assert len(pids) == 2
    assert gone(*pids, seconds=2)


@LINUX
@pytest.mark.parametrize("kernel", ["warm", "plain"])
def test_a_run_that_is_killed_takes_its_kernels_along(job, tmp_path, kernel):
    tell = "import os\nopen('{}', 'w').write(f'{{os.getpid()}} {{os.getppid()}}')\n"
    sleeps = job(tell.format("sleeps") + "import time\ntime.sleep(300)", name="sleeping")
    holds = job(tell.format("holds") + "sum(range(10**15))", name="holding")  # and lets no other thread in
    program = (
        "from pathlib import Path\nfrom reporting.execution import Job, run_jobs\n"
        f"jobs = [Job(name, Path(name + '.ipynb'), {{}}, Path(name + '.out.ipynb'), Path('.')) "
        f"for name in {[sleeps.name, holds.name]}]\nlist(run_jobs(jobs, workers=2, kernel={kernel!r}, preload=[]))"
    )
    run = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path)
    try:
        pids = [until(lambda name=name: _numbers(tmp_path / name), 60) for name in ("sleeps", "holds")]
        assert all(lives(pid) for pair in pids for pid in pair)
    finally:
        run.kill()
        run.wait()
    try:
        assert gone(*[pid for pair in pids for pid in pair], seconds=3)
    finally:
        for pid in [pid for pair in pids for pid in pair if lives(pid)]:
            os.kill(pid, 9)
        for left in (tmp_path / "tmp").iterdir():  # which the next run would remove
            shutil.rmtree(left)


def _numbers(path):
    words = path.read_text().split() if path.exists() else []
    return [int(word) for word in words] if len(words) == 2 else []


@pytest.mark.parametrize("kernel", [pytest.param("warm", marks=LINUX), "plain"])
def test_half_a_sign_fails_nothing(job, tmp_path, kernel):
    page = tmp_path / "page.html"
    origin = {"group": "", "period": "", "parameters": [], "notebook": "half.ipynb"}
    argument = {"page": str(page), "title": None, "origin": origin}
    cells = [
        "print('Half \\ud83d printed')",
        "%md ## Half \ud83d of it",
        "import IPython\nIPython.display.HTML('Half \\ud83d shown')",
    ]
    half = job(*cells, then=THEN, argument=argument)
    outcome = run_one(half, kernel=kernel)
    assert (outcome.status, outcome.cause) == ("built", "")
    for text in (half.output.read_text(), page.read_text()):
        assert "Half ? of it" in text
        assert "Half ? printed" in text
        assert "Half ? shown" in text
    failed = run_one(job("raise ValueError('Half \\ud83d raised')", name="failed"), kernel=kernel)
    assert failed.cause == "ValueError: Half ? raised"


@pytest.mark.parametrize("kernel", [pytest.param("warm", marks=LINUX), "plain"])
def test_a_flood_of_text_is_cut_and_counted(job, kernel):
    flood = job("line = 'x' * 999\nfor _ in range(100_000): print(line)", "print('after')")
    outcome = run_one(flood, kernel=kernel)
    assert outcome.status == "built"
    assert outcome.dropped == 100_000 * 1000 + len("after\n") - 1_000_000
    assert len(text_of(flood)) == 1_000_000
    assert flood.output.stat().st_size < 2_000_000


def test_one_long_line_takes_no_longer_than_many_short_ones(job):
    outcome = run_one(job("print('x' * 30_000_000)", timeout=15))
    assert (outcome.status, outcome.dropped) == ("built", 29_000_001)


def test_what_a_failing_cell_printed_is_one_text_too(job):
    failing = job("import sys\nprint('a', flush=True)\nsys.stdout.flush()\nprint('b', flush=True)\n1 / 0")
    assert run_one(failing).status == "failed"
    cell = json.loads(failing.output.read_text())["cells"][-1]
    assert [part["output_type"] for part in cell["outputs"]] == ["stream", "error"]


def test_a_flood_past_the_notebook_fills_no_disk(job):
    outcome = run_one(job("import os\nfor _ in range(1000): os.write(os.open('/proc/self/fd/2', 1), b'y' * 100_000)"))
    assert outcome.status == "built"
    assert not outcome.job.log.exists() or outcome.job.log.stat().st_size < 1_100_000


def test_more_than_a_page_can_hold_fails(job):
    show = "from IPython.display import HTML, display\nfor _ in range(100): display(HTML('x' * 1_000_000))"
    outcome = run_one(job(show))
    assert outcome.status == "failed"
    assert outcome.cause.startswith("the notebook puts out more than 64 MB")
    assert outcome.cell == 3


@LINUX
def test_what_a_cell_displays_is_shown_whatever_it_is(job):
    values = ['["<b>38</b>"]', "38", "None", "{1: 2}", "[None]", 'bytearray(b"38")']
    cells = [f"from IPython.display import display\ndisplay({{'text/html': {value}}}, raw=True)" for value in values]
    assert run_one(job(*cells)).status == "built"


def test_a_notebook_that_ends_the_warm_server_costs_the_others_nothing(job):
    bad = job("import os\nos.kill(os.getppid(), 9)\nimport time\ntime.sleep(60)", name="bad", timeout=30)
    rest = [job("import time; time.sleep(1)", "print('good')", name=f"good{k}") for k in range(4)]
    outcomes = run(bad, *rest)
    assert outcomes["bad"].status == "killed"
    assert outcomes["bad"].attempts == 2
    for good in rest:
        assert (outcomes[good.name].status, outcomes[good.name].cause) == ("built", "")
        assert text_of(good) == "good\n"


@pytest.mark.parametrize("kernel", [pytest.param("warm", marks=LINUX), "plain"])
def test_kernels_side_by_side_share_the_processors(job, kernel, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    cell = "import os, pyarrow\nprint(pyarrow.cpu_count(), os.environ.get('OMP_NUM_THREADS'))"
    alone = job(cell, name="alone")
    both = [job(cell, name=name) for name in ("left", "right")]
    run(alone, kernel=kernel, preload=["pyarrow"])
    run(*both, kernel=kernel, preload=["pyarrow"])
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert text_of(alone) == f"{usable} None\n"
    assert [text_of(one) for one in both] == [f"{max(1, usable // 2)} {max(1, usable // 2)}\n"] * 2
    monkeypatch.setenv("OMP_NUM_THREADS", "3")  # whoever says it is obeyed
    run(*both, kernel=kernel, preload=["pyarrow"])
    assert [text_of(one) for one in both] == ["3 3\n"] * 2


def test_what_one_notebook_reads_the_next_finds_and_nobody_after_the_run(job, tmp_path, monkeypatch):
    monkeypatch.delenv("METRICS_KEEP", raising=False)
    (orders := tmp_path / "orders.csv").write_text("customer_id,date,amount\nann,1997-01-18,29.73\n")
    os.utime(orders, (1e9, 1e9))
    read = "import metrics, os\nmetrics.read_orders('orders.csv', timezone='UTC')\nplace = os.environ['METRICS_KEEP']\n"
    tell = read + "print(place, [(f.name, f.stat().st_ino) for f in os.scandir(place)])"
    jobs = [job(tell, name=f"r{k}") for k in range(3)]
    assert {outcome.status for outcome in run(*jobs, workers=1).values()} == {"built"}
    (said,) = {text_of(job) for job in jobs}  # one file, of one writer
    assert said.count("', ") == 1
    assert not Path(said.split(" ")[0]).exists()


@pytest.mark.parametrize(("jobs", "own", "said"), [(1, None, "None"), (2, "", ""), (2, "/somewhere", "/somewhere")])
def test_tables_are_left_to_others_where_there_are_some_and_nobody_says_otherwise(job, monkeypatch, jobs, own, said):
    monkeypatch.delenv("METRICS_KEEP", raising=False)
    if own is not None:
        monkeypatch.setenv("METRICS_KEEP", own)
    jobs = [job("import os; print(os.environ.get('METRICS_KEEP'))", name=f"r{k}") for k in range(jobs)]
    run(*jobs)
    assert {text_of(job) for job in jobs} == {f"{said}\n"}


@LINUX
def test_a_kernel_lists_no_modules_for_a_debugger_that_is_not_there(job):
    one = job("print(get_ipython().kernel._kernel_modules, get_ipython().kernel.banner[:6])")
    run_one(one)
    assert text_of(one) == "[] Python\n"


def test_one_bad_of_twenty_leaves_nineteen(job):
    jobs = [job("import os; os._exit(1)" if k == 7 else f"print({k})", name=f"r{k}") for k in range(20)]
    outcomes = run(*jobs)
    assert [name for name, outcome in outcomes.items() if outcome.status != "built"] == ["r7"]
    assert [text_of(job) for job in jobs if job.name != "r7"] == [f"{k}\n" for k in range(20) if k != 7]


ONCE = (
    "from pathlib import Path\ntried = Path('tried')\nif not tried.exists():\n    tried.touch()\n    {}\nprint('done')"
)


@pytest.mark.parametrize(
    ("trouble", "on", "attempts"),
    [
        ("raise ConnectionError('reset')", ("ConnectionError",), 2),
        ("raise ConnectionError('reset')", ("timeout", "killed", "OSError"), 1),
        ("import os; os._exit(1)", ("killed",), 2),
        ("import time; time.sleep(60)", ("timeout",), 2),
        ("raise ConnectionError('reset')", (), 1),
    ],
)
def test_only_what_was_declared_is_tried_again(job, trouble, on, attempts):
    events = []
    once = job(ONCE.format(trouble), retry=Retry(1, on), timeout=15 if "60" in trouble else 60)
    outcome = run_one(once, on_event=events.append)
    assert outcome.attempts == attempts
    assert outcome.status == ("built" if attempts == 2 else "failed")
    assert [event.kind for event in events].count("retry") == attempts - 1


def test_what_never_goes_well_is_tried_no_more_than_declared(job):
    outcome = run_one(job("raise OSError('always')", retry=Retry(2, ("OSError",))))
    assert (outcome.status, outcome.attempts) == ("failed", 3)


def test_secrets_are_masked_wherever_they_come_up(job, tmp_path):
    code = "import os\nprint('pass' + 'word-7')\nos.system('echo pass''word-7 >&2')\n"
    code += "raise ValueError('pass' + 'word-7')"
    outcome = run_one(job(code, secrets=Secrets({"db": "password-7"})))
    assert outcome.cause == f"ValueError: {MASK}"
    assert "password-7" not in repr(outcome)
    for path in tmp_path.iterdir():
        assert path.is_dir() or path.name == "report.ipynb" or b"password-7" not in path.read_bytes()


def count_cells(notebook, argument):
    """What a page would be made of."""
    if argument == "fail":
        raise ValueError("no page")
    return {"cells": len(notebook.cells), "argument": argument}


def test_what_comes_after_happens_in_the_worker(job, monkeypatch):
    then = "tests.reporting.execution.test_running:count_cells"
    good = job("1 + 1", name="good", then=then, argument=[1, "two"])
    bad = job("1 + 1", name="bad", then=then, argument="fail")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")]))
    outcomes = run(good, bad)
    assert outcomes["good"].result == {"cells": 3, "argument": [1, "two"]}
    assert (outcomes["bad"].status, outcomes["bad"].cause) == ("failed", "ValueError: no page")


def test_whoever_stops_listening_stops_the_run(job):
    jobs = [job("import time; time.sleep(60 * bool(weeks))", name=f"r{k}", given={"weeks": k}) for k in range(4)]
    outcomes = run_jobs(jobs, workers=2, preload=[])
    assert next(outcomes).job.name == "r0"
    began = time.monotonic()
    outcomes.close()
    assert time.monotonic() - began < 15
