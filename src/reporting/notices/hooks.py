"""Run the hooks of a recipe, each in bounded time, and say which could not be run."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

TIMEOUT = 30.0  # seconds for one hook
GRACE = 2.0  # seconds from the request to end to the end
POLL = 0.02  # seconds between two looks whether something still runs
SAID = 300  # characters of what a hook says that are passed on


def send(
    hooks: Sequence[str] | Sequence[Sequence[str]],
    entry: Mapping[str, Any],
    *,
    folder: Path | None = None,
    timeout: float = TIMEOUT,
) -> list[str]:
    """Run hooks with an entry on their standard input.

    Parameters
    ----------
    hooks
        One argv, or several. A program with a ``/`` in its path is relative to `folder`; one without is looked for
        beside this Python first, then on the path.
    entry
        What happened: plain data, without secrets.
    folder
        Working directory of the hooks, the folder of the recipe.
    timeout
        Seconds for each.

    Returns
    -------
    list of str
        What went wrong, a sentence for each hook that failed; empty if all is well.

    Examples
    --------
    >>> send(["python", "-c", "import json, sys; json.load(sys.stdin)"], {"event": "failed"})
    []
    >>> send(["no-such-program"], {"event": "failed"})
    ["The hook 'no-such-program' was not run: there is no such program."]
    """
    argvs = [list(hooks)] if hooks and isinstance(hooks[0], str) else [list(hook) for hook in hooks]
    content = json.dumps(entry, ensure_ascii=False, default=str).encode(errors="replace")
    return [problem for argv in argvs if argv and (problem := _run(argv, content, folder or Path.cwd(), timeout))]


def _run(argv: Sequence[Any], content: bytes, folder: Path, timeout: float) -> str:
    words = [str(word) for word in argv]
    program = _program(words[0], folder)
    name = repr(words[0])
    if program is None:
        return f"The hook {name} was not run: there is no such program."
    with _file() as output:  # no pipe, for what a hook leaves running would hold it open
        try:
            process = subprocess.Popen(
                [program, *words[1:]],
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a group of its own, so that whatever it starts ends with it
            )
        except (OSError, ValueError) as error:  # the second of a word that no command can hold
            return f"The hook {name} was not run: {getattr(error, 'strerror', None) or error}."
        until = time.monotonic() + timeout
        try:
            process.communicate(content, timeout)
            while (left := _runs(process.pid)) and time.monotonic() < until:
                time.sleep(POLL)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"The hook {name} took longer than its {timeout:g} seconds and was ended."
        except BaseException:  # whoever runs it is told to end, and nobody would look at its time any more
            _end(process)
            raise
        if left:
            _end(process)
        if process.returncode == 0:
            return f"The hook {name} left something running for its {timeout:g} seconds; it was ended." if left else ""
        output.seek(max(0, output.seek(0, os.SEEK_END) - 4 * SAID))
        said = " ".join(output.read().decode(errors="replace").split())[-SAID:]
    return f"The hook {name} ended with exit code {process.returncode}{': ' if said else '.'}{said}"


def _file() -> IO[bytes]:
    """A file for what a hook says; on a disk that is full it is told all the same, and what it says is lost."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "w+b")


def _program(word: str, folder: Path) -> str | None:
    if os.sep in word:
        return shutil.which(str(folder / word))
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    return shutil.which(word, path=beside)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a hook and what it started: first asked, then not."""
    if process.stdin:
        with suppress(OSError):
            process.stdin.close()
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(OSError):
            os.killpg(process.pid, how)
        until = time.monotonic() + GRACE
        while (process.poll() is None or _runs(process.pid)) and time.monotonic() < until:
            time.sleep(POLL)


def _runs(group: int) -> bool:
    """Whether a process of a group still runs; one that has ended and that nobody waits for does not."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not Path("/proc/self/stat").exists():
        return True
    for file in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            state, _, found = file.read_text(errors="replace").rpartition(")")[2].split()[:3]
            if int(found) == group and state not in "ZX":
                return True
    return False
