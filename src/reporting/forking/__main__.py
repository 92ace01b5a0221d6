"""Start a forking server: ``python -m reporting.forking``, which `reporting.forking.client` does."""

import sys

if sys.path and sys.path[0] in ("", __import__("os").getcwd()):
    del sys.path[0]  # what lies in the folder of whoever starts the server is not for the children of others

from reporting.forking.starting import main

main()
