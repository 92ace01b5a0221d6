"""Import ipykernel without its debugger, which takes 28 MB in every kernel; nobody steps through a scheduled report.

A notebook may still import debugpy itself.
"""

import sys

if "debugpy" not in sys.modules:
    sys.modules["debugpy"] = None  # type: ignore[assignment]
    import ipykernel.debugger  # noqa: F401

    del sys.modules["debugpy"]
