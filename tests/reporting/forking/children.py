"""What the forked children of the tests do. Loaded by a server of their own."""

import atexit
import os
import signal
import subprocess
import sys
import time
from pathlib import Path


def report(folder):
    """Write where and as what this process runs."""
    lines = [os.getcwd(), os.environ.get("GREETING", ""), os.environ.get("HOME", "no home"), str(os.getsid(0))]
    print("to stdout")
    print("to stderr", file=sys.stderr)
    Path(folder, "report").write_text("\n".join(lines))


def leave(status):
    """Exit as told."""
    atexit.register(lambda: print("said goodbye"))
    sys.exit(status)


def sleep(file):
    """Say which process this is, and sleep."""
    Path(file).write_text(str(os.getpid()))
    time.sleep(60)


def refuse_to_end(file):
    """Sleep, whatever is asked."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sleep(file)


def leave_a_daemon(file):
    """End, and leave a process of another session running."""
    sleeping = [sys.executable, "-c", f"import children; children.refuse_to_end({file!r})"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    subprocess.Popen(sleeping, start_new_session=True, env=env)
    while not Path(file).exists() or not Path(file).read_text():
        time.sleep(0.01)


def draw(file):
    """Write a random number of each generator."""
    import random

    import numpy as np

    Path(file).write_text(f"{random.random()} {np.random.random()}")  # noqa: NPY002  # the generator that forked processes would share


def write_to(number, file):
    """Write into a file that was handed over."""
    os.write(file, f"number {number}".encode())


def kill_the_server(_):
    """End the process that forked this one."""
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
