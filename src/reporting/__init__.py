"""From a notebook and its parameters to one HTML page, and an index of all pages.

    recipe → plan → execute → page → index

`reporting` knows nothing of metrics: it runs any notebook whose parameters are typed,
and shows what its cells put out. Names are imported when they are first used, so that
a wrong parameter is refused before anything slow is loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reporting.errors import RefusedError, ReportError

if TYPE_CHECKING:
    from reporting.index import write_index
    from reporting.parameters import read_parameters
    from reporting.plan import Request, plan_reports
    from reporting.recipe import read_recipe
    from reporting.run import run_report

__all__ = [
    "RefusedError",
    "ReportError",
    "Request",
    "plan_reports",
    "read_parameters",
    "read_recipe",
    "run_report",
    "write_index",
]

_HOMES = {
    "Request": "plan",
    "plan_reports": "plan",
    "read_parameters": "parameters",
    "read_recipe": "recipe",
    "run_report": "run",
    "write_index": "index",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reporting' has no attribute {name!r}")
    return getattr(import_module(f"reporting.{_HOMES[name]}"), name)
