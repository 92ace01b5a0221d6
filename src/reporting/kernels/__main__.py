"""Look after warm kernels: ``python -m reporting.kernels status|stop|install``."""

import sys
from pathlib import Path

import typer

from reporting.forking.client import ask
from reporting.kernels import AVAILABLE, NAME

app = typer.Typer(help="Look after the kernels that start warm.", no_args_is_help=True, add_completion=False)


@app.command()
def status() -> None:
    """Show the servers that kernels of this user are forked from."""
    from reporting.kernels.shared import shared_sockets

    sockets = shared_sockets() if AVAILABLE else []
    for path in sockets:
        about = ask(str(path), 10)
        typer.echo(f"process {about['pid']}: {about['children']} kernels, loaded {', '.join(about['modules'])}")
        for name, problem in about["problems"].items():
            typer.echo(f"  {name} could not be loaded: {problem}")
    if not sockets:
        typer.echo("No server runs. One is started with the first kernel.")


@app.command()
def stop() -> None:
    """End these servers, and the kernels that were forked from them."""
    from reporting.kernels.shared import stop_shared_servers

    typer.echo(f"{stop_shared_servers() if AVAILABLE else 0} ended.")


@app.command()
def install() -> None:
    """Let this environment's Jupyter know the kernel, where installing the package could not."""
    from jupyter_client.kernelspec import install_kernel_spec

    source = Path(__file__).parent / "kernelspec"
    typer.echo(install_kernel_spec(str(source), NAME, prefix=sys.prefix))


if __name__ == "__main__":
    app(prog_name="python -m reporting.kernels")
