"""From a notebook and its parameters to one HTML page, and an index of all pages.

    recipe → plan → execution → page → index

    recipe/      what is to be built, and whether it is well formed
    execution/   notebooks are run           kernels/     where they run, forked by forking/
    pages/       from data to HTML           publishing/  plans, and what readers see
    schedules/   files for schedulers        notices/     who is told
    cli/         the command line

`reporting` knows nothing of metrics: it runs any notebook whose parameters are typed,
and shows what its cells put out. Names are imported when they are first used, so that
a wrong parameter is refused before anything slow is loaded.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reporting.errors import LockedError, RefusedError, ReportError

if TYPE_CHECKING:
    from reporting.publishing.plan import Request, plan_reports
    from reporting.publishing.run import run_reports
    from reporting.recipe.file import read_recipe
    from reporting.recipe.parameters import read_parameters
    from reporting.recipe.secrets import secret

__all__ = [
    "LockedError",
    "RefusedError",
    "ReportError",
    "Request",
    "plan_reports",
    "read_parameters",
    "read_recipe",
    "run_reports",
    "secret",
]

_HOMES = {
    "Request": "publishing.plan",
    "plan_reports": "publishing.plan",
    "read_parameters": "recipe.parameters",
    "read_recipe": "recipe.file",
    "run_reports": "publishing.run",
    "secret": "recipe.secrets",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reporting' has no attribute {name!r}")
    return getattr(import_module(f"reporting.{_HOMES[name]}"), name)
