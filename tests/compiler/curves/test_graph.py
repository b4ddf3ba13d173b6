import itertools
import math

import networkx
import numpy as np
import pytest

from scanlab.compiler.curves.graph import GRAPH_CELLS, bfs_grid, dfs_grid, fiedler_entries, rcm_grid, spectral_grid
from scanlab.ir.diagnostics import ScanlabError

BOXES = [(1,), (7,), (1, 1), (4, 5), (6, 6), (1, 9), (2, 3, 4), (3, 3, 3)]


def grid_graph(box):
    return networkx.grid_graph(dim=box[::-1])


def cells(ranks):
    order = np.argsort(ranks, axis=None)
    found = [tuple(int(c) for c in np.unravel_index(i, ranks.shape)) for i in order]
    return [c[0] for c in found] if ranks.ndim == 1 else found


@pytest.mark.parametrize("seed", [0, 1, 7])
@pytest.mark.parametrize("box", BOXES)
def test_breadth_first_visits_by_distance_from_its_start(box, seed):
    path = cells(bfs_grid(box, {"seed": seed}))
    distance = networkx.single_source_shortest_path_length(grid_graph(box), path[0])
    assert [distance[c] for c in path] == sorted(distance.values())


@pytest.mark.parametrize("seed", [0, 1, 7])
@pytest.mark.parametrize("box", BOXES)
def test_depth_first_always_goes_on_from_the_deepest_open_cell(box, seed):
    graph, path = grid_graph(box), cells(dfs_grid(box, {"seed": seed}))
    seen, trail = {path[0]}, [path[0]]
    for cell in path[1:]:
        while not set(graph[trail[-1]]) - seen:
            trail.pop()
        assert cell in graph[trail[-1]]
        seen.add(cell)
        trail.append(cell)


@pytest.mark.parametrize("seed,excess", [(0, 0), (1, 1), (5, 1)])
@pytest.mark.parametrize("box", BOXES)
def test_reverse_cuthill_mckee_is_as_narrow_as_networkx_makes_it(box, seed, excess):
    graph, path = grid_graph(box), cells(rcm_grid(box, {"seed": seed}))
    assert bandwidth(graph, path) <= bandwidth(graph, networkx.utils.reverse_cuthill_mckee_ordering(graph)) + excess
    assert graph.degree[path[-1]] == min(degree for _, degree in graph.degree)


def test_reverse_cuthill_mckee_reaches_the_least_bandwidth_of_a_rectangle():
    for box in itertools.product(range(2, 10), repeat=2):
        assert bandwidth(grid_graph(box), cells(rcm_grid(box, {}))) == min(box), box


def bandwidth(graph, path):
    rank = {cell: i for i, cell in enumerate(path)}
    return max((abs(rank[a] - rank[b]) for a, b in graph.edges), default=0)


@pytest.mark.parametrize("seed", [0, 1, 2, 11])
@pytest.mark.parametrize("box", [(7,), (4, 5), (6, 6), (1, 9), (2, 3, 4), (3, 3, 3), (4, 4, 2)])
def test_spectral_follows_a_vector_of_the_fiedler_eigenspace(box, seed):
    graph, ranks = grid_graph(box), spectral_grid(box, {"seed": seed})
    nodes = sorted(graph)
    values, vectors = np.linalg.eigh(networkx.laplacian_matrix(graph, nodelist=nodes).toarray().astype(float))
    space = vectors[:, np.isclose(values, values[1], atol=1e-9)]
    assert space.shape[1] == sum(extent == max(box) for extent in box)
    entries = fiedler_entries(box, seed).ravel()
    assert np.abs(entries).max() > 0.1
    np.testing.assert_allclose(space @ (space.T @ entries), entries, atol=1e-9)
    order = np.argsort(ranks, axis=None)
    along = np.round(entries[order], 9)
    assert (np.diff(along) >= 0).all()
    assert (np.diff(order)[np.diff(along) == 0] > 0).all()


def test_seeds_choose_among_equivalent_orders():
    for order in (bfs_grid, dfs_grid, rcm_grid, spectral_grid):
        assert len({order((6, 6), {"seed": seed}).tobytes() for seed in range(8)}) > 2, order.__name__


def test_seed_zero_is_plain():
    np.testing.assert_array_equal(dfs_grid((3, 4), {}), [[0, 1, 2, 3], [7, 6, 5, 4], [8, 9, 10, 11]])
    np.testing.assert_array_equal(bfs_grid((3, 3), {}), [[0, 1, 3], [2, 4, 6], [5, 7, 8]])
    np.testing.assert_array_equal(rcm_grid((3, 3), {}), [[8, 7, 5], [6, 4, 2], [3, 1, 0]])
    np.testing.assert_array_equal(spectral_grid((3, 3), {}), [[0, 1, 3], [2, 4, 6], [5, 7, 8]])
    np.testing.assert_array_equal(spectral_grid((2, 4), {}), [[0, 2, 4, 6], [1, 3, 5, 7]])


@pytest.mark.parametrize("order", [bfs_grid, dfs_grid, rcm_grid])
def test_a_box_past_the_limit_is_refused(order):
    box = (1, GRAPH_CELLS + 1)
    with pytest.raises(ScanlabError) as caught:
        order(box, {})
    assert caught.value.code == "S401" and str(math.prod(box)) in str(caught.value)
