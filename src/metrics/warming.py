"""Load what a notebook of this package usually needs, so that a process that others are forked from has it.

Names are imported when they are first used, and slow libraries when a number needs them, which keeps `import metrics`
light. Here they are all imported, and one small table is shown. Nothing is done that starts threads, such as reading a
file or connecting to DuckDB, for they would be missing in a forked process.
"""

import pkgutil
from collections.abc import Iterator
from importlib import import_module

LATER = [  # not DuckDB: 20 MB, and only large files need it
    "multiprocessing.synchronize",  # of tqdm's bars
    "pandas.core.methods.to_dict",
    "pyarrow.dataset",
    "pyarrow.pandas_compat",
    "scipy.special",
    "tqdm",
]


def warm_up() -> Iterator[None]:
    """Import every public name and what it will need, and show a metric in all forms; yields in between."""
    import pandas as pd

    import metrics

    for name in metrics.__all__:
        getattr(metrics, name)
        yield
    rooms = (
        name
        for room in ("exports", "files", "kpis", "plots", "display")
        for name in _modules_of(import_module(f"metrics.{room}"))
    )
    for module in (*LATER, *rooms):
        import_module(module)
        yield
    answers = pd.DataFrame(
        {"respondent_id": ["ann"], "answered_at": pd.to_datetime(["2026-01-01"], utc=True), "score": [9]}
    )
    score = metrics.net_promoter_score(answers)
    metrics.headline(score)
    yield
    from matplotlib.figure import Figure

    metrics.plot_nps(score, ax=Figure().add_subplot())  # not by pyplot, which would settle for a backend here and now
    yield
    metrics.show(score, "Score")


def _modules_of(package: object) -> list[str]:
    paths = getattr(package, "__path__", [])
    prefix = getattr(package, "__name__", "") + "."
    return [found.name for found in pkgutil.iter_modules(paths, prefix)]
