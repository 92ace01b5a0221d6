"""Whole messages over a Unix socket, JSON with its length before it, and open files beside them."""

import array
import json
import os
import socket
import struct
from collections.abc import Sequence
from typing import Any

LENGTH = struct.Struct("!I")
LARGEST = 16 * 2**20  # bytes; an environment may be large, but not so large
FILES = 8  # at most with one message


class Channel:
    """One end of a Unix socket. `files` are the open files that came and were not taken."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.files: list[int] = []
        self.ended = False
        self._received = bytearray()
        self._unread: list[Any] = []

    def fileno(self) -> int:
        """Number of the socket, for selectors."""
        return self.sock.fileno()

    def send(self, message: Any, files: Sequence[int] = ()) -> None:
        """Send a message, and copies of open files.

        Raises
        ------
        OSError
            The other end is gone, or takes nothing.
        """
        body = json.dumps(message).encode()
        body = LENGTH.pack(len(body)) + body
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files))] if files else []
        sent = self.sock.sendmsg([body], rights)
        if sent < len(body):
            self.sock.sendall(body[sent:])

    def messages(self) -> list[Any]:
        """Messages that are complete after one read; sets `ended` when the other end is closed."""
        if self._unread:
            found, self._unread = self._unread, []
            return found
        room = socket.CMSG_SPACE(FILES * array.array("i").itemsize)
        try:
            data, ancillary, _, _ = self.sock.recvmsg(65536, room, socket.MSG_CMSG_CLOEXEC)
        except (BlockingIOError, InterruptedError):
            return []
        except TimeoutError:
            raise
        except OSError:
            self.ended = True
            return []
        for level, kind, content in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                numbers = array.array("i")
                numbers.frombytes(content[: len(content) - len(content) % numbers.itemsize])
                self.files += numbers
        self.ended = not data
        self._received += data
        found = []
        while len(self._received) >= LENGTH.size:
            (length,) = LENGTH.unpack_from(self._received)
            if length > LARGEST:
                self.ended = True  # no message of ours
                break
            if len(self._received) < LENGTH.size + length:
                break
            found.append(json.loads(self._received[LENGTH.size : LENGTH.size + length]))
            del self._received[: LENGTH.size + length]
        return found

    def put_back(self, messages: list[Any]) -> None:
        """Keep messages that came sooner than they are wanted."""
        self._unread = messages + self._unread

    def close(self) -> None:
        """Close the socket, and the files that nobody took."""
        self.ended = True
        self.sock.close()
        for number in self.files:
            os.close(number)
        self.files = []
