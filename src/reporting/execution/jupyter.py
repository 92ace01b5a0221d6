"""Jupyter's own tools, imported without the part that costs most and is never used.

jsonschema, which checks notebooks, compiles 35 grammars for the format ``iri`` as soon
as `rfc3987_syntax` can be imported. No notebook uses that format, and the grammars take
more than a second. Told that the module is absent, jsonschema does without it. Every
import of papermill, nbformat or nbconvert in this package goes through here.
"""

import logging
import sys
import warnings

sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # what these packages say about each other is no news for an analyst
    import nbformat
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from nbconvert.exporters import Exporter
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
    from papermill.exceptions import PapermillExecutionError
    from traitlets.config import Config

logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it has to say becomes a ReportError

__all__ = [
    "CellTimeoutError",
    "Config",
    "DeadKernelError",
    "Exporter",
    "IPythonRenderer",
    "MarkdownWithMath",
    "PapermillExecutionError",
    "nbformat",
    "papermill",
]
