"""Begin forking servers, each in a process of its own, for one owner or for all processes of the user."""

import gc
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from reporting.forking import linux
from reporting.forking.preloading import Preloading
from reporting.forking.server import Server

PATIENCE = 120  # seconds to import all modules, for nobody watches the owner meanwhile


def main() -> NoReturn:
    """Serve as the settings in the only argument say; of several servers, the others are forks of the first."""
    told = json.loads(sys.argv[1])
    del sys.argv[1:]
    first, *others = told["servers"]
    signal.alarm(PATIENCE)
    if others:
        Preloading(told["shared"]).load_modules()
        gc.freeze()
    mine = next((other for other in others if not os.fork()), first)
    for server in told["servers"]:
        if server is not mine:
            os.close(server["listener"])
            os.close(server["lifeline"])
    serve(mine)


def serve(settings: Mapping[str, Any]) -> NoReturn:
    """Load, and fork for those who ask."""
    listener = socket.socket(fileno=settings["listener"])
    lifeline = settings.get("lifeline")
    if lifeline is None and os.fork():
        os._exit(0)  # for all: whoever started it need not wait for it
    os.setsid()
    linux.name_process(settings["name"])
    listener.set_inheritable(False)
    if lifeline is not None:
        os.set_inheritable(lifeline, False)
        os.write(lifeline, str(os.getpid()).encode())
    server = Server(
        listener,
        Preloading(settings["preload"]),
        lifeline=lifeline,
        idle=settings.get("idle"),
        watch=lifeline is None,
    )
    signal.alarm(PATIENCE)
    server.preloading.load_modules()
    while settings.get("eager") and server.preloading.pending:
        server.preloading.warm_up()
    signal.alarm(0)
    server.serve()
    os._exit(0)
