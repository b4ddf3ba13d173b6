"""An order for a layer of one's own: indices that lead there and back, and a mixer to put in."""

from __future__ import annotations

import pytest
import torch

import scanlab
from scanlab.ir.diagnostics import ScanlabError
from scanlab.nn import MixerConfig, paths_for, scan_mixer


@pytest.mark.parametrize("strategy", ["hilbert", "sum(row, -row)", "cross", "window[k=2]", "serpentine"])
def test_indices_are_those_of_the_compiler(strategy: str) -> None:
    if strategy == "serpentine":
        strategy = "by h, ~w"
    paths, scan = paths_for(strategy, "4x6"), scanlab.compile(strategy, (4, 6))
    assert [list(row) for row in paths.indices.numpy()] == [list(row) for row in scan.indices]
    rows = torch.randn(2, 24, 3)
    along = paths.along(rows)
    assert torch.equal(along[:, 0], rows[:, paths.indices[0]])
    assert torch.equal(paths.back(along), rows[:, None].expand_as(along))
    assert paths.starts[:, 0].all() and not paths.state_dict()


@pytest.mark.parametrize("strategy", ["sum(row, -row) with cls at middle", "cycle(row, column)"])
def test_what_is_no_permutation_is_refused(strategy: str) -> None:
    with pytest.raises(ScanlabError) as caught:
        paths_for(strategy, (4, 4))
    assert caught.value.diagnostics[0].code == "S855"


def test_a_mixer_starts_alike_for_every_order() -> None:
    layers = []
    for strategy in ("hilbert", "row"):
        torch.manual_seed(0)
        layers.append(scan_mixer(strategy, (4, 4), 8, state=2))
    one, other = (dict(layer.named_parameters()) for layer in layers)
    assert all(torch.equal(one[name], other[name]) for name in one)
    rows = torch.randn(2, 16, 8)
    assert layers[0](rows).shape == rows.shape and not torch.equal(layers[0](rows), layers[1](rows))
    assert layers[0](torch.randn(1, 36, 8), (6, 6)).shape == (1, 36, 8)


def test_a_mixer_refuses_what_it_is_not() -> None:
    layer = scan_mixer("row", (4, 4), 8)
    for call, code in (
        (lambda: layer(torch.zeros(1, 15, 8)), "S602"),
        (lambda: scan_mixer("row", (4, 4), 8, breadth=2), "S612"),
        (lambda: scan_mixer("row", (4, 4), 8, state=2, config=MixerConfig()), "S612"),
        (lambda: scan_mixer("cycle(row, column)", (4, 4), 8), "S855"),
        *((lambda dim=dim: scan_mixer("row", (4, 4), dim), "S612") for dim in (0, -1, 2.5, "x")),
    ):
        with pytest.raises(ScanlabError) as caught:
            call()
        assert caught.value.diagnostics[0].code == code
