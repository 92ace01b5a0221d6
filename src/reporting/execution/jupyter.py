"""Jupyter's own tools, imported without the parts that cost most and are never used.

A report needs none of these, and their importers do without them when told that they are absent. jsonschema, which
checks notebooks, compiles 35 grammars for the format ``iri``, which takes more than a second, and loads a calendar for
``duration``. papermill imports pyarrow, 50 MB of it, for notebooks on Hadoop; nbconvert a web server to show slides;
bs4 a parser of CSS. What papermill fetches notebooks from the web with is loaded should it ever do so. Every import of
papermill, nbformat or nbconvert in this package goes through here.
"""

import logging
import sys
import warnings
from importlib import import_module
from types import ModuleType
from typing import Any

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
UNUSED = ("isoduration", "nbconvert.postprocessors.serve", "pyarrow", "pyarrow.fs", "soupsieve")


class _Later(ModuleType):
    """A module that is loaded once something of it is used (`importlib.util.LazyLoader`: once it is imported again)."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__path__":
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


sys.modules.setdefault("requests", _Later("requests"))
_absent = [name for name in UNUSED if name not in sys.modules]
sys.modules.update(dict.fromkeys(_absent))  # type: ignore[arg-type]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what these packages say about each other is no news for an analyst
    import nbformat
    import papermill
    from jupyter_client.asynchronous.client import AsyncKernelClient as KernelClient
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager as KernelManager
    from jupyter_client.provisioning.factory import KernelProvisionerFactory
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from nbclient.util import run_sync
    from nbconvert.exporters import Exporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    from papermill.clientwrap import PapermillNotebookClient
    from papermill.engines import NBClientEngine, papermill_engines
    from papermill.exceptions import PapermillExecutionError
    from papermill.translators import PythonTranslator, papermill_translators
    from traitlets.config import Config

for _name in _absent:
    del sys.modules[_name]
logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it has to say becomes a ReportError

__all__ = [
    "CellTimeoutError",
    "Config",
    "DeadKernelError",
    "Exporter",
    "IPythonRenderer",
    "KernelClient",
    "KernelManager",
    "KernelProvisionerFactory",
    "KernelSpec",
    "MarkdownWithMath",
    "NBClientEngine",
    "PapermillExecutionError",
    "PapermillNotebookClient",
    "PythonTranslator",
    "nbformat",
    "papermill",
    "papermill_engines",
    "papermill_translators",
    "run_sync",
]
