"""Commands on orders: their text, proof, pictures, kernels."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from scanlab.cli.root import Grid, Json, MaybeGrid, Names, app, complete


@app.command("list")
def list_(
    pattern: Annotated[str, typer.Argument(help="Part of a name, a file, or of the documentation; * and ? work.")] = "",
    json: Json = False,
) -> None:
    """The strategy library: names, axes, index form, proof and documentation."""
    from scanlab.cli.list_library import print_list

    print_list(pattern, json)


@app.command()
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Files with definitions, or - for standard input; without any, the library."),
    ] = None,
    grid: MaybeGrid = None,
    json: Json = False,
) -> None:
    """Parse files and prove every definition in them; exit 1 if anything is wrong."""
    from scanlab.cli.check import run

    raise typer.Exit(run(files or [], grid, json))


@app.command()
def show(
    names: Names,
    grid: Grid = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write .svg, .png, .gif, .mp4 or .html instead.")
    ] = None,
    numbers: Annotated[bool | None, typer.Option("--numbers/--lines", help="Show step numbers, or lines.")] = None,
) -> None:
    """Draw paths in the terminal, or into a picture or an interactive page."""
    from scanlab.cli.show import run

    run(names, grid, out, numbers)


@app.command()
def compile(
    name: Annotated[str, typer.Argument(help="A library name, FILE.scan:NAME, or a line.", autocompletion=complete)],
    grid: Grid = "",
    emit: Annotated[
        str,
        typer.Option(
            "--emit",
            "-e",
            help="ast, expanded, keys, isl, proof, loops, indices, ranks, expr; triton, cpu; ptx, sass or amdgcn.",
        ),
    ] = "indices",
    target: Annotated[str, typer.Option(help="Compile kernels for sm_80, sm_90 or gfx942; no GPU is needed.")] = "",
    states: Annotated[int, typer.Option(min=1, max=256, help="State size of the compiled kernels.")] = 16,
    dtype: Annotated[
        str, typer.Option(help="Activations of the compiled kernels: float32, bfloat16 or float16.")
    ] = "bfloat16",
    kernel: Annotated[str, typer.Option(help="Print only kernels whose name contains this.")] = "",
    link: Annotated[
        bool, typer.Option("--link", help="With --emit triton: a link to Compiler Explorer, which holds the code.")
    ] = False,
    json: Json = False,
) -> None:
    """Print any stage of the pipeline for one strategy."""
    from scanlab.cli.compiled import Compilation
    from scanlab.cli.stages import run

    run(name, grid, emit, json, Compilation(target, states, dtype, kernel, link))


@app.command()
def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Remove everything in it.")] = False, json: Json = False
) -> None:
    """Where generated path functions are kept, and how many there are."""
    from scanlab.cli.cache import run

    run(clear, json)


@app.command()
def doctor(
    backend: Annotated[
        list[str] | None,
        typer.Option("--backend", "-b", help="Check triton, cpu or reference alone; exit 1 if it cannot run here."),
    ] = None,
    json: Json = False,
) -> None:
    """What this machine can run, and whether every backend computes what the reference does; exit 1 if not."""
    from scanlab.cli.doctor import run

    raise typer.Exit(run(backend or [], json))


@app.command()
def explore(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help=".scan files to open, or folders; without any, this folder. With --static: strategies and files that "
            "the gallery shows beside the library."
        ),
    ] = None,
    static: Annotated[
        Path | None,
        typer.Option(help="Write the gallery and the lecture into this folder: files that need no server. No NiceGUI."),
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen; any but 127.0.0.1 lets other machines in.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
) -> None:
    """Write a scan order in a browser, and see it and what it compiles to as you type.

    It opens only by the address that is printed, which holds a token; SCANLAB_TOKEN in the environment sets another.
    """
    if static is not None:
        from scanlab.cli.explore_static import run as write

        write(static, files or [])
        return
    from scanlab.cli.explore import run

    run([Path(file) for file in files or []], host, port, browser)


@app.command()
def compare(names: Names, grid: Grid = "", json: Json = False) -> None:
    """Locality metrics side by side, and which strategies are provably the same."""
    from scanlab.cli.compare import run

    run(names, grid, json)


@app.command()
def decompile(
    source: Annotated[
        str,
        typer.Argument(
            help="FILE.npy, FILE.npz[:NAME], package.module:function or file.py:function, whose code is run."
        ),
    ],
    grid: Annotated[
        str, typer.Option("--grid", "-g", help="Extents of the array, or the first that a function is called on.")
    ] = "",
    axes: Annotated[str, typer.Option(help="Names of the axes, as in 't h w'.")] = "",
    merge: Annotated[str, typer.Option(help="How the outputs of several paths merge, which arrays do not tell.")] = "",
    json: Json = False,
) -> None:
    """The line of the language that gives an index array on all grids shown; exit 1 where it is not the only one."""
    from scanlab.cli.decompile import run

    raise typer.Exit(run(source, grid, axes, merge, json))


@app.command()
def explain(code: Annotated[str, typer.Argument(help="An error code, as in S300.")] = "") -> None:
    """What an error code means, with an example that is wrong and one that is right."""
    from scanlab.cli.explain import run

    run(code)
