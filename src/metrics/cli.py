"""The command line: `metrics check` and `metrics load` for data, and what other packages register beside them."""

import json
import os
import re
import shlex
import sys
from ast import literal_eval
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from metrics.store.checking import Checked
    from metrics.store.writing import Writing

Answer = TypeVar("Answer")
app = typer.Typer(
    add_completion=True,
    pretty_exceptions_enable=False,
)

Exports = Annotated[list[Path], typer.Argument(help="Files, folders or archives.", show_default=False)]
Zone = Annotated[str | None, typer.Option(help="Zone of times that are written without one, such as Europe/Berlin.")]
Renames = Annotated[list[str] | None, typer.Option("--rename", help="THEIRS=OURS: what a column is called. Repeat it.")]
EventName = Annotated[str | None, typer.Option(help="Name of every row's event, for files without such a column.")]
TimeFormat = Annotated[
    str | None, typer.Option(help="How times are written, such as %d.%m.%Y, where that is in doubt.")
]
Encoding = Annotated[str | None, typer.Option(help="Encoding of text files, such as cp1252.")]
Format = Annotated[
    str | None, typer.Option("--format", help="Name of the vendor's format, where the content does not tell.")
]
Options = Annotated[
    list[str] | None,
    typer.Option("-o", "--option", metavar="NAME=VALUE", help="An option of the format, such as project_timezone=UTC."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON on stdout.")]
MaxRefused = Annotated[float, typer.Option(help="Largest share of unusable rows that is accepted.")]


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and stop.")] = False,
) -> None:
    """Numbers from event exports, each with its definition and interval."""
    if version:
        import metrics

        typer.echo(metrics.__version__)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def check(
    exports: Exports,
    timezone: Zone = None,
    rename: Renames = None,
    event_name: EventName = None,
    time_format: TimeFormat = None,
    encoding: Encoding = None,
    max_refused: MaxRefused = 0.01,
    format: Format = None,
    option: Options = None,
    as_json: AsJson = False,
) -> None:
    """Read an export and say what would be kept, what would not, and what looks odd."""
    from metrics.engine.progress import counter
    from metrics.store.checking import check_export

    options = {"event_name": event_name, "time_format": time_format, "encoding": encoding, "format": format}
    given: dict[str, Any] = {
        "timezone": timezone,
        "rename": rename,
        "max_refused": max_refused,
        **options,
        **_options(option),
    }
    with counter("rows read") as watch:
        load = _asked(lambda paths: check_export(paths, watch=watch, **given), exports)
    problems = load.problems
    if as_json:
        _say_json(
            {
                **_told(load, load.rows),
                "problems": problems.astype(object).where(problems.notna(), None).to_dict("records"),
            }
        )
        return
    typer.echo(f"Read as {load.format}.\n")
    typer.echo(load.account.to_string(index=False, na_rep=""))
    typer.echo("\n" + (problems.to_string(index=False, na_rep="") if len(problems) else "Nothing looks odd."))


@app.command()
def load(
    exports: Exports,
    to: Annotated[Path, typer.Option(help="Parquet file, or folder of a store, to write.", show_default=False)],
    append: Annotated[bool, typer.Option("--append", help="Add the days to a store that is there.")] = False,
    timezone: Zone = None,
    rename: Renames = None,
    event_name: EventName = None,
    time_format: TimeFormat = None,
    encoding: Encoding = None,
    max_refused: MaxRefused = 0.01,
    format: Format = None,
    option: Options = None,
    as_json: AsJson = False,
) -> None:
    """Read an export, write the event table as Parquet for reports to read, print the account and save it beside."""
    from metrics.engine.progress import counter
    from metrics.store.writing import write

    options = {"event_name": event_name, "time_format": time_format, "encoding": encoding, "format": format}
    given: dict[str, Any] = {
        "timezone": timezone,
        "rename": rename,
        "max_refused": max_refused,
        **options,
        **_options(option),
    }
    with counter("rows read") as watch:
        found = _asked(lambda paths: write(paths, to, append=append, watch=watch, **given), exports)
    beside = to.with_name(f"{to.name}.account.json")
    told = {**_told(found, found.rows), "written": str(to), "exports": [str(path) for path in exports]}
    beside.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    if found.rejected is not None and len(found.rejected):
        found.rejected.to_csv(to.with_name(f"{to.name}.rejected.csv"), index=False)
    if as_json:
        _say_json(told)
        return
    typer.echo(f"Read as {found.format}.\n")
    typer.echo(found.account.to_string(index=False, na_rep=""))
    typer.echo(f"\n{found.rows:,} rows written to {to}, the account to {beside.name}")


def _told(load: "Checked | Writing", rows: int) -> dict[str, Any]:
    return {"format": load.format, "account": load.account.to_dict("records"), "rows": rows}


def _say_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def _options(given: list[str] | None) -> dict[str, str]:
    """Options of a format from NAME=VALUE."""
    found = {}
    for text in given or []:
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier():
            typer.echo(f"-o {text}: this is no option. Write -o name=value.", err=True)
            raise typer.Exit(2)
        found[name] = value
    return found


def _asked(read: "Callable[[str | list[str]], Answer]", exports: list[Path]) -> "Answer":
    """What is read of the exports, or their problems on standard error and exit code 2."""
    import metrics

    paths = [str(path) for path in exports]
    try:
        return read(paths[0] if len(paths) == 1 else paths)
    except metrics.EventTableError as error:
        typer.echo(_in_options(f"{error}"), err=True)
        if len(error.problems) > 1:
            typer.echo("\n" + error.problems.to_string(index=False, na_rep=""), err=True)
    except (ValueError, OSError) as error:
        typer.echo(_in_options(f"{error}"), err=True)
    raise typer.Exit(2)


def _in_options(message: str) -> str:
    """The arguments that a message of the package advises, as they are typed here.

    >>> _in_options("Say which it is, as rename=['Kunden Nr=user_id']. Say timezone='Europe/Berlin'.")
    "Say which it is, as --rename 'Kunden Nr=user_id'. Say --timezone Europe/Berlin."
    >>> _in_options("Save it as UTF-8, or say encoding='cp1252'. Check encoding=, or say format= one of them.")
    'Save it as UTF-8, or say --encoding cp1252. Check --encoding, or say --format one of them.'
    >>> _in_options("Tell another way by time_format='%d/%m/%Y %H:%M'.")
    "Tell another way by --time-format '%d/%m/%Y %H:%M'."
    """
    message = re.sub(
        r"\brename=(\[.*?\])(?=[.\s]|$)",
        lambda found: " ".join(f"--rename {shlex.quote(pair)}" for pair in literal_eval(found[1])),
        message,
    )
    message = re.sub(r"(?<![\w-])(timezone|format|encoding)='([\w/+-]+)'", r"--\1 \2", message)
    message = re.sub(r"(?<![\w-])time_format='([^']+)'", r"--time-format '\1'", message)
    message = re.sub(r"(?<![\w-])(format|encoding)=(?=[\s,.;)])", r"--\1", message)
    message = re.sub(r"(?<![\w-])((?:account|project)_timezone)='([\w/+-]+)'", r"-o \1=\2", message)
    return re.sub(r"\braise max_refused\b", "raise --max-refused", message)


def _open_streams() -> None:
    """Give a process that was started without its three streams, as by ``2>&-``, some that lead nowhere.

    Else the next file that is opened takes their place, and what is said goes into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest number that is free, so this one
    sys.stdout = sys.stdout or os.fdopen(1, "w", closefd=False)
    sys.stderr = sys.stderr or os.fdopen(2, "w", closefd=False)


def main() -> None:
    """Run the command line with every registered command."""
    _open_streams()
    for found in entry_points(group="metrics.commands"):
        command = found.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=found.name)
        else:
            app.command(found.name)(command)
    app()


if __name__ == "__main__":
    main()
