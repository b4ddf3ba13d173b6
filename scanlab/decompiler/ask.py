"""What a person can give to be decompiled, as arrays by grid; of a function, what it says on grids that tell apart."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from scanlab.compiler.bind import CompiledScan
from scanlab.decompiler.evidence import evidence_of, holds_numbers, with_article
from scanlab.decompiler.result import Decompiled
from scanlab.decompiler.user_code import CodeFailed, CodeTooSlow, run_user_code
from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.expr import Int
from scanlab.ir.grids import Extents, grid_of
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import nodes_in, orders_of
from scanlab.language.axes import parse_axes

__all__ = ["Asked", "ask", "required_arguments"]

Grid = tuple[int, ...]
# Small, of both shapes, odd, prime, powers of two, and multiples of the usual windows: what lines differ on.
FIRST = {1: ((5,), (8,), (12,)), 2: ((3, 5), (5, 3), (7, 7), (8, 8), (6, 9)), 3: ((2, 3, 4), (4, 4, 4), (3, 5, 2))}
# On these a line is only tried.
THEN = {
    1: ((1,), (2,), (17,), (64,)),
    2: ((1, 4), (4, 1), (2, 2), (4, 4), (9, 16), (16, 9), (14, 14), (17, 23), (64, 48)),
    3: ((1, 1, 3), (2, 2, 2), (4, 3, 5), (3, 7, 6), (5, 8, 4), (8, 9, 10)),
}
MOST_WITHOUT_A_LINE = 512
# A function that is slow is asked less: so many seconds at a time, and so many in all.
MOST_SECONDS, ALL_SECONDS = 10.0, 30.0


@dataclass
class Asked:
    """Arrays by grid, and how to get more. refused: grids on which the function gave none to go by, with why."""

    arrays: dict[Grid, Any]
    function: Callable[[Grid], Any] | None = None
    refused: dict[Grid, CodeFailed] = field(default_factory=dict)
    seconds: float = 0.0

    def further(self, answer: Decompiled) -> dict[Grid, Any]:
        """What the function gives on other grids: for a line, some larger than twice any of its constants; else some
        that can still be searched."""
        if self.function is None:
            return {}
        count = len(answer.grids[0])
        usual = THEN.get(count, ())
        if answer.value is None:
            # What is said without a line is not of grids of one row, on which nearly all orders are one.
            wanted = dict.fromkeys(g for g in usual if min(g) > 1 and math.prod(g) <= MOST_WITHOUT_A_LINE)
        else:
            largest = max(
                (n.value for o in orders_of(answer.value) for n in nodes_in(o) if isinstance(n, Int)), default=1
            )
            large = () if count > 3 else (tuple(2 * largest + 1 + 2 * i for i in range(count)),)
            settling = dict.fromkeys(p.settled_by for p in answer.paths if p.settled_by is not None)
            wanted = dict.fromkeys((*settling, *usual, *large))
        return self._call([g for g in wanted if g not in answer.grids and g not in self.refused], self._paths())

    def _paths(self) -> int:
        return evidence_of(dict([next(iter(self.arrays.items()))])).paths

    def again(self, grid: Grid) -> Any:
        """What the function gives on a grid the second time; None where there is none to ask, or it fails now."""
        return self._call([grid]).get(grid)

    def _call(self, grids: Sequence[Grid], paths: int | None = None) -> dict[Grid, Any]:
        """What the function gives that can be gone by: with so many paths, where that is known."""
        given: dict[Grid, Any] = {}
        start = perf_counter()
        for grid in grids:
            taken = perf_counter() - start
            if self.function is None or taken > MOST_SECONDS or self.seconds + taken > ALL_SECONDS:
                break
            try:
                array = run_user_code(partial(_answer_of, self.function, grid))
                _check(array, grid, paths)
                given[grid] = array
            except CodeFailed as error:
                self.refused[grid] = error
                if isinstance(error, CodeTooSlow):
                    # What hung once is not asked again.
                    self.function = None
        self.seconds += perf_counter() - start
        return given

    def notes(self) -> tuple[str, ...]:
        """On which grids a function that gave arrays on others failed, and how."""
        if not self.refused:
            return ()
        grid, why = next(iter(self.refused.items()))
        also = f" (and on {count_text(len(self.refused) - 1, 'other grid')})" if len(self.refused) > 1 else ""
        return (f"on {grid_text(grid)}{also} the function gives no order: {why}",)


def ask(source: Any, grid: Extents | None, axes: str | Iterable[str] | None) -> Asked:
    """Arrays of what was given. Raises S430 for what is nothing of the kind, and S432 for a function that fails."""
    if isinstance(source, CompiledScan):
        return Asked(_only({source.grid: source}, grid))
    if isinstance(source, Mapping):
        return Asked(_only({grid_of(key): given for key, given in source.items()}, grid))
    if _is_module(source):
        from scanlab.decompiler.probe import gathered

        count = _count(grid, axes) or 2
        return _of_function(lambda extents: gathered(source, extents), grid, count)
    if callable(source):
        count = _count(grid, axes) or _extents_of(source)
        return _of_function(_caller(source, count), grid, count)
    if grid is None or not holds_numbers(source):
        alone = " alone does not say which grid it is for" if holds_numbers(source) else " is no array"
        help = _INSTEAD.get(type(source).__name__, "give arrays by grid, as in {(8, 8): array}, or one and its grid")
        raise ScanlabError.at("S430", f"{with_article(type(source).__name__)}{alone}", help=help)
    return Asked({grid_of(grid): source})


_INSTEAD = {
    **dict.fromkeys(("Order", "Scan", "Plan"), "it has a line already: print it"),
    "CompiledPlan": "give one of its scans",
    "Path": "give its sequence with its grid, as in {path.grid: path.sequence}",
    "str": "give an array, as numpy.load reads it, or a function",
}


def _only(arrays: dict[Grid, Any], grid: Extents | None) -> dict[Grid, Any]:
    """All arrays, or that of the grid which was asked for. Raises S430 where there is none."""
    if grid is None:
        return arrays
    wanted = grid_of(grid)
    if wanted not in arrays:
        known = ", ".join(map(grid_text, arrays)) or "none"
        raise ScanlabError.at("S430", f"there is no array of {grid_text(wanted)}", help=f"there are those of {known}")
    return {wanted: arrays[wanted]}


def _count(grid: Extents | None, axes: str | Iterable[str] | None) -> int:
    """How many extents a function is called with, as far as that was said; else 0."""
    if axes is not None:
        return len(parse_axes(axes))
    return 0 if grid is None else len(grid_of(grid))


def _check(array: Any, grid: Grid, paths: int | None) -> None:
    """Raise CodeFailed for what is no list of patches, or of another number of paths."""
    try:
        own = evidence_of({grid: array}).paths
    except ScanlabError as error:
        raise CodeFailed(error.diagnostics[0].message) from error
    if paths not in (None, own):
        raise CodeFailed(f"it gives {count_text(own, 'path')} there, and {paths} elsewhere")


def _of_function(function: Callable[[Grid], Any], grid: Extents | None, count: int) -> Asked:
    asked = Asked({}, function)
    grids = (grid_of(grid),) if grid is not None else FIRST.get(count, ())
    if not grids:
        raise ScanlabError.at("S400", f"no grids of {count} extents are tried unasked", help="give a grid")
    asked.arrays = asked._call(grids)
    if not asked.arrays and grid is None:
        # Some work on squares of a power of two alone.
        asked.arrays = asked._call([(n,) * count for n in (4, 8, 16)])
    if not asked.arrays:
        tried, why = next(iter(asked.refused.items()))
        if isinstance(why.__cause__, ScanlabError):
            raise why.__cause__
        if isinstance(why, CodeTooSlow):
            help = "give a function that answers sooner, or its arrays"
            raise ScanlabError.at("S471", f"the function gives no array on {grid_text(tried)}: {why}", help=help)
        raise ScanlabError.at(
            "S432",
            f"the function gives no array: on {grid_text(tried)} {why}",
            help="give a function of the extents, as in f(height, width), or a grid that it takes",
        )
    return asked


def required_arguments(function: Callable[..., Any]) -> int | None:
    """How many arguments a function has to be given by position; None where it does not tell."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return None
    return sum(p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters)


def _caller(function: Callable[..., Any], count: int) -> Callable[[Grid], Any]:
    """The function called with one extent per argument, or with one grid, as it takes them."""
    if required_arguments(function) == 1 and count > 1:
        return lambda grid: function(grid)
    return lambda grid: function(*grid)


def _extents_of(function: Callable[..., Any]) -> int:
    """How many extents a function takes: one per argument without a default; two where it takes one or none."""
    required = required_arguments(function)
    return required if required is not None and required > 1 else 2


def _answer_of(function: Callable[[Grid], Any], grid: Grid) -> Any:
    return _plain(function(grid))


def _plain(given: Any) -> Any:
    """What a function gave, as arrays: of a tensor [B, K, L] every row is a path."""
    if isinstance(given, list | tuple) or not holds_numbers(given):
        return given
    array = np.asarray(given.detach().cpu().numpy() if hasattr(given, "detach") else given)
    return array.reshape(-1, array.shape[-1]) if array.ndim > 2 and array.size else array


def _is_module(source: Any) -> bool:
    """Whether it is a torch module, without importing torch for what is none."""
    return any((k.__module__, k.__qualname__) == ("torch.nn.modules.module", "Module") for k in type(source).__mro__)
