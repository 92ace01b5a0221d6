"""Kept: what was read from files, for whoever asks for the same of the same files again.

Reports of one run mostly read the same exports. Where the variable `METRICS_KEEP` names a folder, as `metrics report
run` sets it for its kernels, the first one leaves the table that it made there, and the others map that into memory,
whose pages they share until they write to them. Nothing else differs: a file that has changed since, or is so young
that a change might not show, is read. The folder must be the user's alone, for what is unpickled is trusted.
"""

import hashlib
import mmap
import os
import pickle
import shutil
import struct
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from metrics.files.finding import PathLike, files_of
from metrics.files.refusal import EventTableError

T = TypeVar("T")
FOLDER = "METRICS_KEEP"
YOUNG = 2.0  # seconds for which a file system may give a changed file the same time
LARGEST = 2 * 2**30  # bytes of a table that is kept
EDGE = 64  # bytes; arrays begin at multiples of it
PLAIN = (str, int, float, bool, type(None))


def kept(reader: str, path: PathLike | Sequence[PathLike], asked: Mapping[str, Any], read: Callable[[], T]) -> T:
    """What `read` gives, or what it gave to another for the same request.

    Parameters
    ----------
    reader
        Name of what reads.
    path, asked
        What it reads, and all its other arguments; none of them tells None or an empty list from its absence.
    read
        Reads.
    """
    folder = os.environ.get(FOLDER)
    before = _request(reader, path, asked) if folder else None
    if folder is None or before is None:
        return read()
    file = Path(folder) / before
    with suppress(OSError, ValueError, EOFError, pickle.UnpicklingError, struct.error):
        found: T = _load(file)
        return found
    table = read()
    if before == _request(reader, path, asked):  # nothing was written meanwhile
        _keep(file, table)
    return table


def _request(reader: str, path: PathLike | Sequence[PathLike], asked: Mapping[str, Any]) -> str | None:
    """Name for what is asked of files as they are now; None where it cannot be told apart from another."""
    said = {name: value for name, value in asked.items() if not _is_nothing(value)}
    if not _is_plain(said):
        return None
    try:
        files = files_of(path)
        found = [(str(file), file.stat()) for file in files]
    except (EventTableError, OSError):  # which reading will tell better
        return None
    if any(abs(time.time() - state.st_mtime) < YOUNG for _, state in found):
        return None
    states = [(name, s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in found]
    paths = [os.fspath(one) for one in ([path] if isinstance(path, (str, os.PathLike)) else path)]
    version = getattr(sys.modules.get("metrics"), "__version__", "")
    words = (version, reader, paths, sorted(said.items()), states)
    return hashlib.sha256(repr(words).encode(errors="surrogatepass")).hexdigest()


def _is_nothing(value: Any) -> bool:
    """Whether it is the same, said or left out."""
    return value is None or (type(value) in (list, tuple, dict) and not value)


def _is_plain(value: Any) -> bool:
    """Whether `repr` says all of a value."""
    if type(value) in (list, tuple):
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(_is_plain(part) for item in value.items() for part in item)
    return type(value) in PLAIN


def _keep(file: Path, table: object) -> None:
    """Leave a table to others, whole or not at all; where there is no room, there is none."""
    arrays: list[pickle.PickleBuffer] = []
    head = pickle.dumps(table, protocol=5, buffer_callback=arrays.append)
    parts = [memoryview(head), *(array.raw() for array in arrays)]
    sizes = [part.nbytes for part in parts]
    part_file = file.with_name(f"{file.name}.{os.getpid()}")
    with suppress(OSError):
        if sum(sizes) > min(LARGEST, shutil.disk_usage(file.parent).free // 4):
            return
        try:
            with part_file.open("xb") as out:
                out.write(struct.pack(f"<{len(sizes) + 1}Q", len(sizes), *sizes))
                for part in parts:
                    out.write(b"\0" * (-out.tell() % EDGE))
                    out.write(part)
            part_file.replace(file)
        finally:
            part_file.unlink(missing_ok=True)


def _load(file: Path) -> Any:
    """What was kept; writing to it changes a copy of the page."""
    with file.open("rb") as opened:
        content = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY))
    (number,) = struct.unpack_from("<Q", content)
    sizes = struct.unpack_from(f"<{number}Q", content, 8)
    at = 8 * (number + 1)
    parts = []
    for size in sizes:
        at += -at % EDGE
        parts.append(content[at : at + size])
        at += size
    if at != len(content):
        raise ValueError(f"{file} is cut short")
    return pickle.loads(parts[0], buffers=parts[1:])
