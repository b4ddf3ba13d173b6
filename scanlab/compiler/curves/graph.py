"""Orders of the grid graph: breadth-first, depth-first, reverse Cuthill-McKee and spectral.

Cells are the nodes; an edge joins cells one step apart on one axis. The traversals are networkx's. Where an algorithm
leaves a choice (the start, the order of neighbours, a vector of an eigenspace), seed 0 takes the plain one and any
other seed draws it, so that every order is a function of box and seed alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from scanlab.compiler.curves.limits import require_cells
from scanlab.compiler.curves.permutation import ranks_of
from scanlab.compiler.curves.shuffle import draws

if TYPE_CHECKING:
    import networkx

__all__ = ["GRAPH_CELLS", "bfs_grid", "dfs_grid", "fiedler_entries", "rcm_grid", "spectral_grid"]

GRAPH_CELLS = 2**18
"""Most cells of a box for a graph traversal in Python (512x512): a few seconds."""

_DECIMALS = 9


def bfs_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Rank of every cell in a breadth-first traversal of the grid graph.

    Args:
        box: extents, any number of axes.
        options: ``seed``: 0 (default) starts at cell 0 and takes neighbours in row-major order; another seed draws
            the start and the order of neighbours.

    Returns:
        int64 of shape ``box``, dense.

    Raises:
        ScanlabError: S401 for more than ``GRAPH_CELLS`` cells.
    """
    require_cells("bfs", box, GRAPH_CELLS)
    priority = _priority(box, options)
    return _ranks(_breadth_first(_graph(box), int(np.argmin(priority)), priority.__getitem__), box)


def dfs_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Rank of every cell in a depth-first traversal (preorder) of the grid graph.

    Args:
        box: extents, any number of axes.
        options: ``seed``: 0 (default) starts at cell 0 and takes neighbours in row-major order, which makes a snake
            on a rectangle; another seed draws the start and the order of neighbours, which makes a random maze.

    Returns:
        int64 of shape ``box``, dense.

    Raises:
        ScanlabError: S401 for more than ``GRAPH_CELLS`` cells.
    """
    import networkx

    require_cells("dfs", box, GRAPH_CELLS)
    priority = _priority(box, options)

    def by_priority(cells: Iterable[int]) -> Iterator[int]:
        return iter(sorted(cells, key=priority.__getitem__))

    start = int(np.argmin(priority))
    return _ranks(networkx.dfs_preorder_nodes(_graph(box), start, sort_neighbors=by_priority), box)


def rcm_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Rank of every cell in the reverse Cuthill-McKee order, which keeps neighbours within a narrow band of ranks.

    Breadth-first from a corner, neighbours of low degree first, then reversed (E. Cuthill, J. McKee, "Reducing the
    bandwidth of sparse symmetric matrices", 1969; A. George, 1971). On a grid the corners are the pseudo-peripheral
    nodes that the method asks for.

    Args:
        box: extents, any number of axes.
        options: ``seed``: 0 (default) starts at cell 0 and breaks ties along the shorter axes first, which gives the
            least bandwidth that a rectangle allows, its shorter side; another seed draws the corner and the ties.

    Returns:
        int64 of shape ``box``, dense.

    Raises:
        ScanlabError: S401 for more than ``GRAPH_CELLS`` cells.
    """
    require_cells("rcm", box, GRAPH_CELLS)
    graph, priority = _graph(box), _priority(box, options, short_first=True)
    keys = [(graph.degree[cell], priority[cell]) for cell in range(len(priority))]
    order = list(_breadth_first(graph, min(range(len(keys)), key=keys.__getitem__), keys.__getitem__))
    return _ranks(reversed(order), box)


def spectral_grid(box: tuple[int, ...], options: Mapping[str, int]) -> np.ndarray:
    """Rank of every cell by its entry in a Fiedler vector of the grid graph, ties in row-major order.

    The Fiedler vector belongs to the second smallest eigenvalue of the Laplacian. A grid is a Cartesian product of
    paths, so the vector is known exactly (M. Fiedler, "Algebraic connectivity of graphs", 1973): along the longest
    axis, of extent n, ``-cos(pi (x + 1/2) / n)``, and constant along the others. Where several axes are longest,
    every combination of theirs is a Fiedler vector, and a numerical solver returns one by chance; here the seed picks.

    Args:
        box: extents, any number of axes.
        options: ``seed``: 0 (default) adds the vectors of all the longest axes, ascending from cell 0; another seed
            draws their weights and signs.

    Returns:
        int64 of shape ``box``, dense. Entries are compared after rounding to 9 decimals.

    Raises:
        ScanlabError: S401 for a box too large to tabulate.
    """
    require_cells("spectral", box)
    rounded = np.round(fiedler_entries(box, options.get("seed", 0)), _DECIMALS)
    return ranks_of(np.argsort(rounded, axis=None, kind="stable"), box)


def fiedler_entries(box: tuple[int, ...], seed: int) -> np.ndarray:
    """Entries of the Fiedler vector that ``spectral_grid`` sorts by: float64 of shape ``box``, not normalised."""
    longest = [axis for axis, extent in enumerate(box) if extent == max(box)]
    weights = _weights(len(longest), seed)
    entries = np.zeros((1,) * len(box))
    for axis, weight in zip(longest, weights, strict=True):
        wave = -np.cos(np.pi * (np.arange(box[axis]) + 0.5) / box[axis])
        entries = entries + weight * wave.reshape((1,) * axis + (-1,) + (1,) * (len(box) - axis - 1))
    return np.broadcast_to(entries, box)


def _graph(box: tuple[int, ...]) -> networkx.Graph:
    import networkx

    cells = np.arange(math.prod(box)).reshape(box)
    graph = networkx.Graph()
    graph.add_nodes_from(range(cells.size))
    for axis in range(len(box)):
        here = cells.take(range(box[axis] - 1), axis).ravel().tolist()
        there = cells.take(range(1, box[axis]), axis).ravel().tolist()
        graph.add_edges_from(zip(here, there, strict=True))
    return graph


def _breadth_first(graph: networkx.Graph, start: int, key: Callable[[int], Any]) -> Iterator[int]:
    import networkx

    yield start
    for _, cell in networkx.bfs_edges(graph, start, sort_neighbors=lambda cells: iter(sorted(cells, key=key))):
        yield cell


def _priority(box: tuple[int, ...], options: Mapping[str, int], *, short_first: bool = False) -> list[int]:
    """Which cell goes first where there is a choice: drawn, or for seed 0 row-major, perhaps along short axes first."""
    count, seed = math.prod(box), options.get("seed", 0)
    if seed:
        return draws(seed, count).tolist()
    slowest_first = sorted(range(len(box)), key=lambda axis: -box[axis] if short_first else axis)
    cells = np.arange(count).reshape([box[axis] for axis in slowest_first])
    return cells.transpose(np.argsort(slowest_first)).ravel().tolist()


def _weights(count: int, seed: int) -> np.ndarray:
    """Weights of the tied eigenvectors, the largest of size 1 and none of them 0; all 1 for seed 0."""
    if seed == 0:
        return np.ones(count)
    drawn = ((draws(seed, count) >> np.uint64(12)) + 0.5) * 2.0**-51 - 1
    return drawn / np.abs(drawn).max()


def _ranks(order: Iterable[int], box: tuple[int, ...]) -> np.ndarray:
    return ranks_of(np.fromiter(order, dtype=np.int64, count=math.prod(box)), box)
