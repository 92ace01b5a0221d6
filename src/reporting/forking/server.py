"""The process that forks: imports once, then serves a Unix socket with one loop and no thread.

A client connects, sends one request with its standard files, and is told the child's number. The connection is the
child's life: closed by the client, the child's group gets SIGTERM and two seconds later SIGKILL. When the child ends,
what it started and left is killed, and its exit, processor time and peak memory are sent.

    {"target": "module:function", "argument": …, "env": {…}, "cwd": "/…"}  →  {"pid": 7}, …, {"status": 0, …}
                                                                           →  {"refused": "why"}
    {"target": null}                                                       →  {"about": {…}}
"""

import gc
import importlib
import os
import secrets
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NoReturn

from reporting.forking import linux
from reporting.forking.messages import Channel
from reporting.forking.preloading import Preloading

GRACE = 2.0  # seconds between SIGTERM and SIGKILL
SIGNALS = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGPIPE)


@dataclass
class Child:
    """A forked process that has not ended."""

    pid: int
    mark: str
    channel: Channel
    kill_at: float | None = None  # when SIGTERM was not enough


class Server:
    """Forks children for those who ask at `listener`.

    Parameters
    ----------
    listener
        Listening Unix socket; who may connect is decided by the folder that it lies in.
    preloading
        What is imported beforehand.
    lifeline
        A file that ends when the owner does, and the server with it.
    idle
        Seconds without a child after which the server ends by itself.
    watch
        Refuse to fork once a file of a loaded module has changed, and end with the last child.
    """

    def __init__(
        self,
        listener: socket.socket,
        preloading: Preloading,
        *,
        lifeline: int | None = None,
        idle: float | None = None,
        watch: bool = False,
    ) -> None:
        self.listener = listener
        self.preloading = preloading
        self.lifeline = lifeline
        self.idle = idle
        self.watch = watch
        self.ending = False
        self._children: dict[int, Child] = {}
        self._waiting: set[Channel] = set()  # connected, and without a child
        self._selector = selectors.DefaultSelector()
        self._wakeup, self._wake = socket.socketpair()
        self._used = time.monotonic()

    def serve(self) -> None:
        """Fork until told or left to end; the modules are loaded."""
        self._listen()
        self.preloading.settle()  # now, while nobody waits for it
        try:
            while not (self.ending and not self._children):
                if self._turn() or not self.preloading.pending:
                    continue
                self.preloading.warm_up()  # one step, only while nobody waits
                if not self.preloading.pending:
                    self.preloading.settle()
        finally:
            self._end()

    def _listen(self) -> None:
        linux.adopt_orphans()
        for end in (self.listener, self._wakeup, self._wake):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wake.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only to be woken
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._stop)
        files: list[int | socket.socket] = [self.listener, self._wakeup]
        if self.lifeline is not None:
            files.append(self.lifeline)
        for file in files:
            self._selector.register(file, selectors.EVENT_READ)

    def _stop(self, *_: Any) -> NoReturn:
        raise SystemExit(0)

    def _turn(self) -> bool:
        """Wait once and do what came; whether anything came."""
        came = False
        for key, _ in self._selector.select(self._patience()):
            came = True
            if key.fileobj is self.listener:
                self._accept()
            elif key.fileobj is self._wakeup:
                with suppress(BlockingIOError):
                    self._wakeup.recv(4096)
            elif key.fileobj == self.lifeline:
                raise SystemExit(0)
            elif isinstance(key.fileobj, Channel):
                self._hear(key.fileobj)
        self._bury()
        now = time.monotonic()
        for child in self._children.values():
            if child.kill_at is not None and child.kill_at <= now:
                child.kill_at = now + GRACE
                _signal_group(child.pid, signal.SIGKILL)
        if self._children or self._waiting:
            self._used = now
        elif self.idle is not None and now - self._used > self.idle:
            self.ending = True
        return came

    def _patience(self) -> float | None:
        if self.preloading.pending:
            return 0.0
        now = time.monotonic()
        ends = [child.kill_at for child in self._children.values() if child.kill_at is not None]
        if self.idle is not None:
            ends.append(self._used + self.idle + 0.1)
        return max(0.0, min(ends) - now) if ends else None

    def _accept(self) -> None:
        with suppress(OSError):
            sock, _ = self.listener.accept()
            sock.setblocking(False)
            channel = Channel(sock)
            self._waiting.add(channel)
            self._selector.register(channel, selectors.EVENT_READ)

    def _hear(self, channel: Channel) -> None:
        """Read a request, or that the client went away."""
        try:
            requests = channel.messages()
        except ValueError:
            requests, channel.ended = [], True
        for request in requests:
            if channel in self._waiting:
                self._answer(channel, request)
        if channel.ended:
            child = next((child for child in self._children.values() if child.channel is channel), None)
            self._drop(channel)
            if child is not None and child.kill_at is None:
                child.kill_at = time.monotonic() + GRACE
                _signal_group(child.pid, signal.SIGTERM)

    def _answer(self, channel: Channel, request: Any) -> None:
        if request.get("target") is None:
            about = {"pid": os.getpid(), "children": len(self._children), "ending": self.ending}
            self._tell(channel, {"about": about | self.preloading.about()})
            return
        refusal = self._refusal(request)
        if refusal:
            self._tell(channel, {"refused": refusal})
            return
        mark = secrets.token_hex(8)
        self.preloading.settle()
        try:
            pid = os.fork()
        except OSError as error:
            self._tell(channel, {"refused": f"no process could be forked: {error.strerror}"})
            return
        if pid == 0:
            self._become(channel, request, mark)
        for number in channel.files:
            os.close(number)
        channel.files = []
        self._waiting.discard(channel)
        self._children[pid] = Child(pid, mark, channel)
        self._tell(channel, {"pid": pid})

    def _refusal(self, request: Any) -> str | None:
        if self.watch and not self.ending:
            changed = self.preloading.changed_file()
            if changed:
                self.ending = True  # whoever asks next starts a server of the new code
                return f"stale: {changed} has changed"
        if self.ending:
            return "stale: this server is about to end"
        return self.preloading.shadowed_by(request["cwd"])

    def _become(self, channel: Channel, request: Any, mark: str) -> NoReturn:
        """In the child: leave everything of the server behind, and run the target."""
        status = 1
        try:
            server = os.getppid()
            signal.set_wakeup_fd(-1)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN if number == signal.SIGPIPE else signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            os.setsid()
            linux.die_with_parent(server)
            files, channel.files = channel.files, []
            self._forget()
            for place, file in enumerate(files[:3]):
                os.dup2(file, place)
                os.close(file)
            os.environ.clear()
            os.environ.update(request["env"], **{linux.OWNER: mark})
            time.tzset()
            os.chdir(request["cwd"])
            self.preloading.in_child()
            gc.enable()
            status = int(_function(request["target"])(request["argument"], *files[3:]) or 0)
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            _leave(status)

    def _forget(self) -> None:
        self._selector.close()
        for channel in [*self._waiting, *(child.channel for child in self._children.values())]:
            channel.close()
        for end in (self.listener, self._wakeup, self._wake):
            end.close()
        if self.lifeline is not None:
            os.close(self.lifeline)

    def _bury(self) -> None:
        """Tell of children that ended, and kill what they left running."""
        for pid in _ended():
            child = self._children.pop(pid, None)
            if child is not None:
                _signal_group(pid, signal.SIGKILL)
            _, status, usage = os.wait4(pid, 0)
            if child is None:  # an orphan that was adopted
                continue
            for orphan in linux.children(os.getpid()):
                if orphan not in self._children and linux.owner(orphan) == child.mark:
                    linux.kill_tree(orphan)
            report = {
                "status": os.waitstatus_to_exitcode(status),
                "cpu": usage.ru_utime + usage.ru_stime,
                "peak": usage.ru_maxrss * 1024,
            }
            self._tell(child.channel, report)
            self._drop(child.channel)

    def _tell(self, channel: Channel, message: Any) -> None:
        with suppress(OSError):
            channel.send(message)

    def _drop(self, channel: Channel) -> None:
        self._waiting.discard(channel)
        if channel.sock.fileno() >= 0:
            self._selector.unregister(channel)
            channel.close()

    def _end(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        self.listener.close()
        until = time.monotonic() + GRACE
        while (left := linux.children(os.getpid())) and time.monotonic() < until:
            for pid in left:  # those that they started come back as children of this process, and go next
                linux.kill_tree(pid)
                with suppress(OSError):
                    os.waitpid(pid, 0)


def _ended() -> Iterator[int]:
    """Children that ended; each must be waited for before the next is asked for."""
    while True:
        try:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return
        if ended is None:
            return
        yield ended.si_pid


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except OSError:  # it has not made its group yet
        with suppress(OSError):
            os.kill(pid, number)


def _function(target: str) -> Callable[..., int | None]:
    module, _, name = target.partition(":")
    function: Callable[..., int | None] = getattr(importlib.import_module(module), name)
    return function


def _leave(status: int) -> NoReturn:
    """End the child as the interpreter would, without taking everything apart first."""
    import atexit
    import threading

    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BaseException:
        with suppress(BaseException):
            traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(status & 0xFF)
