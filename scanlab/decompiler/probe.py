"""Which patches a torch module reads, step by step: its index tensors, caught while it runs."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from scanlab.ir.diagnostics import ScanlabError
from scanlab.ir.text import count_text, grid_text

__all__ = ["gathered"]

# Functions that read a tensor through another: the position, and the keyword, of the index.
_READERS = {
    torch.gather: (2, "index"),
    Tensor.gather: (2, "index"),
    torch.index_select: (2, "index"),
    Tensor.index_select: (2, "index"),
    torch.take_along_dim: (1, "indices"),
    Tensor.take_along_dim: (1, "indices"),
    torch.take: (1, "index"),
    Tensor.take: (1, "index"),
    torch.embedding: (1, "indices"),
    nn.functional.embedding: (0, "input"),
}
# Widths to try where no parameter tells how many channels a module takes.
WIDTHS = (1, 3, 4, 8, 16, 6, 11)


class _Caught(TorchFunctionMode):
    """Keeps every permutation of `length` patches that something is read through."""

    def __init__(self, length: int) -> None:
        super().__init__()
        self.length = length
        self.permutations: list[np.ndarray] = []

    def __torch_function__(self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is Tensor.__getitem__ and len(args) == 2:
            for index in args[1] if isinstance(args[1], tuple) else (args[1],):
                self._keep(torch.tensor(index) if _is_plain(index) else index)
        elif func in _READERS:
            place, name = _READERS[func]
            self._keep(kwargs.get(name, args[place] if len(args) > place else None))
        return func(*args, **kwargs)

    def _keep(self, index: Any) -> None:
        if not isinstance(index, Tensor) or index.is_floating_point() or index.dtype == torch.bool:
            return
        array = index.detach().cpu().numpy()
        # gather has one index per channel and sample: the patches stand along whichever axis has as many.
        for axis, size in enumerate(array.shape):
            if size != self.length:
                continue
            rows = np.unique(np.moveaxis(array, axis, -1).reshape(-1, size), axis=0)
            for row in rows[:64]:
                if np.array_equal(np.sort(row), np.arange(size)):
                    self.permutations.append(row.astype(np.int64))
            return


def _is_plain(index: Any) -> bool:
    """Whether an index is an array or a list of whole numbers, and no tensor."""
    return isinstance(index, np.ndarray | list) and np.asarray(index).dtype.kind in "iu" and np.size(index) > 0


def gathered(module: nn.Module, extents: tuple[int, ...]) -> np.ndarray:
    """The orders, int64 [K, L], in which a module reads the patches of a grid through an index.

    The module is called without gradients, with random patches [1, L, C] or an image [1, C, *extents] or
    [1, *extents, C], C as its parameters suggest, and is left as it was. An index that undoes an earlier one, as after
    a scan, is no order. What is written through an index, or permuted by flips and transpositions alone, is not seen.
    Raises S432 where nothing is read so, where it takes none of these, or where it reads them differently, so that the
    extents cannot be told from the channels.
    """
    length = math.prod(extents)
    read: list[str] = []
    refused: list[str] = []
    for width in _widths(module, extents):
        readings: list[np.ndarray] = []
        for example in _examples(width, extents):
            try:
                orders = _read(module, example, length)
            except Exception as error:
                refused.append(f"{tuple(example.shape)}: {error}")
                continue
            if orders:
                readings.append(np.stack(orders))
            else:
                read.append(f"{tuple(example.shape)}: no index of {length} patches is seen in what it reads")
        if any(not np.array_equal(readings[0], other) for other in readings):
            read.insert(0, f"with {count_text(width, 'channel')} it reads images with channels first and last")
        elif readings:
            return readings[0]
    # Of shapes that it takes there is more to say.
    failures = [*read, *refused]
    said = failures[0].splitlines()[0]
    raise ScanlabError.at(
        "S432",
        f"no order was caught in {type(module).__name__} on {grid_text(extents)}, called "
        f"{count_text(len(failures), 'time')}",
        note=said,
        help="give the index arrays themselves, or a function of the extents that makes them",
    )


def _read(module: nn.Module, example: Tensor, length: int) -> list[np.ndarray]:
    """The orders in which a module reads one example. It stays what it was: modes and buffers of all its parts."""
    modes = [(part, part.training) for part in module.modules()]
    caught = _Caught(length)
    with torch.no_grad():
        buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
        try:
            module.eval()
            with caught:
                module(example)
        finally:
            for part, training in modes:
                part.training = training
            for buffer, kept in buffers:
                buffer.copy_(kept)
    return _orders(caught.permutations)


def _widths(module: nn.Module, extents: tuple[int, ...]) -> list[int]:
    """Channels to try, those first that no extent can be taken for."""
    widths = dict.fromkeys([*_input_widths(module), *WIDTHS])
    return sorted(widths, key=lambda width: width in extents)


def _examples(width: int, extents: tuple[int, ...]) -> Iterator[Tensor]:
    generator = torch.Generator().manual_seed(0)
    for shape in ((math.prod(extents), width), (width, *extents), (*extents, width)):
        yield torch.randn(1, *shape, generator=generator)


def _input_widths(module: nn.Module) -> Iterator[int]:
    """The channels that its first layers take."""
    for layer in module.modules():
        for name in ("in_channels", "in_features", "d_model", "dim"):
            if isinstance(width := getattr(layer, name, None), int):
                yield width


def _orders(permutations: list[np.ndarray]) -> list[np.ndarray]:
    """Those that do not undo an earlier one, each once."""
    orders: list[np.ndarray] = []
    undone: list[np.ndarray] = []
    for one in permutations:
        if any(np.array_equal(one, other) for other in undone):
            continue
        if any(np.array_equal(one, other) for other in orders):
            continue
        orders.append(one)
        undone.append(np.argsort(one))
    return orders
