"""`suelo model`: what is inside a model file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from string import ascii_uppercase
from typing import Annotated

import typer

_MEAN = "mean"

app = typer.Typer(help="What is inside a model file.", no_args_is_help=True, rich_markup_mode="markdown")


@app.command()
def show(
    file: Annotated[
        Path | None, typer.Argument(help="An .onnx file, or int8 or flips; the shipped one by default.")
    ] = None,
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
    licence = contract.licence or "licence not stated"
    console.print(f"{contract.name} {contract.version}, {contract.precision}, {licence}", highlight=False)
    console.print(f"sha256 {model.sha256}", highlight=False)
    console.print(f"trained at {contract.gsd_m} m per pixel on {', '.join(contract.bands)}", highlight=False)
    if contract.metrics is None:
        console.print("measured on: nothing yet", highlight=False)
    places = (contract.metrics, *contract.metrics_elsewhere) if contract.metrics else ()
    for letter, place in zip(ascii_uppercase, places, strict=False):
        console.print(f"measured on {letter}: {place.measured_on}", highlight=False)
    table = Table(title="Jaccard index" if places else None)
    table.add_column("class", no_wrap=True)
    columns = ["threshold"]
    figures: list[Callable[[str], str]] = []
    for letter, place in zip(ascii_uppercase, places, strict=False):
        columns.append(letter)
        figures.append(_of_class(place.jaccard, place.mean_jaccard))
        if place.polygon_jaccard:
            columns.append(f"{letter}, polygons")
            figures.append(_of_class(place.polygon_jaccard, place.mean_polygon_jaccard))
    for column in columns:
        table.add_column(column, justify="right")
    for land_cover, threshold in zip(CLASSES, contract.thresholds, strict=True):
        table.add_row(land_cover.name, f"{threshold:g}", *(figure(land_cover.key) for figure in figures))
    table.add_row("mean", "", *(figure(_MEAN) for figure in figures), style="bold")
    console.print(table)


def _of_class(values: Mapping[str, float | None], mean: float | None) -> Callable[[str], str]:
    """What a table shows of a class, given its key, or of the mean."""
    shown = {**values, _MEAN: mean}

    def figure(key: str) -> str:
        value = shown.get(key)
        return f"{value:.3f}" if value is not None else "not measurable" if key in shown else ""

    return figure
