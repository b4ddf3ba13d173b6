"""Commands on models by name."""

from __future__ import annotations

from typing import Annotated

import typer

from scanlab.cli.root import Json, app


@app.command()
def count(
    name: Annotated[str, typer.Argument(help="A published model, as vim_tiny; a .safetensors file or folder of ours.")],
    size: Annotated[str, typer.Option(help="Of the image in pixels, as 224x224; the model's own.")] = "",
    grid: Annotated[str, typer.Option("--grid", "-g", help="In patches, in place of --size, as 14x14.")] = "",
    scan: Annotated[str, typer.Option("--scan", "-s", help="Another scan for a published model.")] = "",
    classes: Annotated[int | None, typer.Option(min=0, help="Of a published model; 1000, and 0 for no head.")] = None,
    channels: Annotated[int | None, typer.Option(min=1, help="Of its images; 3.")] = None,
    json: Json = False,
) -> None:
    """Parameters and floating-point operations of a model, by part: embedding, projections, convolution, scan, …."""
    from scanlab.cli.count import Options, run

    run(name, Options(size, grid, scan, classes, channels), json)


@app.command()
def zoo(
    name: Annotated[str, typer.Argument(help="A published model, for all that is known of it; without one, all.")] = "",
    json: Json = False,
) -> None:
    """Published models: where their official weights lie, and the accuracy that their authors give."""
    from scanlab.cli.zoo import run

    run(name, json)
