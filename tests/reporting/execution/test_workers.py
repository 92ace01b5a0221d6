"""What the process that kernels are forked from loads beforehand."""

from pathlib import Path

from reporting.execution import Job
from reporting.execution.workers import needed


def job(*imports, unknown=False):
    return Job("a", Path("a.ipynb"), {}, Path("out.ipynb"), Path(), imports=None if unknown else frozenset(imports))


def test_a_package_that_no_notebook_imports_is_not_loaded():
    assert "metrics.warming:warm_up" in needed([job("pandas"), job("metrics", "pandas")])
    plain = needed([job("pandas"), job()])
    assert not [entry for entry in plain if entry.startswith("metrics")]
    assert {"pandas", "matplotlib.pyplot", "reporting.kernels.warming:tables"} <= set(plain)


def test_all_is_loaded_where_nobody_looked_what_is_imported():
    assert needed([job("pandas"), job(unknown=True)]) == needed([job("metrics"), job()])


def test_nothing_is_called_for_pages_that_do_not_come():
    assert [entry for entry in needed([job("metrics"), job("metrics")]) if ":" in entry]
    alone = needed([job("metrics")])
    assert {"metrics", "pandas", "matplotlib.pyplot"} <= set(alone)
    assert not [entry for entry in alone if ":" in entry]
    assert needed([job(unknown=True)]) == alone
