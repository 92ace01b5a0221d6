"""Import ipykernel without its debugger, which takes 28 MB in every kernel; nobody steps through a scheduled report.

A notebook may still import debugpy itself.
"""

import sys
from typing import Any


class _WithoutModules:
    """`sys` as ipykernel sees it, which lists the files of all modules for its debugger.

    That writes to each module's and file name's count of references: 6 MB that a forked kernel shares otherwise.
    """

    def __init__(self) -> None:
        self.modules: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(sys, name)


if "debugpy" not in sys.modules:
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    import ipykernel.debugger
    import ipykernel.ipkernel

    vars(ipykernel.ipkernel)["sys"] = _WithoutModules()
    del sys.modules["debugpy"]
