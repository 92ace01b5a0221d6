"""Begin a forking server in a process of its own, for one owner or for all processes of the user."""

import json
import os
import signal
import socket
import sys
from typing import NoReturn

from reporting.forking import linux
from reporting.forking.preloading import Preloading
from reporting.forking.server import Server

PATIENCE = 120  # seconds to import all modules, for nobody watches the owner meanwhile


def main() -> NoReturn:
    """Serve as the settings in the only argument say."""
    settings = json.loads(sys.argv[1])
    del sys.argv[1:]
    listener = socket.socket(fileno=settings["listener"])
    lifeline = settings.get("lifeline")
    if lifeline is None and os.fork():
        os._exit(0)  # for all: whoever started it need not wait for it
    os.setsid()
    linux.name_process(settings["name"])
    listener.set_inheritable(False)
    if lifeline is not None:
        os.set_inheritable(lifeline, False)
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
