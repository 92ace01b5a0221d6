"""Kernels that start warm: real IPython kernels, forked from a process that has the slow imports behind it.

    kernelspec metrics-warm → WarmProvisioner → forking server → kernel

To Jupyter they are kernels like others, found by name and started by a provisioner: papermill, nbclient and JupyterLab
use them unmodified (``papermill -k metrics-warm``). What is loaded beforehand stands in ``kernelspec/kernel.json``.
Where no warm kernel can be had, or it does not come up, a plain one is started in its place.
"""

import sys

AVAILABLE = sys.platform == "linux"
NAME = "metrics-warm"
SERVER = "REPORTING_WARM_SERVER"  # environment variable: socket of a server to use, or "none" for plain kernels

__all__ = ["AVAILABLE", "NAME", "SERVER"]
