"""Ask a forking server for processes, and hold them as `subprocess` holds its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reporting.forking.folders import private_folder
from reporting.forking.messages import Channel

LOST = -signal.SIGKILL  # status of a child whose server is gone: it went with it


class RefusedForkError(Exception):
    """No process was forked, and none will be on another try."""


@dataclass(frozen=True)
class Usage:
    """What a process and those it waited for took: seconds of all processors, bytes at most resident."""

    cpu: float
    peak: int


class Forked:
    """A process that a server forked. It ends when this object is closed, or its process ends.

    Attributes
    ----------
    pid
        Its number, and that of its group.
    returncode
        Exit status as `subprocess` gives it, negative for a signal; None while it runs.
    usage
        What it took, once it ended.
    lost
        The server ended first.
    """

    stdin = stdout = stderr = None  # as `subprocess.Popen` says that nothing is piped

    def __init__(self, pid: int, channel: Channel) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.usage: Usage | None = None
        self.lost = False
        self._channel = channel

    def poll(self) -> int | None:
        """Status, without waiting for it."""
        if self.returncode is None:
            self._channel.sock.setblocking(False)
            self._hear()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Status, after the process ended.

        Raises
        ------
        TimeoutError
            It still runs after `timeout` seconds.
        """
        until = None if timeout is None else time.monotonic() + timeout
        while self.returncode is None:
            if until is not None and until <= time.monotonic():
                raise TimeoutError(f"process {self.pid} still runs")
            self._channel.sock.settimeout(None if until is None else max(0.001, until - time.monotonic()))
            with suppress(TimeoutError):
                self._hear()
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal to the process and its group, if it still runs."""
        if self.poll() is None:
            try:
                os.killpg(self.pid, number)
            except OSError:
                with suppress(OSError):
                    os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask the process to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End the process and its group."""
        self.send_signal(signal.SIGKILL)

    def close(self) -> None:
        """Let go of the process: one that still runs is ended by the server."""
        self._channel.close()
        if self.returncode is None:
            self.returncode = LOST

    def _hear(self) -> None:
        for message in self._channel.messages():
            if "status" in message:
                self.returncode = message["status"]
                self.usage = Usage(message["cpu"], message["peak"])
        if self._channel.ended and self.returncode is None:
            self.lost = True
            self.returncode = LOST
        if self.returncode is not None:
            self._channel.close()


class Server:
    """A forking server of this process alone: it ends when this object is closed, or this process ends.

    Attributes
    ----------
    address
        Path of its socket, for other processes to `connect` to.
    """

    def __init__(self, life: socket.socket, folder: Path, process: "subprocess.Popen[bytes] | None") -> None:
        self.folder = folder
        self.address = str(folder / "socket")
        self._life = life  # closed by the server's end, and by this side's
        self._process = process  # None where it is a fork of another server
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """Its number.

        Raises
        ------
        ConnectionResetError
            It ended before it told.
        """
        if self._pid is None:
            self._life.settimeout(None)
            self._pid = int(self._life.recv(64) or 0)
        if not self._pid:
            raise ConnectionResetError("the forking server is gone")
        return self._pid

    @property
    def lives(self) -> bool:
        """It has not ended."""
        return self._life.fileno() >= 0 and not self._ends_within(0)

    def end(self) -> None:
        """Let the server end, and all processes that it forked, without waiting for it."""
        with suppress(OSError):
            self._life.shutdown(socket.SHUT_WR)

    def close(self, timeout: float = 5.0) -> None:
        """End the server and all processes that it forked, and leave nothing of it behind."""
        self.end()
        if self.lives and not self._ends_within(timeout):
            if self._process is not None:
                self._process.kill()
            elif self._pid:
                os.kill(self._pid, signal.SIGKILL)
        self._life.close()
        if self._process is not None:
            self._process.wait()
        for file in ("socket", "log"):
            (self.folder / file).unlink(missing_ok=True)
        with suppress(OSError):
            self.folder.rmdir()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ends_within(self, seconds: float) -> bool:
        """Whether it ends; until then it says its number, and nothing more."""
        self._life.settimeout(seconds)
        with suppress(ConnectionError):
            try:
                while said := self._life.recv(64):
                    self._pid = int(said)
            except (BlockingIOError, TimeoutError):
                return False
        return True


def start_server(
    preload: Sequence[str],
    *,
    name: str = "forking-server",
    env: Mapping[str, str] | None = None,
    eager: bool = False,
) -> Server:
    """Start a server for this process; it loads while this process goes on.

    Parameters
    ----------
    preload
        ``"module"`` to import, ``"module:function"`` to call when nobody waits, or at once if `eager`.
    name
        Its name in a list of processes.
    env
        Its environment. Children have that of whoever asks for them.
    """
    return start_servers({"preload": list(preload), "name": name, "eager": eager}, env=env)[0]


def start_servers(
    *several: Mapping[str, Any], shared: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> list[Server]:
    """Start servers that are told what `start_server` takes, the others forked from the first.

    Parameters
    ----------
    several
        For each, `preload`, `name` and `eager`.
    shared
        Modules that the first imports before it forks the others: they take time and memory once.
    env
        Their environment.
    """
    servers, settings = [], []
    with ExitStack() as ours, ExitStack() as theirs:
        for one in several:
            folder = Path(private_folder("reporting-"))
            listener = theirs.enter_context(_listen(folder / "socket"))
            life, lifeline = socket.socketpair()
            ours.callback(life.close)
            theirs.enter_context(lifeline)
            settings.append({**one, "listener": listener.fileno(), "lifeline": lifeline.fileno()})
            servers.append((life, folder))
        process = launch(settings, servers[0][1] / "log", env, shared)
        ours.pop_all()
    return [Server(life, folder, None if place else process) for place, (life, folder) in enumerate(servers)]


def launch(
    settings: Sequence[Mapping[str, Any]], log: Path, env: Mapping[str, str] | None, shared: Sequence[str] = ()
) -> "subprocess.Popen[bytes]":
    """Start the process of servers, their words kept out of the caller's."""
    said = json.dumps({"servers": settings, "shared": list(shared)})
    kept = [one[name] for one in settings for name in ("listener", "lifeline") if name in one]
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "reporting.forking", said],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            cwd="/",
            env=dict(os.environ if env is None else env),
            pass_fds=kept,
        )


def connect(address: str, timeout: float = 60.0) -> Channel:
    """Connection to a server.

    Raises
    ------
    OSError
        No server is there.
    """
    sock = socket.socket(socket.AF_UNIX)
    try:
        sock.settimeout(timeout)
        sock.connect(address)
    except BaseException:
        sock.close()
        raise
    return Channel(sock)


def fork(
    address: str,
    target: str,
    argument: Any,
    *,
    env: Mapping[str, str],
    cwd: str,
    files: Sequence[int],
    timeout: float = 60.0,
) -> Forked:
    """Have a process forked that runs a function.

    Parameters
    ----------
    address
        Socket of the server.
    target
        ``"module:function"``; it gets `argument` and the numbers of further files, and may return a status.
    argument
        Anything that JSON can say.
    env, cwd
        Environment and working folder of the process.
    files
        Its standard input, output and errors, and further files.
    timeout
        Seconds to wait for the server, which may still load.

    Raises
    ------
    RefusedForkError
        The server cannot fork for this.
    OSError
        There is no server, or it does not answer in time.
    """
    until = time.monotonic() + timeout
    channel = connect(address, timeout)
    try:
        channel.send({"target": target, "argument": argument, "env": dict(env), "cwd": os.path.abspath(cwd)}, files)
        answer = _answer(channel, until)
        if "refused" in answer:
            raise RefusedForkError(answer["refused"])
    except BaseException:
        channel.close()
        raise
    return Forked(answer["pid"], channel)


def ask(address: str, timeout: float = 60.0) -> dict[str, Any]:
    """What a server says about itself, once it has loaded."""
    until = time.monotonic() + timeout
    channel = connect(address, timeout)
    try:
        channel.send({"target": None})
        about: dict[str, Any] = _answer(channel, until)["about"]
        return about
    finally:
        channel.close()


def _answer(channel: Channel, until: float) -> Any:
    while True:
        channel.sock.settimeout(max(0.001, until - time.monotonic()))
        messages = channel.messages()
        if messages:
            channel.put_back(messages[1:])
            return messages[0]
        if channel.ended:
            raise ConnectionResetError("the forking server is gone")


def _listen(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    return listener
