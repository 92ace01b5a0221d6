"""Finding: which files does a path mean, and what is inside them?

A path is a file, a glob, a folder (read through, sorted) or a list of these.
Gzip, ZIP, Zstandard, LZ4, bzip2 and xz are told by their first bytes, not by
their names, and looked into at most three deep; nothing is unpacked before it
is read, or written to disk. Files whose name begins with a dot or an
underscore, and `__MACOSX`, are the system's own and left out.
"""

import bz2
import glob
import gzip
import io
import lzma
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any, cast

from metrics.files.refusal import EventTableError, printable, refuse, refuse_all

if TYPE_CHECKING:
    from metrics.files.told import Told

MAX_DEPTH = 3
MAX_BYTES = 4 * 2**30  # unpacked; what is larger is not read in one piece
MAX_RATIO = 300  # unpacked to packed, of more than 64 MB: logs come to 10 or 50, a bomb to 1,000
ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")
SUSPICIOUS = 64 * 2**20
PACKED = {  # how packed files begin, and what their names end in
    b"\x1f\x8b": ".gz", b"\x28\xb5\x2f\xfd": ".zst", b"\x04\x22\x4d\x18": ".lz4", b"BZh": ".bz2",
    b"\xfd7zXZ\0": ".xz",
}  # fmt: skip
HEAD_BYTES = 64 * 1024
CHUNK = 1 << 17
PIECE = 64 * 2**20  # bytes asked for at a time
BROKEN = (EOFError, zlib.error, lzma.LZMAError, struct.error, UnicodeDecodeError, gzip.BadGzipFile, zipfile.BadZipFile)

PathLike = str | os.PathLike[str]
Opener = Callable[[], AbstractContextManager[IO[bytes]]]


@dataclass(frozen=True)
class Source:
    """One unpacked file, or a piece of one: its name as shown to people, and how to get at its bytes."""

    name: str
    open: "Opener"
    path: Path | None = None  # only for a file that lies unpacked on disk
    packed: int | None = None  # bytes of the archive that it lies in, where one is known
    skipped: int = 0  # lines of the file before this piece
    lines: int | None = None  # in this piece, where they were counted
    is_part: bool = False  # a piece of a larger file
    told: "Told | None" = None  # what other pieces of the same load have told
    table: Any = None  # rows of a piece that is Parquet

    def head(self, size: int = HEAD_BYTES) -> bytes:
        """Return the first bytes, enough to tell what the file is."""
        with self.stream() as stream:
            return stream.read(size)

    def read(self) -> bytes:
        """Return all bytes; a file cut short, too large, or packed beyond belief is refused."""
        with self.stream() as stream:
            data = stream.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise _too_large(self.name)
        return data

    @contextmanager
    def stream(self) -> Iterator["Stream"]:
        """The bytes to be read one stretch after the other."""
        try:
            with self.open() as opened:
                yield Stream(self, opened)
        except BROKEN as error:
            raise refuse(self.name, f"is cut short or damaged ({error})", "Export or copy it again.") from error
        except (RuntimeError, NotImplementedError) as error:  # zipfile: a password, a method it does not know
            raise refuse(
                self.name, f"cannot be unpacked ({error})", "Unpack it yourself and read the result."
            ) from error
        except OSError as error:
            if error.errno is None:  # of what unpacks, not of the system
                raise refuse(self.name, f"is cut short or damaged ({error})", "Export or copy it again.") from error
            raise _cannot_open(self.name, error) from error


class Stream:
    """The bytes of a source; one that is packed beyond belief is refused as soon as that shows."""

    def __init__(self, source: Source, opened: IO[bytes]) -> None:
        self.source, self.opened, self.taken = source, opened, 0
        self.most = None if source.packed is None else max(SUSPICIOUS, source.packed * MAX_RATIO)

    def read(self, size: int) -> bytes:
        """So many bytes, fewer at the end."""
        left = size if self.most is None else min(size, self.most + 1 - self.taken)
        data = _read_up_to(left, self.opened)
        self.taken += len(data)
        if self.most is not None and self.taken > self.most:
            raise refuse(
                self.source.name, f"unpacks to more than {MAX_RATIO} times its size",
                "Do not trust it; export it again.",
            )  # fmt: skip
        return data


def _read_up_to(size: int, opened: IO[bytes]) -> bytes:
    """Read in pieces, for a file sets aside as much memory as it is asked for, be it ever so small itself."""
    parts = []
    while size > 0 and (part := opened.read(min(size, PIECE))):
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def files_of(paths: PathLike | Sequence[PathLike]) -> list[Path]:
    """List the files that `paths` means, as they lie on disk, in a fixed order."""
    given = [paths] if isinstance(paths, (str, os.PathLike)) else list(paths)
    if not given:
        raise EventTableError("No file was given: the list of paths is empty. Name at least one file.")
    return [file for one in given for file in _listed(one)]


def find_sources(paths: PathLike | Sequence[PathLike]) -> list[Source]:
    """List the files that `paths` means, unpacked and in a fixed order."""
    files = files_of(paths)
    seen: set[Path] = set()
    folders: dict[Path, Path] = {}
    for file in files:
        if file.parent not in folders:
            folders[file.parent] = file.parent.resolve()
        place = file.resolve() if file.is_symlink() else folders[file.parent] / file.name
        if place in seen:
            raise refuse(str(file), "is given twice", "Name each file once, or its rows would count double.")
        seen.add(place)

    sources: list[Source] = []
    errors: list[EventTableError] = []
    for file in files:
        try:
            sources.extend(_unpack(str(file), _opener(file), depth=0, path=file))
        except EventTableError as error:
            errors.append(error)
        except OSError as error:
            errors.append(_cannot_open(str(file), error))
    if errors:
        raise refuse_all(errors)
    return sources


def stem_of(name: str) -> str:
    """The name of a file without its folder and without what it ends in, packed or not.

    >>> stem_of("exports/june.jsonl.zst")
    'june'
    """
    path = PurePosixPath(name)
    while path.suffix in PACKED.values():
        path = path.with_suffix("")
    return path.stem


def _cannot_open(name: str, error: OSError) -> EventTableError:
    advice = "Did it move meanwhile?" if isinstance(error, FileNotFoundError) else "Check its permissions."
    return refuse(name, f"cannot be opened ({error.strerror})", advice)


def _listed(path: PathLike) -> list[Path]:
    try:
        return _files(path)
    except OSError as error:  # a folder that may not be looked into, a name that is too long
        raise _cannot_open(str(error.filename or path), error) from error


def _inside(folder: Path) -> Iterator[Path]:
    """All files in a folder and in those within it; one that may not be looked into is an error, not an empty one."""

    def stop(error: OSError) -> None:
        raise error

    for parent, _, names in os.walk(folder, onerror=stop):
        yield from (file for name in names if (file := Path(parent, name)).is_file())


def _files(path: PathLike) -> list[Path]:
    if not os.fspath(path):
        raise EventTableError("No file was given: the path is empty. Name a file or a folder.")
    file = Path(path)
    if file.is_dir():
        inside = sorted(p for p in _inside(file) if not _is_hidden(p.relative_to(file).parts))
        if not inside:
            raise refuse(str(file), "is a folder with no files in it", "Check the path.")
        return inside
    if file.exists():
        if not file.is_file():  # a pipe never ends, and cannot be read twice
            raise refuse(str(path), "is neither a file nor a folder", "Write what it gives to a file, and read that.")
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
    start = source.head(6)
    is_zip = start[:4] in (b"PK\x03\x04", b"PK\x05\x06")
    suffix = next((suffix for mark, suffix in PACKED.items() if start.startswith(mark)), None)
    if not is_zip and suffix is None:
        yield source
        return
    if depth == MAX_DEPTH:
        raise refuse(name, f"is packed more than {MAX_DEPTH} times over", "Unpack it and read what is inside.")
    if suffix is not None:
        size = path.stat().st_size if path is not None else packed
        yield from _unpack(name, lambda: _unpacked(opener, suffix), depth=depth + 1, packed=size)
        return
    try:
        archive = zipfile.ZipFile(path) if path is not None else zipfile.ZipFile(io.BytesIO(source.read()))
        for member in _members(name, archive.infolist()):
            size = archive.getinfo(member).file_size
            yield from _unpack(
                f"{name}/{printable(member)}", partial(archive.open, member), depth=depth + 1, packed=size
            )
    except BROKEN as error:
        raise refuse(name, f"is a ZIP archive cut short or damaged ({error})", "Export or copy it again.") from error
    except (RuntimeError, NotImplementedError) as error:  # a password, a method that Python does not know
        raise refuse(name, f"cannot be unpacked ({error})", "Unpack it yourself and read the result.") from error


@contextmanager
def _unpacked(opener: Opener, suffix: str) -> Iterator[IO[bytes]]:
    with opener() as packed:
        yield cast(IO[bytes], _unpacker(packed, suffix))


def _unpacker(packed: IO[bytes], suffix: str) -> Any:
    if suffix == ".gz":
        return _Gunzip(packed)
    if suffix in (".bz2", ".xz"):
        return (bz2.BZ2File if suffix == ".bz2" else lzma.LZMAFile)(packed)
    import pyarrow as pa

    return pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), {".zst": "zstd", ".lz4": "lz4"}[suffix])


class _Gunzip(io.RawIOBase):
    """What a gzip file holds; twice as fast as the standard library's, which is made for small reads."""

    def __init__(self, packed: IO[bytes]) -> None:
        self.packed, self.left, self.unpacker = packed, b"", zlib.decompressobj(wbits=31)

    def readable(self) -> bool:
        """It is."""
        return True

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer at the end; all without a size."""
        found: list[bytes] = []
        while size:
            self.left = self.left or self.packed.read(CHUNK)
            is_end = not self.left
            if self.unpacker.eof:
                self.left = self.left.lstrip(b"\0")  # which some pad the end with
                if is_end:
                    break
                if self.left:
                    self.unpacker = zlib.decompressobj(wbits=31)  # another member follows
                continue
            data = self.unpacker.decompress(self.left, max(size, 0))
            if is_end and not data and not self.unpacker.eof:
                raise EOFError("it ends before its end marker")
            self.left = self.unpacker.unused_data or self.unpacker.unconsumed_tail
            size -= len(data) if size > 0 else 0
            found.append(data)
        return b"".join(found)


def _members(name: str, entries: list[zipfile.ZipInfo]) -> list[str]:
    names = [entry.filename for entry in entries]
    if "[Content_Types].xml" in names:
        raise refuse(name, "is an Office document", "Save the sheet as CSV (UTF-8) and read that.")
    outside = [n for n in names if ABSOLUTE.match(n) or ".." in PurePosixPath(n.replace("\\", "/")).parts]
    links = [entry.filename for entry in entries if stat.S_ISLNK(entry.external_attr >> 16)]
    if links:
        raise refuse(name, f"holds a link ({links[0]!r})", "Put the file itself into the archive.")
    if outside:
        raise refuse(name, f"holds an entry that points outside of it ({outside[0]!r})", "Do not trust this archive.")
    if len(set(names)) < len(names):
        raise refuse(name, "holds two entries of the same name", "Unpack it and choose.")
    unpacked, packed = (sum(getattr(entry, size) for entry in entries) for size in ("file_size", "compress_size"))
    if unpacked > SUSPICIOUS and unpacked > MAX_RATIO * packed:
        raise refuse(name, f"unpacks to more than {MAX_RATIO} times its size", "Do not trust it; export it again.")
    inside = sorted(n for n in names if not n.endswith("/") and not _is_hidden(PurePosixPath(n).parts))
    if not inside:
        raise refuse(name, "is an archive with no files in it", "Export it again.")
    return inside


def _too_large(name: str) -> EventTableError:
    advice = "Unpack it, split it, and read it in parts, or convert it to Parquet."
    return refuse(name, f"unpacks to more than {MAX_BYTES / 2**30:.3g} GB", advice)
