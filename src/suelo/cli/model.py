"""`suelo model`: what is inside a model file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="What is inside a model file.", no_args_is_help=True, rich_markup_mode="markdown")


@app.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="An .onnx file; the shipped one by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole contract as JSON.")] = False,
) -> None:
    """Show a model's contract: bands, ground sampling distance, thresholds, training data, measured quality.

    Examples:

      suelo model show

      suelo model show my-model.onnx --json
    """
    from rich.console import Console
    from rich.table import Table

    from suelo.landcover import CLASSES
    from suelo.model.session import load_model

    model = load_model(file)
    contract = model.contract
    if as_json:
        typer.echo(contract.model_dump_json(indent=2))
        return
    console = Console()
    console.print(f"{contract.name} {contract.version}, {contract.precision}, {contract.licence}", highlight=False)
    console.print(f"sha256 {model.sha256}", highlight=False)
    console.print(f"trained at {contract.gsd_m} m per pixel on {', '.join(contract.bands)}", highlight=False)
    metrics = contract.metrics
    console.print(f"measured on: {metrics.measured_on if metrics else 'nothing yet'}", highlight=False)
    table = Table()
    table.add_column("class")
    table.add_column("threshold", justify="right")
    table.add_column("Jaccard", justify="right")
    for land_cover, threshold in zip(CLASSES, contract.thresholds, strict=True):
        jaccard = metrics.jaccard.get(land_cover.key) if metrics else None
        table.add_row(land_cover.name, f"{threshold:.2f}", _figure(jaccard))
    table.add_row("mean", "", _figure(metrics.mean_jaccard if metrics else None), style="bold")
    console.print(table)


def _figure(value: float | None) -> str:
    return "not measurable" if value is None else f"{value:.3f}"
