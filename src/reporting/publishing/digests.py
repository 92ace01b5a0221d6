"""Digests of files, remembered for as long as a file is certainly the same."""

import glob
import hashlib
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from reporting.publishing.folder import write_whole

SETTLED = 2 * 10**9  # nanoseconds: a file that was written just now could be written again within one tick


class Digests:
    """sha256 of files. What is remembered of a file holds while its size, times and place on disk are the same.

    Parameters
    ----------
    memory
        JSON file to remember them in; without one every file is read.
    """

    def __init__(self, memory: Path | None = None) -> None:
        self.memory = memory
        self.known: dict[str, list[object]] = {}
        self.fresh: dict[str, list[object]] = {}
        self.found: dict[object, Any] = {}
        if memory is not None:
            try:
                known = json.loads(memory.read_bytes())
                self.known = known if isinstance(known, dict) else {}
            except (OSError, ValueError, RecursionError):
                pass

    def of_file(self, path: Path) -> str:
        """Digest of one file."""
        name = os.path.abspath(path)
        stat = os.stat(path)
        mark = [stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino]
        for entry in (self.fresh.get(name), self.known.get(name)):
            if isinstance(entry, list) and len(entry) == 2 and entry[0] == mark:
                self.fresh[name] = entry
                return str(entry[1])
        with open(path, "rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if max(stat.st_mtime_ns, stat.st_ctime_ns) < time.time_ns() - SETTLED:
            self.fresh[name] = [mark, digest]
        return digest

    def of(self, paths: Iterable[Path]) -> str | None:
        """Digest of the content of files, of folders all files in them, of patterns all they match; None without any.

        It depends on content and order, not on where the files lie or when they were written.
        """
        files = [file for path in paths for match in matches(path) for file in files_in(match)]
        parts = [self.of_file(file) for file in files]
        return parts[0] if len(parts) == 1 else digest_of(*parts) if parts else None

    def of_tree(self, folder: Path) -> str:
        """Digest of source files in a folder, with their names; what Python compiles from them does not count."""
        files = [file for file in files_in(folder) if "__pycache__" not in file.parts and file.suffix != ".pyc"]
        return digest_of(*[part for file in files for part in (str(file.relative_to(folder)), self.of_file(file))])

    def anew(self) -> "Digests":
        """Digests that look again at every file, and read those that changed."""
        new = Digests()
        new.known = self.known | self.fresh
        return new

    def once(self, key: object, make: Callable[[], Any]) -> Any:
        """Something that all pages of a run have in common, made for the first of them."""
        if key not in self.found:
            self.found[key] = make()
        return self.found[key]

    def save(self) -> None:
        """Remember what was used."""
        if self.memory is not None and self.fresh != self.known:
            write_whole(self.memory, json.dumps(self.fresh))


def digest_of(*parts: str) -> str:
    """Digest of some texts.

    >>> digest_of("a", "b") == digest_of("ab")
    False
    """
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def names_in(paths: Iterable[Path]) -> list[str]:
    """Names of the files that patterns match and folders hold, which whoever reads them may go by."""
    return [
        os.path.relpath(file, path.parent)
        for path in paths
        if not path.is_file()
        for match in matches(path)
        for file in files_in(match)
    ]


def matches(path: Path) -> list[Path]:
    """What stands at a path: itself, whatever signs are in its name, or else all that it matches as a pattern.

    >>> matches(Path("no/such/[place]"))
    []
    """
    if os.path.lexists(path):
        return [path]
    return [Path(match) for match in sorted(glob.glob(str(path), recursive=True))]


def files_in(path: Path) -> list[Path]:
    """A file, or all files in a folder and its folders, by name; no pipes, no links to nothing."""
    if not path.is_dir():
        return [path]
    found = [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
    return sorted(file for file in found if file.is_file())
