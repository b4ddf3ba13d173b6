"""The few calls that most people need: load, parse, prove, compile."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, overload

from scanlab.ir.diagnostics import ScanlabError, Source, Span
from scanlab.ir.grids import Extents, grid_of
from scanlab.ir.guesses import nearest_text
from scanlab.ir.text import count_text
from scanlab.ir.values import Order, Plan, Scan, Value
from scanlab.language.axes import parse_axes
from scanlab.language.library import library_definitions, library_templates
from scanlab.language.module import Definition, Module, parse_value, read_file, read_module
from scanlab.language.parse import decode, parse_body
from scanlab.language.usual_axes import USUAL_AXES

if TYPE_CHECKING:
    from scanlab.compiler.bind import CompiledPlan, CompiledScan
    from scanlab.compiler.comparison import OrderComparison
    from scanlab.compiler.proof import Proof

__all__ = [
    "as_definition",
    "as_value",
    "bound",
    "compare",
    "compile",
    "load",
    "load_definition",
    "load_file",
    "parse",
    "parse_axes",
    "prove",
    "to_layout",
]


def parse(
    text: str,
    axes: str | Iterable[str] | None = None,
    name: str = "<text>",
    *,
    grid: str | Iterable[str] | None = None,
) -> Value:
    """The order, scan or plan that a line of the language describes.

    ``text`` is a body such as ``by h, ~w`` or ``sum(row, -row)``; ``axes`` names the axes, ``"h w"`` by default.
    ``grid`` is its older name, with a DeprecationWarning. Library names are known. Raises ScanlabError S1xx, S2xx, and
    S410 for extents as axes.

    >>> import scanlab
    >>> print(scanlab.parse("sum(row, -row)"))
    sum((by h, w), -(by h, w))
    >>> scanlab.parse("by t, h", "t h").axes
    ('t', 'h')
    """
    if not isinstance(text, str):
        raise ScanlabError.at("S410", f"{_shown(text)} is no line of the language", help='give a text, as in "by h, w"')
    if grid is not None:
        if axes is not None:
            raise ScanlabError.at("S410", "`axes` and `grid` name the axes twice", help="give axes alone")
        warnings.warn("parse(grid=) is now parse(axes=)", DeprecationWarning, stacklevel=2)
        axes = grid
    return parse_value(Source(text, name), parse_axes("h w" if axes is None else axes), library_templates)


def load_file(file: str | FilePath) -> Module:
    """All definitions of a ``.scan`` file, with its problems.

    Raises S107, S103 or S104 if it cannot be read, and S410 for what is no path.

    >>> import scanlab
    >>> from pathlib import Path
    >>> _ = Path("mine.scan").write_text("grid h, w  order mine = by h, ~w  expect continuous")
    >>> scanlab.load_file("mine.scan")["mine"].body
    'by h, ~w'
    """
    return read_module(read_file(FilePath(_text_of(file, 'load_file("mine.scan")'))), library_templates)


def read_text(content: bytes, name: str) -> Module:
    """As `load_file`, of the bytes of a text that is in no file. Raises S103 or S104."""
    return read_module(decode(content, name), library_templates)


def load(name: str | os.PathLike[str]) -> Value:
    """A strategy by name: the library's ``cross``, ``window[k=4]``; or ``path/to/file.scan:name`` from a file.

    A file with one definition needs no ``:name``. Raises ScanlabError.

    >>> import scanlab
    >>> print(scanlab.load("window[k=2]"))
    by h // 2, w // 2, h % 2, w % 2
    """
    name = _text_of(name)
    value = load_definition(name).value
    if value is None:
        raise ScanlabError.at(
            "S206", f"`{name}` is a helper or needs parameters", help="give its parameters, as in skip[0, 1]"
        )
    return value


def load_definition(name: str) -> Definition:
    """As ``load``, with documentation, source and claims.

    >>> load_definition("snake").body
    'by h, ~w'
    """
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
    help = nearest_text(bare, definitions, "`scanlab list` shows the library")
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
        names = ", ".join(d.name for d in module.definitions) or "nothing"
        raise ScanlabError.at("S201", f"{file} does not define `{wanted}`", help=f"it defines {names}")
    module.raise_problems()
    if len(usable) != 1:
        names = ", ".join(d.name for d in usable) or "nothing that stands alone"
        help = f"pick one, as in {file}:NAME" if usable else "write a definition, as in order mine = by h, w"
        raise ScanlabError.at("S201", f"{file} defines {names}", help=help)
    return usable[0]


def _text_of(name: Any, example: str = 'load("cross")') -> str:
    """The text of a name or a path. Raises S410 for what is none."""
    text = os.fspath(name) if isinstance(name, os.PathLike) else name
    if isinstance(text, str):
        return text
    raise ScanlabError.at("S410", f"{_shown(name)} is no name", help=f"give a text, as in {example}")


def as_value(x: Value | str | os.PathLike[str], grid: tuple[int, ...] | None = None) -> Value:
    """A value, a strategy's name, or a line of the language, as a value. Raises S410 for anything else."""
    if isinstance(x, Order | Scan | Plan):
        return x
    if isinstance(x, os.PathLike):
        return load(x)
    if not isinstance(x, str):
        suggestions = {
            "Definition": "give its value",
            "Module": 'give the value of one of its definitions, as in module["NAME"].value',
            "CompiledScan": "it is bound to a grid; give its scan",
            "CompiledPlan": "it is bound to a grid; give its plan",
            "Path": "it is bound to a grid; give its order",
            "Symbol": "make an order of it, as in by(h, w)",
        }
        help = suggestions.get(type(x).__name__, 'give a value, a name ("cross") or a line ("by h, ~w")')
        raise ScanlabError.at("S410", f"{_shown(x)} is no order, scan or plan", help=help)
    if _is_name(x):
        return load(x.strip())
    return _parse_line(x, None if grid is None else len(grid))


def _is_name(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z_]\w*(\[[^\]]*\])?", text.strip()) is not None or ".scan" in text


def as_definition(text: str, grid: tuple[int, ...] | None = None) -> Definition:
    """As `as_value`, with its text: the definition of a name, or a line as one that has no name of its own.

    A name with parameters is a line: what a definition claims, it claims with its defaults.

    >>> as_definition("by h, ~w").kind, as_definition("snake").span.source.name
    ('order', 'strategies/basic.scan')
    """
    if _is_name(text) and ("[" not in text or ".scan" in text):
        return load_definition(text.strip())
    value = as_value(text, grid)
    kind = type(value).__name__.lower()
    span = Span(Source(text), 0, len(text))
    name = value.name or text
    return Definition(name, kind, value.axes, value, "", "", "", (), text, text, span, parse_body(span.source))


def _shown(x: Any) -> str:
    """What was given, short enough for a message."""
    text = f"`{x!s}`" if isinstance(x, int | float | bytes) or x is None else f"a {type(x).__name__}"
    return text if len(text) < 60 else f"a {type(x).__name__}"


def _parse_line(text: str, count: int | None) -> Value:
    """A line on the first usual set of axes on which it has a meaning; else the error on the first of them.

    count: how many axes the grid has. Raises S400 where the line has a meaning on another number of axes only, and
    S208 where a line on its own cannot have so many.
    """
    fitting = [axes for axes in USUAL_AXES if count in (None, len(axes))]
    value, error = _first_meaning(text, fitting)
    if value is not None:
        return value
    other, _ = _first_meaning(text, [axes for axes in USUAL_AXES if axes not in fitting])
    if other is not None and count is not None:
        over = f"{count_text(len(other.axes), 'axis')} ({', '.join(other.axes)})"
        raise ScanlabError.at(
            "S400",
            f"`{text.strip()}` is over {over}, and the grid has {count_text(count, 'extent')}",
            help=f"give one extent per axis, as in {'x'.join(['14'] * len(other.axes))}",
        )
    if error is None:
        help = "define it in a file, under a grid line that names its axes"
        raise ScanlabError.at("S208", f"a line on its own cannot have {count_text(count or 0, 'axis')}", help=help)
    raise error


def _first_meaning(text: str, choices: Iterable[tuple[str, ...]]) -> tuple[Value | None, ScanlabError | None]:
    """What a line means on the first axes on which it means something; the error on the first of all."""
    first: ScanlabError | None = None
    for axes in choices:
        try:
            return parse(text, axes), None
        except ScanlabError as error:
            first = first or error
    return None, first


@overload
def compile(x: Order | Scan, grid: Extents) -> CompiledScan: ...
@overload
def compile(x: Plan, grid: Extents) -> CompiledPlan: ...
@overload
def compile(x: str | os.PathLike[str], grid: Extents) -> Any: ...
def compile(x: Value | str | os.PathLike[str], grid: Extents) -> CompiledScan | CompiledPlan:
    """Bind an order, scan or plan to a grid: its paths as indices and ranks.

    ``x`` is a value, a library name or a line of the language; ``grid`` the extents: ``(14, 14)``, ``"14x14"``, an
    array of integers, or an integer for one axis. A plan gives a CompiledPlan, everything else a CompiledScan; what a
    text gives no type checker can know. Raises ScanlabError S3xx (ties, missing patches) and S4xx (grids).

    >>> import scanlab
    >>> scanlab.compile("by w, h", (2, 3)).indices
    array([[0, 3, 1, 4, 2, 5]])
    """
    extents = grid_of(grid)
    return bound(as_value(x, extents), extents)


def compare(strategies: Iterable[Value | str], grid: Extents) -> OrderComparison:
    """Strategies side by side on a grid: the locality of every path, and which are provably the same order.

    strategies: values, library names or lines of the language, as for `compile`. Raises what `compile` raises.

    >>> import scanlab
    >>> print(scanlab.compare(["row", "by w, h"], (8, 8)).pairs[0])
    row is the transpose of by w, h (proved)
    """
    from scanlab.compiler.comparison import compared

    extents = grid_of(grid)
    values = [(each, as_value(each, extents)) for each in strategies]
    scans = [(each if isinstance(each, str) else str(value), bound(value, extents).scans) for each, value in values]
    return compared(scans, extents)


def bound(value: Value, grid: Extents) -> CompiledScan | CompiledPlan:
    """A value bound to a grid, as `compile` does; the error of a tie says which key to add."""
    from scanlab.compiler.bind import bind

    try:
        return bind(value, grid)
    except ScanlabError as error:
        if error.code != "S300":
            raise
        from scanlab.compiler.ties import suggest_fixes

        raise suggest_fixes(error, value) from None


def prove(x: Value | str | os.PathLike[str], grid: Extents | None = None) -> Proof:
    """Prove that every patch is visited exactly once: for all grid sizes, or else for ``grid``, given as to `compile`.

    Raises S400 and S401 for a grid that is none, or is not of the value's axes.

    >>> import scanlab
    >>> print(scanlab.prove("by h, ~w"))
    visits every patch exactly once: proved for all sizes
      by isl, for every grid size, and looking at every patch of small grids
    >>> print(scanlab.prove("by h + w"))
    visits every patch exactly once: refuted
      counter-example: on a 2x2 grid, patches (0, 1) and (1, 0) share the key (1)
      because two patches have the same keys
      by looking at every patch of small grids
    """
    from scanlab.compiler.lattice import check_grid
    from scanlab.compiler.prove import prove as prove_value

    extents = None if grid is None else grid_of(grid)
    value = as_value(x, extents)
    return prove_value(value, None if extents is None else check_grid(extents, value.axes))


def to_layout(x: Value | str | os.PathLike[str], grid: Extents) -> str:
    """The simplest layout of CuTe's, ``shape:strides``, that visits a grid as an order does; see `from_layout`.

    ``x`` and ``grid`` are given as to `compile`. Raises S485, which says why, where the path is no layout, as one with
    turns is none.

    >>> import scanlab
    >>> scanlab.to_layout("window[k=2]", (4, 4))
    '(2,2,2,2):(1,4,2,8)'
    """
    from scanlab.compiler.layouts import layout_of

    extents = grid_of(grid)
    return layout_of(as_value(x, extents), extents)
