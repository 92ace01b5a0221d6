"""The command line: `metrics check` and `metrics load` for data, and what other packages register beside them."""

from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Numbers from event exports, each with its definition and interval.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)

Exports = Annotated[list[Path], typer.Argument(help="Files, folders or archives.", show_default=False)]
Zone = Annotated[str | None, typer.Option(help="Zone of times that are written without one, such as Europe/Berlin.")]


@app.command()
def check(exports: Exports, timezone: Zone = None) -> None:
    """Read an export and say what would be kept, what would not, and what looks odd."""
    import metrics

    load = _load(exports, timezone)
    typer.echo(load.account.to_string(index=False, na_rep=""))
    problems = metrics.check_events(load.events)
    typer.echo("\n" + (problems.to_string(index=False, na_rep="") if len(problems) else "Nothing looks odd."))


@app.command()
def load(
    exports: Exports,
    to: Annotated[Path, typer.Option(help="Parquet file to write.", show_default=False)],
    timezone: Zone = None,
) -> None:
    """Read an export, write the event table as Parquet, and print the account."""
    found = _load(exports, timezone)
    partial = to.with_name(f".{to.name}.partial")
    found.events.to_parquet(partial, index=False)
    partial.replace(to)
    typer.echo(found.account.to_string(index=False, na_rep=""))
    typer.echo(f"\n{len(found.events):,} rows written to {to}")


def _load(exports: list[Path], timezone: str | None) -> "metrics.EventLoad":  # type: ignore[name-defined]  # noqa: F821
    """The export, or its problems on standard error and exit code 2."""
    import metrics

    try:
        return metrics.load_events([str(path) for path in exports], timezone=timezone)
    except metrics.EventTableError as error:
        typer.echo(f"{error}", err=True)
        if len(error.problems):
            typer.echo("\n" + error.problems.to_string(index=False, na_rep=""), err=True)
    except (ValueError, OSError) as error:
        typer.echo(f"{error}", err=True)
    raise typer.Exit(2)


def main() -> None:
    """Run the command line with every registered command."""
    for found in entry_points(group="metrics.commands"):
        command = found.load()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=found.name)
        else:
            app.command(found.name)(command)
    app()


if __name__ == "__main__":
    main()
