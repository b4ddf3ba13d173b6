"""The few calls that most people need: load, parse, prove, compile."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, overload

from scanlab.ir.diagnostics import ScanlabError, Source
from scanlab.ir.values import Order, Plan, Scan, Value
from scanlab.language.library import library_definitions, library_templates
from scanlab.language.module import Definition, Module, parse_value, read_file, read_module

if TYPE_CHECKING:
    from scanlab.compiler.bind import CompiledPlan, CompiledScan
    from scanlab.compiler.proof import Proof

__all__ = ["compile", "load", "load_definition", "load_file", "parse", "parse_axes", "prove"]


def parse_axes(grid: str | Iterable[str]) -> tuple[str, ...]:
    """Axis names from ``"h w"``, ``"h, w"`` or a sequence of names."""
    return tuple(re.split(r"[\s,]+", grid.strip())) if isinstance(grid, str) else tuple(grid)


def parse(text: str, grid: str | Iterable[str] = "h w", name: str = "<text>") -> Value:
    """The order, scan or plan that a line of the language describes.

    ``text`` is a body such as ``by h, ~w`` or ``sum(row, -row)``; ``grid`` names the axes. Library names are known.
    Raises ScanlabError S1xx and S2xx.
    """
    return parse_value(Source(text, name), parse_axes(grid), library_templates)


def load_file(file: str | FilePath) -> Module:
    """All definitions of a ``.scan`` file, with its problems. Raises S107, S103 or S104 if it cannot be read."""
    return read_module(read_file(FilePath(file)), library_templates)


def load(name: str) -> Value:
    """A strategy by name: the library's ``cross``, ``window[k=4]``; or ``path/to/file.scan:name`` from a file.

    A file with one definition needs no ``:name``. Raises ScanlabError.
    """
    value = load_definition(name).value
    if value is None:
        raise ScanlabError.at(
            "S206", f"`{name}` is a helper or needs parameters", help="give its parameters, as in skip[0, 1]"
        )
    return value


def load_definition(name: str) -> Definition:
    """As ``load``, with documentation, source and claims."""
    file, _, wanted = name.partition(".scan")
    if _:
        return _from_file(f"{file}.scan", wanted.removeprefix(":"))
    definitions = library_definitions()
    bare = name.split("[", 1)[0]
    if name in definitions:
        return definitions[name]
    if bare in definitions:
        known = definitions[bare]
        value = parse_value(Source(name), known.axes, library_templates)
        return replace(known, name=name, value=value)
    import difflib

    close = difflib.get_close_matches(name, definitions, 3, 0.6)
    help = f"did you mean {' or '.join(f'`{c}`' for c in close)}?" if close else "`scanlab list` shows the library"
    raise ScanlabError.at("S201", f"there is no strategy `{name}`", help=help)


def _from_file(file: str, wanted: str) -> Definition:
    module = load_file(file)
    usable = [d for d in module.definitions if d.value is not None]
    if wanted:
        # A sound definition stands alone, whatever else is wrong with the file.
        for definition in module.definitions:
            if definition.name == wanted:
                return definition
        if wanted in module.failures:
            raise module.failure(wanted)
        module.raise_problems()
        names = ", ".join(d.name for d in module.definitions)
        raise ScanlabError.at("S201", f"{file} does not define `{wanted}`", help=f"it defines {names}")
    module.raise_problems()
    if len(usable) != 1:
        names = ", ".join(d.name for d in usable) or "nothing that stands alone"
        raise ScanlabError.at("S201", f"{file} defines {names}", help=f"pick one, as in {file}:NAME")
    return usable[0]


def as_value(x: Value | str, grid: Iterable[int] | None = None) -> Value:
    """A value, a strategy's name, or a line of the language, as a value."""
    if not isinstance(x, str):
        return x
    if re.fullmatch(r"[A-Za-z_]\w*(\[[^\]]*\])?", x.strip()) or ".scan" in x:
        return load(x.strip())
    return _parse_line(x, None if grid is None else len(tuple(grid)))


_USUAL_AXES = ("h w", "t h w", "d h w", "x y", "x y z", "w", "p", "t d h w")


def _parse_line(text: str, count: int | None) -> Value:
    """A line on the first usual set of axes on which it has a meaning; else the error on the first of them."""
    first: ScanlabError | None = None
    for axes in _USUAL_AXES:
        if count is not None and len(axes.split()) != count:
            continue
        try:
            return parse(text, axes)
        except ScanlabError as error:
            first = first or error
    if first is None:
        help = "define it in a file, under a grid line that names its axes"
        raise ScanlabError.at("S208", f"a line on its own cannot have {count} axes", help=help)
    raise first


@overload
def compile(x: Order | Scan, grid: Iterable[int] | int) -> CompiledScan: ...
@overload
def compile(x: Plan, grid: Iterable[int] | int) -> CompiledPlan: ...
@overload
def compile(x: str, grid: Iterable[int] | int) -> Any: ...
def compile(x: Value | str, grid: Iterable[int] | int) -> CompiledScan | CompiledPlan:
    """Bind an order, scan or plan to a grid: its paths as indices and ranks.

    ``x`` is a value, a library name or a line of the language; ``grid`` the extents, such as ``(14, 14)``. A plan
    gives a CompiledPlan, everything else a CompiledScan; what a text gives no type checker can know.
    Raises ScanlabError S3xx (ties, missing patches) and S4xx (grids).
    """
    from scanlab.compiler.bind import bind

    extents = (grid,) if isinstance(grid, int) else tuple(grid)
    return bind(as_value(x, extents), extents)


def prove(x: Value | str, grid: Iterable[int] | None = None) -> Proof:
    """Prove that every patch is visited exactly once: for all grid sizes, or else for ``grid``."""
    from scanlab.compiler.prove import prove as prove_value

    extents = None if grid is None else tuple(grid)
    return prove_value(as_value(x, extents), extents)
