"""The command on a trained model and a person's own input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from scanlab.cli.root import Json, app


@app.command()
def predict(
    checkpoint: Annotated[
        Path, typer.Argument(help="A .safetensors file of ScanLab's, or with --model an official one.")
    ],
    input: Annotated[
        Path, typer.Argument(help="A picture, a GeoTIFF, a NIfTI volume, a folder of them; with --stream frames.")
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="Where to write. Classes: .csv, .json. Masks: a mask, a folder. Texts: .csv, .json, a folder of .txt. "
            "Boxes: .json (COCO), .csv, .geojson, a drawing as .png, a folder of them.",
        ),
    ] = None,
    names: Annotated[str, typer.Option(help="Names of the classes, with commas, or a file with one a line.")] = "",
    size: Annotated[
        str,
        typer.Option(help="Resize to this, as in 64x64; own for none. Default: the model's, but for masks and lines."),
    ] = "",
    tile: Annotated[
        int, typer.Option(min=0, help="Predict squares (cubes) of this side one by one, instead of one pass.")
    ] = 0,
    bands: Annotated[str, typer.Option(help="Bands of a GeoTIFF, from 1, as in 4,3,2.")] = "",
    scale: Annotated[
        float | None, typer.Option(help="What values are divided by; grey and bands of more than 8 bits need it.")
    ] = None,
    score: Annotated[
        float | None, typer.Option(min=0, max=1, help="Boxes: those with a higher score count. Default: 0.05.")
    ] = None,
    beam: Annotated[
        int, typer.Option(min=1, help="Texts: the best of so many prefixes; 1 for the best alignment's text.")
    ] = 1,
    layout: Annotated[
        str, typer.Option(help="Texts: dark_ink or light_ink, where pictures leave a doubt which it is.")
    ] = "",
    unreadable: Annotated[int, typer.Option(min=0, help="So many files may be damaged: left out, and counted.")] = 0,
    stream: Annotated[bool, typer.Option("--stream", help="Read frames one by one, and carry the state on.")] = False,
    latency: Annotated[int, typer.Option(min=1, help="With --stream: so many patches along the frames at once.")] = 1,
    follow: Annotated[
        float | None, typer.Option(min=0, help="With --stream: wait so many seconds for the next frame of a folder.")
    ] = None,
    clip: Annotated[
        int | None, typer.Option(min=0, help="With --stream: which clip of an array file. Default: 0.")
    ] = None,
    model: Annotated[str, typer.Option(help="Which model an official checkpoint is of, as in vim_tiny.")] = "",
    json: Json = False,
) -> None:
    """Say what a trained model makes of pictures, GeoTIFFs, volumes, or a video while it comes in: a class, a mask, a
    text, boxes."""
    from scanlab.cli.predict import Options, run

    options = Options(out, names, size, tile, bands, scale, latency, follow, clip, model, json)
    options = replace(options, beam=beam, layout=layout, score=score, unreadable=unreadable)
    run(checkpoint, input, options, stream)
