"""The command line's root, and the options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Grid", "Json", "MaybeGrid", "Names", "app", "complete"]

app = typer.Typer(
    name="scanlab",
    help="The compiler for scan orders of vision state-space models.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def complete(incomplete: str) -> list[str]:
    """Names of the library that begin so."""
    from scanlab.library_index import read_index

    return [e["name"] for e in read_index()["definitions"] if e["name"].startswith(incomplete)]


Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines.")]


def _no_empty_grid(context: typer.Context, parameter: typer.CallbackParam, value: str) -> str:
    """An empty text, as of a variable of the shell that is not set, is no grid; not to give one is fine."""
    source = context.get_parameter_source(parameter.name or "")
    if not value and source is not None and source.name == "COMMANDLINE":
        from scanlab.ir.grids import grid_of

        grid_of(value)
    return value


_GRID = typer.Option("--grid", "-g", help="Extents, as in 14x14 or 4x14x14.", callback=_no_empty_grid)
Grid = Annotated[str, _GRID]
MaybeGrid = Annotated[
    str | None, typer.Option("--grid", "-g", help="Prove for this grid what cannot be proved for all.")
]
Names = Annotated[
    list[str],
    typer.Argument(
        help="Library names (cross, window[k=4]), FILE.scan, FILE.scan:NAME, or lines such as 'by h, ~w'.",
        autocompletion=complete,
    ),
]


# torch's library for matrices (MKL) ends a process whose working folder was removed, without a word of ours.
_COMPUTING = ("ablate", "bench", "count", "doctor", "erf", "eval", "export", "predict", "search", "train")


def _require_working_folder() -> None:
    try:
        Path.cwd()
    except OSError:
        from scanlab.ir.diagnostics import ScanlabError

        help = "go to a folder that exists, with: cd"
        raise ScanlabError.at("S760", "the working folder no longer exists", help=help) from None


@app.callback(invoke_without_command=True)
def _options(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if context.invoked_subcommand in _COMPUTING:
        _require_working_folder()
    if version:
        import scanlab

        typer.echo(f"scanlab {scanlab.__version__}")
        raise typer.Exit
