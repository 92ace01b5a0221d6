"""What a new process pays: importing, and the first answer. Each run starts a Python of its own."""

import json
import subprocess
import sys
import time
from typing import Any

from benchmarks.question import AS_OF, STEPS, WINDOW
from benchmarks.worker import Ask, Run, cpu_seconds, peak_megabytes

IMPORTS = {
    "metrics": "import metrics",
    "pandas": "import pandas",
    "funnel": "from metrics import conversion_funnel, open_events",
    "ours": "from metrics import conversion_funnel, open_events; import pandas",
    "clickhouse": "import chdb",
}


def importing(what: str) -> Ask:
    """Seconds of an import statement, in a Python that has just started."""
    return lambda: _measured(what, "", "import")


def first_call(side: str, file: str) -> Ask:
    """Seconds of the first answer, the libraries already imported."""
    return lambda: _measured(side, file, "call")


def first_answer(side: str, file: str) -> Ask:
    """Seconds of the first answer, imports included."""
    return lambda: _measured(side, file, "all")


def _measured(side: str, file: str, what: str) -> Run:
    command = [sys.executable, "-m", "benchmarks.fresh", side, file, what]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Run(**json.loads(done.stdout))


def _main(side: str, file: str, what: str) -> None:
    cpu, begin = cpu_seconds(), time.perf_counter()
    exec(IMPORTS[side])
    if what == "call":
        cpu, begin = cpu_seconds(), time.perf_counter()
    answer: Any = None
    if what != "import":
        answer = _ours(file) if side == "ours" else _clickhouse(file)
    run = Run(answer, time.perf_counter() - begin, cpu_seconds() - cpu, peak_megabytes())
    print(json.dumps(vars(run)))


def _ours(file: str) -> Any:
    import metrics

    table = metrics.conversion_funnel(metrics.open_events(file), STEPS, window=WINDOW, as_of=AS_OF)
    return [table["users"].tolist()]


def _clickhouse(file: str) -> Any:
    from benchmarks import clickhouse

    return clickhouse.funnel(file)()


if __name__ == "__main__":
    _main(*sys.argv[1:])
