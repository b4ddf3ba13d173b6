"""Commands that measure this machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanlab.cli.root import Json, app

bench = typer.Typer(help="Measure this machine.", no_args_is_help=True)
app.add_typer(bench, name="bench")


@bench.command("compiler")
def bench_compiler(
    runs: Annotated[int, typer.Option(help="Runs per figure; the median counts.")] = 7, json: Json = False
) -> None:
    """Import, list, library, edit cycle and indices at 1024x1024, beside public Python implementations."""
    from scanlab.cli.bench import run_compiler

    run_compiler(runs, json)


@bench.command("kernels")
def bench_kernels(
    quick: Annotated[bool, typer.Option("--quick", help="Two small sizes only.")] = False,
    seconds: Annotated[float, typer.Option(help="Per size and direction, shared by the implementations.")] = 20.0,
    limit: Annotated[
        Path | None, typer.Option(help="A C++ scan to compile and measure beside them: what this CPU allows.")
    ] = None,
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the times to this .png or .svg.")] = None,
    device: Annotated[
        str, typer.Option(help="cpu, or cuda for NVIDIA's and AMD's GPUs; --limit, --seconds, --plot are for cpu.")
    ] = "cpu",
) -> None:
    """The scan kernels beside their peers, row against random orders, and the limits of this machine."""
    if device != "cpu":
        from scanlab.cli.bench_gpu import run_gpu

        run_gpu(device, quick, json)
        return
    from scanlab.cli.bench import run_kernels

    run_kernels(quick, limit, seconds, json, plot)


@bench.command("models")
def bench_models(
    dim: Annotated[int, typer.Option(min=8, help="Width of the first model; the others match its parameters.")] = 192,
    depth: Annotated[int, typer.Option(min=1, help="Blocks of each model.")] = 4,
    most_tokens: Annotated[int, typer.Option(min=64, help="Patches of the largest image.")] = 4096,
    train: Annotated[bool, typer.Option("--train", help="Forward and backward, not forward alone.")] = False,
    throughput: Annotated[
        bool, typer.Option("--throughput", help="Images per second of published models at 224x224 instead.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu, or cuda for NVIDIA's and AMD's GPUs.")] = "cpu",
    batch: Annotated[int, typer.Option(min=1, help="Images at once.")] = 1,
    seconds: Annotated[float, typer.Option(help="Per number of tokens, shared by the models.")] = 10.0,
    match: Annotated[str, typer.Option(help="What all models have alike: parameters or flops.")] = "parameters",
    json: Annotated[Path | None, typer.Option(help="Write all figures to this file.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw the curves to this .png or .svg.")] = None,
) -> None:
    """Scans beside attention, convolution and no scan, matched in size: time and memory from 64 tokens up."""
    from scanlab.cli.bench_models import Options, run

    run(Options(dim, depth, most_tokens, train, device, batch, seconds, match), throughput, json, plot)
