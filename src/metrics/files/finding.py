"""Finding: which files does a path mean, and what is inside them?

A path is a file, a glob, a folder (read through, sorted) or a list of these.
Gzip and ZIP are told by their first bytes, not by their names, and looked into
at most three deep; nothing is ever written to disk. Files whose name begins
with a dot or an underscore, and `__MACOSX`, are the system's own and left out.
"""

import glob
import gzip
import io
import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, cast

from metrics.files.refusal import EventTableError, refuse, refuse_all

MAX_DEPTH = 3
MAX_BYTES = 4 * 2**30  # unpacked; what is larger is not read in one piece
MAX_RATIO = 300  # unpacked to packed, of more than 64 MB: logs come to 10 or 50, a bomb to 1,000
SUSPICIOUS = 64 * 2**20
HEAD_BYTES = 64 * 1024
BROKEN = (EOFError, zlib.error, lzma.LZMAError, struct.error, UnicodeDecodeError, gzip.BadGzipFile, zipfile.BadZipFile)

PathLike = str | os.PathLike[str]
Opener = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class Source:
    """One unpacked file: its name as shown to people, and how to get at its bytes."""

    name: str
    open: "Opener"
    path: Path | None = None  # only for a file that lies unpacked on disk
    packed: int | None = None  # bytes of the archive that it lies in, where one is known

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """Return the first bytes, enough to tell what the file is."""
        return self._read(size)

    def read(self) -> bytes:
        """Return all bytes; a file cut short, too large, or packed beyond belief is refused."""
        if self.packed and self.packed * MAX_RATIO < MAX_BYTES:
            most = max(SUSPICIOUS, self.packed * MAX_RATIO)
            data = self._read(most + 1)
            if len(data) > most:
                raise refuse(
                    self.name, f"unpacks to more than {MAX_RATIO} times its size", "Do not trust it; export it again."
                )
            return data
        data = self._read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise _too_large(self.name)
        return data

    def _read(self, limit: int) -> bytes:
        try:
            with self.open() as stream:
                return stream.read(limit)
        except BROKEN as error:
            raise refuse(self.name, f"is cut short or damaged ({error})", "Export or copy it again.") from error
        except (RuntimeError, NotImplementedError) as error:  # zipfile: a password, a method it does not know
            raise refuse(
                self.name, f"cannot be unpacked ({error})", "Unpack it yourself and read the result."
            ) from error


def find_sources(paths: PathLike | Sequence[PathLike]) -> list[Source]:
    """List the files that `paths` means, unpacked and in a fixed order."""
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not given:
        raise EventTableError("No file was given: the list of paths is empty. Name at least one file.")
    files = [file for one in given for file in _files(one)]
    seen: set[Path] = set()
    for file in files:
        if file.resolve() in seen:
            raise refuse(str(file), "is given twice", "Name each file once, or its rows would count double.")
        seen.add(file.resolve())

    sources: list[Source] = []
    errors: list[EventTableError] = []
    for file in files:
        try:
            sources.extend(_unpack(str(file), _opener(file), depth=0, path=file))
        except EventTableError as error:
            errors.append(error)
        except OSError as error:
            errors.append(refuse(str(file), f"cannot be opened ({error.strerror})", "Check its permissions."))
    if errors:
        raise refuse_all(errors)
    return sources


def _files(path: PathLike) -> list[Path]:
    file = Path(path)
    if file.is_dir():
        inside = sorted(p for p in file.rglob("*") if p.is_file() and not _is_hidden(p.relative_to(file).parts))
        if not inside:
            raise refuse(str(file), "is a folder with no files in it", "Check the path.")
        return inside
    if file.exists():
        return [file]
    if glob.has_magic(str(path)):
        hits = sorted(Path(hit) for hit in glob.glob(str(path), recursive=True))
        hits = [hit for hit in hits if hit.is_file() and not _is_hidden((hit.name,))]
        if hits:
            return hits
        raise refuse(str(path), "matches no file", "Check the pattern.")
    folder = next(parent for parent in [*file.parents, Path()] if parent.is_dir())
    missing = file.relative_to(folder).parts[0] if file.is_relative_to(folder) else file.name
    near = get_close_matches(missing, [p.name for p in folder.iterdir()], n=1)
    advice = f"Did you mean {str(folder / near[0])!r}?" if near else "Check the path."
    raise refuse(str(path), "does not exist", advice)


def _is_hidden(parts: Sequence[str]) -> bool:
    return any(part.startswith((".", "_")) for part in parts)


def _opener(file: Path) -> Opener:
    return lambda: file.open("rb")


def _unpack(
    name: str, opener: Opener, *, depth: int, path: Path | None = None, packed: int | None = None
) -> Iterator[Source]:
    source = Source(name, opener, path, packed)
    start = source.head(4)
    is_zip, is_gzip = start in (b"PK\x03\x04", b"PK\x05\x06"), start[:2] == b"\x1f\x8b"
    if not (is_zip or is_gzip):
        yield source
        return
    if depth == MAX_DEPTH:
        raise refuse(name, f"is packed more than {MAX_DEPTH} times over", "Unpack it and read what is inside.")
    if is_gzip:
        size = path.stat().st_size if path is not None else packed
        yield from _unpack(name, lambda: _gunzip(opener), depth=depth + 1, packed=size)
        return
    try:
        with opener() as stream, zipfile.ZipFile(_seekable(stream, name)) as archive:
            for member in _members(name, archive.infolist()):
                data = archive.read(member)
                size = None if data[:2] != b"\x1f\x8b" else len(data)
                yield from _unpack(f"{name}/{member}", partial(io.BytesIO, data), depth=depth + 1, packed=size)
    except BROKEN as error:
        raise refuse(name, f"is a ZIP archive cut short or damaged ({error})", "Export or copy it again.") from error
    except (RuntimeError, NotImplementedError) as error:  # a password, a method that Python does not know
        raise refuse(name, f"cannot be unpacked ({error})", "Unpack it yourself and read the result.") from error


@contextmanager
def _gunzip(opener: Opener) -> Iterator[IO[bytes]]:
    with opener() as packed, gzip.GzipFile(fileobj=packed, mode="rb") as stream:
        yield cast(IO[bytes], stream)


def _seekable(packed: IO[bytes], name: str) -> IO[bytes]:
    """Return an archive inside an archive in memory, for its directory stands at its end."""
    if not isinstance(packed, gzip.GzipFile):
        return packed
    data = packed.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _too_large(name)
    return io.BytesIO(data)


def _members(name: str, entries: list[zipfile.ZipInfo]) -> list[str]:
    names = [entry.filename for entry in entries]
    if "[Content_Types].xml" in names:
        raise refuse(name, "is an Office document", "Save the sheet as CSV (UTF-8) and read that.")
    outside = [n for n in names if n.startswith(("/", "\\")) or ".." in PurePosixPath(n.replace("\\", "/")).parts]
    if outside:
        raise refuse(name, f"holds an entry that points outside of it ({outside[0]!r})", "Do not trust this archive.")
    if len(set(names)) < len(names):
        raise refuse(name, "holds two entries of the same name", "Unpack it and choose.")
    unpacked, packed = (sum(getattr(entry, size) for entry in entries) for size in ("file_size", "compress_size"))
    if unpacked > MAX_BYTES:
        raise _too_large(name)
    if unpacked > SUSPICIOUS and unpacked > MAX_RATIO * packed:
        raise refuse(name, f"unpacks to more than {MAX_RATIO} times its size", "Do not trust it; export it again.")
    inside = sorted(n for n in names if not n.endswith("/") and not _is_hidden(PurePosixPath(n).parts))
    if not inside:
        raise refuse(name, "is an archive with no files in it", "Export it again.")
    return inside


def _too_large(name: str) -> EventTableError:
    advice = "Unpack it, split it, and read it in parts, or convert it to Parquet."
    return refuse(name, f"unpacks to more than {MAX_BYTES / 2**30:.3g} GB", advice)
