"""A page as a PDF, printed by a Chromium of this machine: tagged, with an outline, in bounded time.

The page is opened from disk. It has no script and asks for nothing, so the browser needs no network,
and none of its background services is started.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from reporting.errors import RefusedError
from reporting.pages.alone import alone

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
QUIET = (
    "--headless",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


def export(page: Path, target: Path, *, timeout: float = 60.0, browser: str | None = None) -> Path:
    """Print a page to a PDF.

    Parameters
    ----------
    page
        An HTML page of this package.
    target
        The file to write; an earlier one is replaced once the new one is whole.
    timeout
        Seconds for the browser.
    browser
        Path of a Chromium; one is looked for if it is not given.

    Returns
    -------
    Path
        `target`.

    Raises
    ------
    RefusedError
        There is no such page, no Chromium, or it did not finish.
    """
    if not page.is_file():
        raise RefusedError(f"{page}: there is no such page. Build the report first.")
    program = browser or find_browser()
    if program is None:
        raise RefusedError(
            "A PDF is printed by Chromium, and none is on the path. Install the package 'chromium' (or Chrome), "
            "or open the page in any browser and print it."
        )
    with tempfile.TemporaryDirectory(prefix="reporting-pdf-") as folder:
        printed, source = Path(folder) / "page.pdf", Path(folder) / "page.html"
        # a link to a page beside it would say in the PDF where the folder lies on this machine
        source.write_text(alone(page.read_text(encoding="utf-8"), {}), encoding="utf-8", newline="")
        command = [program, *QUIET, f"--user-data-dir={folder}/profile", "--no-pdf-header-footer"]
        command += ["--generate-pdf-document-outline", f"--print-to-pdf={printed}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            command.append("--no-sandbox")  # Chromium has no sandbox for root
        said = _run([*command, source.resolve().as_uri()], timeout, Path(folder) / "log")
        content = printed.read_bytes() if printed.is_file() else b""
    if not content.startswith(b"%PDF") or not content.rstrip().endswith(b"%%EOF"):
        raise RefusedError(f"{program} printed no PDF of {page}. It said: {said or 'nothing'}")
    part = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        part.write_bytes(content)
        os.replace(part, target)
    except OSError as error:
        raise RefusedError(f"{target} cannot be written: {error.strerror}. Choose another place.") from None
    finally:
        part.unlink(missing_ok=True)
    return target


def find_browser() -> str | None:
    """Path of a Chromium on this machine, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def _run(command: list[str], timeout: float, log: Path) -> str:
    """Last line that the browser said. Its whole group ends with it, also when time runs out."""
    with log.open("wb") as output:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
            )
        except OSError as error:
            raise RefusedError(f"{command[0]} could not be started: {error.strerror}.") from None
        try:
            process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise RefusedError(
                f"{command[0]} took longer than its {timeout:g} seconds and was ended. Give it more with --timeout."
            ) from None
        finally:
            _end(process)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1][-300:] if lines else ""


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()
