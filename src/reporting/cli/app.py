"""What all verbs share: their options, how they answer, how they refuse."""

import json
import os
import signal
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Annotated, Any, TextIO

import typer

from reporting.errors import LockedError, RefusedError
from reporting.recipe.file import Recipe, read_recipe

REFUSED, SOME_FAILED, ALL_FAILED, LOCKED, INTERRUPTED, TERMINATED = 2, 3, 4, 75, 130, 143

RecipeFile = Annotated[Path, typer.Option("--recipe", help="TOML file that says what is built.")]
OutFolder = Annotated[
    Path | None, typer.Option("--out", help="Folder for pages and their index, in place of the recipe's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON on stdout.")]
Names = Annotated[list[str] | None, typer.Argument(help="Reports, or single pages of one; all of the recipe if none.")]
AsOf = Annotated[str | None, typer.Option(help="First moment not observed, such as 2026-07-01 or today.")]
Params = Annotated[
    list[str] | None,
    typer.Option(
        "-p",
        "--param",
        metavar="NAME=VALUE",
        help="Set a parameter. A NAME that ends in _file takes a path relative to your folder.",
    ),
]
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="[PARAMETER=]FILE",
        help="Your own export, in place of all of the recipe's data. A second table needs its parameter's name. "
        "Paths are relative to your folder.",
    ),
]

report = typer.Typer(name="report", help="Build HTML reports from notebooks.", no_args_is_help=True)


NOTHING = "Nothing of this run was published."  # if whoever was interrupted does not know better


class Terminated(BaseException):
    """The process was asked to end."""


@contextmanager
def answered() -> Iterator[None]:
    """Say in one line and by the exit code what went wrong: refused, locked, or interrupted."""
    try:
        with _ending_well():
            yield
    except RefusedError as error:
        complain(str(error))
        raise typer.Exit(REFUSED) from None
    except LockedError as error:
        complain(str(error))
        raise typer.Exit(LOCKED) from None
    except BrokenPipeError:
        raise  # whoever reads the answer has seen enough
    except OSError as error:
        where = near(Path(error.filename)) if isinstance(error.filename, str) else "A file"
        complain(f"{where} cannot be read or written: {error.strerror or error}. Is it yours, and is there room?")
        raise typer.Exit(REFUSED) from None
    except KeyboardInterrupt as end:
        complain(f"Interrupted. {str(end) or NOTHING}")
        raise typer.Exit(INTERRUPTED) from None
    except Terminated as end:
        complain(f"Terminated. {str(end) or NOTHING}")
        raise typer.Exit(TERMINATED) from None


@contextmanager
def saying(what: str) -> Iterator[None]:
    """Say what was done. Where it cannot be written, that is told, and the exit code is that of what was done."""
    try:
        yield
    except BrokenPipeError:
        sys.stdout = _nowhere()  # whoever reads has seen enough
    except OSError as error:
        sys.stdout = _nowhere()  # what it still holds, the interpreter would try again, and end with a code of its own
        complain(
            f"{what} cannot be written: {error.strerror or error}. What was done stands, and the exit code tells it."
        )


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")


@contextmanager
def _ending_well() -> Iterator[None]:
    """Let SIGTERM, and a terminal that is closed, end the run as Ctrl-C does: nothing runs on, and no half is left."""

    def end(number: int, frame: FrameType | None) -> None:
        raise Terminated

    before = {}
    try:
        for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):
            if signal.getsignal(number) != signal.SIG_IGN:  # as under nohup
                before[number] = signal.signal(number, end)
    except ValueError:  # not in the main thread: then somebody else answers signals
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def opened(path: Path, out: Path | None = None) -> Recipe:
    """A recipe, read and checked, for a verb that can do without: a notebook that is not there is said, no more."""
    recipe = read_recipe(path, out)
    say_absent(recipe)
    return recipe


def say_absent(recipe: Recipe, but: Collection[str] = ()) -> None:
    """Say which reports have no notebook, a line each, but for those of which it is told elsewhere."""
    for name, problem in recipe.absences().items():
        if name not in but:
            complain(problem)


def assignments(params: list[str] | None, as_of: str | None) -> dict[str, str]:
    """Parameters of the command line by name.

    Raises
    ------
    RefusedError
        One is no assignment, or is given twice.
    """
    values: dict[str, str] = {} if as_of is None else {"as_of": as_of}
    for text in params or []:
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier():
            raise RefusedError(f"-p {name}: this is no assignment. Write -p name=value.")
        if name in values:
            raise RefusedError(f"{name} is given twice. Keep one of them.")
        values[name] = value
    return values


def say_json(value: Any) -> None:
    """Answer a program."""
    typer.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def say_table(heads: list[str], rows: list[list[str]]) -> None:
    """Answer a person, in columns."""
    widths = [max(len(row[i]) for row in [heads, *rows]) for i in range(len(heads))]
    for row in [heads, *rows]:
        typer.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def complain(message: str) -> None:
    """Say on stderr what went wrong; where nobody can be told, what is done goes on, and its exit code tells."""
    try:
        typer.echo(message, err=True)
    except OSError:
        sys.stderr = _nowhere()


def sentence(text: str) -> str:
    """Text with an end."""
    return text if text.endswith((".", "?", "!")) else f"{text}."


def near(path: Path) -> str:
    """Path as the user would type it."""
    short = os.path.relpath(path)
    return str(path) if short.startswith("..") else short


def counted(number: int, noun: str) -> str:
    """Number with its noun.

    >>> counted(1, "report"), counted(2, "report")
    ('1 report', '2 reports')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
