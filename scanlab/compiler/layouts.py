"""Orders as layouts in the notation of CuTe, such as ``(7,2,7,2):(1,98,14,7)``, and layouts as orders.

A layout is a function from steps to patches: a step is written as coordinates in its shape, the first running fastest
(colexicographically), and the patch is the sum of these times the strides. Patches are numbered row by row, the last
axis fastest. https://docs.nvidia.com/cutlass/latest/media/docs/cpp/cute/01_layout.html
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from scanlab.compiler.bind import CompiledScan, bind
from scanlab.compiler.lattice import check_grid
from scanlab.ir.diagnostics import ScanlabError, Source, Span
from scanlab.ir.expr import LARGEST_INT, Axis, Binary, Compare, Expr, Extent, Int
from scanlab.ir.grids import Extents, grid_of
from scanlab.ir.listed import plain_axes
from scanlab.ir.text import count_text, grid_text
from scanlab.ir.values import Key, Order, Value

__all__ = ["from_layout", "layout_of"]

_USUAL_AXES = {1: ("w",), 2: ("h", "w"), 3: ("t", "h", "w"), 4: ("t", "d", "h", "w")}
_MOST_MODES, _DEEPEST = 64, 16
_EXAMPLE = "a layout is shape:strides, as in (7,2,7,2):(1,98,14,7)"


@dataclass(frozen=True)
class _Mode:
    """One coordinate of a layout: how many values it has, and how many patches apart they are."""

    size: int
    stride: int


def from_layout(layout: Any, grid: Extents, axes: str | Iterable[str] | None = None) -> Order:
    """The order in which a layout of CuTe's visits the patches of one grid: step p goes to patch ``layout(p)``.

    ``layout`` is its text, ``shape:strides``, or prints as it. The order has keys over ``axes`` (``h w`` for two) and
    assumes the extents of ``grid``, since a layout is of one size. Raises ScanlabError S483 for a text that is no
    layout, and S484 for one that does not visit each patch of the grid once.

    >>> import scanlab
    >>> print(scanlab.from_layout("((2,2),(2,2)):((1,4),(2,8))", (4, 4)))
    by h // 2, w // 2, h % 2, w % 2 assume H == 4, W == 4
    """
    text = layout if isinstance(layout, str) else str(layout)
    extents = grid_of(grid)
    names = _USUAL_AXES.get(len(extents), ()) if axes is None else plain_axes(axes)
    if not names:
        raise ScanlabError.at("S212", f"a grid of {len(extents)} axes has no usual names", help='give axes="a b c d e"')
    extents = check_grid(extents, names)
    modes = _read(text)
    _check_bijection(modes, extents, text)
    keys = [Key(e) for mode in reversed(modes) if mode.size > 1 for e in _keys(mode, names, extents)]
    assume = tuple(Compare("==", Extent(a), Int(e)) for a, e in zip(names, extents, strict=True))
    return Order(names, tuple(keys) or (Key(Axis(names[-1])),), assume=assume)


def layout_of(value: Value, grid: Extents) -> str:
    """The simplest layout of CuTe's that visits the patches of a grid as one path does; its modes are coalesced.

    Raises ScanlabError S485 where there is none, which says why, and what `compile` raises.
    """
    bound = bind(value, grid)
    if not isinstance(bound, CompiledScan) or len(bound.paths) != 1:
        raise _no_layout(f"a layout is of one path, `{value.name or value}` has several", "give one of its orders")
    [path] = bound.paths
    total = math.prod(path.grid)
    if len(path.indices) != total:
        raise _no_layout(f"the path leaves out {count_text(total - len(path.indices), 'patch')}", "leave `where` out")
    if path.order.restart or len(path.sequence) != total:
        raise _no_layout("a layout has no place for restarts and tokens", "leave `restart by` and `with` out")
    if path.indices[0] != 0:
        raise _no_layout(f"its first step goes to patch {path.indices[0]}, a layout's to patch 0")
    modes, rest = [], path.indices
    while len(rest) > 1:
        mode = _first_mode(rest)
        modes.append(mode)
        rest = rest[:: mode.size]
    _check_steps(path.indices, modes)
    sizes, strides = [str(m.size) for m in modes], [str(m.stride) for m in modes]
    if len(modes) < 2:
        return f"{''.join(sizes) or 1}:{''.join(strides) or 0}"
    return f"({','.join(sizes)}):({','.join(strides)})"


def _no_layout(why: str, help: str = "") -> ScanlabError:
    return ScanlabError.at("S485", f"this path is no layout: {why}", help=help)


def _first_mode(patches: np.ndarray) -> _Mode:
    """The longest start of equal strides."""
    stride = int(patches[1])
    apart = np.flatnonzero(patches != stride * np.arange(len(patches)))
    return _Mode(int(apart[0]) if len(apart) else len(patches), stride)


def _check_steps(patches: np.ndarray, modes: list[_Mode]) -> None:
    """Raise S485 at the first step at which the path is not the only layout that begins as it does."""
    wrong = np.flatnonzero(patches != _patches(modes, len(patches)))
    if len(wrong) or math.prod(m.size for m in modes) != len(patches):
        step = int(wrong[0]) if len(wrong) else len(patches) - 1
        expected = int(_patches(modes, len(patches))[step])
        goes = f"step {step} goes to patch {patches[step]}"
        if expected == patches[step]:
            sizes = " x ".join(str(m.size) for m in modes)
            raise _no_layout(f"it begins with strides over {sizes} steps, and has {len(patches)}")
        raise _no_layout(f"{goes}, and a layout that begins as this path does would go to {expected}")


def _patches(modes: list[_Mode], steps: int) -> np.ndarray:
    """int64 [steps]: where the first steps of a layout go."""
    rest = np.arange(steps, dtype=np.int64)
    total = np.zeros(steps, dtype=np.int64)
    for mode in modes:
        total += rest % mode.size * mode.stride
        rest //= mode.size
    return total


def _check_bijection(modes: list[_Mode], grid: tuple[int, ...], text: str) -> None:
    """Raise S484, with two coordinates that collide, one that lies outside, or a patch that is missed."""
    steps, total = math.prod(m.size for m in modes), math.prod(grid)
    # Among more steps than patches two collide, or one leaves the grid.
    patches = _patches(modes, min(steps, total + 1))
    outside = np.flatnonzero((patches < 0) | (patches >= total))
    first = np.full(total, -1, dtype=np.int64)
    inside = np.setdiff1d(np.arange(len(patches)), outside)
    first[patches[inside][::-1]] = inside[::-1]
    again = inside[first[patches[inside]] != inside]
    if len(again) and not (len(outside) and outside[0] < again[0]):
        step, patch = int(again[0]), int(patches[again[0]])
        one, two = (_coordinates(modes, s) for s in (int(first[patch]), step))
        raise _no_order(
            f"the coordinates {one} and {two} (steps {first[patch]} and {step}) both go to patch {patch}", text
        )
    if len(outside):
        step = int(outside[0])
        where = f"the coordinates {_coordinates(modes, step)} (step {step}) go to {patches[step]}"
        raise _no_order(f"{where}, a {grid_text(grid)} grid has patches 0 to {total - 1}", text)
    missed = np.flatnonzero(first < 0)
    if len(missed):
        raise _no_order(f"no step goes to patch {missed[0]} of a {grid_text(grid)} grid: it has {steps} steps", text)


def _no_order(why: str, text: str) -> ScanlabError:
    span = Span(Source(text, "<layout>"), 0, len(text))
    return ScanlabError.at("S484", f"this layout is no order of the grid: {why}", span)


def _coordinates(modes: list[_Mode], step: int) -> str:
    values = []
    for mode in modes:
        values.append(step % mode.size)
        step //= mode.size
    return f"({', '.join(map(str, values))})"


def _keys(mode: _Mode, axes: tuple[str, ...], grid: tuple[int, ...]) -> list[Expr]:
    """The coordinate of a mode as keys, the most significant first: of the axis that it runs along, or of several.

    In a layout that visits each patch once strides multiply up: the coordinate is ``patch // stride % size``.
    """
    below = math.prod(grid)
    for axis, extent in zip(axes, grid, strict=True):
        above, below = below, below // extent
        if not below <= mode.stride < above:
            continue
        inside, end = above // mode.stride, mode.stride * mode.size
        if end > above and above % mode.stride == 0 and end % above == 0:
            outer, inner = _Mode(end // above, above), _Mode(inside, mode.stride)
            return [*_keys(outer, axes, grid), *_keys(inner, axes, grid)]
        if mode.stride % below == 0 and above % end == 0:
            return [_digit(Axis(axis), mode.stride // below, mode.size, extent)]
    patch: Expr = Axis(axes[0])
    for axis, extent in zip(axes[1:], grid[1:], strict=True):
        patch = Binary("+", Binary("*", patch, Int(extent)), Axis(axis))
    return [_digit(patch, mode.stride, mode.size, math.prod(grid))]


def _digit(expr: Expr, unit: int, size: int, total: int) -> Expr:
    value = expr if unit == 1 else Binary("//", expr, Int(unit))
    return value if unit * size == total else Binary("%", value, Int(size))


# ---- reading

_Nested = int | tuple["_Nested", ...]
_WORDS = re.compile(r"\s*(_?\d+|-\d+|[():,]|\S)")


def _read(text: str) -> list[_Mode]:
    """The modes of a layout, the first the fastest. Raises S483."""
    words = [(m[1], m.start(1)) for m in _WORDS.finditer(text)]
    shape, at = _tree(words, 0, text, 0)
    if at >= len(words) or words[at][0] != ":":
        raise _unreadable("strides are missing" if at >= len(words) else "`:` is missing", text, words, at)
    start = at + 1
    strides, at = _tree(words, start, text, 0)
    if at < len(words):
        raise _unreadable("something follows the layout", text, words, at)
    modes = list(_modes(shape, strides, text, words, start))
    if len(modes) > _MOST_MODES:
        raise _unreadable(f"it has more than {_MOST_MODES} modes", text, words, 0)
    small = next((m for m in modes if m.size < 1), None)
    if small is not None:
        raise _unreadable(f"a mode has size {small.size}", text, words, 0)
    return modes


def _tree(words: list[tuple[str, int]], at: int, text: str, depth: int) -> tuple[_Nested, int]:
    """A number, or several in parentheses; and the word after it."""
    word = words[at][0] if at < len(words) else ""
    if re.fullmatch(r"_?\d+|-\d+", word):
        number = int(word.removeprefix("_")) if len(word) < 12 else LARGEST_INT + 1
        if abs(number) > LARGEST_INT:
            raise _unreadable(f"this number is larger than {LARGEST_INT}", text, words, at)
        return number, at + 1
    if word != "(" or depth >= _DEEPEST:
        what = "it is nested too deeply" if word == "(" else "a number or a parenthesis is missing"
        raise _unreadable(what, text, words, at)
    items: list[_Nested] = []
    while True:
        item, at = _tree(words, at + 1, text, depth + 1)
        items.append(item)
        word = words[at][0] if at < len(words) else ""
        if word == ")":
            return tuple(items), at + 1
        if word != ",":
            raise _unreadable("`,` or `)` is missing", text, words, at)


def _modes(shape: _Nested, strides: _Nested, text: str, words: list[tuple[str, int]], at: int) -> Iterable[_Mode]:
    if isinstance(shape, int) and isinstance(strides, int):
        yield _Mode(shape, strides)
        return
    if isinstance(shape, int) or isinstance(strides, int) or len(shape) != len(strides):
        raise _unreadable("shape and strides are not nested alike", text, words, at)
    for size, stride in zip(shape, strides, strict=True):
        yield from _modes(size, stride, text, words, at)


def _unreadable(what: str, text: str, words: list[tuple[str, int]], at: int) -> ScanlabError:
    start = words[at][1] if at < len(words) else max(0, len(text) - 1)
    end = start + len(words[at][0]) if at < len(words) else len(text)
    return ScanlabError.at(
        "S483", f"this is no layout: {what}", Span(Source(text, "<layout>"), start, end), help=_EXAMPLE
    )
