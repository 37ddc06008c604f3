"""The `suelo` command: its subcommands, and the one place that turns errors into messages and exit codes."""

from __future__ import annotations

import sys
import warnings
from typing import Annotated

import typer

from suelo.cli import benchmark, evaluate, model, quantise, segment, serve, simulate, training, user, worker
from suelo.errors import SueloError

app = typer.Typer(
    name="suelo",
    help="Land cover from WorldView-3 8-band satellite images: ten classes as probabilities, polygons and areas.",
    epilog="Start with:  suelo simulate scene.tif --size 512   then   suelo segment scene.tif -o results",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("segment", no_args_is_help=True)(segment.segment)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("simulate", no_args_is_help=True)(simulate.simulate)
app.command("train")(training.train)
app.command("evaluate")(evaluate.evaluate)
app.command("quantise", no_args_is_help=True)(quantise.quantise)
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(model.app, name="model")
app.add_typer(user.app, name="user")


def _print_version(wanted: bool) -> None:
    if wanted:
        from suelo import __version__

        typer.echo(f"suelo {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Land cover from WorldView-3 8-band satellite images: ten classes as probabilities, polygons and areas."""


def main() -> None:
    """Run the command line; errors become one sentence on standard error and an exit code.

    Exit codes: 0 all done, 1 something broke, 2 the input cannot be used, 130 interrupted.
    """
    # An image without georeference is as welcome as any; GDAL's warning would only unsettle.
    warnings.filterwarnings("ignore", message="Dataset has no geotransform")
    try:
        app()
    except SueloError as error:
        typer.secho(f"Error: {error}", fg="red", err=True)
        sys.exit(error.exit_code)
