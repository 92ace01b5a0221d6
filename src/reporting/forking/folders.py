"""Folders for sockets: private, and short enough, for the path of a socket has room for about a hundred bytes."""

import os
import tempfile

LONGEST = 100  # bytes of a socket's path; Linux takes 107, macOS 103
NAME = 26  # of them for the socket's own name
SHORT = "/tmp"


def private_folder(prefix: str) -> str:
    """Make a folder for this user alone: where temporary files belong, or, if that path is long, in the usual place."""
    usual = tempfile.gettempdir()
    long = len(os.fsencode(usual)) + len(prefix) + 10 + NAME > LONGEST
    return tempfile.mkdtemp(prefix=prefix, dir=SHORT if long and os.path.isdir(SHORT) else usual)
