"""Where a page comes from: the commit of its notebook, the digest of its data."""

import glob
import hashlib
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path


def commit(folder: Path) -> str | None:
    """Commit that `folder` stands at, with ``-dirty`` if files differ from it; None without git."""
    git = shutil.which("git")
    if git is None:
        return None
    describe = [git, "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*"]
    answer = subprocess.run(describe, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or None if answer.returncode == 0 else None


def digest(paths: Iterable[Path]) -> str | None:
    """sha256 of the content of files, of folders all files in them; None if there is none.

    It depends on content and order, not on where the files lie or when they were written.
    """
    files = [file for path in paths for match in sorted(glob.glob(str(path))) for file in _files(Path(match))]
    if not files:
        return None
    parts = [_sha256(file) for file in files]
    return parts[0] if len(parts) == 1 else hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _files(path: Path) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
