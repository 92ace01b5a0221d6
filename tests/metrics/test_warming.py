import os
import subprocess
import sys

import pytest


@pytest.mark.slow
@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="counts threads in /proc")
def test_warming_up_loads_what_is_slow_and_leaves_nothing_that_a_fork_would_lose():
    code = """
import os, sys, warnings
warnings.simplefilter("error")
import pandas, scipy.special, matplotlib.pyplot
before = len(os.listdir("/proc/self/task"))
import metrics.warming
steps = sum(1 for _ in metrics.warming.warm_up())
assert steps > 20
assert {"metrics.plots.svg", "metrics.exports.generic", "scipy.special", "tqdm"} <= set(sys.modules)
assert not matplotlib.pyplot.get_fignums()
assert "matplotlib_inline.backend_inline" not in sys.modules
assert len(os.listdir("/proc/self/task")) == before
"""
    env = {**os.environ, "MPLBACKEND": "module://matplotlib_inline.backend_inline"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=False)
    assert done.returncode == 0, done.stderr
