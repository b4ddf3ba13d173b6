"""The command that writes models for other runtimes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanlab.cli.root import Json, app


@app.command()
def export(
    checkpoint: Annotated[
        Path, typer.Argument(help="A .safetensors file of ScanLab's, or with --model an official one.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The .onnx file; with several sizes, a file for each.")],
    model: Annotated[str, typer.Option(help="Which model an official checkpoint is of, as in vim_tiny.")] = "",
    classes: Annotated[int | None, typer.Option(min=1, help="With --model: its number of classes.")] = None,
    channels: Annotated[int | None, typer.Option(min=1, help="With --model: channels of its images.")] = None,
    input: Annotated[str, typer.Option("--input", help="With --model: extents it was built for, as in 224x224.")] = "",
    scan: Annotated[str, typer.Option("--scan", "-s", help="Let it follow another order, with the same weights.")] = "",
    size: Annotated[
        list[str] | None,
        typer.Option(
            "--size", help="Extents of the inputs, of lines the widest; the model's own. Again for more files."
        ),
    ] = None,
    portable: Annotated[
        bool, typer.Option("--portable", help="ONNX's standard operators, opset 27, in place of onnxruntime's own.")
    ] = False,
    plain: Annotated[
        bool, typer.Option("--plain", help="Plain operators of opset 21, for runtimes without LinearAttention.")
    ] = False,
    state: Annotated[
        bool, typer.Option("--state", help="A graph that reads frame by frame, or patch by patch: state in and out.")
    ] = False,
    latency: Annotated[int, typer.Option(min=1, help="With --state: patches along the frames read at once.")] = 1,
    check: Annotated[
        bool, typer.Option("--check", help="Run it in onnxruntime beside torch: differences and times.")
    ] = False,
    json: Json = False,
) -> None:
    """Write a model as an ONNX file, with its scan orders in it, for onnxruntime and other runtimes."""
    from scanlab.cli.evaluate import Checkpoint
    from scanlab.cli.export import Options, run

    options = Options(out, scan, tuple(size or ()), portable, plain, state, latency, check)
    run(Checkpoint(checkpoint, model, classes, channels, input), options, json)
